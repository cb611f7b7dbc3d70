"""The two sides of a comparison as arrays, and the levels that people are shown.

Conventions
    A panel is one side: for each metric an array of shape (utterances, takes), a column a seed. Takes are paired by
    seed where the new side has only seeds that the old one has too and the system is the same; otherwise averages are
    compared, so that no take is left out. Relative changes are differences of logarithms.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.decision.change import Floats, Takes, mean_of_takes
from harness.decision.policy import Margin


@dataclass(frozen=True, slots=True)
class Side:
    """One side: values by metric, each of shape (utterances, takes), and the seeds of the takes."""

    seeds: tuple[int, ...]
    values: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the rows of both panels are."""

    utterances: tuple[str, ...]
    suites: tuple[str, ...]
    speakers: tuple[str, ...]


def takes_of(margin: Margin, new: Side, old: Side, same_system: bool) -> Takes:
    """Both sides in one metric, oriented, as one run.

    >>> margin = Margin("x", "s", 1, 1, 0, "w", better="lower")
    >>> old = Side((0, 1), {"x": np.array([[1.0, 3.0]])})
    >>> takes_of(margin, Side((1,), {"x": np.array([[2.5]])}), old, same_system=True).changes
    array([[0.5]])
    >>> takes_of(margin, Side((1,), {"x": np.array([[2.5]])}), old, same_system=False).changes
    array([[-0.5]])
    """
    ours, theirs = margin.scaled(new.values[margin.metric]), margin.scaled(old.values[margin.metric])
    paired = same_system and set(new.seeds) <= set(old.seeds)
    if paired:
        theirs = theirs[:, [old.seeds.index(seed) for seed in new.seeds]]
    return Takes(ours[None], theirs[None], paired)


def levels(margin: Margin, takes: Takes, rows: NDArray[np.intp]) -> tuple[float, float]:
    """Means of the accepted release and of the new one over some utterances: what the change is the difference of.

    Of a relative metric they are geometric means, whose ratio the change is.

    >>> margin = Margin("x", "s", 1, 1, 0, "w", better="lower")
    >>> one = Takes(np.array([[[-2.5], [-9.0]]]), np.array([[[-1.0, -3.0], [-2.0, -3.0]]]), False)
    >>> levels(margin, one, np.array([0]))
    (2.0, 2.5)
    """
    known = rows[np.isfinite(takes.changes[0][rows])]
    if not known.size:
        return float("nan"), float("nan")
    new, old = takes.new[0][known], takes.old[0][known]
    if takes.paired:
        both = np.isfinite(new) & np.isfinite(old)
        new, old = np.where(both, new, np.nan), np.where(both, old, np.nan)
    return margin.unscaled(float(mean_of_takes(old).mean())), margin.unscaled(float(mean_of_takes(new).mean()))
