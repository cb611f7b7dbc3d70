"""What goes into an Allure report: labels, the sounds, the picture, the verdicts. The only importer of allure.

Allure has no player for sound, so each take has an HTML attachment with players that need no script; the plain files
stand beside it for download. The verdict on the run comes from its record, as a test of its own, because Allure
shows a killed run all green.
"""

import base64
import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import allure

from harness.audio import write_atomically
from harness.corpus import Utterance
from harness.errors import AudioError
from harness.records.comparison import Comparison, NotCompared
from harness.records.gate import Outcome
from harness.records.run_record import RunRecord
from harness.records.take_record import TakeRecord
from harness.report import assurance, page, plots
from harness.report.clips import MIME, Recording
from harness.report.comparison import comparisons
from harness.report.overview import four_lines
from harness.report.panel import Picture, Player, panel, picture, players
from harness.report.summary import markdown
from harness.take import Take

RELEASE_TEST = "release verdict"
JUDGED = "judged_by_gates"
"""Label of a criterion's own test; its value says whether it failed of its gates alone."""
EXPLAINED = "failed"
MOST_HEARD = 3
"""Takes that a failed comparison brings along."""
_HERE = Path(__file__).parent

RING = "Allure's ring counts tests: 69 good takes of 70 are 99 % and no release. The verdict is this test's alone."
CATEGORIES = (
    ("The verdict on the run", ("failed", "broken"), r"May it go out\?"),
    ("FAIL: shown outside a limit, by gate", ("failed",), r"(Failed: )?FAIL"),
    ("INCONCLUSIVE: could not be measured, by gate", ("failed",), r"(Failed: )?INCONCLUSIVE"),
    ("Failed though no gate did", ("failed",), ""),
    ("Not judged: the run ended before, or the harness failed", ("broken",), ""),
    ("EXCUSED: broke a gate, and few enough did", ("skipped",), r"(XFAIL |EXCUSED)"),
    ("Not asked: the question does not arise", ("skipped",), ""),
)
"""Allure takes the first that fits, and in it one line for each message; allurerc.mjs says the same to Allure 3."""


def describe(utterance: Utterance, take: Take, backend: str) -> None:
    """Label the running test, and name it the same in every run.

    Allure tells tests apart by their parameters. The utterance itself as a parameter would start a new history
    whenever its text is edited, so its id stands in.
    """
    reference, seed = take.request.reference, take.request.seed
    allure.dynamic.epic("voice cloning")
    allure.dynamic.feature(utterance.suite)
    allure.dynamic.story(utterance.id)
    allure.dynamic.severity(allure.severity_level.CRITICAL)
    allure.dynamic.parent_suite("suites")
    allure.dynamic.suite(utterance.suite)
    allure.dynamic.sub_suite(utterance.id)
    allure.dynamic.label("voice", reference.id)
    allure.dynamic.label("language", utterance.language)
    allure.dynamic.label("backend", backend)
    allure.dynamic.parameter("utterance", utterance.id, excluded=True)
    allure.dynamic.parameter("seed", seed, excluded=True)
    allure.dynamic.parameter("take", f"{utterance.id}, seed {seed}")
    allure.dynamic.parameter("voice", reference.id, excluded=True)
    allure.dynamic.description(f"{_plain(utterance.text)}\n\nvoice {reference.id}: {_plain(reference.transcript)}")


def judged_by_gates(failed: bool) -> None:
    """Label the running test as one that judged a take by its gates, and say whether it fails of them."""
    allure.dynamic.label(JUDGED, EXPLAINED if failed else "passed")


def _plain(text: str) -> str:
    """A text that is not read as Markdown or HTML."""
    return "".join(f"&#{ord(sign)};" if sign in "<>&`*_[]#!|\\" else sign for sign in text)


