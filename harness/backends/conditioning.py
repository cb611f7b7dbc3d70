"""Proof, before the first take, of what a system outside this process does with the reference and with the seed.

One that ignores the reference still speaks, in somebody's voice; one that ignores the seed answers anew each time, or
always the same. Up to four short questions tell:

    the same question twice    equal: the seed is obeyed, or has no effect at all; different: it is ignored
    another seed               equal to the first: the seed has no effect
    another voice              equal to the first: the reference is ignored, and no take is judged

Where the seed is ignored a difference proves nothing: then the similarity gates alone say whose voice it is.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import numpy as np

from harness import audio
from harness.audio import Audio, content_hash
from harness.errors import AudioError, BackendError
from harness.take import Request

SEEDS = 2**31  # what any program takes as a seed
SEED = "seed"
"""Under this name a take notes whether the seed was obeyed."""
OBEYED, IGNORED, WITHOUT_EFFECT = "obeyed", "ignored", "without effect"
STRANGER_PITCH = 1.35  # of a voice that is made from the reference: a fourth to a fifth higher, nobody's own
STRANGER = "harness-stranger"
"""The name of a voice that no system knows."""


class UnconditionedError(BackendError):
    """The system ignores the reference; nothing that it says is anybody's clone."""


class UnknownVoiceError(BackendError):
    """The system refuses a voice by its name."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A reference as it is handed over."""

    name: str
    wav: bytes
    """Empty where only the name is told."""
    transcript: str


@dataclass(frozen=True, slots=True)
class Proved:
    """What was found."""

    seed: str
    """Obeyed, ignored or without effect."""
    reference: str
    """Whether it was shown to condition the voice."""
    sha256: str
    """Of the answer to the first question; with an obeyed seed it is the mark of the weights behind it."""

    @property
    def details(self) -> dict[str, float | str]:
        """As a take notes them."""
        return {SEED: self.seed, "reference": self.reference, "proof": self.sha256}


def seed_of(request: Request, chunk: int = 0) -> int:
    """The seed that is handed over for a chunk: 31 bits, because many programs take no more."""
    return ((request.entropy >> 32) + chunk) % SEEDS


async def prove(ask: Callable[[int, Voice], Awaitable[Audio]], seed: int, voice: Voice, other: Voice) -> Proved:
    """Ask the questions, one after the other, so that no batch mixes them.

    Args:
        ask: Speaks a short text with a seed in a voice; raises BackendError where it cannot.
        seed: Of the first question.
        voice: Of the first question.
        other: Another voice.

    Raises:
        UnconditionedError: The reference is ignored.
        BackendError: A question was not answered.
    """
    first, again = await ask(seed, voice), await ask(seed, voice)
    mark = content_hash(first.samples.tobytes())
    if not _equal(first, again):
        return Proved(IGNORED, "not known: each answer is another, similarity alone tells", mark)
    effect = WITHOUT_EFFECT if _equal(first, await ask((seed + 1) % SEEDS, voice)) else OBEYED
    try:
        swapped = await ask(seed, other)
    except UnknownVoiceError:
        if other.name != STRANGER:
            raise
        return Proved(effect, "proved: a voice that nobody knows is refused", mark)
    if _equal(first, swapped):
        raise UnconditionedError(
            f"swapping the reference ({voice.name} for {other.name}) does not change what is said: the system does "
            "not condition on it; look at how it is asked and at how it was started"
        )
    return Proved(effect, "proved: another reference gives another answer", mark)


def _equal(one: Audio, other: Audio) -> bool:
    return np.array_equal(one.samples, other.samples)


def two_voices(
    requests: Iterable[Request], voice_of: Callable[[Request], Voice]
) -> tuple[Request, Voice, Voice] | None:
    """The request with the shortest text, its voice and another one; None where no reference can be used.

    The other is that of another request, or where all have one reference a stranger made of it.
    """
    voices: dict[str, tuple[Request, Voice]] = {}
    for request in sorted(requests, key=lambda request: len(request.chunks[0].text)):
        try:
            voices.setdefault(request.reference.id, (request, voice_of(request)))
        except AudioError:
            continue  # its take says so
    if not voices:
        return None
    (request, voice), *others = voices.values()
    return request, voice, others[0][1] if others else _stranger(request, voice)


def _stranger(request: Request, voice: Voice) -> Voice:
    """The same words, higher and quicker; where only names are told, another name."""
    if not voice.wav:
        return Voice(STRANGER, b"", voice.transcript)
    sound = audio.load(request.reference.path)
    higher = audio.resample(sound, round(sound.sample_rate_hz / STRANGER_PITCH))
    return Voice(STRANGER, audio.encode_wav(Audio(higher.samples, sound.sample_rate_hz)), voice.transcript)
