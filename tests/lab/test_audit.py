import numpy as np
import pytest

from harness.decision.policy import Margin, Policy
from harness.lab.audit import Design, audit, corpus_of, share
from harness.lab.simulation import Noise, draw
from harness.records.audit import Audit
from harness.records.baseline import Baseline
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


BASELINES = [baseline("short"), baseline("medium", n=12, seed=1)]


def design(policy=None, broken=0.0, looks=(5,)):
    return Design(policy or Policy(), looks, 3, broken)


def told(runs=20, planted=10, corpus=None, of=None):
    lines = list(audit(corpus or corpus_of(BASELINES, MARGINS), of or design(), runs, planted, "hash"))
    numbers = lines.pop()
    assert isinstance(numbers, Audit)
    return lines, numbers


def test_simulated_takes_have_the_measured_spread():
    corpus = corpus_of([baseline("short", n=200)], MARGINS)
    drawn = draw(corpus, Noise(), 3, 4, np.random.default_rng(0))["speaker_similarity"]
    assert drawn.shape == (3, 200, 4)
    assert drawn.std(axis=2, ddof=1).mean() == pytest.approx(0.0092, rel=0.1)  # 0.01 for takes that stray alike
    wider = draw(corpus_of([baseline("short", n=200)], MARGINS, 3.0), Noise(), 3, 4, np.random.default_rng(0))
    assert wider["speaker_similarity"].std(axis=2).mean() == pytest.approx(3 * drawn.std(axis=2).mean(), rel=0.01)


def test_the_strata_are_those_of_a_release():
    names = corpus_of(BASELINES, MARGINS).strata.names
    assert names[:3] == ("all", "suite medium", "suite short")
    assert len(names) == 7
    assert corpus_of(BASELINES[:1], MARGINS).strata.names == ("suite short",)


def test_the_numbers_are_those_of_the_lines():
    lines, numbers = told()
    assert "36 utterances, 3 accepted takes of each" in lines[0]
    assert (numbers.false_fail.hits, numbers.passed.hits, numbers.passed.of) == (0, 20, 20)
    assert [one.metric for one in numbers.found] == ["speaker_similarity", "duration_ratio"]
    assert all(one.place == "voice v0" for one in numbers.found)  # 9 texts: the fewest
    assert all(one.size is not None for one in numbers.found)
    assert numbers.about == "hash"


def test_takes_that_break_gates_are_part_of_the_decision():
    corpus = corpus_of(BASELINES, MARGINS)
    _, strict = told(corpus=corpus, of=design(broken=0.05), planted=2)
    assert strict.false_fail.hits >= 18  # every take must hold: one of 180 does not
    _, lenient = told(corpus=corpus, of=design(Policy(broken_share=0.1, broken_bound=0.2), broken=0.05), planted=2)
    assert lenient.false_fail.hits == 0
    assert lenient.passed.hits == 20


def test_a_share_has_its_exact_interval():
    assert share(1, 10) == "10.0 % [0.3, 44.5]"
    assert share(10, 10) == "100.0 % [69.2, 100.0]"
