"""What a sound says for its text, in nats for each letter: nothing where another text was said."""

import pytest

from harness.audio import Audio
from harness.decision.gates import for_recognisers, judge, load_profile
from harness.metrics.measuring import Measuring
from harness.metrics.recognition import TextScore
from harness.records.gate import Outcome
from tests.recognisers import Told
from tests.synthetic import draw, request, take, write_voice

TEXT = "ذهب الولد إلى السوق صباحا"
OTHER = "كانت الجدة تطبخ في البيت"
CONTROL = Audio(draw("#" * 31).samples, 24_000)


class Expects(Told):
    """Knows the words of each sound by its length; a word that was not said is as likely there as in silence."""

    weights = "0123456789abcdef"
    asked = 0

    def log_likelihoods(self, clips, languages, texts):
        self.asked += len(clips)
        return [
            [self.score(text, self.texts[clip.samples.size]) for text in wanted]
            for clip, wanted in zip(clips, texts, strict=True)
        ]

    def score(self, text, said):
        words = tuple(-0.5 * len(word) if word in str(said).split() else -2.0 * len(word) for word in text.split())
        return TextScore(sum(words), words)

    def word_priors(self, languages, texts):
        return [tuple(-2.0 * len(word) for word in text.split()) for text in texts]


class Mute(Expects):
    """Does not say what it expects in silence."""

    def word_priors(self, languages, texts):
        return [() for _ in texts]


def nobody(text, language, voices=2):
    return ()


def somebody(text, language, voices=2):
    return (CONTROL,) * voices


def measured(tmp_path, said, control=somebody, of_control=TEXT, heard=None, kind=Expects, **sound):
    voice = write_voice(tmp_path / "voices", "layla", draw("#" * 20), transcript=OTHER)
    spoken = take(**sound, asked=request(TEXT, reference=voice))
    told = kind({CONTROL.samples.size: of_control, spoken.audio.samples.size: said})
    if heard is not None:
        told.transcribe = lambda clips, languages: [heard] * len(clips)
    (found,) = Measuring(recognizer=told, control_speech=control).measure([spoken], ["text_support"])
    return found["text_support"], told


def test_the_sound_speaks_for_what_was_said_and_for_nothing_else(tmp_path):
    assert measured(tmp_path, TEXT)[0].value == pytest.approx(1.5)
    assert measured(tmp_path, OTHER)[0].value == 0
    assert 0 < measured(tmp_path, "ذهب الولد")[0].value < 1.5


def test_it_is_judged_where_the_recogniser_mishears_every_reference(tmp_path):
    found, _ = measured(tmp_path, OTHER)  # the reference is not in the recogniser's table: it mishears that
    (verdict,) = judge(
        for_recognisers(
            [gate for gate in load_profile("documented", "").gates if gate.metric == "text_support"][:1],
            load_profile("documented", ""),
            "ar",
            {"text_support": "2bd9894c3071e9f9"},
        ),
        {"text_support": found},
        {},
    )
    assert verdict.outcome == Outcome.FAIL


def test_a_text_that_is_not_found_where_it_was_surely_said_is_judged_by_nobody(tmp_path):
    found, _ = measured(tmp_path, OTHER, of_control=OTHER)
    assert "where a synthesiser says it" in found.why_not
    assert measured(tmp_path, OTHER, control=nobody)[0].value == 0


def test_the_control_is_asked_only_where_the_sound_says_little(tmp_path):
    _, told = measured(tmp_path, TEXT)
    assert told.asked == 1
    found, told = measured(tmp_path, OTHER)
    assert told.asked == 2
    assert "where a synthesiser says the text 1.50" in found.detail
    assert measured(tmp_path, OTHER, of_control=OTHER)[1].asked == 3


def test_a_recogniser_that_goes_round_is_asked_all_the_same(tmp_path):
    found, _ = measured(tmp_path, TEXT, heard="ميجة " * 200)
    assert found.value == pytest.approx(1.5)
    assert "ميجة" in found.detail


@pytest.mark.parametrize("kind", [Told, Mute])
def test_a_recogniser_that_cannot_be_asked_for_it_says_so(tmp_path, kind):
    found, _ = measured(tmp_path, TEXT, kind=kind)
    assert not found.applicable
    assert "silence" in found.why_not


def test_a_take_beyond_what_the_recogniser_hears_at_once_is_not_asked(tmp_path):
    found, _ = measured(tmp_path, TEXT, sound=draw("#" * 310))
    assert not found.applicable
    assert "at most 30 s" in found.why_not


def test_a_text_that_the_recogniser_cannot_be_asked_for_costs_the_others_of_the_batch_nothing(tmp_path):
    class Brief(Expects):
        def word_priors(self, languages, texts):
            return [
                () if text == OTHER else one
                for text, one in zip(texts, super().word_priors(languages, texts), strict=True)
            ]

    voice = write_voice(tmp_path / "voices", "layla", draw("#" * 20), transcript=OTHER)
    takes = [take(asked=request(text, reference=voice)) for text in (OTHER, TEXT)]
    told = Brief({takes[0].audio.samples.size: TEXT})
    first, second = Measuring(recognizer=told, control_speech=nobody).measure(takes, ["text_support"])
    assert "how likely this text is" in first["text_support"].why_not
    assert second["text_support"].value == pytest.approx(1.5)
