import numpy as np
import pytest

from harness.decision.policy import load_policy
from harness.errors import GateError
from harness.metrics import known_metrics

ROW = """
[[margin]]
metric = "length"
unit = "s"
margin = 0.1
lost = 0.5
why = "w"
"""


def loaded(tmp_path, text):
    path = tmp_path / "gates.toml"
    path.write_text(text)
    return load_policy(path)


def test_every_shipped_margin_says_why_and_on_what_it_rests_and_is_smaller_than_a_loss():
    policy, margins = load_policy()
    assert len(margins) >= 10
    for margin in margins:
        assert margin.why
        assert margin.source
        assert margin.resolution < margin.margin < margin.lost
        assert margin.better == ("neither" if margin.two_sided else known_metrics()[margin.metric].better)
    assert (policy.alpha, policy.looks) == (0.01, (1, 2, 3, 5))


def test_what_may_be_too_much_as_well_as_too_little_may_drift_neither_way():
    two_sided = {margin.metric for margin in load_policy()[1] if margin.two_sided}
    assert two_sided == {"speech_level", "silence_ratio", "longest_silence"}


def test_what_a_row_leaves_out_has_its_default(tmp_path):
    policy, (margin,) = loaded(tmp_path, ROW)
    assert (margin.relative, margin.cap, margin.unit_of_change) == (False, None, "s")
    assert policy.accepted_takes == 3


def test_a_value_beyond_a_cap_counts_as_it_also_below_nought(tmp_path):
    _, (margin,) = loaded(tmp_path, ROW + "cap = -20\n")
    np.testing.assert_array_equal(margin.scaled(np.array([-65.0, -20.0, -3.0])), [-65.0, -20.0, -20.0])


def test_a_file_without_margins_compares_nothing(tmp_path):
    assert loaded(tmp_path, "")[1] == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ROW.replace('"length"', '"beauty"'), "metric 'beauty' is unknown"),
        (ROW.replace('"s"', '"m"'), "length is measured in s, not in 'm'"),
        (ROW.replace("margin = 0.1", "margin = 0"), "field 'margin' is 0; a number above 0"),
        (ROW.replace("margin = 0.1", "margin = nan"), "field 'margin' is nan"),
        (ROW.replace("lost = 0.5\n", ""), "field 'lost' is missing"),
        (ROW.replace('why = "w"', ""), "field 'why' is missing"),
        (ROW + "cap = nan\n", "field 'cap' is nan; a number"),
        (ROW + "source = 3\n", "field 'source' is 3; a text"),
        (ROW + "limit = 3\n", "field 'limit' is unknown"),
        (ROW * 2, "'length' has a margin already"),
        (ROW + "[comparison]\nalpha = 2.0\n", "field 'alpha' is 2.0; a number below 0.5"),
        (ROW + "[comparison]\nlooks = [3, 1]\n", "rising numbers of takes"),
        (ROW + "[comparison]\naccepted_takes = 0\n", "field 'accepted_takes' is 0; a whole number of at least 1"),
        (ROW + "[comparison]\nbeta = 0.1\n", "field 'beta' is unknown"),
        ("[[margin", "not valid TOML"),
    ],
)
def test_a_malformed_row_is_refused(tmp_path, text, complaint):
    with pytest.raises(GateError) as caught:
        loaded(tmp_path, text)
    assert complaint in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(GateError, match="is missing"):
        load_policy(tmp_path / "nowhere.toml")
