"""Where the limit of the similarity gate lies at each length of speech, and how often it is wrong there.

Conventions: a trial is a crop of one clip against the whole of another clip; where a speaker has a single clip, against
the rest of it, which flatters the same-speaker score (`one_recording`). A crop holds just as much speech, pauses left
out, as the length it stands for; a take of more speech is judged by the limit of the length below it, which is kinder.
Speakers of different languages are no trial: another channel makes strangers look far.

The speakers are split in two halves. Each half gives a limit, and its false rejects are counted on the other half,
whose speakers had no part in it; the lower of the two limits is the one to use, so that its own false rejects are at
most those. Fewer than four speakers have no halves, and the rates then flatter. Rates have two-sided 95 %
Clopper-Pearson intervals over trials; trials of one speaker are no independent draws, so the true intervals are wider.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio
from harness.decision.rates import Rate
from harness.errors import UsageError
from harness.lab.speech import Recording
from harness.metrics.silence import Silences
from harness.metrics.speaker import cosine
from harness.metrics.speaker_encoder import Embeddings, SpeakerEncoder

LENGTHS_S = (2.0, 2.5, 3.0, 4.0)  # of speech
LEAST_REFERENCE_S = 2.0
CROPS_AT_ONCE = 32
# Of true speakers, in each language. All blocking gates together may cry out over 1 % of sound takes; similarity is the
# one that is wrong by its nature and may take half of that.
ACCEPTED_REJECT = 0.005
LEAST_SPEAKERS, LEAST_SPEAKERS_FOR_HALVES = 2, 4
STEP = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """What the trials of one length gave, by language."""

    same: Mapping[str, Floats]
    different: Mapping[str, Floats]
    nearest_errors: Rate
    """How often a crop is nearer to a clip of another speaker than to one of its own, with one clip of each speaker."""

    @property
    def limit(self) -> float:
        """The highest limit that rejects at most `ACCEPTED_REJECT` of the true speakers of every language.

        No higher than where both errors balance in the language whose voices are hardest to tell apart: beyond that it
        would reject clones and no strangers.
        """
        lowest = min(float(np.quantile(scores, ACCEPTED_REJECT, method="lower")) for scores in self.same.values())
        balance = max((self.equal_error(name)[0] for name in self.same if self.different[name].size), default=lowest)
        return round(float(np.floor(min(lowest, balance) / STEP + 1e-6) * STEP), 6)

    def equal_error(self, language: str) -> tuple[float, float]:
        """The threshold at which as many true speakers fall below as others above, and that share."""
        same, different = self.same[language], self.different[language]
        candidates = np.unique(np.concatenate([same, different]))
        below = (same[:, None] < candidates).mean(axis=0)
        above = (different[:, None] >= candidates).mean(axis=0)
        best = int(np.argmin(np.abs(below - above)))
        return float(candidates[best]), float((below[best] + above[best]) / 2)

    def false_reject(self, limit: float) -> Rate:
        """True speakers below a limit."""
        every = np.concatenate(list(self.same.values()))
        return Rate(int((every < limit).sum()), every.size)

    def false_accept(self, limit: float) -> dict[str, Rate]:
        """Other speakers at a limit or above, by language."""
        return {
            language: Rate(int((scores >= limit).sum()), scores.size)
            for language, scores in self.different.items()
            if scores.size
        }


@dataclass(frozen=True, slots=True)
class Bracket:
    """One length of speech: the limit from there on, and how often it is wrong."""

    from_s: float
    limit: float
    of_halves: tuple[float, ...]
    """The limit of each half alone."""
    false_reject: Rate
    """True speakers below the limit of the half that they are not in."""
    false_accept: Mapping[str, Rate]
    """Other speakers at the limit or above, by language."""
    nearest_errors: Rate
    """How often a crop is nearer to a clip of another speaker than to one of its own, with one clip of each speaker."""

    @property
    def held_out(self) -> bool:
        """Whether false rejects were counted on speakers who had no part in the limit."""
        return len(self.of_halves) > 1


def halves(clips: Sequence[Recording]) -> list[list[Recording]]:
    """The clips of every other speaker of each language, and those of the rest; one part of few speakers."""
    languages = {clip.speaker: clip.language for clip in clips}
    if len(languages) < LEAST_SPEAKERS_FOR_HALVES:
        return [list(clips)]
    ordered = sorted(languages, key=lambda speaker: (languages[speaker], speaker))
    return [[clip for clip in clips if clip.speaker in ordered[first::2]] for first in (0, 1)]


def calibrate(clips: Sequence[Recording], encoder: SpeakerEncoder) -> list[Bracket]:
    """Fit the limit of each length of speech, and count its errors on speakers who had no part in it.

    Limits do not fall with the length: more speech cannot make a voice less certain.

    Raises:
        UsageError: Fewer than two speakers, or no clip long enough for a crop and a reference.
    """
    speakers = {clip.speaker for clip in clips}
    if len(speakers) < LEAST_SPEAKERS:
        raise UsageError(
            f"{len(speakers)} speaker in {len(clips)} clips: a threshold lies between speakers, so clips of "
            f"at least {LEAST_SPEAKERS} are needed; name.speaker says who speaks where one person has several"
        )
    parts = [score(part, encoder) for part in halves(clips)]
    brackets: list[Bracket] = []
    for length in LENGTHS_S:
        scored = [part[length] for part in parts if length in part]
        if len(scored) == len(parts):
            brackets.append(_bracket(length, scored, brackets[-1].limit if brackets else 0.0))
    if not brackets:
        needed = LENGTHS_S[0] + LEAST_REFERENCE_S
        raise UsageError(
            f"no clip leaves {LEAST_REFERENCE_S:g} s beside {LENGTHS_S[0]:g} s of speech: "
            f"record at least {needed:g} s of speech in each voice, pauses left out"
        )
    return brackets


def _bracket(length: float, scored: Sequence[Scores], least: float) -> Bracket:
    limits = tuple(max(part.limit, least) for part in scored)
    limit = min(limits)
    accepted = [part.false_accept(limit) for part in scored]
    return Bracket(
        length,
        limit,
        limits,
        _together(part.false_reject(other) for part, other in zip(scored, reversed(limits), strict=True)),
        {
            language: _together(part[language] for part in accepted if language in part)
            for language in sorted({name for part in accepted for name in part})
        },
        _together(part.nearest_errors for part in scored),
    )


def _together(rates: Iterable[Rate]) -> Rate:
    counted = list(rates)
    return Rate(sum(rate.count for rate in counted), sum(rate.of for rate in counted))


def score(clips: Sequence[Recording], encoder: SpeakerEncoder) -> dict[float, Scores]:
    """The scores of every crop of every clip against its own speaker and the others of its language, by length."""
    whole = encoder.embed([clip.sound for clip in clips])
    found = {}
    for length in LENGTHS_S:
        crops = [(owner, *parts) for owner, clip in enumerate(clips) for parts in _crops(clip.sound, length)]
        scores = _scores(clips, whole, crops, encoder)
        if any(each.size for each in scores.same.values()):
            found[length] = scores
    return found


def _crops(sound: Audio, speech_s: float) -> Iterator[tuple[Audio, Audio]]:
    """Stretches that hold so much speech, every next one half as much later, each with the rest of the clip."""
    pauses = Silences.of(sound)
    frame_s = pauses.total_s / pauses.silent.size
    spoken = np.concatenate([[0.0], np.cumsum(~pauses.silent) * frame_s])

    def begins(after_s: float) -> int:
        """The frame with which speech goes on after so much of it."""
        return int(np.searchsorted(spoken, after_s + frame_s / 2, side="right")) - 1

    start = begins(0.0)
    while (end := int(np.searchsorted(spoken, spoken[start] + speech_s - frame_s / 2))) < spoken.size:
        first, last = (round(frame * frame_s * sound.sample_rate_hz) for frame in (start, end))
        rest = np.concatenate([sound.samples[:first], sound.samples[last:]])
        yield Audio(sound.samples[first:last], sound.sample_rate_hz), Audio(rest, sound.sample_rate_hz)
        start = begins(float(spoken[start]) + speech_s / 2)


def _scores(
    clips: Sequence[Recording], whole: Embeddings, crops: Sequence[tuple[int, Audio, Audio]], encoder: SpeakerEncoder
) -> Scores:
    languages = {clip.language for clip in clips}
    same: dict[str, list[float]] = {language: [] for language in languages}
    different: dict[str, list[float]] = {language: [] for language in languages}
    nearer: list[bool] = []
    places = _places(clips)
    rows = _embedded([crop for _, crop, _ in crops], encoder)
    for (owner, _, rest), row in zip(crops, rows, strict=True):
        mine = clips[owner]
        scores = [cosine(row, vector) for vector in whole]
        kin = [n for n, clip in enumerate(clips) if clip.speaker == mine.speaker and n != owner]
        own = {places[n]: scores[n] for n in kin if clips[n].sound.duration_s >= LEAST_REFERENCE_S}
        if not kin and rest.duration_s >= LEAST_REFERENCE_S:
            own = {0: cosine(row, encoder.embed([rest])[0])}
        strangers = [
            n for n, clip in enumerate(clips) if clip.speaker != mine.speaker and clip.language == mine.language
        ]
        others = [scores[n] for n in strangers]
        if not own or not np.isfinite([*own.values(), *others]).all():
            continue  # nothing to compare with, or a crop of pauses only
        same[mine.language] += own.values()
        different[mine.language] += others
        for place, score_of_own in own.items():
            beside = [scores[n] for n in strangers if places[n] == place]
            if beside:
                nearer.append(max(beside) >= score_of_own)
    heard = [language for language in sorted(languages) if same[language]]
    return Scores(
        {language: np.array(same[language]) for language in heard},
        {language: np.array(different[language]) for language in heard},
        Rate(sum(nearer), len(nearer)),
    )


def _places(clips: Sequence[Recording]) -> list[int]:
    """The number of each clip among those of its speaker: a run has one reference of each."""
    counted: Counter[str] = Counter()
    places = []
    for clip in clips:
        places.append(counted[clip.speaker])
        counted[clip.speaker] += 1
    return places


def _embedded(crops: Sequence[Audio], encoder: SpeakerEncoder) -> Iterator[Embeddings]:
    for start in range(0, len(crops), CROPS_AT_ONCE):
        yield from encoder.embed(crops[start : start + CROPS_AT_ONCE])


def rows(brackets: Sequence[Bracket], about: str, one_recording: bool) -> str:
    """Two rows of gates.toml, ready to paste, with what was measured."""
    steps = ", ".join(f"{{ speech_s = {one.from_s:.1f}, at_least = {one.limit:.2f} }}" for one in brackets)
    rejected = "; ".join(f"{one.from_s:g} s {shown(one.false_reject)}" for one in brackets)
    accepted = "; ".join(
        f"{one.from_s:g} s {language} {shown(rate)}" for one in brackets for language, rate in one.false_accept.items()
    )
    nearer = "; ".join(f"{one.from_s:g} s {shown(one.nearest_errors)}" for one in brackets)
    beside = "one clip each of the others of its half and language"
    kind = "the lower of two limits, each fitted on one half of the speakers and counted on the other"
    if not brackets[0].held_out:
        kind = "fitted on the speakers that it is counted on (optimistic)"
    if one_recording:
        kind += ", same-speaker pairs within one recording (optimistic)"
    return f"""[[profile.calibrated.gate]]
