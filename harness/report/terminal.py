"""The end of a run in the terminal, 80 columns wide, readable without colour and in a CI log."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import wrap

from harness.gates import Outcome
from harness.report.manifest import Manifest, four_lines, label
from harness.take import Take

MOST_SHOWN = 12
WIDTH = 80


@dataclass
class Pace:
    """How fast takes are made: frames a second, and the real-time factor (seconds of work for a second of audio)."""

    began: float = field(default_factory=time.monotonic)
    frames: int = 0
    audio_s: float = 0.0

    def add(self, take: Take) -> None:
        """Count one take."""
        self.frames += take.frames or 0
        self.audio_s += take.audio.duration_s if take.audio is not None else 0.0

    def __str__(self) -> str:
        elapsed = time.monotonic() - self.began
        if not self.frames or not self.audio_s or not elapsed:
            return ""
        return f", {self.frames / elapsed:.0f} frames/s, RTF {elapsed / self.audio_s:.3f}"


def summary(manifest: Manifest, report: str) -> Iterator[str]:
    """Lines of the summary block, without line ends."""
    planned, judged, refused = len(manifest.planned_takes), manifest.judged, manifest.refused
    about = manifest.about
    if about.get("note"):
        yield from wrap(about["note"], WIDTH)
        yield ""
    blocking = manifest.blocking()
    for found, verdict in blocking[:MOST_SHOWN]:
        yield from four_lines(found, verdict).splitlines()
        yield ""
    if len(blocking) > MOST_SHOWN:
        yield f"… and {len(blocking) - MOST_SHOWN} more in the report"
        yield ""
    for (utterance, seed), why in sorted(refused.items())[:MOST_SHOWN]:
        yield f"REFUSED  {utterance}, seed {seed}: {why}"
    for test, why in sorted(manifest.failed_otherwise.items()):
        yield f"FAIL  {test}: {why}"
    yield from _not_judged(manifest)
    for suite, counts in sorted(_by_suite(manifest).items()):
        shown = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        yield f"{suite:<14}{shown}"
    yield f"takes         {planned} planned = {judged} judged + {len(refused)} refused"
    yield f"backend       {about.get('backend', '')}, gates {about.get('gates', '')!r}"
    yield f"report        {report}"
    yield f"VERDICT       {manifest.verdict}"


def _not_judged(manifest: Manifest) -> Iterator[str]:
    """Refused gates, those with one reason together."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for found, verdict in manifest.not_judged():
        by_reason.setdefault((label(found), verdict["reason"]), []).append(verdict["name"])
    if by_reason:
        yield "not judged, and why:"
    for (take, reason), names in by_reason.items():
        yield f"  {take}: {', '.join(names)}"
        yield from wrap(reason, WIDTH, initial_indent="    ", subsequent_indent="    ")
    if by_reason:
        yield ""


def _by_suite(manifest: Manifest) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for found in manifest.takes.values():
        counts.setdefault(found["suite"], Counter()).update(verdict["outcome"] for verdict in found["verdicts"])
    return counts
