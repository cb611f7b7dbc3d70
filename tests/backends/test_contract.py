"""What every backend promises, whatever speaks behind it."""

import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import shipped
from harness.audio import encode_wav
from harness.backends import BackendOptions, open_backend
from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import load_voices
from harness.take import Stop
from tests.stand_in import running
from tests.synthetic import draw, request, utterance

TEXTS = ("مرحبا بكم في بيتنا", "كيف حالك اليوم؟")


SLOW = ("embedded", "higgs", "speech_server", "command")
PROGRAM = Path(__file__).resolve().parent.parent / "stand_in_program.py"


@pytest.fixture(scope="module")
def server():
    with running("sglang-omni") as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def opened():
    """What takes long to get ready is opened once, and is asked again and again as in a run."""
    made = {}

    def open_(name, options):
        if name not in made:
            made[name] = open_backend(name, options)
        return made[name]

    yield open_
    for backend in made.values():
        backend.close()


@pytest.fixture(params=["directory", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def backend(request, tmp_path, opened):
    for number in (1, 2):
        (tmp_path / f"short-00{number}.wav").write_bytes(encode_wav(draw("#" * (20 + number))))
    if request.param == "embedded":
        yield opened("embedded", BackendOptions())
        return
    if request.param == "higgs":
        tiny = request.getfixturevalue("tiny")
        yield opened("higgs", BackendOptions(model=str(tiny / "model"), codec=str(tiny / "codec")))
        return
    options = BackendOptions(model=str(tmp_path))
    if request.param == "speech_server":
        options = BackendOptions(model=request.getfixturevalue("server").url)
    if request.param == "command":
        words = shlex.join([sys.executable, str(PROGRAM), "none", str(tmp_path / "counter")])
        options = BackendOptions(model=f"{words} {{text}} {{reference}} {{seed}} {{max_frames}} {{out}}", concurrency=2)
    backend = open_backend(request.param, options)
    yield backend
    backend.close()


def spoken(backend, asked):
    """One take for each request, in the order of the requests."""
    takes = {take.request.digest: take for take in backend.generate(asked)}
    assert len(takes) == len(asked)
    return [takes[one.digest] for one in asked]


@pytest.fixture
def requests(tmp_path):
    voice = {voice.id: voice for voice in load_voices(shipped.VOICES)}["layla"]
    asked = []
    for number, text in enumerate(TEXTS, 1):
        row = utterance(text, id=f"short-00{number}", number=number)
        asked.append(replace(request(), utterance=row, reference=voice, chunks=chunks(text, BudgetConfig())))
    return asked


def test_gives_a_take_for_each_request(backend, requests):
    for asked in (requests, requests[::-1]):
        takes = spoken(backend, asked)
        assert all(take.audio is not None and take.audio.sample_rate_hz == backend.sample_rate_hz for take in takes)


def test_gives_nothing_for_nothing(backend):
    assert list(backend.generate([])) == []


def test_says_the_same_when_asked_again(backend, requests):
    once, again = spoken(backend, requests), spoken(backend, requests)
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one.audio.samples, other.audio.samples)


def test_gives_a_take_with_an_error_for_what_it_cannot_do(backend, requests, tmp_path):
    broken = replace(
        requests[0],
        utterance=utterance(id="short-009"),
        reference=replace(requests[0].reference, path=tmp_path / "x.wav"),
    )
    good, bad = spoken(backend, [requests[0], broken])
    assert good.audio is not None
    assert bad.audio is None
    assert "\n" not in bad.error
    assert bad.error


def test_says_where_its_takes_come_from(backend, requests):
    (take,) = spoken(backend, requests[:1])
    assert take.provenance.backend == backend.name
    assert take.provenance.revision == backend.identity
    assert take.stopped_by in set(Stop)


@pytest.mark.parametrize("name", ["directory", "embedded"])
def test_opening_imports_nothing_heavy(name, tmp_path):
    code = (
        "import sys; from harness.backends import BackendOptions, open_backend;"
        f"open_backend({name!r}, BackendOptions(model={str(tmp_path)!r})).identity;"
        "print({'torch', 'transformers', 'librosa', 'scipy', 'pyworld'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "set()\n", done.stderr
