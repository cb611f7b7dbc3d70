"""Known-good speech to spoil: takes of the embedded voice, and a team's own recordings where there are any.

Conventions: takes come in rounds over the voices, so that the first ones of a list cover every voice once.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness import audio, shipped
from harness.audio import Audio
from harness.backends import BackendOptions, open_backend
from harness.cloning.budget import BudgetConfig, chunks
from harness.cloning.reference import CODEC_RATE_HZ
from harness.corpus import Reference, Utterance, load_corpus, load_voices
from harness.errors import UsageError
from harness.metrics.silence import Silences
from harness.take import Provenance, Request, Stop, Take

LONGEST_WORDS = 20  # longer texts prove nothing more and take longer
LEAST_CLIP_S = 2.0  # shorter recordings of one speaker are joined ...
JOINED_S = 5.0  # ... until they are this long
EDGE_S, FADE_S = 0.1, 0.01
COLUMNS = ("file", "language", "speaker")


@dataclass(frozen=True, slots=True)
class Recording:
    """A person heard, and what was said."""

    speaker: str
    language: str
    transcript: str
    """Empty where the manifest says none; in brackets it is a label and no text."""
    sound: Audio
    source: str = ""
    """The folder that it came from."""

    @property
    def has_text(self) -> bool:
        """Whether it is known what was said."""
        return bool(self.transcript) and not self.transcript.startswith("[")


def embedded(n_texts: int) -> list[Take]:
    """Each shipped voice speaks so many short texts, the same at every run.

    A text that comes round again is spoken by the next voice: takes of one text in one voice are nearly one take, and
    a single odd pair would be counted many times.
    """
    rows = [row for suite in ("short", "diacritized", "robustness") for row in load_corpus(suite)]
    rows = [row for row in rows if 5 <= len(row.text.split()) <= LONGEST_WORDS]
    voices = load_voices(shipped.VOICES)
    backend = open_backend("embedded", BackendOptions())
    config = BudgetConfig()
    requests = []
    for number in range(n_texts):
        for place, voice in enumerate(voices):
            around, at = divmod(number * len(voices) + place, len(rows))
            row = rows[(at + around) % len(rows)]
            requests.append(Request(row, voice, number, chunks(row.text, config), backend.identity))
    try:
        return list(backend.generate(requests))
    finally:
        backend.close()


def of_voices(folder: Path, language: str) -> list[Recording]:
    """The clips of a folder of voices, each by its speaker; `language` is of those that say none."""
    voices = load_voices(folder, language)
    return [Recording(one.speaker, one.language, one.transcript, audio.load(one.path)) for one in voices]


def manifests(folder: Path) -> list[Path]:
    """The manifests of a folder of recordings and of the folders in it.

    Raises:
        UsageError: There is none.
    """
    found = [path for path in (folder / "manifest.csv", *sorted(folder.glob("*/manifest.csv"))) if path.is_file()]
    if not found:
        raise UsageError(
            f"{folder} holds no manifest.csv: list the recordings there, columns {', '.join(COLUMNS)} and transcript"
        )
    return found


def rows_of(manifest: Path) -> list[dict[str, str]]:
    """The rows of a manifest, each with what was said as `transcript`, which its column `text` may hold too.

    What stands after a line break is where the text was taken from, and is not read.

    Raises:
        UsageError: There are no rows, or a column is missing.
    """
    with manifest.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    named = rows and not {"transcript", "text"}.isdisjoint(rows[0])
    if not named or any(row.get(column) is None for row in rows for column in COLUMNS):
        raise UsageError(f"{manifest} needs rows with the columns {', '.join(COLUMNS)} and transcript (or text)")
    return [row | {"transcript": (row.get("transcript") or row.get("text") or "").split("<br")[0]} for row in rows]


def recordings(folder: Path, joined_s: float = JOINED_S) -> list[Recording]:
    """Human recordings at the codec's rate, speaker by speaker.

    Args:
        folder: Sound files and `manifest.csv` with the columns file, language, speaker, and transcript or text; or
            folders with one.
        joined_s: Clips under `LEAST_CLIP_S` are joined with the speaker's next until they last so long, seconds; none
            with 0.

    Raises:
        UsageError: There is no manifest, or a column is missing.
    """
    return [
        found
        for path in manifests(folder)
        for mine in _by_speaker(rows_of(path))
        for found in _of_speaker(path.parent, mine, joined_s, path.parent == folder)
    ]


def _by_speaker(rows: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault(row["speaker"], []).append(row)
    return list(found.values())


def recorded(folder: Path, work: Path) -> list[Take]:
    """Human recordings as if they were takes: each in the voice of the speaker's next clip.

    Args:
        folder: As for `recordings`; a transcript in brackets is a label and no text, so that gates on the text are
            refused.
        work: Where the references are written.

    Raises:
        UsageError: As `recordings`, or a speaker has a single clip.
    """
    by_speaker: dict[str, list[Recording]] = {}
    for found in recordings(folder):
        by_speaker.setdefault(found.speaker, []).append(found)
    for speaker, clips in by_speaker.items():
        if len(clips) < 2:
            raise UsageError(
                f"{folder}: speaker {speaker!r} has one clip of {LEAST_CLIP_S:g} s or more; two are needed"
            )
    takes: list[Take] = []
    for place in range(max(len(clips) for clips in by_speaker.values())):
        for speaker, clips in by_speaker.items():
            if place < len(clips):
                # Its own id: no other take's reference, and never the take itself, may stand in for it.
                reference = _reference(clips[(place + 1) % len(clips)], f"{speaker}-{place}", work)
                takes.append(_take(len(takes), clips[place], reference))
    return takes


def _of_speaker(folder: Path, rows: list[dict[str, str]], joined_s: float, is_whole: bool) -> Iterator[Recording]:
    """The clips of one speaker; short ones joined. A manifest of the whole names the folders that it is about."""
    held: list[Audio] = []
    words: list[str] = []
    for row in rows:
        sound = audio.resample(audio.load(folder / row["file"]), CODEC_RATE_HZ)
        held.append(sound)
        words.append(row["transcript"])
        parts = Path(row["file"]).parts
        source = parts[0] if is_whole and len(parts) > 1 else folder.name
        if sum(part.duration_s for part in held) >= (min(LEAST_CLIP_S, joined_s) if len(held) == 1 else joined_s):
            whole = joined(held) if len(held) > 1 else sound
            yield Recording(row["speaker"], row["language"], " ".join(filter(None, words)), whole, source)
            held, words = [], []


def joined(parts: list[Audio]) -> Audio:
    """One after the other, each within its own edges of 0.1 s and faded, so that no seam is heard."""
    pieces = []
    for part in parts:
        sounding = np.flatnonzero(~Silences.of(part).silent) * audio.FRAME_S
        start, end = max(0.0, sounding[0] - EDGE_S), sounding[-1] + EDGE_S
        piece = part.samples[round(start * CODEC_RATE_HZ) : round(end * CODEC_RATE_HZ)].copy()
        fade = np.linspace(0.0, 1.0, round(FADE_S * CODEC_RATE_HZ), dtype=np.float32)
        piece[: fade.size] *= fade
        piece[-fade.size :] *= fade[::-1]
        pieces.append(piece)
    return Audio(np.concatenate(pieces), CODEC_RATE_HZ)


def _reference(clip: Recording, name: str, work: Path) -> Reference:
    data, path = audio.encode_wav(clip.sound), work / f"{name}.wav"
    audio.write_atomically(path, data)
    return Reference(name, path, clip.transcript, clip.language, clip.speaker, audio.content_hash(data))


def _take(number: int, clip: Recording, reference: Reference) -> Take:
    text = clip.transcript
    utterance = Utterance(f"recorded-{number:03d}", "short", number, text, clip.language, reference.id)
    request = Request(utterance, reference, 0, chunks(text, BudgetConfig()), "recorded")
    return Take(request, clip.sound, Stop.EOS, Provenance("recorded", "human speech", ""))


def without_text(take: Take) -> bool:
    """Whether the transcript is only a label."""
    return take.request.utterance.text.startswith("[")


def relabelled(take: Take, text: str) -> Take:
    """The same sound with another target text."""
    request = replace(take.request, utterance=replace(take.request.utterance, text=text))
    return replace(take, request=request)
