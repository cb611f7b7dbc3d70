"""Takes become the two sides of a comparison: its rows, their values, and what can no longer be measured."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Protocol

import numpy as np

from harness.decision.policy import Margin
from harness.decision.regression import Layout, Side
from harness.records.baseline import Anchor
from harness.records.measurement import Measurement


class Measured(Protocol):
    """A take of either side, whether a run noted it or a baseline kept it."""

    @property
    def utterance(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def speaker(self) -> str: ...
    @property
    def measurements(self) -> dict[str, Measurement]: ...


def panel(takes: Sequence[Measured], utterances: Sequence[str], margins: Sequence[Margin]) -> Side:
    """The values of a side, rows in the order of `utterances`; NaN where a take or a number is missing."""
    seeds = tuple(sorted({take.seed for take in takes}))
    row = {name: number for number, name in enumerate(utterances)}
    column = {seed: number for number, seed in enumerate(seeds)}
    values = {margin.metric: np.full((len(row), len(seeds)), np.nan) for margin in margins}
    for take in takes:
        for name, matrix in values.items():
            if name in take.measurements:
                matrix[row[take.utterance], column[take.seed]] = take.measurements[name].value
    return Side(seeds, values)


def panel_of_anchors(anchors: Sequence[Anchor], utterances: Sequence[str], margins: Sequence[Margin]) -> Side:
    """The values of the first releases of some lines, likewise."""
    row = {name: number for number, name in enumerate(utterances)}
    kept = [(margin.metric, anchor.values.get(margin.metric, {})) for anchor in anchors for margin in margins]
    most = max((len(numbers) for _, values in kept for numbers in values.values()), default=1)
    panel = {margin.metric: np.full((len(row), most), np.nan) for margin in margins}
    for metric, values in kept:
        for name, numbers in values.items():
            if name in row:
                known = [np.nan if number is None else number for number in numbers]
                panel[metric][row[name], : len(known)] = known
    return Side(tuple(range(most)), panel)


def layout(takes: Mapping[str, Sequence[Measured]]) -> Layout:
    """The rows of both sides: every utterance of the run, suite by suite."""
    rows = sorted({(suite, take.utterance, take.speaker) for suite, kept in takes.items() for take in kept})
    return Layout(
        utterances=tuple(utterance for _, utterance, _ in rows),
        suites=tuple(suite for suite, _, _ in rows),
        speakers=tuple(speaker for _, _, speaker in rows),
    )


def unmeasured(new: Sequence[Measured], old: Sequence[Measured], metric: str) -> dict[str, str]:
    """Utterances of which the run has no number and the baseline has, each with the reason."""
    could = {take.utterance for take in old if _value(take, metric) is not None}
    return {
        take.utterance: _why_not(take, metric)
        for take in new
        if take.utterance in could and _value(take, metric) is None
    }


def _value(take: Measured, metric: str) -> float | None:
    measured = take.measurements.get(metric)
    return measured.value if measured is not None and isfinite(measured.value) else None


def _why_not(take: Measured, metric: str) -> str:
    measured = take.measurements.get(metric)
    return "it was not measured" if measured is None else measured.why_not or "it is not a number"
