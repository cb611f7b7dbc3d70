"""Releases of which the truth is known, judged by the whole decision rule, thousands at a time.

Conventions
    A simulated release speaks the texts of a corpus: each take is the utterance's own mean plus noise. Values are
    oriented as in `harness.decision.change`, arrays of shape (runs, utterances, takes). Sizes of losses are in margins;
    of a loss in one stratum alone, in that stratum's own margin unless said otherwise. The new release shares no seed
    with the accepted one, as `--takes auto` has it.

Noise is measured (takes stray as those of a baseline do, all metrics together) or of a chosen shape and size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.decision.change import Floats, Strata, Takes
from harness.decision.policy import Margin, Policy
from harness.decision.questions import FAIL, OPEN, PASS, Broken, Key, Look, Rule

CHUNK = 500
"""Runs that are simulated together."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is spoken, and how its takes scatter."""

    margins: tuple[Margin, ...]
    strata: Strata
    suites: tuple[str, ...]
    """Of each utterance."""
    means: Mapping[str, Floats]
    """By metric, of each utterance."""
    residuals: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    """By suite and metric: how measured takes stray from the mean of their utterance; of one take at one index."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How the takes of a system scatter."""

    sd: float | None = None
    """Standard deviation of a take, in margins; None takes what was measured."""
    of: Mapping[str, float] = field(default_factory=dict)
    """Of single metrics."""
    skewed: bool = False
    """Most takes alike, some much worse: like error rates."""
    noisier: float = 1.0
    """How many times the accepted release's noise the new one has."""
    alike: float = 0.0
    """Share of the variance that all takes of one voice in one run have in common."""
    broken: float = 0.0
    """Share of takes that break a gate, in both releases."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What is worse in the new release."""

    metric: str = ""
    place: str = "all"
    """A stratum."""
    size: float = 0.0
    """Of the average, in margins of the stratum."""
    rare: bool = False
    """By few takes that are as bad as can be, not by all takes a little."""
    plain: bool = False
    """In margins of the metric, wherever it is."""
    newly_broken: float = 0.0
    """Share of the new takes that break a gate beyond those of the accepted release."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of some runs."""

    outcomes: NDArray[np.int8]
    """Of the whole gate, shape (runs,)."""
    takes: Floats
    """Takes of each utterance that it needed, on average, shape (runs,)."""
    keys: tuple[Key, ...]
    answers: NDArray[np.int8]
    """Shape (runs, questions)."""

    def share(self, outcome: int) -> tuple[int, int]:
        """Runs with this outcome, of all."""
        return int((self.outcomes == outcome).sum()), self.outcomes.size


def draw(
    corpus: Corpus, noise: Noise, runs: int, count: int, rng: np.random.Generator, scale: float = 1.0
) -> dict[str, Floats]:
    """So many takes of each utterance, by metric."""
    if noise.sd is None:
        return _measured(corpus, runs, count, rng, scale)
    shape, voices = (runs, len(corpus.suites), count), corpus.strata.speakers
    found = {}
    for margin in corpus.margins:
        sd = noise.of.get(margin.metric, noise.sd) * margin.margin * scale
        values = _noise(shape, noise.skewed, rng) * np.sqrt(1 - noise.alike)
        if noise.alike:
            common = rng.standard_normal((runs, int(voices.max()) + 1))
            values += np.sqrt(noise.alike) * common[:, voices][:, :, None]
        found[margin.metric] = corpus.means[margin.metric][None, :, None] + sd * values
    return found


def _noise(shape: tuple[int, ...], skewed: bool, rng: np.random.Generator) -> Floats:
    """Of mean 0 and standard deviation 1."""
    if not skewed:
        return rng.standard_normal(shape)
    # Nothing in three takes of five, exponential in the others.
    return np.asarray(-(np.where(rng.random(shape) < 0.6, 0.0, rng.exponential(1.0, shape)) - 0.4) / 0.8)


