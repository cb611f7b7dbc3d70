"""What a kept table says, beside a fresh one; that no change makes it worse is in tests/power/test_power.py."""

import pytest

from harness.decision.rates import Rate
from harness.errors import UsageError
from harness.records import power_table, schema
from harness.records.power_table import ANY, PROFILES, Defect, PowerTable, ProfilePower


def kept_table(found, alarms=0):
    power = ProfilePower(
        {ANY: Rate(alarms, 128).record()},
        {"hum": {"loud": {ANY: Rate(found, 32).record()}}},
    )
    return PowerTable(
        confidence=0.95,
        takes=128,
        defects={"hum": Defect("loud", "a better ear")},
        profiles=dict.fromkeys(PROFILES, power),
    )


def test_a_table_is_read_as_it_was_written(tmp_path):
    schema.write(tmp_path / "power.json", kept_table(32))
    assert power_table.read(tmp_path / "power.json") == schema.stamped(kept_table(32))


def test_a_table_is_not_worse_than_itself_nor_within_its_interval():
    assert power_table.worse(kept_table(32), kept_table(32)) == []
    assert power_table.worse(kept_table(32), kept_table(30)) == []


def test_a_detection_below_the_kept_interval_is_worse():
    lines = power_table.worse(kept_table(32), kept_table(24))
    assert lines[0].startswith("documented: hum (loud) is found in 24 of 32, at least 89.1% before")
    assert len(lines) == len(PROFILES)


def test_false_alarms_above_the_kept_interval_are_worse():
    assert "any alarms on 6 of 128" in power_table.worse(kept_table(32), kept_table(32, alarms=6))[0]


def test_a_defect_that_is_missed_has_a_reason():
    assert power_table.missed(kept_table(20), "documented") == {"hum": "a better ear"}
    assert power_table.missed(kept_table(32), "documented") == {}


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"defects": {}, "profiles": {}}',
        '{"confidence": 1, "takes": 1, "defects": {}, "profiles": {}}',
    ],
)
def test_a_damaged_table_is_named(tmp_path, damage):
    (tmp_path / "power.json").write_text(damage)
    with pytest.raises(UsageError, match=r"power.json is damaged"):
        power_table.read(tmp_path / "power.json")


def test_a_missing_table_names_the_command(tmp_path):
    with pytest.raises(UsageError, match=r"is missing: write it anew with python -m harness power --out"):
        power_table.read(tmp_path / "power.json")


def test_the_shipped_table_can_be_shown():
    shown = list(power_table.lines(power_table.read()))
    assert shown[0].startswith("false alarms on sound speech")
    assert any(line.startswith("* clipping") for line in shown)
