"""The one pass that measures takes: every metric gets what it needs, and nothing is computed twice.

What is needed once a run (an encoder, a recogniser) is opened with the first take that needs it. Takes are measured a
batch at a time, and what was computed of a take is forgotten with its batch, so that memory does not grow with their
number. A metric that raises is missing with what it said, and takes no other metric with it; so is one whose analysis
raises. A wrong command (no such model) is raised.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from harness import registry
from harness.audio import Audio, finite
from harness.corpus import Reference
from harness.errors import HarnessError, UsageError
from harness.metrics.declaration import (
    ANALYSES,
    GIVEN,
    MetricFunction,
    Missing,
    NotApplicable,
    analysis,
    analysis_of,
    once_a_run,
)
from harness.records.measurement import Measurement
from harness.take import Take
from harness.threads import one_thread

NOTHING: Mapping[str, object] = MappingProxyType({})
BATCH = 16
"""Takes that go through the models together: their sounds are held that long."""
NEEDS_MORE_THAN_A_TAKE = frozenset({"models", "references", "company", "derived"})


@dataclass(frozen=True, slots=True)
class Models:
    """Which models listen; each a name, a folder, a hub id or `module:Class`, opened when first needed."""

    encoder: str = "resemblyzer"
    recognizer: str = ""
    second_recognizer: str = ""
    predictor: str = "off"
    background: str = ""
    """A folder of background speakers; none given is the shipped cohort."""
    device: str = "cpu"
    """Where they run: a name that torch has for it, with its number, since a worker beside this one has another."""


class Derived(Protocol):
    """Where values that took long are kept."""

    def get(self, key: str) -> bytes | None:
        """What was kept under a key; None where nothing was, or where it is damaged."""

    def put(self, key: str, data: bytes) -> None:
        """Keep a value."""


class Nowhere:
    """Keeps nothing."""

    def get(self, key: str) -> bytes | None:
        return None

    def put(self, key: str, data: bytes) -> None:
        pass


@analysis()
def audio(take: Take) -> Audio:
    """The take as it was generated; it may hold NaN."""
    sound = take.audio  # read once: of a take on disk it is a file
    if sound is None:
        raise Missing(f"no audio: {take.error}")
    return sound


@analysis()
def sound(audio: Audio) -> Audio:
    """The take with NaN and infinities as zeros, so that one bad sample spoils one measurement, not all."""
    return finite(audio)


@analysis()
def text(take: Take) -> str:
    """What was to be spoken."""
    return take.request.utterance.text


@analysis()
def reading_time(take: Take, reading_times: Mapping[str, str]) -> str:
    """By what name of `harness.text.reading_time` the reading time of its text is counted."""
    return reading_times.get(take.request.utterance.language, reading_times[""])


@analysis()
def reference(take: Take) -> Reference:
    """The voice that was to be cloned."""
    return take.request.reference


class Measuring:
    """What is computed once a run, and the way through it for a batch of takes.

    Args:
        models: Which models listen.
        references: The voices of the run.
        reading_time: By what name of `harness.text.reading_time` the duration ratio is measured.
        languages: The same for texts in a language of its own, by its code.
        company: All takes of the run, for what compares takes with each other.
        derived: Where values that took long are kept.
        deterministic: Whether the system says that a seed changes nothing.
        made: What is there already, by the name of its analysis, e.g. an encoder that is loaded.
    """

    def __init__(
        self,
        models: Models | None = None,
        references: Sequence[Reference] = (),
        reading_time: str = "words",
        languages: Mapping[str, str] = MappingProxyType({}),
        company: Callable[[], Collection[Take]] = tuple,
        derived: Derived | None = None,
        deterministic: bool = False,
        **made: Any,
    ) -> None:
        self._of_run: dict[str, Any] = {
            "models": models or Models(),
            "references": tuple(references),
            "reading_times": {"": reading_time, **languages},
            "company": company,
            "derived": derived or Nowhere(),
            "deterministic": deterministic,
            **made,
        }

    def measure(self, takes: Iterable[Take], names: Iterable[str] | None = None) -> list[dict[str, Measurement]]:
        """The measurements of each take, in order, by metric name.

        Args:
            takes: With audio or without.
            names: Of metrics; without them everything that needs no model.

        Raises:
            HarnessError: Something of the run cannot be had: a model, a reference without speech.
        """
        wanted = _functions(model_free() if names is None else names)
        found: list[dict[str, Measurement]] = []
        batch: list[Take] = []
        for take in takes:
            if not isinstance(take, Take):
                raise TypeError(f"{type(take).__name__} is no Take; harness.measure() measures a sound alone")
            batch.append(take)
            if len(batch) == BATCH:
                found += self._measured(batch, wanted)
                batch = []
        return found + self._measured(batch, wanted)

    def measure_one(self, take: Take, names: Iterable[str], known: Mapping[str, object]) -> dict[str, Measurement]:
        """The measurements of one take.

        Args:
            take: With audio or without.
            names: Of metrics.
            known: Analyses that are there already, by name; a `Missing` says why there is none.
        """
        return self._measured([take], _functions(names), known)[0]

    def of_run(self, name: str) -> Any:
        """What an analysis of the whole run gives, e.g. its encoder.

        Raises:
            Missing: There is none; the message says why.
        """
        return self._value(name, {})

    def fingerprints(self) -> dict[str, str]:
        """With what the takes are measured, by the name of its analysis; "none" for what was not given."""
        found = {}
        registry.metrics()  # imports the modules in which they are declared
        for name in (one.name for one in list(ANALYSES.values()) if one.is_instrument):
            try:
                found[name] = str(self.of_run(name).fingerprint)
            except Missing:
                found[name] = "none"
        return found

    def cannot_arise(self, metrics: Iterable[str]) -> bool:
        """Whether none of some metrics says anything of any take of this run: what each rests on was not given."""
        return all(self._lacks_an_instrument(function) for function in _functions(metrics))

    def _lacks_an_instrument(self, function: MetricFunction[...]) -> bool:
        for name in function.everything_needed:
            if name not in GIVEN and analysis_of(name).is_instrument:
                try:
                    self.of_run(name)
                except NotApplicable:
                    return True
                except Missing:
                    continue  # given, and broken: each take is said not to be judged
        return False

    def _measured(
        self, takes: Sequence[Take], wanted: Sequence[MetricFunction[...]], known: Mapping[str, object] = NOTHING
    ) -> list[dict[str, Measurement]]:
        with one_thread():
            return self._looked_at([{"take": take, **known} for take in takes], wanted)

    def _looked_at(
        self, looked: Sequence[dict[str, Any]], wanted: Sequence[MetricFunction[...]]
    ) -> list[dict[str, Measurement]]:
        for name in dict.fromkeys(name for one in wanted for name in one.everything_needed):
            if name not in GIVEN and analysis_of(name).once == "batch":
                self._together(name, looked)
        found = []
        for at in looked:
            found.append({one.metric.name: self._one(one, at) for one in wanted})
            at.clear()  # what was computed of it is not needed any more, and is large
        return found

    def _one(self, function: MetricFunction[...], at: dict[str, Any]) -> Measurement:
        try:
            # What the run lacks is said first: it is not the take's fault, and a wrong command is not either.
            for name in function.needs_of_the_run:
                self._value(name, at)
        except NotApplicable as why:
            return function.metric.not_applicable(str(why))
        except Missing as why:
            return function.metric.missing(str(why))
        try:
            if function.of != "take":
                self._value("audio", at)
            if function.of == "speech" and self._value("pauses", at).silent.all():
                raise Missing("no speech was found")
            needed = {parameter: self._value(name, at) for parameter, name in function.needs.items()}
            return function(**needed)
        except NotApplicable as why:
            return function.metric.not_applicable(str(why))
        except Missing as why:
            return function.metric.missing(str(why))
        except Exception as error:  # noqa: BLE001 - the take is not judged by this metric, and says so
            return function.metric.missing(f"the metric raised {type(error).__name__}: {error}")

    def _value(self, name: str, at: dict[str, Any]) -> Any:
        """What a name stands for, made where it is not there yet."""
        known = self._of_run if once_a_run(name) else at
        if name not in known:
            made = analysis_of(name)
            if made.once == "batch":
                self._together(name, [at])
            else:
                known[name] = self._made(name, at)
        value = known[name]
        if isinstance(value, Missing):
            raise type(value)(str(value))
        return value

    def _made(self, name: str, at: dict[str, Any]) -> Any:
        one = analysis_of(name)
        try:
            return one.function(**{parameter: self._value(need, at) for parameter, need in one.needs.items()})
        except Missing as why:
            return why
        except Exception as error:
            if one.once == "run":
                raise
            return Missing(f"{name} raised {type(error).__name__}: {error}")

    def _together(self, name: str, looked: Sequence[dict[str, Any]]) -> None:
        """Make what belongs to each of a batch of takes; one that fails costs the others nothing."""
        one = analysis_of(name)
        ready: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for at in looked:
            if name in at:
                continue
            try:
                ready.append((at, {parameter: self._value(need, at) for parameter, need in one.needs.items()}))
            except Missing as why:
                at[name] = why
        if not ready:
            return
        shared = {parameter for parameter, need in one.needs.items() if once_a_run(need)}
        given = {
            parameter: ready[0][1][parameter] if parameter in shared else [needed[parameter] for _, needed in ready]
            for parameter in one.needs
        }
        try:
            values = list(one.function(**given))
            if len(values) != len(ready):
                raise ValueError(f"{len(values)} answers for {len(ready)} takes")
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - any failure of a foreign model becomes a verdict of its own
            if len(ready) == 1:
                ready[0][0][name] = Missing(f"{one.what} raised {type(error).__name__}: {error}")
            else:
                for at, _ in ready:
                    self._together(name, [at])
            return
        for (at, _), value in zip(ready, values, strict=True):
            at[name] = value


def _functions(names: Iterable[str]) -> list[MetricFunction[...]]:
    known = registry.metrics()
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise UsageError(f"metric {name!r} is unknown; there are {', '.join(sorted(known))}")
    return [known[name] for name in wanted]


def model_free() -> list[str]:
    """The metrics that need a take and its reference, and no model."""
    return [name for name, one in registry.metrics().items() if not NEEDS_MORE_THAN_A_TAKE & set(one.everything_needed)]
