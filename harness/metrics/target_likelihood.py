"""Was the text spoken, word for word? Asked of a recogniser as a likelihood, not by what it happens to write.

Conventions
    A recogniser is given the sound and a text, and says how likely that text is (teacher forcing; for CTC models the
    forward score). The target in the likeliest of its right spellings and readings is compared with other texts that
    may have been spoken in its place: what the recogniser wrote, and the target with one change
    (`harness.text.hypotheses`). All numbers are differences of log-likelihoods in nats: how much likelier the best text
    of a kind is than the best that is not of that kind. Below 0 speaks for the target; a mishearing that stands on both
    sides cancels out. Where limits lie depends on the recogniser and the language: they are calibrated, not chosen.
    `text_llr`            any text against the target
    `missing_words_llr`   the target without a word, or without its last two, of 3 letters and more, against the target;
                          the time that the recogniser's attention finds for those words; what the sound says for them
    `replaced_words_llr`  what was heard in the place of words, against the target, and what the sound says for the
                          least supported of those words: a name that was misheard has the sound on its side, one in
                          whose place another word was said has not
    `added_words_llr`     what was heard with 4 letters more than the target holds there, against the target
    `repeated_words_llr`  a word said twice, against the target; not one that good English may double
    `word_order_llr`      two neighbouring words in each other's place, against the target
    `added_letters`       the most letters in a stretch of the transcript that the target does not hold: an added one
                          counts 1, one that is also in the target -0.5, one that was not heard -1
    Where the recogniser wrote just the target the other texts are still compared. A take without speech lacks all
    words; which were said twice or elsewhere cannot be asked of it.

    Control: a synthesiser says the target too (`harness.metrics.control_speech`), and the recogniser is asked of that
    sound what it is asked of the take. A text that is wrong but near is mostly 10 nats less likely there than the
    target, which was surely said. Where it is less unlikely or even likelier, that is the recogniser's habit and no
    fault of the take: half of the difference is taken off; where it is more unlikely, half is added. What it says is
    cut at 20 nats either way; of two voices the one counts that speaks more for the take. A voice counts only where the
    recogniser understands it and those before it, with at most four letters in ten wrong. Texts that lie 15 nats and
    more behind the target in the take stay as they are.

    Time: the target is laid along the sound word by word, whether it was said or not. A word that was not said is left
    next to no time. The time of a word for each of its letters, over that of the others, is taken as log-normal: around
    1 where the word is said, around exp(-1) where it is not, both with a deviation of 0.33. The logarithm of the ratio
    of the two counts three quarters beside the likelihood of the text. Some recognisers say no times, and do without.

    Sound: how much likelier a word is to the recogniser, after the words before it, than where it hears silence. A word
    that was said is likelier by far, also one that was misheard and one that is rare; one that was not said, or in
    whose place another was, is not. A quarter of the difference is taken from the likelihood that it is not said. A
    recogniser that does not say what it expects in silence is not asked for that.

Blind to: what the recogniser cannot tell apart, such as words that differ in marks; takes beyond 30 s.

Source: the generalised likelihood ratio over an explicit set of alternatives; the goodness of pronunciation of Witt and
Young (2000) compares phones in the same way. The constants of time were seen in 350 Arabic sentences that people read
and in 80 that lack a word (Whisper base): half of all words of 5 letters and more lie within exp(+-0.2), and a missing
one has a third of its time; they found 87 % of missing inner words where the text alone found 71 %. What a model
expects without sound is taken from its score as in the density ratio of McDermott et al. (2019). Limits and rates are
in suites/gates.toml.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import inf, isfinite, log

from harness.audio import Audio
from harness.metrics.control_speech import ControlSpeech
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.intelligibility import Floor, Heard, both, of_second
from harness.metrics.recognition import Recognizer, TextScore, TextScorer, WordAligner, WordExpecter
from harness.metrics.recognition.windows import WINDOW_S
from harness.take import Take
from harness.text.as_written import bare
from harness.text.hypotheses import LEAST_LETTERS, Change, Hypotheses, hypotheses
from harness.text.scoring import Differences, compare, said, slots

SAID_SD, UNSAID_LOG = 0.33, -1.0  # of the logarithm of a word's time for each letter over that of the others
HURRY = 0.75  # of what its time says of a word
SUPPORT = 0.25  # of what the sound says for a word, for its likelihood says a part of that already
CONTROL, MOST_CONTROL = 0.5, 20.0  # of what the control says of a text; nats that it may say
ORDINARY = -10.0  # nats: what it says of most texts that are near the target
UNDERSTOOD = 0.4  # of its letters that the recogniser may get wrong
DOUBTFUL = -15.0  # nats: a text behind the target by more is not asked of the control, which adds 5 at most
ADDED_LETTERS = 4  # fewer are an ending, or a word that the recogniser put into the language of today
MOST_HURRIED, MOST_DRAWN = -1.5, 0.7  # beyond these it is no better known
FRAME_S = 0.02  # no word has less time
DOUBLED = frozenset({"had", "that"})  # "had had" and "that that" are good English, and a recogniser expects them


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that was compared."""

    score: float
    lost_letters: int
    change: Change | None
    spellings: tuple[str, ...]
    """As the recogniser was asked for it."""
    words: tuple[int, ...] = ()

    def among(self, scores: Mapping[str, float]) -> float:
        """The score of its likeliest spelling, in nats."""
        return max(scores.get(text, -inf) for text in self.spellings)


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
    letters: tuple[int, ...] = ()
    """Of each word, as it is spoken."""
    scores: tuple[float, ...] = ()
    """Of all that stands between spaces in the target, in nats; empty where the recogniser does not say."""
    support: tuple[float, ...] = ()
    """Of each word how much likelier it is with the sound than without, in nats; empty where that is not known."""

    @classmethod
    def of(cls, asked: Hypotheses, scores: Sequence[TextScore], heard: Heard, language: str) -> "Evidence":
        """Sort the scores of `asked.texts`.

        Args:
            asked: The texts.
            scores: Of each, in order.
            heard: The transcript.
            language: Of the texts.
        """
        known = {text: score.total for text, score in zip(asked.texts, scores, strict=True)}
        target = max(known[text] for text in asked.spellings)
        own = tuple(text for text in asked.heard if text not in asked.spellings) or asked.spellings
        texts = [_Text(target, 0, None, asked.spellings)]
        texts += [_Text(max(known[text] for text in own), 0, Change.HEARD, own)]
        texts += [_Text(known[one.text], one.lost_letters, one.change, (one.text,), one.words) for one in asked.changed]
        letters = tuple(sum(len(said(slot).replace(" ", "")) for slot in slots(word, language)) for word in asked.words)
        whole = " ".join(asked.words)
        mine = next((score.words for text, score in zip(asked.texts, scores, strict=True) if text == whole), ())
        return cls(asked.words, target, tuple(texts), heard, (), letters, mine)

    def ratio(self, kind: Iterable[_Text]) -> tuple[float, _Text]:
        """How much likelier than the target the best of some texts is, and that one."""
        best = max(kind, key=lambda text: text.score, default=self.texts[0])
        return best.score - self.target, best

    def hurry(self, places: Sequence[int]) -> float:
        """How much likelier the times of some words are where those words are missing than where they are said."""
        rest = [place for place in range(len(self.words)) if place not in places]
        if not self.times or not rest or not places:
            return 0.0
        inside, outside = (
            sum(self.times[place][1] - self.times[place][0] + FRAME_S for place in some)
            / sum(self.letters[place] + 1 for place in some)
            for some in (places, rest)
        )
        pace = min(max(log(inside / outside), MOST_HURRIED), MOST_DRAWN)
        return HURRY * (pace**2 - (pace - UNSAID_LOG) ** 2) / (2 * SAID_SD**2)

    def unsupported(self, places: Sequence[int]) -> float:
        """What the sound says against some words, in nats; 0 where that is not known."""
        return -SUPPORT * sum(self.support[place] for place in places) if self.support else 0.0

    def without(self) -> list[_Text]:
        """The target without words, with what their time and the sound say against those."""
        return [
            replace(text, score=text.score + self.hurry(text.words) + self.unsupported(text.words))
            for text in self.texts
            if text.change == Change.MISSING and text.lost_letters >= LEAST_LETTERS
        ]

    def heard_instead(self) -> list[_Text]:
        """What was heard in the place of words, with what the sound says against the word that it supports least."""
        return [
            replace(text, score=text.score + max(self.unsupported([one]) for one in text.words))
            for text in self.texts
            if text.change == Change.HEARD and text.words
        ]

    def doubtful(self) -> tuple[str, ...]:
        """What the control is asked for: the target and the texts that may be likelier, each spelling once."""
        texts = [*self.texts[1:], *self.without(), *self.heard_instead()]
        near = [text for text in texts if text.score - self.target > DOUBTFUL]
        target = self.texts[0].spellings
        spellings = dict.fromkeys([*target, *(one for text in near for one in text.spellings)])
        return tuple(spellings) if len(spellings) > len(target) else ()

    def controlled(self, controls: Sequence[Mapping[str, float]]) -> "Evidence":
        """The same less what is the recogniser's habit.

        Args:
            controls: For each voice that it understands the score of each of `doubtful`, in nats.
        """
        target, *others = self.texts
        found = [target]
        for text in others:
            habits = [text.among(scores) - target.among(scores) for scores in controls]
            known = [max(-MOST_CONTROL, min(habit, MOST_CONTROL)) for habit in habits if isfinite(habit)]
            more = max(known) - ORDINARY if known and text.spellings != target.spellings else 0.0
            found.append(replace(text, score=text.score - CONTROL * more))
        return replace(self, texts=tuple(found))

    def named(self, text: _Text) -> str:
        """The words that a text is about."""
        return " ".join(bare(self.words[place]) for place in text.words)

    def doubts(self) -> list[tuple[float, int]]:
        """For each word how much likelier than the target the best text is that changes it, and the word's place."""
        changed = [[text.score for text in self.texts if place in text.words] for place in range(len(self.words))]
        return [(max(scores, default=self.target) - self.target, place) for place, scores in enumerate(changed)]

    def when(self, place: int) -> str:
        """A word, and when it should be heard."""
        word = bare(self.words[place])
        return f"{word} at {self.times[place][0]:.1f} s" if self.times else word

    def timed(self, spans: Sequence[tuple[float, float]]) -> "Evidence":
        """The same with the times of all that stands between spaces."""
        runs = self._runs(len(spans))
        return replace(self, times=tuple((spans[one][0], spans[two - 1][1]) for one, two in runs)) if runs else self

    def expected(self, priors: Sequence[float]) -> "Evidence":
        """The same with how likely all that stands between spaces is where nothing is heard, in nats."""
        runs = self._runs(len(priors)) if len(priors) == len(self.scores) else []
        return replace(self, support=tuple(sum(self.scores[one:two]) - sum(priors[one:two]) for one, two in runs))

    def _runs(self, many: int) -> list[tuple[int, int]]:
        """For each word where it begins and ends among all that stands between spaces; none where these are others."""
        ends = list(accumulate(len(word.split()) for word in self.words))
        return list(zip([0, *ends], ends, strict=False)) if ends and ends[-1] == many else []


