"""How every record leaves the process and comes back: one writer, one reader.

Conventions
    A record is JSON. A field at its default is left out, a key that the schema does not know is refused. A document is
    a record in a file of its own; it says its schema, a whole number that is raised whenever an older reader would
    misread a newer file. JSON has no infinity and no NaN: a number that is not known has no field, a limit that does
    not exist has none either. A sealed document carries the hash of everything else in it.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from harness.audio import content_hash, write_atomically
from harness.errors import RecordError

BEFORE_SCHEMAS = 1  # what a file without a number is: releases up to 0.1.0 wrote none


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that leaves the process."""


class Document(Record, frozen=True, kw_only=True):
    """A record in a file of its own."""

    SCHEMA: ClassVar[int] = BEFORE_SCHEMAS
    schema: int = 0
    """The schema it was written in; 0 until it is written."""

    def pieces(self) -> Iterable[bytes]:
        """The file, one after another; one field a line."""
        return (msgspec.json.format(encode(stamped(self)), indent=1) + b"\n",)

    @classmethod
    def of_file(cls, path: Path, remedy: str) -> Self:
        """What a file holds; raises as `read`."""
        document = decode(path.read_bytes(), cls, str(path), remedy)
        if isinstance(document, Sealed) and not is_intact(document):
            raise RecordError(f"{path} was changed by hand: its content hash is another: {remedy}")
        return document


class Sealed(Document, frozen=True, kw_only=True):
    """A document that shows whether it was changed after it was written."""

    sha256: str = ""
    """Hash of the document without this field."""


class _Peek(msgspec.Struct):
    schema: int = BEFORE_SCHEMAS


R = TypeVar("R", bound=Record)
D = TypeVar("D", bound=Document)
S = TypeVar("S", bound=Sealed)


def encode(record: Any) -> bytes:
    """A record as JSON in one line; equal records give equal bytes.

    Raises:
        RecordError: It holds something that JSON cannot.
    """
    try:
        return msgspec.json.encode(record, order="deterministic")
    except (TypeError, ValueError, UnicodeError, RecursionError) as error:
        raise RecordError(f"a {type(record).__name__} cannot be written: {error}") from error


def decode(data: bytes | str, kind: type[R], where: str, remedy: str) -> R:
    """A record from its JSON.

    Args:
        data: What was read.
        kind: What it should be; a document must also have that kind's schema.
        where: The file, and the line where there are many.
        remedy: What to do where it cannot be used.

    Raises:
        RecordError: It is damaged, holds a key that is not known, or has another schema.
    """
    try:
        if issubclass(kind, Document):
            found = msgspec.json.decode(data, type=_Peek).schema
            if found != kind.SCHEMA:
                raise RecordError(
                    f"{where} has schema {found}, this version of the harness reads schema {kind.SCHEMA}: {remedy}"
                )
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RecordError(f"{where} is damaged ({error}): {remedy}") from error


def stamped(document: D) -> D:
    """A document as it will be read: with the schema that it is written in, and sealed where it is of that kind.

    Raises:
        RecordError: It holds something that could not be read again, such as an infinite number.
    """
    kind = type(document)
    whole = msgspec.structs.replace(document, schema=kind.SCHEMA)
    whole = decode(encode(whole), kind, f"a {kind.__name__}", "it cannot be written")
    return msgspec.structs.replace(whole, sha256=_seal(whole)) if isinstance(whole, Sealed) else whole


def is_intact(document: Sealed) -> bool:
    """Whether a document is what was written."""
    return _seal(document) == document.sha256


def _seal(document: Sealed) -> str:
    return content_hash(encode(msgspec.structs.replace(document, sha256="")))


SEAL_KEY = b',"sha256":'


class Seal:
    """The hash of a file that is written and read piece by piece, which stands at its end."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def over(self, piece: bytes) -> bytes:
        """The piece, counted."""
        self._hash.update(piece)
        return piece

    @property
    def digest(self) -> str:
        """Of all pieces so far."""
        return self._hash.hexdigest()

    @property
    def end(self) -> bytes:
        """What stands at the end of the file."""
        return SEAL_KEY + b'"%s"}\n' % self.digest.encode()


def file_hash(document: Document) -> str:
    """sha256 of the file that a document is written to, byte for byte, also before it is."""
    whole = hashlib.sha256()
    for piece in document.pieces():
        whole.update(piece)
    return whole.hexdigest()


def write(path: Path, document: Document) -> None:
    """Write a document whole or not at all."""
    write_atomically(path, document.pieces())


def read(path: Path, kind: type[D], remedy: str) -> D:
    """Read a document.

    Raises:
        FileNotFoundError: There is none.
        RecordError: It cannot be read, is damaged, was changed, or has another schema.
    """
    try:
        return kind.of_file(path, remedy)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RecordError(f"{path} cannot be read ({error.strerror}): {remedy}") from error


def line(record: Record) -> bytes:
    """A record as a line of a file that only grows, to be written in one go."""
    return encode(record) + b"\n"
