import json

import pytest

from harness.records import power_table
from harness.records.power_table import PROFILES
from harness.report import page
from harness.report.power import power


@pytest.mark.parametrize("profile", PROFILES)
def test_every_defect_and_every_gate_of_the_kept_table_is_shown(profile):
    kept, shown = power_table.read(), power(profile)
    assert {one.defect.replace(" ", "_") for one in shown.defects} == set(kept.defects)
    first = kept.beds[kept.real_beds[0]].profiles[profile]
    asked = {gate for gate, rate in first.false_alarms.items() if rate.of} - {"any"}
    assert {gate for gate, _ in shown.alarms} == asked
    missed = power_table.missed(kept, profile)
    assert {one.defect.replace(" ", "_"): one.missed for one in shown.defects if one.missed} == missed
    assert shown.found == len(kept.defects) - len(missed)


def rate(count, of=32):
    return {"count": count, "of": of, "low": 0.1, "high": 0.9}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A table of two defects in the place of the shipped one; the file."""
    hum = {"any": rate(32), "steady_tone": rate(32), "noise_level": rate(8)}
    backwards = {"any": rate(1), "clicks": rate(1)}
    profile = {
        "false_alarms": {"any": rate(2, 128), "a": rate(0, 128), "b": rate(2, 128), "never": rate(0, 0)},
        "detections": {"hum": {"loud": hum, "soft": {"any": rate(0)}}, "backwards": {"all": backwards}},
    }
    about = {"hum": {"rejected_from": "loud", "would_find": ""}, "backwards": {"rejected_from": "all"}}
    about["backwards"]["would_find"] = "a recogniser would"
    path = tmp_path / "power.json"
    bed = {"takes": 128, "spoilt": 32, "letters_s": [3.0, 7.5, 16.0], "profiles": {"documented": profile}}
    quiet = json.loads(json.dumps(bed))
    quiet["profiles"]["documented"]["detections"]["backwards"]["all"]["any"] = rate(16)
    beds = {"people": bed, "demonstration voice": quiet}
    path.write_text(json.dumps({"confidence": 0.95, "defects": about, "beds": beds}))
    monkeypatch.setattr(power_table.read, "__defaults__", (path,))
    return path


def test_misses_come_first_with_their_reason_and_gates_by_how_sure_they_are(kept):
    backwards, hum = power("documented").defects
    assert (backwards.defect, backwards.rate.count, backwards.missed) == ("backwards", "1 of 32", "a recogniser would")
    assert (backwards.elsewhere, hum.elsewhere) == ("demonstration voice 50 %", "demonstration voice 100 %")
    assert (hum.severity, hum.by, hum.missed) == ("loud", "steady_tone 100 %, noise_level 25 %", "")


def test_false_alarms_come_over_all_and_then_by_gate_the_worst_first(kept):
    shown = power("documented")
    assert (shown.over_all.count, shown.over_all.share) == ("2 of 128", "1.6 %")
    assert [gate for gate, _ in shown.alarms] == ["b", "a"]


def test_the_page_says_what_its_gates_find(kept, recorded_run):
    recorded_run.take()
    text = page.write_folder(recorded_run.end(0), recorded_run.out).read_text(encoding="utf-8")
    assert "Of 2 kinds of defect 1 are found" in text
    assert "people: 128 takes of 3 to 16 letters a second, 32 of them spoilt" in text
    assert "missed: a recogniser would" in text


@pytest.mark.parametrize("damage", [None, "{", '{"defects": {"hum": {}}, "profiles": {"documented": {}}}'])
def test_where_there_is_no_table_the_page_says_so(kept, recorded_run, damage):
    if damage is None:
        kept.unlink()
    else:
        kept.write_text(damage)
    recorded_run.take()
    text = page.write_folder(recorded_run.end(0), recorded_run.out).read_text(encoding="utf-8")
    assert "the table of what these gates find cannot be read" in text


def test_a_profile_that_was_not_measured_borrows_no_other_one_s_power(kept):
    assert "'strict' was not measured" in power("strict").problem
