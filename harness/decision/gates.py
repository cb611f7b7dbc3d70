"""The only place where a number becomes a verdict.

A gate joins a metric to its limits for some suites. `suites/gates.toml` holds named profiles of gates and, per
backend, overrides that each say why. Gates that no speech at all could pass for a text are found by
`harness.decision.feasibility` before anything is generated.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness import shipped
from harness.corpus import SUITES
from harness.decision.policy import Margin, Policy
from harness.decision.regression import Comparison
from harness.errors import GateError
from harness.metrics import Measurement, Metric, known_metrics
from harness.text import READING_TIMES

INFINITY = float("inf")


class Outcome(StrEnum):
    """What a gate answers.

    PASS: shown inside the limits. FAIL: shown outside, or not a number. INCONCLUSIVE: could not be measured; blocks
    the release. REFUSED: the question does not arise here, for a reason that is listed; counted, never passed. WARN: an
    advisory gate would have said FAIL or INCONCLUSIVE; shown and counted, it neither blocks nor passes a release.
    """

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    REFUSED = "REFUSED"
    WARN = "WARN"


@dataclass(frozen=True, slots=True)
class Gate:
    """One row of gates.toml."""

    name: str
    metric: str
    unit: str
    why: str
    at_least: float = -INFINITY
    at_most: float = INFINITY
    suites: tuple[str, ...] = SUITES
    at_least_from: tuple[tuple[float, float], ...] = ()
    """Lower limits that depend on how much there is to judge: (seconds of speech, limit from there on), ascending."""
    false_reject: float | None = None
    """Share of sound human speech that this gate rejects, where it was measured ..."""
    source: str = ""
    """... and on what."""
    advisory: bool = False
    """Judged and shown, but not reliable enough to stop a release."""

    def for_speech(self, speech_s: float) -> "Gate | None":
        """This gate with the limit for so much speech; None where there is too little to judge."""
        if not self.at_least_from:
            return self
        reached = [limit for start, limit in self.at_least_from if speech_s >= start]
        return replace(self, at_least=reached[-1], at_least_from=()) if reached else None

    def __str__(self) -> str:
        if self.at_least_from:
            steps = ", ".join(f"{limit:g} from {start:g} s" for start, limit in self.at_least_from)
            return f"{self.name} >= {steps} of speech ({self.unit})"
        if self.at_least == self.at_most:
            return f"{self.name} = {self.at_least:g} {self.unit}"
        if self.at_most == INFINITY:
            return f"{self.name} >= {self.at_least:g} {self.unit}"
        if self.at_least == -INFINITY:
            return f"{self.name} <= {self.at_most:g} {self.unit}"
        return f"{self.name} {self.at_least:g} to {self.at_most:g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of gates."""

    name: str
    gates: tuple[Gate, ...]
    reading_time: str = "words"
    """Which of `harness.text.READING_TIMES` the duration ratio is measured by."""

    def at_rate(self, sample_rate_hz: int) -> "Profile":
        """The same gates, the one that asks for an exact sample rate asking for the system's own."""
        return replace(
            self,
            gates=tuple(
                replace(gate, at_least=sample_rate_hz, at_most=sample_rate_hz)
                if gate.metric == "sample_rate" and gate.at_least == gate.at_most
                else gate
                for gate in self.gates
            ),
        )

    def of(self, suite: str, metrics: Iterable[str]) -> tuple[Gate, ...]:
        """The gates of a suite on the named metrics.

        Raises:
            GateError: A metric is unknown, or no gate of this profile judges it in this suite: nothing may be required
                that is then not judged.
        """
        found: list[Gate] = []
        for metric in metrics:
            if metric not in known_metrics():
                raise GateError(f"metric {metric!r} is unknown; there are {', '.join(sorted(known_metrics()))}")
            mine = [gate for gate in self.gates if gate.metric == metric and suite in gate.suites]
            if not mine:
                raise GateError(
                    f"profile {self.name!r} has no gate on {metric!r} in suite {suite!r}: add one to gates.toml"
                )
            found += mine
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate says of one take."""

    outcome: Outcome
    gate: Gate
    measurement: Measurement
    reason: str = ""

    @property
    def observed(self) -> str:
        """The number with its unit, or why there is none; one line."""
        value = self.measurement.value
        shown = f"{value:.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
        number = "" if self.measurement.why_not else f"{shown} {self.gate.unit}"
        return "; ".join(part for part in (number, self.measurement.detail, self.reason) if part)

    @property
    def margin(self) -> float:
        """Distance to the nearer limit in the gate's unit, negative outside; NaN where nothing was measured."""
        return min(self.measurement.value - self.gate.at_least, self.gate.at_most - self.measurement.value)


