import unicodedata

import numpy as np
import pytest

from harness import corpus, shipped
from harness.audio import Audio
from harness.cloning.budget import BudgetConfig
from harness.errors import CorpusError, VoicesError
from tests.synthetic import draw, reference, utterance, write_voice

ROW = '[[utterance]]\nid = "short-001"\ntext = "نص"\nlanguage = "ar"\nreference = "layla"\n'
LEAST = {"short": 16, "medium": 8, "diacritized": 16, "cross_lingual": 8, "robustness": 12}


@pytest.mark.parametrize(("suite", "least"), LEAST.items())
def test_the_shipped_corpora_are_as_large_as_promised(suite, least):
    rows = corpus.load_corpus(suite)
    assert len(rows) >= least
    assert all(row.suite == suite and row.text == unicodedata.normalize("NFC", row.text) for row in rows)


def test_the_shipped_rows_name_shipped_voices_and_cross_lingual_rows_foreign_ones():
    voices = {voice.id: voice for voice in corpus.load_voices(shipped.VOICES)}
    languages = {suite: {voices[row.reference_id].language for row in corpus.load_corpus(suite)} for suite in LEAST}
    assert languages["cross_lingual"] == {"en", "de", "fr"}
    assert all(languages[suite] == {"ar"} for suite in LEAST if suite != "cross_lingual")
    assert sum(voice.language == "ar" for voice in voices.values()) == 4
    assert len(voices) == 8


def bare(text):
    return "".join(letter for letter in text if not unicodedata.combining(letter))


def test_minimal_pairs_differ_in_their_marks_only():
    pairs = {}
    for row in corpus.load_corpus("diacritized"):
        if row.pair:
            pairs.setdefault(row.pair, []).append(row)
    assert len(pairs) >= 6
    for one, other in pairs.values():
        assert one.text != other.text
        assert bare(one.text) == bare(other.text)
        assert one.reference_id == other.reference_id


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "holds no"),
        ("[[utterance", "not valid TOML"),
        ("utterance = 3", "field 'utterance' is 3; a list is needed"),
        ("utterance = [3]", r"field 'utterance'\[0\]"),
        ("titel = 3\n" + ROW, "field 'titel' is unknown; known are about, cross_lingual, utterance"),
        (ROW.replace('text = "نص"\n', ""), "row 1: field 'text' is missing"),
        (ROW.replace("نص", " "), "row 1: field 'text' is ' '"),
        (ROW.replace("نص", "،"), "at least one word"),
        (ROW.replace("نص", "<|AUDIO|>"), "control token"),
        (ROW.replace("short-001", "short"), "row 1: field 'id' is 'short'"),
        (ROW + 'voice = "x"\n', "field 'voice' is unknown"),
        (ROW.replace('"ar"', "3"), "field 'language' is 3"),
        (ROW + ROW, "row 2: id 'short-001' is that of row 1"),
        (ROW + ROW.replace("short-001", "brief-1"), "row 2: number 1 is that of row 1"),
    ],
)
def test_a_malformed_corpus_names_file_row_and_field(tmp_path, content, complaint):
    (tmp_path / "short.toml").write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=complaint) as caught:
        corpus.load_corpus("short", tmp_path)
    assert "short.toml" in str(caught.value)
    assert "\n" not in str(caught.value).strip()


def test_a_missing_corpus_is_said(tmp_path):
    with pytest.raises(CorpusError, match=r"short\.toml is missing"):
        corpus.load_corpus("short", tmp_path)


def test_which_suites_there_are_is_what_the_folder_holds(tmp_path):
    assert set(corpus.suites_of()) == set(LEAST)
    with pytest.raises(CorpusError, match="does not exist"):
        corpus.suites_of(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="holds no suite"):
        corpus.suites_of(tmp_path)
    (tmp_path / "digits.toml").write_text(ROW, encoding="utf-8")
    (tmp_path / "._digits.toml").write_bytes(b"\0")  # as macOS leaves behind
    assert corpus.suites_of(tmp_path) == ("digits",)


