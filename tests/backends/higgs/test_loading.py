import json
import shutil

import pytest

from harness.backends import BackendOptions, open_backend
from harness.backends.higgs.loading import Checkpoint, find, refuse_wrong_weights
from harness.errors import BackendError, UsageError

pytestmark = pytest.mark.slow


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


def test_a_hub_id_without_a_network_is_a_wrong_command(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def refuse(name, revision, allow_patterns):
        assert (name, revision) == ("somebody/a-model", "abc")
        assert "*.bin" not in allow_patterns
        raise LocalEntryNotFoundError("cannot find the snapshot\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(UsageError, match=r"the hub does not give it \(cannot find the snapshot\)"):
        find("model", "somebody/a-model", "abc")


def test_a_hub_checkpoint_is_named_by_its_commit(monkeypatch, tiny, tmp_path):
    import huggingface_hub

    shutil.copytree(tiny / "model", tmp_path / "0123abc")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path / "0123abc"))
    assert find("model", "somebody/a-model", "").revision == "0123abc"


def test_a_folder_without_safetensors_is_a_wrong_command(tiny, tmp_path):
    shutil.copytree(tiny / "model", tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").rename(tmp_path / "model" / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"holds no .*safetensors file; weights are read from safetensors only"):
        open_backend("higgs", BackendOptions(model=str(tmp_path / "model"), codec=str(tiny / "codec")))


@pytest.mark.parametrize(
    ("keep", "complaint"), [(4, "no header length"), (400, "cannot be read"), (200_000, "cut off")]
)
def test_a_weights_file_that_is_cut_off_is_a_wrong_command(tiny, tmp_path, keep, complaint):
    shutil.copytree(tiny / "codec", tmp_path / "codec")
    weights = tmp_path / "codec" / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(
        data[:keep] if keep != 400 else data[:8] + b"{" * int.from_bytes(data[:8], "little") + data[400:]
    )
    with pytest.raises(UsageError, match=complaint):
        open_backend("higgs", BackendOptions(model=str(tiny / "model"), codec=str(tmp_path / "codec")))


def test_a_training_step_changes_the_hash_and_a_copy_does_not(tiny, tmp_path):
    from safetensors.torch import load_file, save_file

    for name in ("copy", "trained"):
        shutil.copytree(tiny / "model", tmp_path / name)
    weights = tmp_path / "trained" / "model.safetensors"
    tensors = load_file(weights)
    save_file({name: tensor * 1.0001 for name, tensor in tensors.items()}, weights, metadata={"format": "pt"})
    hashes = {name: Checkpoint(name, tmp_path / name, "local").weights_hash for name in ("copy", "trained")}
    assert hashes["copy"] == Checkpoint("tiny", tiny / "model", "local").weights_hash
    assert hashes["trained"] != hashes["copy"]


def test_the_models_weights_in_place_of_the_codecs_are_refused(tiny, tmp_path, asked):
    shutil.copytree(tiny / "codec", tmp_path / "codec")
    shutil.copy(tiny / "model" / "model.safetensors", tmp_path / "codec" / "model.safetensors")
    backend = open_backend("higgs", BackendOptions(model=str(tiny / "model"), codec=str(tmp_path / "codec")))
    for _ in range(2):
        with pytest.raises(
            BackendError, match=r"does not hold this codec's weights: \d+ weights missing .* unexpected"
        ):
            backend.generate([asked()])
    assert backend.loads == 1


def test_missing_left_over_and_misshapen_weights_are_all_named():
    info = {"missing_keys": ["b", "a"], "unexpected_keys": ["x"], "mismatched_keys": [("w", 1, 2)]}
    with pytest.raises(
        BackendError, match=r"2 weights missing \(first a\), 1 weights unexpected .*1 weights of another"
    ):
        refuse_wrong_weights("model", "M", info)
    refuse_wrong_weights("model", "M", {"missing_keys": set(), "unexpected_keys": set(), "mismatched_keys": set()})


def test_a_codec_of_another_frame_rate_is_refused(tiny, tmp_path):
    from types import SimpleNamespace

    from harness.backends.higgs import proof

    with pytest.raises(BackendError, match="gives 75 frames a second in 5 codebooks; 25 in 8 are needed"):
        proof.prove_codec(SimpleNamespace(config=SimpleNamespace(frame_rate=75, num_quantizers=5)))


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (
            json.dumps({"model_type": "higgs_audio"}),
            "is a 'higgs_audio' by its config.json; a 'higgs_audio_v2' is needed",
        ),
        ("no config", r"its config.json cannot be read \(JSONDecodeError"),
    ],
)
def test_a_checkpoint_of_another_kind_fails_every_take_with_one_line(tiny, tmp_path, asked, config, complaint):
    shutil.copytree(tiny / "model", tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text(config)
    backend = open_backend("higgs", BackendOptions(model=str(tmp_path / "model"), codec=str(tiny / "codec")))
    with pytest.raises(BackendError, match=complaint) as caught:
        backend.generate([asked()])
    assert "\n" not in str(caught.value)


def test_a_model_without_a_chat_template_is_refused(tiny, tmp_path, asked):
    shutil.copytree(tiny / "model", tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").unlink()
    backend = open_backend("higgs", BackendOptions(model=str(tmp_path / "model"), codec=str(tiny / "codec")))
    with pytest.raises(BackendError, match="has no chat template"):
        backend.generate([asked()])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"dtype": "int8"}, "--dtype is 'int8'; one of bfloat16"),
        ({"attention": "magic"}, "--attn is 'magic'; one of eager"),
        ({"conversation": "chat"}, "--conversation is 'chat'; one of released, design"),
        ({"scene": "a <|room|>"}, "scene holds"),
        ({"codec": ""}, "needs a codec"),
        ({"model": ""}, "needs a model"),
    ],
)
def test_wrong_options_are_wrong_commands(tiny, options, complaint):
    given = {"model": str(tiny / "model"), "codec": str(tiny / "codec"), **options}
    with pytest.raises(UsageError, match=complaint):
        open_backend("higgs", BackendOptions(**given))
