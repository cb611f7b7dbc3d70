"""Systems under test that lie, or break: each ends in its verdict and exit code, in time."""

import time
from dataclasses import dataclass, replace

import numpy as np
import pytest

from harness import audio, shipped
from harness.audio import Audio
from harness.backends.embedded.voice import clone
from harness.corpus import load_corpus
from harness.records.event import Ended, Judged, Planned
from harness.records.gate import Outcome
from harness.run.journal import Journal
from harness.take import Provenance, Stop, Take
from tests.run.test_plan import Speaking, make

__all__ = ["make"]

pytestmark = pytest.mark.slow

ROWS = load_corpus("short")[1:3]
SEEDS = (0, 1)
LONGEST_S = 20.0
GATES = ("readable", "nonfinite_samples", "sample_rate", "rate_ratio", "length", "finished")
GATES += ("copied_take", "copied_seed", "reference_leak")
SPOKEN = {}


def spoken(request):
    """An honest take; made once for all systems."""
    key = request.utterance.id, request.seed
    if key not in SPOKEN:
        reference = audio.load(request.reference.path)
        SPOKEN[key] = clone(request.utterance.text, "ar", reference, duration_s=3.0, seed=request.entropy)
    return SPOKEN[key]


def given(request, sound):
    return Take(request, sound, Stop.EOS, Provenance("speaking", "speaking", "r1"), frames=65)


def each(change):
    return lambda requests: [given(one, change(one)) for one in requests]


def scaled(sound, samples):
    return replace(sound, samples=np.asarray(samples, np.float32))


def reference_of(request):
    return audio.resample(audio.load(request.reference.path), 24_000)


def pitched(request):
    """The reference, 4 % higher and so much faster."""
    faster = audio.resample(reference_of(request), round(24_000 / 1.04))
    return Audio(faster.samples, 24_000)


def cut(request):
    sound = reference_of(request)
    return scaled(sound, sound.samples[: sound.samples.size * 2 // 3])


def endless(request):
    """One take of two minutes; the others are honest."""
    sound = spoken(request)
    longer = (request.utterance.id, request.seed) == (ROWS[0].id, 0)
    return scaled(sound, np.tile(sound.samples, 40)) if longer else sound


def first_seed(requests):
    first = {one.utterance.id: one for one in reversed(requests)}
    return [given(one, spoken(first[one.utterance.id])) for one in requests]


def raises(requests):
    raise RuntimeError("CUDA out of memory")


def hangs(requests):
    time.sleep(60)


@dataclass(frozen=True)
class Lie:
    name: str
    generate: object
    gate: str = ""
    """That finds it."""
    verdict: Outcome = Outcome.FAIL
    exit: int = 1
    takes: int = 4
    """In which it is found, at least."""


LIES = (
    Lie("another order", lambda requests: each(spoken)(requests)[::-1], verdict=Outcome.PASS, exit=0),
    Lie("one take too few", lambda requests: each(spoken)(requests)[1:], "readable", takes=1),
    Lie("one take for all", lambda requests: each(lambda _: spoken(requests[0]))(requests), "copied_take"),
    Lie("the seed ignored", first_seed, "copied_seed"),
    Lie("the reference whole", each(reference_of), "reference_leak"),
    Lie("the reference cut", each(cut), "reference_leak"),
    Lie("the reference pitched", each(pitched), "reference_leak"),
    Lie("not a number", each(lambda one: scaled(spoken(one), spoken(one).samples * np.nan)), "nonfinite_samples"),
    Lie("a wrong label", each(lambda one: replace(spoken(one), sample_rate_hz=16_000)), "sample_rate"),
    Lie("120 s", each(endless), "length", takes=1),
    Lie("raises", raises, "readable"),
    Lie("None", lambda requests: None, "readable"),
    Lie("hangs", hangs, "readable"),
)
"""The fourteenth gives accepted takes again: tests/run/test_comparison.py plays it, since it takes a baseline."""


class Lying(Speaking):
    def __init__(self, generate):
        super().__init__()
        self.generate = generate


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_system_that_lies_gets_its_verdict(make, monkeypatch, tmp_path, lie):
    monkeypatch.setattr("harness.run.generation.LOOK_S", 0.05)
    run = make(Lying(lie.generate), voices_folder=shipped.VOICES)
    run._speaker.timeout_s, run._speaker.slack_s = (0.2, 0.1) if lie.name == "hangs" else (60, 10)
    requests = [run.request(row, seed) for row in ROWS for seed in SEEDS]
    for request in requests:
        spoken(request)
    # What waits is held to the clock, what computes to its own time: tests beside it may hold the processor.
    clock = time.monotonic if lie.name == "hangs" else time.process_time
    began = clock()
    run.generate(requests)
    records = [run.noted(run.take(one), {}, run.judge(run.take(one), GATES)) for one in requests]
    journal = Journal(tmp_path / "journal")
    journal.begin()
    journal.add(Planned({"test": tuple(one.key for one in records)}))
    journal.add(Judged("test", tuple(records)))
    journal.add(Ended("2026-01-01T00:00:00Z", int(any(one.against for one in records))))
    replayed = journal.record()
    assert clock() - began < LONGEST_S
    found = [[verdict.gate.name for verdict in one.against] for one in records]
    assert (replayed.verdict, replayed.exit_code) == (lie.verdict, lie.exit), found
    assert sum(lie.gate in names for names in found) >= lie.takes * bool(lie.gate), found
    assert len(records) == len(SEEDS) * len(ROWS)


def test_every_kind_of_lie_is_told():
    assert len(LIES) + 1 == 14
