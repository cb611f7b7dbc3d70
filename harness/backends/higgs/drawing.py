"""How a column of codes is drawn from the model's logits.

Conventions: the first column holds only the begin code; codebook c speaks from column c + 1 on. Once any codebook gives
the end code, codebook c is made to give it from c + 1 columns later on.

The distribution is transformers': temperature, then top-k, then top-p on each codebook, then the repetition window,
which draws again from the raw logits. Each row draws from its own seed, made on the CPU, so that its draws are the same
on any device and in any batch. Deviation: of equal logits at the edge of top-k exactly k stay, where transformers keeps
all. Nothing here waits for the device or reads from it, so that a CUDA graph can hold it.
"""

from dataclasses import dataclass
from typing import Any

from harness.take import Sampling


@dataclass
class Drawn:
    """What the next draw depends on."""

    column: Any
    """The last column, int64 (rows, codebooks)."""
    recent: Any
    """The last columns, for the repetition window, int64 (rows, window, codebooks)."""
    closing: Any
    """Columns since a codebook first gave the end code, or -1; int64 (rows,)."""


def nothing(config: Any, rows: int, sampling: Sampling, device: Any) -> Drawn:
    """The state before the first column."""
    import torch

    books, begin = config.num_codebooks, config.audio_stream_bos_id
    return Drawn(
        torch.zeros(rows, books, dtype=torch.long, device=device),
        torch.full((rows, sampling.ras_window or 1, books), begin, device=device),
        torch.full((rows,), -1, device=device),
    )


def next_column(config: Any, sampling: Sampling, logits: Any, uniforms: Any, number: Any, drawn: Drawn) -> Drawn:
    """Draw a column, with the delay pattern imposed.

    Args:
        config: The model's.
        sampling: How codes are drawn.
        logits: Of the last position, (rows, codebooks x codes).
        uniforms: float64 (rows, 2, codebooks), for the draw and for the repetition window.
        number: Which column it is, from 0; a number or a tensor of one.
        drawn: The state before.
    """
    import torch

    logits = logits.float().reshape(-1, config.num_codebooks, config.codebook_size)
    column = choose(logits, uniforms[:, 0], sampling)
    if sampling.ras_window:
        seen = (drawn.recent == column[:, None]) & (drawn.recent < config.audio_stream_bos_id)
        again = by_inverse_cdf(logits.double().softmax(-1), uniforms[:, 1])
        column = torch.where(seen.sum(dim=1) >= sampling.ras_repeats, again, column)
    codebook = torch.arange(config.num_codebooks, device=column.device)
    closing = drawn.closing[:, None]
    column = column.masked_fill((closing >= 0) & (codebook <= closing), config.audio_stream_eos_id)
    column = column.masked_fill(codebook >= number, config.audio_stream_bos_id)
    begun = (column == config.audio_stream_eos_id).any(dim=1)
    counted = torch.where((drawn.closing >= 0) | begun, drawn.closing + 1, drawn.closing)
    return Drawn(column, torch.cat([drawn.recent[:, 1:], column[:, None]], dim=1), counted)


def uniforms(seed: int, columns: int, codebooks: int) -> Any:
    """A row's own draws from [0, 1), float64 (columns, 2, codebooks): for the draw and for the repetition window."""
    import torch

    own = torch.Generator().manual_seed(seed)
    return torch.rand(columns, 2, codebooks, generator=own, dtype=torch.float64)


def choose(logits: Any, uniforms: Any, sampling: Sampling) -> Any:
    """One code for each row and codebook.

    Args:
        logits: float32 (rows, codebooks, codes).
        uniforms: float64 (rows, codebooks), each in [0, 1).
        sampling: Temperature, top-k and top-p, in this order; or the most likely code.
    """
    if not sampling.do_sample:
        return logits.max(dim=-1).indices  # on a CPU three times as fast as argmax
    scaled = logits / sampling.temperature
    best, codes = scaled.topk(min(sampling.top_k, scaled.shape[-1]), dim=-1)  # in falling order
    shares = best.double().softmax(-1)
    # A code stays while the codes before it have not yet reached top_p; so the first always does.
    shares = shares * (shares.cumsum(-1) - shares < sampling.top_p)
    return codes.gather(-1, by_inverse_cdf(shares, uniforms)[..., None])[..., 0]


def by_inverse_cdf(shares: Any, uniforms: Any) -> Any:
    """Index drawn in proportion to the shares, float64 (…, n), which need not add up to one; never one of share 0."""
    import torch

    reached = shares.cumsum(-1)
    return torch.searchsorted(reached, (uniforms * reached[..., -1])[..., None], right=True)[..., 0].clamp_max(
        shares.shape[-1] - 1
    )
