"""How often a stranger passes for the voice that was to be cloned: `python -m benchmarks.swapped_voices FOLDER`.

FOLDER holds recordings and a `manifest.csv` (columns file, language, speaker, transcript); clips under 2 s are joined.
Folders in it that have a manifest of their own are left out: labels that are no people would be their own strangers.
Only clips with 4 s of speech and more take part. A trial is a clip and the reference that it is said to be cloned from,
in a run whose references are one clip of every speaker, never the tested clip itself: of the claimed one the claimed
clip, of everybody else the first one. A trial passes where the gates on the voice of suites/gates.toml all pass it:
similarity and margin to the background speakers (`alike`), nearest reference (`nearest`). Swapped: clip and reference
are of two speakers of one language (another channel makes strangers look far; pairs across languages are counted
beside). Outside: the same, and the speaker of the clip has no reference in the run, as a voice of a model's training
has none. Each is counted for every other speaker of the list too, first half and second. Rates have 95 %
Clopper-Pearson intervals; trials of one speaker are no independent draws, so the true intervals are wider.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path

from harness.decision.gates import judge, load_profile
from harness.decision.rates import Rate
from harness.lab.calibration import halves as _halves
from harness.lab.calibration import shown
from harness.lab.speech import Recording, manifests, recordings
from harness.metrics.background import Background, background_margin, shipped
from harness.metrics.silence import Silences, silence_ratio
from harness.metrics.speaker import Voices, nearest_reference
from harness.metrics.speaker import speaker_similarity as similarity
from harness.metrics.speaker_encoder import Embeddings, Resemblyzer, SpeakerEncoder
from harness.records.gate import Gate, Outcome
from harness.records.measurement import Measurement

LEAST_SPEECH_S = 4.0
JOINED_S = 10.0
GATES = ("speaker_similarity", "nearest_reference", "background_margin")
_PROFILE = "documented"


def long_enough(clips: Sequence[Recording]) -> list[Recording]:
    """Those that hold `LEAST_SPEECH_S` of speech."""
    return [clip for clip in clips if Silences.of(clip.sound).speech_s >= LEAST_SPEECH_S]


@dataclass(frozen=True, slots=True)
class Trial:
    """A clip under the claim of another one, and whether the gates pass it."""

    tested: Recording
    claimed: Recording
    inside: bool
    """Whether the run has a reference of the one who speaks."""
    alike: bool
    nearest: bool

    @property
    def is_swapped(self) -> bool:
        return self.tested.speaker != self.claimed.speaker


@cache
def _gates() -> tuple[Gate, ...]:
    return load_profile(_PROFILE, backend="").of("short", GATES)


def _passes(heard: Measurement, row: Embeddings, claimed: str, voices: Voices, cohort: Background) -> tuple[bool, bool]:
    """Whether similarity with the background margin, and the nearest reference, pass a clip as the claimed voice."""
    found = (
        similarity(row, claimed, voices),
        nearest_reference(row, claimed, voices),
        background_margin(row, voices.embeddings[claimed], cohort),
        heard,
    )
    verdicts = judge(_gates(), {one.metric.name: one for one in found}, {})
    passed = {verdict.gate.metric: verdict.outcome is Outcome.PASS for verdict in verdicts}
    return passed["speaker_similarity"] and passed["background_margin"], passed["nearest_reference"]


def trials(clips: Sequence[Recording], encoder: SpeakerEncoder) -> list[Trial]:
    """Every clip under the claim of every other clip; of another speaker's also without its own in the run."""
    rows = encoder.embed([clip.sound for clip in clips])
    pauses = [Silences.of(clip.sound) for clip in clips]
    spoken, heard = [one.speech_s for one in pauses], [silence_ratio(one) for one in pauses]
    speakers = list(dict.fromkeys(clip.speaker for clip in clips))
    background = shipped(encoder)
    found = []
    for tested, claimed in permutations(range(len(clips)), 2):
        references = {
            speaker: next(n for n, clip in enumerate(clips) if clip.speaker == speaker and n != tested)
            for speaker in speakers
        } | {clips[claimed].speaker: claimed}
        swapped = clips[tested].speaker != clips[claimed].speaker
        # Who is heard in the background is no stranger there.
        cohort = _without(background, clips[tested].speaker)
        for inside in (True, False) if swapped else (True,):
            there = {name: n for name, n in references.items() if inside or name != clips[tested].speaker}
            voices = Voices(
                {name: rows[n] for name, n in there.items()},
                {name: name for name in there},
                speech_s={name: spoken[n] for name, n in there.items()},
            )
            answers = _passes(heard[tested], rows[tested], clips[claimed].speaker, voices, cohort)
            found.append(Trial(clips[tested], clips[claimed], inside, *answers))
    return found


def _without(cohort: Background, speaker: str) -> Background:
    kept = [place for place, name in enumerate(cohort.speakers) if not name.endswith(speaker)]
    return Background(cohort.embeddings[kept], tuple(cohort.speakers[place] for place in kept))


def rates(found: Sequence[Trial]) -> tuple[Rate, Rate, Rate]:
    """Of some trials: passed by similarity and background, by the nearest reference, by all."""
    return (
        Rate(sum(one.alike for one in found), len(found)),
        Rate(sum(one.nearest for one in found), len(found)),
        Rate(sum(one.alike and one.nearest for one in found), len(found)),
    )


def main(folder: Path) -> None:
    """Print two lines for each kind of trial, language and half of the speakers."""
    nested = {path.parent.name for path in manifests(folder) if path.parent != folder}
    clips = long_enough([clip for clip in recordings(folder, JOINED_S) if clip.source not in nested])
    # A speaker of one clip has no reference beside the clip that is tested.
    clips = [clip for clip in clips if sum(other.speaker == clip.speaker for other in clips) > 1]
    found = trials(clips, Resemblyzer())
    print(f"{len(clips)} clips of {len({clip.speaker for clip in clips})} speakers, {folder.name}")
    of_one = [row for row in found if row.tested.language == row.claimed.language]
    kinds = {
        "one speaker": [row for row in of_one if not row.is_swapped],
        "swapped, one language": [row for row in of_one if row.is_swapped and row.inside],
        "outside, one language": [row for row in of_one if row.is_swapped and not row.inside],
        "swapped, two languages": [row for row in found if row.tested.language != row.claimed.language and row.inside],
    }
    halves = {half: {clip.speaker for clip in part} for half, part in enumerate(_halves(clips), 1)}
    for name, mine in kinds.items():
        for language in ("", *sorted({row.tested.language for row in mine})):
            group = [row for row in mine if not language or row.tested.language == language]
            parts = {"": group} | {
                f", half {half}": [row for row in group if row.tested.speaker in speakers]
                for half, speakers in halves.items()
            }
            for part, rows in parts.items():
                alike, nearest, every = rates(rows)
                print(f"{name} {language or 'all'}{part}: passed by similarity and background {shown(alike)},")
                print(f"    by the nearest reference {shown(nearest)}, by all {shown(every)};", end=" ")
                print(f"rejected {shown(Rate(every.of - every.count, every.of))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
