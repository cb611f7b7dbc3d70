from dataclasses import replace

import numpy as np
import pytest

from harness.backends.higgs.job import Job
from harness.cloning.budget import BudgetConfig, chunks
from harness.cloning.reference import ReferenceFeatures
from harness.cloning.termination import DelayedStream, Termination
from harness.take import Stop
from tests.synthetic import draw, request

TEXT = " ".join(["كلمة " * 17 + "نهاية."] * 3)


def asked(**changes):
    return replace(request(), chunks=chunks(TEXT, BudgetConfig(), by_sentence=True), **changes)


def ended(stop):
    return DelayedStream(Termination(asked().chunks[0].budget), lambda frame: False, stopped_by=stop)


def test_the_first_chunk_is_spoken_and_none_after_the_last():
    job = Job(asked())
    assert job.stopped_by is Stop.UNKNOWN
    assert job.wants(0)
    assert not job.wants(3)


@pytest.mark.parametrize(
    ("stop", "goes_on"), [(Stop.EOS, True), (Stop.SILENCE, True), (Stop.BUDGET, False), (Stop.TIMEOUT, False)]
)
def test_a_chunk_that_was_cut_ends_the_take(stop, goes_on):
    job = Job(asked(), streams=[ended(stop)])
    assert job.stopped_by is stop
    assert job.wants(1) is goes_on


def test_a_job_that_failed_wants_nothing_more():
    assert not Job(asked(), error="out of memory").wants(0)


def test_the_reference_stands_in_the_conversation_at_the_codecs_rate():
    sound = draw("#" * 10)
    job = Job(asked(), ReferenceFeatures(sound, sound, cut=False))
    np.testing.assert_array_equal(job.speech.audio.samples, sound.samples)
    assert Job(asked()).speech is None
