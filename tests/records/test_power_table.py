"""What a kept table says, beside a fresh one; that no change makes it worse is in tests/power/test_power.py."""

import pytest
from msgspec import structs

from harness.decision.rates import Rate
from harness.errors import UsageError
from harness.records import power_table, schema
from harness.records.power_table import ANY, PROFILES, BedPower, Defect, PowerTable, ProfilePower


def kept_table(found, alarms=0):
    power = ProfilePower(
        {ANY: Rate(alarms, 128).record()},
        {"hum": {"loud": {ANY: Rate(found, 32).record()}}},
    )
    bed = BedPower(128, 32, (3.0, 7.5, 16.0), dict.fromkeys(PROFILES, power))
    return PowerTable(confidence=0.95, defects={"hum": Defect("loud", "a better ear")}, beds={"people": bed})


def test_a_table_is_read_as_it_was_written(tmp_path):
    schema.write(tmp_path / "power.json", kept_table(32))
    assert power_table.read(tmp_path / "power.json") == schema.stamped(kept_table(32))


def test_a_table_is_not_worse_than_itself_nor_within_its_interval():
    assert power_table.worse(kept_table(32), kept_table(32)) == []
    assert power_table.worse(kept_table(32), kept_table(30)) == []


def test_a_detection_below_the_kept_interval_is_worse():
    lines = power_table.worse(kept_table(32), kept_table(24))
    assert lines[0].startswith("people, documented: hum (loud) is found in 24 of 32, at least 89.1% before")
    assert len(lines) == len(PROFILES)


def test_false_alarms_above_the_kept_interval_are_worse():
    assert "any alarms on 6 of 128" in power_table.worse(kept_table(32), kept_table(32, alarms=6))[0]


def test_a_defect_that_is_missed_has_a_reason():
    assert power_table.missed(kept_table(20), "documented") == {"hum": "a better ear"}
    assert power_table.missed(kept_table(32), "documented") == {}


def test_what_is_found_with_the_recogniser_of_the_table_stands_beside_the_reason_and_below_the_bed():
    bed = kept_table(20).beds["people"]
    power = structs.replace(bed.profiles["documented"], heard={"hum": {"loud": Rate(30, 32).record()}})
    bed = structs.replace(bed, profiles=dict.fromkeys(PROFILES, power), heard_false_alarms=Rate(1, 32).record())
    table = structs.replace(kept_table(20), beds={"people": bed}, recogniser="whisper-base 0123 cpu")
    assert power_table.missed(table, "documented") == {"hum": "a better ear; found with whisper-base in 94 % of people"}
    lines = list(power_table.lines(table))
    at = lines.index("with the gates on the words, heard by whisper-base 0123 cpu")
    assert "3% [0%, 16%] n=32" in lines[at + 1]
    assert lines[at + 2].split()[:3] == ["hum", "loud", "94%"]


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"defects": {}, "beds": {}}',
        '{"confidence": 1, "defects": {}, "beds": {}}',
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
    assert shown[0].startswith("clones: ")
    assert "letters a second" in shown[0]
    assert shown[1].startswith("false alarms on sound speech")
    assert any(line.startswith("* clipping") for line in shown)


def test_every_rate_stands_beside_its_bed_its_tempi_and_its_number():
    assert kept_table(32).about("people") == "people: 128 takes of 3 to 16 letters a second, 32 of them spoilt"


def test_what_the_demonstration_finds_is_no_word_about_real_speech():
    real, shown = kept_table(20).beds["people"], kept_table(32).beds["people"]
    table = PowerTable(
        confidence=0.95, defects=kept_table(1).defects, beds={"demonstration voice": shown, "people": real}
    )
    assert table.real_beds == ["people"]
    assert power_table.missed(table, "documented") == {"hum": "a better ear"}
