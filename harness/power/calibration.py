"""Where the limit of the similarity gate lies for a team's own voices, and how often it is wrong there.

Conventions: a trial is a crop of one clip against the whole of another clip; where a speaker has a single clip, against
the rest of it, which flatters the same-speaker score (`one_recording`). Crops are as long as the bracket they stand
for. Rates have two-sided 95 % Clopper-Pearson intervals over trials; trials of one speaker are no independent draws, so
the true intervals are wider.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness import audio
from harness.audio import Audio
from harness.corpus import Reference
from harness.errors import UsageError
from harness.metrics.speaker import SpeakerEncoder, cosine
from harness.power.rates import Rate

BRACKETS_S = ((2.0, 3.0), (4.0, 5.0))
"""(from how much speech on, length of the crops that stand for it), seconds."""
LEAST_REST_S = 2.0
ACCEPTED_REJECT = 0.01  # of true speakers: what a gate of many may cost
LEAST_SPEAKERS = 2
STEP = 0.01


@dataclass(frozen=True, slots=True)
class Bracket:
    """The scores of one length of speech."""

    from_s: float
    same: NDArray[np.float64]
    different: NDArray[np.float64]
    nearest_errors: Rate
    """How often a crop is nearer to another speaker than to its own."""

    @property
    def equal_error(self) -> tuple[float, float]:
        """The threshold at which as many true speakers fall below as others above, and that share."""
        candidates = np.unique(np.concatenate([self.same, self.different]))
        below = (self.same[:, None] < candidates).mean(axis=0)
        above = (self.different[:, None] >= candidates).mean(axis=0)
        best = int(np.argmin(np.abs(below - above)))
        return float(candidates[best]), float((below[best] + above[best]) / 2)

    @property
    def limit(self) -> float:
        """The limit for the gate: at most 1 % of true speakers below it, and no higher than it needs to be."""
        lowest = float(np.quantile(self.same, ACCEPTED_REJECT, method="lower"))
        return float(np.floor(min(lowest, self.equal_error[0]) / STEP) * STEP)

    @property
    def false_reject(self) -> Rate:
        """True speakers below the limit."""
        return Rate(int((self.same < self.limit).sum()), self.same.size)

    @property
    def false_accept(self) -> Rate:
        """Other speakers at the limit or above."""
        return Rate(int((self.different >= self.limit).sum()), self.different.size)


def calibrate(voices: Sequence[Reference], encoder: SpeakerEncoder) -> list[Bracket]:
    """Score every crop of every voice against its own speaker and all others.

    Raises:
        UsageError: Fewer than two speakers, or no clip long enough for a crop and a rest.
    """
    speakers = [voice.speaker for voice in voices]
    if len(set(speakers)) < LEAST_SPEAKERS:
        raise UsageError(
            f"{len(set(speakers))} speaker in {len(voices)} clips: a threshold lies between speakers, so clips of "
            f"at least {LEAST_SPEAKERS} are needed; name.speaker says who speaks where one person has several"
        )
    clips = [audio.load(voice.path) for voice in voices]
    whole = encoder.embed(clips)
    found = [_bracket(start, length, clips, speakers, whole, encoder) for start, length in BRACKETS_S]
    brackets = [bracket for bracket in found if bracket is not None]
    if not brackets:
        needed = BRACKETS_S[0][1] + LEAST_REST_S
        raise UsageError(f"no clip leaves {LEAST_REST_S:g} s beside a crop: record at least {needed:g} s of each voice")
    return brackets


def _bracket(
    start: float,
    length: float,
    clips: Sequence[Audio],
    speakers: Sequence[str],
    whole: NDArray[np.float32],
    encoder: SpeakerEncoder,
) -> Bracket | None:
    same, different, nearer = [], [], []
    for number, clip in enumerate(clips):
        kin = [n for n, name in enumerate(speakers) if name == speakers[number] and n != number]
        size = round(length * clip.sample_rate_hz)
        for at in range(0, clip.samples.size - size + 1, size):
            rest = np.concatenate([clip.samples[:at], clip.samples[at + size :]])
            if not kin and rest.size < LEAST_REST_S * clip.sample_rate_hz:
                continue
            sounds = [clip.samples[at : at + size], *([] if kin else [rest])]
            rows = encoder.embed([Audio(sound, clip.sample_rate_hz) for sound in sounds])
            own = [cosine(rows[0], whole[n]) for n in kin] or [cosine(rows[0], rows[1])]
            others = [cosine(rows[0], whole[n]) for n, name in enumerate(speakers) if name != speakers[number]]
            if not np.isfinite([*own, *others]).all():
                continue  # a crop of pauses only
            same += own
            different += others
            nearer.append(max(others) >= max(own))
    if not same:
        return None
    return Bracket(start, np.array(same), np.array(different), Rate(sum(nearer), len(nearer)))


def rows(brackets: Sequence[Bracket], about: str, one_recording: bool) -> str:
    """Two rows of gates.toml, ready to paste, with what was measured."""
    steps = ", ".join(f"{{ speech_s = {one.from_s:.1f}, at_least = {one.limit:.2f} }}" for one in brackets)
    rejected = Rate(sum(one.false_reject.count for one in brackets), sum(one.false_reject.of for one in brackets))
    missed = Rate(sum(one.nearest_errors.count for one in brackets), sum(one.nearest_errors.of for one in brackets))
    accepted = "; ".join(
        f"accepts {_shown(one.false_accept)} pairs of two speakers from {one.from_s:g} s" for one in brackets
    )
    kind = ", same-speaker pairs within one recording (optimistic)" if one_recording else ""
    nearest = ", ".join(f"{{ speech_s = {one.from_s:.1f}, at_least = 0.0 }}" for one in brackets[:1])
    return f"""[[profile.calibrated.gate]]
metric = "speaker_similarity"
unit = "cosine"
at_least_from = [{steps}]
why = "below this it is grossly another voice; calibrated on the team's own voices"
false_reject = {rejected.value:.3f}
source = "{about}{kind}: rejects {_shown(rejected)} pairs of one speaker; {accepted}"

[[profile.calibrated.gate]]
metric = "nearest_reference"
unit = "cosine"
at_least_from = [{nearest}]
why = "a clone that is nearer to somebody else's reference is the wrong voice, whatever its similarity"
false_reject = {missed.value:.3f}
source = "{about}: {_shown(missed)} crops are nearer to another speaker"
"""


def _shown(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.count} of {rate.of} [{low:.1%}, {high:.1%}]"
