"""A tiny random checkpoint of the real architecture, so that everybody can run the real path without weights.

`build(DIR)` writes DIR/model and DIR/codec in the layout of the released repositories, and `from_pretrained` loads them
like those. Real are the classes, the 8 x 1026 audio heads, the codec's ratios (hop 960 at 24 kHz: 25 frames a second)
and the order of the special tokens; only widths, depths and the vocabulary are small, and every weight is random.

Two things are set by hand, because no random codec has them: digital silence gets code 0 in every codebook and decodes
to silence again, and speech at an ordinary level spreads over the codebooks and decodes to an ordinary level. Without
them no silence stop and no swap of the reference could be tested.
"""

from pathlib import Path
from typing import Any

from harness import torchaudio_import
from harness.cloning.reference import CODEC_RATE_HZ
from harness.errors import UsageError

# The released vocabulary has 128,000 byte-pair tokens and then 256 special ones; this one has 256 bytes and then those.
RELEASED_SPECIALS = 128_000
BYTES = 256
SPECIAL_TOKENS = {
    128_000: "<|begin_of_text|>",
    128_001: "<|end_of_text|>",
    128_006: "<|start_header_id|>",
    128_007: "<|end_header_id|>",
    128_008: "<|eom_id|>",
    128_009: "<|eot_id|>",
    128_011: "<|audio_bos|>",
    128_012: "<|audio_eos|>",
    128_013: "<|audio_out_bos|>",
    128_014: "<|reserved_special_token_6|>",
    128_015: "<|AUDIO|>",
    128_016: "<|AUDIO_OUT|>",
    128_020: "<|scene_desc_start|>",
    128_021: "<|scene_desc_end|>",
}

# What the released template renders: a system turn first (with the scene inside it), audio only from the assistant.
CHAT_TEMPLATE = """\
{%- macro words(turn) -%}
  {%- for part in turn.content if part.type == 'text' %}{{ part.text | trim }}{% endfor -%}
{%- endmacro -%}
{%- if not messages or messages[0].role != 'system' %}{{ raise_exception('the first turn must be system') }}{% endif -%}
{{- bos_token -}}
{%- for turn in messages -%}
  {%- if turn.role == 'scene' -%}
    {{- '\\n\\n<|scene_desc_start|>\\n' + words(turn) + '\\n<|scene_desc_end|>' -}}
  {%- else -%}
    {%- if not loop.first %}{{ '<|eot_id|>' }}{% endif -%}
    {{- '<|start_header_id|>' + turn.role + '<|end_header_id|>\\n\\n' -}}
    {%- if turn.role != 'assistant' -%}
      {{- words(turn) -}}
    {%- elif turn.content[0].type == 'audio' -%}
      {{- '<|audio_out_bos|><|AUDIO_OUT|><|audio_eos|>' -}}
    {%- else -%}
      {{- raise_exception('assistant turns hold audio only') -}}
    {%- endif -%}
  {%- endif -%}
{%- endfor -%}
{{- '<|eot_id|>' -}}
{%- if add_generation_prompt -%}
  {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n<|audio_out_bos|>' -}}
{%- endif -%}
"""

CODEC_RATIOS = [8, 5, 4, 2, 3]  # product 960; the class default would give 75 frames a second and 5 codebooks
CODEC_KBPS = [0.5, 1.0, 1.5, 2.0]  # 2 kbps at 25 frames a second and 10 bits a code: 8 codebooks
SPEECH_DBFS = -23.0
SPREAD = 4.0
"""Standard deviation of the codec's embeddings for speech; the first codebook has half of it, the next ones less."""
END_BIAS = 0.9
"""How much the random model leans towards ending its streams, in units of its logits' spread; decides its lengths."""


def token_id(released: int) -> int:
    """The id that a special token of the released vocabulary has here.

    >>> token_id(128_016)
    272
    """
    return released - RELEASED_SPECIALS + BYTES


def write(folder: Path, seed: int = 0) -> None:
    """Build the checkpoint where there is none yet; nothing that is there is overwritten.

    Raises:
        UsageError: Something is there already.
    """
    there = [name for name in ("model", "codec") if (folder / name).exists()]
    if there:
        raise UsageError(f"{folder} holds {' and '.join(there)} already: give another folder, or delete it first")
    build(folder, seed)


def build(folder: Path, seed: int = 0) -> None:
    """Write folder/model and folder/codec; the same seed writes the same weights."""
    import torch

    torchaudio_import.install()
    from transformers.utils import logging

    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        codec = _codec(folder / "codec")
        _model(folder / "model", codec)


def _codec(folder: Path) -> Any:
    from transformers import (
        DacConfig,
        DacFeatureExtractor,
        HiggsAudioV2TokenizerConfig,
        HiggsAudioV2TokenizerModel,
        HubertConfig,
    )

    acoustic: dict[str, Any] = {
        "encoder_hidden_size": 4,
        "decoder_hidden_size": 48,
        "hidden_size": 16,
        "downsampling_ratios": CODEC_RATIOS,
        "upsampling_ratios": CODEC_RATIOS,
    }
    config = HiggsAudioV2TokenizerConfig(
        target_bandwidths=CODEC_KBPS,
        sample_rate=CODEC_RATE_HZ,
        semantic_sample_rate=16_000,
        downsample_factor=320,
        codebook_size=1024,
        codebook_dim=8,
        acoustic_model_config=DacConfig(**acoustic),
        semantic_model_config=HubertConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            conv_dim=[16] * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=2,
            mask_time_prob=0.0,
        ),
    )
    codec = HiggsAudioV2TokenizerModel(config).eval()
    _calibrate(codec)
    codec.save_pretrained(folder)
    DacFeatureExtractor(feature_size=1, hop_length=config.hop_length, sampling_rate=CODEC_RATE_HZ).save_pretrained(
        folder
    )
    return HiggsAudioV2TokenizerModel.from_pretrained(folder).eval()


