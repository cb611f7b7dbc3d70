"""Who signed for a run: `OUT/signature.json`, written by `python -m harness sign` or by the report's own button."""

from enum import StrEnum
from typing import ClassVar

from harness.records.gate import Outcome
from harness.records.schema import Document
from harness.records.take_record import TakeKey

NAME = "signature.json"
HOW_TO_SIGN = 'sign again with python -m harness sign --by NAME --verdict ship --note "WHY"'


class Decision(StrEnum):
    """What a person decides about a release."""

    SHIP = "ship"
    HOLD = "hold"


class Signature(Document, frozen=True, kw_only=True):
    """A person's decision about one run and no other."""

    SCHEMA: ClassVar[int] = 1

    by: str
    on: str
    """UTC."""
    decision: Decision
    note: str = ""
    run: str
    """sha256 of the run's record, `OUT/run.json`, byte for byte."""
    verdict: Outcome
    """What the gate said of that run."""
    listened: tuple[TakeKey, ...] = ()
    """Takes that the signer, or a listener of the run's session, is known to have heard."""

    @property
    def overrides(self) -> bool:
        """Whether it ships what the gate did not pass."""
        return self.decision == Decision.SHIP and self.verdict != Outcome.PASS

    @property
    def said(self) -> str:
        """One line for a person."""
        over = f" against the verdict {self.verdict}" if self.overrides else ""
        note = f": {self.note}" if self.note else ""
        return f"{self.decision}{over}, signed by {self.by} on {self.on}, {len(self.listened)} takes heard{note}"
