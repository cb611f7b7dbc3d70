import os
from dataclasses import dataclass

import msgspec
import pytest

from harness.documents import NotEmpty, fields_of, read_bytes, read_text, read_toml, typed
from harness.errors import GateError, UsageError


@dataclass
class Row:
    name: NotEmpty
    limit: float = 1.0
    looks: tuple[int, ...] = ()


class Record(msgspec.Struct):
    kind: str
    size: int = 0


def test_a_table_becomes_what_its_type_says():
    assert typed(Row, {"name": "a", "looks": [1, 2]}, "here") == Row("a", looks=(1, 2))
    assert typed(Record, {"kind": "x"}, "here") == Record("x")
    assert fields_of(Row) == {"name": True, "limit": False, "looks": False}
    assert fields_of(Record) == {"kind": True, "size": False}


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (3, "here is 3; a table is needed"),
        ({}, "here: field 'name' is missing; name are needed"),
        ({"name": " "}, "here: field 'name' is ' '; a text that is not empty is needed"),
        ({"name": "a", "limt": 1}, "here: field 'limt' is unknown; known are limit, looks, name"),
        ({"name": "a", "limit": "1"}, "here: field 'limit' is '1'; a number is needed"),
        ({"name": "a", "limit": float("nan")}, "here: field 'limit' is nan; a number is needed"),
        ({"name": "a", "limit": True}, "here: field 'limit' is True; a number is needed"),
        ({"name": "a", "looks": [1, "x"]}, "here: field 'looks'[1] is [1, 'x']; a whole number is needed"),
        ({"name": "a" * 500, "looks": 3}, "here: field 'looks' is 3; a list is needed"),
    ],
)
def test_a_table_that_is_not_is_one_line(table, complaint):
    with pytest.raises(GateError) as caught:
        typed(Row, table, "here", GateError)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("نص".encode(), "نص"),
        ("نص".encode("utf-8-sig"), "نص"),
        ("نص".encode("utf-16"), "نص"),
    ],
)
def test_text_is_utf_8_or_says_that_it_is_utf_16(tmp_path, content, text):
    (tmp_path / "t").write_bytes(content)
    assert read_text(tmp_path / "t") == text


def test_text_in_a_code_page_is_refused_with_its_line_and_what_to_do(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"utterance,file\n" + "نص".encode("cp1256"))
    with pytest.raises(UsageError, match=r"t.csv line 2 is not UTF-8 text \(byte 0xe4\): save it as UTF-8"):
        read_text(tmp_path / "t.csv")


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"12345")
    for path, complaint in {
        tmp_path / "nowhere": "is missing",
        tmp_path: "is a folder",
        tmp_path / "pipe": "no regular file",
        tmp_path / "large": "has 5 bytes; at most 4 are read",
        tmp_path / ("n" * 300): "cannot be read",
        tmp_path / "nul\0l": "(cannot be read|is missing)",
    }.items():
        with pytest.raises(UsageError, match=complaint):
            read_bytes(path, most=4)


@pytest.mark.parametrize("content", ["[table", "a = " + "9" * 5000, "a = " + "[" * 9000, 'a = "\\ud800"'])
def test_what_is_no_toml_is_one_line(tmp_path, content):
    (tmp_path / "t.toml").write_text(content)
    with pytest.raises(GateError, match=r"t\.toml is not valid TOML") as caught:
        read_toml(tmp_path / "t.toml", GateError)
    assert "\n" not in str(caught.value)
