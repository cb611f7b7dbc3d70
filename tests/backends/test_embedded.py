"""The embedded voice as a system under test; how it sounds is measured in tests/backends/embedded/."""

import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.audio import Audio
from harness.backends import BackendOptions, embedded
from harness.backends.embedded import EmbeddedBackend, speak
from harness.cloning.budget import BudgetConfig, chunks
from harness.errors import BackendError, UsageError
from harness.take import Provenance, Stop, Take
from tests.synthetic import draw, request, write_voice

WORDS = "واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة"


@pytest.fixture
def asked(tmp_path):
    return request(text=WORDS, reference=write_voice(tmp_path, "layla", draw("#" * 20)))


@pytest.fixture
def spoken(monkeypatch):
    """What the synthesiser is asked for; it answers with a buzz of the wanted length, or what the test puts here."""
    calls, answer = [], []

    def clone(text, language, reference, *, duration_s, seed):
        calls.append({"text": text, "duration_s": duration_s, "seed": seed})
        return answer[0] if answer else draw("#" * round(duration_s * 10))

    monkeypatch.setattr("harness.backends.embedded.voice.clone", clone)
    return calls, answer


def heard(asked, words_per_minute=embedded.WORDS_PER_MINUTE):
    return speak(asked, words_per_minute, Provenance("embedded", "embedded", "r1"))


def test_speech_ends_by_itself_at_its_speaking_rate(asked, spoken):
    take = heard(asked, words_per_minute=120)
    assert take.stopped_by is Stop.EOS
    assert spoken[0][0]["duration_s"] == pytest.approx(5.0)
    assert take.frames == 125
    assert take.audio.duration_s == pytest.approx(5.0)


def test_speech_beyond_the_budget_is_cut_at_its_frame(asked, spoken):
    take = heard(asked, words_per_minute=60)
    assert (take.stopped_by, take.frames) == (Stop.BUDGET, 150)
    assert take.audio.samples.size == 150 * 960


def test_two_seconds_of_silence_end_a_take(asked, spoken):
    spoken[1].append(draw("#" * 20 + "." * 30))
    take = heard(asked)
    assert (take.stopped_by, take.frames) == (Stop.SILENCE, 100)


def test_not_even_one_word_is_over_in_no_time(asked, spoken):
    heard(replace(asked, chunks=chunks("نعم", BudgetConfig())))
    assert spoken[0][0]["duration_s"] == embedded.SHORTEST_S


def test_chunks_are_spoken_in_order_each_with_its_own_performance(asked, spoken):
    text = " ".join([f"{WORDS}."] * 6)
    take = heard(replace(asked, chunks=chunks(text, BudgetConfig(), by_sentence=True)))
    assert [call["text"].count(".") for call in spoken[0]] == [3, 3]
    assert len({call["seed"] for call in spoken[0]}) == 2
    assert take.audio.duration_s == pytest.approx(2 * 30 * 60 / embedded.WORDS_PER_MINUTE, abs=0.2)


def test_a_chunk_that_is_cut_ends_the_take(asked, spoken):
    text = " ".join([f"{WORDS}."] * 6)
    take = heard(replace(asked, chunks=chunks(text, BudgetConfig(), by_sentence=True)), words_per_minute=60)
    assert take.stopped_by is Stop.BUDGET
    assert len(spoken[0]) == 1


def test_a_synthesiser_that_fails_is_a_take_that_says_so(asked, spoken, monkeypatch):
    def fail(*_, **__):
        raise BackendError("espeak-ng gave no sound")

    monkeypatch.setattr("harness.backends.embedded.voice.clone", fail)
    take = heard(asked)
    assert (take.audio, take.error, take.stopped_by) == (None, "espeak-ng gave no sound", Stop.UNKNOWN)


def test_no_sound_at_all_is_a_take_that_says_so(asked, spoken):
    spoken[1].append(Audio(np.zeros(0, np.float32), 24_000))
    assert "no sound" in heard(asked).error


@pytest.mark.parametrize("rate", [39, 401, float("nan")])
def test_a_rate_that_nobody_speaks_at_is_refused(rate):
    with pytest.raises(UsageError, match="words a minute; 40 to 400 can be spoken"):
        EmbeddedBackend(BackendOptions(words_per_minute=rate))


