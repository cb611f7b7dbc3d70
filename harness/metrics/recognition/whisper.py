"""Whisper of the transformers library: heard with fallback, and asked how likely a text is.

Conventions
    Speech without its silent edges, in windows of at most 30 s. The encoder sees what a window holds and 4 s of
    silence, rounded up to 5 s and at least 10 s, where Whisper itself pads each window to 30 s: that takes a quarter of
    the time for a short take. One encoder pass serves the transcript and all scores of a clip; the last ones are kept.
    Decoding is greedy. A text that compresses by more than 2.4, whose tokens have a mean log-probability under -1, or
    that has more letters than anybody says is decoded again by chance at higher temperatures; the first that is none
    of these is taken, else the likeliest. Decoding ends after so many tokens as anybody can say in the time.
    The score of a text is the sum of the log-probabilities of its tokens and its end, each given those before it, in
    the language given and without timestamps. Many texts are scored at once: equal beginnings are computed once.
    What it expects of a text before it hears anything are the scores of its words in silence.

Source: Radford et al. (2022), section 4.5, for the fallback and its thresholds. Deviations: no timestamps, no text of
earlier windows as a prompt, shorter padding (measured on 36 Arabic clips: median letter error rate 0.157 at 30 s and
0.160 at 4 s of padding).
"""

from collections import OrderedDict
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from harness import audio, torchaudio_import
from harness.audio import Audio
from harness.metrics.recognition import IMPOSSIBLE, TextScore, failures, language_code
from harness.metrics.recognition.text_tree import FRAME_S, TextTree, warped
from harness.metrics.recognition.transformers_folder import Samples, TransformersRecognizer, batches
from harness.metrics.recognition.windows import WINDOW_S
from harness.metrics.silence import Silences
from harness.threads import one_thread

TEMPERATURES = (0.4, 0.8)
MOST_LIKELY = 50  # tokens from which one is drawn
LEAST_MEAN = -1.0  # log-probability of a token
FRAME_RATE_HZ = 100  # of the features
PADDING_S, STEP_S, LEAST_S = 4.0, 5.0, 10.0
TOKENS_S, TOKENS_MORE = 12, 20  # nobody says more tokens in a second
KEPT = 48  # encoded windows
SILENCE_S = 6.0  # in which words are expected and not heard
EDGE_S = 0.3  # of the silence before and after the speech that is kept


@dataclass(frozen=True, slots=True)
class Draft:
    """A transcript that may be doubtful."""

    text: str
    mean: float
    """Log-probability of its tokens and its end, on average."""


