"""The child process of `harness.espeak`: utterances, each in a process that has spoken nothing before.

Run as a script, never imported: `python -I -S espeak_process.py LIBRARY DATA`. It imports the standard library only, so
it starts in a few milliseconds, and forks itself for each utterance, which takes one. Where a system has no fork it
answers one request and ends.

A request on stdin is a line of four numbers, the words per minute, the pitch, and the bytes of the voice and of the
text, then these. The answer on stdout is the sample rate in Hz and the number of bytes that follow, 4 bytes each:
samples, or what went wrong where the rate is 0.

Source: speak_lib.h of espeak-ng 1.52 for the calls and the constants.
"""

import ctypes
import os
import sys

OUTPUT_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: the callback is called before espeak_Synth returns
RATE_WORDS_PER_MINUTE, PITCH = 1, 3  # espeak_PARAMETER
POSITION_CHARACTER = 1  # espeak_POSITION_TYPE
CHARACTERS_UTF8 = 1  # a bit of the flags of espeak_Synth; without the SSML and PHONEMES bits, markup is plain text
SEED = 1  # any fixed number; takes are told apart in `voice`, not here
OK = 0  # espeak_ERROR
NO_VOICE = "espeak-ng has no voice"  # how the answer begins where it knows no such language

SamplesCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def synthesise(
    library_path: str, data_path: str, voice: str, words_per_minute: int, pitch: int, text: bytes
) -> tuple[int, bytes]:
    """Speak once.

    Args:
        library_path: the espeak-ng shared library.
        data_path: the folder espeak-ng-data.
        voice: a language and a variant, `ar+f2`.
        words_per_minute: espeak's speaking rate.
        pitch: 0 to 99, 50 is the voice's own.
        text: UTF-8.

    Returns:
        The sample rate in Hz and mono 16-bit samples in the machine's byte order.
    """
    espeak = ctypes.CDLL(library_path)
    rate_hz = espeak.espeak_Initialize(OUTPUT_SYNCHRONOUS, 0, data_path.encode(), 0)
    if rate_hz <= 0:
        sys.exit(f"espeak-ng does not start with the data in {data_path!r}")

    # Initialize seeds the noise generator with the clock; from one second to the next it would speak otherwise.
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(SEED))
    pieces: list[bytes] = []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = SamplesCallback(collect)  # kept in a name: espeak holds only its address
    espeak.espeak_SetSynthCallback(callback)
    language, _, variant = voice.partition("+")
    for candidate in (voice, f"{language.partition('-')[0]}+{variant}"):
        if espeak.espeak_SetVoiceByName(candidate.rstrip("+").encode()) == OK:
            break
    else:
        sys.exit(f"{NO_VOICE} {voice!r}")
    espeak.espeak_SetParameter(RATE_WORDS_PER_MINUTE, words_per_minute, 0)
    espeak.espeak_SetParameter(PITCH, pitch, 0)
    status = espeak.espeak_Synth(
        text, ctypes.c_size_t(len(text) + 1), 0, POSITION_CHARACTER, 0, CHARACTERS_UTF8, None, None
    )
    if status != OK:
        sys.exit(f"espeak-ng refuses the text with error {status}")
    espeak.espeak_Synchronize()
    return rate_hz, b"".join(pieces)


def answer(library_path: str, data_path: str, request: bytes) -> None:
    """Read the rest of a request and answer it in a process of its own, or in this one where there can be no other."""
    words_per_minute, pitch, voice_size, text_size = map(int, request.split())
    voice, text = sys.stdin.buffer.read(voice_size).decode(), sys.stdin.buffer.read(text_size)
    child = os.fork() if hasattr(os, "fork") else 0
    if child:
        _, status = os.waitpid(child, 0)
        if status != 0:
            write(0, f"it was ended by signal {status & 127}".encode())
        return
    try:
        rate_hz, found = synthesise(library_path, data_path, voice, words_per_minute, pitch, text)
    except SystemExit as error:
        rate_hz, found = 0, str(error).encode()
    write(rate_hz, found)
    os._exit(0)


def write(rate_hz: int, found: bytes) -> None:
    """Write an answer."""
    sys.stdout.buffer.write(rate_hz.to_bytes(4, "little") + len(found).to_bytes(4, "little") + found)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _, library, data = sys.argv
    ctypes.CDLL(library)  # once for all processes; what espeak knows of itself begins in `synthesise`
    while line := sys.stdin.buffer.readline():
        answer(library, data, line)
