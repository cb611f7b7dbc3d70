"""On a tiny WavLM with random weights: what it says is meaningless, how it is asked is what is tested."""

import numpy as np
import pytest

from harness import shipped
from harness.audio import Audio, load
from harness.errors import UsageError
from harness.metrics.speaker import cosine
from harness.metrics.xvector import XVector
from tests.synthetic import draw

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import torch
    from transformers import WavLMConfig, WavLMForXVector

    torch.manual_seed(0)
    config = WavLMConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(16, 16, 16),
        conv_stride=(5, 4, 16),
        conv_kernel=(10, 8, 16),
        num_feat_extract_layers=3,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        tdnn_dim=(16, 16),
        tdnn_kernel=(3, 1),
        tdnn_dilation=(1, 1),
        xvector_output_dim=12,
    )
    path = tmp_path_factory.mktemp("tiny-wavlm-sv")
    WavLMForXVector(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def encoder(folder):
    return XVector(str(folder))


@pytest.fixture(scope="module")
def clip():
    return load(shipped.VOICES / "omar.flac")


def test_vectors_are_unit_vectors_of_the_models_size(encoder, clip):
    (row,) = encoder.embed([clip])
    assert row.shape == (12,)
    assert np.linalg.norm(row) == pytest.approx(1.0, abs=1e-5)


def test_a_clip_scores_the_same_alone_and_in_company(encoder, clip):
    other = load(shipped.VOICES / "emma.flac")
    (alone,) = encoder.embed([clip])
    among = encoder.embed([other, clip, other])[1]
    assert cosine(alone, among) == pytest.approx(1.0, abs=1e-5)


def test_gain_does_not_change_the_voice(encoder, clip):
    quiet = Audio(clip.samples * np.float32(0.05), clip.sample_rate_hz)
    assert cosine(*encoder.embed([clip, quiet])) == pytest.approx(1.0, abs=1e-3)


def test_a_clip_without_speech_has_no_voice(encoder):
    assert np.isnan(encoder.embed([draw("....." * 4), draw("##")])).all()


def test_a_long_clip_is_cut_into_windows(encoder, clip):
    long = Audio(np.tile(clip.samples, 6), clip.sample_rate_hz)
    assert np.isfinite(encoder.embed([long])).all()


def test_the_fingerprint_names_model_and_weights(encoder, folder):
    assert encoder.fingerprint.startswith(f"x-vector {folder.name} ")
    assert encoder.fingerprint == XVector(str(folder)).fingerprint


def test_a_model_that_is_none_is_one_clear_line(tmp_path):
    with pytest.raises(UsageError, match="is no x-vector model that transformers can load"):
        XVector(str(tmp_path)).embed([draw("#" * 20)])
