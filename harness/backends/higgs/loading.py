"""Checkpoints: found, named and loaded, and refused where a file is not what it should be.

Conventions: a checkpoint is a folder in the hub's layout, or a hub id with a revision. Its name for provenance is a
hash over the index of its weight files (names, types, shapes), the first 4 KiB of each tensor, its configs and its
tokenizer: any training step changes every tensor, and 10 GB of weights are named in a second. Weights are read from
safetensors only, and code that comes with a checkpoint is never run.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import BackendError, HarnessError, UsageError

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
HUB_FILES = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"]
SAMPLED_BYTES = 4096
CONFIG_FILES = (
    "config.json",
    "generation_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)
"""What else shapes a take; processor_config.json is left out: it holds a path of the machine that it was saved on."""
LARGEST_HEADER_BYTES = 100_000_000  # the limit of the safetensors format itself

DTYPES = ("bfloat16", "float16", "float32")
FOREIGN_ERRORS = (OSError, ValueError, RuntimeError, KeyError, TypeError, IndexError, ImportError, AttributeError)
"""What torch, transformers and safetensors raise over what is not as it should be; none crosses the seam."""


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
        for name in CONFIG_FILES:
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
            **options,
        )
    except FOREIGN_ERRORS as error:
        raise BackendError(f"{what} {checkpoint.name} cannot be loaded ({said(error)})") from error
    finally:
        if bars:
            logging.enable_progress_bar()
    refuse_wrong_weights(what, checkpoint.name, info)
    return loaded.to(device).eval()


def _refuse_another_kind(wanted: str, what: str, checkpoint: Checkpoint) -> None:
    """Refuse by name, before a config without the needed fields is filled up with the class's own, 21 GB in size."""
    try:
        found = json.loads((checkpoint.folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise BackendError(f"{what} {checkpoint.name}: its config.json cannot be read ({said(error)})") from error
    if found != wanted:
        raise BackendError(
            f"{what} {checkpoint.name} is a {found!r} by its config.json; a {wanted!r} is needed: a checkpoint from "
            "before the transformers format cannot be loaded; give a converted one"
        )


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
    except FOREIGN_ERRORS as error:
        raise BackendError(
            f"model {checkpoint.name}: its tokenizer or feature extractor cannot be loaded ({said(error)})"
        ) from error
    template = checkpoint.folder / "chat_template.jinja"
    text = template.read_text(encoding="utf-8") if template.exists() else tokenizer.chat_template
    if not text:
        raise BackendError(f"model {checkpoint.name} has no chat template: copy chat_template.jinja beside its config")
    return HiggsAudioV2Processor(
        feature_extractor=extractor, tokenizer=tokenizer, audio_tokenizer=codec, chat_template=text
    )


def said(error: Exception) -> str:
    """An error in one line; one of ours speaks for itself."""
    first = (str(error).strip() or "no message").splitlines()[0]
    return first if isinstance(error, HarnessError) else f"{type(error).__name__}: {first}"
