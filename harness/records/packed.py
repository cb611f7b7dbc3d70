"""Takes as they stand in a file: what many takes share is told once, and each take names it.

Conventions
    A gate, with the limits that held, and the meaning of a metric are named NAME@HASH, eight digits of the sha256 of
    their JSON. What the names stand for is told before the first take that needs it, or at the end of the file. The
    number of a verdict is that of the take's own metric, and its reason why that could not be measured, unless it says
    another.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from harness.audio import content_hash
from harness.errors import RecordError
from harness.records.gate import Gate, Outcome, Verdict
from harness.records.measurement import NOT_MEASURED, Measurement, Metric, Span
from harness.records.schema import Record, encode
from harness.records.take_record import TakeFacts, TakeRecord


class PackedMeasurement(Record, frozen=True):
    """A number, its meaning by name."""

    metric: str
    value: float = NOT_MEASURED
    components: dict[str, float] = msgspec.field(default_factory=dict)
    detail: str = ""
    why_not: str = ""
    applicable: bool = True
    spans: tuple[Span, ...] = ()
    heard: str = ""


class PackedVerdict(Record, frozen=True):
    """What a gate says of one take, the gate by name."""

    outcome: Outcome
    gate: str
    reason: str | None = None
    """None where it is why the metric could not be measured."""
    measurement: PackedMeasurement | None = None
    """None where it is the take's own."""


class PackedTake(TakeFacts, frozen=True, kw_only=True):
    """One take, what it shares with others by name."""

    measurements: dict[str, PackedMeasurement] = msgspec.field(default_factory=dict)
    verdicts: tuple[PackedVerdict, ...] = ()


class Names(Record, frozen=True):
    """What names stand for."""

    gates: dict[str, Gate] = msgspec.field(default_factory=dict)
    metrics: dict[str, Metric] = msgspec.field(default_factory=dict)


_FACTS = TakeFacts.__struct_fields__


class Glossary:
    """The names that one file uses."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}
        self._metrics: dict[str, Metric] = {}
        self._name_of: dict[Gate | Metric, str] = {}
        self._untold: list[Gate | Metric] = []

    def learn(self, names: Names) -> None:
        """Take in what names stand for."""
        kinds: tuple[tuple[Mapping[str, Any], dict[str, Any]], ...] = (
            (names.gates, self._gates),
            (names.metrics, self._metrics),
        )
        for told, known in kinds:
            for name, one in told.items():
                self._name_of.setdefault(known.setdefault(name, one), name)

    @property
    def names(self) -> Names:
        """Everything that it knows."""
        return Names(self._gates, self._metrics)

    def untold(self) -> Names:
        """What was named since this was last asked."""
        names = [(self._name_of[one], one) for one in self._untold]
        self._untold = []
        return Names(
            {name: one for name, one in names if isinstance(one, Gate)},
            {name: one for name, one in names if isinstance(one, Metric)},
        )

    def pack(self, take: TakeRecord) -> PackedTake:
        """A take as it is written; names that are new are `untold` until somebody asks."""
        facts = {name: getattr(take, name) for name in _FACTS}
        return PackedTake(
            **facts,
            measurements={name: self._packed(one) for name, one in take.measurements.items()},
            verdicts=tuple(self._packed_verdict(one, take.measurements) for one in take.verdicts),
        )

    def unpack(self, packed: PackedTake) -> TakeRecord:
        """A take as it was.

        Raises:
            RecordError: It uses a name that nobody told.
        """
        try:
            measured = {name: self._unpacked(one) for name, one in packed.measurements.items()}
            verdicts = tuple(self._unpacked_verdict(one, measured) for one in packed.verdicts)
        except KeyError as error:
            raise RecordError(f"take {packed.key} uses the name {error}, which stands for nothing") from error
        facts = {name: getattr(packed, name) for name in _FACTS}
        return TakeRecord(**facts, measurements=measured, verdicts=verdicts)

    def _named(self, one: Gate | Metric) -> str:
        name = self._name_of.get(one)
        if name is None:
            name = self._name_of[one] = f"{one.name}@{content_hash(encode(one))[:8]}"
            self._untold.append(one)
            if isinstance(one, Gate):
                self._gates[name] = one
            else:
                self._metrics[name] = one
        return name

    def _packed(self, one: Measurement) -> PackedMeasurement:
        return PackedMeasurement(
            self._named(one.metric),
            one.value,
            one.components,
            one.detail,
            one.why_not,
            one.applicable,
            one.spans,
            one.heard,
        )

    def _packed_verdict(self, one: Verdict, measured: Mapping[str, Measurement]) -> PackedVerdict:
        found = one.measurement
        own = measured.get(one.gate.metric)
        is_own = own is found or (own is not None and same(own, found))
        return PackedVerdict(
            one.outcome,
            self._named(one.gate),
            None if one.reason == found.why_not else one.reason,
            None if is_own else self._packed(found),
        )

    def _unpacked(self, one: PackedMeasurement) -> Measurement:
        return Measurement(
            self._metrics[one.metric],
            one.value,
            one.components,
            one.detail,
            one.why_not,
            one.applicable,
            one.spans,
            one.heard,
        )

    def _unpacked_verdict(self, one: PackedVerdict, measured: Mapping[str, Measurement]) -> Verdict:
        gate = self._gates[one.gate]
        found = measured[gate.metric] if one.measurement is None else self._unpacked(one.measurement)
        return Verdict(one.outcome, gate, found, found.why_not if one.reason is None else one.reason)


def same(one: Measurement, other: Measurement) -> bool:
    """Whether two measurements say the same; no number is the same as no number."""
    if one.is_known or other.is_known:
        return one == other
    return msgspec.structs.replace(one, value=0.0) == msgspec.structs.replace(other, value=0.0)