def attach_verdicts(take: TakeRecord, out: Path, test: str) -> None:
    """A title, a step for each gate, and one text with every verdict of the test."""
    allure.dynamic.title(f"{take.key}: {test.removeprefix('test_').replace('_', ' ')}")
    lines = [f"{verdict.outcome}  {verdict.gate}: {verdict.observed}" for verdict in take.verdicts]
    for verdict, line in zip(take.verdicts, lines, strict=True):
        try:
            with allure.step(line):
                if verdict.stands_against:
                    raise AssertionError(verdict.gate.why)
        except AssertionError:
            continue  # the step is marked; the test itself fails once, with all of them
    against = [four_lines(take, verdict, out) for verdict in take.verdicts if verdict.outcome != Outcome.PASS]
    allure.attach("\n".join([*lines, "", *against]), f"verdicts ({take.key})", allure.attachment_type.TEXT)


def describe_comparison(
    suites: Sequence[str], question: str, answered: Sequence[Comparison], not_compared: Sequence[NotCompared]
) -> None:
    """Label a test that compares releases, and say in its description what came of it."""
    about = question or (suites[0] if len(suites) == 1 else "all suites")
    allure.dynamic.epic("voice cloning")
    allure.dynamic.feature(about)
    allure.dynamic.story("no worse than the accepted release")
    allure.dynamic.severity(allure.severity_level.CRITICAL)
    allure.dynamic.parent_suite("suites")
    allure.dynamic.suite(about)
    allure.dynamic.title(f"{about}: no worse than the accepted release")
    outcomes = Counter([one.outcome for one in answered] + [one.outcome for one in not_compared])
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "nothing"
    allure.dynamic.description(f"{outcomes.total()} comparisons with the accepted release: {counts}.")


def attach_comparison(
    answered: Sequence[Comparison], not_compared: Sequence[NotCompared], takes: Sequence[TakeRecord], out: Path
) -> None:
    """The table of a test's comparisons, and the sheets of the takes that changed most where something failed."""
    arranged = comparisons(answered, not_compared)
    style = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "allure.css"))
    text = page.environment().get_template("allure_comparison.html").render(compared=arranged, style=style)
    allure.attach(text, "comparison with the accepted release", allure.attachment_type.HTML)
    changed = [worst.utterance for row in arranged.against for worst in row.worst]
    first = {take.utterance: take for take in sorted(takes, key=lambda take: -take.seed)}
    for name in [name for name in dict.fromkeys(changed) if name in first][:MOST_HEARD]:
        attach_take(first[name], out)


def attach_take(take: TakeRecord, out: Path) -> None:
    """The sheet with players, picture and gates, and the plain sounds."""
    sounds = players(take, out)
    allure.attach(sheet(take, sounds), f"listen ({take.key})", allure.attachment_type.HTML)
    for player in sounds:
        if player.path is not None and player.path.exists():
            suffix = player.path.suffix.lower()
            allure.attach.file(
                str(player.path), f"{player.role}: {player.file}", MIME[suffix], extension=suffix.lstrip(".")
            )


def description(take: TakeRecord, sounds: tuple[Player, ...]) -> str:
    """What Allure shows of a take at once: what is said, players, picture, numbers. Allure 2 takes the players out."""
    return _drawn("allure_take.html", take, sounds)


def sheet(take: TakeRecord, sounds: tuple[Player, ...]) -> str:
    """One HTML page that holds everything it needs; it is complete without its script."""
    return _drawn("allure.html", take, sounds)


def _drawn(template: str, take: TakeRecord, sounds: tuple[Player, ...]) -> str:
    from markupsafe import Markup

    recordings: dict[Player, Recording] = {}
    for player in sounds:
        try:
            if player.path is not None:
                recordings[player] = _recording(player.path)
        except AudioError:
            continue  # the player says that it has nothing to play

    def source(player: Player) -> tuple[Markup, str] | None:
        recording = recordings.get(player)
        if recording is None:
            return None
        clip = recording.preview
        data = base64.b64encode(clip.data).decode()
        attributes = f'src="data:{clip.mime};base64,{data}" data-level="{recording.level_dbfs:.2f}"'
        note = f"{clip.suffix.removeprefix('.').upper()} preview, lossy; judge artifacts on {player.file}"
        return Markup(attributes), note

    drawn: tuple[Picture, ...] = tuple(
        picture(player, recording, take) for player, recording in recordings.items() if player.role != "reference"
    )
    style = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "allure.css"))
    return str(
        page.environment()
        .get_template(template)
        .render(
            panel=panel(take, sounds, drawn),
            source=source,
            image=page.data_image,
            columns=plots.MOST_COLUMNS,
            style=style,
            script=(_HERE / "page.js").read_text(encoding="utf-8"),
        )
    )


