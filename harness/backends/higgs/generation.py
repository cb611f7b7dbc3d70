"""The generation loop: one column of eight codes a step, for a batch of rows that each stop for their own reason.

Conventions
    A step gives one column. The first column holds only the begin code; codebook c speaks from column c + 1 on. Once
    any codebook gives the end code, codebook c is made to give it from c + 1 columns later on.

Why not `model.generate`: there each row's draws depend on the others (one global generator), rows cannot be stopped by
their codes, and every step copies what was generated so far. Here a row draws from its own seed, made on the CPU, so
that its draws are the same on any device and in any batch; the host follows one column behind the device, so that a GPU
is not kept waiting; rows that have stopped leave the batch. The distribution is the same: temperature, then top-k, then
top-p on each codebook, then the repetition window, which draws again from the raw logits. Deviation: of equal logits at
the edge of top-k exactly k stay, where transformers keeps all.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.backends.higgs.prompt import Prompt, batch
from harness.cloning.termination import DelayedStream
from harness.take import Sampling

CACHE_STEP = 256
"""Static caches are as long as a multiple of this, so that few lengths are ever compiled."""
MOVE_UP = 0.5
"""With a dynamic cache, rows that have stopped leave the batch when no more than this share of it still speaks."""


@dataclass(frozen=True)
class Row:
    """What is asked for one row."""

    prompt: Prompt
    stream: DelayedStream
    seed: int
    max_columns: int


@dataclass
class _State:
    """What the device knows between two steps, each with one entry a row."""

    column: Any
    """int64 (rows, codebooks)."""
    recent: Any
    """The last columns, for the repetition window, int64 (rows, window, codebooks)."""
    closing: Any
    """Columns since a codebook first gave the end code, or -1; int64 (rows,)."""
    positions: Any
    """Position of the next column, int64 (rows, 1)."""
    mask: Any
    """Prompt positions that are no padding, and all after; int64 (rows, cache length)."""
    uniforms: Any
    """Draws, float64 (rows, columns, 2, codebooks)."""


@dataclass
class Generator:
    """Speaks batches with one loaded model."""

    model: Any
    static_cache: bool = False
    compile: bool = False
    compiler: str = "inductor"
    clock: Callable[[], float] = time.monotonic
    prefills: int = 0
    _compiled: Any = None
    _static: dict[tuple[int, int], Any] = field(default_factory=dict)

    def speak(self, rows: Sequence[Row], sampling: Sampling, extra: dict[str, Any] | None = None) -> float:
        """Generate until every row's stream has stopped; the streams then hold the codes. Seconds it took.

        Args:
            rows: All with a reference, or all without one.
            sampling: How codes are drawn.
            extra: Further model inputs for the prompt, such as Whisper features.
        """
        import torch

        began = self.clock()
        with torch.inference_mode():
            state, cache, logits = self._prefill(rows, sampling, extra or {})
            alive = list(range(len(rows)))
            state = self._draw(state, logits, 0, sampling)
            for number in range(1, max(row.max_columns for row in rows) + 1):
                sent, sent_to = self._to_host(state.column), list(alive)
                state = self._next(state, cache, number, sampling)  # the device works on ...
                elapsed = self.clock() - began
                for column, index in zip(sent(), sent_to, strict=True):  # ... while the host looks at the last column
                    if rows[index].stream.stopped_by is None:
                        rows[index].stream.push(column, elapsed)
                speaking = [place for place, index in enumerate(alive) if rows[index].stream.stopped_by is None]
                if not speaking:
                    break
                if self._may_shrink and len(speaking) <= MOVE_UP * len(alive):
                    state = _select(state, cache, torch.tensor(speaking, device=state.column.device))
                    alive = [alive[place] for place in speaking]
        assert all(row.stream.stopped_by is not None for row in rows), "every stream stops within its budget"
        return self.clock() - began

    @property
    def _may_shrink(self) -> bool:
        return not (self.static_cache or self.compile)

    def _prefill(self, rows: Sequence[Row], sampling: Sampling, extra: dict[str, Any]) -> tuple[_State, Any, Any]:
        import torch

        config, device = self.model.config, self.model.device
        inputs = batch([row.prompt for row in rows], config.pad_token_id, config.audio_stream_eos_id)
        inputs = {name: value.to(device) for name, value in inputs.items()}
        most = max(row.max_columns for row in rows)
        width = inputs["input_ids"].shape[1]
        length = width + most + 1
        if self.static_cache or self.compile:
            length = -(-length // CACHE_STEP) * CACHE_STEP
        cache = self._cache(len(rows), length)
        prompt_mask = inputs["attention_mask"]
        positions = (prompt_mask.cumsum(dim=1) - 1).clamp_min(0)
        self.prefills += 1
        output = self.model(
            **inputs, **extra, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1
        )
        mask = torch.ones(len(rows), length, dtype=prompt_mask.dtype, device=device)
        mask[:, :width] = prompt_mask
        uniforms = torch.stack([_uniforms(row.seed, most + 1, config.num_codebooks) for row in rows])
        window = sampling.ras_window or 1
        return (
            _State(
                column=torch.zeros(len(rows), config.num_codebooks, dtype=torch.long, device=device),
                recent=torch.full((len(rows), window, config.num_codebooks), config.audio_stream_bos_id, device=device),
                closing=torch.full((len(rows),), -1, device=device),
                positions=positions[:, -1:] + 1,
                mask=mask,
                uniforms=uniforms.to(device),
            ),
            cache,
            output.logits[:, -1],
        )

    def _cache(self, rows: int, length: int) -> Any:
        from transformers import DynamicCache, StaticCache

        if not (self.static_cache or self.compile):
            return DynamicCache(config=self.model.config)
        if (rows, length) not in self._static:
            self._static.clear()  # one at a time: a cache of a long batch is large
            self._static[rows, length] = StaticCache(config=self.model.config, max_cache_len=length)
        cache = self._static[rows, length]
        cache.reset()
        return cache

    def _next(self, state: _State, cache: Any, number: int, sampling: Sampling) -> _State:
        """One step of the model and the draw of the next column."""
        # A dynamic cache has grown by one column a step; a static one always has its full length.
        grown = state.mask.shape[1] if cache.is_compileable else int(cache.get_seq_length()) + 1
        forward = self._forward()
        logits = forward(state.column[:, None], state.mask[:, :grown], state.positions, cache)
        state.positions = state.positions + 1
        return self._draw(state, logits, number, sampling)

    def _forward(self) -> Callable[..., Any]:
        import torch

        def one_column(column: Any, mask: Any, positions: Any, cache: Any) -> Any:
            return self.model(
                audio_input_ids=column,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            ).logits[:, -1]

        if not self.compile:
            return one_column
        if self._compiled is None:
            mode = "reduce-overhead" if self.model.device.type == "cuda" else None
            compiled = torch.compile(one_column, backend=self.compiler, mode=mode, fullgraph=True, dynamic=False)

            def stepped(*inputs: Any) -> Any:
                torch.compiler.cudagraph_mark_step_begin()
                return compiled(*inputs).clone()  # the next replay overwrites the graph's own output

            self._compiled = stepped
        found: Callable[..., Any] = self._compiled
        return found

    def _draw(self, state: _State, logits: Any, number: int, sampling: Sampling) -> _State:
        """The next column from the logits of the last, (rows, codebooks x codes), with the delay pattern imposed."""
        import torch

        config = self.model.config
        logits = logits.float().reshape(-1, config.num_codebooks, config.codebook_size)
        uniforms = state.uniforms[:, number]
        column = choose(logits, uniforms[:, 0], sampling)
        if sampling.ras_window:
            seen = (state.recent == column[:, None]) & (state.recent < config.audio_stream_bos_id)
            again = _by_inverse_cdf(logits.double().softmax(-1), uniforms[:, 1])
            column = torch.where(seen.sum(dim=1) >= sampling.ras_repeats, again, column)
        codebook = torch.arange(config.num_codebooks, device=column.device)
        closing = state.closing[:, None]
        column = torch.where((closing >= 0) & (codebook <= closing), config.audio_stream_eos_id, column)
        column = torch.where(codebook >= number, config.audio_stream_bos_id, column)
        begun = (column == config.audio_stream_eos_id).any(dim=1)
        state.closing = torch.where((state.closing >= 0) | begun, state.closing + 1, state.closing)
        state.recent = torch.cat([state.recent[:, 1:], column[:, None]], dim=1)
        state.column = column
        return state

    def _to_host(self, column: Any) -> Callable[[], Any]:
        """Begin to copy a column to the host; the function given back waits for it."""
        if column.device.type != "cuda":
            return column.numpy  # type: ignore[no-any-return]
        import torch

        landed = torch.empty(column.shape, dtype=column.dtype, pin_memory=True)
        landed.copy_(column, non_blocking=True)
        event = torch.cuda.Event()
        event.record()

        def wait() -> Any:
            event.synchronize()
            return landed.numpy()

        return wait


def _uniforms(seed: int, columns: int, codebooks: int) -> Any:
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
    return codes.gather(-1, _by_inverse_cdf(shares, uniforms)[..., None])[..., 0]


def _by_inverse_cdf(shares: Any, uniforms: Any) -> Any:
    """Index drawn in proportion to the shares, float64 (…, n), which need not add up to one; never one of share 0."""
    import torch

    reached = shares.cumsum(-1)
    return torch.searchsorted(reached, (uniforms * reached[..., -1])[..., None], right=True)[..., 0].clamp_max(
        shares.shape[-1] - 1
    )


def _select(state: _State, cache: Any, places: Any) -> _State:
    cache.batch_select_indices(places)
    return _State(**{name: value.index_select(0, places) for name, value in vars(state).items()})
