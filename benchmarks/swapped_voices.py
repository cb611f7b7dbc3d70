"""How often a stranger passes for the voice that was to be cloned: `python -m benchmarks.swapped_voices FOLDER`.

FOLDER holds recordings and a `manifest.csv` (columns file, language, speaker, transcript); clips under 2 s are joined.
Only clips with 4 s of speech and more take part. A trial is a clip and the reference that it is said to be cloned from,
in a run whose references are one clip of every speaker, never the tested clip itself: of the claimed one the claimed
clip, of everybody else the first one. A trial passes where the similarity gate and the nearest-reference gate of
suites/gates.toml both pass it. Swapped: clip and reference are of two speakers of one language (another channel makes
strangers look far; pairs across languages are counted beside). Rates have 95 % Clopper-Pearson intervals.
"""

import sys
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

from harness.audio import Audio
from harness.decision.gates import judge, load_profile
from harness.decision.rates import Rate
from harness.lab.calibration import shown
from harness.lab.speech import Recording, recordings
from harness.metrics.silence import Pauses, silence_ratio
from harness.metrics.speaker import Voices, nearest_reference
from harness.metrics.speaker import speaker_similarity as similarity
from harness.metrics.speaker_encoder import Embeddings, Resemblyzer, SpeakerEncoder
from harness.records.gate import Outcome

LEAST_SPEECH_S = 4.0
JOINED_S = 10.0
GATES = ("speaker_similarity", "nearest_reference")
_PROFILE = "documented"


def long_enough(clips: Sequence[Recording]) -> list[Recording]:
    """Those that hold `LEAST_SPEECH_S` of speech."""
    return [clip for clip in clips if Pauses.of(clip.sound).speech_s >= LEAST_SPEECH_S]


def _passes(sound: Audio, row: Embeddings, claimed: str, voices: Voices) -> tuple[bool, bool]:
    """Whether the similarity gate and the nearest-reference gate pass a clip as the claimed voice."""
    found = (similarity(row, claimed, voices), nearest_reference(row, claimed, voices), silence_ratio(Pauses.of(sound)))
    gates = load_profile(_PROFILE, backend="").of("short", GATES)
    verdicts = judge(gates, {one.metric.name: one for one in found}, {})
    alike, nearest = (verdict.outcome is Outcome.PASS for verdict in verdicts)
    return alike, nearest


def trials(clips: Sequence[Recording], encoder: SpeakerEncoder) -> list[tuple[Recording, Recording, bool, bool]]:
    """Every clip under the claim of every other clip: clip, claimed clip, passed by similarity, by the nearest."""
    rows = encoder.embed([clip.sound for clip in clips])
    speakers = list(dict.fromkeys(clip.speaker for clip in clips))
    found = []
    for tested, claimed in permutations(range(len(clips)), 2):
        references = {
            speaker: next(n for n, clip in enumerate(clips) if clip.speaker == speaker and n != tested)
            for speaker in speakers
        } | {clips[claimed].speaker: claimed}
        voices = Voices({name: rows[n] for name, n in references.items()}, {name: name for name in references})
        answers = _passes(clips[tested].sound, rows[tested], clips[claimed].speaker, voices)
        found.append((clips[tested], clips[claimed], *answers))
    return found


def rates(found: Sequence[tuple[Recording, Recording, bool, bool]]) -> tuple[Rate, Rate, Rate]:
    """Of some trials: passed by similarity, by the nearest reference, by both."""
    return (
        Rate(sum(alike for *_, alike, _ in found), len(found)),
        Rate(sum(nearest for *_, nearest in found), len(found)),
        Rate(sum(alike and nearest for *_, alike, nearest in found), len(found)),
    )


def main(folder: Path) -> None:
    """Print a line for each kind of trial."""
    clips = long_enough(recordings(folder, JOINED_S))
    # A speaker of one clip has no reference beside the clip that is tested.
    clips = [clip for clip in clips if sum(other.speaker == clip.speaker for other in clips) > 1]
    found = trials(clips, Resemblyzer())
    print(f"{len(clips)} clips of {len({clip.speaker for clip in clips})} speakers")
    kinds = {
        "one speaker": [row for row in found if row[0].speaker == row[1].speaker],
        "swapped, one language": [
            row for row in found if row[0].speaker != row[1].speaker and row[0].language == row[1].language
        ],
        "swapped, two languages": [row for row in found if row[0].language != row[1].language],
    }
    for name, mine in kinds.items():
        for language in ("", *sorted({row[0].language for row in mine})):
            group = [row for row in mine if not language or row[0].language == language]
            alike, nearest, both = rates(group)
            print(f"{name} {language or 'all'}: passed by similarity {shown(alike)}, by the nearest reference")
            print(f"    {shown(nearest)}, by both {shown(both)}; rejected {shown(Rate(both.of - both.count, both.of))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
