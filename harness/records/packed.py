"""Takes as they stand in a file: what many takes share is told once, and each take names it.

Conventions
    A gate, with the limits that held, and what made a take are named NAME@HASH, six digits of the sha256 of their JSON;
    a metric has its own name, and such a one where two have the same. What the names stand for is told before the first
    take that needs it, or at the end of the file; so are the gates that judged a take, in their order, which most takes
    of a suite have in common. Verdicts are a letter each, in that order, the first of the outcome: their number is that
    of the take's own metric, and their reason why that could not be measured; any that says more is told beside.
    Metrics that do not apply are names by reason; reasons without a number, such as that no recogniser was given, go by
    one name together.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple, Self, TypeVar

import msgspec

from harness.audio import content_hash
from harness.errors import RecordError
from harness.records.gate import OF_GATES, Gate, Outcome, Verdict
from harness.records.measurement import NOT_MEASURED, Measurement, Metric, Span
from harness.records.schema import Record, encode
from harness.records.take_record import TakeKey, TakeRecord
from harness.take import Provenance, Sampling, Stop

T = TypeVar("T")


class PackedMeasurement(Record, frozen=True):
    """A number, its meaning by name."""

    metric: str = ""
    """Empty where it stands under its name."""
    value: float = NOT_MEASURED
    components: dict[str, float] = msgspec.field(default_factory=dict)
    detail: str = ""
    why_not: str = ""
    applicable: bool = True
    spans: tuple[Span, ...] = ()
    heard: str = ""


class PackedMeasurements(NamedTuple):
    """What was measured on one take, as it is written."""

    measurements: dict[str, PackedMeasurement]
    not_applicable: dict[str, tuple[str, ...]]
    """Metrics by reason."""
    lacks: str
    """More of them, by one name."""


class PackedVerdict(Record, frozen=True):
    """What a gate says of one take beside its outcome."""

    at: int
    """The gate's place among those that judged the take."""
    reason: str = ""
    measurement: PackedMeasurement | None = None
    """None where it is the take's own."""


class Made(Record, frozen=True, kw_only=True):
    """What made a take, of what: the same for all takes in a voice."""

    reference: str
    speaker: str
    reference_language: str = ""
    transcript: str = ""
    system: str = ""
    sampling: Sampling | None = None
    provenance: Provenance

    @property
    def name(self) -> str:
        """By which it is named."""
        return self.reference


class PackedTake(Record, frozen=True, kw_only=True):
    """One take, what it shares with others by name; the fields are those of `TakeRecord`."""

    suite: str
    utterance: str
    seed: int
    text: str
    language: str
    made: str
    digest: str
    listen: str = ""
    reference_audio: str = ""
    accepted_audio: str = ""
    accepted_sha256: str = ""
    unconditioned: str = ""
    stopped_by: Stop
    frames: int | None = None
    max_frames: int
    elapsed_s: float = 0.0
    error: str = ""
    question: str = ""
    audio: str = ""
    measurements: dict[str, PackedMeasurement] = msgspec.field(default_factory=dict)
    not_applicable: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Metrics by reason."""
    lacks: str = ""
    """More of them, by one name."""
    asked: str = ""
    """The gates, by one name; empty where none judged it."""
    verdicts: str = ""
    """A letter for each of them."""
    told: tuple[PackedVerdict, ...] = ()

    @property
    def key(self) -> TakeKey:
        """Which take it is."""
        return TakeKey(self.suite, self.utterance, self.seed)


class Names(Record, frozen=True):
    """What names stand for."""

    gates: dict[str, Gate] = msgspec.field(default_factory=dict)
    asked: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Names of gates, in order."""
    lacks: dict[str, dict[str, tuple[str, ...]]] = msgspec.field(default_factory=dict)
    """Metrics by reason."""
    metrics: dict[str, Metric] = msgspec.field(default_factory=dict)
    made: dict[str, Made] = msgspec.field(default_factory=dict)
    examples: dict[str, bytes] = msgspec.field(default_factory=dict)
    """Takes as JSON that others are much alike: in a journal, where each is deflated by itself."""

    @property
    def is_empty(self) -> bool:
        """Whether there are none."""
        return not any(getattr(self, name) for name in self.__struct_fields__)

    @classmethod
    def none(cls) -> Self:
        """Names to be filled in."""
        return cls({}, {}, {}, {}, {}, {})


