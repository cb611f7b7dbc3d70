"""The standalone report: a folder with one page and each clip once, or a single file. Needs no network, no server."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from harness import audio
from harness.audio import write_atomically
from harness.records.gate import Outcome
from harness.records.run_record import About, RunRecord
from harness.records.schema import file_hash
from harness.records.take_record import TakeRecord
from harness.report import assurance, plots
from harness.report.causes import causes
from harness.report.clips import LARGEST_REPORT_BYTES, THREADS, Clip, Recordings
from harness.report.comparison import comparisons
from harness.report.overview import (
    anchor,
    beside,
    by_suite,
    chosen,
    nearest,
    refused_gates,
    survey,
    unconditioned,
    worst_outcome,
)
from harness.report.panel import Picture, Player, panel, picture, players
from harness.report.power import power
from harness.report.trend import trend
from harness.threads import one_thread

if TYPE_CHECKING:
    from markupsafe import Markup

FOLDER = "report"
SINGLE_FILE = "report.html"
_HERE = Path(__file__).parent
_ALWAYS = (Outcome.PASS, Outcome.FAIL)
MOST_PANELS = 100
"""Takes that are drawn whole, the worst first; the rest are rows that the page reads when they are asked for."""
REST = "rest.js"
PANEL_BYTES = 20_000  # texts and forty gates of a take, measured; only divides the space
_BASE64 = 4 / 3
_LETTERS = r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+"
_RIGHT_TO_LEFT = re.compile(rf"{_LETTERS}(?:[ /]{_LETTERS})*")


def write_folder(run: RunRecord, out: Path, most_bytes: int = LARGEST_REPORT_BYTES) -> Path:
    """Write OUT/report/: index.html, clips/HASH.flac, plots/HASH.png; what an earlier run left there goes.

    Args:
        run: Its record.
        out: Its output folder, where the takes are.
        most_bytes: Space for clips; where the evidence needs more, takes with less against them are previewed.
    """
    report = out / FOLDER
    book = _Contents(run, out, most_bytes)
    files: dict[str, bytes] = {}

    def source(player: Player) -> tuple[str, str] | None:
        found = book.clip(player)
        if found is None:
            return None
        clip, note, attributes = found
        files[f"clips/{clip.name}"] = clip.data
        return f'src="clips/{clip.name}" {attributes}', note

    def image(picture: Picture) -> str:
        name = f"plots/{audio.content_hash(picture.spectrogram)[:32]}.png"
        files[name] = picture.spectrogram
        return name

    page = book.render(source, image)
    (report / REST).unlink(missing_ok=True)
    for kind in ("clips", "plots"):
        shutil.rmtree(report / kind, ignore_errors=True)
    for name, data in files.items():
        write_atomically(report / name, data)
    if book.rest:
        write_atomically(report / REST, _rows(book.rest))
    write_atomically(report / "index.html", page)
    return report / "index.html"


def write_single_file(run: RunRecord, out: Path, most_bytes: int = LARGEST_REPORT_BYTES) -> Path:
    """Write OUT/report.html, which holds every clip once and needs nothing beside it."""
    book = _Contents(run, out, int(most_bytes / _BASE64))
    clips: dict[str, str] = {}

    def source(player: Player) -> tuple[str, str] | None:
        found = book.clip(player)
        if found is None:
            return None
        clip, note, attributes = found
        clips.setdefault(clip.name, base64.b64encode(clip.data).decode())
        return f'data-clip="{clip.name}" {attributes}', note

    path = out / SINGLE_FILE
    page = book.render(source, data_image, lambda: json.dumps(clips, separators=(",", ":")), alone=True)
    write_atomically(path, page)
    return path


def data_image(picture: Picture) -> str:
    """The spectrogram as a URL that holds it."""
    return f"data:image/png;base64,{base64.b64encode(picture.spectrogram).decode()}"


class _Contents:
    """What both forms of the report are made of."""

    def __init__(self, run: RunRecord, out: Path, most_bytes: int) -> None:
        self._run = run
        self._out = out
        ordered = _as_shown(run)
        takes, self.rest = list(chosen(run, ordered[:MOST_PANELS])), chosen(run, ordered[MOST_PANELS:])
        groups = [players(take, out) for take in takes]
        paths = [[player.path for player in group if player.path] for group in groups]
        self._shelf = shelf = Recordings(path for group in paths for path in group)
        drawings = _drawings(shelf, list(zip(takes, groups, strict=True)))
        drawn_bytes = sum(len(one.spectrogram) + len(one.waveform) for drawn in drawings for one in drawn)
        drawn_bytes += PANEL_BYTES * len(takes)
        lossless = shelf.encode(paths, max(0, most_bytes - drawn_bytes))
        self._panels = [
            panel(take, tuple(_informed(player, shelf, exact) for player in group), drawn)
            for take, group, drawn, exact in zip(takes, groups, drawings, lossless, strict=True)
        ]

    def clip(self, player: Player) -> tuple[Clip, str, str] | None:
        """What a player plays, a note for the reviewer, and further attributes of the element."""
        recording = self._shelf[player.path] if player.path else None
        if recording is None:
            return None
        clip = recording.evidence if player.lossless else recording.preview
        kind = clip.suffix.removeprefix(".").upper()
        lossy = f"{kind} preview, lossy: judge artifacts on {player.file}"
        return clip, lossy if clip.lossy else f"{kind}, lossless", f'data-level="{recording.level_dbfs:.2f}"'

    def render(
        self,
        source: Callable[[Player], tuple[str, str] | None],
        image: Callable[[Picture], str],
        clips: Callable[[], str] | None = None,
        alone: bool = False,
    ) -> list[bytes]:
        """The page, in pieces. Texts, names and transcripts are the user's: everything is escaped.

        Args:
            source: Attributes of the audio element of a player, and a note; None where there is nothing to play.
            image: The address of a picture.
            clips: Every clip as JSON, asked for last, for a page that holds them itself.
            alone: Whether nothing lies beside the page.
        """
        from jinja2 import Template
        from markupsafe import Markup

        def marked(player: Player) -> tuple[Markup, str] | None:
            found = source(player)
            return (Markup(found[0]), found[1]) if found else None

        template: Template = environment().get_template("page.html")
        script = (_HERE / "page.js").read_text(encoding="utf-8")
        run = self._run
        suites = by_suite(run)
        by_key = {panel.take.key: panel for panel in self._panels}
        seen = [one.take for one in survey(run).seen]
        drawn = (one.take.key for one in survey(run).closest_first)
        close = next((key for key in drawn if key in by_key), None)
        values: dict[str, Any] = {
            "run": run,
            "panels": self._panels,
            "by_key": by_key,
            "causes": causes(run),
            "blocked": sum(bool(take.against) for take in seen),
            "closest": by_key[close] if close else None,
            "beside": beside(run),
            "anchor": anchor,
            "voices": sorted({take.speaker for take in seen}),
            "gates_against": sorted({verdict.gate.name for take in seen for verdict in take.against}),
            "rest": 0 if alone else len(self.rest),
            "left_out": len(self.rest) if alone else 0,
            "suites": suites,
            "run_hash": file_hash(run),  # the record is written after its page
            "assurance": assurance.lines(run),
            "compared": comparisons(run.comparisons, run.not_compared, seen),
            "unconditioned": unconditioned(run),
            "refused_gates": refused_gates(run),
            "judged_with": judged_with(run.about),
            "outcomes": [str(one) for one in Outcome if one in _ALWAYS or any(kind[one] for kind in suites.values())],
            "trend": trend(self._out) if run.ended else None,
            "power": power(run.about.gates),
            "golden": any(len(one.players) > 2 for one in self._panels),
            "blind": any(player.path for one in self._panels for player in one.players if player.role == "golden"),
            "source": marked,
            "image": image,
            "columns": plots.MOST_COLUMNS,
            "clips": clips,
            "script": script,
            "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            "style": (_HERE / "page.css").read_text(encoding="utf-8"),
        }
        stream = template.stream(values)
        stream.enable_buffering(1_000)
        return [piece.encode() for piece in stream]


def _as_shown(run: RunRecord) -> list[int]:
    """The place of every take: what blocks first, the worst of it on top, then what came nearest to a limit."""
    seen = survey(run)
    near = {one.place: rank for rank, one in enumerate(seen.closest_first)}
    ordered = seen.worst_first
    passing = [one.place for one in ordered if not one.take.against]
    blocking = [one.place for one in ordered if one.take.against]
    return blocking + sorted(passing, key=lambda place: near.get(place, len(near)))


def _rows(takes: Iterable[TakeRecord]) -> Iterator[bytes]:
    """The takes that are rows only, as a script that a page may read from the file system, piece by piece."""
    yield b"window.furtherTakes=["
    for place, take in enumerate(takes):
        yield (b"," if place else b"") + _row(take)
    yield b"];\n"


def _row(take: TakeRecord) -> bytes:
    near = nearest(take)
    shown = take.against[0] if take.against else near
    about = f"{shown.gate.name} {shown.observed}, limit {shown.gate.limit}" if shown else ""
    gates = " ".join(verdict.gate.name for verdict in take.against)
    sounds = [f"../{path}" if path else "" for path in (take.reference_audio, take.listen)]
    asked = (take.suite, take.speaker, take.language, take.text)
    row = [anchor(take), worst_outcome(take), str(take.key), *asked, about, gates, *sounds]
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _informed(player: Player, shelf: Recordings, lossless: bool) -> Player:
    """The player with how it is encoded, and why it has nothing to play where its file cannot be read."""
    missing = shelf.missing.get(player.path, player.missing) if player.path else player.missing
    return replace(player, lossless=lossless, missing=missing)


def _drawings(shelf: Recordings, takes: list[tuple[TakeRecord, tuple[Player, ...]]]) -> list[tuple[Picture, ...]]:
    """The pictures of the accepted take and the new take of each utterance."""

    def draw(pair: tuple[TakeRecord, tuple[Player, ...]]) -> tuple[Picture, ...]:
        take, group = pair
        drawn = [(player, shelf[player.path]) for player in group if player.path and player.role != "reference"]
        return tuple(picture(player, recording, take) for player, recording in drawn if recording)

    with one_thread(), ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(draw, takes))


def judged_with(about: About) -> list[tuple[str, str]]:
    """What was judged and with what, in words; what was not given is left out."""
    values: dict[str, object] = structs.asdict(about) | about.instruments
    values |= {f"{name} (hash)": said for name, said in about.rules.hashes.items() if about.rules.gates}
    values |= {
        "rules": "",
        "instruments": "",
        "doubts": "",  # they stand beside the verdict
        "voices": ", ".join(about.voices),
        "by_sentence": "yes" if about.by_sentence else "",
    }
    return [(name.replace("_", " "), str(value)) for name, value in values.items() if value]


@cache
def environment() -> Any:
    """Templates that escape whatever they are given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["isolated"] = isolated
    return made


def isolated(text: str) -> "Markup":
    """A line with Arabic words in it as HTML: set apart, so that they do not turn the numbers after them around.

    >>> print(isolated("1.7 ratio; قلم/علم: 0.4 < 2"))
    1.7 ratio; <bdi>قلم/علم</bdi>: 0.4 &lt; 2
    """
    from markupsafe import Markup, escape

    return Markup(_RIGHT_TO_LEFT.sub(r"<bdi>\g<0></bdi>", str(escape(text))))
