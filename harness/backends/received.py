"""Sound that another program made and handed over, as bytes: whole, and as long as its own header says, or refused."""

import io
import struct

from harness import audio
from harness.audio import Audio
from harness.errors import BackendError

QUOTED = 160  # characters of what came that an error shows
RATES_HZ = (1_000, 768_000)  # of any speech; others are lies of a header
MOST_SAMPLES = 2**27  # 23 minutes of 48 kHz stereo
_OPEN_ENDED = 0x7FFFF000
"""Sizes from here on, and 0, are what a WAV header holds that was written before the length was known."""


def decoded(body: bytes) -> Audio:
    """The sound of a WAV, or of any file that libsndfile reads; channels are averaged.

    Raises:
        BackendError: It is none, it is cut, or its header and its length disagree.
    """
    import soundfile

    if body[:4] == b"RIFF":
        body = _whole_wav(body)
    try:
        with soundfile.SoundFile(io.BytesIO(body)) as file:
            rate, promised, channels = file.samplerate, file.frames, file.channels
            if not RATES_HZ[0] <= rate <= RATES_HZ[1] or promised * channels > MOST_SAMPLES:
                raise BackendError(f"the sound file's header promises {promised} x {channels} samples at {rate} Hz")
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, ValueError) as error:
        raise BackendError(f"what came is no sound file ({error}): {quoted(body)}") from None
    if not samples.size:
        raise BackendError("the sound file holds 0 samples")
    if len(samples) < promised:
        raise BackendError(f"the sound is cut: its header promises {promised} samples, {len(samples)} came")
    return audio.mixed_down(samples, rate)


def _whole_wav(body: bytes) -> bytes:
    """The same WAV, its sizes mended where it was written before its length was known.

    Raises:
        BackendError: The header promises more than is there, or less.
    """
    if body[8:12] != b"WAVE":
        raise BackendError(f"the RIFF file is {body[8:12]!r} and no WAVE")
    at = 12
    while at + 8 <= len(body):
        name, size = body[at : at + 4], int.from_bytes(body[at + 4 : at + 8], "little")
        there = len(body) - at - 8
        if name != b"data":
            at += 8 + size + size % 2
            continue
        if size == 0 or size >= _OPEN_ENDED:
            sizes = struct.pack("<I", min(len(body) - 8, 0xFFFFFFFF)), struct.pack("<I", there)
            return body[:4] + sizes[0] + body[8 : at + 4] + sizes[1] + body[at + 8 :]
        if size > there:
            raise BackendError(f"the WAV is cut: its header promises {size} bytes of sound, {there} came")
        _refuse_more(body, at + 8 + size + size % 2)
        return body
    raise BackendError(f"the WAV holds no sound: {len(body)} bytes without a data chunk")


def _refuse_more(body: bytes, at: int) -> None:
    """After the sound only whole chunks may follow: anything else is sound that the header leaves out."""
    end = at
    while at + 8 <= len(body) and body[at : at + 4].isascii() and body[at : at + 4].decode("ascii").isprintable():
        size = int.from_bytes(body[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    if at < len(body):
        raise BackendError(f"the WAV goes on {len(body) - end} bytes beyond the sound that its header promises")


def quoted(body: bytes) -> str:
    """The beginning of what came, in one line, as an error shows it."""
    return repr(" ".join(body[: 4 * QUOTED].decode("utf-8", "replace").split())[:QUOTED])
