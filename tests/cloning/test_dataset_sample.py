from dataclasses import replace

import numpy as np
import pytest

from harness.cloning import dataset_sample
from harness.errors import UsageError
from tests.synthetic import draw

SOUNDS = [draw("#" * 30), draw("#" * 10)]
CODES = [np.ones((8, 75), np.int64), np.zeros((8, 25), np.int64)]


def test_audios_are_found_by_their_starts_one_each():
    sample = dataset_sample.of([1, 2, 3], SOUNDS, CODES)
    assert sample.audios == 2
    assert sample.audio_ids_start.tolist() == [0, 75]
    assert sample.audio_waveforms_start.tolist() == [0, 72_000]
    assert sample.audio_ids_concat.shape == (8, 100)
    assert sample.audio_waveforms_concat.shape == (96_000,)
    assert sample.audio_sample_rate.tolist() == [24_000, 24_000]
    assert sample.audio_speaker_indices.tolist() == [-1, -1]
    np.testing.assert_array_equal(sample.audio_waveforms_concat[72_000:], SOUNDS[1].samples)


def test_one_audio_has_one_start_where_the_design_counts_two():
    assert dataset_sample.of([1], SOUNDS[:1], CODES[:1]).audio_waveforms_start.tolist() == [0]


def test_a_conversation_without_audio_has_no_starts():
    sample = dataset_sample.of([1, 2], [], [])
    assert (sample.audios, sample.audio_waveforms_concat.size) == (0, 0)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"audio_waveforms_start": np.array([0, 72_000, 96_000])}, "3 entries for 2 audios"),
        ({"audio_ids_start": np.array([0, 100])}, "starts only"),
        ({"audio_ids_start": np.array([5, 75])}, "starts only"),
        ({"audio_ids_concat": np.ones(100, np.int64)}, "2 dimension"),
        ({"audio_speaker_indices": np.array([0])}, "1 entries for 2 audios"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(change, complaint):
    with pytest.raises(UsageError, match=complaint):
        replace(dataset_sample.of([1, 2, 3], SOUNDS, CODES), **change)


def test_an_audio_without_codes_is_refused():
    with pytest.raises(UsageError, match="2 audios came with the codes of 1"):
        dataset_sample.of([1], SOUNDS, CODES[:1])


def test_codes_of_different_codebooks_are_refused():
    with pytest.raises(UsageError, match=r"\[4, 8\] codebooks"):
        dataset_sample.of([1], SOUNDS, [CODES[0], CODES[1][:4]])
