"""The promise that no change makes the gates weaker; the arithmetic is in test_answers.py."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from harness.decision.gates import load_profile
from harness.errors import UsageError
from harness.lab import beds, power
from harness.lab.defects import DEFECTS
from harness.lab.hearing import Hearing
from harness.metrics.speaker import Voices
from harness.records import power_table
from harness.records.gate import Outcome
from tests.pages import said
from tests.synthetic import draw, reference, request, take


def test_every_defect_of_the_kept_table_that_is_missed_says_why():
    kept = power_table.read()
    assert set(kept.defects) == {defect.name for defect in DEFECTS}
    for profile in power_table.PROFILES:
        for name, why in power_table.missed(kept, profile).items():
            assert "fault of the gates" not in why, name


def test_hardly_any_person_or_clone_alarms_a_blocking_gate_of_the_calibrated_profile():
    kept = power_table.read()
    for bed in (beds.PEOPLE, beds.CLONES):
        alarms = kept.beds[bed].profiles["calibrated"].false_alarms["any"]
        assert alarms.of >= 60
        assert alarms.share <= 0.02


def test_most_kinds_of_defect_are_found_in_people_and_clones():
    kept = power_table.read()
    assert len(DEFECTS) >= 50
    assert len(DEFECTS) - len(power_table.missed(kept, "calibrated")) >= 38


def test_the_pages_say_what_the_kept_table_says():
    kept, read = power_table.read(), said()
    found = len(DEFECTS) - len(power_table.missed(kept, "calibrated"))
    assert f"{found} of {len(DEFECTS)} defects are found" in read
    of_real = [kept.beds[bed].profiles["calibrated"].heard for bed in (beds.PEOPLE, beds.CLONES)]
    heard = sum(
        all(rates[name][defect.rejected_from].share >= power_table.FOUND for rates in of_real)
        for name, defect in kept.defects.items()
    )
    assert f"and {heard} where Whisper base hears what no other gate finds" in read
    counts = [rates["beginning_lost"]["0.35 s"].count for rates in of_real]
    assert f"with Whisper base in {counts[0]} and {counts[1]}; of the 80 takes" in read
    assert sum(kept.beds[bed].heard_false_alarms.count for bed in (beds.PEOPLE, beds.CLONES)) == 0
    for bed in kept.beds:
        alarms = kept.beds[bed].profiles["calibrated"].false_alarms["any"]
        assert f"{kept.about(bed)}; {alarms.count} of {alarms.of} raise a false alarm" in read


def test_what_the_demonstration_voice_is_let_off_holds_for_no_person_and_no_clone():
    of_all = tuple(load_profile(profile, "") for profile in power_table.PROFILES)
    assert power._profiles("recorded") == of_all != power._profiles("embedded")


def test_the_rows_of_the_gates_say_what_the_kept_table_says():
    kept = power_table.read()
    for profile in power_table.PROFILES:
        for gate in load_profile(profile, "").gates:
            if gate.source.startswith(power_table.KEPT):
                # An inherited row says what its own profile rejects, which the other rejects as well.
                told = {kept.rejects(one, gate.name): one for one in power_table.PROFILES}
                assert gate.source in told, (profile, gate.name, kept.rejects(profile, gate.name))
                alarms = kept.beds[beds.PEOPLE].profiles[told[gate.source]].false_alarms[gate.name]
                assert gate.false_reject == pytest.approx(alarms.share, abs=0.0005), (profile, gate.name)


def test_the_promised_defects_are_always_found():
    kept = power_table.read()
    for bed in (beds.PEOPLE, beds.CLONES):
        power_of = kept.beds[bed].profiles["calibrated"]
        for name in ("reference_leak", "loop", "dropouts", "filled_dropouts", "stutter", "nonfinite"):
            assert power_of.detection(name, kept.defects[name].rejected_from).share >= 0.95, (bed, name)
        assert power_of.false_alarms["reference_leak"].count == 0


@pytest.mark.slow
@pytest.mark.usefixtures("spoken_here")
def test_no_gate_has_become_weaker_than_in_the_kept_table():
    # a sample of the kept table: what was always found in the demonstration's voice still is
    takes = beds.demonstration(1)
    fresh = power.measure(takes, {beds.DEMONSTRATION: 4}, only_rejected=True).record()
    kept = power_table.read()
    for profile, table in kept.beds[beds.DEMONSTRATION].profiles.items():
        for name in table.detections:
            severity = kept.defects[name].rejected_from
            was = table.detection(name, severity)
            now = fresh.beds[beds.DEMONSTRATION].profiles[profile].detection(name, severity)
            # a few takes can show that what was always found still is, not a rate in between
            if was.of and was.count == was.of:
                assert (profile, name, now.count) == (profile, name, now.of)


def test_a_recogniser_hears_only_what_no_other_gate_finds_and_a_defect_is_drawn_alike_in_every_folder(monkeypatch):
    class Hears:
        asked: ClassVar = []

        def fingerprint(self):
            return "by hand"

        def alarms(self, heard, profiles):
            self.asked.append((tuple(profiles), heard.audio.samples.tobytes()))
            return dict.fromkeys(profiles, heard.audio.duration_s < 3.0)

    def measured(folder):
        voice = replace(reference(), id=f"{folder}/layla.wav", path=Path(folder, "layla.wav"))
        one = beds.Spoken(take(draw("#" * 30), asked=request(reference=voice)), "here", True)
        hears = Hears()
        hears.asked.clear()
        table = power.measure([one], {beds.PEOPLE: 1}, workers=1, only_rejected=True, hearing=hears).record()
        return table, list(hears.asked)

    def judged(job):
        loud = job.defect == "hum"
        return {name: {"a": Outcome.FAIL if loud else Outcome.PASS} for name in power_table.PROFILES}, 7.0

    monkeypatch.setattr(power, "_answers", judged)
    monkeypatch.setattr(power, "foreign", lambda one, takes, number: one.take)
    monkeypatch.setattr(power, "_voices", lambda takes: {id(one): Voices({}, {}) for one in takes})
    monkeypatch.setattr(power, "DEFECTS", [one for one in DEFECTS if one.name in {"hum", "beginning_lost", "hum_60"}])
    table, asked = measured("one")
    assert asked == measured("other")[1]
    assert len(asked) == 3  # the sound take, and the two that nothing finds
    found = table.beds[beds.PEOPLE].profiles["calibrated"]
    heard = {name: rate.count for name, of in found.heard.items() for rate in of.values()}
    assert (table.recogniser, heard) == ("by hand", {"hum": 1, "beginning_lost": 1, "hum_60": 0})
    assert found.detections["beginning_lost"]["0.35 s"]["any"].count == 0
    assert [line for line in power_table.lines(table) if "heard by by hand" in line]


def test_a_recogniser_that_cannot_be_opened_ends_it_before_anything_is_judged(monkeypatch, tmp_path):
    monkeypatch.setattr(power, "_voices", None)
    with pytest.raises(UsageError, match="neither a folder nor a hub id"):
        power.measure([], {}, hearing=Hearing("nobody", (), tmp_path))
