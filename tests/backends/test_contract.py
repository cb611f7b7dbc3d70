"""What every backend promises, whatever speaks behind it."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from harness import shipped
from harness.audio import encode_wav
from harness.backends import BackendOptions, open_backend
from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import load_voices
from harness.take import Stop
from tests.synthetic import draw, request, utterance

TEXTS = ("مرحبا بكم في بيتنا", "كيف حالك اليوم؟")


@pytest.fixture(params=["directory", *(pytest.param(name, marks=pytest.mark.slow) for name in ("embedded", "higgs"))])
def backend(request, tmp_path):
    for number in (1, 2):
        (tmp_path / f"short-00{number}.wav").write_bytes(encode_wav(draw("#" * (20 + number))))
    options = BackendOptions(model=str(tmp_path))
    if request.param == "higgs":
        tiny = request.getfixturevalue("tiny")
        options = BackendOptions(model=str(tiny / "model"), codec=str(tiny / "codec"))
    backend = open_backend(request.param, options)
    yield backend
    backend.close()


@pytest.fixture
def requests(tmp_path):
    voice = {voice.id: voice for voice in load_voices(shipped.VOICES)}["layla"]
    asked = []
    for number, text in enumerate(TEXTS, 1):
        row = utterance(text, id=f"short-00{number}", number=number)
        asked.append(replace(request(), utterance=row, reference=voice, chunks=chunks(text, BudgetConfig())))
    return asked


def test_gives_a_take_for_each_request_in_order(backend, requests):
    for asked in (requests, requests[::-1]):
        takes = backend.generate(asked)
        assert [take.request.utterance.id for take in takes] == [one.utterance.id for one in asked]
        assert all(take.audio is not None and take.audio.sample_rate_hz == backend.sample_rate_hz for take in takes)


def test_gives_nothing_for_nothing(backend):
    assert backend.generate([]) == []


def test_says_the_same_when_asked_again(backend, requests):
    once, again = backend.generate(requests), backend.generate(requests)
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one.audio.samples, other.audio.samples)


def test_gives_a_take_with_an_error_for_what_it_cannot_do(backend, requests, tmp_path):
    broken = replace(
        requests[0],
        utterance=utterance(id="short-009"),
        reference=replace(requests[0].reference, path=tmp_path / "x.wav"),
    )
    good, bad = backend.generate([requests[0], broken])
    assert good.audio is not None
    assert bad.audio is None
    assert "\n" not in bad.error
    assert bad.error


def test_says_where_its_takes_come_from(backend, requests):
    (take,) = backend.generate(requests[:1])
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
