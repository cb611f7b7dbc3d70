"""What all tests of the harness share."""

import sys
from collections import Counter
from concurrent.futures import Executor, Future
from functools import cache
from pathlib import Path

import _pytest.pytester
import hypothesis
import pytest

from harness import registry, shipped
from harness.metrics import declaration
from harness.threads import one_thread

# What an example may take is no business of these tests: the first one loads what the others find loaded.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_collection_modifyitems(items):
    """Files with many slow tests first, so that no worker has one left when the others are through."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture
def pytester(only_projects_are_forgotten, pytester):
    """pytest's own fixture, kept from forgetting installed packages."""
    return pytester


@pytest.fixture
def own_metrics(monkeypatch):
    """Metrics and analyses that are declared from here on are forgotten after the test."""
    registry.metrics()
    monkeypatch.setattr(registry, "_METRICS", dict(registry._METRICS))
    monkeypatch.setattr(declaration, "ANALYSES", dict(declaration.ANALYSES))


@pytest.fixture
def only_projects_are_forgotten(own_metrics, monkeypatch, tmp_path_factory):
    """After each in-process run forget the modules of its project, and of the shipped suites, only.

    pytest forgets every module that the run imported; torch, NumPy and SciPy crash when they are imported again.
    """
    forgotten = {tmp_path_factory.getbasetemp().resolve(), shipped.SUITES.resolve()}

    def is_installed(name: str) -> bool:
        file = getattr(sys.modules[name], "__file__", None)
        return file is None or not forgotten & _folders(file)

    class Snapshot(_pytest.pytester.SysModulesSnapshot):
        def __init__(self, preserve=None):
            super().__init__(is_installed)

    monkeypatch.setattr(_pytest.pytester, "SysModulesSnapshot", Snapshot)


@cache
def _folders(file: str) -> frozenset[Path]:
    """All folders that a module lies in; torch alone has a thousand modules, and each in-process run asks for all."""
    return frozenset(Path(file).resolve().parents)


@pytest.fixture
def spoken_here(monkeypatch):
    """The embedded voice speaks in this process, which prepares a voice once for all tests: a new pool would again."""
    monkeypatch.setattr("harness.backends.embedded.ProcessPoolExecutor", lambda **_: Here())


class Here(Executor):
    """A pool of this process alone."""

    def submit(self, function, /, *arguments, **named):
        done = Future()
        with one_thread():
            try:
                done.set_result(function(*arguments, **named))
            except Exception as error:  # noqa: BLE001 - told where the result is asked for, as any pool does
                done.set_exception(error)
        return done