@both
@analysis(once="run", what="the recogniser")
def scorer(recognizer: Recognizer) -> TextScorer:
    """The recogniser, where it says how likely a text is."""
    if not isinstance(recognizer, TextScorer):
        raise NotApplicable("this recogniser does not say how likely a text is")
    return recognizer


@both
@analysis(once="batch", what="the recogniser")
def evidence(
    scorer: TextScorer,
    sound: Sequence[Audio],
    language: Sequence[str],
    heard: Sequence[Heard],
    take: Sequence[Take],
    control_speech: ControlSpeech,
    usable_floor: Sequence[Floor],  # a recogniser that mishears people is not asked: it takes long and judges nobody
) -> "list[Evidence | Missing]":
    """What the recogniser says of the target and of other texts, for each take."""
    found: list[Evidence | Missing] = []
    asked: dict[int, Hypotheses] = {}
    for place, (clip, code, one, whose) in enumerate(zip(sound, language, heard, take, strict=True)):
        found.append(Missing(f"the recogniser failed: {one.error}"))
        if one.error:
            continue
        texts = hypotheses(whose.request.utterance.readings, one.text, code)
        if clip.duration_s > WINDOW_S:
            found[place] = NotApplicable(f"texts are scored for takes of at most {WINDOW_S:g} s")
        elif not texts.words:
            found[place] = Missing("the text holds no letters")
        else:
            asked[place] = texts
    scores = scorer.log_likelihoods(
        [sound[place] for place in asked],
        [language[place] for place in asked],
        [texts.texts for texts in asked.values()],
    )
    scored = {
        place: Evidence.of(texts, of_texts, heard[place], language[place])
        for (place, texts), of_texts in zip(asked.items(), scores, strict=True)
    }
    if scored and isinstance(scorer, WordAligner):
        times = scorer.word_times(
            [sound[place] for place in scored],
            [language[place] for place in scored],
            [" ".join(one.words) for one in scored.values()],
        )
        scored = {place: scored[place].timed(spans) for place, spans in zip(scored, times, strict=True)}
    if scored and isinstance(scorer, WordExpecter):
        priors = scorer.word_priors(
            [language[place] for place in scored], [" ".join(one.words) for one in scored.values()]
        )
        scored = {place: scored[place].expected(prior) for place, prior in zip(scored, priors, strict=True)}
    for place, its in scored.items():
        try:
            found[place] = _controlled(its, asked[place].reading, language[place], scorer, control_speech)
        except Missing as why:
            found[place] = why
    return found


