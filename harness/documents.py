"""Files that a person or another program wrote, read so that every mistake is one line.

Only regular files of a bounded size are read (a pipe would hang, a folder raises something else), text is UTF-8 or says
by its byte order mark that it is UTF-16, and what a parser raises becomes one error that names the file, what is there
and what would be right. `typed` turns a table into a dataclass or `msgspec.Struct` and refuses what the type does not
know.
"""

import csv
import dataclasses
import io
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from enum import EnumMeta
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import msgspec

from harness.errors import UsageError

T = TypeVar("T")
NotEmpty = Annotated[str, msgspec.Meta(pattern=r"\S")]
"""A text that holds more than white space."""

MOST_BYTES = 64 * 2**20
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NEEDED = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def read_bytes(path: Path, error: type[UsageError] = UsageError, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file.

    Raises:
        UsageError: Of the kind `error`; there is no such file, it is none, is larger than `most` bytes, or may not be
            read.
    """
    try:
        if not path.exists():
            raise error(f"{path} is missing")
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "no regular file (a pipe or device)"
            raise error(f"{path} is {kind}; a file is needed")
        if path.stat().st_size > most:
            raise error(f"{path} has {path.stat().st_size:,} bytes; at most {most:,} are read")
        return path.read_bytes()
    except (OSError, ValueError) as failed:  # ValueError: a null byte in the path
        said = failed.strerror if isinstance(failed, OSError) else failed
        raise error(f"{str(path)[:200]} cannot be read: {said}") from failed


def read_text(path: Path, error: type[UsageError] = UsageError, most: int = MOST_BYTES) -> str:
    """The text of a file: UTF-8, with or without its mark, or UTF-16 with it.

    Raises:
        UsageError: Of the kind `error`; as `read_bytes`, or the bytes are no such text.
    """
    content = read_bytes(path, error, most)
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as failed:
        line = content.count(b"\n", 0, failed.start) + 1
        raise error(
            f"{path} line {line} is not {encoding.upper()} text (byte 0x{content[failed.start]:02x}): "
            "save it as UTF-8 (in Excel: CSV UTF-8)"
        ) from failed


def read_toml(path: Path, error: type[UsageError] = UsageError) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        UsageError: Of the kind `error`; as `read_text`, or the text is no TOML.
    """
    try:
        return tomllib.loads(read_text(path, error))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as failed:  # ValueError: a number of 5,000 digits
        raise error(f"{path} is not valid TOML: {_first_line(failed)}") from failed


def read_csv(
    path: Path, needed: Iterable[str], error: type[UsageError] = UsageError
) -> list[tuple[str, dict[str, str]]]:
    """The rows of a table with a header, each with where it stands; empty cells are left out.

    Columns are separated by commas, or as Excel does in some countries by semicolons or tabs.

    Raises:
        UsageError: Of the kind `error`; as `read_text`, a needed column is not there, a row has more cells than the
            header, or there are no rows.
    """
    text = read_text(path, error)
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as failed:
        raise error(f"{path} is not a table that can be read: {_first_line(failed)}") from failed
    columns = [name.strip() for name in lines[0]] if lines else []
    for name in needed:
        if name not in columns:
            raise error(f"{path}: no such column: {name!r}; found: {_listed(columns) or 'nothing'}")
    if len(set(columns)) != len(columns):
        raise error(f"{path}: a column stands there twice; found: {_listed(columns)}")
    rows = []
    for number, cells in enumerate(lines[1:], 2):
        if len(cells) > len(columns):
            raise error(f"{path} row {number} has {len(cells)} cells, the header has {len(columns)}: quote the commas")
        row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
        if row:
            rows.append((f"{path} row {number}", row))
    if not rows:
        raise error(f"{path} holds no rows below its header: fill it in, or take it away")
    return rows


def read_json_lines(path: Path, error: type[UsageError] = UsageError) -> list[tuple[str, object]]:
    """The values of a file with one JSON value a line, each with where it stands.

    Raises:
        UsageError: Of the kind `error`; as `read_text`, a line is no JSON, or there are none.
    """
    values = []
    for number, line in enumerate(read_text(path, error).split("\n"), 1):  # a text may hold other line ends
        if line.strip():
            values.append((f"{path} line {number}", json_value(line, f"{path} line {number}", error)))
    if not values:
        raise error(f"{path} holds no lines: fill it in, or take it away")
    return values


def json_value(text: str, where: str, error: type[UsageError] = UsageError) -> object:
    """The value that a JSON text is.

    Raises:
        UsageError: Of the kind `error`; it is none, or holds text that is not Unicode.
    """
    try:
        value = msgspec.json.decode(text)
        msgspec.json.encode(value).decode()
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError, OverflowError) as failed:
        raise error(f"{where} is not JSON: {_first_line(failed)}") from failed
    return value


