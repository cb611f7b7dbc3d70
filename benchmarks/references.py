"""How often a sound reference is refused or doubted, and a spoilt one is not: `python -m benchmarks.references FOLDER`.

FOLDER holds recordings as for `python -m harness power --speech`. The references are those of its beds: of people the
other clips of a speaker, joined until they last 4 s; of clones the clips that they were made from. Every `EVERY`th of
them is then spoilt in each way. Rates have 95 % Clopper-Pearson intervals; references of one speaker are no independent
draws, so the true intervals are wider.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness import audio
from harness.audio import Audio
from harness.corpus import Reference
from harness.decision.rates import Rate
from harness.lab import beds
from harness.lab.calibration import shown
from harness.lab.power import MAY_BE_ONE_PERSON
from harness.lab.resynthesis import breathy
from harness.metrics.speaker import cosine
from harness.metrics.speaker_encoder import Resemblyzer
from harness.run import references as judged

EVERY = 8
Floats = NDArray[np.float32]
RATE_HZ = 24_000
OF_NO_KNOWN_LETTERS = "字"  # for a reference that nobody wrote down: what is said of its letters is left out


def of_folder(folder: Path, work: Path) -> dict[str, list[Reference]]:
    """The references of known speakers, by source; each once."""
    found: dict[str, dict[str, Reference]] = {}
    for one in beds.spoken(folder, work):
        if one.voice:
            reference = one.take.request.reference
            source = "clones_en" if one.source.startswith("system ") else one.source
            found.setdefault(source, {}).setdefault(reference.id, reference)
    return {source: list(mine.values()) for source, mine in found.items()}


def spoilt(sound: Audio, other: Audio, transcript: str) -> Iterator[tuple[str, Floats, str]]:
    """A reference spoilt in every way: name, samples of shape (n,) or (n, 2), transcript."""
    samples, rng = sound.samples, np.random.default_rng(0)
    times = np.arange(samples.size) / sound.sample_rate_hz
    noise = rng.normal(0, 1, samples.size).astype(np.float32)
    level = float(np.sqrt(np.mean(np.square(samples))))
    half, rest = samples.size // 2, other.samples[other.samples.size // 2 :]
    yield "two speakers", np.concatenate([samples[:half], rest]), ""
    yield "a tone of 440 Hz", (0.1 * np.sin(2 * np.pi * 440 * times)).astype(np.float32), transcript
    yield "noise", 0.05 * noise, transcript
    yield "noise 5 dB below", samples + level * 10 ** (-5 / 20) * noise, transcript
    silence = np.zeros(18 * sound.sample_rate_hz, np.float32)
    yield "18 s of silence after 2 s", np.concatenate([samples[: 2 * sound.sample_rate_hz], silence]), ""
    yield "channels that cancel", np.stack([samples, -0.9 * samples], axis=1), transcript
    yield "45 dB down", samples * np.float32(10 ** (-45 / 20)), transcript
    limit = np.float32(np.abs(samples).max() / 20)
    yield "clipped by 26 dB", np.clip(samples, -limit, limit) * 10, transcript
    yield "whispered", breathy(sound, 1.0).samples, transcript
    yield "transcript of punctuation", samples, "... !"
    if transcript:
        yield "transcript four times as long", samples, " ".join([transcript] * 4)
        yield "first word of the transcript", samples, transcript.split()[0]


def main(folder: Path) -> None:
    """Print a line for each source and each way of spoiling, and what resembles what."""
    hears = Resemblyzer()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        sources = of_folder(folder, work)
        for source, mine in sources.items():
            answers = [_answer(one, hears) for one in mine]
            _tell(source, answers)
            for said in sorted({line for lines in answers for line, _ in lines}):
                print(f"    {said}")
        counted: dict[str, list[list[tuple[str, bool]]]] = {}
        every = [one for mine in sources.values() for one in mine]
        for number, one in enumerate(every[::EVERY]):
            others = [other for other in every if other.language == one.language and other.speaker != one.speaker]
            if not others:
                continue
            other = audio.resample(audio.load(others[number * 7 % len(others)].path), RATE_HZ)
            sound = audio.resample(audio.load(one.path), RATE_HZ)
            for kind, samples, transcript in spoilt(sound, other, one.transcript):
                path = work / "spoilt.wav"
                _write(path, samples)
                changed = replace(one, path=path, transcript=transcript or one.transcript)
                counted.setdefault(f"{kind}, {one.language}", []).append(_answer(changed, hears))
        for kind, answers in sorted(counted.items()):
            _tell(kind, answers)
        for source, mine in sources.items():
            if not any(one.speaker.startswith(MAY_BE_ONE_PERSON) for one in mine):
                _tell_pairs(source, mine, hears)


def _answer(one: Reference, hears: Resemblyzer) -> list[tuple[str, bool]]:
    said = list(judged.complaints(replace(one, transcript=one.transcript or OF_NO_KNOWN_LETTERS)))
    if not any(refuses for _, refuses in said):
        alike = judged.one_voice(hears.windows([audio.load(one.path)], [slice(None, None, judged.EVERY)])[0])
        if alike < judged.MAYBE_TWO_SPEAKERS:
            said.append((f"two speakers {alike:.2f}", alike < judged.TWO_SPEAKERS))
    return said


def _tell(what: str, answers: Sequence[Sequence[tuple[str, bool]]]) -> None:
    refused = sum(any(refuses for _, refuses in said) for said in answers)
    either = sum(bool(said) for said in answers)
    print(
        f"{what}: refused {shown(Rate(refused, len(answers)))}, refused or doubtful {shown(Rate(either, len(answers)))}"
    )


def _tell_pairs(source: str, mine: Sequence[Reference], hears: Resemblyzer) -> None:
    rows = hears.embed([audio.load(one.path) for one in mine])
    alike: dict[bool, list[bool]] = {True: [], False: []}
    for (one, first), (other, second) in combinations(zip(mine, rows, strict=True), 2):
        alike[one.speaker == other.speaker].append(cosine(first, second) >= judged.ONE_PERSON)
    for same, found in alike.items():
        if found:
            who = "of one speaker" if same else "of two"
            print(f"{source}, pairs {who}: taken for one person {shown(Rate(sum(found), len(found)))}")


def _write(path: Path, samples: Floats) -> None:
    import soundfile

    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
