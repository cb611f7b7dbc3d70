"""The key of a session and the answers to it, on their way to disk and back."""

import pytest

from harness.errors import RecordError
from harness.records import schema
from harness.records.listening import Choice, Kind, Rating, Ratings, Role, Session, Trial

TRIAL = Trial(3, Kind.PAIR, "short", "short-001", 0, "layla", Role.NEW, Role.ACCEPTED)


def test_what_was_chosen_is_told_by_the_key_alone():
    assert [TRIAL.role(choice) for choice in (Choice.A, Choice.B, Choice.SAME)] == [Role.NEW, Role.ACCEPTED, None]


@pytest.mark.parametrize(
    "record",
    [
        Session(id="s", run="run", trials=(TRIAL,)),
        Ratings(session="s", listener="Dana", ratings=(Rating(3, Choice.A, 2),)),
    ],
)
def test_a_record_comes_back_as_it_was_and_unknown_keys_are_refused(record, tmp_path):
    path = tmp_path / "record.json"
    schema.write(path, record)
    assert schema.read(path, type(record), "again") == schema.stamped(record)
    path.write_bytes(path.read_bytes().rstrip()[:-1] + b',"more":1}')
    with pytest.raises(RecordError, match="unknown field"):
        schema.read(path, type(record), "again")
