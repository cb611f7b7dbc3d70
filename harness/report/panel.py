"""Everything a reviewer needs about one take, arranged for drawing: what to hear, what was found, what was asked.

The accepted release's take is played only where the file is the one that was accepted: its hash stands in the baseline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path
from typing import Any

from harness import audio
from harness.report import plots
from harness.report.clips import Recording
from harness.report.difference import Stretch, difference
from harness.report.manifest import AGAINST, Entry, anchor, label, worst_outcome

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
class Row:
    """A line of the gate table."""

    outcome: str
    gate: str
    limit: str
    observed: str
    margin: str
    why: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One take."""

    found: Entry
    anchor: str
    label: str
    outcome: str
    target: list[Stretch]
    heard: list[Stretch]
    players: tuple[Player, ...]
    pictures: tuple[Picture, ...]
    rows: tuple[Row, ...]
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
    def headline(self) -> str:
        """What to know before opening it: the gates that it does not pass."""
        against = [row for row in self.rows if row.outcome in AGAINST]
        return "; ".join(f"{row.gate} {row.observed}, limit {row.limit}" for row in against)


def players(found: Entry, out: Path) -> tuple[Player, ...]:
    """What there is to hear of a take: its reference, the accepted take where there is one, and the take."""
    text, language = found["text"], found["language"]
    reference = Player(
        "reference",
        f"Reference, voice {found['reference']}",
        _inside(out, found["reference_audio"]),
        f"not usable: {found.get('unconditioned', '')}",
        text=found["transcript"],
        language=found.get("reference_language", ""),
    )
    title = "New take, made without its reference" if found.get("unconditioned") else "New take"
    take = Player("take", title, _inside(out, found["listen"]), f"no audio: {found['error']}", text, language)
    return (reference, _golden(found, out), take) if found.get("golden_sha256") else (reference, take)


def _golden(found: Entry, out: Path) -> Player:
    """The accepted release's take, or why it cannot be heard."""
    wanted = found["golden_sha256"]
    path = Path(normpath(out / found["golden_audio"])) if found["golden_audio"] else None
    missing = f"not kept here: --golden-audio names the folder in which accept kept {wanted[:12]}….wav"
    if path is not None:
        try:
            sha256 = audio.content_hash(path.read_bytes())
            missing = (
                "" if sha256 == wanted else f"not played: the sha256 of {path} is {sha256[:12]}…, not {wanted[:12]}…"
            )
        except OSError as error:
            missing = f"not kept here: {path}: {error.strerror}"
    return Player("golden", "Accepted release", None if missing else path, missing, found["text"], found["language"])


def _inside(out: Path, path: str) -> Path | None:
    return out / path if path else None


def picture(player: Player, recording: Recording, found: Entry) -> Picture:
    """Draw one sound; the defects that measurements place are marked in the take, where a gate objects to them."""
    objected = {verdict.get("metric") for verdict in found["verdicts"] if verdict["outcome"] in {"FAIL", "WARN"}}
    defects = [
        (name, float(start), float(end))
        for name, measured in found["measurements"].items()
        for start, end in measured.get("spans", ())
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


def panel(found: Entry, heard_players: tuple[Player, ...], pictures: tuple[Picture, ...]) -> Panel:
    """Arrange one take."""
    heard = str(found.get("heard") or "")
    target_side, heard_side = (
        difference(found["text"], heard, found["language"]) if heard else ([Stretch(found["text"], False)], [])
    )
    worst = {outcome: rank for rank, outcome in enumerate(("FAIL", "INCONCLUSIVE", "WARN", "REFUSED", "PASS"))}
    return Panel(
        found=found,
        anchor=anchor(found),
        label=label(found),
        outcome=worst_outcome(found),
        target=target_side,
        heard=heard_side,
        players=heard_players,
        pictures=pictures,
        rows=tuple(sorted(map(_row, found["verdicts"]), key=lambda row: worst.get(row.outcome, 0))),
        facts=tuple(_facts(found)),
    )


def _row(verdict: Mapping[str, Any]) -> Row:
    gate, margin = str(verdict["gate"]), verdict.get("margin")
    shown = "" if margin is None or verdict.get("unit") == "yes" else f"{margin:+.3g} {verdict.get('unit', '')}".strip()
    name = str(verdict["name"])
    limit = gate.removeprefix(name).strip()
    return Row(str(verdict["outcome"]), name, limit, str(verdict["observed"]), shown, str(verdict["why"]))


def _facts(found: Entry) -> list[tuple[str, str]]:
    """Where the take comes from."""
    provenance = found.get("provenance", {})
    sampling = ", ".join(f"{name} {value}" for name, value in found.get("sampling", {}).items())
    packages = ", ".join(f"{name} {version}" for name, version in provenance.get("packages", {}).items())
    frames = f"{found['frames']} of at most {found['max_frames']}" if found["frames"] is not None else ""
    facts = {
        "seed": str(found["seed"]),
        "stopped by": found["stopped_by"],
        "frames": frames,
        "generated in": f"{found['elapsed_s']:.1f} s" if found.get("elapsed_s") else "",
        "sampling": sampling,
        "backend": str(provenance.get("backend", "")),
        "model": " ".join(str(provenance.get(key, "")) for key in ("model", "revision")).strip(),
        "codec": str(provenance.get("codec_revision", "")),
        "device": " ".join(str(provenance.get(key, "")) for key in ("device", "dtype")).strip(),
        "packages": packages,
        "recognizer": str(found.get("recognizer", "")),
        "take": found["listen"],
        "accepted take": f"sha256 {found['golden_sha256']}" if found.get("golden_sha256") else "",
        "request": found["digest"],
    }
    return [(name, value) for name, value in facts.items() if value]
