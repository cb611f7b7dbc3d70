"""How the releases went: one line a run, and the run at which a metric took a step.

Conventions: lines are in order, oldest first (`harness.records.history`). A step is dated by the first run of its new
level; how it is found is told in `harness.decision.steps`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import nan
from pathlib import Path

import msgspec
import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from harness.audio import write_atomically
from harness.decision.policy import Margin
from harness.decision.steps import Step, steps_in
from harness.errors import GoldenError, RecordError
from harness.records.history import HistoryEvent, RemeasuredEvent, RunEvent, decode
from harness.records.run_record import RunRecord
from harness.records.schema import line

LEAST_STEP = 0.25
"""A step is told from so many margins on."""


def append(path: Path, event: HistoryEvent) -> None:
    """Add a line; one write, so that runs side by side do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(line(event))


def mark_killed(path: Path, begun: str) -> None:
    """Say of a run that it was killed before it could say what it came to: it is no complete run, and is still told."""
    if not path.exists():
        return
    lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    try:
        last = decode(lines[-1], str(path))
    except RecordError:
        return  # whoever reads it is told
    if isinstance(last, RunEvent) and last.begun == begun and not last.incomplete:
        lines[-1] = line(structs.replace(last, incomplete="it was killed before its report was written")).rstrip(b"\n")
        write_atomically(path, b"\n".join(lines) + b"\n")


def now() -> str:
    """The time of a line."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def of_run(run: RunRecord) -> RunEvent:
    """The line of a run: means over the takes of each text first, so that none weighs more by having more takes."""
    numbers: dict[tuple[str, str], int] = {}
    known: dict[str, tuple[NDArray[np.float64], NDArray[np.uint32]]] = {}  # by text the sum of its values, and how many
    takes = run.takes
    seeds, model = set[int](), ""
    for take in takes:
        number = numbers.setdefault((take.suite, take.utterance), len(numbers))
        seeds.add(take.seed)
        model = model or take.provenance.model
        for name, measured in take.measurements.items():
            if measured.is_known:
                if name not in known:
                    known[name] = np.zeros(len(takes)), np.zeros(len(takes), np.uint32)
                sums, counts = known[name]
                sums[number] += measured.value
                counts[number] += 1
    texts = sorted(numbers)
    order = [numbers[text] for text in texts]
    by_text, means = dict[str, msgspec.Raw](), dict[str, float]()
    for name in sorted(known):
        of_texts = _means(*known.pop(name), order)
        by_text[name] = msgspec.Raw(msgspec.json.encode(of_texts))
        means[name] = _six_digits(float(np.mean([number for number in of_texts if number is not None])))
    about = run.about
    return RunEvent(
        on=now(),
        begun=run.begun,
        verdict=run.verdict,
        incomplete=run.incomplete,
        system=about.system,
        commit=about.commit,
        takes=run.judged,
        backend=about.backend,
        model=model,
        ruler=", ".join(f"{part} {revision}" for part, revision in sorted(about.instruments.items())),
        seeds=tuple(sorted(seeds)),
        texts=tuple("/".join(text) for text in texts),
        values=by_text,
        means=means,
        since_first={
            answer.metric: answer.change
            for answer in run.comparisons
            if answer.question == "anchor" and answer.change is not None
        },
        against=tuple(
            f"{answer.outcome} {answer.stratum} {answer}: {answer.observed}"
            for answer in run.comparisons
            if answer.stands_against
        )
        + tuple(
            f"{answer.outcome} {answer.stratum}: {answer.reason}"
            for answer in run.not_compared
            if answer.stands_against
        ),
    )


def _means(sums: NDArray[np.float64], counts: NDArray[np.uint32], order: Sequence[int]) -> list[float | None]:
    """The mean of the values of each text, in order; None where it has none."""
    return [_six_digits(float(sums[text] / counts[text])) if counts[text] else None for text in order]


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")


def read(path: Path) -> list[HistoryEvent]:
    """Every line, oldest first.

    Raises:
        GoldenError: The file is missing.
        RecordError: A line is damaged; names the line.
    """
    if not path.exists():
        raise GoldenError(f"{path} is missing: every run of pytest suites/ adds a line to it")
    # Only this byte ends a line: a text may hold other signs that some readers take for line ends.
    texts = path.read_bytes().removesuffix(b"\n").split(b"\n")
    return [decode(text, f"{path} line {number}") for number, text in enumerate(texts, 1)]


@dataclass(frozen=True, slots=True)
class Series:
    """A metric over the runs of one model, of the same texts, by the same rulers."""

    metric: str
    of: str
    """What the runs have in common."""
    dates: tuple[str, ...]
    systems: tuple[str, ...]
    values: tuple[float, ...]
    """Over the texts that every run has a number of."""
    steps: tuple[Step, ...]

    @property
    def steps_in_words(self) -> str:
        """The steps in words; empty where there is none."""
        return "; ".join(
            f"a step of {step.size:+.4g} at {self.dates[step.at]} (p = {step.p_value:.2g}"
            + (", of another system)" if self.systems[step.at] != self.systems[step.at - 1] else ")")
            for step in self.steps
        )


def series(runs: Sequence[RunEvent], margins: Sequence[Margin] = ()) -> list[Series]:
    """Every metric of every series of runs, those of the last run first.

    Runs are one series where backend, model, rulers and texts are the same: another selection of tests is another
    series and no change. A step is told from a quarter of the metric's margin on.
    """
    groups: dict[tuple[object, ...], list[RunEvent]] = {}
    for run in runs:
        if run.texts:
            groups.setdefault((run.backend, run.model, run.ruler, run.texts), []).append(run)
    least = {margin.metric: margin for margin in margins}
    metrics_over_time = []
    for group in sorted(groups.values(), key=lambda group: group[-1].on, reverse=True):
        metrics = sorted({name for run in group for name in run.values})
        for metric in metrics:
            there = [run for run in group if metric in run.values]
            table = np.array([run.numbers(metric) for run in there], np.float64)
            common = np.isfinite(table).all(axis=0)
            if common.any():
                values = table[:, common].mean(axis=1)
                smallest = _least_step(least.get(metric), float(values.mean()))
                steps = tuple(steps_in(values, smallest, len(metrics)))
                metrics_over_time.append(
                    Series(
                        metric,
                        f"{len(there[-1].texts)} texts of {', '.join(_suites(there[-1]))}",
                        tuple(run.on for run in there),
                        tuple(run.system for run in there),
                        tuple(values.tolist()),
                        steps,
                    )
                )
    return metrics_over_time


def _suites(run: RunEvent) -> list[str]:
    return sorted({text.partition("/")[0] for text in run.texts})


def _least_step(margin: Margin | None, level: float) -> float:
    """The smallest step that anybody wants to hear of, in the metric's unit."""
    if margin is None:
        return 0.0
    return LEAST_STEP * margin.margin * (abs(level) if margin.relative else 1.0)


