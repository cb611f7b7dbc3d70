"""Was the text spoken, word for word? Asked of a recogniser as a likelihood, not by what it happens to write.

Conventions
    A recogniser is given the sound and a text, and says how likely that text is (teacher forcing; for CTC models the
    forward score). The target in the likeliest of its right spellings and readings is compared with other texts that
    may have been spoken in its place: what the recogniser wrote, and the target with one change
    (`harness.text.hypotheses`). All numbers are differences of log-likelihoods in nats: how much likelier the best text
    of a kind is than the best that is not of that kind. Below 0 speaks for the target; a mishearing that stands on both
    sides cancels out. Where limits lie depends on the recogniser and the language: they are calibrated, not chosen.
    `text_llr`            any text against the target
    `missing_words_llr`   texts that lack 3 letters of the target and more, against all that do not
    `repeated_words_llr`  a word said twice, against the target
    `word_order_llr`      two neighbouring words in each other's place, against the target
    Where the recogniser wrote just the target there is nothing to ask: `text_llr` is 0 at most, and the other texts are
    still compared. A take without speech lacks all words; which were said twice or elsewhere cannot be asked of it.

Blind to: what the recogniser cannot tell apart, such as words that differ in marks; takes beyond 30 s.

Source: the generalised likelihood ratio over an explicit set of alternatives; the goodness of pronunciation of Witt and
Young (2000) compares phones in the same way. Measured with Whisper base in suites/gates.toml.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from harness.audio import Audio
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.intelligibility import Floor, Heard, both, of_second
from harness.metrics.recognition import Recognizer, TextScore, TextScorer, WordAligner
from harness.metrics.recognition.windows import WINDOW_S
from harness.take import Take
from harness.text.hypotheses import Change, Hypotheses, hypotheses
from harness.text.scoring import compare

LEAST_LETTERS = 3  # fewer are within what a recogniser mishears


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that was compared."""

    score: float
    lost_letters: int
    change: Change | None
    words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the recogniser says of the target and of other texts."""

    words: tuple[str, ...]
    target: float
    texts: tuple[_Text, ...]
    """All that were compared, the target among them."""
    heard: Heard = field(default_factory=lambda: Heard(""))
    times: tuple[tuple[float, float], ...] = ()
    """Of each word when the recogniser looks for it, in seconds; empty where it does not say."""

    @classmethod
    def of(cls, asked: Hypotheses, scores: Sequence[TextScore], net_lost: int, heard: Heard) -> "Evidence":
        """Sort the scores of `asked.texts`.

        Args:
            asked: The texts.
            scores: Of each, in order.
            net_lost: How many letters fewer than the target the transcript has.
            heard: The transcript.
        """
        known = {text: score.total for text, score in zip(asked.texts, scores, strict=True)}
        target = max(known[text] for text in asked.spellings)
        own = max((known[text] for text in asked.heard if text not in asked.spellings), default=target)
        texts = [_Text(target, 0, None), _Text(own, net_lost, Change.HEARD)]
        texts += [_Text(known[one.text], one.lost_letters, one.change, one.words) for one in asked.changed]
        return cls(asked.words, target, tuple(texts), heard)

    def ratio(self, kind: Iterable[_Text], rest: Iterable[_Text]) -> tuple[float, _Text]:
        """How much likelier the best of some texts is than the best of others, and the former."""
        best, other = (max(side, key=lambda text: text.score, default=self.texts[0]) for side in (kind, rest))
        return best.score - other.score, best

    def named(self, text: _Text) -> str:
        """The words that a text is about."""
        return " ".join(self.words[place] for place in text.words)

    def doubts(self) -> list[tuple[float, int]]:
        """For each word how much likelier than the target the best text is that changes it, and the word's place."""
        changed = [[text.score for text in self.texts if place in text.words] for place in range(len(self.words))]
        return [(max(scores, default=self.target) - self.target, place) for place, scores in enumerate(changed)]

    def when(self, place: int) -> str:
        """A word, and when it should be heard."""
        return f"{self.words[place]} at {self.times[place][0]:.1f} s" if self.times else self.words[place]

    def timed(self, spans: Sequence[tuple[float, float]]) -> "Evidence":
        """The same with the times of all that stands between spaces."""
        ends = list(accumulate(len(word.split()) for word in self.words))
        if not ends or ends[-1] != len(spans):
            return self
        starts = [0, *ends]
        return replace(
            self, times=tuple((spans[one][0], spans[two - 1][1]) for one, two in zip(starts, ends, strict=False))
        )


