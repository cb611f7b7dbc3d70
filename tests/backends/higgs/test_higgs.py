"""The backend as a whole, on the tiny checkpoint."""

import os
import resource
from dataclasses import replace
from functools import wraps
from pathlib import Path

import numpy as np
import pytest

from harness.backends import BackendOptions, Interrupted, open_backend
from harness.backends.higgs.generation import Generator
from harness.errors import UsageError
from harness.metrics.measuring import Measuring
from harness.metrics.speaker import Voices
from harness.take import Sampling, Stop
from tests.backends.higgs.conftest import GREEDY, TEXTS

pytestmark = pytest.mark.slow


@pytest.fixture
def fresh(tiny):
    return open_backend("higgs", BackendOptions(model=str(tiny / "model"), codec=str(tiny / "codec")))


def test_a_take_has_the_frames_that_its_audio_has_and_says_why_it_ended(opened, asked):
    takes = opened().generate([asked(text) for text in TEXTS])
    assert {take.stopped_by for take in takes} == {Stop.EOS, Stop.BUDGET}
    for take in takes:
        assert take.audio.samples.size == take.frames * 960
        assert take.audio.sample_rate_hz == 24_000
        assert take.frames <= take.request.max_frames
        if take.stopped_by is Stop.BUDGET:
            assert take.frames == take.request.max_frames


def test_a_take_is_the_same_alone_and_in_any_batch(opened, asked):
    requests = [asked(text) for text in TEXTS]
    together = opened().generate(requests)
    for request, take in zip(requests[::-1], opened().generate(requests[::-1]), strict=True):
        (alone,) = opened().generate([request])
        np.testing.assert_array_equal(alone.audio.samples, take.audio.samples)
        np.testing.assert_array_equal(alone.audio.samples, together[requests.index(request)].audio.samples)


def test_the_model_is_loaded_once_however_many_takes_are_made(fresh, asked):
    assert fresh.loads == 0
    for seed in range(3):
        fresh.generate([asked(seed=seed)])
    assert fresh.loads == 1


def test_opening_loads_nothing_heavy_and_names_everything_that_shapes_a_take(tiny):
    import subprocess
    import sys

    code = (
        "import sys; from harness.backends import BackendOptions, open_backend;"
        f"b = open_backend('higgs', BackendOptions(model={str(tiny / 'model')!r}, codec={str(tiny / 'codec')!r}));"
        "print(b.identity); print({'torch', 'transformers', 'librosa', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    identity, heavy = done.stdout.splitlines()
    assert heavy == "set()", done.stderr
    for part in ("weights=", "codec=", "dtype=float32", "attn=sdpa", "cache=growing", "transformers="):
        assert part in identity


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "bfloat16"},
        {"attention": "eager"},
        {"static_cache": True},
        {"dtype": "bfloat16", "batch_size": 4},
        {"scene": "A quiet room."},
        {"system_text": "short"},
        {"reference_window_s": 3.0},
        {"revision": "abc"},
        {"codec_revision": "abc"},
    ],
    ids=str,
)
def test_whatever_shapes_a_take_is_another_identity(tiny, change):
    given = {"model": str(tiny / "model"), "codec": str(tiny / "codec")}
    one, other = (open_backend("higgs", BackendOptions(**given, **more)) for more in ({}, change))
    assert one.identity != other.identity


def test_how_many_rows_a_step_has_is_part_of_the_identity_only_where_there_are_lanes(tiny):
    def identity(**options):
        return open_backend("higgs", BackendOptions(model=str(tiny / "model"), **options)).identity

    assert identity(batch_size=4) == identity(batch_size=8)
    assert identity(batch_size=4, dtype="bfloat16") != identity(batch_size=8, dtype="bfloat16")


def test_on_a_gpu_there_are_lanes_in_any_precision_and_the_number_of_the_device_is_no_part_of_a_take(tiny):
    def identity(**options):
        return open_backend("higgs", BackendOptions(model=str(tiny / "model"), gpu=True, **options)).identity

    assert "device=cuda dtype=bfloat16 attn=sdpa cache=lanes8" in identity()
    assert "dtype=float32 attn=sdpa cache=lanes8" in identity(dtype="float32")
    assert identity(device_number=0) == identity(device_number=3)


