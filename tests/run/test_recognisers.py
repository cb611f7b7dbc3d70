from collections import defaultdict
from dataclasses import replace

import pytest

from harness.decision.gates import load_profile
from harness.errors import UsageError
from harness.metrics.measuring import Measuring, Models
from harness.metrics.recognition import TextScore
from harness.metrics.recognition.failures import _BOILERPLATE
from harness.records.gate import Gate, Outcome
from harness.run.recognisers import check_languages, weights_by_metric
from tests.metrics.test_target_likelihood import distance
from tests.recognisers import Told
from tests.run.test_plan import VOICE, WORDS, Speaking, hearing, make
from tests.synthetic import draw, utterance

__all__ = ["make"]  # a fixture


class Arabic(Told):
    """Knows one language, and what it is made of."""

    weights = "a1b2"

    def check_language(self, language):
        if language != "ar":
            raise UsageError(f"this recogniser does not know {language!r}")


def test_a_metric_on_the_words_rests_on_the_weights_of_its_own_recogniser():
    measuring = Measuring(recognizer=Arabic("نص"))
    assert weights_by_metric(measuring, ["length", "cer", "second_cer"]) == {"cer": "a1b2"}
    assert weights_by_metric(Measuring(), ["cer"]) == {}


def test_a_language_that_a_recogniser_does_not_know_is_said_before_anything_is_made():
    check_languages(Measuring(), ["de"])
    check_languages(Measuring(recognizer=Arabic("نص")), ["ar"])
    with pytest.raises(UsageError, match="does not know 'de'"):
        check_languages(Measuring(recognizer=Arabic("نص")), ["ar", "de"])


WEIGHTS = "feedfacefeedface"
METRICS = (
    "cer_above_floor",
    "wer_above_floor",
    "lost_words",
    "added_letters",
    "text_llr",
    "missing_words_llr",
    "replaced_words_llr",
    "added_words_llr",
    "repeated_words_llr",
    "word_order_llr",
)
LOOPED = ("ميجة", "خدا", "نئة", "شكرا لك", "كيف حالك يا")


class Fails(Told):
    """Hears every take as it was told, which is not what the take says, and holds what the take says for true.

    The control, which nobody told it of, it understands.
    """

    weights = WEIGHTS

    def __init__(self, texts):
        super().__init__(defaultdict(lambda: WORDS, texts))

    def log_likelihoods(self, clips, languages, texts):
        return [[TextScore(-3.0 * distance(text, WORDS)) for text in wanted] for wanted in texts]


def failures_of_a_recogniser():
    """Fifty: it goes round after some words of the text, or a phrase of videos stands before or after the text."""
    loops = [" ".join([*WORDS.split()[: number % 4], *[LOOPED[number % 5]] * (25 + number)]) for number in range(25)]
    phrases = _BOILERPLATE["ar"]
    around = [
        " ".join([*[phrases[number % 10]] * (number % 3 == 2), WORDS, *[phrases[(number + 3) % 10]] * (1 + number % 2)])
        for number in range(25)
    ]
    return loops + around


def with_limits():
    """The documented gates and, for this recogniser, a limit of nothing on every metric of the words."""
    profile = load_profile("documented", "speaking")
    units = {gate.metric: gate.unit for gate in profile.gates}
    strict = [
        Gate(name=f"{name} strict", metric=name, unit=units[name], why="w", at_most=0.0, recognisers=(WEIGHTS,))
        for name in METRICS
    ]
    return replace(profile, gates=(*profile.gates, *strict))


def test_no_take_is_blamed_for_what_its_recogniser_does_wrong(make, monkeypatch):
    """From the system under test to the verdict, by limits that stop a release: none of fifty sound takes fails."""
    said = failures_of_a_recogniser()
    sizes = [2400 * (30 + number) for number in range(len(said))]
    hearing(monkeypatch, Fails({**dict(zip(sizes, said, strict=True)), VOICE: "نص"}))
    backend = Speaking()
    backend.take = lambda request: replace(
        Speaking.take(backend, request), audio=draw("#" * (30 + request.utterance.number))
    )
    run = make(backend, models=Models(recognizer="folder"), profile=with_limits())
    asked = [run.request(utterance(WORDS, id=f"short-{number:03d}", number=number), 0) for number in range(len(said))]
    run.generate(asked)
    outcomes = [{verdict.outcome for verdict in run.judge(run.take(one), METRICS)} for one in asked]
    assert all(Outcome.INCONCLUSIVE in one <= {Outcome.INCONCLUSIVE, Outcome.WARN} for one in outcomes[:25])
    assert outcomes[25:] == [{Outcome.PASS}] * 25


def test_the_same_limits_fail_a_take_that_says_something_else(make, monkeypatch):
    hearing(monkeypatch, Fails({26 * 2400: "شيء آخر تماما لا يشبه النص", VOICE: "نص"}))
    run = make(Speaking(), models=Models(recognizer="folder"), profile=with_limits())
    take = run.take(run.request(utterance(WORDS), 0))
    assert {verdict.outcome for verdict in run.judge(take, ["cer_above_floor"])} == {Outcome.FAIL}