def _controlled(
    found: Evidence, reading: str, language: str, scorer: TextScorer, control_speech: ControlSpeech
) -> Evidence:
    """The same less what is the recogniser's habit, as far as it understands the control."""
    texts = found.doubtful()
    understood = []
    for sound in control_speech(reading, language) if texts else ():
        (heard,) = scorer.transcribe([sound], [language])
        letters = compare(reading, heard, language).letters
        if letters.errors > UNDERSTOOD * letters.target_length:
            break  # a synthesiser that it misunderstands once is not worth the time
        understood.append(sound)
    languages, wanted = [language] * len(understood), [texts] * len(understood)
    scores = scorer.log_likelihoods(understood, languages, wanted) if understood else []
    return found.controlled(
        [{text: one.total for text, one in zip(texts, of_sound, strict=True)} for of_sound in scores]
    )


@metric("text_llr", unit="nats", better="lower", of="sound", version=3)
def text_llr(evidence: Evidence) -> Finding:
    """How much likelier than the target the likeliest text is."""
    value, _ = evidence.ratio(evidence.texts)
    doubted = sorted((one for one in evidence.doubts() if one[0] > 0), reverse=True)[:3]
    about = ", ".join(f"{evidence.when(place)} {doubt:+.1f}" for doubt, place in doubted)
    spans = tuple(sorted(evidence.times[place] for _, place in doubted)) if evidence.times else ()
    return measured(
        value,
        f"most doubtful: {about}; {evidence.heard.shown}" if about else evidence.heard.shown,
        spans,
        evidence.heard.text,
    )


