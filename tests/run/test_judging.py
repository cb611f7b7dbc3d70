"""Each take is judged once, as it arrives, by whichever process it belongs to."""

import threading
import time

import pytest

from harness.records.gate import Gate, Outcome, Verdict
from harness.records.measurement import Metric
from harness.records.take_record import TakeRecord
from harness.run import judging
from harness.run.judging import InMemory, Judging, Wanted, key_of
from harness.run.measured_before import Nothing
from tests.synthetic import request, take, utterance

LENGTH = Gate("length", "length", "s", "why", at_most=30.0)
COPIED = Gate("copied_take", "copied_take", "ratio", "why", at_most=0.2)
WANTED = Wanted(("length", "copied_take"))


class Counting:
    """Judges by two gates, and remembers when it did what."""

    before = Nothing()

    def __init__(self, broken=False):
        self.events, self.broken, self.most = [], broken, 0

    def measured(self, takes, names):
        if self.broken:
            raise ValueError("the ruler broke")
        self.most = max(self.most, len(takes))
        self.events += [(one.request.utterance.id, tuple(names), threading.current_thread().name) for one in takes]
        return [{name: Metric(name, "s", "neither").measured(1.0) for name in names} for _ in takes]

    def verdicts(self, take, metrics, found):
        gates = {"length": LENGTH, "copied_take": COPIED}
        return [Verdict(Outcome.PASS, gates[name], found[name]) for name in metrics]

    def noted(self, take, found, verdicts):
        return TakeRecord.of(take, found, verdicts, None, take.request.reference.path.parent)

    def amounts(self, take, metrics):
        return set()


def takes(count):
    return [
        take(asked=request(utterance=utterance(id=f"short-{number:03d}", number=number))) for number in range(count)
    ]


def wanted(some):
    return {key_of(one): WANTED for one in some}


def test_a_take_is_measured_once_alone_as_it_arrives_and_beside_others_at_the_end():
    some, run, ledger = takes(3), Counting(), InMemory()
    judge = Judging(run, ledger, wanted(some))
    judge.take_in(some[0])
    for _ in range(100):
        if run.events:
            break
        time.sleep(0.01)
    assert run.events == [("short-000", ("length",), "judging")]
    judge.take_in(some[1])
    judge.finish(some)
    assert sorted(event[:2] for event in run.events) == sorted(
        (one.request.utterance.id, names) for one in some for names in (("length",), ("copied_take",))
    )
    for one in some:
        noted = ledger.noted(key_of(one))
        assert {verdict.gate.name for verdict in noted.verdicts} == {"length", "copied_take"}
        assert noted.text == one.request.utterance.text


def test_what_nobody_wants_is_not_judged():
    some, run = takes(2), Counting()
    judge = Judging(run, InMemory(), wanted(some[:1]))
    judge.take_in(some[1])
    judge.finish(some)
    assert {event[0] for event in run.events} == {"short-000"}


def test_what_goes_wrong_in_the_thread_is_raised_where_it_is_waited_for():
    some = takes(1)
    judge = Judging(Counting(broken=True), InMemory(), wanted(some))
    judge.take_in(some[0])
    with pytest.raises(ValueError, match="the ruler broke"):
        judge.finish(some)


def test_processes_judge_their_share_and_then_what_nobody_has_judged():
    some, ledger = takes(9), InMemory()
    first, second = Counting(), Counting()
    mine = Judging(first, ledger, wanted(some), (0, 2))
    for one in some[::2]:
        mine.take_in(one)
    mine._end()
    alone = [event[0] for event in first.events]
    assert alone == [one.request.utterance.id for one in some[::2]]
    Judging(second, ledger, wanted(some), (1, 2)).finish(some)
    judged = [event[0] for event in second.events if event[1] == ("length",)]
    assert sorted(judged) == [one.request.utterance.id for one in some[1::2]]
    beside = [event[0] for event in second.events if event[1] == ("copied_take",)]
    assert sorted(beside) == [one.request.utterance.id for one in some], "the other process died before that"
    mine.finish(some)
    assert [event for event in first.events if event[1] == ("copied_take",)] == []


def test_takes_are_judged_in_batches_so_that_few_sounds_are_held(monkeypatch):
    monkeypatch.setattr(judging, "BATCH", 4)
    some, run = takes(11), Counting()
    Judging(run, InMemory(), wanted(some)).finish(some)
    assert run.most == 4


def test_how_far_judging_is_is_said_batch_by_batch_once_all_takes_are_there(monkeypatch):
    monkeypatch.setattr(judging, "BATCH", 4)
    some, said = takes(11), []
    judge = Judging(Counting(), InMemory(), wanted(some), progress=lambda *told: said.append(told))
    judge.take_in(some[0])
    judge._end()
    assert said == []
    judge.finish(some)
    assert said == [(5, 11), (9, 11), (11, 11)]


def test_an_interrupted_run_judges_no_more():
    some, run = takes(2), Counting()
    judge = Judging(run, InMemory(), wanted(some))
    judge.stop()
    assert run.events == []
