"""Ten ways to get worse, end to end: the embedded voice with its quality turned down, beside its accepted release.

One suite judges each of them here, by the comparison or by the one gate that finds it;
`python -m benchmarks.planted_regressions` has the whole corpus and every gate judge them.
"""

import pytest

from benchmarks.planted_regressions import REGRESSIONS, answer, settings, worse
from harness.run.plan import Run

SEED = 1000  # the baseline has not seen it
COMPARED, GATE = "a comparison of", "the gate"
SHORT, DIACRITIZED = ("short",), ("diacritized",)
FOUND_BY = {
    "less similar voice": (COMPARED, "speaker_similarity", SHORT),
    "10 % slower": (COMPARED, "duration_ratio", SHORT),
    "longer pauses": (COMPARED, "silence_ratio", SHORT),
    "cut endings, 1 in 5": (COMPARED, "ending_level (lost)", SHORT),
    # Five of its 18 texts: too few for a question of their own, and each is lost.
    "one voice swapped": (COMPARED, "speaker_similarity (lost)", SHORT),
    "noise floor +10 dB": (COMPARED, "ending_level", SHORT),
    "louder clipping": (GATE, "clipping", SHORT),
    "band-limited": (COMPARED, "bandwidth", SHORT),
    # No recogniser is at hand: both texts of a minimal pair sound alike when both say something else.
    "wrong words": (GATE, "pair_contrast", DIACRITIZED),
    "one suite silent": (COMPARED, "speech_level", SHORT),
}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("spoken_here")]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Where the plain takes are kept: each is spoken once."""
    return tmp_path_factory.mktemp("regressions")


def test_the_voice_as_it_is_fails_nowhere_with_a_new_seed(out):
    run = Run(settings(out, SEED))
    found = answer(run, SHORT)
    run.close()
    assert not found.blocked
    # Every average; 18 texts are too few to show that none in ten is lost.
    assert found.comparisons["PASS"] >= 20


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda one: one.name)
def test_a_worse_model_is_found_by_the_metric_that_it_spoils(regression, out):
    how, name, suites = FOUND_BY[regression.name]
    found = worse(regression, out, SEED, suites, judged=[name] if how == GATE else [])
    assert name in (found.found if how == COMPARED else found.gates)
