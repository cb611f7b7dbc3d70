"""What a verdict of a backend is worth: `golden/audit-BACKEND.json`, beside the baselines that it was replayed on."""

from pathlib import Path
from typing import ClassVar

from harness.errors import RecordError
from harness.records import schema
from harness.records.schema import Document, Record


def path_of(folder: Path, backend: str) -> Path:
    """Where the audit of a backend's baselines is kept."""
    return folder / f"audit-{backend}.json"


class Share(Record, frozen=True):
    """So many of so many simulated releases, with the ends of the 95 % interval."""

    hits: int
    of: int
    low: float = 0.0
    high: float = 1.0

    @property
    def value(self) -> float:
        """As a number."""
        return self.hits / self.of if self.of else float("nan")


class Found(Record, frozen=True):
    """The smallest loss that is called FAIL four times in five in the worst stratum."""

    metric: str
    unit: str
    place: str
    size: float | None = None
    """None where no size that was tried is."""


class Audit(Document, frozen=True, kw_only=True):
    """The decision rule replayed on releases of which the truth is known."""

    SCHEMA: ClassVar[int] = 1

    about: str
    """Hash of the baselines, the policy and the margins."""
    false_fail: Share
    """Of the whole gate, of unchanged releases."""
    passed: Share
    """Unchanged releases that passed."""
    takes: float
    """Takes of each utterance that an unchanged release needs, median."""
    false_pass: Share
    """Releases that lost one margin and passed, in the worst metric and place."""
    false_pass_of: str
    found: tuple[Found, ...]
    broken: float
    """Share of takes that break a gate, in the simulated releases."""


def read(path: Path) -> Audit | None:
    """A kept audit; None where there is none that can be read: then nothing is claimed."""
    try:
        return schema.read(path, Audit, "python -m harness audit --keep")
    except (FileNotFoundError, RecordError):
        return None
