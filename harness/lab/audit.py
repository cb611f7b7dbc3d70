"""What a verdict is worth: the whole decision rule, replayed on releases of which the truth is known.

Conventions
    A simulated release speaks the baseline's utterances: each take is the utterance's own mean plus what a random take
    of its suite differs from its mean, all metrics together, so that their spread and their ties are measured ones.
    Baseline and release are drawn anew for every trial and share no seed, as `--takes auto` has it. Absolute gates are
    part of the decision: each take breaks one with a chance that is given.

Numbers
    false FAIL      of the whole gate, of an unchanged model
    false PASS      of a loss of one margin (of a suite or voice alone: its own margin), in the worst metric and place
    found           the smallest loss that is called FAIL four times in five in the worst stratum, by metric
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.decision import panels
from harness.decision.change import Strata, mean_of_takes
from harness.decision.policy import Margin, Policy
from harness.decision.questions import FAIL, OPEN, PASS
from harness.decision.rates import exact_interval
from harness.lab.simulation import Corpus, Loss, Noise, Played, play
from harness.records.audit import Audit, Found, Share
from harness.records.baseline import Baseline

SIZES = (1.0, 1.25, 1.5, 2.0, 3.0, 5.0)
FOUR_IN_FIVE = 0.8


def corpus_of(baselines: Sequence[Baseline], margins: Sequence[Margin], spread: float = 1.0) -> Corpus:
    """The accepted release as a source of takes.

    Args:
        baselines: With two takes of each utterance or more.
        margins: What is compared and was measured.
        spread: Times the measured scatter of takes.
    """
    takes = {baseline.suite: baseline.takes for baseline in baselines}
    rows = panels.layout(takes)
    means = {margin.metric: np.full(len(rows.utterances), np.nan) for margin in margins}
    residuals: dict[str, dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]] = {}
    for suite, kept in takes.items():
        mine = np.flatnonzero(np.array(rows.suites) == suite)
        values = panels.panel(kept, [rows.utterances[row] for row in mine], margins).values
        apart = {}
        for margin in margins:
            scaled = margin.scaled(values[margin.metric])
            centre = mean_of_takes(scaled)
            means[margin.metric][mine] = centre
            count = scaled.shape[1]
            apart[margin.metric] = ((scaled - centre[:, None]) * np.sqrt(count / max(count - 1, 1)) * spread).ravel()
        whole = np.isfinite(np.stack(list(apart.values()))).all(axis=0)
        residuals[suite] = {metric: found[whole] for metric, found in apart.items()}
    whole_release = len(baselines) > 1
    strata = Strata.of(rows.suites, rows.speakers, list(takes), whole_release)
    return Corpus(tuple(margins), strata, rows.suites, means, residuals)


@dataclass(frozen=True, slots=True)
class Design:
    """How the release is judged, and how sound its takes are."""

    policy: Policy
    looks: tuple[int, ...]
    accepted: int
    """Takes of each utterance in the baseline."""
    broken: float
    """Share of takes that break a gate, in both releases."""

    def play(self, corpus: Corpus, loss: Loss, runs: int) -> Played:
        """Simulated releases with this loss."""
        return play(corpus, self.policy, self.looks, Noise(broken=self.broken), loss, runs, accepted=self.accepted)


def of_baselines(
    baselines: Sequence[Baseline], policy: Policy, margins: Sequence[Margin], spread: float, broken: float
) -> tuple[Corpus, Design]:
    """What is replayed of accepted releases: their takes, in the metrics that were measured, and the default command.

    Args:
        baselines: One of each suite.
        policy: With its looks.
        margins: A recogniser may not have been given: what has no number is left out.
        spread: Times the measured scatter of takes.
        broken: The share of takes that break a gate.
    """
    every = [take.measurements for baseline in baselines for take in baseline.takes]
    measured = {name for measurements in every for name, one in measurements.items() if one.is_known}
    corpus = corpus_of(baselines, tuple(margin for margin in margins if margin.metric in measured), spread)
    return corpus, Design(policy, policy.looks, min(len(baseline.seeds) for baseline in baselines), broken)


def audit(corpus: Corpus, design: Design, nulls: int, planted: int, about: str) -> Iterator[str | Audit]:
    """Line by line what comes of it, and at last the numbers.

    Args:
        corpus: What is spoken.
        design: How it is judged.
        nulls: Unchanged releases.
        planted: Releases for each planted loss.
        about: Hash of all that it rests on.
    """
    unchanged = design.play(corpus, Loss(), nulls)
    texts, looks = len(corpus.suites), "/".join(map(str, design.looks))
    yield (
        f"{texts} utterances, {design.accepted} accepted takes of each, takes {looks}, new seeds; "
        f"{design.broken:.2%} of takes break a gate, {design.policy.broken_share:.1%} may"
    )
    outcomes = [
        (name, unchanged.share(kind)) for name, kind in (("FAIL", FAIL), ("PASS", PASS), ("INCONCLUSIVE", OPEN))
    ]
    shares = "   ".join(f"{name} {share(*counted)}" for name, counted in outcomes)
    yield f"unchanged        {shares}   median takes {np.median(unchanged.takes):.2f}"
    passes, found = [], []
    for margin in corpus.margins:
        mine, smallest = [], None
        for place in corpus.strata.names:
            played = design.play(corpus, Loss(margin.metric, place, 1.0), planted)
            mine.append((played.share(PASS), place))
        passed, where = max(mine)
        passes.append((passed, margin.metric, where))
        worst = _least_texts(corpus.strata)
        for size in SIZES:
            failed, of = design.play(corpus, Loss(margin.metric, worst, size), planted).share(FAIL)
            if failed / of >= FOUR_IN_FIVE:
                smallest = size * margin.margin * float(corpus.strata.widening[corpus.strata.names.index(worst)])
                break
        found.append(Found(margin.metric, margin.unit_of_change, worst, smallest and abs(margin.displayed(-smallest))))
        told = "none of the sizes tried" if smallest is None else f"{found[-1].size:.3g} {margin.unit_of_change}"
        yield f"{margin.metric:<20} -1 margin: PASS {share(*passed)} ({where}); found 4 in 5 in {worst}: {told}"
    (hits, of), metric, where = max(passes)
    numbers = Audit(
        about=about,
        false_fail=_counted(*unchanged.share(FAIL)),
        passed=_counted(*unchanged.share(PASS)),
        takes=float(np.median(unchanged.takes)),
        false_pass=_counted(hits, of),
        false_pass_of=f"{metric} in {where}",
        found=tuple(found),
        broken=design.broken,
    )
    yield numbers


def _least_texts(strata: Strata) -> str:
    """The stratum in which a loss is hardest to find."""
    sizes = strata.members.sum(axis=1)
    return strata.names[int(sizes.argmin())]


def _counted(hits: int, of: int) -> Share:
    low, high = exact_interval(hits, of, 0.025)
    return Share(hits, of, round(low, 5), round(high, 5))


def share(hits: int, of: int) -> str:
    """A share with its 95 % interval (Clopper and Pearson 1934).

    >>> share(0, 2000)
    '0.0 % [0.0, 0.2]'
    """
    low, high = exact_interval(hits, of, 0.025)
    return f"{hits / of:.1%} [{low * 100:.1f}, {high * 100:.1f}]".replace("%", " %")
