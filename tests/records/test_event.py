from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from harness.errors import RecordError
from harness.records import event, schema
from harness.records.event import Begun, Ended, Found, Planned, Unjudged
from harness.records.packed import Glossary, Names
from harness.records.take_record import TakeKey, TakeRecord
from tests.synthetic import request, take


@pytest.mark.parametrize(
    "happened",
    [
        Begun("2026-01-02T03:04:05Z", Begun.SCHEMA),
        Planned({"test": (TakeKey("short", "a-1", 0),)}),
        Unjudged("test", "skipped", "no lamp"),
        Ended("2026-01-02T03:04:05Z", 0),
    ],
)
def test_an_event_is_read_as_it_was_written(happened):
    assert event.decode(schema.line(happened), "line 1", "run again") == happened


def test_a_take_of_another_key_or_one_that_is_cut_off_is_damaged():
    glossary = Glossary()
    packed = glossary.pack(TakeRecord.of(take(), {}, [], None, Path()))
    name, example = glossary.example(packed)
    found = Found.of(packed, name, example)
    again = event.decode(schema.line(found), "line 1", "run again")
    assert isinstance(again, Found)
    assert (
        glossary.unpack(again.take(glossary.example_of(again.like), "it", "again")).key
        == found.key
        == event.key_of(schema.line(found))
    )
    others = structs.replace(found, seed=7), *(structs.replace(found, packed=found.packed[:-cut]) for cut in (1, 9))
    for other in others:
        with pytest.raises(RecordError, match=r"it is damaged .*: run again"):
            other.take(example, "it", "run again")
    with pytest.raises(RecordError, match=r"it is damaged .*: run again"):
        found.take(b"another example", "it", "run again")


def test_takes_that_are_much_alike_are_deflated_against_an_example_that_is_told_once():
    glossary = Glossary()
    packed = [
        glossary.pack(TakeRecord.of(take(asked=replace(request(), seed=seed)), {}, [], None, Path()))
        for seed in range(3)
    ]
    found = [Found.of(one, *glossary.example(one)) for one in packed]
    assert {one.like for one in found} == glossary.untold().examples.keys() == {found[0].like}
    assert max(len(one.packed) for one in found) < len(schema.encode(packed[0])) / 4
    other = Glossary()
    with pytest.raises(RecordError, match="is like 'take@"):
        other.example_of(found[0].like)
    with pytest.raises(RecordError, match="two things"):
        glossary.learn(Names(examples={found[0].like: b"{}"}))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"event":"begun","at":"now","schema":1}', "has schema 1, this version of the harness reads schema 6"),
        (b'{"begun":"2026-01-02T03:04:05Z"}', "has schema 1, this version of the harness reads schema 6"),
        (b'{"event":"dreamt"}', "is damaged (Invalid value 'dreamt'"),
        (b'{"event":"ended","at":"now","exit_status":0,"more":1}', "unknown field `more`"),
        (b'{"event":"ended"', "is damaged"),
        (b"\xff", "is damaged"),
    ],
)
def test_what_is_no_event_is_refused_in_one_line(line, said):
    with pytest.raises(RecordError, match="run again") as refusal:
        event.decode(line, "run.jsonl line 7", "run again")
    assert said in str(refusal.value)
    assert str(refusal.value).startswith("run.jsonl line 7 ")