def trend(events: Sequence[HistoryEvent], margins: Sequence[Margin] = ()) -> list[str]:
    """What a person reads: every line of the file, then the steps."""
    shown = []
    for event in events:
        if isinstance(event, RunEvent):
            shown.append(f"{event.on}  run       {event.verdict:<13}{event.takes} takes  {event.system}")
            shown += [f"    {against}" for against in event.against]
            if event.since_first:
                drift = ", ".join(f"{metric} {change:+.3g}" for metric, change in event.since_first.items())
                shown.append(f"    since the first release of the line: {drift}")
        elif isinstance(event, RemeasuredEvent):
            changed = [
                f"{name} {event.before.get(name, nan):.4g} -> {after:.4g}"
                for name, after in event.after.items()
                if after != event.before.get(name)
            ]
            numbers = ", ".join(changed) or "every mean as it was"
            shown.append(f"{event.on}  remeasured {event.suite} by {event.by}, other rulers: {numbers}")
        else:
            why = f", although {len(event.found_worse)} comparisons failed: {event.override}" if event.override else ""
            shown.append(f"{event.on}  accepted  {event.suite} by {event.by}{why}")
    for known in series([event for event in events if isinstance(event, RunEvent)], margins):
        level = ", ".join(part for part in (f"{known.values[-1]:.4g}", known.steps_in_words) if part)
        shown.append(f"{known.metric:<22}{level}, {len(known.values)} runs of {known.of}")
    return shown
