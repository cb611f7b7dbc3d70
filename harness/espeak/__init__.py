"""Speech from espeak-ng: a text in nobody's voice.

espeak-ng carries noise and phase state from one call to the next and seeds its noise with the clock, so the same text
gives other samples the second time. Each call here therefore runs in a fresh process with a fixed seed, forked from one
that waits for it (`espeak_process`): equal arguments give equal samples.

Conventions: `speak` returns mono speech at espeak's own rate (22,050 Hz) with espeak's own edges, pauses and loudness.

Source: espeak-ng 1.52 as packed by espeakng-loader (GPL-3, installed beside the project, never part of it).
"""

import os
import re
import signal
import subprocess
import sys
import threading
import unicodedata
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np

from harness.audio import Audio
from harness.errors import BackendError
from harness.espeak.espeak_process import NO_VOICE
from harness.text import TATWEEL

SLOWEST_WORDS_PER_MINUTE = 80  # espeak's documented minimum
FASTEST_WORDS_PER_MINUTE = 330  # above, its Arabic runs syllables together
OWN_PITCH = 50  # where a voice speaks as it is made, of 0 to 99
PITCH_STEP = 0.0105  # of log F0, between 30 and 99; measured
DEADLINE_S = 60.0  # an hour of speech takes espeak under 30 s

# Codes that the project's corpora use and espeak names otherwise.
ESPEAK_LANGUAGES = {"zh": "cmn", "en": "en-us", "fr": "fr-fr"}

SHADDA_AFTER_VOWEL = re.compile("([\u064b-\u0650\u0652\u0670]+)\u0651")
UNSPEAKABLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
SENTENCE_ENDS = ".!?:;,،؛؟…。！？、，；："


def speak(text: str, language: str, variant: str, words_per_minute: int, pitch: int = OWN_PITCH) -> Audio:
    """Speak a text once.

    Args:
        text: any Unicode text; what espeak cannot say is left out, line ends become pauses.
        language: ISO code, `ar`, `en`, `pt-br`.
        variant: an espeak voice variant, `f2`; empty for the language's own voice.
        words_per_minute: speaking rate, clamped to 80 to 330.
        pitch: 0 to 99, a step is about 1 %; 50 is the voice's own.

    Returns:
        Mono speech at 22,050 Hz; equal arguments give equal samples.

    Raises:
        BackendError: When espeak-ng is missing or makes no sound of the text.
    """
    pace = int(min(max(words_per_minute, SLOWEST_WORDS_PER_MINUTE), FASTEST_WORDS_PER_MINUTE))
    voice = _voice(language, variant)
    rate_hz, spoken = _CHILD.asked(voice, pace, pitch, speakable(text))
    samples = np.frombuffer(spoken, dtype=np.int16).astype(np.float32) / 32768.0
    if not np.abs(samples).max(initial=0.0) > 0.0:
        raise BackendError(
            f"espeak-ng made no sound of {text!r} in voice {voice!r}: give it a text with letters or digits"
        )
    return Audio(samples, rate_hz)


@lru_cache
def speaks(language: str) -> bool:
    """Whether espeak has a voice for a language.

    Raises:
        BackendError: When espeak-ng is missing or does not run.
    """
    try:
        _CHILD.asked(_voice(language, ""), FASTEST_WORDS_PER_MINUTE, OWN_PITCH, "1")
    except BackendError as error:
        if NO_VOICE in str(error):
            return False
        raise
    return True


def _voice(language: str, variant: str) -> str:
    return f"{ESPEAK_LANGUAGES.get(language.lower(), language.lower())}+{variant}".rstrip("+")


class _Child:
    """The process that speaks; begun with the first utterance, it ends when the process that asks it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked_by = 0

    def asked(self, voice: str, words_per_minute: int, pitch: int, text: str) -> tuple[int, bytes]:
        """The sample rate in Hz and 16-bit samples in the machine's byte order."""
        request = f"{words_per_minute} {pitch} {len(voice.encode())} {len(text.encode())}\n{voice}{text}".encode()
        with self._lock:
            try:
                rate_hz, found = _answer(self._begun(), request)
            except OSError as error:
                self._leave()
                raise BackendError(f"espeak-ng did not run: {error}; reinstall espeakng-loader") from error
            except BaseException:
                self._leave()  # the next one would read the rest of this answer
                raise
            if found is None or not hasattr(os, "fork"):
                self._leave()
        if found is None:
            raise BackendError(f"espeak-ng gave no answer in voice {voice!r} within {DEADLINE_S:g} s, or was ended")
        if rate_hz == 0:
            raise BackendError(f"espeak-ng failed in voice {voice!r}: {found.decode(errors='replace')}")
        return rate_hz, found

    def _begun(self) -> "subprocess.Popen[bytes]":
        """The process, another one in a fork of the process that began it: two would read each other's answers."""
        if self._process is not None and (self._asked_by != os.getpid() or self._process.poll() is not None):
            self._leave()
        if self._process is None:
            import espeakng_loader

            script = str(Path(__file__).with_name("espeak_process.py"))
            paths = (espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", script, *paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._asked_by = os.getpid()
        return self._process

    def _leave(self) -> None:
        """Ask the process nothing more; whoever began it ends it."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what it was not sent is of no use any more
                pipe.close() if pipe else None
        if self._asked_by == os.getpid():
            _end(process)
            process.wait()


def _answer(process: "subprocess.Popen[bytes]", request: bytes) -> tuple[int, bytes | None]:
    """The two parts of an answer; no second one where the process ended before, or was too late and is ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    late = threading.Timer(DEADLINE_S, _end, [process])
    late.start()
    try:
        process.stdin.write(request)
        process.stdin.flush()
        head = process.stdout.read(8)
        size = int.from_bytes(head[4:], "little")
        found = process.stdout.read(size)
    finally:
        late.cancel()
    return int.from_bytes(head[:4], "little"), found if len(head) == 8 and len(found) == size else None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process, and the one that it forked, which holds its output."""
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


_CHILD = _Child()


def speakable(text: str) -> str:
    r"""Return the text as espeak reads it best: composed, without invisible characters, pauses at line ends.

    >>> speakable("مـــحمّد")
    'محمّد'
    >>> speakable("one\n\ntwo")
    'one.\ntwo'
    """
    lines = []
    for line in re.split(r"[\n\r\v\f\x85\u2028\u2029]+", unicodedata.normalize("NFKC", text)):
        kept = "".join(" " if c == "\t" else c for c in line if c == "\t" or _is_speakable(c)).strip()
        if kept:
            lines.append(kept)
    paused = [line if line[-1] in SENTENCE_ENDS else line + "." for line in lines[:-1]] + lines[-1:]
    # Unicode's canonical order puts shadda after the vowel; espeak's Arabic rules expect it before.
    return SHADDA_AFTER_VOWEL.sub("\u0651\\1", "\n".join(paused))


def _is_speakable(character: str) -> bool:
    return character != TATWEEL and unicodedata.category(character) not in UNSPEAKABLE_CATEGORIES
