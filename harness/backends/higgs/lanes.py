"""A fixed number of rows side by side, in memory that never moves: what a GPU is fast at, and what makes takes exact.

In half precision, and on a GPU in any, a matrix product of eight rows rounds otherwise than one of three, so a take
would depend on the company that it was generated in: on `-k`, on what a killed run had left over, on the number of
workers. Here every step has the same shape, whoever speaks: always as many lanes as `--batch-size`, empty ones too.
Each row is read in alone, and stands in its lane from position 0 on, whatever stands in the others. What is left of
the company is the lane's number, and `proof` shows that no logit depends on it.

The cache has one of four lengths, by the row's own need. One step, the model and the draw, is one function of buffers
that stay where they are, so a CUDA graph holds it whole: one call where there were a thousand. Query heads that share a
key head are packed beside each other, so that keys are read once and never copied; a normalisation is one kernel, not
eight.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.backends.higgs import drawing
from harness.backends.higgs.reading import cache_argument, read_in
from harness.take import Sampling

if TYPE_CHECKING:
    from harness.backends.higgs.generation import BatchRow

LENGTHS = 4
"""Cache lengths there are, up to the model's positions."""
WARM_UP_STEPS = 3
GROUPED = "harness_grouped"
MOST_VARIANTS = 64
"""Of the compiled step, one for each length and sampling; the compiler gives up after eight unless told otherwise."""