_MADE = tuple(Made.__struct_fields__)
_OWN = tuple(name for name in TakeRecord.__struct_fields__ if name in PackedTake.__struct_fields__)
_FACTS = tuple(name for name in _OWN if name not in ("measurements", "verdicts"))
_HASH = 6
_NUMBER = re.compile(r"\d")
_LETTERS: dict[Outcome, str] = {outcome: outcome.value[0] for outcome in OF_GATES}
_OUTCOMES = {letter: outcome for outcome, letter in _LETTERS.items()}


class Glossary:
    """The names that one file uses."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}
        self._metrics: dict[str, Metric] = {}
        self._asked: dict[str, tuple[str, ...]] = {}
        self._lacks: dict[str, dict[str, tuple[str, ...]]] = {}
        self._made: dict[str, Made] = {}
        self._examples: dict[str, bytes] = {}
        self._example = ""
        self._gate_names: dict[Gate, str] = {}
        self._asked_names: dict[tuple[str, ...], str] = {}
        self._untold = Names.none()

    def learn(self, names: Names) -> None:
        """Take in what names stand for.

        Raises:
            RecordError: A name stands for something else already.
        """
        for name, metric in names.metrics.items():
            self._know(self._metrics, name, metric)
        for name, gate in names.gates.items():
            self._know(self._gates, name, gate)
            self._gate_names[gate] = name
        for name, asked in names.asked.items():
            self._know(self._asked, name, asked)
            self._asked_names[asked] = name
        for name, lacks in names.lacks.items():
            self._know(self._lacks, name, lacks)
        for name, made in names.made.items():
            self._know(self._made, name, made)
        for name, example in names.examples.items():
            self._know(self._examples, name, example)
            self._example = self._example or name

    def _know(self, known: dict[str, T], name: str, one: T) -> bool:
        """Whether it is new."""
        if name in known:
            if known[name] != one:
                raise RecordError(f"the name {name!r} stands for two things")
            return False
        known[name] = one
        return True

    @property
    def names(self) -> Names:
        """Everything that it knows."""
        return Names(self._gates, self._asked, self._lacks, self._metrics, self._made)

    def example(self, take: PackedTake) -> tuple[str, bytes]:
        """A take that this one is much alike, and its name: the first that this was asked of."""
        if not self._example:
            data = encode(take)
            self._example = f"take@{content_hash(data)[:_HASH]}"
            if self._know(self._examples, self._example, data):
                self._untold.examples[self._example] = data
        return self._example, self._examples[self._example]

    def example_of(self, name: str) -> bytes:
        """The example of that name.

        Raises:
            RecordError: Nobody told it.
        """
        if name not in self._examples:
            raise RecordError(f"a take is like {name!r}, which stands for nothing")
        return self._examples[name]

    def untold(self) -> Names:
        """What was named since this was last asked."""
        told, self._untold = self._untold, Names.none()
        return told

    def pack(self, take: TakeRecord) -> PackedTake:
        """A take as it is written; names that are new are `untold` until somebody asks."""
        told: list[PackedVerdict] = []
        for at, one in enumerate(take.verdicts):
            own = take.measurements.get(one.gate.metric)
            is_own = own is not None and same(own, one.measurement)
            if not (is_own and one.reason == one.measurement.why_not):
                told.append(PackedVerdict(at, one.reason, None if is_own else self._packed(one)))
        return PackedTake(
            **{name: getattr(take, name) for name in _FACTS},
            **self.packed(take.measurements)._asdict(),
            made=self._makings(Made(**{name: getattr(take, name) for name in _MADE})),
            asked=self._together(tuple(self._named(one.gate) for one in take.verdicts)),
            verdicts="".join(_LETTERS[one.outcome] for one in take.verdicts),
            told=tuple(told),
        )

    def packed(self, measurements: Mapping[str, Measurement]) -> PackedMeasurements:
        """Measurements of one take as they are written."""
        measured: dict[str, PackedMeasurement] = {}
        not_applicable: dict[str, list[str]] = {}
        for name, found in measurements.items():
            meaning = self._meaning(found.metric)
            plain = not (found.applicable or found.detail or found.components or found.spans or found.heard)
            if plain and found.why_not and not found.is_known and name == meaning:
                not_applicable.setdefault(found.why_not, []).append(name)
            else:
                measured[name] = _without_meaning(found, "" if name == meaning else meaning)
        return PackedMeasurements(
            measured,
            {why: tuple(names) for why, names in not_applicable.items() if _NUMBER.search(why)},
            self._lacking({why: tuple(names) for why, names in not_applicable.items() if not _NUMBER.search(why)}),
        )

    def unpacked(self, packed: PackedMeasurements) -> dict[str, Measurement]:
        """Measurements of one take as they were.

        Raises:
            RecordError: They use a name that nobody told.
        """
        try:
            measured = {name: self._unpacked(one, name) for name, one in packed.measurements.items()}
            lacks = self._lacks[packed.lacks] if packed.lacks else {}
            for why, names in (packed.not_applicable | lacks).items():
                measured |= {name: self._metrics[name].not_applicable(why) for name in names}
        except KeyError as error:
            raise RecordError(f"a measurement uses the name {error}, which stands for nothing") from error
        return measured

    def measured(self, packed: PackedTake) -> dict[str, Measurement]:
        """What was measured on a take.

        Raises:
            RecordError: It uses a name that nobody told.
        """
        return self.unpacked(PackedMeasurements(packed.measurements, packed.not_applicable, packed.lacks))

    def unpack(self, packed: PackedTake) -> TakeRecord:
        """A take as it was.

        Raises:
            RecordError: It uses a name that nobody told, or answers other gates than it was asked.
        """
        try:
            made = self._made[packed.made]
            measured = self.measured(packed)
            told = {one.at: one for one in packed.told}
            verdicts = [
                self._verdict(self._gates[name], _OUTCOMES[letter], measured, told.get(at))
                for at, (name, letter) in enumerate(zip(self._gates_of(packed), packed.verdicts, strict=True))
            ]
        except KeyError as error:
            raise RecordError(f"take {packed.key} uses the name {error}, which stands for nothing") from error
        except ValueError as error:
            raise RecordError(f"take {packed.key} does not answer each of its gates") from error
        facts = {name: getattr(packed, name) for name in _FACTS} | {name: getattr(made, name) for name in _MADE}
        return TakeRecord(**facts, measurements=measured, verdicts=tuple(verdicts))

    def _gates_of(self, packed: PackedTake) -> tuple[str, ...]:
        return self._asked[packed.asked] if packed.asked else ()

    def _verdict(
        self, gate: Gate, outcome: Outcome, measured: Mapping[str, Measurement], told: PackedVerdict | None
    ) -> Verdict:
        found = self._unpacked(told.measurement) if told and told.measurement else measured[gate.metric]
        return Verdict(outcome, gate, found, told.reason if told else found.why_not)

    def _together(self, gates: tuple[str, ...]) -> str:
        """The name of some gates in their order."""
        if not gates:
            return ""
        name = self._asked_names.get(gates)
        if name is None:
            name = self._asked_names[gates] = f"asked@{content_hash(encode(gates))[:_HASH]}"
            if self._know(self._asked, name, gates):
                self._untold.asked[name] = gates
        return name

    def _lacking(self, reasons: dict[str, tuple[str, ...]]) -> str:
        """The name of why some metrics do not apply."""
        if not reasons:
            return ""
        name = f"lacks@{content_hash(encode(reasons))[:_HASH]}"
        if self._know(self._lacks, name, reasons):
            self._untold.lacks[name] = reasons
        return name

    def _named(self, gate: Gate) -> str:
        name = self._gate_names.get(gate)
        if name is None:
            name = self._gate_names[gate] = f"{gate.name}@{content_hash(encode(gate))[:_HASH]}"
            if self._know(self._gates, name, gate):
                self._untold.gates[name] = gate
        return name

    def _meaning(self, metric: Metric) -> str:
        name = metric.name
        if self._metrics.get(name, metric) != metric:
            name = f"{name}@{content_hash(encode(metric))[:_HASH]}"
        if self._know(self._metrics, name, metric):
            self._untold.metrics[name] = metric
        return name

    def _makings(self, made: Made) -> str:
        name = f"{made.name}@{content_hash(encode(made))[:_HASH]}"
        if self._know(self._made, name, made):
            self._untold.made[name] = made
        return name

    def _packed(self, one: Verdict) -> PackedMeasurement:
        return _without_meaning(one.measurement, self._meaning(one.measurement.metric))

    def _unpacked(self, one: PackedMeasurement, name: str = "") -> Measurement:
        metric = self._metrics[one.metric or name]
        return Measurement(
            metric, one.value, one.components, one.detail, one.why_not, one.applicable, one.spans, one.heard
        )


def _without_meaning(one: Measurement, name: str) -> PackedMeasurement:
    return PackedMeasurement(
        name, one.value, one.components, one.detail, one.why_not, one.applicable, one.spans, one.heard
    )


def same(one: Measurement, other: Measurement) -> bool:
    """Whether two measurements say the same; no number is the same as no number."""
    if one.is_known or other.is_known:
        return one == other
    return msgspec.structs.replace(one, value=0.0) == msgspec.structs.replace(other, value=0.0)
