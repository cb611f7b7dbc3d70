import inspect
import re

from harness import errors


def test_the_tree_in_the_docstring_is_the_tree():
    classes = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind)}
    drawn = re.findall(r"^[│├└─ ]*(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    assert sorted(classes) == sorted(drawn)
    assert all(issubclass(kind, errors.HarnessError) for kind in classes.values())
