collect_ignore_glob = ["ours/*.py"]  # doctest would import them, and register their metrics in this process
