"""Decisions over several looks; runs that are judged end to end stand in test_golden.py."""

import numpy as np
import pytest

from harness.decision.policy import Margin, Policy
from harness.decision.questions import Broken
from harness.decision.regression import Layout, Side
from harness.decision.release import Asked, Decisions
from harness.records.comparison import Stratum
from harness.records.gate import Outcome

SIM = Margin("sim", "cosine", 0.02, 0.1, 0.001, "w")
ROWS = Layout(tuple(f"u{n}" for n in range(40)), ("short",) * 40, tuple(f"v{n % 4}" for n in range(40)))


def asked(looks=(1,)):
    return Asked(("short",), True, Policy(), (SIM,), looks)


def weighed(shift, looks=(1,), sd=0.01, gone=None, of=None, seed=0):
    rng = np.random.default_rng(seed)
    decisions = of or Decisions(asked(looks))
    old = Side((0, 1, 2), {"sim": 0.8 + rng.normal(0, sd, (40, 3))})
    new = Side((7,), {"sim": 0.8 + np.broadcast_to(shift, (40,))[:, None] + rng.normal(0, sd, (40, 1))})
    decisions.weigh(new, old, ROWS, {"sim": gone or {}})
    return decisions


def outcomes(decisions):
    return {f"{one.stratum} {one.question}": str(one.outcome) for one in decisions.comparisons.values()}


def test_an_unchanged_release_passes_every_question():
    assert set(outcomes(weighed(0.0)).values()) == {"PASS"}
    assert len(outcomes(weighed(0.0))) == 7  # all texts, the suite, four voices, the lost


def test_a_worse_release_fails_in_its_suite_and_in_every_voice():
    found = outcomes(weighed(-0.05))
    assert {name for name, outcome in found.items() if outcome == "FAIL"} == {
        "all suites mean",
        "suite short mean",
        "voice v0 mean",
        "voice v1 mean",
        "voice v2 mean",
        "voice v3 mean",
    }


def test_one_bad_voice_fails_in_its_own_name():
    found = outcomes(weighed(np.where(np.arange(40) % 4 == 2, -0.07, 0.0)))
    assert found["voice v2 mean"] == "FAIL"
    assert [found[f"voice v{n} mean"] for n in (0, 1, 3)].count("FAIL") == 0


def test_a_few_ruined_utterances_fail_as_lost():
    assert outcomes(weighed(np.where(np.arange(40) % 8 == 0, -0.3, 0.0)))["all suites lost"] == "FAIL"


def test_a_number_that_is_gone_fails_where_the_utterance_belongs():
    decisions = weighed(0.0, gone={"u1": "no speech"})
    found = outcomes(decisions)
    assert [found[name] for name in ("suite short mean", "voice v1 mean", "all suites lost")] == ["FAIL"] * 3
    assert found["voice v0 mean"] == "PASS"
    voice = decisions.comparisons[Stratum("voice", "v1"), "sim", "mean"]
    assert voice.reason == "1 can no longer be measured: u1: no speech"


def test_noise_that_hides_the_answer_is_inconclusive_and_names_the_takes():
    decisions = weighed(0.0, sd=0.2)
    assert "INCONCLUSIVE" in outcomes(decisions).values()
    assert decisions.open()
    reasons = [one.reason for one in decisions.comparisons.values() if one.outcome == Outcome.INCONCLUSIVE]
    assert all("takes" in reason for reason in reasons)


def test_what_passed_stays_passed_at_the_next_look():
    decisions = weighed(0.0, looks=(1, 2))
    passed = {name for name, outcome in outcomes(decisions).items() if outcome == "PASS"}
    assert "all suites mean" in passed
    assert {name for name, outcome in outcomes(weighed(-0.05, of=decisions)).items() if outcome == "PASS"} >= passed


def test_a_pass_says_what_it_excludes_and_where_something_was_shown_worse():
    unchanged, worse = weighed(0.0), weighed(-0.01, sd=0.002)
    key = Stratum("all"), "sim", "mean"
    assert unchanged.comparisons[key].reason == "excludes failures of more than 7.2% of takes"
    assert unchanged.comparisons[key].excludes == pytest.approx(1 - 0.05 ** (1 / 40), rel=1e-3)
    assert worse.comparisons[key].outcome == Outcome.PASS
    assert worse.comparisons[key].reason.startswith("shown worse, inside the margin")


