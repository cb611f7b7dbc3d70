"""What came of all tests: into the journal as they end, and out as record, report and summary."""

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.plugin.options import allure_folder, is_per_take, out_folder, targets_suites, writes_allure
from harness.plugin.session import close_run, journal_of

if TYPE_CHECKING:
    from harness.records.event import AnyEvent
    from harness.records.run_record import RunRecord
    from harness.run.replay import Replay


JUNIT = "junit.xml"


class Reporter:
    """Lives where every test's report arrives: in the one process, or in xdist's controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._record: RunRecord | None = None
        self._broken: dict[str, str] = {}
        """What of the harness itself failed, and how."""

    @pytest.hookimpl(tryfirst=True, wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """From here on the folder no longer says what an earlier run came to; it says that one goes on."""
        if journal_of(self._config).is_mine:
            self._say_that_it_goes_on()
        return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The same with workers: the first of them knows what is selected."""
        if ids and targets_suites(self._config) and not self._config.option.collectonly:
            journal_of(self._config).begin()
            self._say_that_it_goes_on()

    def _say_that_it_goes_on(self) -> None:
        record = journal_of(self._config).record()
        if not (out_folder(self._config) / "report").exists():
            try:
                self._write(record)
            except Exception as error:  # noqa: BLE001 - the tests can still judge; the run ends as a harness error
                self._broken["the report"] = _in_one_line(error)

    def _write(self, record: "RunRecord") -> None:
        from harness import report

        if record.planned or record.harness_errors:
            report.write(record, out_folder(self._config))
        if writes_allure(self._config):
            from harness.report import allure, allure_takes

            allure.write_run(record, allure_folder(self._config), out_folder(self._config))
            if is_per_take(self._config):
                allure_takes.write_takes(record, allure_folder(self._config), out_folder(self._config))

    def pytest_internalerror(self, excrepr: object) -> None:
        last = (str(excrepr).strip().splitlines() or ["an internal error"])[-1]
        self._broken["pytest"] = last.removeprefix("E").strip()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        from harness.records.event import Answered, Findings, Unjudged
        from harness.records.schema import decode

        # A worker that died sends none, and neither do setup and teardown.
        sent = getattr(report, "harness", "")
        findings = decode(sent, Findings, "what a test found", "run it again") if sent else Findings()
        if not journal_of(self._config).is_mine:
            return
        if findings.has_verdicts:
            self._add(Answered(report.nodeid, findings.comparisons, findings.not_compared))
        if report.failed and not (findings.is_explained and findings.is_of_test):
            self._add(Unjudged(report.nodeid, "failed" if findings.is_of_test else "harness error", _how(report)))
        elif report.skipped and not findings.has_verdicts:
            self._add(Unjudged(report.nodeid, "skipped", _how(report)))

    def _add(self, event: "AnyEvent") -> None:
        try:
            journal_of(self._config).add(event)
        except OSError as error:
            self._broken["the journal"] = f"{error.strerror}: {error.filename or out_folder(self._config)}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        journal, status = journal_of(self._config), int(session.exitstatus)
        workers = bool(self._config.getoption("numprocesses", default=None))
        if not journal.is_mine:
            self._leave_the_earlier_junit()
            ended_by_itself = status in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
            if self._config.option.collectonly or not (workers and ended_by_itself and targets_suites(self._config)):
                return
            journal.begin()
        replay = journal.replay()
        if not replay.has_plan:
            self._broken["the plan"] = "no process could say which takes the selected tests need"
        if not replay.planned and not self._broken:
            return
        session.exitstatus = self._end(replay, status)

    def _leave_the_earlier_junit(self) -> None:
        """A command that begins no run writes over nothing, and pytest is about to write where we told it to."""
        mine = str((Path.cwd() / out_folder(self._config) / JUNIT).resolve())
        for plugin in self._config.pluginmanager.get_plugins():
            if getattr(plugin, "logfile", None) == mine:
                plugin.logfile = os.devnull

    def _end(self, replay: "Replay", status: int) -> int:
        """Write what the run came to, whatever goes wrong meanwhile; the exit status of the process."""
        from harness import report
        from harness.baseline import history
        from harness.records.history import NAME
        from harness.threads import give_back_memory

        close_run(self._config)  # its models and takes: the page needs as much again
        give_back_memory()
        out = out_folder(self._config)
        steps: dict[str, Callable[[RunRecord], object]] = {
            "the history": lambda record: history.append(out / NAME, history.of_run(record)),
            "the report": self._write,
        }
        record = self._close(replay, status)
        for name, step in steps.items():
            try:
                step(record)
            except KeyboardInterrupt:
                status = int(pytest.ExitCode.INTERRUPTED)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no verdict on the model
                self._broken[name] = _in_one_line(error)
            else:
                give_back_memory()
                continue
            record = self._close(replay, status)
            try:
                report.write_without_page(record, out)
            except OSError as error:
                self._broken["the record"] = f"{error.strerror}: {error.filename or out}"
                record = self._close(replay, status)
        from harness.records.event import Ended

        self._add(Ended(record.ended, record.exit_code))
        self._record = record
        return record.exit_code

    def _close(self, replay: "Replay", status: int) -> "RunRecord":
        """The run as it ends with this status of pytest, and with what of the harness failed until now."""
        from harness.records.event import Ended, Unjudged
        from harness.run.journal import now

        for name, how in self._broken.items():
            broken = Unjudged(name, "harness error", how)
            if name not in replay.unjudged:
                self._add(broken)
            replay.take_in(broken)
        replay.take_in(Ended(now(), status))
        replay.take_in(Ended(replay.ended, replay.exit_code))
        return replay.record()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._record is None:
            return
        from harness.report.page import FOLDER
        from harness.report.terminal import summary

        out = out_folder(self._config)
        terminalreporter.section("may it go out?")
        for line in summary(self._record, out, out / FOLDER / "index.html"):
            terminalreporter.write_line(line)


def _in_one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _how(report: pytest.TestReport) -> str:
    """Why a test failed or was skipped, in one line."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr or report.outcome).strip()
    return text.splitlines()[0] if text else str(report.outcome)
