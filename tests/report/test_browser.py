"""The reports in headless Chromium: out of a zip, with the network off, and Allure's over loopback.

The browser is Debian's (`apt-get install chromium chromium-driver`). Where it is missing these tests are skipped and
say so; where the variable CI is set they fail instead.
"""

import base64
import http.server
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from harness import cli, report
from harness.audio import content_hash, encode_wav, write_atomically
from harness.baseline import golden
from harness.records.baseline import Baseline
from harness.records.event import Described, Judged, Planned, Whole
from harness.records.run_record import About
from harness.records.take_record import TakeKey
from harness.report import page
from tests.accepted import accepted, take
from tests.recorded import DIACRITIZED, MISHEARD, speech
from tests.report.test_assurance import AUDIT
from tests.report.test_assurance import run as compared

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
NASTY = '<script>window.hacked=1</script>"><img src=x onerror="window.hacked=1">'
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--autoplay-policy=no-user-gesture-required",
]


def needed(*programs):
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        why = f"not on the PATH: {', '.join(missing)} (apt-get install chromium chromium-driver; npm for Allure)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


class Browser:
    """Chromium, and everything that it asked of anybody."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, url, width=1280, height=1200, scheme="light"):
        emulate = self.driver.execute_cdp_cmd
        emulate(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        emulate("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.logs()
        self.driver.get("about:blank")
        self.driver.get(url)
        # The driver sometimes takes the blank page's end for this one's, and a long page is still being read.
        assert self.soon("return document.readyState", lambda state: state == "complete", within_s=20) == "complete"

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def soon(self, script, holds, within_s=3):
        """What a script returns once it holds, or after three seconds: neither a key nor a sound is there at once."""
        until = time.monotonic() + within_s
        while not holds(value := self.run(script)) and time.monotonic() < until:
            time.sleep(0.05)
        return value

    def wait(self, script, *arguments):
        """Run a script that ends by calling `done`."""
        return self.driver.execute_async_script(f"const done = arguments[arguments.length - 1];{script}", *arguments)

    def press(self, key):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def logs(self):
        """What was asked since the last call, and what the console said."""
        messages = [json.loads(one["message"])["message"] for one in self.driver.get_log("performance")]
        blocked = {one["params"]["requestId"] for one in messages if one["params"].get("blockedReason") == "csp"}
        sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        asked = [one["request"]["url"] for one in sent if one["requestId"] not in blocked]
        return asked, [one["message"] for one in self.driver.get_log("browser")]

    def screenshot(self, name):
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            data = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
            Path(folder, f"{name}.png").write_bytes(base64.b64decode(data))

    def wide(self):
        """Whether the page is wider than the window, which on a phone hides text."""
        return self.run("return document.documentElement.scrollWidth > document.documentElement.clientWidth")


@pytest.fixture(scope="module")
def browser():
    needed("chromium", "chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(60)
    yield Browser(driver)
    driver.quit()


@pytest.fixture
def judged(recorded_run):
    """Four takes: two that block, one with everything that a report can show, one with names meant to break out."""
    gap = speech(2.5, seed=3, gap=(1.0, 2.2))
    found = recorded_run.take("short-002", sound=gap, heard=MISHEARD, golden=speech(2.5, seed=4, level=0.1))
    silence = structs.replace(found.measurements["silence_ratio"], spans=((1.0, 2.2),))
    found = structs.replace(found, measurements=found.measurements | {"silence_ratio": silence})
    recorded_run.journal.begin()
    recorded_run.journal.add(Described(About(backend="drawn", gates="documented", note="drawn sounds")))
    recorded_run.journal.add(Planned({"t": (TakeKey("short", "short-002", 0),)}))
    recorded_run.journal.add(Judged("t", (found,)))
    recorded_run.take("short-001", golden=speech(2.5, seed=5))
    recorded_run.take("short-003", text=NASTY, heard=NASTY, utterance=NASTY, transcript=NASTY, reference=NASTY)
    recorded_run.take("medium-001", sound=speech(0.6, seed=6))
    manifest = recorded_run.end()
    report.write(manifest, recorded_run.out)
    page.write_single_file(manifest, recorded_run.out)
    return recorded_run.out


@pytest.fixture(params=["folder", "single file"])
def url(request, judged, tmp_path):
    """The report, zipped, and extracted somewhere else; what it was made from is gone."""
    chosen = [judged / "report.html"] if request.param == "single file" else list((judged / "report").rglob("*.*"))
    with zipfile.ZipFile(tmp_path / "report.zip", "w") as archive:
        for path in chosen:
            archive.write(path, path.relative_to(judged))
    shutil.rmtree(judged)
    elsewhere = tmp_path / "some where else"
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        archive.extractall(elsewhere)
    (index,) = [*elsewhere.glob("report.html"), *elsewhere.glob("report/index.html")]
    return index.as_uri()


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The accessibility rules of axe-core, from npm."""
    needed("npm")
    folder = tmp_path_factory.mktemp("axe")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "axe-core@4"]
    subprocess.run(install, cwd=folder, check=True, timeout=300)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(browser, axe):
    browser.run(axe)
    found = browser.wait("axe.run().then((result) => done(result.violations));")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_a_reviewer_with_a_screen_reader_or_weak_eyes_out(browser, judged, axe, scheme):
    browser.open((judged / "report" / "index.html").as_uri(), scheme=scheme)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert violations(browser, axe) == []