metric = "speaker_similarity"
unit = "cosine"
steps = [{steps}]
why = "below this it is grossly another voice; the limit grows with the speech that there is to know a voice by"
false_reject = {max(one.false_reject.value for one in brackets):.3f}
source = "{about}; {kind}: rejects of one speaker's pairs {rejected}; accepts of two speakers' {accepted}"

[[profile.calibrated.gate]]
metric = "nearest_reference"
unit = "cosine"
steps = [{{ speech_s = {brackets[0].from_s:.1f}, at_least = 0.0 }}]
why = "a clone that is nearer to somebody else's reference is the wrong voice, whatever its similarity"
false_reject = {max((one.nearest_errors.value for one in brackets if one.nearest_errors.of), default=0.0):.3f}
source = "{about}: nearer to another speaker than to its own, beside {beside}, is {nearer}"
"""


def shown(rate: Rate) -> str:
    """A rate in a sentence: count, denominator, share, interval."""
    low, high = rate.interval
    return f"{rate.count} of {rate.of} = {rate.value:.1%} [{low:.1%}, {high:.1%}]"


def report(clips: Sequence[Recording], encoder: SpeakerEncoder) -> tuple[list[str], str]:
    """Lines about the limit of each length, and the rows of gates.toml.

    Raises:
        UsageError: As `calibrate`.
    """
    brackets = calibrate(clips, encoder)
    speakers = {clip.speaker for clip in clips}
    lines = []
    for one in brackets:
        halves = " and ".join(f"{limit:.2f}" for limit in one.of_halves)
        lines.append(f"# from {one.from_s:g} s of speech: limit {one.limit:.2f}, of each half of the speakers {halves}")
    about = f"{len(clips)} clips of {len(speakers)} speakers, {encoder.fingerprint}"
    return lines, rows(brackets, about, one_recording=len(speakers) == len(clips))
