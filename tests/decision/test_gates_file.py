import pytest

from harness.decision import gates_file
from harness.errors import GateError

OLD = {"metric": "length", "at_least": 1, "why": "w", "source": "counted", "false_reject": 0.1, "unit": "s"}


def test_a_limit_takes_its_evidence_with_it():
    changed = gates_file.changed(OLD, {"metric": "length", "at_most": 3, "why": "v"}, "here")
    assert changed == {"metric": "length", "at_least": 1, "at_most": 3, "why": "v", "unit": "s"}


def test_what_leaves_the_limits_keeps_the_evidence():
    assert gates_file.changed(OLD, {"at_least": 1, "advisory": True}, "here") == OLD | {"advisory": True}


def test_a_stepped_limit_replaces_a_plain_one_and_the_other_way_round():
    steps = [{"speech_s": 2, "at_least": 3}]
    stepped = gates_file.changed(OLD, {"steps": steps, "why": "v"}, "here")
    assert "at_least" not in stepped
    assert "steps" not in gates_file.changed(stepped, {"at_least": 3, "why": "u"}, "here")


def test_a_limit_that_changes_without_a_reason_is_refused():
    with pytest.raises(GateError, match="here: field 'why' is missing"):
        gates_file.changed(OLD, {"at_least": 2}, "here")


def test_a_table_that_nobody_reads_is_refused(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text("[comparision]\nalpha = 0.1\n")
    with pytest.raises(GateError, match=r"gates\.toml: table 'comparision' is unknown; known are comparison, extends"):
        gates_file.read(path)