PLAY_ALL = """
const audios = [...document.querySelectorAll(arguments[0])];
for (const one of document.querySelectorAll("details")) one.open = true;
(async () => {
  const results = [];
  for (const audio of audios) {
    const ready = new Promise((resolve) => {
      audio.addEventListener("canplaythrough", () => resolve(true), {once: true});
      audio.addEventListener("error", () => resolve(false), {once: true});
      setTimeout(() => resolve(false), 8000);
    });
    audio.preload = "auto";
    audio.load();
    const can = await ready;
    let moved = 0;
    if (can) {
      await audio.play();
      await new Promise((resolve) => setTimeout(resolve, 250));
      moved = audio.currentTime;
      audio.pause();
    }
    results.push([can, moved, audio.duration]);
  }
  done(results);
})();
"""


def test_every_player_plays_and_nothing_leaves_the_page(browser, url):
    browser.open(url)
    assert len(browser.wait(PLAY_ALL, ".causes audio")) == 2 * browser.run(
        "return document.querySelectorAll('.worst').length"
    )
    results = browser.wait(PLAY_ALL, ".take audio")
    assert len(results) == 10
    assert all(can and moved > 0.05 for can, moved, _ in results), results
    assert {round(duration, 1) for _, _, duration in results} == {2.5, 3.0, 0.6}
    asked, said = browser.logs()
    beside = url.rsplit("/", 1)[0]
    assert [one for one in asked if not one.startswith((beside, "data:", "blob:", "about:"))] == []
    assert said == []


FIRST_SCREEN = """
const box = (element) => element ? element.getBoundingClientRect() : null;
const inside = (rect) => rect !== null && rect.height > 0 && rect.top >= 0 && rect.bottom <= window.innerHeight;
return {
  verdict: inside(box(document.querySelector("h1 .badge"))),
  scope: inside(box(document.querySelector(".scope"))),
  cause: inside(box(document.querySelector(".cause b, #causes"))),
  player: inside(box(document.querySelector("main audio"))),
};
"""


