"""Earlier runs in the same output folder: `OUT/history.jsonl`, a line each. It shows, it never judges."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from harness.audio import write_atomically
from harness.report.manifest import Manifest

NAME = "history.jsonl"
KEPT = 90
SHOWN = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One metric over the runs."""

    metric: str
    now: str
    before: str
    path: str
    """SVG path in a box of 100 x 28."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The last runs, oldest first."""

    runs: list[dict[str, Any]]
    lines: list[Line]


def add(manifest: Manifest, out: Path) -> None:
    """Note a complete run; a run that is there already is replaced, the oldest go."""
    if manifest.incomplete or not manifest.planned:
        return
    runs = [run for run in _read(out) if run["begun"] != manifest.begun]
    runs.append(
        {
            "begun": manifest.begun,
            "verdict": str(manifest.verdict),
            "commit": manifest.about.get("commit", ""),
            "system": manifest.about.get("system", ""),
            "planned": len(manifest.planned_takes),
            "judged": manifest.judged,
            "outcomes": dict(sorted(manifest.outcomes.items())),
            "medians": _medians(manifest),
        }
    )
    lines = [json.dumps(run, ensure_ascii=False) + "\n" for run in runs[-KEPT:]]
    write_atomically(out / NAME, "".join(lines).encode())


def trend(out: Path) -> Trend | None:
    """What to draw; None before the second run."""
    runs = _read(out)[-SHOWN:]
    if len(runs) < 2:
        return None
    metrics = sorted({metric for run in runs for metric in run["medians"]})
    return Trend(runs, [_line(metric, [run["medians"].get(metric) for run in runs]) for metric in metrics])


def _read(out: Path) -> list[dict[str, Any]]:
    """The runs; a line that is damaged is left out, because nothing is decided by it."""
    runs: list[dict[str, Any]] = []
    path = out / NAME
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            run = json.loads(line)
            runs.append({key: run[key] for key in ("begun", "verdict", "commit", "system", "medians")} | run)
        except (ValueError, KeyError, TypeError):
            continue
    return runs


def _medians(manifest: Manifest) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for found in manifest.takes.values():
        for name, measured in found["measurements"].items():
            if measured["value"] is not None and measured["unit"] not in {"yes", "Hz"}:
                values[f"{name} ({measured['unit']})"].append(measured["value"])
    return {name: median(of) for name, of in sorted(values.items())}


def _line(metric: str, values: list[float | None]) -> Line:
    known = [value for value in values if value is not None]
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = 100 / (len(values) - 1)
    points = [(at * step, 25 - 22 * (value - low) / span) for at, value in enumerate(values) if value is not None]
    path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    now, before = ("" if value is None else f"{value:.4g}" for value in (values[-1], values[-2]))
    return Line(metric, now, before, path)
