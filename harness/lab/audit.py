"""The decision rule, tried on releases of which the truth is known.

Conventions
    A simulated release speaks the baseline's utterances: each take is the utterance's own mean plus what a random take
    of its suite strays from its mean, all metrics together, so that their spread and their ties are the measured ones.
    Baseline and release are drawn anew for every trial and share no seed. A planted regression shifts one metric by a
    share of its margin, towards worse; in the tail, one utterance in five by a share of what makes it lost.

Places: `mean` everywhere, `tail` one utterance in five, `suite` one suite, `voice` one voice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import median

import numpy as np
from numpy.typing import NDArray

from harness.decision import panels
from harness.decision.policy import Floats, Margin
from harness.decision.rates import exact_interval
from harness.decision.regression import LEAST_OF_A_VOICE, Layout, Panel
from harness.decision.release import Asked, Decisions
from harness.records.baseline import Baseline
from harness.records.gate import Outcome

PLACES = ("mean", "tail", "suite", "voice")
SIZES = (0.25, 0.5, 1.0, 2.0)
EVERYONE_OR_ONE = ("mean", "suite", "voice")
TAIL_SHARE = 0.2
_OUTCOMES = (Outcome.FAIL, Outcome.PASS, Outcome.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class World:
    """The accepted release as a source of takes."""

    rows: Layout
    means: Floats
    """Shape (utterances, metrics)."""
    strays: dict[str, Floats]
    """By suite, shape (takes, metrics): how takes stray from the mean of their utterance."""

    @classmethod
    def of(cls, baselines: Sequence[Baseline], margins: Sequence[Margin], spread: float = 1.0) -> "World":
        """Measured on baselines with two takes of each utterance or more; `spread` widens what was measured."""
        takes_of = {baseline.suite: baseline.takes for baseline in baselines}
        rows = panels.layout(takes_of)
        means = np.empty((len(rows.utterances), len(margins)))
        strays = {}
        for suite, kept in takes_of.items():
            mine = [number for number, name in enumerate(rows.suites) if name == suite]
            panel = panels.panel(kept, [rows.utterances[number] for number in mine], margins)
            values = np.stack([panel.values[margin.metric] for margin in margins], axis=2)  # utterances, takes, metrics
            takes = values.shape[1]
            centre = values.mean(axis=1, keepdims=True)
            means[mine] = centre[:, 0]
            apart = (values - centre) * np.sqrt(takes / max(takes - 1, 1)) * spread
            apart = apart.reshape(-1, len(margins))
            strays[suite] = apart[np.isfinite(apart).all(axis=1)]
        return cls(rows, means, strays)

    def takes(self, count: int, rng: np.random.Generator) -> Floats:
        """So many takes of each utterance, shape (utterances, takes, metrics)."""
        drawn = np.empty((len(self.rows.utterances), count, self.means.shape[1]))
        suites = np.array(self.rows.suites)
        for suite, strays in self.strays.items():
            mine = np.flatnonzero(suites == suite)
            drawn[mine] = self.means[mine, None] + strays[rng.integers(len(strays), size=(mine.size, count))]
        return drawn


@dataclass(frozen=True, slots=True)
class Plant:
    """A regression of one metric; size 0 is an unchanged model."""

    metric: str = ""
    place: str = "mean"
    size: float = 0.0

    def into(self, takes: Floats, world: World, margins: Sequence[Margin], rng: np.random.Generator) -> Floats:
        """The takes of a release that has this regression."""
        if not self.size:
            return takes
        number = next(n for n, margin in enumerate(margins) if margin.metric == self.metric)
        margin, hit = margins[number], self._rows(world.rows, rng)
        step = self.size * (margin.lost if self.place == "tail" else margin.margin)
        worse = takes.copy()
        if margin.relative:
            worse[hit, :, number] *= np.exp(step if margin.better != "higher" else -step)
        else:
            worse[hit, :, number] += step if margin.better != "higher" else -step
        return worse

    def _rows(self, rows: Layout, rng: np.random.Generator) -> NDArray[np.intp]:
        everyone = np.arange(len(rows.utterances))
        if self.place == "tail":
            return rng.choice(everyone, round(TAIL_SHARE * everyone.size), replace=False)
        if self.place == "mean":
            return everyone
        owner = np.array(rows.suites if self.place == "suite" else rows.speakers)
        names, counts = np.unique(owner, return_counts=True)
        often = names if self.place == "suite" else names[counts >= LEAST_OF_A_VOICE]
        return np.flatnonzero(owner == rng.choice(often if often.size else names))


@dataclass(frozen=True, slots=True)
class Trial:
    """What the rule said of one simulated release."""

    outcome: Outcome
    failed: frozenset[str]
    """Metrics with a comparison that failed."""
    takes: float
    """Takes of each utterance that it needed, on average."""
    detectable: dict[str, float]


def trial(world: World, asked: Asked, plant: Plant, accepted: int, rng: np.random.Generator) -> Trial:
    """One release against one baseline, look by look, until the rule has decided."""
    names = [margin.metric for margin in asked.margins]
    old = _panel(world.takes(accepted, rng), names, range(1000, 1000 + accepted))
    takes = plant.into(world.takes(asked.looks[-1], rng), world, asked.margins, rng)
    suites, spoken = np.array(world.rows.suites), np.zeros(len(world.rows.utterances), int)
    decisions, going = Decisions(asked), np.ones(len(spoken), bool)
    for look in asked.looks:
        spoken[going] = look
        there = np.arange(asked.looks[-1])[None, :] < spoken[:, None]
        new = _panel(np.where(there[:, :, None], takes, np.nan)[:, :look], names, range(look))
        decisions.weigh(new, old, world.rows, {})
        still = decisions.open()
        if decisions.failed or not still:
            break
        of_suites = {stratum.name for stratum in still if stratum.kind == "suite"}
        going = np.isin(suites, list(of_suites)) | (len(of_suites) < len(still))
    answers = decisions.comparisons.values()
    outcomes = {answer.outcome for answer in answers}
    worst = next(one for one in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS) if one in outcomes)
    return Trial(
        outcome=worst,
        failed=frozenset(answer.metric for answer in answers if answer.outcome == Outcome.FAIL),
        takes=float(spoken.mean()),
        detectable={
            name: median(
                inf if answer.detectable is None else answer.detectable
                for answer in answers
                if (answer.metric, answer.question) == (name, "mean")
            )
            for name in names
        },
    )


def _panel(takes: Floats, names: Sequence[str], seeds: Sequence[int]) -> Panel:
    return Panel(tuple(seeds), {name: takes[:, :, number] for number, name in enumerate(names)})


def share(hits: int, of: int) -> str:
    """A share with its 95 % interval (Clopper and Pearson 1934).

    >>> share(0, 2000)
    '0.0 % [0.0, 0.2]'
    """
    low, high = exact_interval(hits, of, 0.025)
    return f"{hits / of:.1%} [{low * 100:.1f}, {high * 100:.1f}]".replace("%", " %")


@dataclass(frozen=True, slots=True)
class Design:
    """How one looks, and what came of it: simulated releases that are unchanged, and some worse by one margin."""

    name: str
    looks: tuple[int, ...]
    unchanged: Sequence[Trial]
    found: Sequence[bool]
    """Of those that are worse, everywhere or in one suite or voice: whether the metric failed."""
    worse: Sequence[Trial]

    @classmethod
    def tried(
        cls, name: str, world: World, asked: Asked, accepted: int, nulls: int, planted: int, seed: int
    ) -> "Design":
        """Simulate it; the same seed gives every design the same releases."""
        rng = np.random.default_rng(seed)
        unchanged = [trial(world, asked, Plant(), accepted, rng) for _ in range(nulls)]
        rng, found, worse = np.random.default_rng([seed, 2]), [], []
        for number in range(planted):
            metric = asked.margins[number % len(asked.margins)].metric
            place = EVERYONE_OR_ONE[number // len(asked.margins) % len(EVERYONE_OR_ONE)]
            worse.append(trial(world, asked, Plant(metric, place, 1.0), accepted, rng))
            found.append(metric in worse[-1].failed)
        return cls(name, asked.looks, unchanged, found, worse)

    def count(self, outcome: Outcome) -> int:
        """Unchanged releases with this answer."""
        return sum(one.outcome == outcome for one in self.unchanged)

    @property
    def takes(self) -> float:
        """Takes of each utterance that an unchanged release needs, median."""
        return median(one.takes for one in self.unchanged)

    def answers_like(self, other: "Design") -> bool:
        """Whether it passes the unchanged and finds the worse as often, but for what chance does to so many trials."""
        pairs = [(self.count(Outcome.PASS), other.count(Outcome.PASS), len(self.unchanged))]
        pairs += [(sum(self.found), sum(other.found), len(self.found))] if self.found else []
        for ours, theirs, of in pairs:
            both = (ours + theirs) / 2 / of
            if (ours - theirs) / of < -2 * np.sqrt(2 * both * (1 - both) / of):
                return False
        return True

    def __str__(self) -> str:
        shares = "   ".join(f"{kind} {share(self.count(kind), len(self.unchanged))}" for kind in _OUTCOMES)
        line = (
            f"unchanged, {self.name:<9} takes {'/'.join(map(str, self.looks)):<8}{shares}   "
            f"median takes {self.takes:.2f}"
        )
        if not self.found:
            return line
        takes = median(one.takes for one in self.worse)
        return f"{line}   worse by 1 margin: found {share(sum(self.found), len(self.found))} takes {takes:.2f}"


def designs(world: World, asked: Asked, accepted: int, nulls: int, planted: int, seed: int) -> Iterator[Design]:
    """The design that is asked for, then each fixed number of takes up to its last look."""
    yield Design.tried("as asked", world, asked, accepted, nulls, planted, seed)
    if len(asked.looks) > 1:
        for takes in range(1, asked.looks[-1] + 1):
            yield Design.tried("fixed", world, replace(asked, looks=(takes,)), accepted, nulls, planted, seed)


def saving(tried: Sequence[Design]) -> str:
    """How many takes looking early saves against the smallest fixed design that answers as often."""
    ours, fixed = tried[0], tried[1:]
    equal = next((one for one in fixed if one.answers_like(ours)), None)
    if equal is None:
        return f"no fixed design of up to {ours.looks[-1]} takes answers as often"
    (takes,) = equal.looks
    return (
        f"a fixed design answers as often from {takes} takes on; looking early needs {ours.takes:.2f} "
        f"of an unchanged model, {ours.takes / takes:.0%} of it"
    )


def report(world: World, asked: Asked, accepted: int, nulls: int, planted: int, seed: int = 0) -> Iterator[str]:
    """The audit, line by line.

    Args:
        world: Where takes come from.
        asked: The questions; with several looks the rule may stop early.
        accepted: Takes of each utterance in the baseline.
        nulls: Unchanged releases to simulate.
        planted: Releases for each planted regression.
        seed: Of the simulation.
    """
    yield f"{len(world.rows.utterances)} utterances, baseline of {accepted} takes; new seeds on both sides"
    tried = []
    for design in designs(world, asked, accepted, nulls, planted * len(PLACES), seed):
        tried.append(design)
        yield str(design)
    if len(tried) > 1:
        yield saving(tried)
    if not planted:
        return
    yield ""
    yield "planted, as asked: share of FAIL (share not passed), by size in margins; in the tail, in what makes one lost"
    yield f"{'metric':<20}{'place':<7}" + "".join(f"{size:<30g}" for size in SIZES) + "median takes"
    for margin in asked.margins:
        for place in PLACES:
            cells, takes = [], []
            for size in SIZES:
                rng = np.random.default_rng([seed, 1])
                plant = Plant(margin.metric, place, size)
                found = [trial(world, asked, plant, accepted, rng) for _ in range(planted)]
                failed = sum(margin.metric in one.failed for one in found)
                blocked = sum(one.outcome != Outcome.PASS for one in found)
                takes += [one.takes for one in found]
                cells.append(f"{share(failed, planted)} ({blocked / planted:.0%})")
            yield f"{margin.metric:<20}{place:<7}" + "".join(f"{cell:<30}" for cell in cells) + f"{median(takes):.2f}"
        yield f"{'':<20}{_smallest(margin, tried[0].unchanged)}"


def _smallest(margin: Margin, found: Sequence[Trial]) -> str:
    low, middle, high = np.quantile([one.detectable[margin.metric] for one in found], (0.025, 0.5, 0.975))
    return f"{middle:.3g} [{low:.3g}, {high:.3g}] {margin.unit_of_change} in one suite or voice is found 4 times in 5"