@pytest.mark.parametrize("state", ["PASS", "FAIL", "PARTIAL", "killed"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_verdict_scope_cause_and_a_player_are_on_the_first_screen(browser, recorded_run, state, width, height):
    for number in range(1, 6):
        recorded_run.take(f"short-{number:03d}", sound=speech(2.5, seed=number))
    if state == "FAIL":
        for number in range(6, 50):
            recorded_run.take(f"short-{number:03d}", sound=speech(2.5, seed=3, gap=(1.0, 2.2)))
    if state == "killed":
        for number in range(6, 24):
            recorded_run.plan(f"suites/test_short.py::test_it[short-{number:03d}]", f"short-{number:03d}")
    if state == "PARTIAL":
        recorded_run.journal.add(Whole(takes={"short": 18}, gates={"short": ("length",)}))
    run = recorded_run.journal.record() if state == "killed" else recorded_run.end(int(state == "FAIL"))
    run = structs.replace(run, about=structs.replace(run.about, audit=AUDIT), comparisons=compared().comparisons)
    assert run.verdict == {"killed": "INCONCLUSIVE"}.get(state, state)
    browser.open(page.write_folder(run, recorded_run.out).as_uri(), width, height)
    shown = browser.run(FIRST_SCREEN)
    assert shown["verdict"]
    assert shown["scope"]
    assert shown["cause"]
    assert not browser.wide()
    assert shown["player"]
    if state == "PARTIAL":
        assert "5 of 18 takes" in browser.run("return document.querySelector('.scope').innerText")
    browser.screenshot(f"first-screen-{state}-{width}")
    assert browser.run("return document.querySelector('#assurance').open") == (width == 1280)
    assert len(browser.run("return [...document.querySelectorAll('#assurance li')].map((one) => one.innerText)")) >= 4
    if state == "FAIL":
        assert browser.run("return document.querySelectorAll('.take[open]').length") == 1
    if state == "killed":
        assert browser.run("return document.querySelectorAll('.cause').length") == 1
    if width == 1280:
        assert browser.wait(PLAY_ALL, "main audio:first-of-type")[0][1] > 0.05
    if state == "FAIL":
        assert browser.run("return document.querySelectorAll('.cause').length") == 1
        assert "44 takes: silence_ratio" in browser.run("return document.querySelector('.cause').innerText")
        assert browser.run("return document.querySelectorAll('.cause .all a').length") == 44


def test_a_take_plays_from_its_row_and_the_keys_walk_through_what_blocks(browser, url):
    browser.open(url)
    browser.run("document.querySelector('[data-play=short-short-001-seed0]').click()")
    time.sleep(0.3)
    playing = "return document.querySelector('#short-short-001-seed0 figure[data-role=take] audio').paused"
    assert browser.run(playing) is False
    assert browser.run("return document.querySelector('[data-play=short-short-001-seed0]').textContent") == "⏸"
    browser.run("document.querySelector('[data-play=short-short-001-seed0]').click()")
    assert browser.run(playing) is True
    blocking = browser.run("return [...document.querySelectorAll('.take[data-blocks]')].map((one) => one.id)")
    seen = []
    for key in ("n", "n", "p"):
        browser.press(key)
        seen.append(browser.run("return document.querySelector('.take.active').id"))
    assert set(seen) <= set(blocking)


def test_the_keyboard_alone_leads_from_the_verdict_to_the_cause_its_take_its_sounds_and_a_blind_vote(browser, url):
    from selenium.webdriver.common.keys import Keys

    browser.open(url)
    for _ in range(3):
        browser.press(Keys.TAB)
        if browser.run("return document.activeElement.matches('.worst a')"):
            break
    target = browser.run("return document.activeElement.hash.slice(1)")
    browser.press(Keys.ENTER)
    time.sleep(0.2)
    assert browser.run("return document.querySelector('.take.active').id") == target
    browser.press("2")
    time.sleep(0.3)
    assert browser.run("return [...document.querySelectorAll('.take.active audio')].some((one) => !one.paused)")

    def tab_to(selector, key):
        for _ in range(200):
            if browser.run("return document.activeElement.matches(arguments[0])", selector):
                return
            browser.press(key)
        pytest.fail(f"no way by keyboard to {selector}")

    browser.press("p")  # to the one before it, which has an accepted take beside it
    assert browser.run("return document.querySelector('.take.active').id") == "short-short-002-seed0"
    tab_to("#blind", Keys.SHIFT + Keys.TAB)
    browser.press(Keys.SPACE)
    assert browser.run("return document.querySelector('#blind').checked")
    active = "return document.querySelector('.take.active').innerText"
    assert "Which is better?" in browser.soon(active, lambda said: "Which is better?" in said)
    tab_to(".take.active [data-vote=A]", Keys.TAB)
    browser.press(Keys.ENTER)
    assert "You preferred the" in browser.soon(active, lambda said: "You preferred the" in said)


def test_takes_beyond_the_first_two_hundred_are_read_when_they_are_asked_for(browser, recorded_run, monkeypatch):
    monkeypatch.setattr(page, "MOST_PANELS", 3)
    for number in range(1, 9):
        recorded_run.take(f"short-{number:03d}", sound=speech(1.5, seed=number), text=f"<b>{number}</b>")
    run = recorded_run.end(0)
    browser.open(page.write_folder(run, recorded_run.out).as_uri())
    assert browser.run("return document.querySelectorAll('.take').length") == 3
    browser.run("document.querySelector('#more').click()")
    time.sleep(0.5)
    assert browser.run("return document.querySelectorAll('#rest .row').length") == 5
    assert browser.run("return document.querySelectorAll('#rest b').length") == 5
    results = browser.wait(PLAY_ALL, "#rest audio")
    assert len(results) == 10
    assert all(can and moved > 0.05 for can, moved, _ in results)
    browser.run("document.querySelector('#search').value = 'short-00'; document.querySelector('#search').oninput?.()")
    _, said = browser.logs()
    assert said == []
    page.write_single_file(run, recorded_run.out)
    browser.open((recorded_run.out / page.SINGLE_FILE).as_uri())
    assert "5 takes with less against them are left out" in browser.run("return document.body.innerText")


def test_switching_the_source_keeps_the_moment_and_one_plays_at_a_time(browser, url):
    browser.open(url + "#short-short-002-seed0")
    state = (
        "return [...document.querySelectorAll('#short-short-002-seed0 audio')]"
        ".map((one) => [!one.paused, one.currentTime])"
    )
    browser.press("3")
    ((_, _), (_, _), (playing, before)) = browser.soon(state, lambda players: players[2][1] > 0.4)
    assert playing
    assert before > 0.4
    browser.press("2")
    time.sleep(0.3)
    (_, (playing, after), (still, _)) = browser.run(state)
    assert playing
    assert not still
    assert before - 0.1 <= after <= before + 1.0
    browser.press("1")
    time.sleep(0.3)
    ((playing, last), (still, _), _) = browser.run(state)
    assert playing
    assert not still
    assert after - 0.1 <= last <= after + 1.0
    browser.press(" ")
    assert not any(playing for playing, _ in browser.run(state))


def test_the_keys_mean_the_numbers_at_the_players_also_where_one_has_nothing_to_play(browser, recorded_run):
    recorded_run.take("short-001", accepted_sha256="a" * 64)
    browser.open(page.write_folder(recorded_run.end(0), recorded_run.out).as_uri() + "#short-short-001-seed0")
    assert "not kept here: --golden-audio" in browser.run("return document.querySelector('.take').innerText")
    playing = (
        "return [...document.querySelectorAll('.take figure')]"
        ".map((one) => one.querySelector('audio')?.paused === false)"
    )
    browser.press("2")
    time.sleep(0.2)
    assert browser.run(playing) == [False, False, False]
    for key, expected in (("3", [False, False, True]), ("1", [True, False, False])):
        browser.press(key)
        time.sleep(0.3)
        assert browser.run(playing) == expected
    assert browser.run("return document.querySelector('#blind')") is None  # there is nothing to compare blindly


def test_a_found_defect_can_be_heard_with_a_click(browser, url):
    browser.open(url + "#short-short-002-seed0")
    browser.run("document.querySelector('#short-short-002-seed0 .found button.defect').click()")
    at = browser.soon(
        "return document.querySelector('#short-short-002-seed0 figure[data-role=take] audio').currentTime",
        lambda at: at > 0,
    )
    assert 0.65 <= at <= 1.6


def test_loudness_is_matched_to_the_softest(browser, url):
    browser.open(url)
    browser.run("document.querySelector('#match').click()")
    volumes = browser.run(
        "return [...document.querySelectorAll('#short-short-002-seed0 audio')]"
        ".map((one) => [one.volume, one.dataset.level])"
    )
    levels = [float(level) + 20 * math.log10(volume) for volume, level in volumes]
    assert max(levels) - min(levels) < 0.1
    assert min(volume for volume, _ in volumes) < 1 == max(volume for volume, _ in volumes)


def test_blind_listening_hides_who_is_who_until_the_vote(browser, url):
    browser.open(url + "#short-short-002-seed0")
    browser.run("document.querySelector('#blind').click()")
    seen = "return document.querySelector('#short-short-002-seed0').innerText"
    assert "New take" not in browser.soon(seen, lambda said: "Which is better?" in said)
    assert "Which is better?" in browser.run(seen)
    browser.run("document.querySelector('#short-short-002-seed0 [data-vote=A]').click()")
    assert "New take" in browser.soon(seen, lambda said: "You preferred the" in said)
    assert "You preferred the" in browser.run(seen)
    assert browser.run("return document.querySelector('#tally').textContent").count("1") == 1


def test_the_keyboard_walks_through_the_takes(browser, url):
    browser.open(url)
    browser.press("j")
    first = browser.run("return document.querySelector('.take.active').id")
    browser.press("j")
    second = browser.run("return document.querySelector('.take.active').id")
    browser.press("k")
    assert (first, browser.run("return document.querySelector('.take.active').id")) == ("short-short-002-seed0", first)
    assert second != first


def test_what_the_user_wrote_is_text(browser, url):
    browser.open(url)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.run("return window.hacked === undefined")
    assert browser.run("return document.body.innerHTML.includes('&lt;script&gt;window.hacked')")
    assert browser.run("return document.querySelectorAll('img[src=x]').length") == 0
    assert NASTY in browser.run(
        "return document.querySelector('.text bdi, .take .text')?.textContent + document.body.textContent"
    )


def test_arabic_reads_from_right_to_left_with_joined_letters_and_marks_on_both_sides(browser, url):
    browser.open(url + "#short-short-002-seed0")
    found = browser.run(
        """
        const sides = [...document.querySelectorAll('#short-short-002-seed0 .text')].slice(0, 2);
        const width = (text, element) => {
          const probe = document.createElement('span');
          probe.style.font = getComputedStyle(element).font;
          probe.style.whiteSpace = 'pre';
          probe.textContent = text;
          document.body.append(probe);
          const size = probe.getBoundingClientRect().width;
          probe.remove();
          return size;
        };
        return sides.map((side) => ({
          direction: getComputedStyle(side).direction,
          marks: [...side.querySelectorAll('mark')].map((mark) => mark.textContent),
          text: side.textContent,
          first: side.firstChild.parentNode === side && (() => {
            const range = document.createRange();
            range.setStart(side.firstChild, 0);
            range.setEnd(side.firstChild, 1);
            return range.getBoundingClientRect().left - side.getBoundingClientRect().left;
          })(),
          joined: width('سسس', side) < 3 * width('س', side),
        }));
        """
    )
    assert [side["text"] for side in found] == [DIACRITIZED, MISHEARD]
    assert all(side["direction"] == "rtl" and side["first"] > 100 and side["joined"] for side in found)
    assert "سَ" in found[0]["marks"]
    assert "ش" in found[1]["marks"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_screen_and_a_phone_in_light_and_dark(browser, url, width, scheme):
    browser.open(url, width, 2400, scheme)
    assert not browser.wide()
    dark = browser.run("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    browser.screenshot(f"page-{width}-{scheme}")


def test_two_hundred_takes_with_three_players_are_drawn_and_opened_fast(browser, recorded_run):
    for number in range(1, 201):
        gap = (1, 3) if number % 4 == 0 else None
        recorded_run.take(
            f"short-{number:03d}", sound=speech(4, seed=number, gap=gap), golden=speech(4, seed=500 + number)
        )
    manifest = recorded_run.end()
    begun, computed = time.perf_counter(), time.process_time()
    index = page.write_folder(manifest, recorded_run.out)
    drawn_s, computed_s = time.perf_counter() - begun, time.process_time() - computed
    begun = time.perf_counter()
    browser.open(index.as_uri())
    opened_s = time.perf_counter() - begun
    print(f"200 takes: drawn in {drawn_s:.1f} s ({computed_s:.1f} s of one core), opened in {opened_s:.2f} s")
    assert browser.run("return document.querySelectorAll('.take audio').length") == 3 * page.MOST_PANELS
    assert len(list((index.parent / "clips").glob("*"))) <= 402  # the reference once, as evidence and as preview
    assert computed_s < 60  # of one core: other work on the machine does not count
    assert opened_s < 3


def wait_for_players(browser):
    """The players are in what Allure shows of a take at once: no attachment is opened."""
    for _ in range(60):
        time.sleep(0.5)
        if browser.run("return !!document.querySelector('iframe')?.contentDocument?.querySelector('audio')"):
            return
    pytest.fail("Allure shows no players")


ALLURE_CUT_OFF = """
const frame = document.querySelector("iframe").contentDocument;
return [...frame.querySelectorAll("audio")]
  .filter((one) => one.getBoundingClientRect().right > frame.documentElement.clientWidth)
  .map((one) => one.getBoundingClientRect().right);
"""
ALLURE_PLAYERS = """
const frame = document.querySelector("iframe").contentDocument;
const audios = [...frame.querySelectorAll("audio")];
(async () => {
  const results = [];
  for (const audio of audios) {
    const ready = new Promise((resolve) => {
      audio.addEventListener("canplaythrough", () => resolve(true), {once: true});
      setTimeout(() => resolve(false), 8000);
    });
    audio.load();
    const can = await ready;
    await audio.play();
    for (let tries = 0; tries < 30 && audio.currentTime <= 0.05; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    results.push([can, audio.currentTime]);
    audio.pause();
  }
  done(results);
})();
"""


def test_allure_s_own_report_plays_over_loopback_and_asks_nobody_else(browser, tmp_path):
    needed("npx")
    out, results, site = tmp_path / "out", tmp_path / "allure", tmp_path / "site"
    sound = encode_wav(speech(2.5))
    kept = take("short-003", audio=content_hash(sound))
    golden.write(tmp_path / "golden", Baseline(backend="embedded", suite="short", accepted=accepted(), takes=(kept,)))
    write_atomically(golden.kept_sound(tmp_path / "kept", kept.audio), sound)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "suites/test_short.py",
        "-k",
        "short-003",
        "--partial",
        "-p",
        "no:cacheprovider",
        "-q",
        f"--golden={tmp_path / 'golden'}",
        f"--golden-audio={tmp_path / 'kept'}",
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(ROOT)
    subprocess.run(
        [*command, "--out", str(out), "--alluredir", str(results)], cwd=ROOT, env=environment, check=True, timeout=300
    )
    assert cli.main(["allure", str(results), str(site)]) == 0
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}/"
        tests = json.loads((site / "test-results.json").read_text(encoding="utf-8"))["byId"]
        assert [test["status"] for test in tests.values() if test["name"] == "May it go out? PARTIAL"] == ["failed"]
        (first,) = [key for key, test in tests.items() if test["name"] == "short-003, seed 0"]
        assert sum(test["name"].startswith("short-") for test in tests.values()) == 1
        for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
            browser.driver.delete_all_cookies()
            browser.open(f"{base}?{width}{scheme}#{first}", width, 1400, scheme)
            wait_for_players(browser)
            browser.screenshot(f"allure-{width}-{scheme}")
            assert browser.run(ALLURE_CUT_OFF) == []
            played = browser.wait(ALLURE_PLAYERS)
            assert len(played) == 3
            assert all(can and moved > 0.05 for can, moved in played), played
            asked, _ = browser.logs()
            assert [one for one in asked if not one.startswith((base, "data:", "blob:", "about:"))] == []
        server.shutdown()
