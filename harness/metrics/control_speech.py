"""The target as a synthesiser says it: a control, in which every word was surely said.

Conventions: up to two voices of espeak-ng, each at one pace, say a reading of the text, with its marks. A language that
espeak-ng does not speak has no control; nor has a text that takes longer than a recogniser hears at once.

A recogniser holds some words for unlikely whoever says them: names, old words, words that it likes in another order.
What it says of a take is therefore compared with what it says of a sound in which those very words were said. And where
a take begins in its text is seen beside the same words. The demonstration voice speaks through espeak-ng itself: what
is badly said there is badly said in its control too.
"""

from typing import Protocol

from harness.audio import Audio
from harness.errors import BackendError
from harness.espeak import speak, speaks
from harness.metrics.declaration import Missing, analysis
from harness.metrics.recognition.windows import WINDOW_S

VARIANTS = ("", "f2")
WORDS_PER_MINUTE = 150


class ControlSpeech(Protocol):
    """Says texts; `said` is one."""

    def __call__(self, text: str, language: str, voices: int = 2) -> tuple[Audio, ...]:
        """A text by so many voices; nothing where nobody can say it."""


@analysis(once="run")
def control_speech() -> ControlSpeech:
    """Who says the texts."""
    return said


def said(text: str, language: str, voices: int = 2) -> tuple[Audio, ...]:
    """A text by so many voices, or by none.

    Args:
        text: A reading of the target.
        language: ISO code.
        voices: One or two.

    Raises:
        Missing: espeak-ng did not run, or made no sound of the text.
    """
    if not any(character.isalnum() for character in text):
        return ()
    try:
        if not speaks(language):
            return ()
        sounds = tuple(speak(text, language, variant, WORDS_PER_MINUTE) for variant in VARIANTS[:voices])
    except BackendError as error:
        raise Missing(f"the control of the recogniser failed: {error}") from error
    return sounds if all(sound.duration_s <= WINDOW_S for sound in sounds) else ()
