"""What the gates say of sound human speech: the false-reject rates that stand in suites/gates.toml.

    python benchmarks/human_speech.py FOLDER

FOLDER holds recordings and a `manifest.csv` with the columns file, language, speaker and transcript. Clips under 2 s
are joined, speaker by speaker, until they last 5 s, with nothing between them but their own edges. Every clip is judged
as a take with its transcript as the text; similarity is measured against another clip of the same speaker and, for
false accepts, against clips of other speakers of that language. Rates come with 95 % Clopper-Pearson intervals.
"""

import csv
import sys
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np

from harness import audio
from harness.audio import Audio
from harness.gates import load_profile
from harness.metrics import duration
from harness.metrics.artifacts import speech_level
from harness.metrics.silence import Pauses, longest_silence, silence_ratio
from harness.metrics.speaker import Resemblyzer, cosine
from harness.text import words

RATE_HZ = 24_000
JOINED_S = 5.0
LEAST_S = 2.0


def clips(folder: Path) -> list[tuple[str, str, str, Audio]]:
    """(language, speaker, transcript, audio) of each clip, short ones joined."""
    found, held = [], defaultdict(list)
    with (folder / "manifest.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            sound = audio.resample(audio.load(folder / row["file"]), RATE_HZ)
            if sound.duration_s >= LEAST_S:
                found.append((row["language"], row["speaker"], row["transcript"], sound))
                continue
            parts = held[row["language"], row["speaker"]]
            parts.append((row["transcript"], sound))
            if sum(part.duration_s for _, part in parts) >= JOINED_S:
                text = " ".join(said for said, _ in parts)
                joined = Audio(np.concatenate([part.samples for _, part in parts]), RATE_HZ)
                found.append((row["language"], row["speaker"], text, joined))
                parts.clear()
    return found


def interval(count: int, of: int) -> str:
    """Share with its 95 % Clopper-Pearson interval, in percent."""
    from scipy.stats import binomtest

    bounds = binomtest(count, of).proportion_ci(0.95, "exact")
    return f"{count}/{of} = {100 * count / of:.1f} % [{100 * bounds.low:.1f}, {100 * bounds.high:.1f}]"


def main(folder: Path) -> None:
    """Measure, then print a line for each gate and language."""
    found = clips(folder)
    encoder = Resemblyzer()
    vectors = encoder.embed([sound for *_, sound in found])
    for language in sorted({row[0] for row in found}):
        mine = [number for number, row in enumerate(found) if row[0] == language]
        pauses = {number: Pauses.of(found[number][3]) for number in mine}
        values = {
            "length": [duration.length(found[number][3]).value for number in mine],
            "duration_ratio": [
                duration.duration_ratio(found[number][3], found[number][2]).value
                for number in mine
                if words(found[number][2])
            ],
            "silence_ratio": [silence_ratio(pauses[number]).value for number in mine],
            "longest_silence": [longest_silence(pauses[number]).value for number in mine],
            "speech_level": [speech_level(pauses[number]).value for number in mine],
        }
        same = [
            (cosine(vectors[one], vectors[other]), pauses[other].speech_s)
            for one, other in combinations(mine, 2)
            if found[one][1] == found[other][1]
        ]
        strange = [
            (cosine(vectors[one], vectors[other]), pauses[other].speech_s)
            for one, other in combinations(mine, 2)
            if found[one][1] != found[other][1]
        ]
        print(f"\n{language}: {len(mine)} clips of {len({found[number][1] for number in mine})} speakers")
        for name, measured in values.items():
            low, median, high = np.quantile(measured, [0.01, 0.5, 0.99])
            print(f"  {name:<20} 1 % {low:.3f}  median {median:.3f}  99 % {high:.3f}")
        for profile in ("documented", "calibrated"):
            for gate in load_profile(profile, backend="").gates:
                if gate.metric in values:
                    out = sum(not gate.at_least <= value <= gate.at_most for value in values[gate.metric])
                    print(f"  {profile:<11} {gate!s:<42} rejects {interval(out, len(values[gate.metric]))}")
                if gate.metric == "speaker_similarity":
                    for what, pairs in (("rejects same", same), ("accepts other", strange)):
                        judged = [
                            value >= resolved.at_least
                            for value, speech_s in pairs
                            if (resolved := gate.for_speech(speech_s))
                        ]
                        count = judged.count(what == "accepts other")
                        print(f"  {profile:<11} {what:<15} {interval(count, len(judged))} pairs")
        nearest = []
        for number in mine:
            own = [
                cosine(vectors[number], vectors[other])
                for other in mine
                if other != number and found[other][1] == found[number][1]
            ]
            far = [cosine(vectors[number], vectors[other]) for other in mine if found[other][1] != found[number][1]]
            nearest.append(float(np.mean(own)) > max(far))
        print(f"  nearest reference is one's own voice: all but {interval(nearest.count(False), len(nearest))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
