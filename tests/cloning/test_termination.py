import pytest

from harness.cloning.termination import Termination
from harness.take import Stop, TokenBudget

BUDGET = TokenBudget(expected_frames=75, max_frames=75, frame_rate_hz=25)


def run(picture, last=None, budget=BUDGET, **settings):
    """Feed frames drawn as text; the frame number and reason of the stop."""
    termination = Termination(budget, **settings)
    for number, mark in enumerate(picture, 1):
        stop = termination.step(silent=mark == ".", last=number == last)
        if stop is not None:
            return number, stop
    return None


def test_ends_where_the_model_ends_its_speech():
    assert run("#" * 60, last=40) == (40, Stop.EOS)


def test_ends_after_exactly_fifty_silent_frames():
    assert run("#" * 10 + "." * 60) == (60, Stop.SILENCE)


def test_a_sound_starts_the_count_of_silence_anew():
    assert run("." * 49 + "#" + "." * 25) == (75, Stop.BUDGET)


def test_ends_at_the_budget_and_not_a_frame_later():
    assert run("#" * 100) == (75, Stop.BUDGET)


def test_a_speech_that_ends_on_its_last_allowed_frame_has_ended_by_itself():
    assert run("#" * 100, last=75) == (75, Stop.EOS)


def test_goes_on_while_nothing_speaks_for_stopping():
    assert run("#" * 74) is None


@pytest.mark.parametrize(("elapsed_s", "stop"), [(9.9, None), (10.1, Stop.TIMEOUT)])
def test_a_stuck_generation_is_stopped_by_the_clock(elapsed_s, stop):
    assert Termination(BUDGET, timeout_s=10).step(silent=False, last=False, elapsed_s=elapsed_s) is stop
