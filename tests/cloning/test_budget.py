import pytest

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
