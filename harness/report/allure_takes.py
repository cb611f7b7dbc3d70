"""One Allure test a take, its gates as steps: written from the record of the run, whichever tests judged it.

Conventions
    A take has one identity, its key, over runs, retries and edited texts. What was planned and not judged is broken, so
    that a killed run does not look green. The message of a take that blocks names its gates and no number: Allure
    groups by it, and a cause is one line. The worst take comes first.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from allure_commons import hookimpl, plugin_manager
from allure_commons.logger import AllureFileLogger

from harness.audio import content_hash, write_atomically
from harness.records.gate import AGAINST, Outcome, Verdict
from harness.records.run_record import RunRecord
from harness.records.take_record import TakeKey, TakeRecord
from harness.report import allure, page
from harness.report.allure_checks import gather_checks
from harness.report.clips import MIME
from harness.report.overview import four_lines, worst_first, worst_outcome
from harness.report.panel import Player, players

PREFIX = "harness-take-"
_SOUND = "harness-sound-"
_STATUS = {
    Outcome.PASS: "passed",
    Outcome.WARN: "passed",
    Outcome.FAIL: "failed",
    Outcome.INCONCLUSIVE: "failed",
    Outcome.EXCUSED: "skipped",
    Outcome.REFUSED: "skipped",
}
_STEP_ORDER = (*AGAINST, Outcome.EXCUSED, Outcome.WARN, Outcome.PASS, Outcome.REFUSED)


def write_takes(run: RunRecord, folder: Path, out: Path) -> None:
    """Write every planned take of a run, and put its tests without one together; takes of an earlier run go.

    Args:
        run: Its record, also of a run that goes on or was killed.
        folder: The folder of Allure results.
        out: The run's output folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in (*folder.glob(f"{PREFIX}*"), *folder.glob(f"{_SOUND}*")):
        path.unlink()
    why = {one.take: one.why for one in run.not_judged}
    begun = int(datetime.fromisoformat(run.begun).timestamp() * 1000) if run.begun else 0
    found = worst_first(run)
    for rank, take in enumerate(found):
        _write(folder, _result(run, take, why.get(take.key, ""), begun + rank, folder, out, rank < page.MOST_PANELS))
    seen = {take.key for take in found}
    for rank, key in enumerate(sorted(why.keys() - seen), len(found)):
        _write(folder, _identity(key, begun + rank) | {"status": "broken", "statusDetails": _details(why[key])})
    if begun:
        gather_checks(folder, begun)


def _write(folder: Path, result: dict[str, Any]) -> None:
    text = json.dumps(result, ensure_ascii=False, indent=1)
    write_atomically(folder / f"{result['uuid']}-result.json", text.encode())


def _identity(key: TakeKey, at_ms: int, seconds: float = 0.0) -> dict[str, Any]:
    name = content_hash(json.dumps([key.suite, key.utterance, key.seed]).encode())[:32]
    labels = {
        "epic": "voice cloning",
        "feature": key.suite,
        "story": key.utterance,
        "parentSuite": "takes",
        "suite": key.suite,
        "severity": "critical",
        "framework": "pytest",
    }
    return {
        "uuid": f"{PREFIX}{name}",
        "historyId": name,
        "testCaseId": name,
        "fullName": f"harness.take: {key.suite}, {key}",
        "name": str(key),
        "titlePath": ["takes", key.suite],
        "stage": "finished",
        "start": at_ms,
        "stop": at_ms + round(1000 * seconds),
        "labels": [{"name": label, "value": value} for label, value in labels.items()],
        "parameters": [],
    }


def _result(
    run: RunRecord, take: TakeRecord, not_judged: str, at_ms: int, folder: Path, out: Path, whole: bool
) -> dict[str, Any]:
    outcome = worst_outcome(take)
    result = _identity(take.key, at_ms, take.elapsed_s)
    more = [("voice", take.speaker), ("language", take.language), ("backend", run.about.backend)]
    more += [("tag", name) for name in dict.fromkeys(verdict.gate.name for verdict in take.against)]
    result["labels"] += [{"name": label, "value": value} for label, value in more]
    result["steps"] = list(_steps(take))
    result["status"] = "broken" if not_judged and outcome not in AGAINST else _STATUS[outcome]
    if result["status"] != "passed":
        of = [verdict for verdict in take.verdicts if verdict.outcome == outcome]
        message = not_judged or f"{outcome}  {', '.join(dict.fromkeys(verdict.gate.name for verdict in of))}"
        told = "\n".join(four_lines(take, verdict, out) for verdict in of) if outcome != Outcome.REFUSED else ""
        result["statusDetails"] = _details(message, told)
    sounds = players(take, out)
    result["attachments"] = list(_attachments(take, sounds, folder, whole))
    if whole:
        result["descriptionHtml"] = allure.description(take, sounds)
    else:
        text = "Players and picture are drawn of the worst {} takes; the sounds are attached."
        result["description"] = text.format(page.MOST_PANELS)
    return result


