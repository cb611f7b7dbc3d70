"""Proof, before the first take, that the reference really conditions the model.

Each check is one that silently passes without it: a wrong codec gives code 0 throughout, a wrong conversation leaves
the reference out, and the takes still sound like somebody.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.audio import Audio
from harness.backends.higgs.generation import BatchRow, Generator
from harness.backends.higgs.lanes import length_for
from harness.backends.higgs.prompt import Prompt, Prompter, batch
from harness.cloning.conversation import AudioContent, Conversation, Message, as_template, speeches
from harness.cloning.termination import DelayedStream, Termination
from harness.errors import BackendError
from harness.take import Sampling, TokenBudget

FRAME_RATE_HZ = 25
CODEBOOKS = 8
LEAST_EQUAL_CODES = 0.95
"""Of two encodings of one reference: kernels may differ from call to call, in the last bits of a distance."""
COMPANY_STEPS = 4
UNFILLED_MARKS = ("<|AUDIO|>", "<|audio_bos|>")
"""What the generation model never puts sound behind."""


def prove_codec(codec: Any) -> None:
    """The codec gives 25 frames a second in 8 codebooks.

    Raises:
        BackendError: It does not; with what it gives.
    """
    rate, books = codec.config.frame_rate, codec.config.num_quantizers
    if (rate, books) != (FRAME_RATE_HZ, CODEBOOKS):
        raise BackendError(
            f"the codec gives {rate:g} frames a second in {books} codebooks; {FRAME_RATE_HZ} in {CODEBOOKS} are "
            "needed: give the model's own codec with --codec"
        )


def prove_prompt(conversation: Conversation, prompt: Prompt, prompter: Prompter, model: Any) -> None:
    """The prompt holds the reference: T + 9 positions with real codes, as the model's own processor builds it.

    Raises:
        BackendError: It does not; with what it holds.
    """
    import torch

    config, ids = model.config, prompt.input_ids
    stray = [mark for mark in UNFILLED_MARKS if (ids == prompter.processor.tokenizer.convert_tokens_to_ids(mark)).any()]
    if stray:
        raise BackendError(
            f"the prompt holds {' and '.join(stray)}, behind which this model hears nothing, so that no voice would be "
            "cloned: take the checkpoint's released chat template"
        )
    positions = int(((ids == config.audio_token_id) | (ids == config.audio_delay_token_id)).sum())
    wanted = sum(frames + config.num_codebooks + 1 for frames in prompt.frames)
    if not prompt.frames or positions != wanted or len(prompt.columns) != wanted:
        raise BackendError(
            f"the prompt has {positions} audio positions for {sum(prompt.frames)} frames of reference; "
            f"{wanted or 'frames + 9'} are needed: the conversation does not carry the reference"
        )
    for speech in speeches(conversation):
        codes = prompter.codes(speech)
        if codes.max() >= config.audio_stream_bos_id or (codes == codes[:, :1]).all():
            raise BackendError(
                f"the codec gives code {codes[0, 0]} throughout for a reference of {codes.shape[1]} frames: its "
                "weights are not those of a codec; give the right one with --codec"
            )
    theirs = prompter.processor.apply_chat_template(
        as_template(conversation),
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={"sampling_rate": int(prompter.processor.audio_tokenizer.config.sample_rate)},
    )
    columns = theirs["audio_input_ids"][0].cpu()
    same = torch.equal(theirs["input_ids"][0].cpu(), ids) and columns.shape == prompt.columns.shape
    if not same or (columns == prompt.columns).double().mean() < LEAST_EQUAL_CODES:
        raise BackendError(
            "the prompt is not the one that the checkpoint's own processor builds: tokenizer and chat template do not "
            "belong together"
        )


def prove_swap(conversation: Conversation, prompter: Prompter, model: Any) -> None:
    """Another reference of the same length changes what the model says first.

    Raises:
        BackendError: It changes nothing.
    """
    original = prompter.prompt(conversation)
    swapped = prompter.prompt(tuple(_with_another_voice(turn, prompter) for turn in conversation))
    if original.columns.equal(swapped.columns):
        raise BackendError(
            "the codec gives the same codes for two different references; give the right one with --codec"
        )
    one, other = _first_logits([original, swapped], model)
    if not np.isfinite(one).all() or np.allclose(one, other, rtol=0, atol=1e-6):
        raise BackendError("swapping the reference does not change what the model says: it is not conditioned on it")


def prove_company(conversation: Conversation, prompter: Prompter, generator: Generator, sampling: Sampling) -> None:
    """A row in lanes is computed alike to the last bit alone in the first and among others in the last.

    Raises:
        BackendError: Its takes would depend on the company that they are generated in.
    """
    import torch

    def row(prompt: Prompt) -> BatchRow:
        budget = TokenBudget(COMPANY_STEPS, COMPANY_STEPS, FRAME_RATE_HZ)
        return BatchRow(prompt, DelayedStream(Termination(budget), lambda frame: False), 0, COMPANY_STEPS)

    own = row(prompter.prompt(conversation))
    other = row(prompter.prompt(tuple(_with_another_voice(turn, prompter) for turn in conversation)))
    seen = []
    with torch.inference_mode():
        lanes = generator.lanes_for(length_for(own.positions, generator.model.config.max_position_embeddings), sampling)
        for rows in ([own], [other] * (generator.lanes - 1) + [own]):
            lanes.begin(rows, {})
            steps = []
            for _ in range(COMPANY_STEPS):
                lanes.advance()
                steps.append(lanes.logits[len(rows) - 1].clone())
            seen.append(torch.stack(steps))
    if not seen[0].equal(seen[1]):
        raise BackendError(
            f"what the model says in one of {generator.lanes} lanes depends on the others, by up to "
            f"{(seen[0] - seen[1]).abs().max():.3g} in its logits: no take could be made again; give --batch-size 1"
        )


def _with_another_voice(turn: Message, prompter: Prompter) -> Message:
    """The same turn; a reference is played backwards, with every other frame of sound exchanged for noise."""
    if isinstance(turn.content, str):
        return turn
    samples = turn.content.audio.samples[::-1].copy()
    noise = np.random.default_rng(0).standard_normal(samples.size).astype(np.float32)
    alternate = (np.arange(samples.size) // 960) % 2 == 0
    samples[alternate] = (noise * np.float32(np.sqrt(np.mean(samples**2))))[alternate]
    return Message(turn.role, AudioContent(Audio(samples, turn.content.audio.sample_rate_hz)))


def _first_logits(prompts: Sequence[Prompt], model: Any) -> Any:
    import torch

    inputs = batch(prompts, model.config.pad_token_id, model.config.audio_stream_eos_id)
    inputs = {name: value.to(model.device) for name, value in inputs.items()}
    positions = (inputs["attention_mask"].cumsum(dim=1) - 1).clamp_min(0)
    with torch.inference_mode():
        return (
            model(**inputs, position_ids=positions, use_cache=False, logits_to_keep=1)
            .logits[:, -1]
            .float()
            .cpu()
            .numpy()
        )
