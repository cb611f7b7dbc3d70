"""One Allure test a take, written from the record; the same through pytest is in tests/test_plugin.py."""

import json
import re
from pathlib import Path

import pytest
from msgspec import structs

from harness.records.gate import Outcome
from harness.report import allure, allure_takes, page
from tests.recorded import speech


@pytest.fixture
def written(recorded_run, tmp_path):
    """`written(run)`: the results of a run, by name; always in the same folder."""
    folder = tmp_path / "allure"

    def write(run):
        allure.write_run(run, folder, recorded_run.out)
        allure_takes.write_takes(run, folder, recorded_run.out)
        found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*-result.json")]
        return {one["name"]: one for one in found}

    write.folder = folder
    return write


def test_takes_that_fail_alike_have_one_message_and_the_worst_comes_first(recorded_run, written):
    for number, gap_s in ((1, 0.9), (2, 1.4), (3, 1.1)):
        recorded_run.take(f"short-00{number}", sound=speech(2.5, seed=number, gap=(0.5, 0.5 + gap_s)))
    recorded_run.take("short-004")
    found = written(recorded_run.end())
    failed = [one for one in found.values() if one["name"].startswith("short-") and one["status"] == "failed"]
    assert {one["statusDetails"]["message"] for one in failed} == {"FAIL  silence_ratio"}
    first = sorted(failed, key=lambda one: one["start"])
    assert [one["name"] for one in first] == ["short-002, seed 0", "short-003, seed 0", "short-001, seed 0"]
    assert [one["value"] for one in failed[0]["labels"] if one["name"] == "tag"] == ["silence_ratio"]


def test_what_was_planned_and_not_judged_is_broken_and_an_earlier_run_leaves_nothing(recorded_run, written):
    recorded_run.take("short-001")
    recorded_run.plan("suites/test_short.py::test_it[short-002]", "short-002")
    found = written(recorded_run.journal.record())
    assert found["short-002, seed 0"]["status"] == "broken"
    assert found["short-002, seed 0"]["statusDetails"]["message"]
    whole = recorded_run.journal.record()
    assert "short-002, seed 0" not in written(structs.replace(whole, not_judged=()))
    sources = {one["source"] for result in found.values() for one in result.get("attachments", ())}
    assert sources <= {path.name for path in written.folder.iterdir()}


def test_a_sound_that_takes_share_lies_there_once(recorded_run, written):
    for number in range(1, 5):
        recorded_run.take(f"short-00{number}", sound=speech(1.5, seed=number))
    found = written(recorded_run.end(0))
    of_reference = {
        one["source"]
        for result in found.values()
        for one in result.get("attachments", ())
        if one["name"].startswith("reference")
    }
    assert len(of_reference) == 1
    assert (written.folder / of_reference.pop()).stat().st_size > 1000


def test_beyond_the_worst_two_hundred_only_the_sounds_are_attached(recorded_run, written, monkeypatch):
    monkeypatch.setattr(page, "MOST_PANELS", 1)
    recorded_run.take("short-001", sound=speech(2.5, gap=(0.5, 1.9)))
    recorded_run.take("short-002")
    found = written(recorded_run.end())
    assert "<audio controls" in found["short-001, seed 0"]["descriptionHtml"]
    assert "descriptionHtml" not in found["short-002, seed 0"]
    assert {one["type"] for one in found["short-002, seed 0"]["attachments"]} == {"audio/wav"}


def test_gates_that_are_not_asked_are_one_step(recorded_run, written):
    found = recorded_run.take("short-001")
    refused = tuple(structs.replace(one, outcome=Outcome.REFUSED, reason="no recogniser") for one in found.verdicts)
    run = structs.replace(recorded_run.end(0), takes=(structs.replace(found, verdicts=found.verdicts + refused),))
    steps = written(run)["short-001, seed 0"]["steps"]
    assert [step["name"] for step in steps][-1] == "3 gates not judged"
    assert [step["status"] for step in steps] == ["passed"] * 3 + ["skipped"]
    assert len(steps[-1]["steps"]) == 3


def test_nothing_of_the_user_is_markup_in_what_allure_shows_at_once(recorded_run, written):
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    recorded_run.take(text=nasty, heard=nasty, transcript=nasty, reference=nasty)
    (shown,) = [one["descriptionHtml"] for one in written(recorded_run.end()).values() if "descriptionHtml" in one]
    assert "<script>" not in shown
    assert "<img src=x" not in shown


@pytest.mark.parametrize(
    ("status", "message", "category"),
    [
        ("failed", "May it go out? FAIL. Takes: 1", "The verdict on the run"),
        ("broken", "May it go out? INCONCLUSIVE.", "The verdict on the run"),
        ("failed", "FAIL  silence_ratio", "FAIL: shown outside a limit, by gate"),
        ("failed", "Failed: FAIL  change of cer\nmore", "FAIL: shown outside a limit, by gate"),
        ("failed", "INCONCLUSIVE  cer", "INCONCLUSIVE: could not be measured, by gate"),
        ("failed", "AssertionError: assert 0", "Failed though no gate did"),
        ("broken", "RuntimeError", "Not judged: the run ended before, or the harness failed"),
        ("skipped", "EXCUSED  cer", "EXCUSED: broke a gate, and few enough did"),
        ("skipped", "Skipped: not judged: cer", "Not asked: the question does not arise"),
    ],
)
def test_a_test_is_filed_under_one_category_in_allure_2_and_under_the_same_in_allure_3(status, message, category):
    fitting = [
        one["name"]
        for one in allure.categories()
        if status in one["matchedStatuses"] and re.fullmatch(one["messageRegex"], message)
    ]
    assert fitting == [category]
    config = Path(allure.__file__).with_name("allurerc.mjs").read_text(encoding="utf-8")
    rules = re.findall(r'name: "([^"]+)", matchers: \{ statuses: (\[.*?\])(?:, message: /\^(.*?)/)? \}', config)
    ours = [(name, list(of), begins) for name, of, begins in allure.CATEGORIES]
    assert [(name, json.loads(of), begins) for name, of, begins in rules] == ours
