"""Sounds as they travel in a report: each once, under the hash of its bytes.

Conventions
    Evidence is lossless: FLAC where that holds the file exactly, else the file's own bytes. A preview is MP3 of
    variable rate (30 s of speech: 135 kB against 734 kB of FLAC, in a sixth of the time that Opus takes); it says
    that it is lossy, because an artefact of the codec must not be heard as one of the model.
"""

import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from harness import audio
from harness.audio import Audio
from harness.errors import AudioError
from harness.metrics.artifacts import speech_level
from harness.metrics.silence import Silences

LARGEST_REPORT_BYTES = 15_000_000
"""From this size on, takes with nothing against them are previewed; a report of 15 MB can be mailed."""

PREVIEW_BYTES_PER_S = 4_800.0  # of speech at 24 kHz, measured; only divides the space, never shown
AHEAD = 16  # groups that are encoded together, before it is known whether the last of them has room
THREADS = 2  # libsndfile and numpy let go of the interpreter

MIME = {".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg", ".mp3": "audio/mpeg"}

_EXACT_IN_FLAC = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24"}
_MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


@dataclass(frozen=True, slots=True)
class Clip:
    """Encoded sound, named by its content."""

    data: bytes
    suffix: str
    lossy: bool

    @property
    def name(self) -> str:
        """File name: the first 32 digits of the sha256 of its bytes."""
        return f"{audio.content_hash(self.data)[:32]}{self.suffix}"

    @property
    def mime(self) -> str:
        """The MIME type that browsers know."""
        return MIME[self.suffix]


@dataclass(frozen=True)
class Recording:
    """A sound file, and what a report needs to know of it; the samples are read again where they are drawn."""

    path: Path
    duration_s: float
    silent_spans: tuple[tuple[float, float], ...]
    level_dbfs: float
    """Level of its speech, to match what is compared by ear."""

    @classmethod
    def of(cls, path: Path) -> "Recording":
        """Read a file.

        Raises:
            AudioError: It is missing or cannot be read.
        """
        sound = audio.finite(audio.load(path))
        pauses = Silences.of(sound)
        return cls(path, sound.duration_s, pauses.spans, speech_level(pauses).value)

    def sound(self) -> Audio:
        """The samples, as they are in the file."""
        return audio.load(self.path)

    @cached_property
    def evidence(self) -> Clip:
        """The recording without loss."""
        import soundfile

        suffix = self.path.suffix.lower()
        info = soundfile.info(self.path)
        if suffix != ".wav" or info.subtype not in _EXACT_IN_FLAC:
            return Clip(self.path.read_bytes(), suffix, lossy=suffix in {".mp3", ".ogg"})
        samples, rate = soundfile.read(self.path, dtype="int32", always_2d=True)
        buffer = io.BytesIO()
        subtype = "PCM_16" if info.subtype == "PCM_U8" else info.subtype
        soundfile.write(buffer, samples, rate, format="FLAC", subtype=subtype)
        return Clip(buffer.getvalue(), ".flac", lossy=False)

    @cached_property
    def preview(self) -> Clip:
        """The recording as a small MP3 in one channel."""
        import soundfile

        sound = audio.finite(self.sound())
        rates = [rate for rate in _MP3_RATES_HZ if rate >= sound.sample_rate_hz] or [_MP3_RATES_HZ[-1]]
        sound = audio.resample(sound, rates[0])
        buffer = io.BytesIO()
        with soundfile.SoundFile(
            buffer, "w", rates[0], 1, format="MP3", bitrate_mode="VARIABLE", compression_level=0.9
        ) as file:
            file.write(np.clip(sound.samples, -1, 1))
        return Clip(buffer.getvalue(), ".mp3", lossy=True)


class Recordings:
    """Every recording of a report; equal files are one recording, whatever they are called."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._recordings: dict[Path, Recording] = {}
        self.missing: dict[Path, str] = {}
        """Files that cannot be played, and why."""
        wanted = list(dict.fromkeys(paths))
        with ThreadPoolExecutor(THREADS) as pool:
            names = dict(zip(wanted, pool.map(_content, wanted), strict=True))
            first = {name: path for path, name in reversed(names.items())}
            known = dict(zip(first, pool.map(_read, first.values()), strict=True))
        for path, name in names.items():
            found = known[name]
            if isinstance(found, str):
                self.missing[path] = found
            else:
                self._recordings[path] = found

    def __getitem__(self, path: Path) -> Recording | None:
        return self._recordings.get(path)

    def encode(self, groups: Sequence[Sequence[Path]], most_bytes: int = LARGEST_REPORT_BYTES) -> list[bool]:
        """Encode what is compared with each other, in parallel; whether each group travels as evidence.

        A group is either all evidence or all preview: a lossy clip beside a lossless one would be an unfair
        comparison. The first groups are evidence as long as everything still fits into `most_bytes`.
        """
        members = [dict.fromkeys(found for path in group if (found := self[path])) for group in groups]
        previews = [sum(found.duration_s * PREVIEW_BYTES_PER_S for found in group) for group in members]
        left, rest, stored, lossless = float(most_bytes), sum(previews), set[Recording](), list[bool]()
        with ThreadPoolExecutor(THREADS) as pool:
            for place, (group, preview) in enumerate(zip(members, previews, strict=True)):
                if not all(lossless):
                    lossless.append(False)
                    continue
                if place % AHEAD == 0:
                    soon = dict.fromkeys(found for group in members[place : place + AHEAD] for found in group)
                    list(pool.map(lambda found: len(found.evidence.data), soon))
                size = sum(len(found.evidence.data) for found in group if found not in stored)
                rest -= preview
                lossless.append(size + rest <= left)
                left -= size
                stored.update(group)
            lossy = dict.fromkeys(
                one for group, fits in zip(members, lossless, strict=True) for one in group if not fits
            )
            list(pool.map(lambda found: len(found.preview.data), lossy))
        return lossless


def _content(path: Path) -> str:
    try:
        return audio.content_hash(path.read_bytes())
    except OSError:
        return str(path)  # `_read` says why


def _read(path: Path) -> Recording | str:
    try:
        return Recording.of(path)
    except (AudioError, OSError) as error:
        return str(error)
