"""A clip is heard once for a model; what failed or was damaged is heard again."""

import numpy as np
import pytest

from harness.metrics.measuring import Nowhere
from harness.metrics.recognition import TextScore, TextScorer
from harness.metrics.remembered import (
    RememberedEncoder,
    RememberedRecognizer,
    packed_rows,
    remembering,
    unpacked_rows,
)
from harness.store import DerivedValues
from tests.recognisers import Told
from tests.synthetic import draw


class Counting:
    fingerprint = "counting"

    def __init__(self):
        self.clips = 0

    def embed(self, clips):
        self.clips += len(clips)
        return np.stack([np.array([clip.samples.sum(), np.nan], np.float32) for clip in clips])


def test_an_embedding_is_computed_once_for_a_clip_and_an_encoder(tmp_path):
    encoder, derived = Counting(), DerivedValues(tmp_path)
    one, other = draw("#"), draw("##")
    first = RememberedEncoder(encoder, derived).embed([one, other, one])
    assert first.dtype == np.float32
    np.testing.assert_array_equal(RememberedEncoder(encoder, derived).embed([one, other, one]), first)
    assert encoder.clips == 2
    encoder.fingerprint = "another"
    RememberedEncoder(encoder, derived).embed([one])
    assert encoder.clips == 3


def test_embeddings_come_back_bit_for_bit_in_less_than_half_their_size():
    rng = np.random.default_rng(0)
    voice = np.maximum(0, rng.standard_normal(256))  # as after a rectifier: half of them are zero
    rows = np.where(voice > 0, voice + rng.normal(0, 0.01, (20, 256)), 0).astype(np.float32)
    assert packed_rows(rows) == packed_rows(rows.copy(order="F"))
    np.testing.assert_array_equal(unpacked_rows(packed_rows(rows)), rows)
    assert len(packed_rows(rows)) < rows.nbytes / 2
    assert unpacked_rows(packed_rows(rows[:0])).shape == (0, 1)
    odd = np.array([[np.nan, -0.0, np.inf]], np.float32)
    assert unpacked_rows(packed_rows(odd)).tobytes() == odd.tobytes()


def test_where_nothing_is_kept_every_batch_is_heard():
    encoder = Counting()
    RememberedEncoder(encoder, Nowhere()).embed([draw("#")])
    RememberedEncoder(encoder, Nowhere()).embed([draw("#")])
    assert encoder.clips == 2


def test_embeddings_that_were_exchanged_on_disk_are_computed_again(tmp_path):
    encoder = Counting()
    clips = [draw("#"), draw("##")]
    first = RememberedEncoder(encoder, DerivedValues(tmp_path)).embed(clips)
    one, other = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    swapped = one.read_bytes(), other.read_bytes()
    one.write_bytes(swapped[1])
    other.write_bytes(swapped[0])
    np.testing.assert_array_equal(RememberedEncoder(encoder, DerivedValues(tmp_path)).embed(clips), first)
    assert encoder.clips == 4


def test_a_clip_is_heard_once_for_a_recogniser_and_a_language(tmp_path):
    one, other, derived = draw("#"), draw("##"), DerivedValues(tmp_path)
    told = Told({one.samples.size: "سلام", other.samples.size: ""})
    heard = RememberedRecognizer(told, derived)
    assert heard.transcribe([one, other, one], ["ar", "ar", "ar"]) == ["سلام", "", "سلام"]
    assert RememberedRecognizer(told, derived).transcribe([other, one], ["ar", "ar"]) == ["", "سلام"]
    assert [len(batch) for batch in told.batches] == [2]
    heard.transcribe([one], ["de"])
    told.fingerprint = "another"
    RememberedRecognizer(told, derived).transcribe([one], ["ar"])
    assert [len(batch) for batch in told.batches] == [2, 1, 1]


def test_what_a_recogniser_failed_on_is_asked_again(tmp_path):
    told = Told({draw("#").samples.size: RuntimeError("out of memory")})
    with pytest.raises(RuntimeError):
        RememberedRecognizer(told, DerivedValues(tmp_path)).transcribe([draw("#")], ["ar"])
    told.texts = {draw("#").samples.size: "سلام"}
    assert RememberedRecognizer(told, DerivedValues(tmp_path)).transcribe([draw("#")], ["ar"]) == ["سلام"]


def test_a_damaged_transcript_is_heard_again(tmp_path):
    told = Told({draw("#").samples.size: "سلام"})
    RememberedRecognizer(told, DerivedValues(tmp_path)).transcribe([draw("#")], ["ar"])
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    path.write_bytes(path.read_bytes().replace("سلام".encode(), "كلام".encode()))
    assert RememberedRecognizer(told, DerivedValues(tmp_path)).transcribe([draw("#")], ["ar"]) == ["سلام"]
    assert len(told.batches) == 2


class Scoring(Told):
    """Holds a text for likelier the shorter it is, and counts how often it was asked."""

    weights, asked = "0" * 16, 0

    def log_likelihoods(self, clips, languages, texts):
        self.asked += 1
        return [[TextScore(-float(len(text)), (-1.0,)) for text in wanted] for wanted in texts]


class Expecting(Scoring):
    def word_priors(self, languages, texts):
        self.asked += 1
        return [tuple(-float(len(word)) for word in text.split()) for text in texts]


def test_what_is_expected_in_silence_is_asked_once_of_whom_can_say_it(tmp_path):
    one = Expecting({})
    for texts in (["a bcd"], ["a bcd", "e"], ["e"]):
        found = remembering(one, DerivedValues(tmp_path)).word_priors(["ar"] * len(texts), texts)
        assert found == [tuple(-float(len(word)) for word in text.split()) for text in texts]
    assert one.asked == 2
    assert remembering(Scoring({}), DerivedValues(tmp_path)).word_priors(["ar"], ["a bcd"]) == [()]


def test_how_likely_a_text_is_is_asked_once_of_whom_can_say_it(tmp_path):
    scoring, clip = Scoring({}), draw("#")
    for texts in (["a", "bcd"], ["a", "bcd"], ["a"]):
        heard = remembering(scoring, DerivedValues(tmp_path))
        (found,) = heard.log_likelihoods([clip], ["ar"], [texts])
        assert [one.total for one in found] == [-float(len(text)) for text in texts]
    assert scoring.asked == 2
    assert isinstance(heard, TextScorer)
    assert not isinstance(remembering(Told({}), DerivedValues(tmp_path)), TextScorer)
