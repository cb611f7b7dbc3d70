"""How often the decision on a release is wrong, in worlds of which the truth is known; the whole rule, looks and all.

    python -m benchmarks.operating_characteristics [--runs N] [--only NAME] [--part I/N]

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
from harness.baseline.history import series as series_of
from harness.corpus import choose_reference, load_corpus, load_voices, suites_of
from harness.decision.change import Strata
from harness.decision.policy import load_policy
from harness.decision.questions import FAIL, OPEN, PASS
from harness.decision.rates import exact_interval
from harness.decision.steps import RUNS_TO_A_FALSE_ALARM, best_split, steps_in
from harness.lab.simulation import Corpus, Loss, Noise, Played, creep, play
from harness.records.gate import Outcome
from harness.records.history import RunEvent

CER = 0.03
"""What a sound take of the simulated recogniser scores."""
SIM = "speaker_similarity"
AGAIN = 8
MOST_POINTS = 5.0
"""How far apart the shares of answers may be after one look and after several, at half a margin lost."""
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

    def play(self, runs: int, seed: int = 0) -> Played:
        """So many releases in this world; the same takes whatever the looks, if the last is the same."""
        return play(CORPUS, CALIBRATED, self.looks, self.noise, self.loss, runs, seed)

    def told(self, runs: int, played: Played | None = None) -> str:
        """The world, the shares of each answer, and whether what is asked of it holds.

        Of a hundred worlds some are beyond by chance: where one is, eight times as many other releases decide.
        """
        begun = time.process_time()
        played = self.play(runs) if played is None else played
        told, holds = self._shares(played)
        if not holds:
            again, holds = self._shares(self.play(AGAIN * runs, seed=1))
            told += f"\n    again, {AGAIN * runs} others: {again}"
        wanted = f"at most {self.most:.0%}" if self.most is not None else ""
        wanted = f"at least {self.least:.0%}" if self.least is not None else wanted
        answer = "" if not wanted else f"{wanted}: {'holds' if holds else 'DOES NOT HOLD'}"
        return f"{self.name:<84}{told} {answer}  {time.process_time() - begun:.1f} s"

    def _shares(self, played: Played) -> tuple[str, bool]:
        """In words, and whether what is asked holds."""
        hits, of = played.share(self.asked)
        low, high = exact_interval(hits, of, 0.025)
        shares = "  ".join(
            f"{name} {played.share(kind)[0] / of:6.1%}"
            for name, kind in (("FAIL", FAIL), ("PASS", PASS), ("open", OPEN))
        )
        asked = f"asked {('open', 'PASS', 'FAIL')[self.asked]} {hits / of:.1%} [{low:.1%}, {high:.1%}]"
        holds = (self.most is None or hits / of <= self.most) and (self.least is None or hits / of >= self.least)
        return f"{shares}  takes {np.median(played.takes):.0f}  {asked}", holds


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
    for share in (0.05, 0.1):
        label = f"{share:.0%} of takes newly break a gate"
        yield Line("broken takes", label, NOISES["k 0.5"], Loss(newly_broken=share), PASS, most=0.05)


def of_agreement(runs: int) -> Iterator[str]:
    """Losses inside the margin: looking after 1, 2, 3 and 5 takes beside looking once after 5, at the same takes."""
    worlds = {
        f"k {sd:g} in SIM, {min(sd, 1):g} elsewhere": Noise(min(sd, 1.0), of={SIM: sd}) for sd in (0.3, 0.5, 1, 2)
    }
    worlds |= {"k 2 in SIM, 1 elsewhere, skewed": replace(REAL, skewed=True), "k 2 in everything": Noise(2.0)}
    for name, noise in worlds.items():
        for size in (0.5, 0.7):
            shares = []
            for looks in (POLICY.looks, POLICY.looks[-1:]):
                label = f"{SIM} -{size} margin, {name}, takes {'/'.join(map(str, looks))}"
                line = Line("half a margin", label, noise, Loss(SIM, size=size), FAIL, looks=looks)
                played = line.play(runs)
                shares.append([played.share(kind)[0] / runs for kind in (FAIL, PASS, OPEN)])
                yield line.told(runs, played)
            apart = [100 * (auto - fixed) for auto, fixed in zip(*shares, strict=True)]
            holds = "holds" if max(map(abs, apart)) <= MOST_POINTS else "DOES NOT HOLD"
            told = "  ".join(
                f"{kind} {points:+.1f}" for kind, points in zip(("FAIL", "PASS", "open"), apart, strict=True)
            )
            yield f"    apart, in points: {told}" + (f"; at most {MOST_POINTS:g}: {holds}" if size == 0.5 else "")


def of_creep(runs: int) -> Iterator[str]:
    """Ten releases, each a quarter of a margin worse."""
    for name, noise in (("k 0.3", NOISES["k 0.3"]), ("k 1", NOISES["k 1"])):
        past = creep(CORPUS, CALIBRATED, POLICY.looks, noise, SIM, 0.25, 10, runs)
        low, high = exact_interval(runs - past[5], runs, 0.025)
        yield (
            f"ten releases of -0.25 margin, {name}: chains past each release {past}; "
            f"stopped at -1.5 margin or before {1 - past[5] / runs:.1%} [{low:.1%}, {high:.1%}], wanted 95%"
        )


def of_history(runs: int) -> Iterator[str]:
    """Stable series, one step, and selections that change."""
    rng, nights, metrics, sets, alarmed = np.random.default_rng(0), 56, 40, 4 * runs, 0
    for first in range(0, sets, 100):
        count = min(100, sets - first)
        series, alarms = rng.normal(0, 1, (count, metrics, nights)), np.zeros(count, bool)
        for end in range(4, nights + 1):
            _, p_values = best_split(series[:, :, :end].reshape(-1, end))
            alarms |= (p_values.reshape(count, metrics) * metrics * RUNS_TO_A_FALSE_ALARM <= 1).any(axis=1)
        alarmed += int(alarms.sum())
    low, high = exact_interval(alarmed, sets, 0.025)
    share = f"{alarmed} of {sets} sets alarm, {alarmed / sets:.1%} [{low:.1%}, {high:.1%}]"
    yield f"{metrics} stable series, {nights} nights: {share}, at most 5%: {'holds' if high <= 0.05 else 'not shown'}"
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
    histories = min(runs, 200)
    mixed, alarms, of = 0, 0, 0
    for number in range(histories):
        for steady in (False, True):
            told = series_of(mixed_nights(np.random.default_rng([number, 1]), nights, steady), MARGINS)
            mixed += sum(len({date[-1] for date in one.dates}) > 1 for one in told)
            alarms += sum(bool(one.steps) for one in told if steady)
            of += len(told)
    low, high = exact_interval(alarms, of // 2, 0.025)
    yield (
        f"{histories} histories of {nights} nights in which the selection changes at random: {mixed} of {of} series "
        f"hold more than one selection; of a voice that never varies {alarms} of {of // 2} series alarm "
        f"[{low:.2%}, {high:.2%}], never is asked for"
    )


def mixed_nights(rng: np.random.Generator, nights: int, steady: bool) -> list[RunEvent]:
    """An unchanged voice of which the whole, one suite, or one suite with more takes is judged, night by night.

    Texts differ from each other by far more than a step; the selection is written into the date for the counting.
    """
    levels = {margin.metric: rng.normal(0, 20 * margin.margin, len(CORPUS.suites)) for margin in MARGINS}
    names = [f"{suite}/{suite}-{row:03d}" for row, suite in enumerate(CORPUS.suites)]
    found = []
    for night in range(nights):
        kind = int(rng.integers(3))
        rows = [row for row, suite in enumerate(CORPUS.suites) if kind == 0 or suite == SUITES[kind]]
        takes = np.where(np.array(rows) % 2, 5, 1) if kind == 2 else np.ones(len(rows))
        values = {
            margin.metric: levels[margin.metric][rows]
            + (0 if steady else rng.normal(0, margin.margin, len(rows)) / np.sqrt(takes))
            for margin in MARGINS
        }
        found.append(
            RunEvent(
                on=f"2026-{night // 28 + 1:02d}-{night % 28 + 1:02d} selection {kind}",
                verdict=Outcome.PASS,
                takes=int(takes.sum()),
                system="m1",
                backend="b",
                texts=tuple(names[row] for row in rows),
                values={metric: tuple(numbers.tolist()) for metric, numbers in values.items()},
            )
        )
    return found


PARTS = {"half a margin": of_agreement, "creep": of_creep, "history": of_history}


def main() -> None:
    """Print every world."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--only", default="", help="part of a group's or a world's name")
    parser.add_argument("--part", default="1/1", metavar="I/N", help="only every N-th world, from the I-th on")
    arguments = parser.parse_args()
    part, parts = map(int, arguments.part.split("/"))
    wanted = [line for line in lines() if arguments.only in f"{line.group} {line.name}"]
    for line in wanted[part - 1 :: parts]:
        print(line.told(arguments.runs), flush=True)
    for name, told in list(PARTS.items())[part - 1 :: parts]:
        if arguments.only in name:
            for text in told(arguments.runs):
                print(text, flush=True)


if __name__ == "__main__":
    main()
