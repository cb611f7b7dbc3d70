"""The generation loop: one column of eight codes a step, for rows that each stop for their own reason.

Why not `model.generate`: there each row's draws depend on the others (one global generator), rows cannot be stopped by
their codes, and every step copies what was generated so far. Here a row draws from its own seed; the host follows one
column behind the device, so that a GPU is not kept waiting.

Rows speak in `lanes`, or, in float32 on a CPU, in a batch that grows with them and that a row leaves when it has ended.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.backends.higgs import drawing
from harness.backends.higgs.lanes import Lanes, captured, length_for
from harness.backends.higgs.prompt import Prompt
from harness.backends.higgs.reading import cache_argument, read_in
from harness.cloning.termination import DelayedStream
from harness.take import Sampling

MOVE_UP = 0.5
"""Rows that have ended leave a growing batch when no more than this share of it still speaks."""


@dataclass(frozen=True)
class BatchRow:
    """What is asked for one row."""

    prompt: Prompt
    stream: DelayedStream
    seed: int
    max_columns: int

    @property
    def positions(self) -> int:
        """What it needs of the model's positions."""
        return len(self.prompt.input_ids) + self.max_columns


@dataclass
class Generator:
    """Speaks batches with one loaded model."""

    model: Any
    lanes: int = 0
    """How many rows a step always has; 0 for a batch that grows and shrinks."""
    compiler: str = ""
    """Backend of torch.compile for the model's step in lanes; empty for none."""
    clock: Callable[[], float] = time.monotonic
    note: str = ""
    """What could not be done as it is meant to be, without another result."""
    _known: dict[tuple[int, Sampling], Lanes] = field(default_factory=dict)
    _landing: "Landing" = field(default_factory=lambda: Landing())

    def speak(self, rows: Sequence[BatchRow], sampling: Sampling, extra: dict[str, Any] | None = None) -> float:
        """Generate until every row's stream has stopped; the streams then hold the codes. Seconds it took.

        Args:
            rows: All with a reference, or all without one.
            sampling: How codes are drawn.
            extra: Further model inputs for the prompt, such as Whisper features.

        Raises:
            BackendError: The model did not keep its context.
        """
        import torch

        began = self.clock()
        with torch.inference_mode():
            for group in self._groups(rows):
                own = {name: value[group] for name, value in (extra or {}).items()}
                self._together([rows[index] for index in group], sampling, own)
        assert all(row.stream.stopped_by is not None for row in rows), "every stream stops within its budget"
        return self.clock() - began

    def release(self) -> None:
        """Give back the device memory that is kept from batch to batch."""
        self._known.clear()

    def lanes_for(self, length: int, sampling: Sampling) -> Lanes:
        """The lanes of one cache length, made once; on a GPU their step is a CUDA graph."""
        if (length, sampling) not in self._known:
            capture = captured if self.model.device.type == "cuda" else None
            try:
                made = Lanes(self.model, self.lanes, length, sampling, self.compiler, capture)
            except RuntimeError as error:
                if capture is None or _is_out_of_memory(error):
                    raise
                # The same kernels, started one by one: slower, and nothing else.
                self.note = f"no CUDA graph ({str(error).splitlines()[0]})"
                warnings.warn(f"the generation step is slow: {self.note}", RuntimeWarning, stacklevel=2)
                made = Lanes(self.model, self.lanes, length, sampling, self.compiler)
            self._known[length, sampling] = made
        return self._known[length, sampling]

    def _groups(self, rows: Sequence[BatchRow]) -> Iterator[list[int]]:
        """Which rows speak together: in lanes those of one cache length, no more than there are lanes."""
        if not self.lanes:
            yield list(range(len(rows)))
            return
        lengths = [self._length(row) for row in rows]
        for length in sorted(set(lengths)):
            same = [index for index, own in enumerate(lengths) if own == length]
            for start in range(0, len(same), self.lanes):
                yield same[start : start + self.lanes]

    def _length(self, row: BatchRow) -> int:
        return length_for(row.positions, self.model.config.max_position_embeddings)

    def _begin(self, rows: Sequence[BatchRow], sampling: Sampling, extra: dict[str, Any]) -> "Lanes | Growing":
        if not self.lanes:
            return Growing(self.model, rows, sampling, extra)
        lanes = self.lanes_for(self._length(rows[0]), sampling)
        lanes.begin(rows, extra)
        return lanes

    def _together(self, rows: Sequence[BatchRow], sampling: Sampling, extra: dict[str, Any]) -> None:
        import torch

        began = self.clock()
        batch = self._begin(rows, sampling, extra)
        alive = list(range(len(rows)))
        for number in range(1, max(row.max_columns for row in rows) + 1):
            sent, sent_to = self._landing.send(batch.column), list(alive)
            batch.advance(number)  # the device works on ...
            elapsed = self.clock() - began
            for column, index in zip(sent(), sent_to, strict=False):  # ... while the host looks at the last column
                if rows[index].stream.stopped_by is None:
                    rows[index].stream.push(column, elapsed)
            speaking = [place for place, index in enumerate(alive) if rows[index].stream.stopped_by is None]
            if not speaking:
                break
            if isinstance(batch, Growing) and len(speaking) <= MOVE_UP * len(alive):
                batch.keep(torch.tensor(speaking, device=batch.column.device))
                alive = [alive[place] for place in speaking]


