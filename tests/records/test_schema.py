"""One reader and one writer: what they refuse, and how they say so."""

from typing import ClassVar

import msgspec
import pytest

from harness.errors import RecordError
from harness.records import schema
from harness.records.schema import Document, Record, Sealed


class Note(Record, frozen=True):
    text: str
    number: float = 0.0


class Page(Document, frozen=True, kw_only=True):
    SCHEMA: ClassVar[int] = 3
    note: Note


class Letter(Sealed, frozen=True, kw_only=True):
    SCHEMA: ClassVar[int] = 1
    note: Note


def test_a_document_is_read_as_it_was_written(tmp_path):
    schema.write(tmp_path / "page.json", Page(note=Note("قلم", 0.5)))
    assert schema.read(tmp_path / "page.json", Page, "write it anew") == Page(schema=3, note=Note("قلم", 0.5))


def test_equal_records_give_equal_bytes_in_whatever_order_they_were_made():
    assert schema.encode({"b": 1, "a": 2}) == schema.encode({"a": 2, "b": 1})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"schema": 2, "note": {"text": "x"}}', "has schema 2, this version of the harness reads schema 3: run again"),
        ('{"note": {"text": "x"}}', "has schema 1, this version of the harness reads schema 3: run again"),
        ('{"schema": 3, "note": {"text": "x"}, "more": 1}', "is damaged (Object contains unknown field `more`"),
        ('{"schema": 3, "note": {"text": "x", "more": 1}}', "unknown field `more` - at `$.note`"),
        ('{"schema": 3, "note": {"text": 1}}', "Expected `str`, got `int` - at `$.note.text`"),
        ('{"schema": 3}', "missing required field `note`"),
        ('{"schema": 3, "note": {"text": "x", "number": NaN}}', "is damaged"),
        ("[]", "is damaged"),
        ("", "is damaged"),
        ("[" * 100_000, "is damaged"),
    ],
)
def test_what_is_not_such_a_document_is_refused_in_one_line(tmp_path, written, said):
    (tmp_path / "page.json").write_text(written)
    with pytest.raises(RecordError) as refusal:
        schema.read(tmp_path / "page.json", Page, "run again")
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_is_not_utf_8_or_no_file_is_refused(tmp_path):
    (tmp_path / "page.json").write_bytes(b'{"schema": 3, "note": {"text": "\xff"}}')
    with pytest.raises(RecordError, match="is damaged"):
        schema.read(tmp_path / "page.json", Page, "run again")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RecordError, match="cannot be read"):
        schema.read(tmp_path / "folder", Page, "run again")


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_number_that_json_does_not_have_is_not_written(tmp_path, number):
    with pytest.raises(RecordError, match=r"a Page is damaged .*: it cannot be written"):
        schema.write(tmp_path / "page.json", Page(note=Note("x", number)))
    assert not list(tmp_path.iterdir())


def test_a_sealed_document_shows_every_change(tmp_path):
    path = tmp_path / "letter.json"
    schema.write(path, Letter(note=Note("sound")))
    assert schema.is_intact(schema.read(path, Letter, "run again"))
    path.write_text(path.read_text().replace("sound", "forged"))
    with pytest.raises(RecordError, match="changed by hand"):
        schema.read(path, Letter, "run again")


def test_text_that_is_no_text_is_refused_where_it_is_written():
    with pytest.raises(RecordError, match="a Note cannot be written"):
        schema.encode(Note("\ud800"))


def test_every_record_refuses_unknown_keys():
    def below(kind):
        return {kind, *(found for child in kind.__subclasses__() for found in below(child))}

    kinds = {kind for kind in below(Record) if kind.__module__.startswith("harness.")}
    assert len(kinds) > 10
    assert all(kind.__struct_config__.forbid_unknown_fields and kind.__struct_config__.frozen for kind in kinds)
    assert msgspec.json.encode(Note("x")) == b'{"text":"x"}'