@metric("missing_words_llr", unit="nats", better="lower", of="sound", version=5)
def missing_words_llr(evidence: Evidence) -> Finding:
    """How much likelier words are missing than said: by the text, by their time, and by the sound."""
    lacks = evidence.without()
    if not evidence.heard.text:
        lacks.append(evidence.texts[1])
    return _finding(evidence, lacks, "missing")


@metric("replaced_words_llr", unit="nats", better="lower", of="sound", version=2)
def replaced_words_llr(evidence: Evidence) -> Finding:
    """How much likelier other words were said in the place of some: by the text, and by the sound."""
    return _finding(evidence, [evidence.texts[0], *evidence.heard_instead()], "replaced")


@metric("added_words_llr", unit="nats", better="lower", of="speech", version=2)
def added_words_llr(evidence: Evidence) -> Finding:
    """How much likelier the target is with what was heard beyond it than as it stands."""
    more = [text for text in evidence.texts if text.change == Change.HEARD and text.lost_letters <= -ADDED_LETTERS]
    return _finding(evidence, [evidence.texts[0], *more], "added beside")


@metric("repeated_words_llr", unit="nats", better="lower", of="speech", version=3)
def repeated_words_llr(evidence: Evidence) -> Finding:
    """How much likelier the target is with a word said twice than as it stands."""
    twice = [text for text in evidence.texts if text.change == Change.REPEATED]
    return _finding(evidence, [text for text in twice if evidence.named(text).casefold() not in DOUBLED], "said twice")


@metric("word_order_llr", unit="nats", better="lower", of="speech", version=3)
def word_order_llr(evidence: Evidence) -> Finding:
    """How much likelier two neighbouring words are in each other's place than in their own."""
    exchanged = [text for text in evidence.texts if text.change == Change.EXCHANGED]
    if not exchanged:
        raise NotApplicable("a text of one word has no order")
    return _finding(evidence, exchanged, "exchanged")


@metric("added_letters", unit="letters", better="lower", of="sound")
def added_letters(usable_floor: Floor, differences: Differences, heard: Heard) -> Finding:
    """The most letters in a stretch of what was heard that the target does not hold."""
    if not heard.text:
        raise Missing("nothing was heard")
    letters = differences.letters
    most = now = 0.0
    there, stretch = "", ""
    for (target, other), same in zip(letters.pairs, letters.same, strict=True):
        now = max(0.0, now + (1.0 if target is None else -1.0 if other is None else -0.5 if same else 0.0))
        there = there + (other or "") if now else ""
        if now > most:
            most, stretch = now, there
    return measured(most, f"beyond the text: {stretch}; {heard.shown}" if most else heard.shown, (), heard.text)


def _finding(found: Evidence, kind: Sequence[_Text], what: str) -> Finding:
    if not kind:
        return measured(min(0.0, *(text.score for text in found.texts)), "no such text", (), found.heard.text)
    value, best = found.ratio(kind)
    about = f"{what}: {found.named(best)}; " if value > 0 and best.words else ""
    return measured(value, f"{about}{found.heard.shown}", (), found.heard.text)


for _first in (
    text_llr,
    missing_words_llr,
    replaced_words_llr,
    added_words_llr,
    repeated_words_llr,
    word_order_llr,
    added_letters,
):
    of_second(_first)
