"""A pair whose marks are spoken differs in its word; one whose marks are dropped does not."""

from dataclasses import replace

import numpy as np
import pytest

from harness import audio, shipped, torchaudio_import
from harness.audio import Audio
from harness.corpus import load_corpus
from harness.decision.gates import judge, load_profile
from harness.metrics import diacritics, metrics_of
from harness.metrics.diacritics import difference, writes_vowels
from harness.metrics.measuring import Measuring
from harness.records.gate import Outcome
from harness.take import Request
from tests.recognisers import Told
from tests.synthetic import RATE_HZ, draw, reference, request, take

ONE, TWO = "هَذَا عِلْمٌ نَعْتَزُّ بِهِ جَمِيعًا", "هَذَا عَلَمٌ نَعْتَزُّ بِهِ جَمِيعًا"
# Two resonances in Hz for each of ten steps of the sentence, and a vowel that the sentence has elsewhere.
VOWELS = [(700, 1200), (300, 2200), (500, 900), (350, 1900), (650, 1700)]
OTHER = (280, 2400)


def sentence(steps, seed=0, jitter=0.03, step_s=0.25):
    """A buzz through two resonances a step; a seed moves tempo, resonances and noise as two takes of a voice do."""
    chance = np.random.default_rng(seed)
    pieces = []
    for first, second in steps:
        count = round(step_s * RATE_HZ * chance.normal(1, jitter))
        times = np.arange(count) / RATE_HZ
        formants = np.asarray([first, second]) * chance.normal(1, jitter, 2)
        harmonics = np.arange(1, 60)[:, None]
        gain = sum(1 / (1 + ((120 * harmonics - formant) / 120) ** 2) for formant in formants)
        pieces.append((gain * np.sin(2 * np.pi * 120 * harmonics * times)).sum(axis=0))
    sound = np.concatenate(pieces)
    return Audio((0.1 * sound / np.abs(sound).max() + chance.normal(0, 1e-4, sound.size)).astype(np.float32), RATE_HZ)


STEPS = VOWELS + VOWELS
MARKED = [*STEPS[:2], OTHER, *STEPS[3:]]


def row(number, text, sound=None, pair="ilm-alam", **changes):
    asked = request(text)
    spoken = replace(asked.utterance, id=f"diacritized-{number:03d}", suite="diacritized", number=number, pair=pair)
    asked = Request(spoken, changes.get("voice", asked.reference), 0, asked.chunks, asked.system)
    return take(sound, asked=asked) if sound is not None else take(error="timed out", asked=asked)


def measure_pair(one, partner, recognizer):
    made = {} if recognizer is None else {"recognizer": recognizer}
    company = [one] if partner is None else [one, partner]
    (found,) = Measuring(company=lambda: company, **made).measure([one], metrics_of(diacritics))
    return found


def contrast(one, two, texts=(ONE, TWO)):
    return measure_pair(row(1, texts[0], one), row(2, texts[1], two), None)["pair_contrast"]


def outcome(found, metric="pair_contrast"):
    (verdict,) = judge(load_profile("documented", "").of("diacritized", [metric]), {metric: found}, {})
    return verdict.outcome


def test_a_pair_that_is_spoken_as_marked_passes():
    found = [contrast(sentence(STEPS, seed), sentence(MARKED, seed + 100)) for seed in range(3)]
    assert [outcome(one) for one in found] == [Outcome.PASS] * 3


def test_a_pair_whose_marks_were_dropped_fails():
    found = [contrast(sentence(STEPS, seed), sentence(STEPS, seed + 100)) for seed in range(3)]
    assert [outcome(one) for one in found] == [Outcome.FAIL] * 3


def test_one_sound_for_both_rows_is_no_division_by_zero():
    found = contrast(sentence(STEPS), sentence(STEPS))
    assert found.value < 1e-6
    assert outcome(found) is Outcome.FAIL


