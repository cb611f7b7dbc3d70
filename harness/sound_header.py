"""Whether a sound file ends before its header says that it does.

libsndfile reads what is there and says nothing. A writer that does not know the length yet leaves a placeholder in a
WAV file; that is no length and nothing is missing.
"""

import struct
from pathlib import Path

PLACEHOLDER = 0x7FFF0000  # from here on a size says "unknown": 2**31 - 1, 2**32 - 1 and what lies near them
MOST_DECLARED = 1 << 40  # libsndfile's own placeholder is larger
TAIL = 1 << 17  # an Ogg page has at most 65,307 bytes


def missing_from(path: Path, kind: str, declared: int, frames: int) -> str:
    """What is missing, in words; empty where the file is whole or its kind does not say.

    Args:
        path: Of the file.
        kind: Its format, as libsndfile names it.
        declared: Frames that libsndfile makes of the header.
        frames: Frames that there were.
    """
    if kind in {"WAV", "WAVEX"}:
        return _missing_from_wav(path)
    if kind == "OGG":
        return _missing_from_ogg(path)
    if kind in {"FLAC", "AIFF", "CAF", "AU"} and frames < declared < MOST_DECLARED:
        return f"its header says {declared:,} frames, {frames:,} are there"
    return ""


def _missing_from_wav(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return ""  # RIFX and RF64 write their sizes otherwise
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", head)
            there = size - file.tell()
            if name == b"data":
                is_cut = length < PLACEHOLDER and length > there
                return f"its header says {length:,} bytes of sound, {there:,} are there" if is_cut else ""
            file.seek(length + length % 2, 1)
    return ""


def _missing_from_ogg(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - TAIL))
        tail = file.read()
    place = tail.rfind(b"OggS")
    page = tail[place:] if place >= 0 else b""
    if len(page) < 27 or len(page) < 27 + page[26]:
        return "its last page is not whole"
    length = 27 + page[26] + sum(page[27 : 27 + page[26]])
    if len(page) < length:
        return "its last page is not whole"
    return "" if page[5] & 4 else "its last page does not end the stream"
