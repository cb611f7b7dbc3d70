"""The conversation that asks for a clone: system, reference text, reference audio, target text.

Conventions: a Message is one turn; its content is text or the speech of an AudioContent. The model's own chat template
turns `as_template` of a conversation into the prompt. No text may hold `<|`, because the tokenizer would read what
follows as a control token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio
from harness.errors import UsageError

SYSTEM_TEXT = "Generate audio following instruction."
SHORT_SYSTEM_TEXT = "Generate speech in the provided voice."  # the original design's wording
SYSTEM_TEXTS = {"instruction": SYSTEM_TEXT, "short": SHORT_SYSTEM_TEXT}


class Role(StrEnum):
    """Who speaks a turn; a scene belongs to the system turn before it."""

    SYSTEM = "system"
    SCENE = "scene"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class AudioContent:
    """Speech inside a conversation."""

    audio: Audio
    """Mono, at the codec's rate."""
    codes: NDArray[np.int64] | None = None
    """Codec codes of shape (codebooks, frames) where they are known already: what the model itself has just spoken."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn."""

    role: Role
    content: str | AudioContent


Conversation = tuple[Message, ...]


def build(
    ref_text: str,
    ref_audio: AudioContent | None,
    target_text: str,
    *,
    system: str = SYSTEM_TEXT,
    scene: str = "",
    earlier: Sequence[tuple[str, AudioContent]] = (),
) -> Conversation:
    """The turns that ask for `target_text` in the voice of `ref_audio`.

    Args:
        ref_text: What is said in the reference.
        ref_audio: The reference; None asks for any voice.
        target_text: What is to be said.
        system: Text of the system turn, which the template demands.
        scene: Where the recording is made, in words; empty for no scene.
        earlier: Chunks of the same text that were spoken already, with their speech, oldest first.

    Raises:
        UsageError: A text holds `<|`, or is empty.
    """
    for what, text in (("system text", system), ("target text", target_text)):
        if not text.strip():
            raise UsageError(f"{what} is empty; the conversation needs one")
    _refuse_control_tokens(
        [("system text", system), ("scene", scene), ("reference text", ref_text), ("target text", target_text)]
        + [("earlier chunk", text) for text, _ in earlier]
    )
    turns = [Message(Role.SYSTEM, system)]
    if scene:
        turns.append(Message(Role.SCENE, scene))
    spoken = ([(ref_text, ref_audio)] if ref_audio is not None else []) + list(earlier)
    for text, speech in spoken:
        turns += [Message(Role.USER, text), Message(Role.ASSISTANT, speech)]
    return (*turns, Message(Role.USER, target_text))


def _refuse_control_tokens(texts: Sequence[tuple[str, str]]) -> None:
    for what, text in texts:
        if "<|" in text:
            start = text.index("<|")
            raise UsageError(
                f"{what} holds {text[start : start + 20]!r} at character {start}; models read '<|' as the start of a "
                "control token: take it out"
            )


def as_template(conversation: Conversation) -> list[dict[str, Any]]:
    """The conversation as a processor's chat template takes it.

    >>> as_template((Message(Role.USER, "صباح الخير"),))
    [{'role': 'user', 'content': [{'type': 'text', 'text': 'صباح الخير'}]}]
    """
    return [{"role": str(turn.role), "content": [_part(turn.content)]} for turn in conversation]


def _part(content: str | AudioContent) -> dict[str, Any]:
    if isinstance(content, str):
        return {"type": "text", "text": content}
    return {"type": "audio", "audio": content.audio.samples}


def speeches(conversation: Conversation) -> list[AudioContent]:
    """Every speech in a conversation, in order."""
    return [turn.content for turn in conversation if isinstance(turn.content, AudioContent)]
