"""Answers of models that are kept: a clip that was heard before is not heard again.

An answer is kept under the model's fingerprint and the hash of the clip's samples and rate. What failed is not kept and
is tried again by the next run.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from harness.audio import Audio, content_hash
from harness.metrics.measuring import Derived

T = TypeVar("T")


def remembered(
    derived: Derived,
    keys: Sequence[str],
    make: Callable[[list[int]], Sequence[T]],
    pack: Callable[[T], bytes],
    unpack: Callable[[bytes], T],
) -> list[T]:
    """The values of some keys, in order: those that are kept, and the rest made in one go and kept.

    Args:
        derived: Where they are kept.
        keys: One for each value; equal keys have one value.
        make: Gives the values of the keys at some positions.
        pack: A value as bytes.
        unpack: The value of such bytes.
    """
    found: dict[str, T] = {}
    missing: dict[str, int] = {}
    for position, key in enumerate(keys):
        if key in found or key in missing:
            continue
        kept = derived.get(key)
        if kept is None:
            missing[key] = position
        else:
            found[key] = unpack(kept)
    if missing:
        for key, value in zip(missing, make(list(missing.values())), strict=True):
            data = pack(value)
            derived.put(key, data)
            found[key] = unpack(data)
    return [found[key] for key in keys]


def clip_key(fingerprint: str, clip: Audio, more: str = "") -> str:
    """Under what a model's answer to a clip is kept."""
    return f"{fingerprint}\n{content_hash(clip.samples.tobytes())} {clip.sample_rate_hz}\n{more}"
