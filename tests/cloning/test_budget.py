import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cloning.budget import BudgetConfig, chunks
from harness.errors import UsageError
from harness.text import words


def test_the_documented_constants_are_the_defaults():
    config = BudgetConfig()
    assert (config.words_per_minute, config.buffer, config.frame_rate_hz) == (150, 1.5, 25)
    assert (config.min_frames, config.max_frames, config.adaptive) == (64, 512, True)


@pytest.mark.parametrize(("n_words", "frames"), [(0, 64), (4, 64), (5, 75), (34, 510), (35, 512), (999, 512)])
def test_the_formula_is_clamped(n_words, frames):
    assert BudgetConfig().of("كلمة " * n_words).max_frames == frames


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"buffer": 0}, "buffer is 0"),
        ({"words_per_minute": float("nan")}, "words_per_minute is nan"),
        ({"frame_rate_hz": float("inf")}, "frame_rate_hz is inf"),
        ({"min_frames": 600}, "min_frames 600 is above max_frames 512"),
    ],
)
def test_an_impossible_configuration_is_refused(change, complaint):
    with pytest.raises(UsageError, match=complaint):
        BudgetConfig(**change)


def test_chunks_are_off_unless_asked_for():
    text = "كلمة. " * 60
    assert [chunk.text for chunk in chunks(text, BudgetConfig())] == [text]


def test_chunks_hold_as_many_whole_sentences_as_the_cap_allows():
    text = " ".join(["كلمة " * 9 + "نهاية."] * 6)
    parts = chunks(text, BudgetConfig(), by_sentence=True)
    assert [len(words(part.text)) for part in parts] == [30, 30]
    assert all(part.budget.max_frames == 450 for part in parts)


def test_a_sentence_beyond_the_cap_stays_whole():
    (part,) = chunks("كلمة " * 50, BudgetConfig(), by_sentence=True)
    assert len(words(part.text)) == 50


def test_a_text_without_words_is_still_one_chunk():
    assert [chunk.text for chunk in chunks("...", BudgetConfig(), by_sentence=True)] == ["..."]


ARABIC = st.text(alphabet="ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئىة", min_size=1, max_size=6)
SENTENCE = st.lists(ARABIC, min_size=1, max_size=60)
MARKS = st.text(alphabet="\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670\u0640", max_size=3)
SPACES = st.text(alphabet=" \t\n\u00a0\u200a", min_size=1, max_size=3)


@given(SENTENCE, SENTENCE)
def test_the_budget_grows_with_the_words_and_stays_in_its_clamp(one, more):
    less, longer = (BudgetConfig().of(" ".join(text)).max_frames for text in (one, one + more))
    assert 64 <= less <= longer <= 512


@given(SENTENCE, st.data())
def test_marks_tatweel_and_spaces_do_not_change_the_budget(text, data):
    dressed = "".join(letter + data.draw(MARKS) if letter != " " else data.draw(SPACES) for letter in " ".join(text))
    assert BudgetConfig().of(dressed) == BudgetConfig().of(" ".join(text))


@given(st.text())
def test_every_text_has_a_budget_that_is_never_negative(text):
    budget = BudgetConfig().of(text)
    assert budget.expected_frames >= 0
    assert 64 <= budget.max_frames <= 512


def test_without_the_adaptive_budget_every_text_has_the_cap():
    fixed = BudgetConfig(adaptive=False)
    assert {fixed.of("كلمة " * number).max_frames for number in (0, 1, 20, 99)} == {512}


def test_the_models_columns_come_on_top_of_the_frames():
    config = BudgetConfig()
    assert config.columns(config.of("نعم")) == 64 + 9


@pytest.mark.parametrize(("rate", "least", "most"), [(12.5, 32, 256), (25, 64, 512), (50, 128, 1024), (21.5, 56, 440)])
def test_another_codec_gets_the_same_seconds(rate, least, most):
    there = BudgetConfig().at_rate(rate)
    assert (there.min_frames, there.max_frames) == (least, most)
    ten = "كلمة " * 10
    assert there.of(ten).max_s == pytest.approx(BudgetConfig().of(ten).max_s, abs=1 / rate)