def test_a_voices_folder_gives_every_voice_with_its_language(tmp_path):
    write_voice(tmp_path, "a", draw("#" * 20), language="en", suffix=".wav")
    write_voice(tmp_path, "b", draw("#" * 20, rate_hz=48_000))
    (tmp_path / "b.lang").unlink()
    (tmp_path / "b.speaker").write_text("a")
    one, other = corpus.load_voices(tmp_path, language="fr")
    assert (one.language, one.speaker, other.language, other.speaker) == ("en", "a", "fr", "a")


def test_every_bad_voice_gets_its_own_line_and_none_is_left_out(tmp_path):
    good = draw("#" * 20)
    write_voice(tmp_path, "good", good)
    write_voice(tmp_path, "faint", Audio(good.samples * 1e-4, 24_000))
    write_voice(tmp_path, "long", draw("#" * 310))
    write_voice(tmp_path, "nan", Audio(np.full(48_000, np.nan, np.float32), 24_000))
    write_voice(tmp_path, "brief", draw("#" * 9))
    write_voice(tmp_path, "silent", draw("." * 20))
    write_voice(tmp_path, "mute", good)
    (tmp_path / "mute.txt").unlink()
    write_voice(tmp_path, "stateless", good)
    (tmp_path / "stateless.lang").unlink()
    write_voice(tmp_path, "broken", good)
    (tmp_path / "broken.wav").write_bytes(b"RIFF....")
    (tmp_path / "orphan.txt").write_text("x")
    with pytest.raises(VoicesError) as caught:
        corpus.load_voices(tmp_path)
    lines = str(caught.value)
    for name, complaint in {
        "faint.wav": "is silent",
        "long.wav": "lasts 31.00 s",
        "nan.wav": "not numbers",
        "brief.wav": "lasts 0.90 s",
        "silent.wav": "is silent (-200 dBFS)",
        "mute.wav": "no transcript",
        "stateless.wav": "no language",
        "broken.wav": "not a sound file",
        "orphan.txt": "no sound file beside it",
    }.items():
        assert any(line.split(": ", 1)[-1].find(complaint) >= 0 and name in line for line in lines.splitlines()), name
    assert "good.wav" not in lines


def test_side_files_are_found_whatever_their_case_and_hidden_files_are_no_voices(tmp_path):
    write_voice(tmp_path, "a [1]", draw("#" * 20), language="en", suffix=".wav")
    (tmp_path / "a [1].wav").rename(tmp_path / "a [1].WAV")
    (tmp_path / "a [1].txt").rename(tmp_path / "a [1].TXT")
    (tmp_path / "._a [1].flac").write_bytes(b"\0")  # as macOS leaves behind
    (tmp_path / "b.wav").mkdir()
    (voice,) = corpus.load_voices(tmp_path)
    assert (voice.transcript, voice.language) == ("نص", "en")


@pytest.mark.parametrize("content", ["نص".encode("cp1256"), "é".encode("latin-1")])
def test_a_transcript_in_a_code_page_is_refused_and_one_with_a_mark_is_read(tmp_path, content):
    write_voice(tmp_path, "a", draw("#" * 20), language="en")
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(VoicesError, match=r"a\.txt line 1 is not UTF-8 text"):
        corpus.load_voices(tmp_path)
    (tmp_path / "a.txt").write_bytes("نص".encode("utf-16"))
    assert corpus.load_voices(tmp_path)[0].transcript == "نص"


@pytest.mark.parametrize("made", [True, False])
def test_an_empty_or_missing_voices_folder_is_said(tmp_path, made):
    folder = tmp_path / "voices"
    if made:
        folder.mkdir()
    with pytest.raises(VoicesError, match="holds no sound file" if made else "does not exist"):
        corpus.load_voices(folder)


