"""Everything a reviewer needs about one take, arranged for drawing: what to hear, what was found, what was asked.

The accepted release's take is played only where the file is the one that was accepted: its hash stands in the baseline.
"""

from dataclasses import dataclass
from math import isfinite
from os.path import normpath
from pathlib import Path

from msgspec import structs

from harness import audio
from harness.records.gate import AGAINST, Outcome, Verdict
from harness.records.take_record import TakeRecord
from harness.report import plots
from harness.report.clips import Recording
from harness.report.difference import Stretch, difference
from harness.report.overview import anchor, nearest, worst_outcome

_FOLDED = (Outcome.PASS, Outcome.REFUSED)
_ORDER = (*AGAINST, Outcome.EXCUSED, Outcome.WARN, Outcome.REFUSED, Outcome.PASS)
LEAST_WIDTH = 30.0  # percent
MOST_NAME = 48  # letters of a file name in a line


@dataclass(frozen=True, slots=True)
class Player:
    """One of the sounds that are compared by ear."""

    role: str
    """'reference', 'golden' or 'take'."""
    title: str
    path: Path | None
    missing: str = ""
    text: str = ""
    language: str = ""
    lossless: bool = True
    """Whether it plays the evidence, or a preview."""

    @property
    def file(self) -> str:
        """The name of its file, short enough for a line where that is a hash."""
        name = self.path.name if self.path else ""
        return name if len(name) <= MOST_NAME else f"{name[:12]}…{name[-12:]}"


