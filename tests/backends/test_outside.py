import asyncio
import time
from dataclasses import replace

import pytest

from harness.backends.outside import Job, LateError, driven, spoken
from harness.errors import BackendError
from harness.take import Provenance, Stop
from tests.synthetic import draw, request, utterance

PROVENANCE = Provenance("fake", "fake", "r1")


def jobs(count):
    return [Job(replace(request(), utterance=utterance(id=f"short-{number:03d}"))) for number in range(count)]


def test_what_ends_first_comes_first_and_so_many_run_at_once():
    running, most = [0], [0]

    async def speak(job):
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.05 if job.request.utterance.id == "short-000" else 0.01)
        running[0] -= 1

    ended = [job.request.utterance.id for job in driven(spoken(jobs(4), speak, 2, 5))]
    assert ended[0] != "short-000"
    assert sorted(ended) == [job.request.utterance.id for job in jobs(4)]
    assert most == [2]


def test_each_ends_for_its_own_reason():
    async def speak(job):
        number = int(job.request.utterance.id[-1])
        if number == 1:
            raise BackendError("no such voice")
        if number == 2:
            raise LateError("over")
        job.add(draw("#" * 10), Stop.EOS, 25)

    ended = {job.request.utterance.id: job for job in driven(spoken(jobs(3), speak, 3, 5))}
    assert [(job.error, job.stopped_by) for job in map(ended.get, sorted(ended))] == [
        ("", Stop.EOS),
        ("no such voice", Stop.UNKNOWN),
        ("over", Stop.TIMEOUT),
    ]


def test_a_deadline_is_a_deadline(monkeypatch):
    monkeypatch.setattr("harness.backends.outside.GRACE_S", 0.05)

    async def speak(job):
        await asyncio.sleep(30)

    began = time.monotonic()
    (job,) = driven(spoken(jobs(1), speak, 1, 0.05))
    assert time.monotonic() - began < 2
    assert "no whole take within 0.05 s" in job.error


def test_whoever_stops_listening_leaves_nothing_running():
    cancelled = []

    async def speak(job):
        try:
            await asyncio.sleep(0.01 if job.request.utterance.id == "short-000" else 30)
        except asyncio.CancelledError:
            cancelled.append(job.request.utterance.id)
            raise

    ended = driven(spoken(jobs(3), speak, 3, 60))
    next(ended)
    ended.close()
    assert sorted(cancelled) == ["short-001", "short-002"]


@pytest.mark.parametrize(
    ("seconds", "told", "stopped_by"),
    [(2.9, True, Stop.UNKNOWN), (3.0, True, Stop.BUDGET), (9.0, True, Stop.BUDGET), (9.0, False, Stop.UNKNOWN)],
)
def test_a_take_as_long_as_its_budget_was_cut_by_it(seconds, told, stopped_by):
    (job,) = jobs(1)  # 75 frames, 3 s
    job.add(draw("#" * round(seconds * 10)), Stop.UNKNOWN, 25, told)
    take = job.take(PROVENANCE, 25, {"seed": "obeyed"})
    assert (take.stopped_by, take.frames) == (stopped_by, round(seconds * 25))
    assert take.details["seed"] == "obeyed"
    assert ("beyond_budget_0" in take.details) == (told and seconds > 5)


def test_a_job_without_sound_is_a_take_with_an_error():
    (job,) = jobs(1)
    assert job.take(PROVENANCE, 25, {}).error