class Whisper(TransformersRecognizer):
    """A Whisper by folder or hub id."""

    preparation = 4

    def __init__(self, model: str, device: str = "cpu") -> None:
        super().__init__(model, device)
        self._encoded: OrderedDict[str, Any] = OrderedDict()
        self.encoder_passes = 0

    def transcribe(self, clips: Sequence[Audio], languages: Sequence[str]) -> list[str]:
        for language in languages:
            self._code(language)
        return super().transcribe([without_silent_edges(clip) for clip in clips], languages)

    def log_likelihoods(
        self, clips: Sequence[Audio], languages: Sequence[str], texts: Sequence[Sequence[str]]
    ) -> list[list[TextScore]]:
        samples = [audio.resample(without_silent_edges(clip), self._rate_hz).samples for clip in clips]
        if any(one.size > WINDOW_S * self._rate_hz for one in samples):
            raise ValueError(f"texts are scored for clips of at most {WINDOW_S:g} s")
        import torch  # noqa: F401 -- its threads are limited

        with one_thread(torch_too=True):
            return [
                self._scores(self._encode(one), self._code(language), wanted)
                for one, language, wanted in zip(samples, languages, texts, strict=True)
            ]

    def _transcribed(self, samples: Sequence[Samples], languages: Sequence[str]) -> list[str]:
        heard: dict[int, str] = {}
        states = [self._encode(one) if one.size else None for one in samples]
        sizes = [0 if state is None else int(state.shape[-2]) for state in states]
        for language in dict.fromkeys(languages):
            mine = [place for place, one in enumerate(languages) if one == language]
            for batch in batches([sizes[place] for place in mine]):
                places = [mine[place] for place in batch]
                if not sizes[places[0]]:
                    heard |= dict.fromkeys(places, "")
                    continue
                durations = [samples[place].size / self._rate_hz for place in places]
                texts = self._heard([states[place] for place in places], self._code(language), durations)
                heard |= dict(zip(places, texts, strict=True))
        return [heard[place] for place in range(len(samples))]

    def _heard(self, states: Sequence[Any], code: str, durations_s: Sequence[float]) -> list[str]:
        """The greedy transcript of each encoded window, or a better one where it is doubtful."""
        tried: list[list[tuple[bool, float, str]]] = [[] for _ in states]
        doubtful = list(range(len(states)))
        for attempt in range(1 + len(TEMPERATURES)):
            if not doubtful:
                break
            drafts = self._generated(
                [states[place] for place in doubtful], code, [durations_s[place] for place in doubtful], attempt
            )
            for place, one in zip(list(doubtful), drafts, strict=True):
                is_sound = not failures.loop(one.text, durations_s[place])
                is_sound = is_sound and failures.compression(one.text) <= failures.MOST_COMPRESSED
                tried[place].append((is_sound, one.mean, one.text))
                if is_sound and one.mean >= LEAST_MEAN:
                    tried[place] = tried[place][-1:]
                    doubtful.remove(place)
        return [max(drafts)[2] for drafts in tried]

    def _most_tokens(self, duration_s: float) -> int:
        """As many as anybody can say in the time."""
        return int(TOKENS_MORE + TOKENS_S * duration_s)

    def _generated(
        self, states: Sequence[Any], code: str, durations_s: Sequence[float], attempt: int = 0
    ) -> list[Draft]:
        """A transcript of each encoded window, whatever stands beside it in the batch; later attempts are by chance."""
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        model, processor = self._loaded
        limits = [min(model.config.max_target_positions, self._most_tokens(one)) for one in durations_s]
        config = deepcopy(model.generation_config)
        config.update(num_beams=1, do_sample=False, return_timestamps=False, max_length=max(limits))
        options: dict[str, Any] = {"language": code, "task": "transcribe"} if self._languages else {}
        if attempt:
            options["logits_processor"] = [_Drawn(TEMPERATURES[attempt - 1], len(limits))]
        with without_advice(), torch.inference_mode():
            tokens = model.generate(
                encoder_outputs=BaseModelOutput(last_hidden_state=torch.stack(list(states))),
                generation_config=config,
                **options,
            )
        rows = [row[:limit] for row, limit in zip(tokens, limits, strict=True)]
        texts = [text.strip() for text in processor.tokenizer.batch_decode(rows, skip_special_tokens=True)]
        return [Draft(text, self._mean(state, code, text)) for text, state in zip(texts, states, strict=True)]

    def _mean(self, states: Any, code: str, text: str) -> float:
        (score,) = self._scores(states, code, [text])
        return score.total / (len(self._tokens(text)) + 1)

    def _encode(self, samples: Samples) -> Any:
        """What the encoder makes of a window, shape (frames, width)."""
        key = audio.content_hash(samples.tobytes())
        if key in self._encoded:
            self._encoded.move_to_end(key)
            return self._encoded[key]
        self.encoder_passes += 1
        extractor = self._extractor
        seconds = max(LEAST_S, np.ceil((samples.size / self._rate_hz + PADDING_S) / STEP_S) * STEP_S)
        frames = int(min(seconds * FRAME_RATE_HZ, extractor.nb_max_frames))
        features = extractor(samples, sampling_rate=self._rate_hz, return_tensors="np").input_features[..., :frames]
        self._encoded[key] = self._states(features)
        while len(self._encoded) > KEPT:
            self._encoded.popitem(last=False)
        return self._encoded[key]

    def _states(self, features: Samples) -> Any:
        """The encoder's output for mel features of shape (1, bands, frames)."""
        import torch

        encoder = self._loaded[0].model.encoder
        with torch.inference_mode():
            states = torch.nn.functional.gelu(encoder.conv1(torch.as_tensor(features).to(self._device)))
            states = torch.nn.functional.gelu(encoder.conv2(states)).permute(0, 2, 1)
            states = states + encoder.embed_positions.weight[: states.shape[1]]
            for layer in encoder.layers:
                states = layer(states, None)
            return encoder.layer_norm(states)[0]

    def _tree(self, states: Any, code: str) -> TextTree:
        return TextTree(self._loaded[0], states, self._start(code))

    def _scores(self, states: Any, code: str, texts: Sequence[str]) -> list[TextScore]:
        """The score of each text, all in one pass."""
        tree = self._tree(states, code)
        rows = [self._tokens(text) for text in texts]
        if max(map(len, rows), default=0) > tree.room:
            return [IMPOSSIBLE for _ in texts]
        end = self._loaded[0].config.eos_token_id
        found = []
        for text, tokens, nodes in zip(texts, rows, tree.add(rows), strict=True):
            path = [0, *nodes]
            said = [float(tree.says(node)[token]) for node, token in zip(path, tokens, strict=False)]
            found.append(TextScore(sum(said) + float(tree.says(path[-1])[end]), self._by_word(text, said)))
        return found

    def word_times(
        self, clips: Sequence[Audio], languages: Sequence[str], texts: Sequence[str]
    ) -> list[list[tuple[float, float]]]:
        """When each word of a text is spoken in its clip, from and to, in seconds; nothing where that is not known."""
        cut = [edges_of(clip) for clip in clips]
        samples = [audio.resample(without_silent_edges(clip), self._rate_hz).samples for clip in clips]
        import torch  # noqa: F401 -- its threads are limited

        with one_thread(torch_too=True):
            return [
                [
                    (first + start, first + end)
                    for start, end in self._spans(self._encode(one), self._code(code), text, one.size / self._rate_hz)
                ]
                for (first, _), one, code, text in zip(cut, samples, languages, texts, strict=True)
            ]

    def word_priors(self, languages: Sequence[str], texts: Sequence[str]) -> list[tuple[float, ...]]:
        """The log-probability of each word of each text where there is only silence, in nats."""
        import torch  # noqa: F401 -- its threads are limited

        with one_thread(torch_too=True):
            silence = self._encode(np.zeros(round(SILENCE_S * self._rate_hz), np.float32))
            return [
                self._scores(silence, self._code(code), [text])[0].words
                for code, text in zip(languages, texts, strict=True)
            ]

    def _spans(self, states: Any, code: str, text: str, seconds: float) -> list[tuple[float, float]]:
        words, ends = self._word_ends(text)
        tree = self._tree(states, code)
        if not words or not tree.aligns or len(self._tokens(text)) > tree.room:
            return []
        (nodes,) = tree.add([self._tokens(text)])
        frames = warped(tree.attention([0, *nodes])[:, : round(seconds / FRAME_S)])
        starts = [0, *ends]
        return [
            (float(frames[one][0] * FRAME_S), float(frames[two - 1][1] * FRAME_S))
            for one, two in zip(starts, ends, strict=False)
        ]

    def _word_ends(self, text: str) -> tuple[list[str], list[int]]:
        words = text.split()
        return words, [len(self._tokens(" ".join(words[: place + 1]))) for place in range(len(words))]

    def _by_word(self, text: str, of_tokens: Sequence[float]) -> tuple[float, ...]:
        _, ends = self._word_ends(text)
        return tuple(sum(of_tokens[start:end]) for start, end in zip([0, *ends], ends, strict=False))

    def check_language(self, language: str) -> None:
        """Whether it knows a language; its weights are not loaded for that.

        Raises:
            UsageError: It does not.
        """
        self._code(language)

    @cached_property
    def _languages(self) -> list[str]:
        torchaudio_import.install()
        from transformers import GenerationConfig

        try:
            config = GenerationConfig.from_pretrained(self.model)
        except OSError:  # an old folder without one: English only, or what its configuration says
            return []
        return [name.strip("<|>") for name in getattr(config, "lang_to_id", None) or {}]

    def _code(self, language: str) -> str:
        return language_code(language, self._languages, self.model) if self._languages else "en"

    def _start(self, code: str) -> list[int]:
        """The tokens that every text begins with."""
        model, _ = self._loaded
        config = model.generation_config
        start = [model.config.decoder_start_token_id]
        if self._languages:
            start += [config.lang_to_id[f"<|{code}|>"], config.task_to_id["transcribe"]]
        return [*start, config.no_timestamps_token_id]

    def _tokens(self, text: str) -> tuple[int, ...]:
        return _tokens_of(self._loaded[1].tokenizer, text)