def _calibrate(codec: Any) -> None:
    """Silence to code 0 and back, speech over the whole codebook and back to `SPEECH_DBFS`."""
    import torch

    for module in codec.acoustic_decoder.modules():
        if isinstance(module, torch.nn.ConvTranspose1d | torch.nn.Conv1d) and module.bias is not None:
            module.bias.zero_()
    for linear in (codec.fc, codec.fc2):
        linear.bias.zero_()
    for layer in codec.quantizer.quantizers:
        layer.project_in.bias.zero_()
        layer.project_out.bias.zero_()
        # Orthogonal projections there and back, so that each codebook refines what the ones before it left.
        torch.nn.init.orthogonal_(layer.project_in.weight)
        layer.project_out.weight.copy_(layer.project_in.weight.T)

    # The semantic branch normalises the level away, so a random one would make a loud sound of the faintest noise.
    codec.fc.weight[:, codec.config.acoustic_model_config.hidden_size :] = 0

    heard: list[torch.Tensor] = []
    hook = codec.fc.register_forward_hook(lambda _module, _inputs, output: heard.append(output[0]))
    codec.encode(torch.zeros(1, 1, 48_000))
    codec.encode(_speechlike()[None, None])
    hook.remove()
    rest, speech = heard
    offset = rest.mean(dim=0)
    # Speech moves each dimension by this much on average, silence by nothing.
    scale = SPREAD / (speech - offset).std(dim=0).clamp_min(1e-6)
    codec.fc.weight.mul_(scale[:, None])
    codec.fc.bias.copy_(-offset * scale)

    spread = SPREAD / 2
    for layer in codec.quantizer.quantizers:
        layer.codebook.embed.normal_(std=spread)
        layer.codebook.embed[0] = 0
        layer.codebook.embed_avg.copy_(layer.codebook.embed)
        spread *= 0.6  # residuals get smaller from codebook to codebook

    codes = torch.randint(1, 1024, (1, 8, 50))
    level = codec.decode(codes).audio_values.square().mean().sqrt()
    codec.acoustic_decoder.conv2.weight.mul_(10 ** (SPEECH_DBFS / 20) / level)


def _speechlike() -> Any:
    """Two seconds of harmonics with a moving pitch, four syllables a second, at an ordinary level; shape (48000,)."""
    import torch

    time_s = torch.arange(2 * CODEC_RATE_HZ) / CODEC_RATE_HZ
    phase = 2 * torch.pi * torch.cumsum(150 + 40 * torch.sin(2 * torch.pi * 1.5 * time_s), 0) / CODEC_RATE_HZ
    tone = torch.stack([torch.sin(phase * number) / number for number in range(1, 12)]).sum(0)
    sound = (tone + 0.1 * torch.randn(48_000)) * (0.55 + 0.45 * torch.sin(2 * torch.pi * 4 * time_s))
    return sound * (10 ** (SPEECH_DBFS / 20) / sound.square().mean().sqrt())


def _model(folder: Path, codec: Any) -> None:
    from transformers import (
        DacFeatureExtractor,
        HiggsAudioV2Config,
        HiggsAudioV2ForConditionalGeneration,
        HiggsAudioV2Processor,
    )

    config = HiggsAudioV2Config(
        vocab_size=2 * BYTES,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=2048,
        num_codebooks=8,
        codebook_size=1026,  # 1024 codes, stream begin, stream end; the class default leaves the last two out
        audio_stream_bos_id=1024,
        audio_stream_eos_id=1025,
        bos_token_id=token_id(128_000),
        pad_token_id=token_id(128_001),
        eos_token_id=token_id(128_009),
        audio_bos_token_id=token_id(128_013),
        audio_delay_token_id=token_id(128_014),
        audio_token_id=token_id(128_016),
    )
    model = HiggsAudioV2ForConditionalGeneration(config).eval()
    _spread_logits(model)
    defaults = model.generation_config
    # Saved as if it came from the model's config, the repetition window would be dropped on loading.
    defaults._from_model_config = False
    released = dict(
        do_sample=True,
        temperature=1.0,
        top_k=50,
        top_p=0.95,
        ras_win_len=7,
        ras_win_max_num_repeat=2,
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
    )
    for name, value in released.items():
        setattr(defaults, name, value)  # its own update() drops names that it does not know, and so the window
    model.save_pretrained(folder)
    HiggsAudioV2Processor(
        feature_extractor=DacFeatureExtractor(feature_size=1, hop_length=1, sampling_rate=CODEC_RATE_HZ),
        tokenizer=_tokenizer(),
        audio_tokenizer=codec,
        chat_template=CHAT_TEMPLATE,
    ).save_pretrained(folder)


def _spread_logits(model: Any) -> None:
    """Logits with a spread of one at the audio head, as a trained model has, and a pull towards the end of a stream."""
    head = model.audio_lm_head.weight
    head.mul_(1 / (head.std() * head.shape[1] ** 0.5))
    by_codebook = head.view(model.config.num_codebooks, model.config.codebook_size, -1)
    by_codebook[:, model.config.audio_stream_eos_id] *= END_BIAS
    # A stream never begins anew in its middle.
    by_codebook[:, model.config.audio_stream_bos_id] = 0


def _tokenizer() -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokens.decoder = decoders.ByteLevel()
    names = [SPECIAL_TOKENS.get(RELEASED_SPECIALS + number, f"<|reserved_{number}|>") for number in range(BYTES)]
    tokens.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        bos_token="<|begin_of_text|>",
        eos_token="<|end_of_text|>",
        pad_token="<|end_of_text|>",
        padding_side="left",
    )
