from functools import wraps

import numpy as np
import pytest

from harness.backends.higgs.generation import BatchRow, Generator, Landing
from harness.backends.higgs.prompt import batch
from harness.cloning.budget import BudgetConfig
from harness.cloning.conversation import AudioContent, build
from harness.cloning.termination import DelayedStream, Termination
from harness.take import Sampling, Stop, TokenBudget
from tests.backends.higgs.conftest import GREEDY, TEXTS
from tests.synthetic import draw

pytestmark = pytest.mark.slow

SAMPLED = Sampling()


@pytest.fixture
def loaded(opened):
    return opened()._load()


@pytest.fixture
def row(loaded):
    """`row(number, frames=…)`: one of four rows of different lengths, its reference too."""

    def made(number=0, frames=60, seed=None, is_silent=lambda frame: False, **settings):
        conversation = build("مرحبا", AudioContent(draw("#" * (10 + 3 * number))), TEXTS[number])
        budget = TokenBudget(frames, frames, 25)
        stream = DelayedStream(Termination(budget, **settings), is_silent)
        prompt = loaded.prompter.prompt(conversation)
        return BatchRow(prompt, stream, number if seed is None else seed, BudgetConfig().columns(budget))

    return made


def codes(rows):
    return [one.stream.codes() for one in rows]


def same(some, others):
    return [np.array_equal(one, other) for one, other in zip(some, others, strict=True)]


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("lanes", [0, 4], ids=["growing", "lanes"])
def test_a_batch_of_four_says_what_four_singles_say(loaded, row, sampling, lanes):
    generator = Generator(loaded.model, lanes)
    together = [row(number, frames=20 + 15 * number) for number in range(4)]
    generator.speak(together, sampling)
    alone = [row(number, frames=20 + 15 * number) for number in range(4)]
    for one in alone:
        generator.speak([one], sampling)
    assert same(codes(together), codes(alone)) == [True] * 4
    assert len({one.stream.frames for one in together}) > 1


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_lanes_say_what_a_growing_batch_says(loaded, row, sampling):
    spoken = []
    for lanes in (0, 3):
        rows = [row(number) for number in range(3)]
        Generator(loaded.model, lanes).speak(rows, sampling)
        spoken.append(codes(rows))
    assert same(*spoken) == [True] * 3


@pytest.mark.parametrize("lanes", [0, 1], ids=["growing", "lanes"])
def test_greedy_says_what_the_models_own_generate_says(loaded, row, lanes):
    import torch

    one = row(frames=60)
    Generator(loaded.model, lanes).speak([one], GREEDY)
    inputs = batch([one.prompt], 257, 1025)
    with torch.inference_mode():
        theirs = loaded.model.generate(**inputs, max_new_tokens=69, do_sample=False, ras_win_len=None)
    columns = theirs[0, len(one.prompt.columns) :].numpy()
    np.testing.assert_array_equal(np.stack(one.stream._columns), columns)


def test_some_seeds_end_by_themselves_and_some_are_cut_with_the_frames_that_follow(loaded, row):
    ends = {}
    for seed in range(8):
        one = row(frames=60, seed=seed)
        Generator(loaded.model).speak([one], SAMPLED)
        ends.setdefault(one.stream.stopped_by, []).append(one)
    assert set(ends) == {Stop.EOS, Stop.BUDGET}
    assert all(one.stream.frames == 60 and one.stream.columns == 69 for one in ends[Stop.BUDGET])
    for one in ends[Stop.EOS]:
        assert 1 <= one.stream.frames <= 60
        assert one.stream.columns == one.stream.frames + 9
        assert (one.stream._columns[-1] == 1025).all()


def test_the_frames_are_those_that_the_models_own_processor_decodes(loaded, row):
    import torch

    for seed in range(4):
        one = row(frames=60, seed=seed)
        Generator(loaded.model).speak([one], SAMPLED)
        columns = torch.from_numpy(np.stack(one.stream._columns))
        if one.stream.stopped_by is Stop.BUDGET:
            columns = columns[:-1]  # the column that showed that the stream does not close
        (sound,) = loaded.prompter.processor.batch_decode(columns[None])
        assert sound.shape[-1] == one.stream.frames * 960


