"""The gate on a served model: what the embedded voice says through a server is judged as what it says itself."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import audio, shipped
from harness.backends import BackendOptions
from harness.backends.speech_server import SpeechServerBackend
from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import load_corpus, load_voices
from harness.records import schema
from harness.records.run_record import RunRecord
from harness.take import Request, Sampling, Stop
from tests.stand_in import running
from tests.synthetic import draw, request, utterance, write_voice

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SOME = "short-001 or short-004 or cross_lingual-001 or diacritized-002"
KEY = "sk-nobody-may-read-this-4711"


def gate(out, monkeypatch, *options):
    monkeypatch.setenv("HARNESS_API_KEY", KEY)
    command = [sys.executable, "-m", "pytest", "suites/", "-q", "-p", "no:cacheprovider", "-k", SOME, "--out", str(out)]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert (out / "run.json").exists(), said
    assert KEY not in said
    return {take.key: take for take in schema.read(out / "run.json", RunRecord, "run again").takes}


@pytest.fixture(scope="module")
def itself(tmp_path_factory):
    out = tmp_path_factory.mktemp("itself")
    with pytest.MonkeyPatch.context() as patched:
        return out, gate(out, patched, "--backend", "embedded")


def verdicts(takes):
    return {(key, verdict.gate.name): verdict.outcome for key, take in takes.items() for verdict in take.verdicts}


@pytest.fixture(scope="module")
def speaks():
    """The embedded voice, served: it prepares a voice once and then speaks all dialects."""
    with running("openai", "embedded") as server:
        yield server


def test_a_served_voice_gets_the_takes_and_verdicts_that_it_gets_itself(itself, speaks, tmp_path, monkeypatch):
    out, own = itself
    speaks.control(dialect="vllm-omni")
    served = gate(tmp_path, monkeypatch, "--backend", "speech_server", "--model", speaks.url)
    assert speaks.seen()["keys"] == [f"Bearer {KEY}"]
    assert own.keys() == served.keys()
    assert len(own) == 4
    for key, take in own.items():
        one, other = audio.load(out / take.listen), audio.load(tmp_path / served[key].listen)
        np.testing.assert_array_equal(one.samples, other.samples)
    differ = {gate for (key, gate), outcome in verdicts(own).items() if verdicts(served)[key, gate] != outcome}
    assert differ == {"finished"}  # a speech endpoint does not say why a take ended
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert holding == []


@pytest.mark.parametrize("dialect", ["openai", "vllm-omni", "sglang-omni", "chat"])
def test_in_every_dialect_it_is_the_voice_itself(itself, speaks, monkeypatch, dialect):
    out, own = itself
    monkeypatch.setenv("HARNESS_API_KEY", KEY)
    speaks.control(dialect=dialect)
    voices = {voice.id: voice for voice in load_voices(shipped.VOICES)}
    rows = {row.id: row for suite in ("short", "cross_lingual", "diacritized") for row in load_corpus(suite)}
    backend = SpeechServerBackend(BackendOptions(model=speaks.url))
    requests = [
        Request(row, voices[row.reference_id], 0, chunks(row.text, BudgetConfig()), backend.identity)
        for row in (rows[take.utterance] for take in own.values())
    ]
    takes = {take.request.utterance.id: take for take in backend.generate(requests)}
    assert len(takes) == 4
    for one in own.values():
        take = takes[one.utterance]
        np.testing.assert_array_equal(take.audio.samples, audio.load(out / one.listen).samples, take.error)
        # What is asked of a take beside its sound; a speech endpoint does not say why it ended, chat does.
        assert take.stopped_by == (one.stopped_by if dialect == "chat" else Stop.UNKNOWN)
    assert speaks.seen()["keys"] == [f"Bearer {KEY}"]


@pytest.fixture
def asked(tmp_path):
    voices = [write_voice(tmp_path, name, draw("#" * 20, pitch_hz=hz)) for name, hz in (("layla", 120), ("omar", 90))]
    return [
        replace(request(), utterance=utterance(id=f"short-{number:03d}", number=number), reference=voices[number % 2])
        for number in range(1, 17)
    ]


@pytest.mark.parametrize("dialect", ["openai", "vllm-omni", "sglang-omni", "chat"])
def test_whole_or_streamed_it_is_the_same_sound(asked, dialect):
    voices = {voice.id: voice for voice in load_voices(shipped.VOICES)}
    requests = [replace(one, reference=voices[one.reference.id]) for one in asked[:2]]
    heard = {}
    with running(dialect) as server:
        for stream in (False, True):
            server.control()
            backend = SpeechServerBackend(BackendOptions(model=server.url, stream=stream, timeout_s=10))
            takes = {take.request.utterance.id: take for take in backend.generate(requests)}
            seen = server.seen()
            assert all(not take.error for take in takes.values())
            assert [take.frames for take in takes.values()] == [66, 66]
            assert all(take.details["seed"] == "obeyed" for take in takes.values())
            assert len({one["seed"] for one in seen["asked"]}) == 3  # two takes, and another seed in the proof
            assert {one.get("max_new_tokens", one.get("max_completion_tokens")) for one in seen["asked"]} == {84}
            heard[stream] = {name: take.audio for name, take in takes.items()}
    for name, whole in heard[False].items():
        # The server answers whole in 32 bits and streams 16: these are the same to the last of them.
        sixteen = np.clip(np.rint(whole.samples * 32768), -32768, 32767).astype(np.float32) / 32768
        np.testing.assert_array_equal(heard[True][name].samples, sixteen)
        assert heard[True][name].sample_rate_hz == whole.sample_rate_hz


def test_several_at_once_are_faster_and_never_more_than_said(asked):
    elapsed = {}
    with running("vllm-omni", "tone", 0.3) as server:
        for at_once in (1, 8):
            server.control()
            backend = SpeechServerBackend(BackendOptions(model=server.url, concurrency=at_once, timeout_s=30))
            list(backend.generate(asked[:1]))  # the proof is asked one after the other
            began = time.monotonic()
            assert all(not take.error for take in backend.generate(asked))
            elapsed[at_once] = time.monotonic() - began
            assert server.seen()["most"] == at_once
    assert elapsed[1] / elapsed[8] > 3


def test_chunks_are_asked_one_by_one_within_their_budgets(asked):
    text = " ".join(["واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة."] * 5)
    one = replace(asked[0], chunks=chunks(text, BudgetConfig(), by_sentence=True))
    with running("vllm-omni") as server:
        (take,) = SpeechServerBackend(BackendOptions(model=server.url)).generate([one])
        seen = server.seen()["asked"][4:]
    assert [part["input"] for part in seen] == [chunk.text for chunk in one.chunks]
    assert [part["max_new_tokens"] for part in seen] == [chunk.budget.max_frames + 9 for chunk in one.chunks]
    assert seen[0]["seed"] + 1 == seen[1]["seed"]
    assert take.audio.duration_s == pytest.approx(50 * 0.4 * 1.32, abs=0.2)


def test_sampling_that_a_server_would_drop_is_refused(asked):
    with running("vllm-omni") as server:
        backend = SpeechServerBackend(BackendOptions(model=server.url))
        (take,) = backend.generate([replace(asked[0], sampling=Sampling(temperature=0.9))])
    assert "the vllm-omni dialect ignores sampling settings" in take.error
