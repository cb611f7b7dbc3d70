from pathlib import Path

import pytest

from harness import registry
from harness.backends import BackendOptions
from harness.backends.options import OPTIONS, SWITCHES, backend_name, budget, read, refuse_unread, sampling
from harness.cloning.budget import BudgetConfig
from harness.errors import UsageError
from harness.take import Sampling

DEFAULTS = {option.flag: option.default for option in OPTIONS}


def values(**given):
    return {**DEFAULTS, **{"--" + name.replace("_", "-"): value for name, value in given.items()}}.__getitem__


def options(tmp_path=Path(), switches=(), device=0, **given):
    return read(values(**given), lambda flag: flag in switches, tmp_path, device)


def test_the_documented_sampling_is_the_default():
    assert sampling(values()) == Sampling(0.3, 50, 0.95, do_sample=True, use_cache=True, ras_window=7, ras_repeats=2)


def test_greedy_is_asked_for_without_a_repetition_window():
    found = sampling(values(sampling="greedy", ras="off"))
    assert (found.do_sample, found.ras_window) == (False, 0)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"sampling": "greedy"}, "give --ras off with --sampling greedy"),
        ({"sampling": "beam"}, "--sampling is 'beam'; sampled or greedy"),
        ({"ras": "7"}, "--ras is '7'; off, or WINDOW/REPEATS"),
        ({"ras": "0/2"}, "--ras is '0/2'"),
        ({"ras": "7/0"}, "repeats 0"),
        ({"temperature": "0"}, "temperature 0"),
        ({"temperature": "warm"}, "--temperature is 'warm'"),
        ({"top_k": "0"}, "--top-k is '0'"),
        ({"top_p": "1.5"}, "top-p 1.5"),
    ],
)
def test_a_draw_that_cannot_be_is_a_wrong_command(given, complaint):
    with pytest.raises(UsageError, match=complaint):
        sampling(values(**given))


def test_nothing_given_is_what_the_backends_default_to():
    assert options() == BackendOptions()


def test_folders_that_exist_are_found_and_hub_ids_stay_as_they_are(tmp_path):
    (tmp_path / "model").mkdir()
    found = options(tmp_path, model="model", codec="owner/codec", revision="a", codec_revision="b")
    assert (found.model, found.codec) == (str(tmp_path / "model"), "owner/codec")
    assert (found.revision, found.codec_revision) == ("a", "b")


def test_switches_are_off_unless_given():
    on = options(switches={switch.flag for switch in SWITCHES}, device=3)
    assert (on.gpu, on.static_cache, on.compile, on.reference_fallback) == (True, True, True, True)
    assert on.device_number == 3


@pytest.mark.parametrize("flag", ["generation_timeout", "reference_window", "speaking_rate"])
@pytest.mark.parametrize("value", ["0", "-3", "soon", "inf", "nan"])
def test_a_number_out_of_range_is_a_wrong_command(flag, value):
    with pytest.raises(UsageError, match=f"--{flag.replace('_', '-')} is '{value}'; a number of at least 1 is needed"):
        options(**{flag: value})


@pytest.mark.parametrize(
    ("given", "gpu", "name"),
    [
        ({}, False, "embedded"),
        ({"model": "m"}, False, "embedded"),
        ({}, True, "embedded"),
        ({"model": "m"}, True, "higgs"),
        ({"model": "m", "backend": "directory"}, True, "directory"),
    ],
)
def test_a_model_on_a_gpu_means_higgs_unless_a_backend_is_named(given, gpu, name):
    assert backend_name(values(**given), gpu) == name


def test_the_documented_budget_is_the_default():
    assert budget(values()) == BudgetConfig()


def test_every_constant_of_the_budget_can_be_given():
    given = values(budget="fixed", budget_wpm="130", budget_buffer="1.2", min_frames="48", max_frames="384")
    found = budget(given)
    assert (found.words_per_minute, found.buffer, found.min_frames, found.max_frames) == (130, 1.2, 48, 384)
    assert found.of("كلمة").max_frames == 384


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"budget": "loose"}, "--budget is 'loose'; adaptive or fixed"),
        ({"min_frames": "600"}, "min_frames 600 is above max_frames 512"),
        ({"budget_buffer": "0"}, "buffer is 0"),
        ({"max_frames": "many"}, "--max-frames is 'many'"),
    ],
)
def test_an_impossible_budget_is_a_wrong_command(given, complaint):
    with pytest.raises(UsageError, match=complaint):
        budget(values(**given))


def test_an_option_that_the_backend_does_not_read_is_a_wrong_command():
    refuse_unread("directory", ("--model",), ["--model", "--backend", "--max-frames"])
    with pytest.raises(UsageError, match="the directory backend does not read --codec, --temperature: leave them out"):
        refuse_unread("directory", ("--model",), ["--temperature", "--model", "--codec"])


@pytest.mark.parametrize("name", registry.names(registry.BACKEND))
def test_every_backend_reads_only_options_that_there_are(name):
    reads = registry.get(registry.BACKEND, name).reads
    assert reads
    assert set(reads) <= {one.flag for one in (*OPTIONS, *SWITCHES)}
