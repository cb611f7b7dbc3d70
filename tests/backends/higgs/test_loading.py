import json
import shutil

import numpy as np
import pytest

from harness.backends import BackendOptions, open_backend
from harness.backends.higgs.loading import TRAINING_ONLY, refuse_wrong_weights
from harness.errors import BackendError, UsageError

pytestmark = pytest.mark.slow


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


def test_a_template_in_the_file_that_transformers_wrote_before_is_found(tiny, tmp_path, asked, opened):
    shutil.copytree(tiny / "model", tmp_path / "model")
    today = tmp_path / "model" / "chat_template.jinja"
    today.with_suffix(".json").write_text(json.dumps({"chat_template": today.read_text()}))
    today.unlink()
    backend = open_backend("higgs", BackendOptions(model=str(tmp_path / "model"), codec=str(tiny / "codec")))
    (take,), (same,) = backend.generate([asked()]), opened().generate([asked()])
    np.testing.assert_array_equal(take.audio.samples, same.audio.samples)


def test_a_codec_without_what_only_its_training_reads_says_the_same(tiny, tmp_path, asked, opened):
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny / "codec", tmp_path / "codec")
    weights = tmp_path / "codec" / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(weights).items() if not TRAINING_ONLY.match(name)}
    assert len(kept) < len(load_file(weights)) - 24
    save_file(kept, weights, metadata={"format": "pt"})
    backend = open_backend("higgs", BackendOptions(model=str(tiny / "model"), codec=str(tmp_path / "codec")))
    (take,), (same,) = backend.generate([asked()]), opened().generate([asked()])
    np.testing.assert_array_equal(take.audio.samples, same.audio.samples)


def test_weights_go_from_the_file_to_the_device_of_this_process(tiny, monkeypatch):
    from transformers import HiggsAudioV2ForConditionalGeneration as Model

    from harness.backends.higgs import loading
    from harness.backends.higgs.checkpoint import find

    asked = []
    real = Model.from_pretrained

    def from_pretrained(*given, device_map, **more):
        asked.append(device_map)
        return real(*given, device_map={"": "cpu"}, **more)

    monkeypatch.setattr(Model, "from_pretrained", from_pretrained)
    loading.load_model(find("model", str(tiny / "model"), ""), "cuda:3", "float32", "sdpa")
    assert asked == [{"": "cuda:3"}]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"dtype": "int8"}, "--dtype is 'int8'; one of bfloat16"),
        ({"attention": "magic"}, "--attn is 'magic'; one of eager"),
        ({"scene": "a <|room|>"}, "scene holds"),
        ({"model": ""}, "needs a model"),
    ],
)
def test_wrong_options_are_wrong_commands(tiny, options, complaint):
    given = {"model": str(tiny / "model"), "codec": str(tiny / "codec"), **options}
    with pytest.raises(UsageError, match=complaint):
        open_backend("higgs", BackendOptions(**given))
