import inspect

from harness import errors


def test_the_tree_in_the_docstring_is_the_tree():
    classes = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind)}
    drawn = [
        line.strip("│├└─ ").split()[0] for line in (errors.__doc__ or "").splitlines() if "Error" in line.split("  ")[0]
    ]
    assert sorted(classes) == sorted(drawn)
    assert all(issubclass(kind, errors.HarnessError) for kind in classes.values())