def test_both_takes_of_a_pair_get_one_number():
    one, two = row(1, ONE, sentence(STEPS, 1)), row(2, TWO, sentence(MARKED, 2))
    assert measure_pair(one, two, None)["pair_contrast"].value == measure_pair(two, one, None)["pair_contrast"].value


def test_a_difference_elsewhere_is_not_the_mark():
    elsewhere = [*STEPS[:8], OTHER, STEPS[9]]
    assert outcome(contrast(sentence(STEPS), sentence(elsewhere, 1))) is Outcome.FAIL


def test_loudness_says_nothing():
    one, two = sentence(STEPS), sentence(MARKED, 1)
    quiet = Audio(two.samples * np.float32(0.05), RATE_HZ)
    assert contrast(one, quiet).value == pytest.approx(contrast(one, two).value, rel=0.1)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (("دَرَسَ أَخِي ثَلَاثَ سَنَوَاتٍ", "دَرَّسَ أَخِي ثَلَاثَ سَنَوَاتٍ"), "shadda only"),
        ((ONE, ONE), "do not differ in diacritics"),
        (("عِلْمٌ", "عَلَمٌ"), "fill the sentence"),
    ],
)
def test_what_cannot_be_heard_this_way_is_refused_with_the_reason(texts, reason):
    found = contrast(sentence(STEPS), sentence(MARKED), texts)
    assert reason in found.why_not
    assert outcome(found) is Outcome.REFUSED


def test_a_row_without_its_partner_is_refused():
    spoken = row(1, ONE, sentence(STEPS))
    assert "was not selected" in measure_pair(spoken, None, None)["pair_contrast"].why_not
    alone = row(1, ONE, sentence(STEPS), pair="")
    assert "no minimal pair" in measure_pair(alone, None, None)["pair_contrast"].why_not
    stranger = row(2, TWO, sentence(MARKED), voice=reference(sha256="1" * 64))
    found = measure_pair(spoken, stranger, None)["pair_contrast"]
    assert outcome(found) is Outcome.REFUSED
    assert "different voices" in found.why_not


@pytest.mark.parametrize("spoilt", ["mine", "the partner's"])
@pytest.mark.parametrize(
    "sound",
    [None, Audio(np.zeros(48_000, np.float32), RATE_HZ), Audio(np.full(48_000, np.nan, np.float32), RATE_HZ)],
    ids=["missing", "silent", "not a number"],
)
def test_a_bad_take_is_inconclusive_on_either_side(sound, spoilt):
    good, bad = row(1, ONE, sentence(STEPS)), row(2, TWO, sound)
    mine, partner = (bad, good) if spoilt == "mine" else (good, bad)
    assert outcome(measure_pair(mine, partner, None)["pair_contrast"]) is Outcome.INCONCLUSIVE


def test_a_runaway_is_inconclusive_and_not_aligned_for_minutes():
    long = Audio(np.tile(sentence(STEPS).samples, 13), RATE_HZ)
    found = contrast(sentence(STEPS), long)
    assert outcome(found) is Outcome.INCONCLUSIVE
    assert "longer than 30 s" in found.why_not


def reading(heard):
    one, two = row(1, ONE, sentence(STEPS)), row(2, TWO, sentence(MARKED, 1))
    return measure_pair(one, two, Told({one.audio.samples.size: heard}))["pair_reading"]


def test_a_recogniser_that_writes_marks_says_which_row_was_spoken():
    assert reading(ONE).value == 1
    assert outcome(reading(ONE), "pair_reading") is Outcome.PASS
    assert reading(TWO).value == -1
    assert outcome(reading(TWO), "pair_reading") is Outcome.FAIL


