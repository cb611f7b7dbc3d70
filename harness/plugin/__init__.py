"""The pytest plugin: options, hooks in pytest's calling order, fixtures. It computes nothing.

A test in a module marked `suite("short")` that asks for `require` (or `take`) runs once for each utterance of that
corpus and each seed. What the selected tests need is generated once, before the first of them.

    options      what can be asked for
    session      what a session is about: its run, its journal, its comparison
    collection   from the command to the takes
    fixtures     what a test can ask for
    reporter     what came of all tests
"""

pytest_plugins = ["harness.plugin.options", "harness.plugin.collection", "harness.plugin.fixtures"]