@both
@analysis(once="batch", what="the recogniser")
def evidence(
    recognizer: Recognizer,
    sound: Sequence[Audio],
    language: Sequence[str],
    heard: Sequence[Heard],
    take: Sequence[Take],
) -> "list[Evidence | Missing]":
    """What the recogniser says of the target and of other texts, for each take."""
    if not isinstance(recognizer, TextScorer):
        return [NotApplicable("this recogniser does not say how likely a text is") for _ in sound]
    found: list[Evidence | Missing] = []
    asked: dict[int, tuple[Hypotheses, int]] = {}
    for place, (clip, code, one, whose) in enumerate(zip(sound, language, heard, take, strict=True)):
        found.append(Missing(f"the recogniser failed: {one.error}"))
        if one.error:
            continue
        readings = whose.request.utterance.readings
        letters = min((compare(text, one.text, code).letters for text in readings), key=lambda of: of.errors)
        if clip.duration_s > WINDOW_S:
            found[place] = NotApplicable(f"texts are scored for takes of at most {WINDOW_S:g} s")
        elif not letters.target_length:
            found[place] = Missing("the text holds no letters")
        else:
            asked[place] = hypotheses(readings, one.text, code), letters.deletions - letters.insertions
    scores = recognizer.log_likelihoods(
        [sound[place] for place in asked],
        [language[place] for place in asked],
        [asked[place][0].texts for place in asked],
    )
    for (place, (texts, lost)), of_texts in zip(asked.items(), scores, strict=True):
        found[place] = Evidence.of(texts, of_texts, lost, heard[place])
    doubtful = {
        at: whose
        for at, whose in enumerate(found)
        if isinstance(whose, Evidence) and any(doubt > 0 for doubt, _ in whose.doubts())
    }
    if doubtful and isinstance(recognizer, WordAligner):
        times = recognizer.word_times(
            [sound[place] for place in doubtful],
            [language[place] for place in doubtful],
            [" ".join(one.words) for one in doubtful.values()],
        )
        for place, spans in zip(doubtful, times, strict=True):
            found[place] = doubtful[place].timed(spans)
    return found


def _usable(evidence: Evidence, floor: Floor) -> Evidence:
    if floor.error:
        raise Missing(floor.error)
    return evidence


@metric("text_llr", unit="nats", better="lower", of="sound")
def text_llr(evidence: Evidence, floor: Floor) -> Finding:
    """How much likelier than the target the likeliest text is."""
    found = _usable(evidence, floor)
    value, _ = found.ratio(found.texts, found.texts[:1])
    doubted = sorted((one for one in found.doubts() if one[0] > 0), reverse=True)[:3]
    about = ", ".join(f"{found.when(place)} {doubt:+.1f}" for doubt, place in doubted)
    spans = tuple(sorted(found.times[place] for _, place in doubted)) if found.times else ()
    return measured(
        value, f"most doubtful: {about}; {found.heard.shown}" if about else found.heard.shown, spans, found.heard.text
    )


@metric("missing_words_llr", unit="nats", better="lower", of="sound")
def missing_words_llr(evidence: Evidence, floor: Floor) -> Finding:
    """How much likelier the best text that lacks letters is than the best that does not."""
    found = _usable(evidence, floor)
    lacks = [text for text in found.texts if text.lost_letters >= LEAST_LETTERS]
    return _finding(found, lacks, [text for text in found.texts if text.lost_letters < LEAST_LETTERS], "missing")


@metric("repeated_words_llr", unit="nats", better="lower", of="speech")
def repeated_words_llr(evidence: Evidence, floor: Floor) -> Finding:
    """How much likelier the target is with a word said twice than as it stands."""
    found = _usable(evidence, floor)
    twice = [text for text in found.texts if text.change == Change.REPEATED]
    return _finding(found, twice, found.texts[:1], "said twice")


@metric("word_order_llr", unit="nats", better="lower", of="speech")
def word_order_llr(evidence: Evidence, floor: Floor) -> Finding:
    """How much likelier two neighbouring words are in each other's place than in their own."""
    found = _usable(evidence, floor)
    exchanged = [text for text in found.texts if text.change == Change.EXCHANGED]
    if not exchanged:
        raise NotApplicable("a text of one word has no order")
    return _finding(found, exchanged, found.texts[:1], "exchanged")


def _finding(found: Evidence, kind: Sequence[_Text], rest: Sequence[_Text], what: str) -> Finding:
    if not kind:
        return measured(min(0.0, *(text.score for text in found.texts)), "no such text", (), found.heard.text)
    value, best = found.ratio(kind, rest)
    about = f"{what}: {found.named(best)}; " if value > 0 and best.words else ""
    return measured(value, f"{about}{found.heard.shown}", (), found.heard.text)


for _first in (text_llr, missing_words_llr, repeated_words_llr, word_order_llr):
    of_second(_first)
