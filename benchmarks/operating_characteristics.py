"""How often the decision on a release is wrong, in worlds of which the truth is known; the whole rule, looks and all.

    python -m benchmarks.operating_characteristics [--runs N] [--only NAME]

The shipped texts and voices, every compared metric, new seeds on both sides, `--takes auto` against three accepted
takes, gates `calibrated`. k is the standard deviation of one take in margins. Shares have 95 % intervals (Clopper and
Pearson 1934). The kept output is benchmarks/results/operating_characteristics.txt.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from harness import shipped
from harness.corpus import choose_reference, load_corpus, load_voices, suites_of
from harness.decision.change import Strata
from harness.decision.policy import load_policy
from harness.decision.questions import FAIL, OPEN, PASS
from harness.decision.rates import exact_interval
from harness.decision.steps import RUNS_TO_A_FALSE_ALARM, best_split, steps_in
from harness.lab.simulation import Corpus, Loss, Noise, creep, play

CER = 0.03
"""What a sound take of the simulated recogniser scores."""
SIM = "speaker_similarity"
POLICY, MARGINS = load_policy()
SUITES = suites_of()
CALIBRATED = replace(POLICY, broken_share=0.02)


def shipped_corpus() -> Corpus:
    """The texts and voices that are shipped."""
    voices = load_voices(shipped.VOICES)
    known = {voice.id: voice for voice in voices}
    texts = [text for suite in SUITES for text in load_corpus(suite)]
    speakers = [choose_reference(text, voices, known).speaker for text in texts]
    suites = tuple(text.suite for text in texts)
    sound = {margin.metric: np.full(len(texts), -CER if margin.metric == "cer" else 60.0) for margin in MARGINS}
    return Corpus(MARGINS, Strata.of(suites, speakers, SUITES, whole=True), suites, sound)


CORPUS = shipped_corpus()
VOICE = next(name for name in CORPUS.strata.names if name.startswith("voice "))
SMALLEST = min(
    (name for name in CORPUS.strata.names if name.startswith("suite ")),
    key=lambda name: CORPUS.strata.members[CORPUS.strata.names.index(name)].sum(),
)
PLACES = ("all", "suite short", SMALLEST, VOICE)
NOISES = {
    "k 0.3": Noise(0.3),
    "k 0.5": Noise(0.5),
    "k 1": Noise(1.0),
    "k 2": Noise(2.0),
    "skewed like error rates, k 0.5": Noise(0.5, skewed=True),
    "skewed like error rates, k 1": Noise(1.0, skewed=True),
    "release twice as noisy, k 0.5": Noise(0.5, noisier=2.0),
    "release twice as noisy, k 1": Noise(1.0, noisier=2.0),
    "takes of a voice alike, icc 0.05, k 0.5": Noise(0.5, alike=0.05),
    "takes of a voice alike, icc 0.05, k 1": Noise(1.0, alike=0.05),
    "takes of a voice alike, icc 0.05, k 2": Noise(2.0, alike=0.05),
}
REAL = Noise(1.0, of={SIM: 2.0})


@dataclass(frozen=True, slots=True)
class Line:
    """One world, and what is asked of the share of one answer in it."""

    group: str
    name: str
    noise: Noise
    loss: Loss
    asked: int
    most: float | None = None
    least: float | None = None
    looks: tuple[int, ...] = POLICY.looks

    def told(self, runs: int) -> str:
        """The world, the shares of each answer, and whether what is asked of it holds."""
        begun = time.process_time()
        played = play(CORPUS, CALIBRATED, self.looks, self.noise, self.loss, runs)
        hits, of = played.share(self.asked)
        low, high = exact_interval(hits, of, 0.025)
        wanted, holds = "", True
        if self.most is not None:
            wanted, holds = f"at most {self.most:.0%}", hits / of <= self.most
        if self.least is not None:
            wanted, holds = f"at least {self.least:.0%}", hits / of >= self.least
        shares = "  ".join(
            f"{name} {played.share(kind)[0] / of:6.1%}"
            for name, kind in (("FAIL", FAIL), ("PASS", PASS), ("open", OPEN))
        )
        return (
            f"{self.name:<84}{shares}  takes {np.median(played.takes):.0f}  "
            f"asked {('open', 'PASS', 'FAIL')[self.asked]} {hits / of:.1%} [{low:.1%}, {high:.1%}] {wanted:<14}"
            f"{'' if not wanted else 'holds' if holds else 'DOES NOT HOLD'}  {time.process_time() - begun:.1f} s"
        )


def lines() -> Iterator[Line]:
    """Every world."""
    for name, noise in NOISES.items():
        yield Line("unchanged", f"unchanged, {name}", noise, Loss(), FAIL, most=0.01)
    for name, noise in (("k 2 in SIM, 1 elsewhere", REAL), ("the same, skewed", replace(REAL, skewed=True))):
        yield Line("unchanged", f"unchanged, {name}", noise, Loss(), PASS, least=0.9)
        broken = replace(noise, broken=0.01)
        yield Line("unchanged", f"unchanged, {name}, 1 % of takes break a gate", broken, Loss(), PASS, least=0.9)
    for name, noise in NOISES.items():
        for metric in (SIM, "speech_level", "cer"):
            for place in PLACES:
                loss = Loss(metric, place, 1.0)
                yield Line("one margin", f"{metric} -1 margin in {place}, {name}", noise, loss, PASS, most=0.05)
    for name in ("k 0.3", "k 1", "skewed like error rates, k 1"):
        for size in (1.0, 2.0):
            for place in PLACES:
                most = 0.01 if size > 1 else 0.05 if place == "all" else 0.1
                loss = Loss("cer", place, size, rare=True)
                label = f"cer -{size:g} margin by takes of 0.5 in {place}, {name}"
                yield Line("rare breakage", label, NOISES[name], loss, PASS, most=most)
    for size in (1.0, 2.0):
        loss = Loss("cer", "suite short", size, rare=True, plain=True)
        label = f"the price: cer -{size:g} margin of the metric, rare, in suite short"
        yield Line("the price", label, NOISES["k 0.3"], loss, PASS)
        loss = Loss(SIM, "suite short", size, plain=True)
        label = f"the price: {SIM} -{size:g} margin of the metric in suite short"
        yield Line("the price", label, NOISES["k 0.5"], loss, PASS)
    for sd in (0.3, 0.5, 1.0, 2.0):
        for size in (0.5, 0.7):
            for looks in (POLICY.looks, POLICY.looks[-1:]):
                noise = Noise(min(sd, 1.0), of={SIM: sd})
                label = f"{SIM} -{size} margin, k {sd:g}, takes {'/'.join(map(str, looks))}"
                yield Line("half a margin", label, noise, Loss(SIM, size=size), FAIL, looks=looks)
    for share in (0.05, 0.1):
        label = f"{share:.0%} of takes newly break a gate"
        yield Line("broken takes", label, NOISES["k 0.5"], Loss(newly_broken=share), PASS, most=0.05)


def of_creep(runs: int) -> Iterator[str]:
    """Ten releases, each a quarter of a margin worse."""
    for name, noise in (("k 0.3", NOISES["k 0.3"]), ("k 1", NOISES["k 1"])):
        past = creep(CORPUS, CALIBRATED, POLICY.looks, noise, SIM, 0.25, 10, runs)
        low, high = exact_interval(runs - past[5], runs, 0.025)
        yield (
            f"ten releases of -0.25 margin, {name}: chains past each release {past}; "
            f"stopped at -1.5 margin or before {1 - past[5] / runs:.1%} [{low:.1%}, {high:.1%}], wanted 95%"
        )


def of_history(sets: int) -> Iterator[str]:
    """Stable series, and one step."""
    rng, nights, metrics = np.random.default_rng(0), 56, 40
    series = rng.normal(0, 1, (sets, metrics, nights))
    alarmed = np.zeros(sets, bool)
    for end in range(4, nights + 1):
        _, p_values = best_split(series[:, :, :end].reshape(-1, end))
        alarmed |= (p_values.reshape(sets, metrics) * metrics * RUNS_TO_A_FALSE_ALARM <= 1).any(axis=1)
    low, high = exact_interval(int(alarmed.sum()), sets, 0.025)
    share = f"{alarmed.mean():.1%} [{low:.1%}, {high:.1%}]"
    yield f"{metrics} stable series, {nights} nights: {share} of sets alarm, at most 5%"
    for sd in (0.3, 1.0, 2.0):
        noise, close, delays = sd * 0.02 / np.sqrt(70), 0, []
        for _ in range(200):
            at = int(rng.integers(15, 45))
            found = steps_in(0.8 + rng.normal(0, noise, nights) - 0.02 * (np.arange(nights) >= at), 0.005, metrics)
            close += len(found) == 1 and abs(found[0].at - at) <= 1
            delays += [found[0].noticed - at + 1 for _ in found[:1]]
        low, high = exact_interval(close, 200, 0.025)
        yield (
            f"a step of 0.02 in {SIM}, a take of 70 texts a night, k {sd:g}: dated within one night {close / 200:.1%} "
            f"[{low:.1%}, {high:.1%}], at least 90%; noticed after {np.median(delays):.0f} nights (median)"
        )


def main() -> None:
    """Print every world."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--only", default="", help="part of a group's or a world's name")
    arguments = parser.parse_args()
    for line in lines():
        if arguments.only in f"{line.group} {line.name}":
            print(line.told(arguments.runs), flush=True)
    if arguments.only in "creep":
        for text in of_creep(arguments.runs):
            print(text, flush=True)
    if arguments.only in "history":
        for text in of_history(arguments.runs):
            print(text, flush=True)


if __name__ == "__main__":
    main()
