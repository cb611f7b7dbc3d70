"""Lanes: exact, of one shape, and a step that needs nothing of the host."""

from dataclasses import replace

import numpy as np
import pytest

from harness.backends.higgs.generation import BatchRow, Generator
from harness.backends.higgs.lanes import Lanes, length_for
from harness.cloning.budget import BudgetConfig
from harness.cloning.conversation import AudioContent, build
from harness.cloning.termination import DelayedStream, Termination
from harness.take import Sampling, TokenBudget
from tests.backends.higgs.conftest import GREEDY, TEXTS
from tests.synthetic import draw

pytestmark = pytest.mark.slow

SAMPLED = Sampling()


@pytest.fixture
def loaded(opened):
    return opened()._load()


@pytest.fixture
def row(loaded):
    def made(number=0, frames=40, seed=None, seconds=10):
        conversation = build("مرحبا", AudioContent(draw("#" * (seconds + 3 * number))), TEXTS[number % 4])
        budget = TokenBudget(frames, frames, 25)
        stream = DelayedStream(Termination(budget), lambda frame: False)
        own = number if seed is None else seed
        return BatchRow(loaded.prompter.prompt(conversation), stream, own, BudgetConfig().columns(budget))

    return made


def codes(rows):
    return [one.stream.codes() for one in rows]


def test_there_are_four_lengths_and_a_row_has_the_shortest_that_holds_it():
    assert sorted({length_for(needed, 2048) for needed in range(1, 2049)}) == [512, 1024, 1536, 2048]
    assert all(needed <= length_for(needed, 2048) < needed + 512 for needed in range(1, 2049))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_a_row_says_the_same_in_any_lane_and_any_company(opened, row, dtype, sampling):
    model = opened(dtype=dtype)._load().model
    generator = Generator(model, 4)
    alone = [row(number) for number in range(3)]
    for one in alone:
        generator.speak([one], sampling)
    for order in ((0, 1, 2), (2, 0, 1), (1, 1, 2, 0), (2, 2, 2, 2, 2, 1, 0)):
        together = [row(number) for number in order]
        generator.speak(together, sampling)
        for number, found in zip(order, codes(together), strict=True):
            np.testing.assert_array_equal(found, alone[number].stream.codes())


def test_in_half_precision_a_growing_batch_would_not(opened, row):
    """What lanes are for; if this fails, they may not be needed any more."""
    model = opened(dtype="bfloat16")._load().model
    together = [row(number) for number in range(4)]
    Generator(model).speak(together, SAMPLED)
    alone = [row(number) for number in range(4)]
    for one in alone:
        Generator(model).speak([one], SAMPLED)
    assert not all(np.array_equal(*pair) for pair in zip(codes(together), codes(alone), strict=True))


def test_rows_of_different_lengths_speak_in_groups_and_all_to_their_end(loaded, row):
    rows = [row(0, frames=10), row(1, frames=480), row(2, frames=10), row(3, frames=10)]
    generator = Generator(loaded.model, 2)
    generator.speak(rows, SAMPLED)
    assert sorted(length for length, _ in generator._known) == [512, 1024]
    alone = row(1, frames=480)
    Generator(loaded.model).speak([alone], SAMPLED)
    np.testing.assert_array_equal(rows[1].stream.codes(), alone.stream.codes())
    assert all(one.stream.stopped_by for one in rows)


def test_the_buffers_are_made_once_for_all_batches_of_a_length(loaded, row):
    generator = Generator(loaded.model, 2)
    first, again = row(), row()
    generator.speak([first], GREEDY)
    places = [tensor.data_ptr() for known in generator._known.values() for tensor in known._cache.keys]
    generator.speak([row(1), again], GREEDY)
    assert [tensor.data_ptr() for known in generator._known.values() for tensor in known._cache.keys] == places
    np.testing.assert_array_equal(first.stream.codes(), again.stream.codes())
    generator.release()
    assert generator._known == {}


def test_what_a_broken_row_left_in_its_lane_does_not_reach_the_next(loaded, row):
    import torch

    generator, fresh = Generator(loaded.model, 1), row()
    generator.speak([fresh], SAMPLED)
    (known,) = generator._known.values()
    with torch.inference_mode():
        known._cache.keys[0].fill_(float("nan"))
    again = row()
    generator.speak([again], SAMPLED)
    np.testing.assert_array_equal(fresh.stream.codes(), again.stream.codes())


class Calls:
    """The operations that torch is asked for, one by one: on a GPU each is a kernel or more."""

    def __new__(cls):
        from torch.utils._python_dispatch import TorchDispatchMode

        class Counting(TorchDispatchMode):
            def __init__(self):
                super().__init__()
                self.names = []

            def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
                self.names.append(str(function))
                return function(*arguments, **(keywords or {}))

        return Counting()


WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal.default", "lift_fresh", "where.Scalar")
"""Operations that wait for the device, or copy from the host's memory: neither can be in a CUDA graph."""


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_no_operation_of_a_step_waits_for_the_device(loaded, row, sampling):
    import torch

    with torch.inference_mode():
        made = Lanes(loaded.model, 2, 512, sampling)
        made.begin([row()], {})
        made.advance()
        with Calls() as calls:
            made.advance()
    assert len(calls.names) > 50
    assert [name for name in calls.names if any(wait in name for wait in WAITS)] == []


