"""From a conversation to what the model is fed.

Conventions: a speech of T frames stands in the prompt as T + 9 positions, `T + 2` audio tokens (begin, frames, end) and
seven delay tokens; beside them go as many columns of eight codes, delayed by one column a codebook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness import audio
from harness.cloning.conversation import AudioContent, Conversation, as_template, speeches
from harness.cloning.termination import Codes
from harness.errors import BackendError


@dataclass(frozen=True)
class Prompt:
    """One row of a batch."""

    input_ids: Any
    """Tokens, int64 (positions,)."""
    columns: Any
    """Delayed codes of all speeches in order, int64 (columns, codebooks); no rows where there is no speech."""
    frames: tuple[int, ...]
    """Frames of each speech."""


class Prompter:
    """Turns conversations into prompts; the codes of a reference are computed once, for all its takes."""

    def __init__(self, processor: Any) -> None:
        self.processor = processor
        self._codes: dict[str, Codes] = {}

    def codes(self, speech: AudioContent) -> Codes:
        """Codec codes of a speech, shape (codebooks, frames)."""
        if speech.codes is not None:
            return speech.codes
        name = audio.content_hash(speech.audio.samples.tobytes())
        if name not in self._codes:
            self._codes[name] = self._encoded(speech.audio)
        return self._codes[name]

    def _encoded(self, sound: audio.Audio) -> Codes:
        import torch

        codec = self.processor.audio_tokenizer
        inputs = self.processor.feature_extractor(
            sound.samples, sampling_rate=sound.sample_rate_hz, padding=False, return_tensors="pt"
        )
        with torch.inference_mode():
            codes = codec.encode(inputs["input_values"].to(codec.device)).audio_codes[0]
        frames: Codes = codes.cpu().numpy()
        return frames

    def prompt(self, conversation: Conversation) -> Prompt:
        """The row for one conversation, ending where the model's speech begins.

        Raises:
            BackendError: The checkpoint's chat template does not take it.
        """
        import torch
        from jinja2 import TemplateError

        try:
            text = self.processor.apply_chat_template(
                as_template(conversation), add_generation_prompt=True, tokenize=False
            )
        except TemplateError as error:
            raise BackendError(f"the checkpoint's chat template does not take the conversation: {error}") from error
        codes = [self.codes(speech) for speech in speeches(conversation)]
        mark, parts = self.processor.audio_token, []
        pieces = text.split(mark)
        for number, piece in enumerate(pieces):
            parts.append(piece)
            if number < len(pieces) - 1:
                # More marks than speeches stay as they are; `proof` refuses such a prompt.
                length = codes[number].shape[1] if number < len(codes) else 0
                parts.append(
                    self.processor.get_audio_tokens(length + 2 + codes[number].shape[0] - 1) if length else mark
                )
        ids = self.processor.tokenizer("".join(parts), add_special_tokens=False, return_tensors="pt")["input_ids"][0]
        columns = [self._delayed(torch.from_numpy(np.ascontiguousarray(frames))) for frames in codes]
        codebooks = self.processor.audio_tokenizer.config.num_quantizers
        return Prompt(
            input_ids=ids,
            columns=torch.cat(columns) if columns else torch.zeros(0, codebooks, dtype=torch.long),
            frames=tuple(frames.shape[1] for frames in codes),
        )

    def _delayed(self, codes: Any) -> Any:
        """Between begin and end codes, each codebook a column later than the one before; (frames + 9, codebooks)."""
        import torch

        begin, end = self.processor.audio_stream_bos_id, self.processor.audio_stream_eos_id
        rows = [
            torch.cat(
                [
                    torch.full((1 + codebook,), begin),
                    row,
                    torch.full((len(codes) - codebook,), end),
                ]
            )
            for codebook, row in enumerate(codes)
        ]
        return torch.stack(rows, dim=1)


def batch(prompts: Sequence[Prompt], pad_token: int, end_code: int) -> dict[str, Any]:
    """What the model is fed for several rows: text padded on the left, columns on the right.

    Raises:
        ValueError: Some rows have a speech and some have none; the model cannot mix them.
    """
    import torch

    if len({bool(prompt.frames) for prompt in prompts}) > 1:
        raise ValueError("rows with and without a reference cannot share a batch")
    width = max(len(prompt.input_ids) for prompt in prompts)
    ids = torch.stack(
        [
            torch.nn.functional.pad(prompt.input_ids, (width - len(prompt.input_ids), 0), value=pad_token)
            for prompt in prompts
        ]
    )
    lengths = torch.tensor([len(prompt.input_ids) for prompt in prompts])
    inputs = {"input_ids": ids, "attention_mask": (torch.arange(width) >= width - lengths[:, None]).long()}
    if prompts[0].frames:
        most = max(len(prompt.columns) for prompt in prompts)
        counts = torch.tensor([len(prompt.columns) for prompt in prompts])
        inputs["audio_input_ids"] = torch.stack(
            [
                torch.nn.functional.pad(prompt.columns, (0, 0, 0, most - len(prompt.columns)), value=end_code)
                for prompt in prompts
            ]
        )
        inputs["audio_input_ids_mask"] = torch.arange(most) < counts[:, None]
    return inputs
