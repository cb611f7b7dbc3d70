import numpy as np
import pytest

from harness.decision import outlook
from harness.decision.change import Strata, Takes
from harness.decision.policy import Margin, Policy
from harness.decision.questions import FAIL, Look, Rule

SIM = Margin("sim", "cosine", 0.02, 0.1, 0.001, "w")
POLICY = Policy()
RNG = np.random.default_rng


def asked(new, old, looks=None):
    rows = new.shape[1]
    strata = Strata.of(["short"] * rows, [f"v{k % 8}" for k in range(rows)], ("short",), whole=False)
    rule = Rule((SIM,), strata, POLICY, looks or (new.shape[2],), whole=False)
    takes = Takes(new, old, False)
    rule.look(Look({"sim": takes}), 0)
    return rule, rule.answers["suite short", "sim", "mean"], takes


def outlook_of(new, old):
    _, answer, takes = asked(new, old)
    return outlook.of_mean(answer, takes, np.ones(new.shape[1], bool))


def noisy(rows, takes, sd, seed=0, shift=0.0, between=0.0):
    rng = RNG(seed)
    return shift + rng.normal(0, between, (1, rows, 1)) + rng.normal(0, sd, (1, rows, takes))


def test_more_takes_are_named_where_they_decide_it_and_do():
    found = outlook_of(noisy(40, 1, 0.045), noisy(40, 6, 0.045, seed=1))
    assert 1 < found.more_takes <= 12
    assert str(found).startswith(f"about {found.more_takes} takes of each utterance would decide it")


def test_where_the_accepted_takes_are_too_few_both_need_more():
    found = outlook_of(noisy(40, 20, 0.16), noisy(40, 1, 0.16, seed=1))
    assert found.more_takes is None
    assert found.takes_of_both
    assert "accept the released model anew" in str(found)


def test_where_texts_changed_differently_only_more_of_them_decide_it():
    found = outlook_of(noisy(20, 3, 0.001, between=0.08), noisy(20, 3, 0.001, seed=1))
    assert (found.more_takes, found.takes_of_both) == (None, None)
    assert found.utterances > 20
    assert f"about {found.utterances} utterances would; 20 are there" in str(found)


def test_where_nothing_is_measured_nothing_is_promised():
    nothing = np.full((1, 1, 1), 0.5)
    assert str(outlook_of(nothing, nothing)) == "more takes would not decide it, more utterances would"


def test_the_detectable_loss_is_called_a_failure_four_times_in_five():
    rng, runs = RNG(3), 400
    old, new = rng.normal(0, 0.03, (runs, 40, 3)), rng.normal(0, 0.03, (runs, 40, 3))
    rule, answer, _ = asked(new[:1], old[:1])
    size = outlook.detectable(answer, POLICY, (3,), 1)
    rule, _, _ = asked(new - size, old)
    assert (rule.outcomes["suite short", "sim", "mean"] == FAIL).mean() == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize(("hits", "of", "share"), [(0, 59, 0.05), (0, 210, 0.0142), (3, 60, 0.1237)])
def test_what_is_excluded_is_the_rarest_failure_that_would_have_been_seen(hits, of, share):
    new, old = np.zeros((1, of, 1)), np.zeros((1, of, 3))
    new[0, :hits] = -0.2
    found = outlook.excluded(SIM, Takes(new, old, False), np.ones(of, bool))
    assert found == pytest.approx(share, abs=0.0015)


def test_takes_that_would_show_a_share_are_named():
    many = outlook.of_share(1, 70, 0.05, 0.05)
    assert 70 < many <= 200
    assert outlook.of_share(7, 70, 0.05, 0.05) is None


def test_the_interval_holds_what_it_says_at_each_look():
    shown = [outlook.confidence(POLICY, (1, 2, 3, 5), number) for number in range(4)]
    assert shown == sorted(shown, reverse=True)
    missed = [(1 - one) / 2 for one in shown]
    # Each look misses less often than all together, which miss less often than were they strangers.
    assert missed[-1] < POLICY.doubt < sum(missed)
    assert (1 - outlook.confidence(POLICY, (5,), 0)) / 2 == pytest.approx(POLICY.doubt)
