"""What came of all tests: into the journal as they end, and out as record, report and summary."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from harness.plugin.options import out_folder, targets_suites, writes_allure
from harness.plugin.session import journal_of

if TYPE_CHECKING:
    from harness.records.run_record import RunRecord


class Reporter:
    """Lives where every test's report arrives: in the one process, or in xdist's controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._record: RunRecord | None = None

    @pytest.hookimpl(tryfirst=True, wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """From here on the folder says that a run goes on."""
        if targets_suites(self._config) and journal_of(self._config).open:
            self._write(journal_of(self._config).record())
        return (yield)

    def _write(self, record: "RunRecord") -> None:
        from harness import report

        if record.planned:
            report.write(record, out_folder(self._config))
        if writes_allure(self._config):
            from harness.report import allure

            folder = self._config.invocation_params.dir / str(self._config.getoption("allure_report_dir"))
            allure.write_run(record, folder, out_folder(self._config))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        from harness.records.event import Findings, Judged, Unjudged
        from harness.records.schema import decode

        # A worker that died sends none, and neither do setup and teardown.
        sent = getattr(report, "harness", "")
        findings = decode(sent, Findings, "what a test found", "run it again") if sent else Findings()
        journal = journal_of(self._config)
        journal.open = journal.open or findings.has_findings  # begun by a worker
        if not journal.open:
            return
        if findings.has_findings:
            judged = Judged(report.nodeid, findings.takes, findings.comparisons, findings.not_compared)
            journal.add(judged)
        if report.failed and not (findings.is_explained and findings.is_of_test):
            journal.add(Unjudged(report.nodeid, "failed" if findings.is_of_test else "harness error", _how(report)))
        elif report.skipped and not findings.has_verdicts:
            journal.add(Unjudged(report.nodeid, "skipped", _how(report)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        journal = journal_of(self._config)
        if not journal.open:
            return
        from harness.baseline import history
        from harness.records.event import Ended
        from harness.records.history import NAME
        from harness.run.journal import now

        replay = journal.replay()
        if not replay.planned:
            return
        replay.take_in(Ended(now(), int(session.exitstatus)))
        session.exitstatus = replay.exit_code
        ended = Ended(replay.ended, replay.exit_code)
        journal.add(ended)
        replay.take_in(ended)
        self._record = replay.record()
        history.append(out_folder(self._config) / NAME, history.of_run(self._record))
        self._write(self._record)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._record is None:
            return
        from harness.report.page import FOLDER
        from harness.report.terminal import summary

        out = out_folder(self._config)
        terminalreporter.section("may it go out?")
        for line in summary(self._record, out, out / FOLDER / "index.html"):
            terminalreporter.write_line(line)


def _how(report: pytest.TestReport) -> str:
    """Why a test failed or was skipped, in one line."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr or report.outcome).strip()
    return text.splitlines()[0] if text else str(report.outcome)
