"""The same Whisper from both kinds of folder: the same words, scores and times within what whole numbers cost."""

import json

import pytest

from harness.errors import UsageError
from harness.metrics.recognition import open_recognizer
from harness.metrics.recognition.ctranslate2_folder import CTranslate2Whisper, holds_a_model
from tests.recognisers import noise, tiny_whisper

TEXTS = ["سلام", "سلام دار", "دار", "سلام سلام", ""]
CLIPS = [noise(seconds, seed=number) for number, seconds in enumerate((2, 3.3, 31, 1.5))]
QUANTISED = 0.15  # of a score; random weights lose more to 8 bits than learned ones


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    converters = pytest.importorskip("ctranslate2.converters", reason="needs the extra asr")
    saved, converted = tmp_path_factory.mktemp("saved"), tmp_path_factory.mktemp("converted")
    tiny_whisper(saved, positions=448)  # as many as the library takes for granted
    converter = converters.TransformersConverter(str(saved), copy_files=["tokenizer.json"])
    converter.convert(str(converted), force=True)
    return saved, converted


@pytest.fixture(scope="module")
def both(folders):
    return [open_recognizer(str(folder)) for folder in folders]


def test_a_folder_is_told_by_what_it_holds(tmp_path):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.bin").touch()
    assert not holds_a_model(tmp_path)
    (tmp_path / "vocabulary.json").touch()
    assert isinstance(open_recognizer(str(tmp_path)), CTranslate2Whisper)


def test_a_folder_without_its_tokenizer_says_how_to_convert_it(tmp_path):
    (tmp_path / "config.json").write_text('{"lang_ids": [1]}', encoding="utf-8")
    with pytest.raises(UsageError, match=r"--copy_files tokenizer\.json"):
        CTranslate2Whisper(str(tmp_path)).check_language("ar")


@pytest.mark.slow
@pytest.mark.parametrize(("compute_type", "off"), [("float32", 1e-3), ("", QUANTISED)])
def test_scores_are_those_of_the_same_weights_in_the_other_library(both, folders, compute_type, off):
    other = CTranslate2Whisper(str(folders[1]), compute_type=compute_type)
    exact, found = (one.log_likelihoods(CLIPS[:2], ["ar", "en"], [TEXTS, TEXTS[::-1]]) for one in (both[0], other))
    for mine, theirs in zip(found, exact, strict=True):
        for one, two in zip(mine, theirs, strict=True):
            assert one.total == pytest.approx(two.total, rel=off)
            assert one.words == pytest.approx(two.words, rel=2 * off, abs=20 * off)
    assert len({score.total for score in found[0]}) == len(TEXTS)


@pytest.mark.slow
def test_words_are_expected_alike_by_the_same_weights_in_the_other_library(both):
    exact, quantised = (made.word_priors(["ar"], ["سلام دار"])[0] for made in both)
    assert quantised == pytest.approx(exact, rel=2 * QUANTISED, abs=20 * QUANTISED)


@pytest.mark.slow
def test_a_score_does_not_depend_on_the_company(both):
    _, quantised = both
    many = [f"دار {'سلام ' * number}".strip() for number in range(5)] * 4
    (together,) = quantised.log_likelihoods(CLIPS[:1], ["ar"], [many])
    for text, score in zip(many[:5], together, strict=False):
        ((alone,),) = quantised.log_likelihoods(CLIPS[:1], ["ar"], [[text]])
        assert alone.total == pytest.approx(score.total, rel=1e-3)


@pytest.mark.slow
def test_a_clip_is_heard_the_same_alone_and_in_any_company(both):
    _, quantised = both
    alone = [quantised.transcribe([clip], ["ar"])[0] for clip in CLIPS]
    assert quantised.transcribe(CLIPS[::-1], ["ar"] * len(CLIPS)) == alone[::-1]
    assert len(set(alone)) > 1
    assert quantised.loads == 1


@pytest.mark.slow
def test_words_have_times_one_after_the_other_within_the_sound(both):
    _, quantised = both
    (times,) = quantised.word_times([CLIPS[1]], ["ar"], ["سلام دار سلام"])
    edges = [edge for span in times for edge in span]
    assert len(times) == 3
    assert edges == sorted(edges)
    assert 0 <= edges[0] < edges[-1] <= CLIPS[1].duration_s + 0.02


@pytest.mark.slow
def test_it_knows_its_languages_before_it_is_loaded(folders):
    recognizer = CTranslate2Whisper(str(folders[1]))
    recognizer.check_language("ar-EG")
    with pytest.raises(UsageError, match="ISO 639-1"):
        recognizer.check_language("xx")
    assert recognizer.loads == 0


@pytest.mark.slow
def test_its_weights_have_a_name_of_their_own(both, folders):
    exact, quantised = both
    assert exact.weights != quantised.weights
    assert "ctranslate2" in quantised.fingerprint
    assert json.loads((folders[1] / "config.json").read_text(encoding="utf-8"))["lang_ids"]