def counts(new, of_new=80, old=0, of_old=120):
    return Broken(*(np.array([float(number)]) for number in (new, of_new, old, of_old)))


def test_takes_that_break_gates_are_a_question_of_their_own():
    decisions = Decisions(Asked(("short",), True, Policy(broken_share=0.02), (SIM,), (1,)))
    decisions.count(counts(0))
    (one,) = decisions.comparisons.values()
    assert (one.outcome, one.question, one.utterances) == (Outcome.PASS, "broken", 80)
    assert one.reason == "excludes more than 5.0%; 2.0% is allowed"
    assert one.observed.startswith("0 of all takes; 90% interval")


def test_what_is_broken_throughout_is_excused_by_no_share():
    decisions = Decisions(Asked(("short",), True, Policy(broken_share=0.02), (SIM,), (1,)))
    decisions.count(counts(2))
    decisions.never(["nearest_reference: 2 of 2 takes of omar"])
    (one,) = decisions.comparisons.values()
    assert one.outcome == Outcome.FAIL
    assert "2 of 2 takes of omar" in one.reason


def test_too_few_takes_to_tell_their_share_name_how_many_would():
    decisions = Decisions(Asked(("short",), True, Policy(broken_share=0.02), (SIM,), (1,)))
    decisions.count(counts(1))
    (one,) = decisions.comparisons.values()
    assert one.outcome == Outcome.INCONCLUSIVE
    assert "takes would decide it" in one.reason


def test_what_was_lost_since_the_first_release_is_asked_beside_what_was_lost_since_the_last():
    rng = np.random.default_rng(0)
    decisions = Decisions(asked((3,)))
    sides = [Side((0, 1, 2), {"sim": 0.8 - shift + rng.normal(0, 0.01, (40, 3))}) for shift in (0.044, 0.04, 0.0)]
    decisions.weigh(sides[0], sides[1], ROWS, {}, sides[2])
    found = outcomes(decisions)
    assert found["all suites mean"] == "PASS"
    assert found["all suites anchor"] == "FAIL"
    (one,) = [one for one in decisions.comparisons.values() if one.question == "anchor"]
    assert str(one) == "change of sim since the first release >= -0.03 cosine"


def test_what_neither_side_has_is_not_asked():
    nothing = np.full((40, 1), np.nan)
    decisions = Decisions(asked())
    decisions.weigh(Side((0,), {"sim": nothing}), Side((0,), {"sim": nothing}), ROWS, {})
    assert set(outcomes(decisions).values()) == {"REFUSED"}
    assert not decisions.open()


@pytest.mark.parametrize(
    ("new", "old", "reason"),
    [
        (0, 0, "neither side has a sim of any utterance"),
        (40, 0, "the accepted release has no sim of any utterance"),
        (0, 40, "this run has no sim of any utterance"),
        (20, -20, "no utterance has a sim on both sides"),
    ],
)
def test_which_side_has_no_number_is_said(new, old, reason):
    def side(many):
        rows = np.arange(40) < many if many >= 0 else np.arange(40) >= 40 + many
        return Side((0,), {"sim": np.where(rows, 0.8, np.nan)[:, None]})

    decisions = Decisions(asked())
    decisions.weigh(side(new), side(old), ROWS, {})
    assert {one.reason for one in decisions.comparisons.values()} == {reason}


def test_a_comparison_says_levels_limits_and_what_changed_most():
    (one,) = [one for one in weighed(-0.05).comparisons.values() if one.stratum == Stratum("suite", "short")]
    assert str(one) == "change of sim >= -0.02 cosine"
    assert abs(one.accepted - 0.8) < 0.01 > abs(one.now - 0.75)
    assert one.low < one.change < one.high < -0.02
    assert len(one.changed_most) == 3
    assert one.changed_most[0].change < -0.05