def _details(message: str, trace: str = "") -> dict[str, str]:
    return {"message": message} | ({"trace": trace} if trace else {})


def _steps(take: TakeRecord) -> Iterator[dict[str, Any]]:
    """What was asked, what blocks first; gates whose question does not arise are one step."""
    refused = [_step(verdict) for verdict in take.verdicts if verdict.outcome == Outcome.REFUSED]
    asked = [verdict for verdict in take.verdicts if verdict.outcome != Outcome.REFUSED]
    yield from (_step(one) for one in sorted(asked, key=lambda one: _STEP_ORDER.index(one.outcome)))
    if refused:
        name = f"{len(refused)} gate{'s' * (len(refused) != 1)} not judged"
        yield {"name": name, "status": "skipped", "stage": "finished", "steps": refused}


def _step(verdict: Verdict) -> dict[str, Any]:
    told = verdict.reason if verdict.outcome == Outcome.REFUSED else verdict.gate.why
    return {
        "name": f"{verdict.outcome}  {verdict.gate}: {verdict.observed}",
        "status": _STATUS[verdict.outcome],
        "statusDetails": _details(told),
        "stage": "finished",
    }


def _attachments(take: TakeRecord, sounds: tuple[Player, ...], folder: Path, whole: bool) -> Iterator[dict[str, str]]:
    """The sheet, and the sounds as they are; a sound that many takes share lies there once."""
    if whole:
        sheet = allure.sheet(take, sounds).encode()
        name = f"{PREFIX}{content_hash(sheet)[:32]}-attachment.html"
        write_atomically(folder / name, sheet)
        yield {"name": f"listen ({take.key})", "source": name, "type": "text/html"}
    for player in sounds:
        if player.path is not None and player.path.exists():
            suffix = player.path.suffix.lower()
            name = f"{_SOUND}{content_hash(player.path.read_bytes())[:32]}-attachment{suffix}"
            _lay(player.path, folder / name)
            yield {"name": f"{player.role}: {player.file}", "source": name, "type": MIME[suffix]}


def _lay(sound: Path, there: Path) -> None:
    """The same file under another name, or a copy where the file system knows no such thing."""
    if not there.exists():
        try:
            os.link(sound.resolve(), there)
        except OSError:
            shutil.copyfile(sound, there)


class _Others(AllureFileLogger):
    """Writes pytest's own tests but those that judged a take by its gates: they are steps of that take."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)  # type: ignore[no-untyped-call]
        self._kept: set[str] = set()
        self._left_out: set[str] = set()
        self._waiting: list[Any] = []

    @hookimpl
    def report_result(self, result: Any) -> None:
        said = {label.value for label in result.labels if label.name == allure.JUDGED}
        if said and (
            result.status in {"passed", "skipped"} or (result.status == "failed" and allure.EXPLAINED in said)
        ):
            self._left_out.add(result.uuid)
            return
        super().report_result(result)  # type: ignore[no-untyped-call]
        self._kept.add(result.uuid)
        waiting, self._waiting = self._waiting, []
        for container in waiting:
            self.report_container(container)

    @hookimpl
    def report_container(self, container: Any) -> None:
        if self._kept.intersection(container.children):
            super().report_container(container)  # type: ignore[no-untyped-call]
        elif not self._left_out.issuperset(container.children):
            self._waiting.append(container)


def leave_tests_of_takes_out(folder: Path) -> Callable[[], None]:
    """From here on pytest's own tests of takes are not written into a folder of results; how to end that."""
    of_pytest = [plugin for plugin in plugin_manager.get_plugins() if type(plugin) is AllureFileLogger]
    ours = _Others(folder)
    for plugin in of_pytest:
        plugin_manager.unregister(plugin)
    plugin_manager.register(ours)

    def end() -> None:
        plugin_manager.unregister(ours)
        for plugin in of_pytest:
            plugin_manager.register(plugin)

    return end