def _measured(corpus: Corpus, runs: int, count: int, rng: np.random.Generator, scale: float) -> dict[str, Floats]:
    suites = np.array(corpus.suites)
    rows = np.zeros((runs, suites.size, count), np.intp)
    for suite, residuals in corpus.residuals.items():
        mine = np.flatnonzero(suites == suite)
        rows[:, mine] = rng.integers(next(iter(residuals.values())).size, size=(runs, mine.size, count))
    found = {}
    for margin in corpus.margins:
        values = np.repeat(corpus.means[margin.metric][None, :, None], runs, axis=0) + np.zeros((1, 1, count))
        for suite, residuals in corpus.residuals.items():
            mine = np.flatnonzero(suites == suite)
            values[:, mine] += scale * residuals[margin.metric][rows[:, mine]]
        found[margin.metric] = values
    return found


def spoil(takes: Floats, corpus: Corpus, margin: Margin, loss: Loss, rng: np.random.Generator) -> Floats:
    """The takes of a release that has this loss."""
    column = corpus.strata.names.index(loss.place)
    hit = corpus.strata.members[column]
    size = loss.size * margin.margin * (1.0 if loss.plain else float(corpus.strata.widening[column]))
    if not loss.rare:
        return np.asarray(takes - size * hit[None, :, None])
    worst = -(margin.cap if margin.cap is not None else np.inf)
    gap = np.maximum((takes - worst).mean(axis=(0, 2)), 1e-9)
    broken = rng.random(takes.shape) < (size / gap * hit)[None, :, None]
    return np.where(broken, worst, takes)


def play(
    corpus: Corpus,
    policy: Policy,
    looks: tuple[int, ...],
    noise: Noise,
    loss: Loss,
    runs: int,
    seed: int = 0,
    accepted: int = 3,
) -> Played:
    """Simulate accepted and new releases and judge them, look by look, until the rule has decided.

    Args:
        corpus: What is spoken.
        policy: The error rates.
        looks: Takes of each utterance after which one looks.
        noise: Of both releases.
        loss: Of the new one.
        runs: How many.
        seed: Of the simulation.
        accepted: Takes of each utterance in a baseline.
    """
    parts = []
    for first in range(0, runs, CHUNK):
        rng = np.random.default_rng([seed, first])
        count = min(CHUNK, runs - first)
        old = draw(corpus, noise, count, accepted, rng)
        new = draw(corpus, noise, count, looks[-1], rng, noise.noisier)
        broken = rng.random((count, len(corpus.suites), looks[-1])) < noise.broken + loss.newly_broken
        before = rng.random((count, len(corpus.suites), accepted)) < noise.broken
        for margin in corpus.margins:
            if margin.metric == loss.metric:
                new[margin.metric] = spoil(new[margin.metric], corpus, margin, loss, rng)
            if margin.cap is not None and margin.better == "lower":
                for side in (new, old):
                    side[margin.metric] = np.maximum(side[margin.metric], -margin.cap)
        parts.append(_judged(corpus, policy, looks, new, old, broken, before))
    return Played(
        np.concatenate([part.outcomes for part in parts]),
        np.concatenate([part.takes for part in parts]),
        parts[0].keys,
        np.concatenate([part.answers for part in parts]),
    )


def creep(
    corpus: Corpus,
    policy: Policy,
    looks: tuple[int, ...],
    noise: Noise,
    metric: str,
    step: float,
    releases: int,
    runs: int,
) -> list[int]:
    """Releases each a little worse than the one before, each accepted where it passes: how many chains got past each.

    Args:
        corpus: What is spoken.
        policy: The error rates.
        looks: Takes of each utterance after which one looks.
        noise: Of every release.
        metric: What gets worse.
        step: By how many margins, from release to release.
        releases: How many.
        runs: Chains.
    """
    rng, past, live = np.random.default_rng(0), [], runs
    margin = next(margin for margin in corpus.margins if margin.metric == metric)
    first = draw(corpus, noise, runs, policy.accepted_takes, rng)
    for number in range(1, releases + 1):
        if not live:
            past.append(0)
            continue
        old, new = draw(corpus, noise, live, policy.accepted_takes, rng), draw(corpus, noise, live, looks[-1], rng)
        old[metric] = old[metric] - (number - 1) * step * margin.margin
        new[metric] = new[metric] - number * step * margin.margin
        whole = (live, len(corpus.suites), 1)
        none = np.zeros((*whole[:2], looks[-1]), bool), np.zeros((*whole[:2], policy.accepted_takes), bool)
        # The first baseline is the anchor itself: there the two questions are one.
        since = {metric: first[metric]} if number > 1 else None
        passed = _judged(corpus, policy, looks, new, old if number > 1 else first, *none, since).outcomes == PASS
        first = {name: values[passed] for name, values in first.items()}
        live = int(passed.sum())
        past.append(live)
    return past


