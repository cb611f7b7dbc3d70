"""Our generation loop against the model's own `generate`, on the tiny checkpoint, on one CPU thread.

    python benchmarks/higgs_loop.py [--frames 200] [--repeats 5]

Both speak the same prompts greedily, and it is checked that they say the same. Ours checks every frame of every row
for its end, for silence, budget and time; theirs runs to its token limit. Goals: at least 1.0 x theirs; four takes in
one batch at least 2.5 x as fast as the same four one after another. Preparing the prompts counts, on both
sides.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.audio import Audio
from harness.backends import BackendOptions, open_backend
from harness.backends.higgs import tiny
from harness.backends.higgs.generation import BatchRow, Generator, Growing
from harness.backends.higgs.lanes import Lanes
from harness.backends.higgs.prompt import batch
from harness.cloning.budget import BudgetConfig
from harness.cloning.conversation import AudioContent, build
from harness.cloning.termination import DelayedStream, Termination
from harness.take import Sampling, TokenBudget

GREEDY = Sampling(do_sample=False, ras_window=0)
VOICES = range(2, 6)  # with these the random model speaks to its limit, so that all takes are as long
TEXT = "سنلتقي غدًا أمام باب المكتبة القديمة."


def _voice(seconds: float) -> AudioContent:
    times = np.arange(round(seconds * 24_000)) / 24_000
    buzz = sum(np.sin(2 * np.pi * 120 * harmonic * times) / harmonic for harmonic in range(1, 12))
    return AudioContent(Audio((0.1 * buzz * (1 + np.sin(20 * times))).astype(np.float32), 24_000))


def _rows(loaded: Any, numbers: Sequence[int], frames: int) -> list[BatchRow]:
    budget = TokenBudget(frames, frames, 25)
    return [
        BatchRow(
            loaded.prompter.prompt(build("مرحبا", _voice(2 + number / 2), TEXT)),
            DelayedStream(Termination(budget), loaded.silent),
            seed=number,
            max_columns=BudgetConfig().columns(budget),
        )
        for number in numbers
    ]


def _seconds(work: Callable[[], object], repeats: int) -> float:
    work()
    times = []
    for _ in range(repeats):
        began = time.process_time()  # CPU seconds: other work on the machine does not count
        work()
        times.append(time.process_time() - began)
    return statistics.median(times)


def calls(model: Any, rows: list[BatchRow]) -> None:
    """Print how often a step asks torch for something that is not only another view of the same memory."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
            found = function(*arguments, **(keywords or {}))
            new = isinstance(found, torch.Tensor) and not function.is_view
            Counting.count += new
            return found

    layers = model.config.num_hidden_layers
    with torch.inference_mode():
        lanes = Lanes(model, 1, 2048, GREEDY)
        lanes.begin(rows, {})
        for name, one in (("growing", Growing(model, rows, GREEDY, {})), ("lanes", lanes)):
            one.advance(1)
            Counting.count = 0
            with Counting():
                one.advance(2)
            graph = "; one in a CUDA graph" if name == "lanes" else ""
            print(f"{name}: {Counting.count} operations a step with {layers} layers{graph}")


def main() -> None:
    """Measure and print."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tiny.write(Path(folder))
        options = BackendOptions(model=f"{folder}/model", codec=f"{folder}/codec")
        loaded = open_backend("higgs", options)._load()  # type: ignore[attr-defined]
    generator = Generator(loaded.model)
    print(f"tiny checkpoint, CPU, one thread, {asked.frames} frames, greedy, median of {asked.repeats} in CPU seconds")
    seconds = {}
    for size in (1, 4):
        batches = [range(first, first + size) for first in range(VOICES.start, VOICES.stop, size)]
        spoken: list[BatchRow] = []

        def ours(batches: list[range] = batches, spoken: list[BatchRow] = spoken) -> None:
            spoken.clear()
            for numbers in batches:
                rows = _rows(loaded, numbers, asked.frames)
                generator.speak(rows, GREEDY)
                spoken += rows

        def theirs(batches: list[range] = batches) -> Any:
            said = []
            for numbers in batches:
                rows = _rows(loaded, numbers, asked.frames)
                inputs = batch([row.prompt for row in rows], 257, 1025)
                with torch.inference_mode():
                    out = loaded.model.generate(
                        **inputs, max_new_tokens=asked.frames + 9, do_sample=False, ras_win_len=None
                    )
                said += list(out[:, inputs["audio_input_ids"].shape[1] :].numpy())
            return said

        seconds[size], plain = _seconds(ours, asked.repeats), _seconds(theirs, asked.repeats)
        for row, columns in zip(spoken, theirs(), strict=True):
            np.testing.assert_array_equal(np.stack(row.stream._columns), columns[: row.stream.columns])
        frames = sum(row.stream.frames for row in spoken)
        assert frames == len(VOICES) * asked.frames, "a take ended by itself: choose other voices"
        print(
            f"batch {size}: {frames / seconds[size]:7.0f} frames/s, generate {frames / plain:7.0f} frames/s, "
            f"{plain / seconds[size]:.2f} x (goal 1.0 x)"
        )
    calls(loaded.model, _rows(loaded, (2,), asked.frames))
    print(f"four takes in one batch cost 1/{seconds[1] / seconds[4]:.2f} of the four alone (goal 1/2.5)")


if __name__ == "__main__":
    main()