@dataclass(frozen=True, slots=True)
class Picture:
    """The plot of one sound."""

    role: str
    title: str
    duration_s: float
    waveform: str
    spectrogram: bytes
    marks: tuple[plots.Mark, ...]

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Times to write below, each with its place in percent."""
        return [(tick, self.percent(tick)) for tick in plots.ticks_s(self.duration_s)]

    def percent(self, time_s: float) -> float:
        """The place of a time, in percent of the width."""
        return round(100 * min(max(time_s / self.duration_s, 0), 1), 2)

    @property
    def shown_marks(self) -> list[plots.Mark]:
        """The marks worth a line of text: not each short pause."""
        return [mark for mark in self.marks if mark.kind != "silence" or mark.end_s - mark.start_s >= 0.5]


@dataclass(frozen=True, slots=True)
class GateRow:
    """A line of the gate table."""

    outcome: Outcome
    gate: str
    limit: str
    observed: str
    distance: str
    why: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One take."""

    take: TakeRecord
    anchor: str
    label: str
    outcome: Outcome
    target: list[Stretch]
    heard: list[Stretch]
    players: tuple[Player, ...]
    pictures: tuple[Picture, ...]
    rows: tuple[GateRow, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def blocks(self) -> bool:
        """Whether something stands against the release here."""
        return self.outcome in AGAINST

    def width(self, picture: Picture) -> float:
        """Of a picture, in percent: a second is as wide in each; one beside a runaway stays large enough to see."""
        longest_s = max(one.duration_s for one in self.pictures)
        return round(max(LEAST_WIDTH, 100 * picture.duration_s / longest_s), 1)

    @property
    def against(self) -> tuple[str, ...]:
        """The gates that stand against the release here."""
        return tuple(row.gate for row in self.rows if row.outcome in AGAINST)

    @property
    def shown_rows(self) -> tuple[GateRow, ...]:
        """The lines of the gate table that a reviewer must read."""
        return tuple(row for row in self.rows if row.outcome not in _FOLDED)

    @property
    def folded_rows(self) -> tuple[tuple[Outcome, tuple[GateRow, ...]], ...]:
        """The other lines, by outcome."""
        groups = ((outcome, tuple(row for row in self.rows if row.outcome == outcome)) for outcome in _FOLDED)
        return tuple((outcome, rows) for outcome, rows in groups if rows)

    @property
    def duration_s(self) -> float | None:
        """Of the take; None where there is no sound."""
        return next((one.duration_s for one in self.pictures if one.role == "take"), None)

    @property
    def headline(self) -> str:
        """What to know before opening it: the gates that it does not pass, or else how near it came to a limit."""
        against = [row for row in self.rows if row.outcome in AGAINST]
        if against:
            return "; ".join(f"{row.gate} {row.observed}, limit {row.limit}" for row in against)
        near = nearest(self.take)
        return f"nearest limit: {near.gate.name} {near.observed}, limit {near.gate.limit}" if near else ""


def players(take: TakeRecord, out: Path) -> tuple[Player, ...]:
    """What there is to hear of a take: its reference, the accepted take where there is one, and the take."""
    reference = Player(
        "reference",
        f"Reference, voice {take.reference}",
        _inside(out, take.reference_audio),
        f"not usable: {take.unconditioned}",
        text=take.transcript,
        language=take.reference_language,
    )
    title = "New take, made without its reference" if take.unconditioned else "New take"
    new = Player("take", title, _inside(out, take.listen), f"no audio: {take.error}", take.text, take.language)
    return (reference, _accepted(take, out), new) if take.accepted_sha256 else (reference, new)


def _accepted(take: TakeRecord, out: Path) -> Player:
    """The accepted release's take, or why it cannot be heard."""
    wanted = take.accepted_sha256
    path = Path(normpath(out / take.accepted_audio)) if take.accepted_audio else None
    missing = f"not kept here: --golden-audio names the folder in which accept kept {wanted[:12]}….wav"
    if path is not None:
        try:
            sha256 = audio.content_hash(path.read_bytes())
            missing = (
                "" if sha256 == wanted else f"not played: the sha256 of {path} is {sha256[:12]}…, not {wanted[:12]}…"
            )
        except OSError as error:
            missing = f"not kept here: {path}: {error.strerror}"
    return Player("golden", "Accepted release", None if missing else path, missing, take.text, take.language)


def _inside(out: Path, path: str) -> Path | None:
    return out / path if path else None


def picture(player: Player, recording: Recording, take: TakeRecord) -> Picture:
    """Draw one sound; the defects that measurements place are marked in the take, where a gate objects to them."""
    objected = {
        verdict.gate.metric
        for verdict in take.verdicts
        if verdict.outcome in (Outcome.FAIL, Outcome.EXCUSED, Outcome.WARN)
    }
    defects = [
        (name, start, end)
        for name, measured in take.measurements.items()
        for start, end in measured.spans
        if player.role == "take" and name in objected
    ]
    sound = recording.sound()
    return Picture(
        player.role,
        player.title,
        sound.duration_s,
        plots.waveform_path(sound),
        plots.spectrogram_png(sound),
        tuple(plots.marks(sound, recording.silent_spans, defects)),
    )


def panel(take: TakeRecord, heard_players: tuple[Player, ...], pictures: tuple[Picture, ...]) -> Panel:
    """Arrange one take."""
    target_side, heard_side = (
        difference(take.text, take.heard, take.language) if take.heard else ([Stretch(take.text, False)], [])
    )
    return Panel(
        take=take,
        anchor=anchor(take),
        label=str(take.key),
        outcome=worst_outcome(take),
        target=target_side,
        heard=heard_side,
        players=heard_players,
        pictures=pictures,
        rows=tuple(sorted(map(_row, take.verdicts), key=lambda row: _ORDER.index(row.outcome))),
        facts=tuple(_facts(take)),
    )


def _row(verdict: Verdict) -> GateRow:
    gate = verdict.gate
    yes_or_no = gate.unit == "yes"
    distance = f"{verdict.distance:+.3g} {gate.unit}" if isfinite(verdict.distance) and not yes_or_no else ""
    return GateRow(verdict.outcome, gate.name, gate.limit, verdict.observed, distance, gate.why)


def _facts(take: TakeRecord) -> list[tuple[str, str]]:
    """Where the take comes from."""
    provenance = take.provenance
    settings = structs.asdict(take.sampling) if take.sampling else {}
    sampling = ", ".join(f"{name} {value}" for name, value in settings.items()) or "not known: made elsewhere"
    packages = ", ".join(f"{name} {version}" for name, version in provenance.packages.items())
    frames = f"{take.frames} of at most {take.max_frames}" if take.frames is not None else ""
    facts = {
        "seed": str(take.seed),
        "stopped by": take.stopped_by.value,
        "frames": frames,
        "generated in": f"{take.elapsed_s:.1f} s" if take.elapsed_s else "",
        "sampling": sampling,
        "backend": provenance.backend,
        "model": f"{provenance.model} {provenance.revision}".strip(),
        "codec": provenance.codec_revision,
        "device": f"{provenance.device} {provenance.dtype}".strip(),
        "packages": packages,
        "take": take.listen,
        "accepted take": f"sha256 {take.accepted_sha256}" if take.accepted_sha256 else "",
        "request": take.digest,
    }
    return [(name, value) for name, value in facts.items() if value]