def test_a_recogniser_without_marks_is_refused_and_one_that_raises_is_inconclusive():
    assert "writes no diacritics" in reading("هذا علم نعتز به جميعا").why_not
    assert outcome(reading(RuntimeError("broken")), "pair_reading") is Outcome.INCONCLUSIVE
    assert "human speech in 'ar'" in reading(RuntimeError("broken")).why_not  # it hears no reference either: one cause
    alone = measure_pair(row(1, ONE, sentence(STEPS)), None, None)["pair_reading"]
    assert outcome(alone, "pair_reading") is Outcome.REFUSED


def test_every_pair_of_the_corpus_differs_in_its_marks():
    rows = [utterance for utterance in load_corpus("diacritized") if utterance.pair]
    found = [
        difference(one.text, two.text)
        for one in rows
        for two in rows
        if one.pair == two.pair and one.number < two.number
    ]
    assert len(found) == len(rows) / 2 > 0
    assert all(0 <= pair.start < pair.end <= 1 for pair in found)
    assert [pair.words for pair in found if pair.shadda_only] == ["دَرَسَ/دَرَّسَ"]


def test_words_that_differ_in_letters_are_no_pair_of_marks():
    assert difference("هَذَا عِلْمٌ", "هَذَا عِلْمٌ نَافِعٌ") is None


def test_warping_finds_the_straight_path_between_equals():
    frames = np.random.default_rng(1).normal(size=(40, 12))
    path, distances = diacritics.warp(frames, frames)
    np.testing.assert_array_equal(path[:, 0], path[:, 1])
    assert distances.max() < 1e-6


def test_warping_absorbs_a_lingering():
    frames = np.repeat(np.random.default_rng(1).normal(size=(20, 12)), 2, axis=0)
    slow = np.repeat(frames, 2, axis=0)
    path, distances = diacritics.warp(frames, slow)
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [39, 79]
    assert distances.max() < 1e-6


@pytest.mark.slow
def test_the_embedded_voice_is_heard_to_speak_its_marks_and_without_them_is_caught(tmp_path):
    import unicodedata

    from harness.backends.embedded import WORDS_PER_MINUTE, speak
    from harness.corpus import load_voices
    from harness.take import Provenance

    layla = next(voice for voice in load_voices(shipped.VOICES) if voice.id == "layla")
    rows = [utterance for utterance in load_corpus("diacritized") if utterance.pair == "kataba-kutiba"]

    def spoken(utterance, seed, text):
        said = replace(request(text), reference=layla, seed=seed)
        made = speak(said, WORDS_PER_MINUTE, Provenance("embedded", "embedded", "1"))
        # Spoken with seeds of their own, so that the takes vary; a pair is of one seed.
        return replace(made, request=replace(said, utterance=utterance, seed=0))

    bare = ["".join(c for c in row.text if unicodedata.category(c) != "Mn") for row in rows]
    marked = [spoken(row, seed, row.text) for seed, row in enumerate(rows)]
    dropped = [spoken(row, seed, text) for seed, (row, text) in enumerate(zip(rows, bare, strict=True))]
    assert outcome(measure_pair(*marked, None)["pair_contrast"]) is Outcome.PASS
    assert outcome(measure_pair(*dropped, None)["pair_contrast"]) is Outcome.FAIL


def test_a_tanwin_here_and_there_is_not_writing_diacritics():
    assert not writes_vowels("هذا علمٌ نعتز به جداً")
    assert writes_vowels("هَذَا عِلْمٌ نَعْتَزُّ بِهِ")


def test_the_mel_spectrogram_is_torchaudio_s():
    torchaudio_import.install()
    import torch
    import torchaudio

    sound = draw("#" * 30)
    samples = audio.resample(sound, diacritics.RATE_HZ).samples
    theirs = torchaudio.transforms.MelSpectrogram(
        diacritics.RATE_HZ, n_fft=400, hop_length=160, n_mels=40, norm="slaney", mel_scale="slaney"
    )(torch.as_tensor(samples))
    ours = diacritics._mel_power(samples)
    np.testing.assert_allclose(ours, theirs.T.numpy(), rtol=1e-4, atol=1e-5 * float(theirs.max()))