@pytest.mark.parametrize("options", [{"dtype": "bfloat16"}, {"attention": "eager"}, {"static_cache": True}], ids=str)
def test_every_way_to_run_the_model_gives_a_take(opened, asked, options):
    (take,) = opened(**options).generate([asked()])
    assert take.error == ""
    assert take.provenance.dtype == options.get("dtype", "float32")
    assert take.provenance.attention == options.get("attention", "sdpa")
    assert take.provenance.cache == ("growing" if "attention" in options else "lanes8")


def test_in_half_precision_too_a_take_is_the_same_alone_and_in_any_batch(opened, asked):
    requests = [asked(text) for text in TEXTS]
    together = opened(dtype="bfloat16").generate(requests)
    assert [take.error for take in together] == [""] * 4
    for request, take in zip(requests[::-1], opened(dtype="bfloat16").generate(requests[::-1]), strict=True):
        (alone,) = opened(dtype="bfloat16").generate([request])
        np.testing.assert_array_equal(alone.audio.samples, take.audio.samples)
        np.testing.assert_array_equal(alone.audio.samples, together[requests.index(request)].audio.samples)


def test_a_take_says_where_it_comes_from_and_with_which_seed(opened, asked):
    (take,) = opened().generate([asked()])
    weights, word, codec = take.provenance.weights.split()
    assert (len(weights), word, len(codec)) == (16, "codec", 16)
    assert {"torch", "transformers", "safetensors"} <= set(take.provenance.packages)
    assert take.details["row_seed_0"] == str(take.request.entropy)
    assert take.details["columns_0"] == take.frames + 9
    assert take.details["batch"] == 1
    assert take.details["peak_memory_bytes"] > 1e8
    assert take.details["columns_per_s"] > 0


def test_another_voice_gives_another_take(opened, asked):
    one, other = opened().generate([asked(sampling=GREEDY), asked(voice="omar", sampling=GREEDY)])
    assert one.audio.samples.size != other.audio.samples.size or not np.array_equal(
        one.audio.samples, other.audio.samples
    )


def test_greedy_with_a_repetition_window_is_refused_with_the_reason():
    with pytest.raises(UsageError, match="not deterministic, because the window draws again"):
        Sampling(do_sample=False)


def test_a_long_text_is_spoken_in_chunks_that_keep_the_earlier_ones_as_context(opened, asked, monkeypatch):
    text = " ".join(["كلمة " * 17 + "نهاية."] * 3)
    request = asked(text, by_sentence=True, sampling=GREEDY)
    assert len(request.chunks) == 3
    backend, seen = opened(), []
    real = type(backend)._conversation
    monkeypatch.setattr(type(backend), "_conversation", lambda *given: seen.append(real(*given)) or seen[-1])
    monkeypatch.setattr(type(backend._load().silent), "__call__", lambda self, frame: True)
    (take,) = backend.generate([request])
    assert take.error == ""
    assert take.stopped_by in {Stop.SILENCE, Stop.EOS}  # the model, which has learnt nothing, may end a chunk itself
    assert take.audio.samples.size == take.frames * 960
    spoken = [sum(1 for turn in conversation if str(turn.role) == "assistant") for conversation in seen]
    assert spoken[-3:] == [1, 2, 3]


def test_context_is_dropped_where_the_model_has_no_positions_for_it(opened, asked, monkeypatch):
    text = " ".join(["كلمة " * 17 + "نهاية."] * 3)
    backend, lengths = opened(), []
    loaded = backend._load()
    monkeypatch.setattr(type(loaded.silent), "__call__", lambda self, frame: True)
    monkeypatch.setattr(loaded.model.config, "max_position_embeddings", 1_000)
    real = type(loaded.prompter).prompt
    monkeypatch.setattr(
        type(loaded.prompter), "prompt", lambda *given: lengths.append(len(real(*given).frames)) or real(*given)
    )
    (take,) = backend.generate([asked(text, by_sentence=True, sampling=GREEDY)])
    assert take.error == ""
    assert lengths[-2:] != [3, 3]
    assert lengths[-1] < 3
    monkeypatch.setattr(loaded.model.config, "max_position_embeddings", 400)
    (take,) = backend.generate([asked(text, by_sentence=True, sampling=GREEDY)])
    assert "positions and the model has 400: give --chunks sentence or a shorter --reference-window" in take.error


