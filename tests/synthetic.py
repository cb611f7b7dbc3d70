"""Signals drawn as text, and the smallest objects that a test can judge."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.audio import Audio, content_hash, encode_wav
from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import Reference, Utterance
from harness.take import Provenance, Request, Stop, Take

RATE_HZ = 24_000
CELL_S = 0.1


def draw(picture, rate_hz=RATE_HZ, level=0.1, pitch_hz=120.0):
    """A buzz where the picture has '#', zeros where it has '.', a tenth of a second for each cell."""
    cell = round(CELL_S * rate_hz)
    times = np.arange(cell * len(picture)) / rate_hz
    buzz = sum(np.sin(2 * np.pi * pitch_hz * harmonic * times) / harmonic for harmonic in range(1, 12))
    on = np.repeat([mark == "#" for mark in picture], cell)
    return Audio((level * buzz * on).astype(np.float32), rate_hz)


def utterance(text="واحد اثنان ثلاثة أربعة خمسة", **changes):
    """Five words, read in 2 s, unless the test says otherwise."""
    return replace(Utterance("short-001", "short", 1, text, "ar", "layla"), **changes)


def reference(path=Path("layla.wav"), **changes):
    return replace(Reference("layla", path, "مرحبا", "ar", "layla", "0" * 64), **changes)


def request(text="واحد اثنان ثلاثة أربعة خمسة", seed=0, **changes):
    asked = utterance(text)
    return replace(Request(asked, reference(), seed, chunks(asked.text, BudgetConfig()), "test r1"), **changes)


def take(sound=None, stopped_by=Stop.EOS, error="", asked=None):
    """A finished take of `request()`; with an error it has no audio."""
    audio = None if error else draw("#" * 26) if sound is None else sound
    return Take(asked or request(), audio, stopped_by, Provenance("test", "test", "r1"), frames=65, error=error)


def write_voice(folder, name, sound, transcript="نص", language="ar", suffix=".wav"):
    """A reference with its side files."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{suffix}"
    path.write_bytes(encode_wav(sound))
    (folder / f"{name}.txt").write_text(transcript, encoding="utf-8")
    (folder / f"{name}.lang").write_text(language, encoding="utf-8")
    return Reference(name, path, transcript, language, name, content_hash(path.read_bytes()))
