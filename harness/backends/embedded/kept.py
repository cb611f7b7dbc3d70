"""What the processes of the embedded voice's pool know of voices, in files: each is found once, for all of them.

A base voice and its warps take 1 s, a reference's voice 1 s; the way from one to the other as long as a base voice,
which it takes apart at the reference's pitch. Each function here runs in whichever process is free, and gives back the
path of its file.
"""

import pickle
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness import audio
from harness.backends.embedded.conversion import Base, Voice
from harness.backends.embedded.voice import VARIANTS, Way, base_voice, voice_of, way_between


def keep_base(path: Path, language: str, variant: str) -> Path:
    """Keep a base voice, with what is known of it at each warp."""
    base = base_voice(language, variant)
    base.describe_warps()
    return _keep(base, path)


def keep_voice(path: Path, reference: Path) -> Path:
    """Keep what is known of the speaker of a recording.

    Raises:
        HarnessError: There is no voice in it.
    """
    sound = audio.load(reference)
    return _keep(voice_of(sound.samples.tobytes(), sound.sample_rate_hz), path)


def keep_conversion(path: Path, language: str, voice: Path, bases: tuple[Path, ...]) -> Path:
    """Keep the way to a kept voice from the nearest of the base voices, kept in the order of `VARIANTS`."""
    target: Voice = _read(voice)
    return _keep(way_between(language, dict(zip(VARIANTS, map(_base, bases), strict=True)), target), path)


@lru_cache(maxsize=16)
def kept_conversion(path: Path) -> Way:
    """The way to a voice; a process holds those that it used last, 1 MB each."""
    found: Way = _read(path)
    return found


@lru_cache(maxsize=4)
def _base(path: Path) -> Base:
    """30 MB each: those of two languages are held."""
    found: Base = _read(path)
    return found


def _keep(found: object, path: Path) -> Path:
    audio.write_atomically(path, pickle.dumps(found, pickle.HIGHEST_PROTOCOL))
    return path


def _read(path: Path) -> Any:
    return pickle.loads(path.read_bytes())
