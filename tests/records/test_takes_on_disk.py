from array import array

import pytest

from harness.records.packed import Glossary
from harness.records.schema import line
from harness.records.take_record import TakeRecord
from harness.records.takes_on_disk import takes_in_file
from tests.synthetic import request, take


@pytest.fixture
def kept(tmp_path):
    """Three takes in a file."""
    path, glossary = tmp_path / "takes.jsonl", Glossary()
    records = [TakeRecord.of(take(asked=request(seed=seed)), {}, [], None, tmp_path) for seed in range(3)]
    lines = [line(glossary.pack(record)) for record in records]
    path.write_bytes(b"".join(lines))
    offsets = array("Q", [0, len(lines[0]), len(lines[0]) + len(lines[1])])
    return path, records, takes_in_file(path, offsets, glossary, "again")


def test_takes_are_a_sequence_that_is_read_when_asked(kept):
    _, records, takes = kept
    assert len(takes) == 3
    assert takes == records == list(takes)
    assert takes[-1] == records[2]
    assert takes[1:] == records[1:]
    assert takes != records[:2]
    assert takes.chosen([2, 0]) == [records[2], records[0]]
    with pytest.raises(IndexError):
        takes[3]


def test_another_file_of_the_name_is_not_what_was_read(kept):
    path, records, takes = kept
    path.replace(path.with_name("aside"))
    path.write_text("another")
    assert takes[0] == records[0]
