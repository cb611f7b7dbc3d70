"""Recognisers for tests: one that says what it is told, and tiny real models with random weights."""

from pathlib import Path

import numpy as np

from harness import torchaudio_import
from harness.audio import Audio

LANGUAGES = ("ar", "en")


class Told:
    """Hears what a test wrote for a clip, known by its length in samples; raises what is an exception."""

    def __init__(self, texts, fingerprint="told r1"):
        self.texts, self.fingerprint, self.batches = texts, fingerprint, []

    def transcribe(self, clips, languages):
        self.batches.append([clip.samples.size for clip in clips])
        said = [self.texts[clip.samples.size] for clip in clips]
        for text in said:
            if isinstance(text, BaseException):
                raise text
        return said


def tiny_whisper(folder: Path, seed=0, positions=40):
    """A Whisper of the real architecture with 16 dimensions and a byte-level vocabulary, as transformers saves one."""
    import torch

    torchaudio_import.install()
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperProcessor,
        WhisperTokenizer,
    )

    # The printable characters that byte-level vocabularies use for the 256 bytes, and Whisper's own tokens after them.
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    characters = [chr(code) for code in printable] + [chr(256 + n) for n in range(256 - len(printable))]
    tokens = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES)]
    tokens += ["<|translate|>", "<|transcribe|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    vocabulary = {character: number for number, character in enumerate(characters)}
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": [token for token in tokens if token != "<|endoftext|>"]})
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in tokens}
    torch.manual_seed(seed)
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=80,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_target_positions=positions,
        decoder_start_token_id=ids["<|startoftranscript|>"],
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|endoftext|>"],
        pad_token_id=ids["<|endoftext|>"],
        init_std=1.0,
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        is_multilingual=True,
        lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES},
        task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        no_timestamps_token_id=ids["<|notimestamps|>"],
        suppress_tokens=sorted(ids[token] for token in tokens if token != "<|endoftext|>"),
        begin_suppress_tokens=[ids["<|endoftext|>"]],
        max_length=40,
    )
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(folder)
    return folder


def tiny_ctc(folder: Path, seed=0):
    """A wav2vec 2.0 with a CTC head over a few Arabic letters."""
    import json

    import torch

    torchaudio_import.install()
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    folder.mkdir(parents=True, exist_ok=True)
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ابتجدرسلمنوي"]
    (folder / "vocab.json").write_text(json.dumps({letter: n for n, letter in enumerate(letters)}), encoding="utf-8")
    torch.manual_seed(seed)
    config = Wav2Vec2Config(
        vocab_size=len(letters),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16, 16),
        conv_stride=(20, 16),
        conv_kernel=(40, 16),
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=0,
    )
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(sampling_rate=16_000, return_attention_mask=False)
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
    return folder


def noise(seconds, seed=0, rate_hz=16_000):
    samples = np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate_hz)).astype(np.float32)
    return Audio(samples, rate_hz)
