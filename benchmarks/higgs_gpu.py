"""How near the generation loop comes to what the memory allows, with the released model's shape and random weights.

    python benchmarks/higgs_gpu.py                    # 5.4 B parameters in bfloat16 on a CUDA device
    python benchmarks/higgs_gpu.py --small            # the same code on a small model and a CPU: checks the script

A step must read every weight of the audio path and the whole KV cache once; those bytes over the measured copy
bandwidth are the floor of its time. The text path's feed-forward layers and the token embeddings are not read by a
step and not counted, so the floor is the strict one. Goals: at least 60 % of the floor's speed at batch 1, at least
5 x a growing cache, and batch 32 at least 12 x batch 1.
"""

import argparse
import time
from typing import Any

import numpy as np

from harness import torchaudio_import
from harness.backends.higgs.generation import BatchRow, Generator
from harness.backends.higgs.prompt import Prompt
from harness.cloning.termination import DelayedStream, Termination
from harness.take import Sampling, TokenBudget

RELEASED = {
    "vocab_size": 128_256,
    "hidden_size": 3_072,
    "intermediate_size": 8_192,
    "num_hidden_layers": 28,
    "num_attention_heads": 24,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 2_048,
}
SMALL = {**RELEASED, "vocab_size": 512, "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4} | {
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
}
SPECIAL = {
    "audio_token_id": 8,
    "audio_delay_token_id": 6,
    "audio_bos_token_id": 5,
    "pad_token_id": 1,
    "eos_token_id": 9,
}
PROMPT_TEXT, PROMPT_FRAMES = 120, 150  # a sentence, and six seconds of reference


def random_model(shape: dict[str, int], device: str, dtype: Any) -> Any:
    """The model without ever holding it twice: laid out on the meta device, then filled where it shall live."""
    import torch

    torchaudio_import.install()
    from transformers import HiggsAudioV2Config, HiggsAudioV2ForConditionalGeneration

    config = HiggsAudioV2Config(**shape, num_codebooks=8, codebook_size=1026, bos_token_id=0, **SPECIAL)
    config.audio_stream_bos_id, config.audio_stream_eos_id = 1024, 1025
    with torch.device("meta"):
        model = HiggsAudioV2ForConditionalGeneration(config).to(dtype)
    model = model.to_empty(device=device).eval()
    source = torch.Generator(device).manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0) if "norm" in name else weight.normal_(std=0.02, generator=source)
        for name, buffer in model.named_buffers():
            if name.endswith("audio_tokens_offsets"):
                buffer.copy_(torch.arange(8, device=device) * 1026)
            elif name.endswith("inv_freq"):
                half = torch.arange(0, config.head_dim, 2, device=device) / config.head_dim
                buffer.copy_(1 / config.rope_parameters["rope_theta"] ** half)
    return model


def step_bytes(model: Any, rows: int, positions: float) -> float:
    """What one step must read: the audio path's weights once, and keys and values of each row."""
    config = model.config
    read = [
        weight.numel() * weight.element_size()
        for name, weight in model.named_parameters()
        if ".mlp." not in name and "embed" not in name
    ]
    width = next(model.parameters()).element_size()
    cache = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * width
    return sum(read) + rows * positions * cache


def copy_bandwidth(device: str, size: int) -> float:
    """Bytes a second that a copy moves, reads and writes both counted; the best of ten."""
    import torch

    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(10):
        _wait(device)
        began = time.perf_counter()
        target.copy_(source)
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * size / best


def _wait(device: str) -> None:
    import torch

    if device != "cpu":
        torch.cuda.synchronize()


def _row(frames: int, seed: int) -> BatchRow:
    import torch

    source = np.random.default_rng(seed)
    columns = torch.from_numpy(source.integers(0, 1024, (PROMPT_FRAMES + 9, 8)))
    audio = torch.tensor([SPECIAL["audio_token_id"]] * (PROMPT_FRAMES + 2) + [SPECIAL["audio_delay_token_id"]] * 7)
    text = torch.from_numpy(source.integers(10, 500, PROMPT_TEXT))
    begin = torch.tensor([SPECIAL["audio_bos_token_id"]])
    prompt = Prompt(torch.cat([text[:20], begin, audio, text, begin]), columns, (PROMPT_FRAMES,))
    # No column ends this stream: every run has the same number of steps.
    stream = DelayedStream(Termination(TokenBudget(frames, frames, 25)), lambda frame: False, end_code=-1)
    return BatchRow(prompt, stream, seed, frames + 9)


def speed(generator: Generator, rows: int, frames: int, device: str) -> float:
    """Steps a second of one batch after a warm-up that compiles and records."""
    generator.speak([_row(frames, seed) for seed in range(rows)], Sampling())
    batch = [_row(frames, seed) for seed in range(rows)]
    _wait(device)
    began = time.perf_counter()
    generator.speak(batch, Sampling())
    _wait(device)
    return (frames + 9) / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a small model on the CPU: proves the script, not a speed")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32])
    asked = parser.parse_args()
    if not asked.small and not torch.cuda.is_available():
        parser.error("no CUDA device is here; --small runs the same code on the CPU")
    device, dtype, shape = ("cpu", torch.float32, SMALL) if asked.small else ("cuda", torch.bfloat16, RELEASED)
    torch.set_num_threads(1)
    name = "one CPU thread, small model: no figure for the real one" if asked.small else torch.cuda.get_device_name()
    began = time.perf_counter()
    model = random_model(shape, device, dtype)
    count = sum(weight.numel() for weight in model.parameters()) / 1e9
    bandwidth = copy_bandwidth(device, 1 << (26 if asked.small else 30))
    print(f"{name}: {count:.3f} B parameters, {dtype}, built in {time.perf_counter() - began:.1f} s")
    print(f"copy bandwidth {bandwidth / 1e9:.0f} GB/s, {asked.frames} frames a row")
    alone = 0.0
    for rows in asked.batches:
        positions = PROMPT_TEXT + PROMPT_FRAMES + 31 + asked.frames / 2
        floor = bandwidth / step_bytes(model, rows, positions)
        growing = speed(Generator(model), rows, asked.frames, device)
        compiler = "aot_eager" if asked.small else "inductor"
        print(f"batch {rows:2d}: floor {rows * floor:.0f} frames/s")
        print(f"  growing cache            {rows * growing:7.0f} frames/s, {growing / floor:4.0%} of the floor")
        for name, generator in (
            ("lanes" if asked.small else "lanes, CUDA graph", Generator(model, rows)),
            ("lanes, compiled", Generator(model, rows, compiler=compiler)),
        ):
            found = speed(generator, rows, asked.frames, device)
            alone = alone or found
            print(
                f"  {name:24s} {rows * found:7.0f} frames/s, {found / floor:4.0%} of the floor, "
                f"{found / growing:.1f} x growing, {rows * found / alone:.1f} x batch {asked.batches[0]}"
                + (f"; {generator.note}" if generator.note else "")
            )
            generator.release()


if __name__ == "__main__":
    main()