ARABIC = [reference(id="a1"), reference(id="a2")]
ENGLISH = [reference(id="e1", language="en")]


def test_a_row_gets_the_voice_that_it_names():
    assert corpus.choose_reference(utterance(reference_id="a2"), ARABIC + ENGLISH).id == "a2"


def test_a_users_voices_take_turns_within_the_language_that_the_row_meant():
    shipped = {"layla": reference()}
    chosen = [corpus.choose_reference(utterance(number=number), ARABIC + ENGLISH, shipped).id for number in range(4)]
    assert chosen == ["a1", "a2", "a1", "a2"]


def test_without_a_voice_of_that_language_all_voices_take_turns():
    shipped = {"layla": reference(language="fr")}
    chosen = {corpus.choose_reference(utterance(number=number), ARABIC + ENGLISH, shipped).id for number in range(3)}
    assert chosen == {"a1", "a2", "e1"}


def test_a_cross_lingual_row_never_gets_a_voice_of_its_own_language():
    row = utterance(cross_lingual=True, reference_id="a1")
    assert corpus.choose_reference(row, ARABIC + ENGLISH).id == "e1"
    with pytest.raises(VoicesError, match="every voice of the folder speaks 'ar'"):
        corpus.choose_reference(row, ARABIC)


def test_both_rows_of_a_pair_get_one_of_the_users_voices():
    voices = [reference(id=name, language="ar") for name in ("a", "b", "c")]
    rows = [utterance(number=number, reference_id="layla", pair="ilm-alam") for number in (1, 2, 3)]
    assert len({corpus.choose_reference(row, voices).id for row in rows}) == 1
    others = [utterance(reference_id="layla", pair=pair) for pair in ("ilm-alam", "hubb-habb", "kataba-kutiba", "x")]
    assert len({corpus.choose_reference(row, voices).id for row in others}) > 1


def test_a_row_that_no_budget_holds_may_be_generated_by_sentence(tmp_path):
    (tmp_path / "short.toml").write_text(ROW + "by_sentence = true\n", encoding="utf-8")
    assert corpus.load_corpus("short", tmp_path)[0].by_sentence


def test_the_shipped_texts_that_no_budget_holds_are_generated_by_sentence():
    rows = [row for suite in LEAST for row in corpus.load_corpus(suite)]
    cap = BudgetConfig().words_within_cap
    assert {row.id for row in rows if row.by_sentence} == {row.id for row in rows if len(row.text.split()) > cap}


def test_a_row_may_say_how_it_is_spoken(tmp_path):
    (tmp_path / "short.toml").write_text(ROW + 'spoken = "نصّ"\n', encoding="utf-8")
    assert corpus.load_corpus("short", tmp_path)[0].spoken == "نصّ"
    shipped = [row for suite in LEAST for row in corpus.load_corpus(suite)]
    latin_or_abbreviated = {
        row.id for row in shipped if any(mark in row.text for mark in ("Maria", "Bluetooth", "3 كم"))
    }
    assert {row.id for row in shipped if row.spoken} == latin_or_abbreviated
    assert len(latin_or_abbreviated) == 3


def test_under_the_fallback_a_voice_that_cannot_serve_is_kept_with_its_problem(tmp_path):
    write_voice(tmp_path, "layla", draw("#" * 20))
    write_voice(tmp_path, "omar", draw("#" * 3))
    with pytest.raises(VoicesError, match=r"omar.wav: lasts 0.30 s"):
        corpus.load_voices(tmp_path)
    layla, omar = corpus.load_voices(tmp_path, fallback=True)
    assert layla.problem == ""
    assert omar.problem.startswith("lasts 0.30 s")


def test_under_the_fallback_a_voice_without_a_transcript_is_still_refused(tmp_path):
    write_voice(tmp_path, "layla", draw("#" * 20))
    (tmp_path / "layla.txt").unlink()
    with pytest.raises(VoicesError, match="has no transcript"):
        corpus.load_voices(tmp_path, fallback=True)
