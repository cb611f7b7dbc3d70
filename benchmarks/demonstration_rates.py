"""What the demonstration voice does to the gates that only it can be asked about, and what a predictor gives people.

    python -m benchmarks.demonstration_rates [--out FOLDER] [--speech FOLDER]

The rates of suites/gates.toml that no other command prints: copies, minimal pairs, and what `[[override]]` lets off are
of the embedded voice, which speaks the shipped corpus with three seeds; its takes are kept in FOLDER. With --speech, as
for `harness power`, what DistillMOS gives people, by halves of the speakers. Rates have 95 % Clopper-Pearson intervals.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.planted_regressions import CORPUS, VOICES
from harness import audio
from harness.audio import Audio
from harness.backends import BackendOptions
from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import Reference, Utterance
from harness.decision.gates import amounts_of, judge, load_profile
from harness.decision.rates import Rate
from harness.lab.calibration import halves, shown
from harness.lab.speech import Recording, recordings
from harness.metrics.copies import Landmarks, landmarks_of
from harness.metrics.diacritics import Frames, Pair, cepstra, contrast, difference
from harness.metrics.measuring import Measuring, Models
from harness.records.gate import Outcome
from harness.records.measurement import Measurement
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.take import Provenance, Request, Stop, Take
from harness.text.hypotheses import plain

SEEDS, SEEDS_OF_PAIRS, VOICES_OF_PAIRS = 3, 4, 4
LET_OFF = ("spoken_share", "syllable_share", "speaker_similarity", "foreign_voice", "level_rise", "copied_take")
PROFILE = load_profile("documented", "another")
LIMITS = {gate.metric: gate for gate in PROFILE.gates}
NOISE_DB = (-20, -30, -50, -70)


def let_off(takes: Sequence[Take], found: Sequence[Mapping[str, Measurement]]) -> None:
    """What the gates that let the demonstration voice off would say of it, were it anybody else's."""
    for metric in LET_OFF:
        known = [one[metric].value for one in found if one[metric].is_known]
        judged = [
            judge([gate for gate in PROFILE.of(asked.suite, [metric]) if gate.reads(asked.language)], one, {})
            for asked, one in zip((take.request.utterance for take in takes), found, strict=True)
        ]
        against = Rate(sum(any(one.outcome == Outcome.FAIL for one in mine) for mine in judged), len(takes))
        print(
            f"{metric}: {min(known):.3g} to {max(known):.3g} in {len(known)} takes; not let off {shown(against)} FAIL"
        )


def copies(takes: Sequence[Take]) -> None:
    """How much two takes share, and how much a take shares with itself under noise."""
    sounds = [(take, sound) for take in takes if (sound := take.audio)]
    marks = [(take.request, landmarks_of(sound)) for take, sound in sounds]
    shares: dict[str, list[float]] = {"two texts": [], "two seeds of a text": [], "two references": []}
    for (one, mine), (two, theirs) in combinations(marks, 2):
        what = "two seeds of a text" if one.utterance == two.utterance else "two texts"
        shares[what].append(_shared(mine, theirs))
    voices = [landmarks_of(audio.load(voice.path)) for voice in VOICES.values()]
    shares["two references"] = [_shared(one, two) for one, two in combinations(voices, 2)]
    limit = LIMITS["copied_take"].at_most
    for what, found in shares.items():
        beyond = sum(share > limit for share in found)
        print(f"copies, {what}: {len(found)} pairs share up to {max(found):.2f}; more than {limit:g}: {beyond}")
    rng = np.random.default_rng(1)
    for level_db in NOISE_DB:
        found = [_shared(landmarks_of(_noisy(sound, level_db, rng)), landmarks_of(sound)) for _, sound in sounds]
        print(
            f"copies, one take under noise of {level_db} dB: {min(found):.2f} to {max(found):.2f} of {len(found)} takes"
        )


def _shared(one: Landmarks, two: Landmarks) -> float:
    return np.intersect1d(one, two).size / max(min(one.size, two.size), 1)


def _noisy(sound: Audio, level_db: float, rng: np.random.Generator) -> Audio:
    """Noise so far below the mean level, in 16 bits."""
    noise = rng.standard_normal(sound.samples.size) * np.std(sound.samples) * 10 ** (level_db / 20)
    samples = np.round(np.clip(sound.samples + noise, -1, 1) * 32767) / 32767
    return Audio(samples.astype(np.float32), sound.sample_rate_hz)


