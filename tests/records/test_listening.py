"""The key of a session and the answers to it, on their way to disk and back."""

import msgspec
import pytest

from harness.records.listening import Choice, Kind, Rating, Ratings, Role, Session, Trial

TRIAL = Trial(3, Kind.PAIR, "short", "short-001", 0, "layla", Role.NEW, Role.ACCEPTED)


def test_what_was_chosen_is_told_by_the_key_alone():
    assert [TRIAL.role(choice) for choice in (Choice.A, Choice.B, Choice.SAME)] == [Role.NEW, Role.ACCEPTED, None]


@pytest.mark.parametrize("record", [Session("s", "run", (TRIAL,)), Ratings("s", "Dana", (Rating(3, Choice.A, 2),))])
def test_a_record_comes_back_as_it_was_and_unknown_keys_are_refused(record):
    data = msgspec.json.encode(record)
    assert msgspec.json.decode(data, type=type(record)) == record
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.json.decode(data[:-1] + b',"more":1}', type=type(record))
