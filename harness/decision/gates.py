"""The only place where a number becomes a verdict.

A gate joins a metric to its limits for some suites. `suites/gates.toml` holds named profiles of gates and, per
backend, overrides that each say why. Gates that no speech at all could pass for a text are found by
`harness.decision.feasibility` before anything is generated.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

import msgspec

from harness import shipped
from harness.decision import gates_file
from harness.documents import typed
from harness.errors import GateError
from harness.metrics import known_metrics
from harness.records.gate import AMOUNTS, INFINITY, Gate, Outcome, Step, Verdict
from harness.records.measurement import Measurement
from harness.text import reading_time


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of gates."""

    name: str
    gates: tuple[Gate, ...]
    reading_time: str = "words"
    """By what name of `harness.text.reading_time` the duration ratio is measured."""
    languages: tuple[tuple[str, str], ...] = ()
    """The same for texts in these languages, by code."""
    broken_share: float = 0.0
    """Share of takes that may break a gate."""
    always: frozenset[str] = frozenset()
    """Names of the gates that every take must hold all the same."""

    def reading_time_of(self, language: str) -> str:
        """By what name of `harness.text.reading_time` a text in a language is counted."""
        return dict(self.languages).get(language, self.reading_time)

    def excused(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """The verdicts on a take, where a share of takes may break a gate: what is then judged by how many do.

        What could not be measured is no broken gate, and is never excused.
        """
        if not self.broken_share:
            return list(verdicts)
        return [
            msgspec.structs.replace(verdict, outcome=Outcome.EXCUSED, reason=verdict.reason or EXCUSE)
            if verdict.outcome == Outcome.FAIL and verdict.gate.name not in self.always and is_number(verdict)
            else verdict
            for verdict in verdicts
        ]

    def at_rate(self, sample_rate_hz: int) -> "Profile":
        """The same gates, the one that asks for an exact sample rate asking for the system's own."""
        return replace(
            self,
            gates=tuple(
                msgspec.structs.replace(gate, at_least=sample_rate_hz, at_most=sample_rate_hz)
                if gate.metric == "sample_rate" and gate.at_least == gate.at_most
                else gate
                for gate in self.gates
            ),
        )

    def of(self, suite: str, metrics: Iterable[str]) -> tuple[Gate, ...]:
        """The gates of a suite on the named metrics, without those that are for one recogniser (`for_recognisers`).

        Raises:
            GateError: A metric is unknown, or no gate of this profile judges it in this suite: nothing may be required
                that is then not judged.
        """
        gates: list[Gate] = []
        for metric in metrics:
            if metric not in known_metrics():
                raise GateError(f"metric {metric!r} is unknown; there are {', '.join(sorted(known_metrics()))}")
            mine = [
                gate for gate in self.gates if gate.metric == metric and gate.is_for(suite) and not gate.recognisers
            ]
            if not mine:
                raise GateError(
                    f"profile {self.name!r} has no gate on {metric!r} in suite {suite!r}: add one to gates.toml"
                )
            gates += mine
        return tuple(gates)


EXCUSE = "one of the takes that may break a gate: their share decides"


def is_number(verdict: Verdict) -> bool:
    """Whether a gate was broken by a number, and not by there being none."""
    return isfinite(verdict.measurement.value)


def for_recognisers(
    gates: Iterable[Gate], profile: Profile, language: str, weights: Mapping[str, str]
) -> tuple[Gate, ...]:
    """Of gates on the words those that were calibrated for the recogniser that heard them.

    Limits for words hang on the recogniser and the language. Where there are some for both, they take the place of the
    others; where there are none, the others are advisory: no release is stopped by numbers made for another.

    Args:
        gates: Those asked for, from `Profile.of`.
        profile: All that there are.
        language: Of the text.
        weights: By metric the hash of its recogniser's weights, for the metrics that rest on one and were measured;
            empty where the recogniser has none. A gate whose metric could not be measured stays as it is, and blocks.
    """
    fitting: list[Gate] = []
    for gate in gates:
        mine, first = weights.get(gate.metric), gate.metric.removeprefix("second_")
        made = [
            row
            for row in profile.gates
            if row.metric == first and mine and mine in row.recognisers and row.reads(language)
        ]
        if gate.metric != first:
            made = [msgspec.structs.replace(row, name=f"second {row.name}", metric=gate.metric) for row in made]
        if made:
            fitting += made
        elif mine is None:
            fitting.append(gate)
        else:
            who = mine or "without a hash of its weights"
            why = f"{gate.why} (advisory: no gate names this recogniser, {who}, for {language!r})"
            fitting.append(msgspec.structs.replace(gate, advisory=True, why=why))
    return tuple(fitting)


def judge(gates: Iterable[Gate], measurements: Mapping[str, Measurement], refused: Mapping[str, str]) -> list[Verdict]:
    """Judge a take: one verdict a gate, in order.

    Args:
        gates: What is required, e.g. from `Profile.of`.
        measurements: By metric name. A missing one is INCONCLUSIVE, like one that could not be measured.
        refused: Gates that no speech could pass, by name, with the arithmetic.
    """
    amounts = _amounts(measurements)
    return [
        _judge_one(
            gate,
            measurements.get(gate.metric) or known_metrics()[gate.metric].missing("it was not measured"),
            amounts,
            refused.get(gate.name, ""),
        )
        for gate in gates
    ]


_COUNTED_BY: Mapping[str, tuple[str, Callable[[Mapping[str, float]], float]]] = {
    "speech_s": ("silence_ratio", lambda of: of["total_s"] - of["silent_s"]),
    "reference_s": ("speaker_similarity", lambda of: of["reference_s"]),
    "letters": ("speaking_rate", lambda of: of["letters"]),
}
"""The metric whose components say how much there is to judge, by amount."""


def amounts_of(gates: Iterable[Gate]) -> set[str]:
    """The metrics that some gates' limits depend on, beside their own."""
    return {
        metric
        for name, (metric, _) in _COUNTED_BY.items()
        if any(getattr(step, name) for gate in gates for step in gate.steps)
    }


def _amounts(measurements: Mapping[str, Measurement]) -> dict[str, float]:
    """How much there is to judge by, as `harness.records.gate.AMOUNTS` names it; what was not measured is left out."""
    amounts = {}
    for name, (metric, count) in _COUNTED_BY.items():
        of = measurements[metric].components if metric in measurements else {}
        try:
            amounts[name] = float(count(of))
        except KeyError:
            continue
    return {name: amount for name, amount in amounts.items() if isfinite(amount)}


def _judge_one(gate: Gate, measured: Measurement, amounts: Mapping[str, float], refusal: str) -> Verdict:
    if (measured.metric.name, measured.metric.unit) != (gate.metric, gate.unit):
        raise GateError(f"gate {gate} cannot judge {measured.metric.name} in {measured.metric.unit}: mend gates.toml")
    if refusal or not measured.applicable:
        return Verdict(Outcome.REFUSED, gate, measured, refusal or measured.why_not)
    if measured.why_not:
        return Verdict(Outcome.WARN if gate.advisory else Outcome.INCONCLUSIVE, gate, measured, measured.why_not)
    unknown = [name for name in AMOUNTS if name not in amounts and any(getattr(step, name) for step in gate.steps)]
    if unknown:
        reason = f"its limit depends on {', '.join(unknown)}, which could not be measured"
        return Verdict(Outcome.WARN if gate.advisory else Outcome.INCONCLUSIVE, gate, measured, reason)
    resolved = gate.for_amounts(amounts)
    if resolved is None:
        there = ", ".join(told.format(round(amounts.get(name, 0.0), 2)) for name, told in AMOUNTS.items())
        return Verdict(Outcome.REFUSED, gate, measured, f"too little to judge: {there}; {gate.steps[0]}")
    inside = resolved.at_least <= measured.value <= resolved.at_most  # false for NaN
    outside = Outcome.WARN if gate.advisory else Outcome.FAIL
    return Verdict(Outcome.PASS if inside else outside, resolved, measured)


def release(outcomes: Iterable[Outcome], planned: int, judged: int, shares_judged: bool = False) -> Outcome:
    """The verdict on a run: PASS only where something was judged, everything planned was, and nothing else came out.

    Takes that are excused for breaking a gate pass only where their share was judged.

    >>> release([Outcome.PASS, Outcome.REFUSED], planned=1, judged=1)
    <Outcome.PASS: 'PASS'>
    >>> release([Outcome.PASS], planned=2, judged=1)
    <Outcome.INCONCLUSIVE: 'INCONCLUSIVE'>
    """
    seen = set(outcomes)
    if Outcome.FAIL in seen:
        return Outcome.FAIL
    unsettled = Outcome.EXCUSED in seen and not shares_judged
    if Outcome.INCONCLUSIVE in seen or unsettled or judged < planned or Outcome.PASS not in seen:
        return Outcome.INCONCLUSIVE
    return Outcome.PASS


def load_profile(name: str, backend: str, path: Path = shipped.GATES) -> Profile:
    """Read one profile of gates.toml, with the overrides for a backend.

    Raises:
        GateError: The file, the profile or a row is malformed; names the row and the field.
    """
    source = gates_file.read(path)
    table, rows = source.profile(name)
    where = f"{path} [profile.{name}]"
    if not rows:
        raise GateError(f"{where} has no gates: add one, or take those of another with extends")
    for place, row in source.overrides():
        asked = typed(
            _Override, {key: row[key] for key in ("backend", "profile", "gate") if key in row}, place, GateError
        )
        if asked.profile not in source.profiles():
            raise GateError(f"{place}: profile {asked.profile!r} is unknown; there are {', '.join(source.profiles())}")
        if (asked.profile, asked.backend) == (name, backend):
            if asked.gate not in rows:
                raise GateError(f"{place}: profile {name!r} has no gate {asked.gate!r}; there are {', '.join(rows)}")
            change = {key: value for key, value in row.items() if key not in {"backend", "profile", "gate"}}
            rows[asked.gate] = gates_file.changed(rows[asked.gate], change, place)
    languages = [(code, _reading_time(one.reading_time, at)) for code, (at, one) in source.languages().items()]
    suites = {one.stem for one in (path.parent / "corpus").glob("*.toml")}
    gates = tuple(_gate(row, f"{where} gate {key!r}") for key, row in rows.items())
    for gate in gates:
        if suites and not source.parent and not set(gate.suites) <= suites:
            raise GateError(
                f"{where} gate {gate.name!r}: field 'suites' is {list(gate.suites)}; "
                f"the corpus beside it has {', '.join(sorted(suites))}"
            )
    unknown = sorted(set(table.always) - set(rows))
    if unknown:
        raise GateError(f"{where}: field 'always' names {unknown[0]!r}; there are {', '.join(rows)}")
    return Profile(
        name,
        gates,
        _reading_time(table.reading_time or "words", where),
        tuple(languages),
        table.broken_share or 0.0,
        frozenset(table.always),
    )


@dataclass(frozen=True, slots=True)
class _Override:
    """Which gate an `[[override]]` changes; the rest of the row is what it changes."""

    backend: str
    profile: str
    gate: str


def _reading_time(name: str, where: str) -> str:
    if reading_time(name) is None:
        raise GateError(
            f"{where}: reading_time is {name!r}; words, letters, or a rate such as "
            '"180 words a minute" or "255 letters a minute" is needed'
        )
    return name


def _gate(row: gates_file.Row, where: str) -> Gate:
    values = {"name": row.get("metric", ""), **row}
    if "steps" in row:
        steps = row["steps"]
        if not isinstance(steps, list) or not steps:
            known = ", ".join((*AMOUNTS, "at_least", "at_most"))
            raise GateError(f"{where}: field 'steps' is {steps!r}; a list of tables with some of {known} is needed")
        values["steps"] = _steps(steps, where)
    gate = typed(Gate, values, where, GateError)
    metrics = known_metrics()
    if gate.metric not in metrics:
        raise GateError(f"{where}: metric {gate.metric!r} is unknown; there are {', '.join(sorted(metrics))}")
    if gate.unit != metrics[gate.metric].unit:
        raise GateError(f"{where}: {gate.metric} is measured in {metrics[gate.metric].unit}, not in {gate.unit!r}")
    if (gate.at_least, gate.at_most, gate.steps) == (-INFINITY, INFINITY, ()):
        raise GateError(f"{where}: {gate.metric} has neither at_least, at_most nor steps; a gate needs a limit")
    if gate.at_least > gate.at_most:
        raise GateError(f"{where}: at_least {gate.at_least:g} is above at_most {gate.at_most:g}; nothing could pass")
    return gate


def _steps(rows: list[object], where: str) -> list[Step]:
    steps = [typed(Step, row, f"{where} steps {number}", GateError) for number, row in enumerate(rows, 1)]
    for number, step in enumerate(steps, 1):
        if step.at_least > step.at_most:
            raise GateError(f"{where} steps {number}: at_least is above at_most; nothing could pass")
        if any(later.covers(step) for later in steps[number:]):
            raise GateError(f"{where} steps {number} never holds: a later step is reached as soon; put it first")
    return steps