def _judged(
    corpus: Corpus,
    policy: Policy,
    looks: tuple[int, ...],
    new: Mapping[str, Floats],
    old: Mapping[str, Floats],
    broken: NDArray[np.bool_],
    before: NDArray[np.bool_],
    anchor: Mapping[str, Floats] | None = None,
) -> Played:
    runs, utterances = broken.shape[:2]
    rule = Rule(corpus.margins, corpus.strata, policy, looks, whole=True)
    live, spoken, going = np.arange(runs), np.zeros((runs, utterances), np.intp), np.ones((runs, utterances), bool)
    outcomes, takes = np.zeros(runs, np.int8), np.zeros(runs)
    answers: NDArray[np.int8] = np.zeros((runs, 0), np.int8)
    keys: tuple[Key, ...] = ()
    for number, look in enumerate(looks):
        spoken = np.where(going, look, spoken)
        there = np.arange(look)[None, None, :] < spoken[live][:, :, None]
        sides = {
            metric: Takes(np.where(there, values[live][:, :, :look], np.nan), old[metric][live], paired=False)
            for metric, values in new.items()
        }
        counts = Broken(
            np.sum(broken[live][:, :, :look] & there, axis=(1, 2)).astype(np.float64),
            np.sum(there, axis=(1, 2)).astype(np.float64),
            np.sum(before[live], axis=(1, 2)).astype(np.float64),
            np.full(live.size, float(before[0].size)),
        )
        first = {
            metric: Takes(sides[metric].new, values[live], paired=False) for metric, values in (anchor or {}).items()
        }
        # Where no share is allowed every take must hold, and one that does not ends it.
        rule.look(Look(sides, first, counts if policy.broken_share else None), number)
        fallen = np.zeros(live.size, bool) if policy.broken_share else counts.new > 0
        keys = tuple(rule.outcomes)
        found = np.stack(list(rule.outcomes.values()), axis=1)
        if not answers.size:
            answers = np.zeros((runs, len(keys)), np.int8)
        failed, undecided = (found == FAIL).any(axis=1) | fallen, found == OPEN
        done = failed | ~undecided.any(axis=1) | (number == len(looks) - 1)
        ended = live[done]
        outcomes[ended] = np.where(failed[done], FAIL, np.where(undecided[done].any(axis=1), OPEN, PASS))
        takes[ended], answers[ended] = spoken[ended].mean(axis=1), found[done]
        going[live] = _still_open(undecided, keys, corpus)
        left = np.flatnonzero(~done)
        live = live[left]
        if not live.size:
            break
        rule = rule.only(left)
    return Played(outcomes, takes, keys, answers)


def _still_open(undecided: NDArray[np.bool_], keys: Sequence[Key], corpus: Corpus) -> NDArray[np.bool_]:
    """Utterances of which more takes are made: of the suites that are open, of all where another question is."""
    of_suite = np.array([key[0].startswith("suite ") for key in keys])
    going = np.repeat(np.any(undecided[:, ~of_suite], axis=1, keepdims=True), len(corpus.suites), axis=1)
    for column in np.flatnonzero(of_suite).tolist():
        rows = corpus.strata.members[corpus.strata.names.index(keys[column][0])]
        going |= np.outer(undecided[:, column], rows)
    return going
