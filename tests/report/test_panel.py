from dataclasses import replace

import pytest
from msgspec import structs

from harness.records.gate import Outcome
from harness.report import allure, page, terminal
from harness.report.clips import Recording
from harness.report.panel import panel, picture, players
from harness.report.summary import markdown
from tests.synthetic import draw


def test_the_accepted_take_has_a_player_only_where_there_is_one(recorded_run):
    alone = recorded_run.take("short-001")
    beside = recorded_run.take("short-002", golden=draw("#" * 20))
    assert [player.role for player in players(alone, recorded_run.out)] == ["reference", "take"]
    assert [player.role for player in players(beside, recorded_run.out)] == ["reference", "golden", "take"]


def test_an_accepted_take_that_was_not_kept_or_is_another_is_said_in_place_of_its_player(recorded_run):
    unkept = recorded_run.take("short-001", accepted_sha256="a" * 64)
    (_, golden, _) = players(unkept, recorded_run.out)
    assert (golden.path, golden.missing[:14]) == (None, "not kept here:")
    found = recorded_run.take("short-002", golden=draw("#" * 20))
    path = recorded_run.out / found.accepted_audio
    path.write_bytes(path.read_bytes()[:-2] + b"xy")
    (_, golden, _) = players(found, recorded_run.out)
    assert (golden.path, golden.missing.split(" of ")[0]) == (None, "not played: the sha256")


@pytest.mark.parametrize("how", ["page", "single file", "sheet", "terminal", "job summary"])
def test_a_take_that_was_made_without_its_reference_is_marked_everywhere(recorded_run, how):
    found = recorded_run.take(unconditioned="layla.wav is no sound file", reference_audio="")
    manifest, out = recorded_run.end(), recorded_run.out
    drawn = {
        "page": lambda: page.write_folder(manifest, out).read_text(encoding="utf-8"),
        "single file": lambda: page.write_single_file(manifest, out).read_text(encoding="utf-8"),
        "sheet": lambda: allure.sheet(found, players(found, out)),
        "terminal": lambda: " ".join(" ".join(terminal.summary(manifest, out, out)).split()),
        "job summary": lambda: markdown(manifest, out).replace("\\", ""),
    }[how]()
    assert "made without the" in drawn or "made without its reference" in drawn
    assert "layla.wav is no sound file" in drawn
    if how in {"page", "single file", "sheet"}:
        assert "New take, made without its reference" in drawn
        assert "not usable: layla.wav is no sound file" in drawn
        assert drawn.rpartition('id="takes"')[2].count("<audio") == 1


def test_failing_gates_come_first_with_limit_distance_and_why(recorded_run):
    found = recorded_run.take(sound=draw("#####....."))
    rows = panel(found, players(found, recorded_run.out), ()).rows
    assert (rows[0].outcome, rows[0].gate, rows[0].limit) == ("FAIL", "silence_ratio", "<= 0.3 ratio")
    assert rows[0].distance == "-0.2 ratio"
    assert rows[0].why
    assert {row.outcome for row in rows[1:]} == {"PASS"}


def test_defects_that_measurements_place_are_marked_in_the_take_alone(recorded_run):
    found = recorded_run.take(golden=draw("#" * 20))
    length = structs.replace(found.measurements["length"], spans=((0.5, 1.0),))
    failed = structs.replace(found.verdicts[0], outcome=Outcome.FAIL)
    found = structs.replace(found, measurements={"length": length}, verdicts=(failed,))
    _, golden, take = players(found, recorded_run.out)
    marked = {player.role: picture(player, Recording.of(player.path), found) for player in (golden, take)}
    assert [mark.label for mark in marked["take"].marks if mark.kind == "defect"] == ["length 0.50 to 1.00 s"]
    assert not [mark for mark in marked["golden"].marks if mark.kind == "defect"]
    assert marked["take"].percent(1.25) == 50.0


def test_a_second_is_as_wide_in_the_picture_of_the_accepted_take_as_in_that_of_the_new_one(recorded_run):
    found = recorded_run.take(sound=draw("#" * 30), golden=draw("#" * 20))
    _, golden, take = players(found, recorded_run.out)
    pictures = tuple(picture(player, Recording.of(player.path), found) for player in (golden, take))
    drawn = panel(found, (golden, take), pictures)
    assert [drawn.width(one) for one in pictures] == [66.7, 100.0]
    runaway = replace(pictures[1], duration_s=120.0)
    assert replace(drawn, pictures=(pictures[0], runaway)).width(pictures[0]) == 30.0


def test_the_heard_text_is_compared_only_where_there_is_one(recorded_run):
    found = recorded_run.take(heard="ذهب الولد")
    assert panel(found, (), ()).heard
    assert panel(recorded_run.take("short-002"), (), ()).heard == []


def test_seed_and_provenance_are_said(recorded_run):
    facts = dict(panel(recorded_run.take(), (), ()).facts)
    assert (facts["seed"], facts["stopped by"], facts["model"]) == ("0", "eos", "drawn r1")
