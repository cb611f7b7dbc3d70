"""Model, codec and processor of a checkpoint, loaded, and refused where they are not what they should be.

Only safetensors are read, and code that comes with a checkpoint is never run. Weights go from the file straight to the
device, so that several workers do not each fill the host's memory with a copy.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from harness.backends.higgs.checkpoint import Checkpoint
from harness.errors import BackendError, HarnessError

DTYPES = ("bfloat16", "float16", "float32")
FOREIGN_ERRORS = (Exception,)
"""torch, its compiler, transformers and safetensors raise what they like; none of it crosses the seam."""
TRAINING_ONLY = re.compile(r"quantizer\..*\.codebook\.(embed_avg|cluster_size|inited)|decoder_semantic\..*|fc1\..*")
"""Weights of the codec that neither its encoder nor its decoder reads; a checkpoint may come without them."""


def load_codec(checkpoint: Checkpoint, device: str) -> Any:
    """The codec, always in float32: in half precision its HuBERT branch fails.

    Raises:
        BackendError: The folder is not a whole codec.
    """
    from transformers import HiggsAudioV2TokenizerModel

    return _load(HiggsAudioV2TokenizerModel, "codec", checkpoint, device, {"dtype": "float32"})


def load_model(checkpoint: Checkpoint, device: str, dtype: str, attention: str) -> Any:
    """The generation model.

    Raises:
        BackendError: The folder is not a whole model.
    """
    from transformers import HiggsAudioV2ForConditionalGeneration

    options = {"dtype": dtype, "attn_implementation": attention}
    return _load(HiggsAudioV2ForConditionalGeneration, "model", checkpoint, device, options)


def _load(kind: Any, what: str, checkpoint: Checkpoint, device: str, options: Mapping[str, str]) -> Any:
    from transformers.utils import logging

    _refuse_another_kind(kind.config_class.model_type, what, checkpoint)
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        loaded, info = kind.from_pretrained(
            checkpoint.folder,
            output_loading_info=True,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            device_map={"": device},
            **options,
        )
    except FOREIGN_ERRORS as error:
        raise BackendError(f"{what} {checkpoint.name} cannot be loaded ({said(error)})") from error
    finally:
        if bars:
            logging.enable_progress_bar()
    refuse_wrong_weights(what, checkpoint.name, info)
    return loaded.eval()


def _refuse_another_kind(wanted: str, what: str, checkpoint: Checkpoint) -> None:
    """Refuse by name, before a config without the needed fields is filled up with the class's own, 21 GB in size."""
    try:
        kind = json.loads((checkpoint.folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise BackendError(f"{what} {checkpoint.name}: its config.json cannot be read ({said(error)})") from error
    if kind != wanted:
        raise BackendError(
            f"{what} {checkpoint.name} is a {kind!r} by its config.json; a {wanted!r} is needed: a checkpoint from "
            "before the transformers format cannot be loaded; give a converted one"
        )


def refuse_wrong_weights(what: str, name: str, info: Mapping[str, Any]) -> None:
    """Refuse what transformers only warns about: weights that are missing stay random, others are ignored.

    Raises:
        BackendError: Any weight is missing, left over or of another shape.
    """
    counts = {
        "missing": [key for key in info.get("missing_keys", ()) if what != "codec" or not TRAINING_ONLY.match(key)],
        "unexpected": list(info.get("unexpected_keys", ())),
        "of another shape": [str(key) for key in info.get("mismatched_keys", ())],
    }
    wrong = [f"{len(keys)} weights {how} (first {min(map(str, keys))})" for how, keys in counts.items() if keys]
    if wrong:
        raise BackendError(
            f"{what} {name} does not hold this {what}'s weights: {', '.join(wrong)}; another model's file stands in "
            f"its place, or the download is not whole: give the right one with --{what}"
        )


def load_processor(checkpoint: Checkpoint, codec: Any) -> Any:
    """Tokenizer, feature extractor and chat template of the model, with the codec that was loaded on its own.

    The model's own processor would load the codec again, from a path and a revision of its own.

    Raises:
        BackendError: One of them is missing.
    """
    from transformers import AutoTokenizer, DacFeatureExtractor, HiggsAudioV2Processor

    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, trust_remote_code=False, local_files_only=True)
        extractor = DacFeatureExtractor.from_pretrained(checkpoint.folder, local_files_only=True)
    except FOREIGN_ERRORS as error:
        raise BackendError(
            f"model {checkpoint.name}: its tokenizer or feature extractor cannot be loaded ({said(error)})"
        ) from error
    text = _template(checkpoint) or tokenizer.chat_template
    if not text:
        raise BackendError(f"model {checkpoint.name} has no chat template: copy chat_template.jinja beside its config")
    return HiggsAudioV2Processor(
        feature_extractor=extractor, tokenizer=tokenizer, audio_tokenizer=codec, chat_template=text
    )


def _template(checkpoint: Checkpoint) -> str:
    """The chat template, from the file that transformers writes today or the one that it wrote before."""
    today, before = (checkpoint.folder / f"chat_template.{kind}" for kind in ("jinja", "json"))
    if today.exists():
        return today.read_text(encoding="utf-8")
    try:
        return str(json.loads(before.read_text(encoding="utf-8"))["chat_template"]) if before.exists() else ""
    except (ValueError, KeyError, TypeError) as error:
        raise BackendError(f"model {checkpoint.name}: {before.name} holds no template ({said(error)})") from error


def said(error: Exception) -> str:
    """An error in one line; one of ours speaks for itself."""
    first = (str(error).strip() or "no message").splitlines()[0]
    return first if isinstance(error, HarnessError) else f"{type(error).__name__}: {first}"
