"""What a run will cost, and the smallest loss that it would find, before anybody pays for it.

Conventions
    Generation and sound are scaled from a run that was measured: seconds a take and bytes of sound a take, as its
    record and its store have them. What judging costs was measured with `python -m benchmarks.scale`: takes of 1 to 8
    s, no recogniser, which adds its own time. The smallest loss is that which is called FAIL four times in five in the
    average of all utterances, by a comparison with as many accepted takes: normal approximation, takes of an utterance
    as spread as in the accepted release, no shift that all takes of a voice or a seed share. Where there is one, or an
    utterance of its own reacts to the new model, more is needed: `python -m harness audit` replays the whole rule. No
    loss below its margin is called FAIL, however many takes there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import NormalDist
from typing import Self

import numpy as np

from harness.baseline import golden
from harness.decision import panels
from harness.decision.policy import Margin, Policy, load_policy
from harness.decision.rates import detectable_share
from harness.errors import UsageError
from harness.records.baseline import Baseline
from harness.records.run_record import RunRecord

JUDGING_S = 0.071
"""Seconds of one core to judge a take whose sound is new: of 1,000, with the start of the run and its report.

A core of an AMD EPYC with AVX-512; older ones took 0.18 s.
"""
RECORD_BYTES = 20_000
"""Beside the sound of a take: run.json, run.jsonl, sidecar, history, embeddings; 1,000 takes, the page aside."""
POWER = 0.8
LOST_BY_CHANCE = 0.01


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured of a system, a take."""

    generation_s: float
    sound_bytes: float
    takes: int
    """How many were measured."""

    @classmethod
    def of(cls, run: RunRecord, sound_bytes: Sequence[int]) -> "Rates":
        """Of a finished run and the sizes of its sounds.

        Raises:
            ValueError: No take of it has a sound.
        """
        elapsed = [take.elapsed_s for take in run.takes if take.audio]
        if not elapsed or not sound_bytes:
            raise ValueError("no take of this run has a sound")
        return cls(float(np.mean(elapsed)), float(np.mean(sound_bytes)), len(elapsed))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A run of so many takes of each of so many utterances."""

    takes: int
    utterances: int
    rates: Rates

    @property
    def of_all(self) -> int:
        """Takes."""
        return self.takes * self.utterances

    def lines(self) -> Iterator[str]:
        """Time and disk."""
        generation_h = self.of_all * self.rates.generation_s / 3600
        judging_h = self.of_all * JUDGING_S / 3600
        disk = self.of_all * (self.rates.sound_bytes + RECORD_BYTES)
        yield f"takes            {self.of_all:,} ({self.utterances:,} utterances, {self.takes} takes of each)"
        yield (
            f"generation       {generation_h:,.1f} hours on one device, {self.rates.generation_s:.2f} s a take "
            f"(mean of {self.rates.takes})"
        )
        yield f"judging          {judging_h:,.1f} hours of one core, while others are made; without a recogniser"
        yield f"disk             {disk / 1e9:,.1f} GB, of which {RECORD_BYTES / 1000:g} kB a take are no sound"


def rates_of(out: Path) -> Rates:
    """What the run in an output folder measured.

    Raises:
        UsageError: There is none, or none of its takes has a sound.
    """
    from harness.run.journal import Journal
    from harness.store import Store

    run, store = Journal(out).record(), Store(out)
    sizes = [store.path(take.digest).stat().st_size for take in run.takes if store.path(take.digest).is_file()]
    try:
        return Rates.of(run, sizes)
    except ValueError as error:
        raise UsageError(f"--out {out}: {error}: give the output folder of a run that made some takes") from error


def smallest_losses(
    baselines: Sequence[Baseline], margins: Sequence[Margin], policy: Policy, takes: int, utterances: int
) -> dict[str, float]:
    """The smallest loss that is found, by metric, in its unit or as a share; without what was not measured twice.

    Args:
        baselines: The accepted release, with two takes of an utterance or more.
        margins: What is compared.
        policy: With the error rate of the whole comparison.
        takes: Of each utterance, in either release.
        utterances: In all.
    """
    found = {}
    normal = NormalDist()
    often = normal.inv_cdf(POWER)
    surely = normal.inv_cdf(1 - policy.alpha / max(len(margins), 1)) + often
    for margin in margins:
        spreads = []
        for baseline in baselines:
            names = sorted({take.utterance for take in baseline.takes})
            values = margin.scaled(panels.panel(baseline.takes, names, [margin]).values[margin.metric])
            spreads += [float(row[np.isfinite(row)].var(ddof=1)) for row in values if np.isfinite(row).sum() > 1]
        if spreads:
            error = float(np.sqrt(2 * np.mean(spreads) / (takes * utterances)))
            found[margin.metric] = abs(margin.displayed(-max(margin.margin + often * error, surely * error)))
    return found


def estimate(
    takes: int,
    utterances: int,
    rates: Rates,
    baselines: Sequence[Baseline],
    margins: Sequence[Margin],
    policy: Policy,
) -> Iterator[str]:
    """What such a run costs and finds, line by line.

    Raises:
        UsageError: A number is less than 1.
    """
    if min(takes, utterances) < 1:
        raise UsageError(f"--takes is {takes}, --utterances is {utterances}; at least 1 of each is needed")
    yield from Estimate(takes, utterances, rates).lines()
    losses = smallest_losses(baselines, margins, policy, takes, utterances)
    for margin in margins:
        if margin.metric in losses:
            unit = "of the accepted value" if margin.relative else margin.unit
            yield (
                f"finds            {losses[margin.metric]:.3g} {unit} of {margin.metric} lost on average "
                f"(margin {margin.margin:g})"
            )
    lost = detectable_share(utterances, LOST_BY_CHANCE, policy.alpha)
    yield f"                 {lost:.1%} of utterances lost, where {LOST_BY_CHANCE:.0%} are by chance"
    if not losses:
        yield "                 no loss of a metric: no release with two takes of an utterance was accepted here"


@dataclass(frozen=True, slots=True)
class Where:
    """Where a run and the accepted releases lie."""

    out: Path
    golden: Path
    backend: str
    suites: Sequence[str]
    gates_file: Path

    @classmethod
    def of(cls, given: object) -> Self:
        """As a command has it."""
        return cls(*(getattr(given, field.name) for field in fields(cls)))


def of_run(takes: int, utterances: int, where: Where) -> Iterator[str]:
    """The same from the rates of a finished run and the accepted releases of a backend.

    Raises:
        UsageError: There is no run with sounds, or the files of the gates or of a baseline are damaged.
    """
    policy, margins = load_policy(where.gates_file)
    found = (golden.read(where.golden, where.backend, suite) for suite in where.suites)
    kept = [one for one in found if one is not None]
    return estimate(takes, utterances, rates_of(where.out), kept, margins, policy)