class _Drawn:
    """Leaves of the scores of each row, shape (rows, vocabulary), one token that is drawn by chance.

    Whisper's own `generate` sets aside the sampling of its configuration; and a row is drawn by a generator of its own,
    so that what is heard in one clip does not depend on the clips beside it.
    """

    def __init__(self, temperature: float, rows: int) -> None:
        import torch

        self._temperature = temperature
        self._chance = [torch.Generator().manual_seed(round(1000 * temperature)) for _ in range(rows)]

    def __call__(self, _: Any, scores: Any) -> Any:
        import torch

        likely, tokens = (scores / self._temperature).topk(min(MOST_LIKELY, scores.shape[-1]))
        shares = likely.softmax(dim=-1).cpu()
        drawn = torch.stack(
            [torch.multinomial(row, 1, generator=chance) for row, chance in zip(shares, self._chance, strict=True)]
        )
        return torch.full_like(scores, -torch.inf).scatter(-1, tokens.gather(-1, drawn.to(tokens.device)), 0.0)


@lru_cache(maxsize=1 << 14)
def _tokens_of(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Of a text that follows the start: its first word has a space before it, as Whisper writes it."""
    return tuple(tokenizer.encode(f" {text}", add_special_tokens=False)) if text else ()


@contextmanager
def without_advice() -> Generator[None]:
    """Without what the library says of arguments that it passes itself, and of a mask that encoded sound has not."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def edges_of(clip: Audio) -> tuple[float, float]:
    """Where the sound of a clip begins and ends, with a little silence around, in seconds; both 0 without any."""
    pauses = Silences.of(clip)
    sounding = np.flatnonzero(~pauses.silent)
    if not sounding.size:
        return 0.0, 0.0
    frame_s = pauses.total_s / pauses.silent.size
    return max(0.0, float(sounding[0] * frame_s - EDGE_S)), float((sounding[-1] + 1) * frame_s + EDGE_S)


def without_silent_edges(clip: Audio) -> Audio:
    """From the first sound to the last, with a little silence around; what is all silent becomes empty."""
    if not clip.samples.size:
        return clip
    first, last = (round(edge_s * clip.sample_rate_hz) for edge_s in edges_of(clip))
    return Audio(clip.samples[first:last], clip.sample_rate_hz)
