"""The standalone report as files; how it behaves in a browser is in test_browser.py."""

import json
import re

import pytest
from msgspec import structs

from harness import cli, report
from harness.records.gate import Outcome
from harness.report import page
from harness.report.clips import LARGEST_REPORT_BYTES
from tests.recorded import DIACRITIZED
from tests.synthetic import draw


def index(recorded_run):
    return (recorded_run.out / "report" / "index.html").read_text(encoding="utf-8")


def test_every_clip_lies_in_the_folder_once_under_the_hash_of_its_bytes(recorded_run):
    from harness.audio import content_hash

    for number in range(1, 5):
        recorded_run.take(f"short-{number:03d}")
    report.write(recorded_run.end(0), recorded_run.out)
    clips = sorted((recorded_run.out / "report" / "clips").iterdir())
    assert len(clips) == 2  # the same reference and the same drawn take, four times
    assert all(path.stem == content_hash(path.read_bytes())[:32] for path in clips)
    linked = set(re.findall(r'src="clips/([^"]+)"', index(recorded_run)))
    assert linked == {path.name for path in clips}


def test_a_signature_made_on_the_page_is_of_the_record_beside_it_also_where_one_lay_there_before(recorded_run):
    from harness.baseline import signature

    recorded_run.take()
    report.write(recorded_run.journal.record(), recorded_run.out)  # as a run writes at its start
    report.write(recorded_run.end(0), recorded_run.out)
    (bound_to,) = re.findall('data-run="([^"]*)"', index(recorded_run))
    assert bound_to == signature.run_hash(recorded_run.out)


def test_what_an_earlier_report_left_goes(recorded_run):
    recorded_run.take()
    stale = recorded_run.out / "report" / "clips" / "old.flac"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"x")
    report.write(recorded_run.end(0), recorded_run.out)
    assert not stale.exists()


def test_verdict_then_causes_then_takes_then_what_folds(recorded_run):
    recorded_run.take("short-001")
    recorded_run.take("short-002", sound=draw("###......."))
    report.write(recorded_run.end(), recorded_run.out)
    text = index(recorded_run)
    titles = ["May it go out?", "What blocks it", "Takes", "Suites", "Trend"]
    places = [text.index(f">{title}") for title in titles]
    assert places == sorted(places)
    assert text.index('id="short-short-002-seed0"') < text.index('id="short-short-001-seed0"')


def test_a_take_whose_audio_is_gone_says_so_in_place_of_its_player(recorded_run):
    found = recorded_run.take()
    (recorded_run.out / found.listen).unlink()
    report.write(recorded_run.end(0), recorded_run.out)
    takes = index(recorded_run).split('id="takes"', 1)[1]
    assert takes.count("<audio") == 1
    assert "is missing" in takes


def test_a_single_file_holds_each_clip_once_and_links_to_nothing(recorded_run, capsys):
    for number in range(1, 5):
        recorded_run.take(f"short-{number:03d}")
    recorded_run.end(0)
    assert cli.main(["report", str(recorded_run.out), "--single-file"]) == 0
    assert "report.html" in capsys.readouterr().out
    text = (recorded_run.out / page.SINGLE_FILE).read_text(encoding="utf-8")
    stored = json.loads(re.search(r'id="clips">(.*?)</script>', text)[1])
    assert len(stored) == 2
    assert text.split('id="takes"', 1)[1].count("data-clip=") == 8
    assert not re.search(r'(src|href)="(?!data:|#)', text)


def test_where_space_is_short_previews_say_that_they_are_lossy(recorded_run):
    recorded_run.take()
    page.write_folder(recorded_run.end(0), recorded_run.out, most_bytes=0)
    assert "MP3 preview, lossy: judge artifacts on" in index(recorded_run)
    assert list((recorded_run.out / "report" / "clips").glob("*.mp3"))


@pytest.mark.slow
def test_fifty_failing_utterances_with_three_players_stay_under_15_mb(recorded_run):
    from tests.recorded import speech

    for number in range(1, 51):
        sound = speech(6, seed=number, gap=(2, 5))
        recorded_run.take(f"short-{number:03d}", sound=sound, golden=speech(6, seed=100 + number))
    run = recorded_run.end()
    folder = page.write_folder(run, recorded_run.out).parent
    assert sum(len(take.against) for take in run.takes) == 50
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= LARGEST_REPORT_BYTES
    assert page.write_single_file(run, recorded_run.out).stat().st_size <= LARGEST_REPORT_BYTES


def test_texts_and_names_of_the_user_are_escaped(recorded_run):
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    recorded_run.take(text=nasty, heard=nasty, utterance=nasty, transcript=nasty, reference=nasty, error=nasty)
    report.write(recorded_run.end(0), recorded_run.out)
    text = index(recorded_run)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_row_has_its_text_a_button_to_play_its_length_and_the_nearest_limit(recorded_run):
    found = recorded_run.take("short-001")
    refused = tuple(structs.replace(one, outcome=Outcome.REFUSED, reason="no recogniser") for one in found.verdicts)
    run = structs.replace(recorded_run.end(0), takes=(structs.replace(found, verdicts=found.verdicts + refused),))
    page.write_folder(run, recorded_run.out)
    row = index(recorded_run).split('<div class="row">', 1)[1]
    summary = row[row.index("<summary>") : row.index("</summary>")]
    assert re.search(r'<button type="button" class="play" data-play="short-short-001-seed0"[^>]*>▶', row)
    assert "voice layla, 2.50 s, stopped by eos: " in summary
    assert "nearest limit: " in summary
    assert f'<span class="excerpt" lang="ar" dir="auto">{DIACRITIZED}</span>' in summary
    assert " open>" not in row.split("</summary>")[0]  # nothing fails, so nothing is open
    inside = row.split("</summary>", 1)[1]
    folded = re.findall(r'<details class="folded"><summary>(\d) gates <span class="(\w+)">', inside)
    assert folded == [("3", "PASS"), ("3", "REFUSED")]  # no row of either stands open
