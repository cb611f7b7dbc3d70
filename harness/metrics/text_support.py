"""Does the sound speak for the text at all? Asked of a recogniser, also where it understands nobody word for word.

Conventions
    A recogniser is given the target once with the take and once with silence. `text_support` is how much likelier the
    words are with the sound, in nats for each letter. 0 means that the recogniser finds nothing of the text in the
    sound: another text was said, or gibberish, or nothing.
    It needs no reference that the recogniser understands: a text that is half misheard is still far likelier with its
    sound than without. With Whisper base 350 Arabic readings have 0.66 nats and more for each letter, and with the text
    of another reading -0.2 in the median and 0.08 in the highest hundredth (English: 0.82, -0.05 and 0.07).

    Control: where the sound says less than `CLEAR` for the text, espeak-ng says the text too
    (`harness.metrics.control_speech`). Where the recogniser does not find it even there, it says nothing about the
    take. A language that espeak-ng does not speak has no control; then the take's own value stands.

Blind to: single words, which the whole of a text outweighs (`harness.metrics.target_likelihood` asks for those); takes
beyond 30 s; recognisers that do not say what they expect in silence, such as CTC models.

Source: the pointwise mutual information of sound and text; what a model expects without sound is taken from its score
as in the density ratio of McDermott et al. (2019). Limits and rates are in suites/gates.toml.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

from harness.audio import Audio
from harness.metrics.control_speech import ControlSpeech
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.intelligibility import Heard, both, of_second
from harness.metrics.recognition import Recognizer, TextScorer, WordExpecter
from harness.metrics.recognition.windows import WINDOW_S
from harness.take import Take
from harness.text.hypotheses import Hypotheses, hypotheses

CLEAR = 0.2  # nats for each letter: more than 330 of 331 Arabic readings have for the text of another


@dataclass(frozen=True, slots=True)
class Support:
    """What a take's sound says for its text, in nats for each letter."""

    value: float
    of_control: float | None = None
    """The same of a synthesiser's reading, where that was asked for."""


class Supports:
    """What a sound says for texts, by one recogniser."""

    def __init__(self, scorer: TextScorer, expecter: WordExpecter) -> None:
        self._scorer, self._expecter = scorer, expecter

    def __call__(self, sounds: Sequence[Audio], languages: Sequence[str], texts: Sequence[str]) -> list[float | None]:
        """Of each sound for its text, in nats for each letter; none where the recogniser does not say.

        Args:
            sounds: Of at most 30 s.
            languages: ISO codes.
            texts: One a sound, each with letters.
        """
        priors = self._expecter.word_priors(languages, texts)
        known = [place for place, prior in enumerate(priors) if prior]
        scores = self._scorer.log_likelihoods(
            [sounds[place] for place in known],
            [languages[place] for place in known],
            [(texts[place],) for place in known],
        )
        found: list[float | None] = [None] * len(texts)
        for place, (score,) in zip(known, scores, strict=True):
            if score.words:
                found[place] = (sum(score.words) - sum(priors[place])) / len(texts[place].replace(" ", ""))
        return found


@both
@analysis(once="run", what="the recogniser")
def supports(recognizer: Recognizer) -> Supports:
    """The recogniser, where it says how likely words are with a sound and without."""
    if not isinstance(recognizer, TextScorer) or not isinstance(recognizer, WordExpecter):
        raise NotApplicable("this recogniser does not say how likely a text is and what it expects in silence")
    return Supports(recognizer, recognizer)


@both
@analysis(once="batch", what="the recogniser")
def support(
    supports: Supports,
    sound: Sequence[Audio],
    language: Sequence[str],
    heard: Sequence[Heard],
    take: Sequence[Take],
    control_speech: ControlSpeech,
) -> "list[Support | Missing]":
    """What each take's sound says for its text."""
    found: list[Support | Missing] = []
    asked: dict[int, Hypotheses] = {}
    for place, (clip, code, one, whose) in enumerate(zip(sound, language, heard, take, strict=True)):
        texts = hypotheses(whose.request.utterance.readings, one.text, code)
        found.append(Missing("the text holds no letters"))
        if clip.duration_s > WINDOW_S:
            found[place] = NotApplicable(f"texts are scored for takes of at most {WINDOW_S:g} s")
        elif texts.words:
            asked[place] = texts
    values = supports(
        [sound[place] for place in asked],
        [language[place] for place in asked],
        [" ".join(texts.words) for texts in asked.values()],
    )
    for (place, texts), value in zip(asked.items(), values, strict=True):
        try:
            found[place] = _known(value, texts, language[place], supports, control_speech)
        except Missing as why:
            found[place] = why
    return found


def _known(
    value: float | None, texts: Hypotheses, language: str, supports: Supports, control_speech: ControlSpeech
) -> Support:
    """The same value, if the recogniser would find the text in a sound in which it was surely said."""
    if value is None:
        raise NotApplicable("this recogniser does not say how likely this text is in silence")
    if value >= CLEAR:
        return Support(value)
    best = -inf
    for sound in control_speech(texts.reading, language):
        (own,) = supports([sound], [language], [" ".join(texts.words)])
        best = max(best, -inf if own is None else own)
        if best >= CLEAR:
            return Support(value, best)
    if isfinite(best):
        raise Missing(
            f"the recogniser finds {best:.2f} nats a letter of this text where a synthesiser says it, and says nothing "
            f"of a text that it does not find there (at least {CLEAR:g})"
        )
    return Support(value)


@metric("text_support", unit="nats/letter", better="higher", of="speech")
def text_support(support: Support, heard: Heard) -> Finding:
    """How much likelier the text is with the sound than without, for each letter."""
    beside = f"where a synthesiser says the text {support.of_control:.2f}; " if support.of_control is not None else ""
    return measured(support.value, f"{beside}{heard.error or heard.shown}", (), heard.text)


of_second(text_support)
