import numpy as np
import pytest

from harness.decision.change import Strata
from harness.decision.policy import Margin, Policy
from harness.decision.questions import FAIL, OPEN, PASS
from harness.lab.simulation import Corpus, Loss, Noise, creep, draw, play, spoil

SIM = Margin("sim", "cosine", 0.02, 0.1, 0.001, "w")
CER = Margin("cer", "ratio", 0.01, 0.2, 0.001, "w", cap=0.5, better="lower")
SUITES = ("short",) * 24 + ("medium",) * 12
STRATA = Strata.of(SUITES, [f"v{k % 4}" for k in range(36)], ("short", "medium"), whole=True)
CORPUS = Corpus((SIM, CER), STRATA, SUITES, {"sim": np.full(36, 0.8), "cer": np.full(36, -0.03)})
POLICY = Policy(broken_share=0.02)
RNG = np.random.default_rng


def played(noise=None, loss=None, looks=(5,), runs=30, corpus=CORPUS):
    return play(corpus, POLICY, looks, noise or Noise(0.3), loss or Loss(), runs)


@pytest.mark.parametrize("noise", [Noise(1.0), Noise(1.0, skewed=True), Noise(1.0, alike=0.3)])
def test_noise_has_the_size_that_is_asked_for(noise):
    takes = draw(CORPUS, noise, 400, 3, RNG(0))["sim"]
    assert takes.mean() == pytest.approx(0.8, abs=0.001)
    assert takes.std() == pytest.approx(SIM.margin, rel=0.05)


def test_takes_of_a_voice_have_in_common_what_is_asked_for():
    takes = draw(CORPUS, Noise(1.0, alike=0.3), 2000, 1, RNG(0))["sim"][:, :, 0]
    same, other = (np.corrcoef(takes[:, 0], takes[:, row])[0, 1] for row in (4, 5))
    assert same == pytest.approx(0.3, abs=0.06)
    assert other == pytest.approx(0.0, abs=0.06)


def test_skewed_noise_has_its_long_side_where_it_is_worse():
    takes = draw(CORPUS, Noise(1.0, skewed=True), 100, 3, RNG(0))["sim"] - 0.8
    assert -takes.min() > 3 * takes.max()


def test_measured_noise_is_drawn_for_all_metrics_of_a_take_together():
    residuals = {suite: {"sim": np.array([0.1, -0.1]), "cer": np.array([0.01, -0.01])} for suite in ("short", "medium")}
    takes = draw(Corpus((SIM, CER), STRATA, SUITES, CORPUS.means, residuals), Noise(), 50, 2, RNG(0))
    np.testing.assert_allclose(takes["sim"] - 0.8, 10 * (takes["cer"] + 0.03))
    assert set(np.round(takes["sim"] - 0.8, 6).ravel()) == {-0.1, 0.1}


@pytest.mark.parametrize("rare", [False, True])
@pytest.mark.parametrize(("place", "plain"), [("all", False), ("suite medium", False), ("suite medium", True)])
def test_a_loss_costs_its_stratum_what_is_asked_for(rare, place, plain):
    column = STRATA.names.index(place)
    takes = np.full((400, 36, 5), -0.03)
    worse = spoil(takes, CORPUS, CER, Loss("cer", place, 1.0, rare=rare, plain=plain), RNG(0)) - takes
    own = 1.0 if plain else STRATA.widening[column]
    assert worse[:, STRATA.members[column]].mean() == pytest.approx(-own * CER.margin, rel=0.1)
    assert np.all(worse[:, ~STRATA.members[column]] == 0)


def test_an_unchanged_release_passes_and_one_that_lost_three_margins_fails():
    assert played().share(PASS) == (30, 30)
    assert played(loss=Loss("sim", size=3.0)).share(FAIL) == (30, 30)


def test_a_failure_is_that_of_the_metric_that_is_worse():
    found = played(loss=Loss("sim", "suite medium", 3.0), runs=10)
    failed = {key for column, key in enumerate(found.keys) if (found.answers[:, column] == FAIL).any()}
    assert ("suite medium", "sim", "mean") in failed
    assert {key[1] for key in failed} == {"sim"}


def test_takes_that_newly_break_a_gate_fail():
    assert played(loss=Loss(newly_broken=0.3)).share(FAIL) == (30, 30)


def test_a_release_that_is_decided_early_needs_fewer_takes():
    corpus = Corpus((SIM,), STRATA, SUITES, CORPUS.means)
    assert played(Noise(0.1), looks=(4, 5), corpus=corpus).takes.max() == 4
    assert played(Noise(3.0), looks=(4, 5), corpus=corpus).share(OPEN)[0] > 0


def test_the_same_seed_gives_the_same_releases():
    first, again = played(Noise(1.0)), played(Noise(1.0))
    np.testing.assert_array_equal(first.answers, again.answers)


def test_small_losses_do_not_add_up_beyond_what_all_releases_may_lose():
    corpus = Corpus((SIM,), STRATA, SUITES, CORPUS.means)
    past = creep(corpus, POLICY, (5,), Noise(0.3), "sim", 0.6, 4, 10)
    assert past[0] == 10
    assert past[2:] == [0, 0]  # from -1.8 margins on
