"""From the command to the takes: what is wrong with the command ends it, what is selected is generated once."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from harness.backends import gpu
from harness.corpus import suites_of
from harness.errors import RulerError, UsageError
from harness.plugin.blocks import block_by_block, blocks
from harness.plugin.options import (
    PlainUsage,
    allure_folder,
    corpus_folder,
    is_per_take,
    is_worker,
    judged_by,
    looks,
    out_folder,
    policy_of,
    required_by_policy,
    share_of,
    targets_all_suites,
    targets_suites,
    value,
    writes_allure,
)
from harness.plugin.reporter import JUNIT, Reporter
from harness.plugin.session import about, asked_takes, journal_of, load, run_of, wanted_by
from harness.plugin.suites import required_by, required_in, required_of

if TYPE_CHECKING:
    from harness.records.event import Whole
    from harness.report.progress import Progress

_PYTESTS_REPORTCHARS = "fE"
_ESCAPING = "disable_test_id_escaping_and_forfeit_all_rights_to_community_support"
_DESELECTED = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "suite(name): the tests of this module judge takes of that corpus file; without a name, of all"
    )
    config.addinivalue_line("markers", "slow: takes more than a second")
    config.addinivalue_line("markers", "browser: opens the report in headless Chromium")
    workers = _workers(config)
    if value(config, "--cluster") and workers:
        raise pytest.UsageError(f"--cluster with {workers} workers: the cluster has its own; leave -n out")
    if config.getoption("--gpu") and not value(config, "--cluster"):
        with PlainUsage():
            gpu.refuse_without(workers)
    if value(config, "--suites"):
        with PlainUsage():
            config.args[:] = [str(judged_by(config).path)]
    if targets_suites(config) and targets_all_suites(config) and value(config, "--corpus"):
        config.args.append(str(corpus_folder(config)))
    if is_worker(config):
        return
    if getattr(config.option, "testrunuid", "given") is None:
        config.option.testrunuid = uuid4().hex  # names the run in xdist's workers too
    config.pluginmanager.register(Reporter(config))
    if targets_suites(config) and not config.option.collectonly:
        with PlainUsage():
            _refuse_unwritable(out_folder(config))
        config.option.xmlpath = config.option.xmlpath or str(out_folder(config) / JUNIT)
        if config.option.reportchars == _PYTESTS_REPORTCHARS:
            config.option.reportchars = ""  # the summary names what blocks; a list of all tests would hide it


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Read everything that the user wrote, so that a mistake ends the run with one line before it begins."""
    if not targets_suites(session.config):
        return
    with PlainUsage():
        if not (is_worker(session.config) or session.config.option.collectonly):
            journal_of(session.config).claim()
            session.config.add_cleanup(journal_of(session.config).release)
        if is_per_take(session.config) and writes_allure(session.config):
            from harness.report import allure_takes

            session.config.add_cleanup(allure_takes.leave_tests_of_takes_out(allure_folder(session.config)))
        run = run_of(session.config)
        assert run.backend is not None
        assert run.voices
        assert run.measuring.fingerprints()  # a model that cannot be opened ends the run here
        policy_of(session.config)
        required_by_policy(session.config)
        corpus = {suite: load(session.config, suite) for suite in suites_of(corpus_folder(session.config))}
        for suite in corpus:
            run.settings.profile.of(suite, required_of(judged_by(session.config), suite))
        check = getattr(run.backend, "check", None)
        if check is not None:
            first, most = run.settings.first_seed, looks(session.config)[-1]
            rows = [row for rows in corpus.values() for row in rows]
            check([run.request(row, seed) for row in rows for seed in range(first, first + most)])
        if not session.config.option.collectonly:
            makes_takes = is_worker(session.config) or not _workers(session.config)
            if makes_takes and targets_all_suites(session.config) and not _selects(session.config):
                run.prefetch(run.request(row, run.settings.first_seed) for rows in corpus.values() for row in rows)
            _judge_references(session.config)


def _workers(config: pytest.Config) -> int:
    """How many processes share the tests and the takes; none where this one has them all."""
    return len(getattr(config.option, "tx", None) or ())


def _selects(config: pytest.Config) -> bool:
    """Whether tests are chosen by what was typed; a project's own `-m` leaves out none of its takes."""
    return any(str(word).startswith(("-k", "-m")) for word in config.invocation_params.args)


def _judge_references(config: pytest.Config) -> None:
    """Before anything is generated: references that cannot serve end the run, and doubtful ones are named at once."""
    from harness.run import references

    run, suites = run_of(config), judged_by(config)
    metrics = [metric for suite in suites_of(corpus_folder(config)) for metric in required_of(suites, suite)]
    run.doubts = references.judge(run.voices, run.measuring, metrics, run.settings.options.reference_fallback)
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not is_worker(config):
        for doubt in run.doubts:
            terminal.write_line(f"doubtful: {doubt}")


@contextmanager
def _ids_as_written(config: pytest.Config) -> Iterator[None]:
    """Parametrize with ids as they are, for -k and JUnit: pytest escapes what is not ASCII."""
    known = config._inicache
    before = config.getini(_ESCAPING)
    known[_ESCAPING] = True
    try:
        yield
    finally:
        known[_ESCAPING] = before


def _refuse_unwritable(out: Path) -> None:
    """See whether the output folder can be written to, without leaving anything there."""
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise UsageError(f"--out: {out} cannot be written to ({error.strerror}): give another folder") from error