def judge(gates: Iterable[Gate], measurements: Mapping[str, Measurement], refused: Mapping[str, str]) -> list[Verdict]:
    """Judge a take: one verdict a gate, in order.

    Args:
        gates: What is required, e.g. from `Profile.of`.
        measurements: By metric name. A missing one is INCONCLUSIVE, like one that could not be measured.
        refused: Gates that no speech could pass, by name, with the arithmetic.
    """
    pauses = measurements.get("silence_ratio")
    speech_s = pauses.components.get("total_s", 0.0) - pauses.components.get("silent_s", 0.0) if pauses else 0.0
    return [
        _judge_one(
            gate,
            measurements.get(gate.metric) or known_metrics()[gate.metric].missing("it was not measured"),
            speech_s,
            refused.get(gate.name, ""),
        )
        for gate in gates
    ]


def _judge_one(gate: Gate, found: Measurement, speech_s: float, refusal: str) -> Verdict:
    if (found.metric.name, found.metric.unit) != (gate.metric, gate.unit):
        raise GateError(f"gate {gate} cannot judge {found.metric.name} in {found.metric.unit}: mend gates.toml")
    if refusal or not found.applicable:
        return Verdict(Outcome.REFUSED, gate, found, refusal or found.why_not)
    if found.why_not:
        return Verdict(Outcome.WARN if gate.advisory else Outcome.INCONCLUSIVE, gate, found, found.why_not)
    resolved = gate.for_speech(speech_s)
    if resolved is None:
        start = gate.at_least_from[0][0]
        return Verdict(
            Outcome.REFUSED, gate, found, f"{speech_s:.2f} s of speech; this gate judges from {start:g} s on"
        )
    inside = resolved.at_least <= found.value <= resolved.at_most  # false for NaN
    outside = Outcome.WARN if gate.advisory else Outcome.FAIL
    return Verdict(Outcome.PASS if inside else outside, resolved, found)


def release(outcomes: Iterable[Outcome], planned: int, judged: int) -> Outcome:
    """The verdict on a run: PASS only where something was judged, everything planned was, and nothing else came out.

    >>> release([Outcome.PASS, Outcome.REFUSED], planned=1, judged=1)
    <Outcome.PASS: 'PASS'>
    >>> release([Outcome.PASS], planned=2, judged=1)
    <Outcome.INCONCLUSIVE: 'INCONCLUSIVE'>
    """
    found = set(outcomes)
    if Outcome.FAIL in found:
        return Outcome.FAIL
    if Outcome.INCONCLUSIVE in found or judged < planned or Outcome.PASS not in found:
        return Outcome.INCONCLUSIVE
    return Outcome.PASS


def judge_change(
    found: Comparison, margin: Margin, policy: Policy, adjusted_p: float, unmeasured: Mapping[str, str]
) -> Verdict:
    """The verdict on one question about the accepted release.

    PASS: shown not worse than the margin. FAIL: shown worse, or no longer measurable. INCONCLUSIVE: neither.

    Args:
        found: The answer in numbers.
        margin: What may be lost.
        policy: The error rates.
        adjusted_p: The p-value after correction over all questions of the run.
        unmeasured: Utterances of which there is no number any more, with the reason.
    """
    mean = found.kind == "mean"
    gate = Gate(
        name=f"change of {margin.metric}"
        if mean
        else f"utterances that lost {margin.lost:g} {margin.unit_of_change} of {margin.metric}",
        metric=margin.metric,
        unit=margin.unit_of_change if mean else "of all",
        why=margin.why,
        at_least=margin.bounds[0] if mean else -INFINITY,
        at_most=margin.bounds[1] if mean else policy.lost_share,
    )
    value, *ends = (margin.told(one) if mean else -one for one in (found.delta, found.low, found.high))
    ends.sort()
    measured = Measurement(
        Metric(margin.metric, gate.unit, margin.better),
        value,
        {"low": ends[0], "high": ends[1], "p_value": adjusted_p, "utterances": found.clusters},
        f"{1 - 2 * policy.doubt:.0%} interval {ends[0]:+.4g} to {ends[1]:+.4g}, {found.clusters} utterances, worst "
        + ", ".join(f"{name} {margin.told(change):+.3g}" for name, change in found.worst),
    )
    if unmeasured:
        gone = "; ".join(f"{name}: {why}" for name, why in list(unmeasured.items())[:3])
        return Verdict(Outcome.FAIL, gate, measured, f"{len(unmeasured)} can no longer be measured: {gone}")
    if not found.clusters:
        return Verdict(Outcome.REFUSED, gate, measured, f"neither side has a {margin.metric} of any utterance")
    if ends[0] > (gate.at_least if mean else -INFINITY) and ends[1] < gate.at_most:  # false for NaN
        return Verdict(Outcome.PASS, gate, measured)
    if adjusted_p <= policy.alpha:
        return Verdict(Outcome.FAIL, gate, measured, f"shown worse, p = {adjusted_p:.2g} over the whole run")
    return Verdict(Outcome.INCONCLUSIVE, gate, measured, f"neither shown worse nor shown not worse; {found.way_out}")


