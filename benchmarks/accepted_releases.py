"""How often a sound release is accepted, and an unchanged one after it: by the code that accepts, take by take.

    python -m benchmarks.accepted_releases [--runs N] [--broken SHARE]

Every release speaks the shipped texts three times (`--takes 3`) and is judged by the gates `calibrated`. A share of its
takes, of either release, breaks a gate drawn from those that may be broken; the numbers that are compared scatter by
two margins in similarity and by one in all else. Verdicts are excused, counted and compared as in a run
(`Profile.excused`, `compare_release`), and each suite is then given to `accept`; what it wrote is what the next release
is compared with. A release counts as accepted where every suite is. Shares have 95 % intervals (Clopper and Pearson
1934).
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import ClassVar, Self

import numpy as np

from benchmarks.operating_characteristics import CORPUS, MARGINS, POLICY, REAL, SUITES
from harness import shipped
from harness.baseline import golden
from harness.baseline.acceptance import Finished, Terms, accept
from harness.corpus import Reference, Utterance, choose_reference, load_corpus, load_voices
from harness.decision.gates import Profile, load_profile
from harness.decision.rates import exact_interval
from harness.decision.release import Asked
from harness.errors import GoldenError
from harness.lab.simulation import draw
from harness.metrics import known_metrics
from harness.records.gate import Gate, Outcome, Verdict
from harness.records.measurement import Measurement
from harness.records.rules import Rules
from harness.records.run_record import About, RunRecord
from harness.records.sidecar import Sidecar, SidecarReference
from harness.records.take_record import TakeRecord
from harness.run.comparison import compare_release
from harness.take import Provenance, Sampling, Stop

TAKES = POLICY.accepted_takes
LEAST = 0.9
VOICES = load_voices(shipped.VOICES)
TEXTS = {suite: load_corpus(suite) for suite in SUITES}
ROWS = [text for texts in TEXTS.values() for text in texts]
SPOKEN_BY = {text.id: choose_reference(text, VOICES, {voice.id: voice for voice in VOICES}) for text in ROWS}
MADE = Provenance("simulated", "m", "1")
ABOUT = About(backend="simulated", system="m1", instruments={"encoder": "e1"})
LEVELS = replace(
    CORPUS,
    means={
        margin.metric: np.zeros(len(ROWS)) if margin.relative else CORPUS.means[margin.metric] for margin in MARGINS
    },
)


@dataclass(frozen=True)
class Spoken:
    """A take that was asked for."""

    utterance: Utterance
    reference: Reference
    seed: int
    details: ClassVar[dict[str, str]] = {}
    """Nothing was found out about its seed."""

    @property
    def request(self) -> Self:
        """It is its own take."""
        return self


@dataclass
class Release:
    """What `compare_release` asks of a run, answered by numbers that were drawn."""

    folder: Path
    profile: Profile
    numbers: dict[str, np.ndarray]
    broken: dict[tuple[str, int], str]
    """By utterance and seed the gate that a take breaks."""
    first_seed: int
    backend: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(name=ABOUT.backend))
    rows: dict[str, int] = field(default_factory=lambda: {text.id: row for row, text in enumerate(ROWS)})

    @property
    def settings(self) -> SimpleNamespace:
        return SimpleNamespace(golden=self.folder, first_seed=self.first_seed)

    def request(self, text: Utterance, seed: int) -> Spoken:
        return Spoken(text, SPOKEN_BY[text.id], seed)

    def generate(self, requests: Iterator[Spoken]) -> None:
        """Everything is drawn."""

    def take(self, request: Spoken) -> Spoken:
        return request

    @property
    def ledger(self) -> SimpleNamespace:
        """Nothing is kept: a number costs nothing to draw again."""
        return SimpleNamespace(noted=lambda _: None, note=lambda _: None)

    def carry_out(self, wanted: object) -> None:
        """Everything is drawn."""

    def found(self, take: Spoken, metrics: Sequence[str]) -> TakeRecord:
        return self.noted(take, {}, self.judge(take, metrics))

    def judge(self, take: Spoken, metrics: Sequence[str]) -> list[Verdict]:
        """One gate is broken, or none."""
        suite, bad = take.utterance.suite, self.broken.get((take.utterance.id, take.seed), "")
        return self.profile.excused(
            [verdict(gate, gate.name == bad) for gate in self.profile.gates if gate.is_for(suite)]
        )

    def measurements(self, take: Spoken, _: object) -> dict[str, Measurement]:
        row, column = self.rows[take.utterance.id], take.seed - self.first_seed
        return {
            margin.metric: known_metrics()[margin.metric].measured(
                margin.unscaled(float(self.numbers[margin.metric][row, column]))
            )
            for margin in MARGINS
        }

    def noted(self, take: Spoken, found: dict[str, Measurement], verdicts: Sequence[Verdict]) -> TakeRecord:
        text, voice = take.utterance, take.reference
        return TakeRecord(
            suite=text.suite,
            utterance=text.id,
            seed=take.seed,
            text=text.text,
            language=text.language,
            reference=voice.id,
            speaker=voice.speaker,
            digest=f"{text.suite}/{text.id}/{take.seed}",
            audio="a",
            stopped_by=Stop.EOS,
            max_frames=90,
            sampling=Sampling(),
            provenance=MADE,
            measurements=found,
            verdicts=tuple(verdicts),
        )


_VERDICTS: dict[tuple[str, str, bool], Verdict] = {}


def verdict(gate: Gate, bad: bool) -> Verdict:
    """A gate held, or broken by a number."""
    key = gate.name, gate.metric, bad
    if key not in _VERDICTS:
        _VERDICTS[key] = Verdict(
            Outcome.FAIL if bad else Outcome.PASS, gate, known_metrics()[gate.metric].measured(1.0)
        )
    return _VERDICTS[key]


@dataclass(frozen=True)
class Kept:
    """A store in which every take of a run is."""

    out: Path
    takes: dict[str, TakeRecord]

    def sidecar(self, digest: str) -> Sidecar:
        take = self.takes[digest]
        return Sidecar(
            digest=digest,
            audio=take.audio,
            utterance=next(text for text in TEXTS[take.suite] if text.id == take.utterance),
            reference=SidecarReference(take.reference, "r", "", "ar"),
            chunks=(),
            sampling=take.sampling,
            seed=take.seed,
            system=ABOUT.system,
            sample_rate_hz=24_000,
            stopped_by=take.stopped_by,
            provenance=MADE,
            batch=(digest,),
        )

    def path(self, digest: str) -> Path:
        return self.out / digest


def release(rng: np.random.Generator, folder: Path, profile: Profile, share: float, first_seed: int) -> Release:
    """An unchanged one: its takes are drawn as those of any other."""
    numbers = {metric: values[0] for metric, values in draw(LEVELS, REAL, 1, TAKES, rng).items()}
    excusable = sorted({gate.name for gate in profile.gates if not gate.suites and not gate.advisory} - profile.always)
    broken = {
        (text.id, first_seed + seed): str(rng.choice(excusable))
        for text in ROWS
        for seed in range(TAKES)
        if rng.random() < share
    }
    for margin in MARGINS:
        if margin.cap is not None:
            numbers[margin.metric] = np.maximum(numbers[margin.metric], -margin.cap)
    return Release(folder, profile, numbers, broken, first_seed)


def accepted(one: Release, out: Path) -> list[str]:
    """Judge a release and accept it suite by suite; what is against it."""
    policy = replace(POLICY, broken_share=one.profile.broken_share)
    asked = Asked(tuple(SUITES), True, policy, MARGINS, looks=(TAKES,))
    compared = compare_release(one, TEXTS, asked, ABOUT)  # type: ignore[arg-type]
    spoken = [
        Spoken(text, SPOKEN_BY[text.id], one.first_seed + number)
        for suite in SUITES
        for text in TEXTS[suite]
        for number in range(TAKES)
    ]
    takes = [
        one.noted(take, one.measurements(take, None), one.judge(one.request(take.utterance, take.seed), ()))
        for take in spoken
    ]
    record = RunRecord(
        verdict=Outcome.PASS,
        exit_code=0,
        about=ABOUT,
        planned=len(takes),
        judged=len(takes),
        takes=tuple(takes),
        comparisons=compared.comparisons,
        not_compared=compared.not_compared,
    )
    terms = Terms("benchmark", "", one.profile, policy, MARGINS, one.folder, None, shipped.CORPUS, Rules())
    run = Finished(record, Kept(out, {take.digest: take for take in takes}))
    against = []
    for suite in SUITES:
        try:
            accept(run, suite, terms)
        except GoldenError as error:
            against.append(str(error))
    return against


def of_acceptance(runs: int, share: float) -> Iterator[str]:
    """First releases, and those after an accepted one."""
    profile = load_profile("calibrated", ABOUT.backend)
    counts, why = {"a first release": [0, 0], "an unchanged release after it": [0, 0]}, Counter[str]()
    for number in range(runs):
        rng = np.random.default_rng([number, 13])
        with TemporaryDirectory() as temporary:
            for turn, name in enumerate(counts):
                one = release(rng, Path(temporary) / "golden", profile, share, 100 * turn)
                against = accepted(one, Path(temporary) / f"out{turn}")
                why.update(line.partition(": ")[2][:70] for line in against[:1])
                counts[name][0] += not against
                counts[name][1] += 1
                if against:
                    break
                assert golden.read(one.folder, ABOUT.backend, SUITES[0]) is not None
    for name, (hits, of) in counts.items():
        if not of:
            yield f"{share:.1%} of takes break a gate, {name}: there was none"
            continue
        low, high = exact_interval(hits, of, 0.025)
        holds = "holds" if hits / of >= LEAST else "DOES NOT HOLD"
        yield (
            f"{share:.1%} of takes break a gate, {name}: accepted {hits} of {of} = {hits / of:.1%} "
            f"[{low:.1%}, {high:.1%}], at least {LEAST:.0%}: {holds}"
        )
    for line, count in why.most_common(5):
        yield f"    refused {count} times: {line}"


def main() -> None:
    """Print both shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--broken", type=float, default=0.01, help="share of takes that break a gate")
    arguments = parser.parse_args()
    for line in of_acceptance(arguments.runs, arguments.broken):
        print(line, flush=True)


if __name__ == "__main__":
    main()