def test_the_same_seed_says_the_same_and_another_seed_something_else(loaded, row):
    rows = [row(seed=1), row(seed=1), row(seed=2)]
    for one in rows:
        Generator(loaded.model).speak([one], SAMPLED)
    first, again, other = codes(rows)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_silent_stream_stops_after_exactly_fifty_frames(loaded, row, monkeypatch):
    import torch

    silent = torch.full((8, 1026), -10.0)
    silent[:, 0] = 10.0  # code 0 in every codebook is the tiny codec's silence
    real = type(loaded.model).forward

    @wraps(real)
    def forward(model, *arguments, **inputs):
        output = real(model, *arguments, **inputs)
        output.logits = silent.reshape(1, 1, -1).expand(output.logits.shape[0], 1, -1)
        return output

    monkeypatch.setattr(type(loaded.model), "forward", forward)
    for sampling in (GREEDY, Sampling(ras_window=0)):
        rows = [row(number, frames=200, is_silent=loaded.silent) for number in range(2)]
        Generator(loaded.model).speak(rows, sampling)
        assert [(one.stream.stopped_by, one.stream.frames) for one in rows] == [(Stop.SILENCE, 50)] * 2


@pytest.mark.parametrize("lanes", [0, 2], ids=["growing", "lanes"])
def test_a_stuck_generation_is_stopped_by_the_clock(loaded, row, lanes):
    ticks = iter(range(1000))
    rows = [row(number, frames=400, timeout_s=30) for number in range(2)]
    Generator(loaded.model, lanes, clock=lambda: float(next(ticks))).speak(rows, GREEDY)
    assert [one.stream.stopped_by for one in rows] == [Stop.TIMEOUT] * 2
    assert rows[0].stream.columns <= 32


def test_the_repetition_window_breaks_a_loop(loaded, row, monkeypatch):
    import torch

    looping = torch.zeros(8, 1026)
    looping[:, 7] = 3.0  # likely, but 1,000 others together are likelier
    looping[:, 1024:] = -30
    real = type(loaded.model).forward

    @wraps(real)
    def forward(model, *arguments, **inputs):
        output = real(model, *arguments, **inputs)
        output.logits = looping.reshape(1, 1, -1).expand(output.logits.shape[0], 1, -1)
        return output

    monkeypatch.setattr(type(loaded.model), "forward", forward)
    shares = []
    for window in (0, 7):
        one = row(frames=100)
        Generator(loaded.model).speak([one], Sampling(ras_window=window))
        shares.append((one.stream.codes() == 7).mean())
    assert shares[0] > 0.95
    assert shares[1] < 0.4


class OnADevice:
    """A column that says that it is on a GPU."""

    def __init__(self, tensor):
        self.tensor, self.shape, self.dtype = tensor, tensor.shape, tensor.dtype
        self.device = type("Device", (), {"type": "cuda"})


def test_columns_land_in_two_pinned_buffers_however_many_there_are(monkeypatch):
    import torch

    made, recorded = [], []

    class Pinned:
        def __init__(self, column):
            made.append(self)
            self.shape = column.shape
            self.held = torch.zeros(column.shape, dtype=column.dtype)

        def copy_(self, column, non_blocking):
            assert non_blocking
            self.held.copy_(column.tensor)

        def numpy(self):
            return self.held.numpy()

    event = type("Event", (), {"record": lambda self: recorded.append(self), "synchronize": lambda self: None})
    monkeypatch.setattr(Landing, "_pinned", staticmethod(Pinned))
    monkeypatch.setattr(Landing, "_event", staticmethod(event))
    landing, kept = Landing(), []
    waiting = landing.send(OnADevice(torch.full((4, 8), 0)))
    for number in range(1, 73):
        following = landing.send(OnADevice(torch.full((4, 8), number)))  # sent before the last one is read
        kept.append(waiting())
        waiting = following
    assert len(made) == 2
    assert len(recorded) == 73
    assert [int(column[0, 0]) for column in kept] == list(range(72))  # and what was read stays as it was
    landing.send(OnADevice(torch.zeros(2, 8)))
    assert len(made) == 4  # another shape, for a batch that has shrunk


def test_a_column_on_the_cpu_is_copied_before_the_next_step_writes_over_it():
    import torch

    column = torch.zeros(2, 8, dtype=torch.long)
    read = Landing().send(column)
    column.fill_(7)
    assert not read().any()