def test_a_chunk_that_was_cut_ends_the_take(opened, asked):
    text = " ".join(["كلمة " * 17 + "نهاية."] * 3)
    request = asked(text, by_sentence=True, sampling=GREEDY)
    short = tuple(replace(chunk, budget=replace(chunk.budget, max_frames=5)) for chunk in request.chunks)
    (take,) = opened().generate([replace(request, chunks=short)])
    assert (take.frames, take.stopped_by) == (5, Stop.BUDGET)


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost(opened, asked, monkeypatch):
    import torch

    real, sizes = Generator.speak, []

    def speak(self, rows, sampling, extra=None):
        sizes.append(len(rows))
        if len(rows) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, rows, sampling, extra)

    whole = opened().generate([asked(text) for text in TEXTS])
    monkeypatch.setattr(Generator, "speak", speak)
    halved = opened().generate([asked(text) for text in TEXTS])
    assert sizes == [4, 2, 1, 1, 2, 1, 1]
    for one, other in zip(whole, halved, strict=True):
        np.testing.assert_array_equal(one.audio.samples, other.audio.samples)


@pytest.mark.parametrize("options", [{}, {"static_cache": True}], ids=["growing", "lanes"])
def test_what_a_failed_batch_had_on_the_device_is_given_back_before_it_is_tried_again(
    opened, asked, monkeypatch, options
):
    import weakref

    import torch

    real, held, alive = Generator.speak, [], []

    def speak(self, rows, sampling, extra=None):
        alive.append([one() is not None for one in held])
        if held:
            return real(self, rows, sampling, extra)
        batch = torch.zeros(1000)
        held.append(weakref.ref(batch))
        raise torch.OutOfMemoryError("CUDA out of memory")

    backend = opened(**options)
    whole = backend.generate([asked(text) for text in TEXTS])
    monkeypatch.setattr(Generator, "speak", speak)
    again = backend.generate([asked(text) for text in TEXTS])
    assert alive[0] == []
    assert all(seen == [False] for seen in alive[1:])
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one.audio.samples, other.audio.samples)


@pytest.mark.parametrize(
    ("options", "attempts", "complaint"),
    [
        ({}, 7, "one take alone does not fit into the device's memory: use a larger GPU"),
        ({"static_cache": True}, 2, "8 takes at once do not fit into the device's memory: give a smaller --batch-size"),
        ({"static_cache": True, "batch_size": 1}, 14, "one take alone does not fit into the device's memory"),
    ],
    ids=["growing", "lanes", "one lane"],
)
def test_takes_that_do_not_fit_are_takes_with_an_error(opened, asked, monkeypatch, options, attempts, complaint):
    import torch

    tried = []

    def speak(*_):
        tried.append(1)
        raise torch.OutOfMemoryError("CUDA out of memory")

    opened(**options).generate([asked()])  # proved
    monkeypatch.setattr(Generator, "speak", speak)
    takes = opened(**options).generate([asked(text) for text in TEXTS])
    assert all(complaint in take.error for take in takes), takes[0].error
    assert len(tried) == attempts


class CompilerGaveUp(Exception):
    """torch's compiler raises its own kinds, which are no RuntimeError."""


@pytest.mark.parametrize("kind", [IndexError, CompilerGaveUp, AssertionError, MemoryError])
def test_whatever_the_libraries_raise_is_a_take_with_an_error(opened, asked, monkeypatch, kind):
    def speak(*_):
        raise kind("index 1026 is out of bounds\nand a page of C++ after it")

    monkeypatch.setattr(Generator, "speak", speak)
    takes = opened().generate([asked(text) for text in TEXTS])
    assert {take.error for take in takes} == {f"generation failed ({kind.__name__}: index 1026 is out of bounds)"}


def test_an_interrupt_keeps_the_rows_that_were_finished_and_frees_the_device(fresh, asked):
    requests = [asked(text) for text in TEXTS]
    fresh.generate(requests)
    by_frames = sorted(fresh.generate(requests), key=lambda take: take.frames)
    assert by_frames[0].frames < by_frames[1].frames - 2
    calls = iter(range(10_000))

    def clock():
        if next(calls) > by_frames[0].frames + 12:
            raise KeyboardInterrupt
        return 0.0

    fresh._loaded.generator.clock = clock
    with pytest.raises(Interrupted) as caught:
        fresh.generate(requests)
    (kept,) = caught.value.finished
    np.testing.assert_array_equal(kept.audio.samples, by_frames[0].audio.samples)
    assert fresh._loaded is None
    (again,) = fresh.generate(requests[:1])  # and it can be opened anew
    assert again.audio is not None