_NUMBERS = ("at_least", "at_most", "false_reject")
_TEXTS = ("name", "metric", "unit", "why", "source")


def load_profile(name: str, backend: str, path: Path = shipped.GATES) -> Profile:
    """Read one profile of gates.toml, with the overrides for a backend.

    Raises:
        GateError: The file, the profile or a row is malformed; names the row and the field.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GateError(f"{path} is missing: give one with --gates-file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GateError(f"{path} is not valid TOML: {error}") from error
    profiles = tables.get("profile", {})
    if name not in profiles:
        raise GateError(
            f"{path} has no profile {name!r}; there are {', '.join(profiles) or 'none'}: choose with --gates"
        )
    reading_time = profiles[name].get("reading_time", "words")
    if reading_time not in READING_TIMES:
        raise GateError(
            f"{path}: profile {name!r} has reading_time {reading_time!r}; {' or '.join(READING_TIMES)} is needed"
        )
    rows = profiles[name].get("gate", [])
    gates = {gate.name: gate for gate in (_gate(row, f"{path} {name} gate {n}") for n, row in enumerate(rows, 1))}
    if len(gates) != len(rows) or not rows:
        raise GateError(
            f"{path}: profile {name!r} has {len(rows)} gates of {len(gates)} names; each needs its own name"
        )
    for number, row in enumerate(tables.get("override", []), 1):
        where = f"{path} override {number}"
        if not str(row.get("why", "")).strip():
            raise GateError(f"{where}: field 'why' is missing; a limit is only changed for a stated reason")
        if row.get("profile") not in profiles or row.get("gate") is None or row.get("backend") is None:
            raise GateError(f"{where} needs the backend, the profile and the gate that it changes")
        if (row["profile"], row["backend"]) == (name, backend):
            if row["gate"] not in gates:
                raise GateError(f"{where}: profile {name!r} has no gate {row['gate']!r}; there are {', '.join(gates)}")
            changed = {key: value for key, value in row.items() if key not in {"backend", "profile", "gate"}}
            gates[row["gate"]] = _checked(replace(gates[row["gate"]], **_values(changed, where)), where)
    return Profile(name, tuple(gates.values()), reading_time)


def _gate(row: Mapping[str, Any], where: str) -> Gate:
    for field in ("metric", "unit", "why"):
        if not str(row.get(field, "")).strip():
            raise GateError(f"{where}: field {field!r} is missing; each gate needs metric, unit, why and a limit")
    return _checked(Gate(**{"name": row["metric"], **_values(row, where)}), where)


def _values(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = {field.name for field in fields(Gate)}
    values: dict[str, Any] = {}
    for key, value in row.items():
        if key not in known:
            raise GateError(f"{where}: field {key!r} is unknown; known are {', '.join(sorted(known))}")
        if key in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float) or value != value):
            raise GateError(f"{where}: field {key!r} is {value!r}; a number is needed")
        if key in _TEXTS and not isinstance(value, str):
            raise GateError(f"{where}: field {key!r} is {value!r}; a text is needed")
        if key == "advisory" and not isinstance(value, bool):
            raise GateError(f"{where}: field 'advisory' is {value!r}; true or false is needed")
        if key == "suites" and (not isinstance(value, list) or not value or not set(value) <= set(SUITES)):
            raise GateError(f"{where}: field 'suites' is {value!r}; some of {', '.join(SUITES)} are needed")
        values[key] = _steps(value, where) if key == "at_least_from" else tuple(value) if key == "suites" else value
    return values


def _steps(value: object, where: str) -> tuple[tuple[float, float], ...]:
    try:
        steps = tuple((float(row["speech_s"]), float(row["at_least"])) for row in value)  # type: ignore[attr-defined]
    except (TypeError, KeyError, ValueError):
        steps = ()
    if not steps or list(steps) != sorted(set(steps)):
        raise GateError(
            f"{where}: field 'at_least_from' is {value!r}; "
            "a list of {speech_s = …, at_least = …} in rising order is needed"
        )
    return steps


def _checked(gate: Gate, where: str) -> Gate:
    metrics = known_metrics()
    if gate.metric not in metrics:
        raise GateError(f"{where}: metric {gate.metric!r} is unknown; there are {', '.join(sorted(metrics))}")
    if gate.unit != metrics[gate.metric].unit:
        raise GateError(f"{where}: {gate.metric} is measured in {metrics[gate.metric].unit}, not in {gate.unit!r}")
    if (gate.at_least, gate.at_most, gate.at_least_from) == (-INFINITY, INFINITY, ()):
        raise GateError(f"{where}: {gate.metric} has neither at_least, at_most nor at_least_from; a gate needs a limit")
    if gate.at_least > gate.at_most:
        raise GateError(f"{where}: at_least {gate.at_least:g} is above at_most {gate.at_most:g}; nothing could pass")
    return gate
