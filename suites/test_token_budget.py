"""The token budget: what the documented formula promises for any text, and what it cannot promise.

The formula is words / 150 x 60 s x 1.5 x 25 frames, clamped to 64-512. Hypothesis looks for texts that break it; the
last tests state as facts where the documented numbers contradict each other, so that nobody finds out from a red run.
"""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import Utterance
from harness.decision.feasibility import infeasible
from harness.decision.gates import load_profile
from harness.text import reading_time_s, words

DOCUMENTED = BudgetConfig()
UNTIMED = settings(deadline=None)  # a busy machine breaks no promise of the formula
DIACRITICS = [chr(code) for code in (*range(0x064B, 0x0653), 0x0670)]
TATWEEL = "\u0640"

spoken = "ابتثجحخدرسصقكلمنهوي "
any_text, arabic = st.text(), st.text(spoken, max_size=600)  # one draw takes a fraction of the time of a list of words


@UNTIMED
@given(any_text)
def test_stays_within_its_bounds_whatever_the_text(text):
    budget = DOCUMENTED.of(text)
    assert 64 <= budget.max_frames <= 512
    assert budget.expected_frames >= 0
    assert budget.max_s == budget.max_frames / 25


@UNTIMED
@given(st.integers(0, 10**6))
def test_is_exactly_fifteen_frames_a_word(n_words):
    assert DOCUMENTED.expected_frames(n_words) == 15 * n_words


@UNTIMED
@given(arabic, arabic)
def test_never_shrinks_when_words_are_added(some, more):
    assert DOCUMENTED.of(some).max_frames <= DOCUMENTED.of(f"{some} {more}").max_frames


@UNTIMED
@given(st.text([*spoken, *DIACRITICS, TATWEEL], min_size=100, max_size=1000) | st.text([*spoken, *DIACRITICS, TATWEEL]))
def test_does_not_change_with_diacritics_or_tatweel(decorated):
    plain = "".join(letter for letter in decorated if letter not in {*DIACRITICS, TATWEEL})
    assert DOCUMENTED.of(decorated) == DOCUMENTED.of(plain)


@UNTIMED
@given(arabic, st.sampled_from([" ", "\n", "\t", "\u00a0", "  ", " ، ", " - ", f" {TATWEEL} "]))
def test_does_not_change_with_white_space_or_lone_marks(text, gap):
    assert DOCUMENTED.of(text.replace(" ", gap)) == DOCUMENTED.of(text)


@UNTIMED
@given(any_text)
def test_does_not_depend_on_how_unicode_composes_a_text(text):
    assert DOCUMENTED.of(unicodedata.normalize("NFC", text)) == DOCUMENTED.of(unicodedata.normalize("NFD", text))


@UNTIMED
@given(st.integers(0, 200), st.floats(60, 300), st.floats(1, 3), st.floats(10, 100))
def test_never_gives_less_than_its_configured_formula(n_words, rate, buffer, frame_rate):
    config = BudgetConfig(words_per_minute=rate, buffer=buffer, frame_rate_hz=frame_rate)
    exact = n_words / rate * 60 * buffer * frame_rate
    assert exact - 1e-6 <= config.expected_frames(n_words) <= exact + 1 + 1e-6


@UNTIMED
@given(any_text)
def test_without_adaption_every_text_gets_the_cap(text):
    assert BudgetConfig(adaptive=False).of(text).max_frames == 512


@UNTIMED
@given(st.text(spoken + ".", min_size=100, max_size=1000) | st.text(spoken + "."))
def test_chunks_say_the_whole_text_in_order(text):
    said = [word for chunk in chunks(text, DOCUMENTED, by_sentence=True) for word in words(chunk.text)]
    assert said == words(text)


@UNTIMED
@given(st.lists(st.integers(1, 34), min_size=1, max_size=8))
def test_chunks_of_short_sentences_fit_their_budget_unclamped(lengths):
    sentences = [" ".join(["كلمة"] * length) for length in lengths]
    for chunk in chunks(". ".join(sentences) + ".", DOCUMENTED, by_sentence=True):
        assert chunk.budget.expected_frames <= chunk.budget.max_frames


# What the documented numbers cannot do, read from the gates and the budget as they stand.

GATES = load_profile("documented", backend="").gates
LIMIT = {gate.name: gate for gate in GATES}


def refused(n_words, by_sentence=False):
    """The gates that no speech of so many words can pass; sentences of ten words."""
    text = " ".join("كلمة." if number % 10 == 9 else "كلمة" for number in range(n_words))
    utterance = Utterance("fact-1", "short", 1, text, "ar", "")
    return set(infeasible(utterance, chunks(text, DOCUMENTED, by_sentence), GATES, DOCUMENTED))


def longest_ratio(n_words):
    """The longest speech that a budget holds, as a multiple of the reading time."""
    return DOCUMENTED.of("كلمة " * n_words).max_s / reading_time_s("كلمة " * n_words)


def test_one_word_cannot_last_a_second_and_stay_under_twice_its_reading_time():
    assert LIMIT["duration_ratio"].at_most * reading_time_s("كلمة") < LIMIT["length"].at_least
    assert refused(1) == {"duration_ratio"}


def test_two_to_forty_one_words_can_pass_every_gate():
    assert not set.union(*map(refused, range(2, 42)))


def test_from_forty_two_words_on_the_cap_cuts_what_is_slow_enough():
    assert {n: refused(n) for n in range(42, 63)} == {n: {"duration_ratio"} for n in range(42, 63)}


def test_sentence_chunks_are_the_way_out_up_to_sixty_two_words():
    assert not set.union(*(refused(n_words, by_sentence=True) for n_words in range(42, 63)))


def test_from_sixty_three_words_on_nothing_slow_enough_ends_within_thirty_seconds():
    found = {n: refused(n, by_sentence=True) for n in (63, 64, 100)}
    assert found == {n: {"duration_ratio", "length"} for n in found}


def test_forty_three_words_would_not_fit_even_with_nothing_to_close():
    assert longest_ratio(43) < LIMIT["duration_ratio"].at_least < longest_ratio(42)


def test_the_smallest_budget_is_generous_only_for_very_short_texts():
    found = {n_words: longest_ratio(n_words) for n_words in range(1, 5)}
    assert found == pytest.approx({1: 6.4, 2: 3.2, 3: 2.133, 4: 1.6}, abs=0.001)


def test_from_five_words_on_the_upper_limit_of_the_band_is_out_of_reach():
    found = {n_words: longest_ratio(n_words) for n_words in range(5, 35)}
    assert found == pytest.approx(dict.fromkeys(found, 1.5))
    assert max(found.values()) < LIMIT["duration_ratio"].at_most


def test_the_cap_begins_to_bite_at_thirty_five_words():
    assert DOCUMENTED.words_within_cap == 34
    assert longest_ratio(35) < longest_ratio(34)


def test_no_generation_in_one_go_can_reach_the_length_that_is_allowed():
    assert DOCUMENTED.of("كلمة " * 1000).max_s < LIMIT["length"].at_most


def test_truncating_floating_point_would_lose_a_frame():
    assert int(6 / 150 * 60 * 1.5 * 25) < DOCUMENTED.expected_frames(6) == 90
