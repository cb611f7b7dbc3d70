import numpy as np
import pytest

from harness.cloning.termination import DelayedStream, Termination
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


BEGIN, END = 1024, 1025


def delayed(frames, closed=True):
    """Columns of a stream whose frame f has code f in every codebook, as the model gives them."""
    columns = np.full((frames + 9, 8), BEGIN)
    for codebook in range(8):
        columns[codebook + 1 :, codebook] = END
        columns[codebook + 1 : codebook + 1 + frames, codebook] = np.arange(1, frames + 1)
    return columns if closed else columns[: frames + 1]


def follow(columns, budget=BUDGET, silent_from=10_000, **settings):
    stream = DelayedStream(Termination(budget, **settings), is_silent=lambda frame: frame[0] >= silent_from)
    for column in columns:
        if stream.push(column) is not None:
            break
    return stream


@pytest.mark.parametrize("frames", [1, 2, 7, 8, 9, 60, 75])
def test_a_natural_end_of_t_frames_takes_t_plus_nine_columns(frames):
    stream = follow(delayed(frames))
    assert (stream.stopped_by, stream.frames, stream.columns) == (Stop.EOS, frames, frames + 9)
    np.testing.assert_array_equal(stream.codes(), np.tile(np.arange(1, frames + 1), (8, 1)))


def test_a_stream_beyond_its_budget_holds_exactly_its_frames():
    stream = follow(delayed(100))
    assert (stream.stopped_by, stream.frames, stream.columns) == (Stop.BUDGET, 75, 84)
    assert stream.codes().shape == (8, 75)


def test_a_silent_stream_stops_after_exactly_fifty_frames():
    stream = follow(delayed(75), silent_from=0)
    assert (stream.stopped_by, stream.frames) == (Stop.SILENCE, 50)


def test_silence_after_speech_is_counted_from_where_it_starts():
    assert follow(delayed(75), silent_from=11).frames == 60


def test_a_stream_that_closes_at_once_holds_nothing():
    columns = delayed(0)
    stream = follow(columns)
    assert (stream.stopped_by, stream.frames, stream.codes().shape) == (Stop.EOS, 0, (8, 0))


def test_the_clock_stops_a_stream_before_its_first_frame():
    stream = DelayedStream(Termination(BUDGET, timeout_s=1), is_silent=lambda frame: False)
    assert stream.push(np.full(8, BEGIN), elapsed_s=2.0) is Stop.TIMEOUT


def test_a_stopped_stream_takes_no_more_columns():
    stream = follow(delayed(3))
    with pytest.raises(AssertionError, match="takes no more"):
        stream.push(np.full(8, END))


@pytest.mark.parametrize(("rate", "frames"), [(12.5, 25), (25, 50), (50, 100)])
def test_the_silence_stop_lasts_two_seconds_at_any_frame_rate(rate, frames):
    assert Termination(TokenBudget(1000, 1000, rate)).silent_frames == frames
