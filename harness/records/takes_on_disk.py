"""Takes of a run that stay on disk: a run of ten thousand needs no more memory than one of a hundred."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import overload

from harness.records.packed import Glossary, PackedTake
from harness.records.schema import decode
from harness.records.take_record import TakeRecord


class Lines:
    """The lines of a file, which stays open as long as somebody may ask for one."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("rb")

    def at(self, offset: int) -> bytes:
        """The line that begins there."""
        self.file.seek(offset)
        return self.file.readline()

    def __del__(self) -> None:
        if "file" in vars(self):
            self.file.close()


class TakesOnDisk(Sequence[TakeRecord]):
    """Takes in their order, each read when it is asked for and not held.

    Args:
        count: How many.
        read: Gives the take at a place, from 0.
    """

    def __init__(self, count: int, read: Callable[[int], TakeRecord]) -> None:
        self._count, self._read = count, read
        self.looked_at: object = None
        """What somebody found out about all of them, kept as long as they are."""

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> TakeRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TakeRecord]: ...
    def __getitem__(self, index: int | slice) -> TakeRecord | Sequence[TakeRecord]:
        places = range(self._count)[index]
        return self._read(places) if isinstance(places, int) else [self._read(place) for place in places]

    def __iter__(self) -> Iterator[TakeRecord]:
        return map(self._read, range(self._count))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(_are_equal, self, other))

    def chosen(self, places: Sequence[int]) -> "TakesOnDisk":
        """Some of them, in another order."""
        return TakesOnDisk(len(places), lambda place: self._read(places[place]))

    __hash__ = None  # type: ignore[assignment]


def takes_in_file(path: Path, offsets: "array[int]", glossary: Glossary, remedy: str) -> TakesOnDisk:
    """The takes of a file, each a line of it. The file stays open: another one may take its name.

    Args:
        path: The file.
        offsets: Where each take's line begins.
        glossary: What their names stand for.
        remedy: What to do where one cannot be read.
    """
    lines = Lines(path)

    def read(place: int) -> TakeRecord:
        line = lines.at(offsets[place]).rstrip(b",\n")
        return glossary.unpack(decode(line, PackedTake, str(path), remedy))

    return TakesOnDisk(len(offsets), read)


def _are_equal(one: object, other: object) -> bool:
    return one == other
