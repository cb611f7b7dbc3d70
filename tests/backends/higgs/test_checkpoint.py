import json
import shutil

import pytest

from harness.backends import BackendOptions, open_backend
from harness.backends.higgs import checkpoint
from harness.backends.higgs.checkpoint import Checkpoint, find, find_codec
from harness.errors import UsageError

pytestmark = pytest.mark.slow  # builds the tiny checkpoint


def named(folder):
    return Checkpoint("some", folder, "local").weights_hash


@pytest.fixture
def copied(tiny, tmp_path):
    def copy(name, part="model"):
        shutil.copytree(tiny / part, tmp_path / name)
        return tmp_path / name

    return copy


def test_a_byte_changed_anywhere_is_another_identity_and_a_copy_is_not(tiny, copied):
    folder = copied("model")
    known = named(tiny / "model")
    assert named(folder) == known
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    for share in (0.0, 0.1, 0.33, 0.5, 0.77, 1.0):
        place = header + round(share * (len(whole) - header - 1))
        weights.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert named(folder) != known, f"byte {place} of {len(whole)}"
    weights.write_bytes(whole)
    assert named(folder) == known


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"])
def test_another_config_tokenizer_or_template_is_another_identity(tiny, copied, name):
    folder = copied("model")
    (folder / name).write_text((folder / name).read_text() + " ")
    assert named(folder) != named(tiny / "model")


def test_where_the_codec_lay_when_the_model_was_saved_is_no_part_of_it(tiny, copied):
    folder = copied("model")
    path = folder / "processor_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"audio_tokenizer": {"audio_tokenizer_name_or_path": "/elsewhere"}}))
    assert named(folder) == named(tiny / "model")
    path.write_text(json.dumps(config | {"audio_token": "<|another|>"}))
    assert named(folder) != named(tiny / "model")


def test_the_hash_of_a_large_file_is_remembered_until_the_file_changes(copied, monkeypatch):
    import os

    read = []
    real = checkpoint._read
    monkeypatch.setattr(checkpoint, "REMEMBERED_BYTES", 1_000_000)
    monkeypatch.setattr(checkpoint, "_read", lambda file: read.append(file.name) or real(file))
    folder = copied("model")
    weights = folder / "model.safetensors"
    first = named(folder)
    assert read.count("model.safetensors") == 1
    assert named(folder) == first
    assert read.count("model.safetensors") == 1
    # Changed by somebody who sets the old times again: the file's size and times are as before, its hash is not.
    before = weights.stat()
    whole = weights.read_bytes()
    with weights.open("r+b") as stream:
        stream.seek(len(whole) // 2)
        stream.write(bytes([whole[len(whole) // 2] ^ 1]))
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (weights.stat().st_size, weights.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert named(folder) != first
    assert read.count("model.safetensors") == 2


def test_without_a_home_that_can_be_written_to_the_file_is_read(tiny, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way of a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(checkpoint, "REMEMBERED_BYTES", 1)
    assert named(tiny / "model") == named(tiny / "model")


def test_a_large_file_of_the_hubs_cache_is_named_by_its_blob(copied, tmp_path, monkeypatch):
    read = []
    real = checkpoint._read
    monkeypatch.setattr(checkpoint, "_read", lambda file: read.append(file.name) or real(file))
    folder = copied("model")
    plain = named(folder)
    weights = folder / "model.safetensors"
    sha256 = real(weights)
    (tmp_path / "blobs").mkdir()
    weights.rename(tmp_path / "blobs" / sha256)
    weights.symlink_to(tmp_path / "blobs" / sha256)
    read.clear()
    assert named(folder) == plain
    assert sha256 not in read


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("", "needs a codec: give --codec FOLDER or --codec HUB_ID"),
        ("./nowhere", "is no folder and no hub id"),
        ("/nowhere/at/all", "is no folder and no hub id"),
    ],
)
def test_a_checkpoint_that_is_not_there_is_a_wrong_command(given, complaint):
    with pytest.raises(UsageError, match=complaint):
        find("codec", given, "")


def test_a_folder_without_safetensors_is_a_wrong_command(tiny, copied):
    folder = copied("model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"holds no .*safetensors file; weights are read from safetensors only"):
        open_backend("higgs", BackendOptions(model=str(folder), codec=str(tiny / "codec")))


@pytest.mark.parametrize(
    ("keep", "complaint"), [(4, "no header length"), (400, "cannot be read"), (200_000, "cut off")]
)
def test_a_weights_file_that_is_cut_off_is_a_wrong_command(tiny, copied, keep, complaint):
    weights = copied("codec", "codec") / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(
        data[:keep] if keep != 400 else data[:8] + b"{" * int.from_bytes(data[:8], "little") + data[400:]
    )
    with pytest.raises(UsageError, match=complaint):
        open_backend("higgs", BackendOptions(model=str(tiny / "model"), codec=str(weights.parent)))


def test_without_a_codec_the_one_that_the_processor_config_names_is_taken(tiny, asked):
    backend = open_backend("higgs", BackendOptions(model=str(tiny / "model")))
    given = open_backend("higgs", BackendOptions(model=str(tiny / "model"), codec=str(tiny / "codec")))
    assert backend.identity == given.identity
    (take,) = backend.generate([asked()])
    assert take.error == ""


def saved_with(folder, codec):
    path = folder / "processor_config.json"
    config = json.loads(path.read_text())
    config["audio_tokenizer"]["audio_tokenizer_name_or_path"] = codec
    path.write_text(json.dumps(config))
    return find("model", str(folder), "")


def test_a_codec_may_sit_in_a_folder_of_the_models_own_repository(tiny, copied):
    folder = copied("model")
    shutil.copytree(tiny / "codec", folder / "audio_tokenizer")
    assert find_codec(saved_with(folder, "audio_tokenizer"), "", "").folder == folder / "audio_tokenizer"


def test_a_codec_that_the_config_names_and_that_is_not_here_is_a_wrong_command(copied):
    model = saved_with(copied("model"), "/home/author/codec")
    with pytest.raises(UsageError, match=r"/home/author/codec.*processor_config.json .* names this one.*give --codec"):
        find_codec(model, "", "")


@pytest.mark.parametrize("name", ["bosonai/higgs-audio-v2-generation-3B-base", "bosonai/higgs-tts-2-3b-base"])
@pytest.mark.parametrize("saved", ["/home/author/codec", ""])
def test_the_released_model_has_its_released_codec_under_both_of_its_names(copied, name, saved):
    folder = copied("model")
    saved_with(folder, saved)
    assert Checkpoint(name, folder, "abc").codec == "bosonai/higgs-audio-v2-tokenizer"
    saved_with(folder, "somebody/another-codec")
    assert Checkpoint(name, folder, "abc").codec == "somebody/another-codec"


def test_a_model_whose_config_names_no_codec_needs_one(copied):
    folder = copied("model")
    (folder / "processor_config.json").unlink()
    with pytest.raises(UsageError, match="needs a codec: give --codec"):
        open_backend("higgs", BackendOptions(model=str(folder)))


def test_a_repository_that_keeps_its_codec_in_a_folder_says_which_one_to_name(tiny, tmp_path):
    shutil.copytree(tiny / "codec", tmp_path / "whole" / "audio_tokenizer")
    with pytest.raises(UsageError, match=r"holds no config.json; --codec .*whole/audio_tokenizer is needed"):
        find("codec", str(tmp_path / "whole"), "")