@lru_cache(maxsize=64)
def _recording(path: Path) -> Recording:
    return Recording.of(path)


def write_run(run: RunRecord, folder: Path, out: Path) -> None:
    """What belongs to the run and not to a test: the verdict as a first test, environment, executor, categories.

    Written when the run begins, as a broken test, and again when it ends: a run that is killed in between stays red.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {"verdict": run.verdict.value, "ring": RING, "takes": run.counts} | dict(page.judged_with(run.about))
    environment = "".join(f"{name.replace(' ', '_')} = {_property(value)}\n" for name, value in about.items())
    write_atomically(folder / "environment.properties", environment.encode())
    write_atomically(folder / "executor.json", _json(_executor()))
    write_atomically(folder / "categories.json", _json(categories()))
    name = hashlib.sha256(RELEASE_TEST.encode()).hexdigest()[:32]
    text = markdown(run, out)
    write_atomically(folder / f"{name}-attachment.txt", text.encode())
    write_atomically(folder / f"{name}-result.json", _json(_release_test(run, name)))


def categories() -> list[dict[str, Any]]:
    """The rules as Allure 2 reads them: it files a test under each that fits, so each excludes those before it."""
    rules = []
    for number, (name, statuses, begins) in enumerate(CATEGORIES):
        before = [said for _, of, said in CATEGORIES[:number] if said and set(of) & set(statuses)]
        pattern = "".join(f"(?!{said})" for said in before) + (begins and f"(?:{begins})") + ".*"
        rules.append({"name": name, "matchedStatuses": list(statuses), "messageRegex": f"(?s){pattern}"})
    return rules


def _release_test(run: RunRecord, name: str) -> dict[str, Any]:
    statuses = {Outcome.PASS: "passed", Outcome.FAIL: "failed"}
    status = "broken" if run.incomplete or run.harness_errors else statuses.get(run.verdict, "failed")
    message = f"May it go out? {run.verdict}. Takes: {run.counts}. {'. '.join((*run.caveats, run.incomplete))}".strip()
    labels = {
        "epic": " release verdict",
        "feature": RELEASE_TEST,
        "parentSuite": " release verdict",
        "suite": RELEASE_TEST,
        "severity": "blocker",
        "framework": "pytest",
    }
    begun = _milliseconds(run.begun)
    return {
        "uuid": name,
        "historyId": name,
        "testCaseId": name,
        "fullName": "harness.release_verdict",
        "name": f"May it go out? {run.verdict}" if not run.incomplete else "May it go out? incomplete",
        "titlePath": [" release verdict"],
        "status": status,
        "statusDetails": {"message": message, "trace": RING},
        "description": "\n\n".join([f"**{RING}**", *map(_plain, assurance.lines(run))]),
        "stage": "finished",
        "start": begun,
        "stop": _milliseconds(run.ended) or begun,
        "labels": [{"name": key, "value": value} for key, value in labels.items()],
        "parameters": [],
        "steps": [],
        "attachments": [{"name": "summary", "source": f"{name}-attachment.txt", "type": "text/plain"}],
    }


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0


def _executor() -> dict[str, Any]:
    """Where it ran, as far as the CI system says so."""
    given = os.environ
    if given.get("GITHUB_ACTIONS") != "true":
        return {"name": "local", "type": "local"}
    url = f"{given['GITHUB_SERVER_URL']}/{given['GITHUB_REPOSITORY']}/actions/runs/{given['GITHUB_RUN_ID']}"
    return {
        "name": "GitHub Actions",
        "type": "github",
        "buildName": f"{given.get('GITHUB_WORKFLOW', '')} #{given.get('GITHUB_RUN_NUMBER', '')}",
        "buildOrder": int(given.get("GITHUB_RUN_NUMBER", "0")),
        "buildUrl": url,
    }


def _property(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", " ")


def _json(data: object) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()