def length_for(positions: int, most: int) -> int:
    """The shortest cache that holds a row, of `LENGTHS` up to the model's most.

    >>> [length_for(needed, 2048) for needed in (1, 512, 513, 2048)]
    [512, 512, 1024, 2048]
    """
    quarter = -(-most // LENGTHS)
    return -(-positions // quarter) * quarter


class LaneCache:
    """Keys and values of all layers, float (lanes, key heads, length, head size); each lane writes at its position."""

    def __init__(self, config: Any, lanes: int, length: int, dtype: Any, device: Any, positions: Any) -> None:
        import torch

        shape = (lanes, config.num_key_value_heads, length, config.head_dim)
        self._positions = positions
        self.keys, self.values = (
            [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.num_hidden_layers)] for _ in range(2)
        )

    def update(self, keys: Any, values: Any, layer: int, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Write one position of every lane; all positions of the layer."""
        place = self._positions[:, None, :, None].expand(keys.shape)
        self.keys[layer].scatter_(2, place, keys)
        self.values[layer].scatter_(2, place, values)
        return self.keys[layer], self.values[layer]

    def fill(self, lane: int, read: Any) -> None:
        """Take over what another cache of one row has read."""
        for layer, (keys, values) in enumerate(zip(self.keys, self.values, strict=True)):
            known = read.layers[layer].keys.shape[2]
            keys[lane, :, :known] = read.layers[layer].keys[0]
            values[lane, :, :known] = read.layers[layer].values[0]

    def clear(self) -> None:
        """Zero everything: what a broken row left would be multiplied by 0, and NaN by 0 is NaN."""
        for lane in (*self.keys, *self.values):
            lane.zero_()


class Lanes:
    """The buffers of one shape, and the step that works on them."""

    may_shrink = False

    def __init__(
        self,
        model: Any,
        lanes: int,
        length: int,
        sampling: Sampling,
        compiler: str = "",
        capture: Callable[[Callable[[], None]], Callable[[], None]] | None = None,
    ) -> None:
        import torch

        self._model, self._sampling, self._length = model, sampling, length
        self._cache_name = cache_argument(model)
        device, config = model.device, model.config
        self._positions = torch.zeros(lanes, 1, dtype=torch.long, device=device)
        self._cache = LaneCache(config, lanes, length, model.dtype, device, self._positions)
        self._number = torch.zeros(1, dtype=torch.long, device=device)
        self._uniforms = torch.zeros(lanes, length, 2, config.num_codebooks, dtype=torch.float64, device=device)
        self._drawn = drawing.nothing(config, lanes, sampling, device)
        self.logits: Any = None
        """Of the last step, (lanes, codebooks x codes)."""
        self._forward = self._one_column
        # The compiler joins kernels better than we do.
        self._lean = partial(lean, model, [] if compiler else norms_of(model))
        if compiler:
            torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, MOST_VARIANTS)
            self._forward = torch.compile(self._one_column, backend=compiler, fullgraph=True, dynamic=False)
        self._step = self._eager_step if capture is None else capture(self._eager_step)

    @property
    def column(self) -> Any:
        """The last column of every lane, int64 (lanes, codebooks); the next step writes into the same memory."""
        return self._drawn.column

    def begin(self, rows: "Sequence[BatchRow]", extra: dict[str, Any]) -> None:
        """Give each row its lane, read it in, and draw its first column; lanes beyond the rows are empty.

        Args:
            rows: No more than there are lanes.
            extra: Further model inputs for the prompts, stacked over the rows.
        """
        import torch

        config = self._model.config
        self._cache.clear()
        for buffer in (self._positions, self._number, self._uniforms):
            buffer.zero_()
        logits = torch.zeros(
            len(self._positions), config.num_codebooks * config.codebook_size, device=self._positions.device
        )
        for lane, row in enumerate(rows):
            own = {name: value[lane : lane + 1] for name, value in extra.items()}
            read, last = read_in(self._model, [row.prompt], own)
            self._cache.fill(lane, read.cache)
            self._positions[lane] = len(row.prompt.input_ids)
            logits[lane] = last[0]
            draws = drawing.uniforms(row.seed, row.max_columns + 1, config.num_codebooks)
            self._uniforms[lane, : len(draws)] = draws.to(self._uniforms.device)
        fresh = drawing.nothing(config, len(self._positions), self._sampling, self._positions.device)
        self._keep(drawing.next_column(config, self._sampling, logits, self._uniforms[:, 0], self._number, fresh))

    def advance(self, _number: int = 0) -> None:
        """The next column of every lane."""
        self._step()

    def _keep(self, drawn: drawing.Drawn) -> None:
        for name, value in vars(drawn).items():
            getattr(self._drawn, name).copy_(value)

    def _eager_step(self) -> None:
        with self._lean():
            self.logits = self._forward(self.column, self._positions)
        self._number.add_(1)
        # A lane whose row has ended goes on until all have; it may do anything but leave its memory.
        place = self._number.clamp_max(self._length - 1)
        uniforms = self._uniforms.index_select(1, place)[:, 0]
        self._keep(
            drawing.next_column(self._model.config, self._sampling, self.logits, uniforms, self._number, self._drawn)
        )
        self._positions.add_(1).clamp_max_(self._length - 1)

    def _one_column(self, column: Any, positions: Any) -> Any:
        import torch

        hidden = torch.arange(self._length, device=column.device) > positions[:, None, None]
        mask = torch.zeros(hidden.shape, dtype=self._model.dtype, device=column.device)
        return self._model(
            audio_input_ids=column[:, None],
            attention_mask=mask.masked_fill(hidden, float("-inf")),
            position_ids=positions,
            use_cache=True,
            **{self._cache_name: self._cache},
        ).logits[:, -1]


def norms_of(model: Any) -> list[tuple[Any, Callable[[Any], Any]]]:
    """The model's RMS normalisations, and each as one operation of torch."""
    import torch

    norms = [module for module in model.modules() if type(module).__name__.endswith("RMSNorm")]
    rms_norm = torch.nn.functional.rms_norm
    return [
        (norm, partial(rms_norm, normalized_shape=norm.weight.shape, weight=norm.weight, eps=norm.variance_epsilon))
        for norm in norms
    ]


@contextmanager
def lean(model: Any, norms: Sequence[tuple[Any, Callable[[Any], Any]]]) -> Iterator[None]:
    """The model for one query position: no copy of the keys for each query head that shares them, fewer kernels."""
    from transformers import AttentionInterface

    AttentionInterface.register(GROUPED, _grouped)
    before, model.config._attn_implementation = model.config._attn_implementation, GROUPED
    for norm, forward in norms:
        norm.forward = forward
    try:
        yield
    finally:
        model.config._attn_implementation = before
        for norm, _ in norms:
            del norm.forward  # the class's own again


def _grouped(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, scaling: float | None = None, **_: Any
) -> tuple[Any, None]:
    """Query (lanes, heads, 1, size) on keys (lanes, key heads, length, size); gives (lanes, 1, heads, size)."""
    import torch

    lanes, heads, _positions, size = query.shape
    packed = query.reshape(lanes, key.shape[1], heads // key.shape[1], size)
    heard = torch.nn.functional.scaled_dot_product_attention(packed, key, value, attention_mask, scale=scaling)
    return heard.reshape(lanes, 1, heads, size), None


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """A step as one call: recorded as a CUDA graph, replayed on the same memory. Its kernels are those of the step.

    Raises:
        RuntimeError: The device cannot record it.
    """
    import torch

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # libraries allocate and choose their kernels in the first calls
        for _ in range(WARM_UP_STEPS):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    replay: Callable[[], None] = graph.replay
    return replay
