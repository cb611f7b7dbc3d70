"""A listener in headless Chromium: hears, answers by keyboard, saves; what was planted comes out."""

import json
import threading

import numpy as np
import pytest

from harness.decision.listening import preference
from harness.records import run_record, schema
from harness.records.listening import Kind, Ratings, Role
from harness.report import page
from harness.report.listening import conduct, server
from tests.recorded import recorded_run, speech
from tests.report.test_browser import axe, browser, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["axe", "browser", "recorded_run"]

ANSWER = """
const wanted = arguments[0];
const player = document.getElementById("player");
player.defaultPlaybackRate = 8;
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const hear = (key) => new Promise((resolve) => {
  player.addEventListener("ended", () => setTimeout(resolve, 0), { once: true });
  press(key);
});
(async () => {
  for (const [trial, key] of wanted) {
    press(key);  // before both were heard: this must not answer
    await hear("1");
    await hear("2");
    press(key);
  }
  document.getElementById("note").value = "none";
  document.getElementById("save").click();
  for (let tries = 0; tries < 100 && !document.getElementById("saved").textContent; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  done([document.getElementById("end").hidden, document.getElementById("saved").textContent]);
})();
"""


@pytest.fixture
def session(recorded_run):
    for number in range(1, 21):
        recorded_run.take(f"short-{number:03d}", sound=speech(0.4, seed=number), golden=speech(0.4, seed=99 + number))
    schema.write(recorded_run.out / run_record.NAME, recorded_run.end(0))
    planned = conduct.planned(recorded_run.out, 20)
    folder = recorded_run.out / "listening"
    running = server.serve(planned, folder, folder / "page")
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield planned, folder, f"http://127.0.0.1:{running.server_port}/"
    running.shutdown()
    running.server_close()


def keys(planned, prefers_new, seed, hears=True):
    draw, first, pressed = np.random.default_rng(seed), {}, []
    for trial in planned.trials:
        if trial.kind == Kind.CHECK:
            role = Role.REFERENCE if hears else Role.ANCHOR
        elif trial.repeats is not None:
            role = first[trial.repeats]
        else:
            role = first[trial.number] = Role.NEW if draw.random() < prefers_new else Role.ACCEPTED
        pressed.append([trial.number, "ArrowLeft" if trial.a == role else "ArrowRight"])
    return pressed


def listen(browser, address, name, wanted):
    browser.open(address)
    browser.run("localStorage.clear()")
    browser.open(address)
    browser.run("document.getElementById('name').value = arguments[0]", name)
    browser.run("document.querySelector('#who button').click()")
    return browser.wait(ANSWER, wanted)


def test_planted_preferences_come_out_and_who_does_not_hear_is_set_aside(browser, session):
    planned, folder, address = session
    for name, seed, hears in (("Dana", 1, True), ("Noor", 2, True), ("Deaf", 3, False)):
        hidden, saved = listen(browser, address, name, keys(planned, 0.8, seed, hears))
        assert not hidden
        assert f"{name}.json" in saved
    given = [schema.read(path, Ratings, "again") for path in sorted((folder / "ratings").glob("*.json"))]
    assert [len(one.ratings) for one in given] == [len(planned.trials)] * 3
    assert all(rating.plays >= 2 for one in given for rating in one.ratings)
    found = preference(planned, given)
    assert found.low <= 0.8 <= found.high
    assert found.listeners == ("Dana", "Noor")
    assert list(found.set_aside) == ["Deaf"]


def test_both_must_be_heard_to_the_end_before_an_answer_counts(browser, session, axe):
    _, _, address = session
    browser.open(address)
    browser.run("localStorage.clear()")
    browser.open(address, 390, 844)
    assert violations(browser, axe) == []
    browser.run("document.getElementById('name').value = 'Dana'; document.querySelector('#who button').click()")
    assert browser.run("return [...document.querySelectorAll('[data-choice]')].every((one) => one.disabled)")
    browser.press("1")
    assert "Question 1 of" in browser.run("return document.getElementById('count').textContent")
    assert not browser.wide()
    assert violations(browser, axe) == []
    browser.screenshot("listening-390")


def test_the_page_writes_the_record_that_the_command_signs_with(browser, session, tmp_path):
    from harness.baseline import signature
    from harness.records.signature import HOW_TO_SIGN, Signature

    _, folder, _ = session
    out = folder.parent
    run = schema.read(out / run_record.NAME, run_record.RunRecord, "again")
    browser.open(page.write_folder(run, out).as_uri())
    browser.wait(
        "const one = document.querySelector('.take figure[data-role=take] audio');"
        "one.closest('details').open = true; one.play().then(() => setTimeout(() => done(1), 100));"
    )
    browser.run(
        "document.getElementById('signing').open = true; document.getElementById('by').value = 'Dana';"
        "document.getElementById('decision').value = 'ship'; document.getElementById('note').value = 'heard';"
        "document.querySelector('#sign button').click()"
    )
    made = browser.run("return document.getElementById('signed').dataset.record")
    assert json.loads(made)["by"] == "Dana"
    kept = signature.keep(out, schema.decode(made, Signature, "the page", HOW_TO_SIGN))
    assert len(kept.listened) == 1
    assert signature.of(out) == schema.stamped(kept)
