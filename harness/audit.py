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
from statistics import median

import numpy as np
from numpy.typing import NDArray

from harness import golden
from harness.gates import Outcome
from harness.golden import Baseline
from harness.policy import Floats, Margin
from harness.regression import LEAST_OF_A_VOICE, Layout, Panel
from harness.release import Asked, Decisions

PLACES = ("mean", "tail", "suite", "voice")
SIZES = (0.25, 0.5, 1.0, 2.0)
TAIL_SHARE = 0.2


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
        records = {baseline.suite: baseline.records for baseline in baselines}
        rows = golden.layout(records)
        means = np.empty((len(rows.utterances), len(margins)))
        strays = {}
        for suite, kept in records.items():
            mine = [number for number, name in enumerate(rows.suites) if name == suite]
            panel = golden.panel(kept, [rows.utterances[number] for number in mine], margins)
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
        of_suites = {stratum.removeprefix("suite ") for stratum in still if stratum.startswith("suite ")}
        going = np.isin(suites, list(of_suites)) | (len(of_suites) < len(still))
    outcomes = {verdict.outcome for _, verdict in decisions.verdicts.values()}
    worst = next(one for one in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS) if one in outcomes)
    return Trial(
        outcome=worst,
        failed=frozenset(key[1] for key, (_, verdict) in decisions.verdicts.items() if verdict.outcome == Outcome.FAIL),
        takes=float(spoken.mean()),
        detectable={
            name: median(
                one.detectable
                for (_, metric, kind), (one, _) in decisions.verdicts.items()
                if (metric, kind) == (name, "mean")
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
    from scipy.stats import beta

    low = float(beta.ppf(0.025, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, of - hits)) if hits < of else 1.0
    return f"{hits / of:.1%} [{low * 100:.1f}, {high * 100:.1f}]".replace("%", " %")


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
    designs = {"auto": asked, "fixed": replace(asked, looks=asked.looks[-1:]), "one take": replace(asked, looks=(1,))}
    for name, design in designs.items():
        rng = np.random.default_rng(seed)
        found = [trial(world, design, Plant(), accepted, rng) for _ in range(nulls)]
        outcomes = [one.outcome for one in found]
        yield (
            f"unchanged, {name:<9} takes {'/'.join(map(str, design.looks)):<8}"
            f"FAIL {share(outcomes.count(Outcome.FAIL), nulls)}   PASS {share(outcomes.count(Outcome.PASS), nulls)}   "
            f"inconclusive {share(outcomes.count(Outcome.INCONCLUSIVE), nulls)}   "
            f"median takes {median(one.takes for one in found):.2f}"
        )
        if name == "auto":
            detectable = {
                margin.metric: median(one.detectable[margin.metric] for one in found) for margin in asked.margins
            }
    if not planted:
        return
    yield ""
    yield "planted, auto: share of FAIL (share not passed), by size in margins"
    yield f"{'metric':<20}{'place':<7}" + "".join(f"{size:<22g}" for size in SIZES) + "median takes"
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
            yield f"{margin.metric:<20}{place:<7}" + "".join(f"{cell:<22}" for cell in cells) + f"{median(takes):.2f}"
        smallest = f"{detectable[margin.metric]:.3g} {margin.unit_of_change}"
        yield f"{'':<20}{smallest} in one suite or voice is found 4 times in 5"