def test_the_speaking_rate_is_part_of_the_identity():
    assert EmbeddedBackend(BackendOptions()).identity != EmbeddedBackend(BackendOptions(words_per_minute=100)).identity


def test_it_says_that_it_is_a_demonstration():
    assert "demonstration" in EmbeddedBackend(BackendOptions()).note


def buzz(asked, words_per_minute, provenance, conversion):
    """In place of `speak` in a process of the pool, which takes long to get the synthesiser ready."""
    return Take(asked, draw("#" * 20), Stop.EOS, provenance)


@pytest.mark.slow
def test_a_process_of_the_pool_that_is_killed_is_replaced(asked, monkeypatch):
    monkeypatch.setattr(embedded, "speak", buzz)
    backend = EmbeddedBackend(BackendOptions())
    try:
        assert next(iter(backend.generate([asked]))).audio is not None
        for child in multiprocessing.active_children():
            child.kill()
        with pytest.raises(BackendError, match="was ended from outside"):
            list(backend.generate([asked] * 4))
        assert next(iter(backend.generate([asked]))).audio is not None
    finally:
        backend.close()


def test_a_voice_is_measured_once_for_all_processes_and_one_without_speech_costs_its_own_takes_alone(
    asked, spoken_here, monkeypatch, tmp_path
):
    measured, given = [], []

    def keep_base(path, language, variant):
        measured.append(language)
        return path

    def keep_voice(path, reference):
        measured.append(reference.stem)
        if reference.stem == "mute":
            raise BackendError("no speech")
        return path

    def keep_conversion(path, language, voice, bases):
        measured.append((language, len(bases)))
        return path

    def speak(request, words_per_minute, provenance, conversion):
        given.append(conversion)
        return buzz(request, words_per_minute, provenance, conversion)

    for keep in (keep_base, keep_voice, keep_conversion):
        monkeypatch.setattr(embedded.kept, keep.__name__, keep)
    monkeypatch.setattr(embedded, "speak", speak)
    mute = replace(asked, reference=write_voice(tmp_path / "other", "mute", draw("." * 20)))
    backend = EmbeddedBackend(BackendOptions())
    backend.prefetch([asked, asked])
    assert measured == ["ar", "ar", "layla"]
    assert given == []
    assert len(list(backend.generate([asked, mute, asked]))) == 3
    assert len(list(backend.generate([asked]))) == 1
    assert measured == ["ar", "ar", "layla", "mute", ("ar", 2)]
    kept = given[0]
    assert given == [kept, None, kept, kept]
    assert kept.parent.is_dir()
    backend.close()
    assert not kept.parent.exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("handle is closed"), BrokenExecutor),
        (ValueError("bad value(s) in fds_to_keep"), BrokenExecutor),
        (OSError(12, "no memory"), OSError),
    ],
)
def test_only_the_closed_handle_of_a_pool_speaks_of_a_killed_process(error, said):
    class Closed(Executor):
        def submit(self, function, /, *arguments, **named):
            raise error

    with pytest.raises(said):
        embedded._submitted(Closed(), len, "")


def test_what_killed_runs_left_behind_goes_after_a_week(tmp_path):
    for name, days in (("old", 8), ("new", 1)):
        left = tmp_path / f"{embedded.FOLDER}{name}"
        left.mkdir()
        os.utime(left, times=(time.time() - days * 86_400,) * 2)
    (tmp_path / "another").mkdir()
    embedded._sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{embedded.FOLDER}new", "another"}


POOL = """
import multiprocessing, time
from harness.backends import BackendOptions, embedded, open_backend
from tests.backends.test_embedded import buzz
from tests.synthetic import request

if __name__ == "__main__":
    embedded.speak = buzz
    backend = open_backend("embedded", BackendOptions())
    next(iter(backend.generate([request()])))
    print(backend._folder, *[child.pid for child in multiprocessing.active_children()], flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_the_processes_of_a_run_that_is_killed_end_with_it(tmp_path):
    (tmp_path / "pool.py").write_text(POOL)
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "pool.py")],
        env=os.environ | {"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        text=True,
    )
    folder, *pids = process.stdout.readline().split()
    children = [int(pid) for pid in pids]
    assert children
    assert Path(folder).is_dir()
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in children if alive(pid)] == []
    assert not Path(folder).exists()


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0]
    except OSError:
        return False