def typed(kind: type[T], table: object, where: str, error: type[UsageError] = UsageError, texts: bool = False) -> T:
    """A table as the dataclass or Struct `kind`; its field names are the keys that the table may have.

    With `texts` a number may be written as text, as in a CSV file.

    Raises:
        UsageError: Of the kind `error`; a key is unknown or missing, or a value is not of its field's type.
    """
    if not isinstance(table, Mapping):
        raise error(f"{where} is {_shown(table)}; a table is needed")
    known = fields_of(kind)
    for key, value in table.items():
        if key not in known:
            raise error(f"{where}: field {key!r} is unknown; known are {', '.join(sorted(known))}")
        if isinstance(value, float) and not isfinite(value):
            raise error(f"{where}: field {key!r} is {value}; a number is needed")
    for key, required in known.items():
        if required and key not in table:
            needed = ", ".join(name for name, required in known.items() if required)
            raise error(f"{where}: field {key!r} is missing; {needed} are needed")
    try:
        return msgspec.convert(table, kind, strict=not texts)
    except msgspec.ValidationError as failed:
        raise error(f"{where}: {_plainly(str(failed), table, kind)}") from failed


def fields_of(kind: type) -> dict[str, bool]:
    """The keys that a table of this kind may have, each with whether it must."""
    if dataclasses.is_dataclass(kind):
        nothing = dataclasses.MISSING
        return {
            field.name: field.default is nothing and field.default_factory is nothing
            for field in dataclasses.fields(kind)
        }
    return {field.encode_name: field.required for field in msgspec.structs.fields(kind)}


def _plainly(message: str, table: Mapping[str, Any], kind: type) -> str:
    """What msgspec found, in the words of the person who wrote the file.

    >>> _plainly("Expected `float`, got `str` - at `$.at_least`", {"at_least": "1"}, dict)
    "field 'at_least' is '1'; a number is needed"
    """
    match = re.fullmatch(r"(?s)(.*?) - at `\$\.(\w+)(.*)`", message)
    if not match:
        return message
    said, name, deeper = match.groups()
    if said.startswith("Invalid enum value"):
        choices: Any = get_type_hints(kind)[name]
        if isinstance(choices, EnumMeta):
            return f"field {name!r} is {_shown(table.get(name))}; one of {', '.join(map(str, choices))} is needed"
    expected = re.match(r"Expected `([^`]*)`(.*?)(?:, got .*)?$", said)
    if not expected:
        return f"field {name!r}{deeper} is {_shown(table.get(name))}: {said}"
    kinds = [_NEEDED.get(kind, kind) for kind in expected[1].split(" | ") if kind != "null"]
    needed = " or ".join(kinds) + expected[2]
    for sign, words in (
        ("matching regex '\\\\S'", "that is not empty"),
        (">=", "of at least"),
        (">", "above"),
        ("<", "below"),
    ):
        needed = needed.replace(sign, words)
    return f"field {name!r}{deeper} is {_shown(table.get(name))}; {needed} is needed"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(_shown(name) for name in names[:most])
    return f"{shown} …" if len(names) > most else shown


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
