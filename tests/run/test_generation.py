"""Whatever a system under test does, every request ends in a take, in time."""

import threading
import time
from dataclasses import replace

import pytest

from harness.backends import Interrupted
from harness.errors import BackendError
from harness.run.generation import Speaker
from harness.take import Provenance, Stop, Take
from tests.synthetic import draw, request, utterance

SOUND = draw("#" * 26)


def take(asked, sound=SOUND):
    return Take(asked, sound, Stop.EOS, Provenance("fake", "fake", "r1"))


class Fake:
    name, sample_rate_hz, frame_rate_hz, note, reads, identity = "fake", 24_000, 25, "", (), "fake r1"

    def __init__(self, answer):
        self.generate, self.closed = answer, False

    def close(self):
        self.closed = True


@pytest.fixture
def asked():
    return [replace(request(), utterance=utterance(id=f"short-{number:03d}")) for number in (1, 2, 3)]


def answers(takes):
    return [one.error if one.audio is None else "sound" for one in takes]


def test_takes_come_in_any_order_each_as_soon_as_it_is_there(asked):
    free = threading.Event()

    def one_by_one(requests):
        yield take(requests[2])
        assert free.wait(10)
        yield take(requests[0])
        yield take(requests[1])

    takes = Speaker(Fake(one_by_one), 60).speak(asked)
    first = next(takes)
    free.set()
    assert [first.request, *(one.request for one in takes)] == [asked[2], asked[0], asked[1]]


def breaks(requests):
    yield take(requests[0])
    raise MemoryError("no room\nfor more")


def stops(requests):
    yield take(requests[0])
    raise BackendError("the model has gone")


def leaves(requests):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (breaks, ["sound", *["the backend raised MemoryError: no room for more"] * 2]),
        (stops, ["sound", *["the model has gone"] * 2]),
        (leaves, ["the backend raised SystemExit: 3"] * 3),
        (lambda requests: None, ["the backend raised TypeError: 'NoneType' object is not iterable"] * 3),
        (lambda requests: [None] * 3, ["the backend gave NoneType in place of a take"] * 3),
        (
            lambda requests: [take(requests[0])] * 3,
            ["sound", *["the backend gave a take that was not asked for, or one take twice"] * 2],
        ),
        (lambda requests: [take(requests[1])], ["sound", *["the backend gave no take for it, and 1 of 3"] * 2]),
        (
            lambda requests: [take(one, None) for one in requests],
            ["the backend gave a take without audio and without an error"] * 3,
        ),
        (lambda requests: [take(one, draw("")) for one in requests], ["the audio holds 0 samples"] * 3),
        (
            lambda requests: [replace(take(one), frames=-5) for one in requests],
            ["the backend says that it took -5 frames"] * 3,
        ),
        (
            lambda requests: [replace(take(one), elapsed_s=float("nan")) for one in requests],
            ["the backend says that it took nan s"] * 3,
        ),
        (
            lambda requests: [replace(take(one), elapsed_s=float("inf")) for one in requests],
            ["the backend says that it took inf s"] * 3,
        ),
    ],
)
def test_what_a_system_does_not_give_is_a_take_that_says_so(asked, answer, heard):
    takes = list(Speaker(Fake(answer), 60).speak(asked))
    assert answers(takes) == heard
    assert sorted(one.request.utterance.id for one in takes) == [one.utterance.id for one in asked]


def test_a_system_that_never_comes_back_is_given_up_and_asked_nothing_more(asked, monkeypatch):
    calls = []

    def hangs(requests):
        calls.append(len(requests))
        yield take(requests[0])
        time.sleep(60)

    backend = Fake(hangs)
    monkeypatch.setattr("harness.run.generation.LOOK_S", 0.05)
    speaker = Speaker(backend, timeout_s=0.1, slack_s=0)
    began = time.monotonic()
    takes = list(speaker.speak(asked))
    assert time.monotonic() - began < 2
    assert answers(takes)[0] == "sound"
    assert all("did not come back within 0.2 s" in one.error for one in takes[1:])
    assert [one.stopped_by for one in takes[1:]] == [Stop.TIMEOUT] * 2
    assert "is asked nothing more" in next(speaker.speak(asked)).error
    assert calls == [3]
    speaker.close()
    assert not backend.closed  # closing it would hang too


def test_a_system_that_gives_take_after_take_is_never_late(asked):
    def slowly(requests):
        for one in requests:
            time.sleep(0.12)
            yield take(one)

    assert answers(Speaker(Fake(slowly), timeout_s=0.1, slack_s=0).speak(asked)) == ["sound"] * 3


def test_one_thread_speaks_all_batches(asked):
    threads = []

    def notes(requests):
        threads.append(threading.get_ident())
        return [take(one) for one in requests]

    speaker = Speaker(Fake(notes), 60)
    for one in asked:
        list(speaker.speak([one]))
    assert len(threads) == 3
    assert len(set(threads)) == 1 != threading.get_ident()


def test_whoever_is_interrupted_gets_what_the_system_had_finished(asked):
    def interruptible(requests):
        yield take(requests[0])
        try:
            while True:
                time.sleep(0.01)
        except KeyboardInterrupt:
            raise Interrupted([take(requests[1])]) from None

    speaker = Speaker(Fake(interruptible), 60)
    takes = speaker.speak(asked)
    assert next(takes).request == asked[0]
    assert [one.request for one in speaker.interrupt()] == [asked[1]]
    assert not speaker.stuck
    assert next(speaker.speak(asked)).audio is not None  # and it can be asked again


def test_a_system_that_ends_the_run_itself_ends_it(asked):
    def gives_up(requests):
        raise Interrupted([take(requests[0])])

    with pytest.raises(Interrupted) as ended:
        list(Speaker(Fake(gives_up), 60).speak(asked))
    assert [one.request for one in ended.value.finished] == [asked[0]]


def test_nothing_is_asked_for_nothing():
    assert list(Speaker(Fake(leaves), 60).speak([])) == []
