"""Ten ways to get worse, end to end: the embedded voice with its quality turned down, beside its accepted release.

Two suites of the corpus judge them here; `python -m benchmarks.planted_regressions` has the whole corpus judge them.
"""

import pytest

from benchmarks.planted_regressions import REGRESSIONS, answer, settings, worse
from harness.run.plan import Run

SUITES = ("short", "diacritized")
SEED = 1000  # the baseline has not seen it
COMPARED, GATE = "a comparison of", "the gate"
FOUND_BY = {
    # Found by how near the others are; why similarity itself is not shown at its margin was not looked at.
    "less similar voice": (COMPARED, "nearest_reference"),
    "10 % slower": (COMPARED, "duration_ratio"),
    "longer pauses": (COMPARED, "silence_ratio"),
    "cut endings, 1 in 5": (COMPARED, "ending_level (lost)"),
    "one voice swapped": (COMPARED, "speaker_similarity"),
    "noise floor +10 dB": (COMPARED, "ending_level"),
    "louder clipping": (GATE, "clipping"),
    "band-limited": (COMPARED, "bandwidth"),
    # No recogniser is at hand: both texts of a minimal pair sound alike when both say something else.
    "wrong words": (GATE, "pair_contrast"),
    "one suite silent": (COMPARED, "speech_level"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Where the plain takes are kept: each is spoken once."""
    return tmp_path_factory.mktemp("regressions")


def test_the_voice_as_it_is_fails_nowhere_with_a_new_seed(out):
    run = Run(settings(out, SEED))
    found = answer(run, SUITES)
    run.close()
    assert not found.blocked
    assert found.comparisons["PASS"] >= 60


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda one: one.name)
def test_a_worse_model_is_found_by_the_metric_that_it_spoils(regression, out):
    every_take_is_new = regression.slower != 1.0
    found = worse(regression, out, SEED, SUITES[:1] if every_take_is_new else SUITES)
    how, name = FOUND_BY[regression.name]
    assert name in (found.found if how == COMPARED else found.gates)
