import numpy as np
import pytest

from harness.decision.policy import Margin, Policy
from harness.decision.release import Asked
from harness.lab.audit import Design, Plant, Trial, World, designs, report, saving, share, trial
from harness.records.baseline import Baseline
from harness.records.gate import Outcome
from harness.records.measurement import Metric
from tests.accepted import accepted, take

COSINE, RATIO = Metric("speaker_similarity", "cosine", "higher"), Metric("duration_ratio", "ratio", "neither")
SIM = Margin("speaker_similarity", "cosine", 0.02, 0.1, 0.001, "w")
TEMPO = Margin("duration_ratio", "ratio", 0.05, 0.15, 0.005, "w", relative=True, better="neither")
MARGINS = (SIM, TEMPO)


def baseline(suite, n=24, takes=3, sd=0.01, seed=0):
    rng = np.random.default_rng(seed)
    takes_kept = tuple(
        take(
            f"{suite}-{row:03d}",
            number,
            speaker=f"v{row % 4}",
            measurements={
                "speaker_similarity": COSINE.measured(0.85 + rng.normal(0, sd)),
                "duration_ratio": RATIO.measured(1.4 + rng.normal(0, sd)),
            },
        )
        for row in range(n)
        for number in range(takes)
    )
    return Baseline(backend="test", suite=suite, accepted=accepted(), takes=takes_kept)


@pytest.fixture(scope="module")
def world():
    return World.of([baseline("short"), baseline("medium", seed=1)], MARGINS)


def asked(looks=(3,)):
    return Asked(("short", "medium"), True, Policy(), MARGINS, looks)


def trials(world, plant, looks=(3,), count=20):
    rng = np.random.default_rng(0)
    return [trial(world, asked(looks), plant, 3, rng) for _ in range(count)]


def test_simulated_takes_have_the_measured_spread():
    world = World.of([baseline("short", n=200)], MARGINS)
    drawn = world.takes(4, np.random.default_rng(0))
    assert drawn.shape == (200, 4, 2)
    assert drawn.std(axis=1, ddof=1).mean() == pytest.approx(0.0092, rel=0.1)  # 0.01 for takes that stray alike
    wider = World.of([baseline("short", n=200)], MARGINS, spread=3.0).takes(4, np.random.default_rng(0))
    assert wider.std(axis=1, ddof=1).mean() == pytest.approx(3 * drawn.std(axis=1, ddof=1).mean(), rel=0.01)


def test_an_unchanged_model_passes(world):
    assert {one.outcome for one in trials(world, Plant())} == {Outcome.PASS}


@pytest.mark.parametrize("place", ["mean", "suite", "voice", "tail"])
@pytest.mark.parametrize("metric", ["speaker_similarity", "duration_ratio"])
def test_a_regression_of_three_margins_is_found_wherever_it_is(world, metric, place):
    found = trials(world, Plant(metric, place, 3.0), count=10)
    assert all(one.outcome == Outcome.FAIL and metric in one.failed for one in found)


def test_stopping_early_needs_fewer_takes(world):
    assert max(one.takes for one in trials(world, Plant(), looks=(1, 2, 3, 5))) < 5


def test_a_share_has_its_exact_interval():
    assert share(1, 10) == "10.0 % [0.3, 44.5]"
    assert share(10, 10) == "100.0 % [69.2, 100.0]"


def test_the_report_names_every_metric_place_and_design(world):
    lines = list(report(world, asked((1, 2)), 3, nulls=4, planted=2))
    tried = [line for line in lines if line.startswith("unchanged, ")]
    assert [" ".join(line.split()[1:4]) for line in tried] == ["as asked takes", "fixed takes 1", "fixed takes 2"]
    assert all("worse by 1 margin: found 100.0 %" in line for line in tried)
    assert sum(line.startswith("speaker_similarity  ") for line in lines) == 4
    assert sum("is found 4 times in 5" in line for line in lines) == 2


def test_a_single_look_has_no_other_design_to_be_compared_with(world):
    lines = list(report(world, asked((3,)), 3, nulls=2, planted=0))
    assert [line.split(",")[0] for line in lines] == ["48 utterances", "unchanged"]


def a_design(takes, passed, found, looks, of=100):
    answers = [Outcome.PASS] * passed + [Outcome.INCONCLUSIVE] * (of - passed)
    unchanged = [Trial(outcome, frozenset(), takes, {}) for outcome in answers]
    return Design("d", looks, unchanged, [True] * found + [False] * (of - found), unchanged)


def test_looking_early_is_set_against_the_smallest_fixed_design_that_answers_as_often():
    early = a_design(1.5, 97, 95, (1, 2, 3))
    fixed = [a_design(1, 60, 95, (1,)), a_design(2, 98, 60, (2,)), a_design(3, 96, 94, (3,))]
    assert saving([early, *fixed]) == (
        "a fixed design answers as often from 3 takes on; looking early needs 1.50 of an unchanged model, 50% of it"
    )
    assert saving([early, *fixed[:2]]) == "no fixed design of up to 3 takes answers as often"


def test_where_takes_scatter_looking_early_saves_takes_at_equal_power():
    wide = World.of([baseline("short"), baseline("medium", seed=1)], MARGINS, spread=2.0)
    tried = list(designs(wide, asked((1, 2, 3, 5)), 3, nulls=40, planted=12, seed=0))
    equal = next(one for one in tried[1:] if one.answers_like(tried[0]))
    assert tried[0].takes < equal.takes
