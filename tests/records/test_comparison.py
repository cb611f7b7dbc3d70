import pytest

from harness.records import schema
from harness.records.comparison import Change, Comparison, NotCompared, Stratum
from harness.records.gate import Outcome


def comparison(**changes):
    known = {
        "outcome": Outcome.FAIL,
        "stratum": Stratum("suite", "short"),
        "metric": "length",
        "question": "mean",
        "unit": "s",
        "change": -0.5,
        "confidence": 0.9,
        "margin": 0.1,
        "at_least": -0.1,
        "at_most": 0.1,
        "lost_from": 0.4,
        "p_value": 0.001,
        "utterances": 20,
        "changed_most": (Change("short-001", -0.9),),
    }
    return Comparison(**known | changes)


@pytest.mark.parametrize("found", [comparison(), NotCompared(Outcome.REFUSED, Stratum("all"), "nothing accepted")])
def test_an_answer_is_kept_whole(found):
    assert schema.decode(schema.encode(found), type(found), "it", "compare again") == found


def test_a_question_is_told_in_words():
    assert str(comparison()) == "change of length -0.1 to 0.1 s"
    assert comparison().observed == "-0.5 s; 90% interval ? to ?, 20 utterances, worst short-001 -0.9"
    assert comparison(question="lost").name == "utterances that lost 0.4 s of length"
    assert comparison(question="lost", relative=True).name == "utterances that lost 0.4 of the accepted value of length"
    assert [comparison(question="lost").is_share, comparison(relative=True).is_share, comparison().is_share] == [
        True,
        True,
        False,
    ]


def test_a_first_release_is_not_blocked_and_a_damaged_baseline_blocks():
    assert not NotCompared(Outcome.REFUSED, Stratum("all"), "first").stands_against
    assert NotCompared(Outcome.INCONCLUSIVE, Stratum("all"), "damaged").stands_against
