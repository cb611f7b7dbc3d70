"""Checkpoints: found, named and loaded, and refused where a file is not what it should be.

Conventions: a checkpoint is a folder in the hub's layout, or a hub id with a revision. Its name for provenance is a
hash over the index of its weight files (names, types, shapes) and over the first 4 KiB of each tensor: any training
step changes every tensor, and 10 GB of weights are named in a second. Weights are read from safetensors only, and code
that comes with a checkpoint is never run.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import BackendError, UsageError

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
HUB_FILES = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"]
SAMPLED_BYTES = 4096
LARGEST_HEADER_BYTES = 100_000_000  # the limit of the safetensors format itself

DTYPES = ("bfloat16", "float16", "float32")
LOADING_ERRORS = (OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError, AttributeError)
"""What transformers and safetensors raise over files that are not what they should be."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder of config and weights on this machine."""

    name: str
    """As the user gave it."""
    folder: Path
    revision: str
    """The hub's commit, or 'local'."""

    @cached_property
    def weights_hash(self) -> str:
        """16 hexadecimal digits; see the conventions above."""
        files = sorted(self.folder.glob("*.safetensors"))
        if not files:
            raise UsageError(
                f"{self.name}: {self.folder} holds no *.safetensors file; weights are read from safetensors only"
            )
        found = hashlib.sha256()
        for file in files:
            _add_weights(found, file)
        for name in ("config.json", "generation_config.json"):
            if (self.folder / name).exists():
                found.update((self.folder / name).read_bytes())
        return found.hexdigest()[:16]


def _add_weights(into: "hashlib._Hash", file: Path) -> None:
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(size, LARGEST_HEADER_BYTES):
            raise UsageError(f"{file} is no safetensors file (its first 8 bytes are no header length): copy it again")
        header = stream.read(length)
        try:
            tensors = json.loads(header)
            ends = sorted(entry["data_offsets"] for name, entry in tensors.items() if name != "__metadata__")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{file} is no safetensors file (its header cannot be read): copy it again") from error
        if ends and 8 + length + max(end for _, end in ends) > size:
            raise UsageError(f"{file} is cut off at {size} bytes; its header promises more: copy it again")
        into.update(file.name.encode() + header)
        for start, end in ends:
            stream.seek(8 + length + start)
            into.update(stream.read(min(SAMPLED_BYTES, end - start)))


def find(what: str, given: str, revision: str) -> Checkpoint:
    """The checkpoint that the user named: a folder as it is, a hub id downloaded unless it is on this machine.

    Raises:
        UsageError: Nothing was named, the folder is not there or has no config, or the hub does not give it.
    """
    flag = f"--{what}"
    if not given:
        raise UsageError(f"the higgs backend needs a {what}: give {flag} FOLDER or {flag} HUB_ID")
    folder = Path(given)
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise UsageError(f"{flag} {given}: holds no config.json; a folder in the hub's layout is needed")
        return Checkpoint(given, folder, revision or "local")
    if folder.exists() or not HUB_ID.fullmatch(given):
        raise UsageError(f"{flag} {given}: is no folder and no hub id (OWNER/NAME): check the path")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        found = Path(snapshot_download(given, revision=revision or None, allow_patterns=HUB_FILES))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"{flag} {given}: is no folder here, and the hub does not give it ({first}): check the path, or download "
            "it where there is a network"
        ) from error
    return Checkpoint(given, found, found.name)


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

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        loaded, info = kind.from_pretrained(
            checkpoint.folder,
            output_loading_info=True,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            **options,
        )
    except LOADING_ERRORS as error:
        raise BackendError(f"{what} {checkpoint.name} cannot be loaded ({_first_line(error)})") from error
    finally:
        if bars:
            logging.enable_progress_bar()
    refuse_wrong_weights(what, checkpoint.name, info)
    return loaded.to(device).eval()


def refuse_wrong_weights(what: str, name: str, info: Mapping[str, Any]) -> None:
    """Refuse what transformers only warns about: weights that are missing stay random, others are ignored.

    Raises:
        BackendError: Any weight is missing, left over or of another shape.
    """
    counts = {
        "missing": list(info.get("missing_keys", ())),
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
    except LOADING_ERRORS as error:
        raise BackendError(
            f"model {checkpoint.name}: its tokenizer or feature extractor cannot be loaded ({_first_line(error)})"
        ) from error
    template = checkpoint.folder / "chat_template.jinja"
    text = template.read_text(encoding="utf-8") if template.exists() else tokenizer.chat_template
    if not text:
        raise BackendError(f"model {checkpoint.name} has no chat template: copy chat_template.jinja beside its config")
    return HiggsAudioV2Processor(
        feature_extractor=extractor, tokenizer=tokenizer, audio_tokenizer=codec, chat_template=text
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
