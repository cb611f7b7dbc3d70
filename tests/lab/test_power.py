"""The table's arithmetic, and the promise that no change makes the gates weaker."""

import pytest

from harness.decision.gates import load_profile
from harness.decision.rates import Rate
from harness.lab import beds, power
from harness.lab.defects import DEFECTS
from harness.records import power_table
from harness.records.gate import Outcome
from tests.pages import said

PASS, FAIL, WARN, REFUSED = Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.REFUSED


def answers(**outcomes):
    return {"documented": outcomes, "calibrated": outcomes}


def clean(answer, source="a", first=True):
    return power.Clean(source, first, 7.0, answer)


def test_an_advisory_gate_is_counted_but_is_no_alarm():
    judged = [answers(a=PASS, b=WARN), answers(a=FAIL, b=PASS), answers(a=REFUSED, b=PASS)]
    bed = power.Bed([clean(one) for one in judged], {})
    assert bed.false_alarms("documented") == {"any": Rate(1, 3), "a": Rate(1, 2), "b": Rate(1, 3)}


def test_false_alarms_are_counted_by_source_and_by_half():
    bed = power.Bed([clean(answers(a=FAIL)), clean(answers(a=PASS), first=False), clean(answers(a=PASS), "b")], {})
    by_source = bed.by_source("documented")
    assert by_source["a"] == {"all": Rate(1, 2), "first half": Rate(1, 1), "second half": Rate(0, 1)}
    assert by_source["b"]["all"] == Rate(0, 1)


def test_a_defect_is_found_only_where_the_take_was_sound_before():
    pairs = [(answers(a=PASS), answers(a=FAIL)), (answers(a=FAIL), answers(a=FAIL)), (answers(a=PASS), answers(a=PASS))]
    bed = power.Bed([], {("hum", "loud"): pairs})
    assert bed.detections("documented")["hum"]["loud"] == {"any": Rate(1, 2), "a": Rate(1, 2)}


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