def test_keys_are_not_copied_for_the_query_heads_that_share_them(loaded, row):
    """Only the attention itself reads whole keys; no operation gives back as much as all heads' keys would be."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    largest = []

    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
            found = function(*arguments, **(keywords or {}))
            new = isinstance(found, torch.Tensor) and found._base is None and not str(function).endswith("_.src")
            if new and found.dim() == 4 and found.shape[-2:] == (512, 16):
                largest.append((str(function), tuple(found.shape)))
            return found

    with torch.inference_mode():
        made = Lanes(loaded.model, 2, 512, GREEDY)
        made.begin([row()], {})
        with Watching():
            made.advance()
    assert largest == []


def test_a_normalisation_is_one_call_and_the_model_is_as_before_after_a_step(loaded, row, monkeypatch):
    import torch

    called = []
    real = torch.nn.functional.rms_norm
    monkeypatch.setattr(
        torch.nn.functional, "rms_norm", lambda *given, **more: called.append(1) or real(*given, **more)
    )
    with torch.inference_mode():
        made = Lanes(loaded.model, 2, 512, SAMPLED)
        made.begin([row()], {})
        assert called == []
        made.advance()
    layers = loaded.model.config.num_hidden_layers
    assert len(called) == 2 * layers + 1  # of the audio path; the text path's are not called in a step
    assert [name for name, module in loaded.model.named_modules() if "forward" in vars(module)] == []


def test_a_recorded_step_is_one_call_a_column_and_says_the_same(loaded, row, monkeypatch):
    """The recorder stands in for a CUDA graph: it calls the step as a graph would replay it."""
    calls = []

    def recorded(step):
        for _ in range(4):
            step()  # what warming up and recording do to the buffers must not be heard

        def replay():
            calls.append(1)
            step()

        return replay

    import torch

    generator, eager = Generator(loaded.model, 2), row()
    generator.speak([eager], SAMPLED)
    one = row()
    with torch.inference_mode():
        generator._known = {(512, SAMPLED): Lanes(loaded.model, 2, 512, SAMPLED, capture=recorded)}
    generator.speak([one], SAMPLED)
    np.testing.assert_array_equal(one.stream.codes(), eager.stream.codes())
    # One more than columns were taken: the host follows a column behind.
    assert len(calls) == one.stream.columns


def test_where_no_graph_can_be_recorded_the_step_runs_as_it_is_and_says_so(loaded, row, monkeypatch):
    from types import SimpleNamespace

    def refuse(step):
        raise RuntimeError("operation not permitted when stream is capturing\nand a page of C++")

    monkeypatch.setattr("harness.backends.higgs.generation.captured", refuse)
    generator = Generator(loaded.model, 2)
    monkeypatch.setattr(generator, "model", Pretended(loaded.model, SimpleNamespace(type="cuda")))
    with pytest.warns(RuntimeWarning, match="the generation step is slow: no CUDA graph"):
        made = generator.lanes_for(512, SAMPLED)
    assert generator.note == "no CUDA graph (operation not permitted when stream is capturing)"
    assert generator.lanes_for(512, SAMPLED) is made


class Pretended:
    """A model that says that it is elsewhere; its tensors are made where it really is."""

    def __init__(self, model, device):
        self._model, self._asked, self._device = model, 0, device

    @property
    def device(self):
        self._asked += 1
        return self._device if self._asked == 1 else self._model.device

    def __getattr__(self, name):
        return getattr(self._model, name)


def test_compiled_says_what_eager_says_in_more_shapes_than_the_compiler_would_take(loaded, row, monkeypatch):
    import torch

    monkeypatch.setattr(torch._dynamo.config, "recompile_limit", 2)
    # The whole step is traced as on a GPU; code for this CPU would take a minute to compile.
    generator = Generator(loaded.model, 2, compiler="aot_eager")
    plain = Generator(loaded.model, 2)
    for columns in (20, 480, 900, 1400):
        for sampling in (GREEDY, SAMPLED):
            short = replace(row(frames=8), max_columns=columns)
            again = replace(row(frames=8), max_columns=columns)
            plain.speak([short], sampling)
            generator.speak([again], sampling)
            np.testing.assert_array_equal(short.stream.codes(), again.stream.codes())
    assert len({length for length, _ in generator._known}) >= 3


def test_query_heads_are_packed_on_the_key_head_that_they_share(loaded, row, monkeypatch):
    """And the mask is of numbers, made once a step: one of truth values would be converted in every layer."""
    import torch

    seen = []
    real = torch.nn.functional.scaled_dot_product_attention

    def attention(query, key, value, mask, **more):
        seen.append((mask.dtype, tuple(mask.shape), tuple(query.shape), tuple(key.shape)))
        return real(query, key, value, mask, **more)

    with torch.inference_mode():
        made = Lanes(loaded.model, 3, 512, GREEDY)
        made.begin([row()], {})
        monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", attention)
        made.advance()
    # Two layers; two query heads stand packed on each of two key heads.
    assert seen == [(torch.float32, (3, 1, 1, 512), (3, 2, 2, 16), (3, 2, 512, 16))] * 2
    assert loaded.model.config._attn_implementation == "sdpa"