def pairs(run: Run) -> None:
    """Contrast of takes that differ in vowels, and of two takes of one text."""
    rows: dict[str, list[Utterance]] = {}
    for row in CORPUS["diacritized"]:
        rows.setdefault(row.pair or row.id, []).append(row)
    heard = [(*both, place) for both in rows.values() if len(both) == 2 and (place := _place(*both))]
    told: dict[str, list[float]] = {"that differ in vowels": [], "of one text with marks": [], "of one without": []}
    for voice, (one, two, place) in product(list(VOICES.values())[:VOICES_OF_PAIRS], heard):
        mine, theirs = _heard(run, one, voice), _heard(run, two, voice)
        bare = _heard(run, replace(one, id=f"bare-{one.id}", text=plain(one.text)), voice)
        told["that differ in vowels"] += [contrast(*both, place).value for both in product(mine, theirs)]
        for same in (mine, theirs):
            told["of one text with marks"] += [contrast(*both, place).value for both in combinations(same, 2)]
        told["of one without"] += [contrast(*both, place).value for both in combinations(bare, 2)]
    least = LIMITS["pair_contrast"].at_least
    for what, values in told.items():
        passed = shown(Rate(sum(value >= least for value in values), len(values)))
        print(
            f"pair_contrast, takes {what}, {len(heard)} pairs: {min(values):.2f} to {max(values):.2f}, "
            f"median {median(values):.2f}; at least {least:g}: {passed}"
        )


def _place(one: Utterance, two: Utterance) -> Pair | None:
    found = difference(one.text, two.text)
    return None if found is None or found.shadda_only else found


def _heard(run: Run, row: Utterance, voice: Reference) -> list[Frames]:
    """A text in a voice, one for each seed."""
    parts = chunks(row.text, BudgetConfig())
    asked = [Request(row, voice, seed, parts, run.backend.identity) for seed in range(SEEDS_OF_PAIRS)]
    run.generate(asked)
    return [cepstra(sound) for request in asked if (sound := run.take(request).audio)]


def predicted(folder: Path) -> None:
    """What the predictor of listeners' opinions gives people."""
    measuring, least = Measuring(Models(predictor="distillmos")), LIMITS["speech_quality"].at_least
    lowest, below, of = [], 0, 0
    for half in halves(recordings(folder)):
        found = [one["speech_quality"].value for one in measuring.measure(map(_take, half), ["speech_quality"])]
        lowest.append(f"{min(found):.2f} in {len(found)} clips")
        below, of = below + sum(value < least for value in found), of + len(found)
    print(f"speech_quality, people, halves of the speakers: down to {' and '.join(lowest)}; under {least:g}: ", end="")
    print(shown(Rate(below, of)))


def _take(clip: Recording) -> Take:
    row = Utterance("people-1", "people", 1, clip.transcript or "-", clip.language, clip.speaker)
    voice = Reference(clip.speaker, Path(), "", clip.language, clip.speaker, "")
    request = Request(row, voice, 0, chunks(row.text, BudgetConfig()), "people")
    return Take(request, clip.sound, Stop.UNKNOWN, Provenance("people", "people", ""))


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(".harness"))
    parser.add_argument("--speech", type=Path)
    arguments = parser.parse_args()
    profile = load_profile("documented", "embedded")
    run = Run(Settings("embedded", BackendOptions(), profile, arguments.out, takes=SEEDS))
    requests = [run.request(row, seed) for rows in CORPUS.values() for row in rows for seed in range(SEEDS)]
    run.generate(requests)
    takes = [run.take(request) for request in requests]
    print(f"{len(takes)} takes of the embedded voice: the shipped corpus with {SEEDS} seeds")
    gates = [gate for gate in PROFILE.gates if gate.metric in LET_OFF]
    let_off(takes, run.measured(takes, sorted({*LET_OFF, *amounts_of(gates)})))
    copies(takes)
    pairs(run)
    run.close()
    if arguments.speech:
        predicted(arguments.speech)


if __name__ == "__main__":
    main()