@pytest.mark.parametrize("where", ["load", "step"])
def test_a_load_or_a_kernel_that_hangs_costs_its_takes_and_is_given_up_in_time(fresh, tiny, asked, monkeypatch, where):
    import threading
    import time

    from transformers import HiggsAudioV2ForConditionalGeneration as Model

    from harness.run.generation import Speaker

    stop = threading.Event()
    finished = []
    if where == "load":
        monkeypatch.setattr(Model, "from_pretrained", lambda *_, **__: stop.wait(60))
    else:
        finished = fresh.generate([asked(TEXTS[2])])
        monkeypatch.setattr(Model, "forward", wraps(Model.forward)(lambda *_, **__: stop.wait(60)))
    speaker, began = Speaker(fresh, 0.5, slack_s=0.5), time.monotonic()
    takes = list(speaker.speak([asked(), asked(TEXTS[1])]))
    assert [take.stopped_by for take in takes] == [Stop.TIMEOUT] * 2
    assert {take.error.partition(";")[0] for take in takes} == {
        "the backend did not come back within 1.5 s and is asked nothing more"
    }
    (never,) = speaker.speak([asked(TEXTS[3])])
    assert never.error == takes[0].error
    speaker.close()  # a device that hangs is not waited for
    assert time.monotonic() - began < 10
    assert all(take.audio is not None for take in finished)
    stop.set()


def test_a_reference_that_cannot_be_used_fails_its_take_and_no_other(opened, asked, tmp_path):
    good = asked()
    bad = replace(good, reference=replace(good.reference, path=tmp_path / "gone.wav"))
    one, other = opened().generate([good, bad])
    assert one.audio is not None
    assert other.audio is None
    assert other.error.endswith(
        "is missing: put it there or name another voice; --reference-fallback speaks without it"
    )


def test_under_the_fallback_a_take_is_marked_and_cannot_pass_similarity(opened, asked, tmp_path):
    good = asked()
    bad = replace(good, reference=replace(good.reference, path=tmp_path / "gone.wav"))
    one, other = opened(reference_fallback=True).generate([good, bad])
    assert one.unconditioned == ""
    assert "is missing" in other.unconditioned
    assert other.audio is not None

    class Everybody:
        fingerprint = "the same voice for everything"

        def embed(self, clips):
            return np.tile(np.eye(1, 256, dtype=np.float32), (len(clips), 1))

    voices = Voices({"yusuf": np.eye(1, 256, dtype=np.float32)[0]}, {"yusuf": "yusuf"})
    measuring = Measuring(voices=voices, encoder=Everybody())
    first, second = measuring.measure([one, other], ["speaker_similarity"])
    assert first["speaker_similarity"].value == 1.0
    assert np.isnan(second["speaker_similarity"].value)
    assert second["speaker_similarity"].why_not.startswith("generated without its reference: reference")
    assert second["speaker_similarity"].applicable  # so it is INCONCLUSIVE, which blocks


def test_a_model_that_ends_before_its_first_frame_is_a_take_with_an_error(opened, asked, monkeypatch):
    import torch

    loaded = opened()._load()
    ending = torch.full((8, 1026), -10.0)
    ending[:, 1025] = 10.0
    real = type(loaded.model).forward

    @wraps(real)
    def forward(model, *arguments, **inputs):
        output = real(model, *arguments, **inputs)
        output.logits = ending.reshape(1, 1, -1).expand(output.logits.shape[0], 1, -1)
        return output

    monkeypatch.setattr(type(loaded.model), "forward", forward)
    (take,) = opened().generate([asked(sampling=GREEDY)])
    assert take.audio is None
    assert "before its first frame" in take.error


def test_a_sampling_without_cache_is_a_take_with_an_error(opened, asked):
    (take,) = opened().generate([asked(sampling=Sampling(use_cache=False))])
    assert "KV cache" in take.error


def test_memory_after_fifty_takes_is_that_after_five(opened, asked):
    def resident():
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()

    backend, seen = opened(), []
    for number in range(50):
        backend.generate([asked(TEXTS[number % 4])])  # of the same seed: a longer take needs more, and that is no leak
        if number in {4, 49}:
            seen.append(resident())
    assert seen[1] <= seen[0] + 10e6, f"{seen[0] / 1e6:.0f} MB after 5 takes, {seen[1] / 1e6:.0f} MB after 50"


def test_the_report_says_that_the_tiny_checkpoint_is_no_model(fresh):
    assert "tiny random checkpoint" in fresh.note
    assert os.sep not in fresh.note
