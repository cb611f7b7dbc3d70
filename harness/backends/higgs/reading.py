"""Prompts on their way through the model, before the first column is drawn."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.backends.higgs.prompt import Prompt, batch
from harness.errors import BackendError


@dataclass(frozen=True)
class Read:
    """What the model has read."""

    cache: Any
    """Keys and values; grows by a position a column."""
    mask: Any
    """Positions that are no padding, int64 (rows, width)."""
    positions: Any
    """Position of the last token, int64 (rows, 1)."""


def cache_argument(model: Any) -> str:
    """What the model calls its cache: `cache`, or before transformers 5.24 `past_key_values`.

    A name that it does not know would be swallowed: every step would be without context, and no error.

    Raises:
        BackendError: It takes neither.
    """
    known = inspect.signature(model.forward).parameters
    for name in ("cache", "past_key_values"):
        if name in known:
            return name
    raise BackendError(
        "this version of transformers takes the model's cache under a name that is not known here: install one of the "
        "versions that pyproject.toml allows"
    )


def read_in(model: Any, prompts: Sequence[Prompt], extra: dict[str, Any]) -> tuple[Read, Any]:
    """Read prompts into a new cache; what was read, and the logits of the first column (rows, codebooks x codes).

    Args:
        model: The generation model.
        prompts: All with a reference, or all without one.
        extra: Further model inputs, stacked over the rows.

    Raises:
        BackendError: The model did not keep what it has read.
    """
    from transformers import DynamicCache

    config = model.config
    inputs = batch(prompts, config.pad_token_id, config.audio_stream_eos_id)
    inputs = {name: value.to(model.device) for name, value in inputs.items()}
    mask = inputs["attention_mask"]
    positions = (mask.cumsum(dim=1) - 1).clamp_min(0)
    cache = DynamicCache(config=config)
    output = model(
        **inputs,
        **extra,
        position_ids=positions,
        use_cache=True,
        logits_to_keep=1,
        **{cache_argument(model): cache},
    )
    held = int(cache.get_seq_length())
    if held != mask.shape[1]:
        raise BackendError(
            f"the model's cache holds {held} of {mask.shape[1]} positions of the prompt: it would speak without "
            "context; install a version of transformers that pyproject.toml allows"
        )
    return Read(cache, mask, positions[:, -1:]), output.logits[:, -1]