class Growing:
    """A batch whose cache grows by a position a step, padded on the left."""

    def __init__(self, model: Any, rows: Sequence[BatchRow], sampling: Sampling, extra: dict[str, Any]) -> None:
        import torch

        self._model, self._sampling, self._cache_name = model, sampling, cache_argument(model)
        read, logits = read_in(model, [row.prompt for row in rows], extra)
        most, books = max(row.max_columns for row in rows), model.config.num_codebooks
        self._cache, self._mask, self._positions = read.cache, read.mask, read.positions
        draws = torch.stack([drawing.uniforms(row.seed, most + 1, books) for row in rows])
        self._uniforms = draws.to(model.device)
        self._drawn = drawing.nothing(model.config, len(rows), sampling, model.device)
        self._draw(logits, 0)

    @property
    def column(self) -> Any:
        """The last column, int64 (rows, codebooks)."""
        return self._drawn.column

    def advance(self, number: int) -> None:
        """The next column of every row."""
        self._positions = self._positions + 1
        self._mask = _with_one_more(self._mask)
        output = self._model(
            audio_input_ids=self.column[:, None],
            attention_mask=self._mask,
            position_ids=self._positions,
            use_cache=True,
            **{self._cache_name: self._cache},
        )
        self._draw(output.logits[:, -1], number)

    def keep(self, places: Any) -> None:
        """Let the other rows go."""
        self._cache.batch_select_indices(places)
        self._mask, self._positions, self._uniforms = (
            tensor.index_select(0, places) for tensor in (self._mask, self._positions, self._uniforms)
        )
        kept = {name: value.index_select(0, places) for name, value in vars(self._drawn).items()}
        self._drawn = drawing.Drawn(**kept)

    def _draw(self, logits: Any, number: int) -> None:
        draws = self._uniforms[:, number]
        self._drawn = drawing.next_column(self._model.config, self._sampling, logits, draws, number, self._drawn)


def _with_one_more(mask: Any) -> Any:
    import torch

    return torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)


class Landing:
    """Columns on their way to the host, through two buffers in turn: one is read before the next but one is sent."""

    def __init__(self) -> None:
        self._buffers: list[Any] = []
        self._turn = 0

    def send(self, column: Any) -> Callable[[], Any]:
        """Begin to copy a column to the host; the function given back waits for it."""
        if column.device.type != "cuda":
            copied = column.clone()  # the next step may write into the same memory
            return copied.numpy  # type: ignore[no-any-return]
        if len(self._buffers) < 2 or self._buffers[0][0].shape != column.shape:
            self._buffers = [(self._pinned(column), self._event()) for _ in range(2)]
        self._turn = 1 - self._turn
        landed, event = self._buffers[self._turn]
        landed.copy_(column, non_blocking=True)
        event.record()

        def wait() -> Any:
            event.synchronize()
            return landed.numpy().copy()

        return wait

    @staticmethod
    def _pinned(column: Any) -> Any:
        import torch

        return torch.empty(column.shape, dtype=column.dtype, pin_memory=True)

    @staticmethod
    def _event() -> Any:
        import torch

        return torch.cuda.Event()


def _is_out_of_memory(error: RuntimeError) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError)
