from pathlib import Path

import pytest
from msgspec import structs

from harness.errors import RecordError
from harness.records import event, schema
from harness.records.event import Begun, Ended, Found, Planned, Unjudged
from harness.records.packed import Glossary
from harness.records.take_record import TakeKey, TakeRecord
from tests.synthetic import take


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
    found = Found.of(glossary.pack(TakeRecord.of(take(), {}, [], None, Path())))
    again = event.decode(schema.line(found), "line 1", "run again")
    assert isinstance(again, Found)
    assert glossary.unpack(again.take("it", "again")).key == found.key == event.key_of(schema.line(found))
    for other in (structs.replace(found, seed=7), structs.replace(found, packed=found.packed[:-9])):
        with pytest.raises(RecordError, match=r"it is damaged .*: run again"):
            other.take("it", "run again")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"event":"begun","at":"now","schema":1}', "has schema 1, this version of the harness reads schema 4"),
        (b'{"begun":"2026-01-02T03:04:05Z"}', "has schema 1, this version of the harness reads schema 4"),
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
