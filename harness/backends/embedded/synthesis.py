"""Base speech from espeak-ng: the words of a take, before it has anyone's voice.

espeak-ng carries noise and phase state from one call to the next and seeds its noise with the clock, so the same text
gives other samples the second time. Each call here therefore runs in a fresh process with a fixed seed
(`espeak_process`): equal arguments give equal samples.

Conventions: `speak` returns mono speech at espeak's own rate (22,050 Hz) with espeak's own edges, pauses and loudness.

Source: espeak-ng 1.52 as packed by espeakng-loader (GPL-3, installed beside the project, never part of it).
"""

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np

from harness.audio import Audio
from harness.errors import BackendError
from harness.text import TATWEEL

SLOWEST_WORDS_PER_MINUTE = 80  # espeak's documented minimum
FASTEST_WORDS_PER_MINUTE = 330  # above, its Arabic runs syllables together
DEADLINE_S = 60.0  # an hour of speech takes espeak under 30 s

# Codes that the project's corpora use and espeak names otherwise.
ESPEAK_LANGUAGES = {"zh": "cmn", "en": "en-us", "fr": "fr-fr"}

SHADDA_AFTER_VOWEL = re.compile("([\u064b-\u0650\u0652\u0670]+)\u0651")
UNSPEAKABLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
SENTENCE_ENDS = ".!?:;,،؛؟…。！？、，；："


def speak(text: str, language: str, variant: str, words_per_minute: int) -> Audio:
    """Speak a text once.

    Args:
        text: any Unicode text; what espeak cannot say is left out, line ends become pauses.
        language: ISO code, `ar`, `en`, `pt-br`.
        variant: an espeak voice variant, `f2`; empty for the language's own voice.
        words_per_minute: speaking rate, clamped to 80 to 330.

    Returns:
        Mono speech at 22,050 Hz; equal arguments give equal samples.

    Raises:
        BackendError: When espeak-ng is missing or makes no sound of the text.
    """
    import espeakng_loader

    pace = int(min(max(words_per_minute, SLOWEST_WORDS_PER_MINUTE), FASTEST_WORDS_PER_MINUTE))
    voice = f"{ESPEAK_LANGUAGES.get(language.lower(), language.lower())}+{variant}".rstrip("+")
    script = str(Path(__file__).with_name("espeak_process.py"))
    paths = (espeakng_loader.get_library_path(), espeakng_loader.get_data_path())
    try:
        child = subprocess.run(
            [sys.executable, "-I", "-S", script, *paths, voice, str(pace)],
            input=speakable(text).encode(),
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackendError(f"espeak-ng did not run: {error}; reinstall espeakng-loader") from error
    if child.returncode != 0:
        lines = child.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {child.returncode}"]
        raise BackendError(f"espeak-ng failed in voice {voice!r}: {lines[-1]}")
    samples = np.frombuffer(child.stdout[4:], dtype=np.int16).astype(np.float32) / 32768.0
    if not np.abs(samples).max(initial=0.0) > 0.0:
        raise BackendError(
            f"espeak-ng made no sound of {text!r} in voice {voice!r}: give it a text with letters or digits"
        )
    return Audio(samples, int.from_bytes(child.stdout[:4], "little"))


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
