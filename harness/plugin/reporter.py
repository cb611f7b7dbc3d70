"""What came of all tests: into the journal as they end, and out as manifest, report and summary."""

import json
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from harness.plugin.options import out_folder, targets_suites, writes_allure
from harness.plugin.session import journal_of

if TYPE_CHECKING:
    from harness.report.manifest import Manifest


class Reporter:
    """Lives where every test's report arrives: in the one process, or in xdist's controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._manifest: Manifest | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """A run of the suites is known to have begun even where it dies before its first test is known."""
        if not self._config.option.collectonly and targets_suites(self._config):
            journal_of(self._config).begin()
            if self._config.getoption("numprocesses", default=None):
                journal_of(self._config).forget_reports()  # the workers may begin before this process's test loop

    @pytest.hookimpl(tryfirst=True, wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """From here on the folder no longer says what an earlier run came to; it says that one goes on."""
        if targets_suites(self._config) and journal_of(self._config).open:
            journal_of(self._config).forget_reports()
            self._write(journal_of(self._config).manifest())
        return (yield)

    def _write(self, manifest: "Manifest") -> None:
        from harness import report

        if manifest.planned:
            report.write(manifest, out_folder(self._config))
        if writes_allure(self._config):
            from harness.report import allure

            folder = self._config.invocation_params.dir / str(self._config.getoption("allure_report_dir"))
            allure.write_run(manifest, folder, out_folder(self._config))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        from harness.report.manifest import AGAINST

        # A worker that died sends none.
        sent = json.loads(getattr(report, "harness", '{"found": [], "compared": [], "kind": "harness error"}'))
        journal = journal_of(self._config)
        journal.open = journal.open or bool(sent["found"] or sent["compared"])  # begun by a worker
        if not journal.open:
            return
        event: dict[str, object] = {"test": report.nodeid}
        if sent["found"]:
            event["found"] = sent["found"]
        if sent["compared"]:
            event["compared"] = sent["compared"]
        verdicts = [verdict for one in sent["found"] for verdict in one["verdicts"]] + sent["compared"]
        explained = any(verdict["outcome"] in AGAINST for verdict in verdicts)
        if report.failed and not (explained and sent["kind"] == "failed"):
            event |= {"kind": sent["kind"], "how": _how(report)}
        elif report.skipped and not verdicts:
            event |= {"kind": "skipped", "how": _how(report)}
        if len(event) > 1:
            journal.add(**event)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        journal = journal_of(self._config)
        if not journal.open:
            return
        from harness.baseline import history
        from harness.report.journal import now

        manifest = journal.manifest()
        if not manifest.planned:
            return
        ended = {"ended": now(), "exit_status": int(session.exitstatus)}
        manifest.take_in(ended)
        session.exitstatus = manifest.exit_code
        journal.add(**ended | {"exit_status": manifest.exit_code})
        self._manifest = manifest
        history.append(out_folder(self._config) / history.NAME, history.of_run(manifest.as_json()))
        self._write(manifest)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._manifest is None:
            return
        from harness.report.page import FOLDER
        from harness.report.terminal import summary

        out = out_folder(self._config)
        terminalreporter.section("may it go out?")
        for line in summary(self._manifest, out, out / FOLDER / "index.html"):
            terminalreporter.write_line(line)


def _how(report: pytest.TestReport) -> str:
    """Why a test failed or was skipped, in one line."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr or report.outcome).strip()
    return text.splitlines()[0] if text else str(report.outcome)
