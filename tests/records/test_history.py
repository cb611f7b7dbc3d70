import pytest

from harness.errors import RecordError
from harness.records import history, schema
from harness.records.history import AcceptedEvent, RunEvent


@pytest.mark.parametrize(
    "event",
    [
        RunEvent(on="2026-01-02", verdict="PASS", takes=3, means={"length": 2.0}),
        AcceptedEvent(on="2026-01-02", suite="short", by="Layla"),
    ],
)
def test_a_line_is_read_as_it_was_written(event):
    assert history.decode(schema.line(event), "line 1") == event


def test_a_line_of_the_first_release_is_read():
    line = (
        b'{"against": [], "commit": "", "event": "run", "incomplete": "", "means": {"length": 2.0}, '
        b'"on": "2026-01-02 03:04:05 UTC", "system": "drawn r1", "takes": 3, "verdict": "PASS"}'
    )
    assert history.decode(line, "line 1").means == {"length": 2.0}


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"event": "dreamt"}', b'{"event": "run"}', b"\xff"])
def test_what_is_no_line_is_named(line):
    with pytest.raises(RecordError, match=r"line 3 is damaged \(.*\): take it out"):
        history.decode(line, "releases.jsonl line 3")
