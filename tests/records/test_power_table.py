"""What a kept table says, beside a fresh one; that no change makes it worse is in tests/power/test_power.py."""

import pytest

from harness.decision.rates import Rate
from harness.errors import UsageError
from harness.records import power_table


def kept_table(found, alarms=0):
    def rates():
        return {
            "false_alarms": {"any": Rate(alarms, 128).as_json()},
            "detections": {"hum": {"loud": {"any": Rate(found, 32).as_json()}}},
        }

    about = {"hum": {"rejected_from": "loud", "would_find": "a better ear"}}
    return {"defects": about, "profiles": {name: rates() for name in power_table.PROFILES}}


def test_a_table_is_not_worse_than_itself_nor_within_its_interval():
    assert power_table.worse(kept_table(32), kept_table(32)) == []
    assert power_table.worse(kept_table(32), kept_table(30)) == []


def test_a_detection_below_the_kept_interval_is_worse():
    lines = power_table.worse(kept_table(32), kept_table(24))
    assert lines[0].startswith("documented: hum (loud) is found in 24 of 32, at least 89.1% before")
    assert len(lines) == len(power_table.PROFILES)


def test_false_alarms_above_the_kept_interval_are_worse():
    assert "any alarms on 6 of 128" in power_table.worse(kept_table(32), kept_table(32, alarms=6))[0]


def test_a_defect_that_is_missed_has_a_reason():
    assert power_table.missed(kept_table(20), "documented") == {"hum": "a better ear"}
    assert power_table.missed(kept_table(32), "documented") == {}


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"defects": {}, "profiles": {}}'])
def test_a_damaged_table_is_named(tmp_path, damage):
    (tmp_path / "power.json").write_text(damage)
    with pytest.raises(UsageError, match=r"power.json is damaged"):
        power_table.read(tmp_path / "power.json")


def test_a_missing_table_names_the_command(tmp_path):
    with pytest.raises(UsageError, match=r"is missing: write one with python -m harness power --out"):
        power_table.read(tmp_path / "power.json")


def test_the_shipped_table_can_be_told():
    told = list(power_table.lines(power_table.read()))
    assert told[0].startswith("false alarms on sound speech")
    assert any(line.startswith("* clipping") for line in told)
