"""The sheet, and what belongs to the run; labels and steps are tested through pytest in tests/test_plugin.py."""

import json
import re

from harness.report import allure
from harness.report.panel import players
from tests.synthetic import draw


def test_the_sheet_holds_its_sounds_and_needs_no_script(recorded_run):
    found = recorded_run.take(golden=draw("#" * 20), heard="ذهب")
    text = allure.sheet(found, players(found, recorded_run.out))
    without = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert without.count('src="data:audio/mpeg;base64,') == 3
    assert without.count("<audio controls") == 3
    assert "preview, lossy" in without
    assert not re.search(r'(src|href)="(?!data:|#)', without)


def test_a_take_without_audio_says_why(recorded_run):
    found = recorded_run.take(error="the GPU caught fire", listen="")
    text = allure.sheet(found, players(found, recorded_run.out))
    assert "no audio: the GPU caught fire" in text


def test_nothing_of_the_user_runs_in_the_sheet(recorded_run):
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    found = recorded_run.take(text=nasty, heard=nasty, utterance=nasty, transcript=nasty, reference=nasty)
    text = allure.sheet(found, players(found, recorded_run.out))
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_the_verdict_on_the_run_is_a_test_with_one_identity(recorded_run, tmp_path):
    recorded_run.take()
    folder = tmp_path / "allure"
    allure.write_run(recorded_run.journal.record(), folder, recorded_run.out)
    (path,) = folder.glob("*-result.json")
    assert json.loads(path.read_text(encoding="utf-8"))["status"] == "broken"
    allure.write_run(recorded_run.end(0), folder, recorded_run.out)
    (path,) = folder.glob("*-result.json")
    ended = json.loads(path.read_text(encoding="utf-8"))
    assert (ended["status"], ended["name"]) == ("passed", "May it go out? PASS")
    assert (folder / ended["attachments"][0]["source"]).exists()
    environment = (folder / "environment.properties").read_text(encoding="utf-8")
    assert "takes = 1 planned = 1 judged + 0 refused" in environment
    names = [line.split(" = ")[0] for line in environment.splitlines()]
    assert not any(" " in name for name in names)  # a property's name ends at its first space
    assert len(names) == len(set(names))


def test_the_executor_names_the_ci_run(recorded_run, tmp_path, monkeypatch):
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://example.org",
        "GITHUB_REPOSITORY": "team/voice",
        "GITHUB_RUN_ID": "7",
        "GITHUB_RUN_NUMBER": "3",
        "GITHUB_WORKFLOW": "nightly",
    }.items():
        monkeypatch.setenv(name, value)
    allure.write_run(recorded_run.end(0), tmp_path, recorded_run.out)
    executor = json.loads((tmp_path / "executor.json").read_text())
    assert executor["buildUrl"] == "https://example.org/team/voice/actions/runs/7"