def _whole(config: pytest.Config) -> "Whole":
    """What the whole release is, of which the command may have selected a part."""
    from harness.records.event import Whole

    run = run_of(config)
    gates, seeds = run.profile.gates, run.settings.seeds
    corpus = {suite: load(config, suite) for suite in suites_of(corpus_folder(config))}
    ignored = bool(config.getoption("ignore") or config.getoption("ignore_glob"))
    return Whole(
        takes={suite: len(rows) * len(seeds) for suite, rows in corpus.items()},
        gates={suite: tuple({gate.asked_as: None for gate in gates if gate.is_for(suite)}) for suite in corpus},
        left_out="" if targets_all_suites(config) and not ignored else "the command names a part of the suites",
        may_be_partial=bool(config.getoption("--partial")) or not os.environ.get("CI"),
    )


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count the tests of takes and of comparisons that the command leaves out."""
    for item in items:
        if {"utterance", "not_worse"} & set(getattr(item, "fixturenames", ())):
            item.config.stash[_DESELECTED] = item.config.stash.get(_DESELECTED, 0) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """The same for tests elsewhere that ask for takes: what they require has a gate, or the run does not begin."""
    with PlainUsage():
        for suite, metric in required_by(items):
            run_of(session.config).settings.profile.of(suite, [metric])
    items[:] = block_by_block(items)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "utterance" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("suite")
    if mark is None or len(mark.args) != 1:
        raise pytest.UsageError(
            f"{metafunc.definition.nodeid} asks for takes, but its module is not named after a file of the corpus "
            "and has no suite(name) mark"
        )
    with PlainUsage(), _ids_as_written(metafunc.config):
        run, rows = run_of(metafunc.config), load(metafunc.config, *mark.args)
        named, seeds = required_in(metafunc.function), run.settings.seeds
        arises = not named or "other_metrics" in metafunc.fixturenames or not run.measuring.cannot_arise(named)
        of_many = blocks(metafunc, rows, seeds, arises)
        if of_many:
            metafunc.parametrize(("utterance", "seed"), [(block, 0) for block in of_many], ids=map(str, of_many))
            return
        metafunc.parametrize("utterance", rows, ids=str)
        if "seed" in metafunc.fixturenames:
            metafunc.parametrize("seed", seeds, ids=lambda seed: f"seed{seed}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which takes the selected tests plan, on disk, so that a killed run is known to be one.

    All xdist workers plan the same and all say so: any of them may die.
    """
    if session.config.option.collectonly or not session.items:
        return
    with PlainUsage():
        asked = {item.nodeid: takes for item in session.items if (takes := asked_takes(item))}
    if asked or targets_suites(session.config):
        from harness.records.event import Described, Planned
        from harness.records.take_record import TakeKey

        planned, same = dict[str, tuple[TakeKey, ...]](), dict[str, str]()
        first: dict[tuple[TakeKey, ...], str] = {}
        for test, takes in asked.items():
            keys = tuple(TakeKey(utterance.suite, utterance.id, seed) for utterance, seed in takes)
            if first.setdefault(keys, test) == test:
                planned[test] = keys
            else:
                same[test] = first[keys]
        journal = journal_of(session.config)
        journal.begin()
        if targets_suites(session.config):
            journal.add(_whole(session.config))
        if asked:
            from harness.run.rejudging import settings_as_data

            settings = settings_as_data(run_of(session.config).settings)
            journal.add(Described(about(session.config), settings))
        journal.add(Planned(planned, session.config.stash.get(_DESELECTED, 0), same))
        _look_no_more_for_garbage()


def pytest_unconfigure(config: pytest.Config) -> None:
    """At its end pytest searches all there is five times for garbage to report; what is left here is none."""
    if targets_suites(config):
        _look_no_more_for_garbage()


def _look_no_more_for_garbage() -> None:
    """What was made so far lives as long as the process: searching it anew was a tenth of a rerun.

    A session inside a test of another one leaves nothing behind.
    """
    if "PYTEST_CURRENT_TEST" not in os.environ:
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Generate what the selected tests need, once, before the first of them."""
    from harness.run.measured_before import MeasuredBefore

    _let_termination_interrupt(session.config)
    items = getattr(session, "items", [])
    languages = {utterance.language for item in items for utterance, _ in asked_takes(item)}
    if languages and not session.config.option.collectonly and not session.testsfailed:
        run = run_of(session.config)
        with PlainUsage(), _progress(session.config) as progress:
            metrics = {metric for _, metric in required_by(items)}
            with suppress(RulerError):  # every test that asks for the run says so
                run.check_ruler(metrics, languages)
                journal = journal_of(session.config)
                run.ledger, run.share = journal, share_of(session.config)
                run.before = before = MeasuredBefore(journal.previous, run.measuring)
                run.carry_out(wanted_by(run, items), progress, progress.judged)
                progress.taken_over(before.taken_over)
    return (yield)


def _let_termination_interrupt(config: pytest.Config) -> None:
    """A request to terminate ends the run like Ctrl-C: what is finished is kept, the device is freed, exit 2."""
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)

        def restore() -> None:
            signal.signal(signal.SIGTERM, before)

        config.add_cleanup(restore)


@contextmanager
def _progress(config: pytest.Config) -> "Iterator[Progress]":
    """Between tests pytest does not capture what is written, so a progress bar reaches the terminal."""
    from harness.report.progress import Progress

    progress = Progress(sys.stdout, quiet=is_worker(config))
    try:
        yield progress
    finally:
        progress.close()
