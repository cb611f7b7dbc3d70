"""Suites as data: a corpus file is a suite, and every suite is judged by the criteria.

`criteria.py` of the suites folder (or the shipped one) holds the test functions. A suite's tests are those, and what
`test_SUITE.py` adds where there is one; `gates.toml` itself carries the tests of the whole release where there is no
`test_release.py`. What the tests require is read from their source, so that a metric without a gate is found before
anything is generated.
"""

import ast
import importlib.util
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.errors import GateError
from harness.plugin.options import corpus_folder, judged_by, suites_folder
from harness.plugin.session import run_of
from harness.shipped import SuitesFolder

CRITERIA = "criteria.py"
RELEASE = "test_release.py"


class SuiteModule(pytest.Module):
    """The tests of one suite: its own module, where it has one, and the criteria."""

    def _getobj(self) -> ModuleType:
        config = self.config
        folder = suites_folder(config)
        assert folder is not None
        if self.path.suffix == ".py":
            module = super()._getobj()  # type: ignore[no-untyped-call]
            name = self.path.stem.removeprefix("test_")
        else:
            module, name = ModuleType(self.path.stem), self.path.stem
        whole = self.path.name == "gates.toml"
        mark = pytest.mark.suite() if whole else pytest.mark.suite(name)
        given = getattr(module, "pytestmark", [])
        marks = [given] if isinstance(given, pytest.MarkDecorator) else list(given)
        if not any(given_mark.name == "suite" for given_mark in marks):
            module.pytestmark = [*marks, mark]
        for test in _tests_of(folder.own_or_shipped(RELEASE if whole else CRITERIA)):
            if not hasattr(module, test.__name__):
                setattr(module, test.__name__, test)
        return module  # type: ignore[no-any-return]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A corpus file without a module of its own, or gates.toml, is collected as one."""
    if file_path.suffix != ".toml":
        return None
    folder = suites_folder(parent.config)
    if folder is None:
        return None
    if file_path == folder.gates and not (folder.path / RELEASE).is_file():
        return SuiteModule.from_parent(parent, path=file_path)
    own_module = folder.path / f"test_{file_path.stem}.py"
    if file_path.parent == corpus_folder(parent.config) and not own_module.is_file():
        return SuiteModule.from_parent(parent, path=file_path)
    return None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """A module that is named after a suite gets the criteria beside its own tests."""
    folder = suites_folder(parent.config)
    if folder is None or module_path.parent != folder.path or not module_path.name.startswith("test_"):
        return None
    suite = corpus_folder(parent.config) / f"{module_path.stem.removeprefix('test_')}.toml"
    return SuiteModule.from_parent(parent, path=module_path) if suite.is_file() else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With another corpus, a module whose suite that corpus does not hold has nothing to judge."""
    folder = suites_folder(config)
    if folder is None or collection_path.parent != folder.path or not collection_path.name.startswith("test_"):
        return None
    own = f"{collection_path.stem.removeprefix('test_')}.toml"
    return True if (folder.corpus / own).is_file() and not (corpus_folder(config) / own).is_file() else None


def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> list[pytest.Item] | None:
    """The test of all other gates is none where there are no others."""
    if not name.startswith("test_") or "other_metrics" not in getattr(
        getattr(obj, "__code__", None), "co_varnames", ()
    ):
        return None
    mark = collector.get_closest_marker("suite")
    return None if mark is None or other_metrics_of(collector.config, *mark.args) else []


def other_metrics_of(config: pytest.Config, suite: str) -> tuple[str, ...]:
    """The metrics that have a gate in a suite and that none of its tests names."""
    named = required_of(judged_by(config), suite)
    gates = run_of(config).settings.profile.gates
    return tuple(dict.fromkeys(gate.metric for gate in gates if gate.is_for(suite) and gate.metric not in named))


@lru_cache
def _tests_of(path: Path) -> tuple[Callable[..., Any], ...]:
    """The test functions of a file, in order."""
    name = f"harness_{path.stem}_{abs(hash(path))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return tuple(value for key, value in vars(module).items() if key.startswith("test_") and callable(value))


def required(source: str) -> tuple[str, ...]:
    r"""The metrics that tests name when they call `require`, read from their source.

    >>> required("def test_it(require):\n    require('length', 'finished')")
    ('length', 'finished')
    """
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "require"]
    constants = [argument.value for call in named for argument in call.args if isinstance(argument, ast.Constant)]
    return tuple(dict.fromkeys(name for name in constants if isinstance(name, str)))


def required_of(folder: SuitesFolder, suite: str) -> tuple[str, ...]:
    """The metrics that the tests of a suite name.

    Raises:
        GateError: A module is no Python.
    """
    names: list[str] = []
    for path in (folder.own_or_shipped(CRITERIA), folder.path / f"test_{suite}.py"):
        if path.is_file():
            try:
                names += required(path.read_text(encoding="utf-8"))
            except (SyntaxError, UnicodeDecodeError) as error:
                raise GateError(f"{path} is not valid Python: {error}") from error
    return tuple(dict.fromkeys(names))


def required_by(items: Iterable[pytest.Item]) -> dict[tuple[str, str], str]:
    """(suite, metric) that tests require, each with one test that does."""
    requiring: dict[tuple[str, str], str] = {}
    for item in items:
        mark = item.get_closest_marker("suite")
        if mark is None or "require" not in getattr(item, "fixturenames", ()):
            continue
        for metric in required_in(item.function):  # type: ignore[attr-defined]
            for suite in mark.args:
                requiring.setdefault((suite, metric), item.nodeid)
    return requiring


def metrics_of(item: pytest.Item, suite: str) -> tuple[str, ...]:
    """The metrics whose gates a test asks for, as far as it names them."""
    names = getattr(item, "fixturenames", ())
    if "require" not in names:
        return ()
    others = other_metrics_of(item.config, suite) if "other_metrics" in names else ()
    return (*required_in(item.function), *others)  # type: ignore[attr-defined]


@lru_cache
def required_in(function: Callable[..., Any]) -> tuple[str, ...]:
    """The metrics that a test names."""
    try:
        return required(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ()
