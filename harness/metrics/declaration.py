"""How a metric is declared: one decorated function, found by its name, given what its parameters are called.

    from harness.metrics import Missing, measured, metric

    @metric("hum_level", unit="dB", better="lower")
    def hum_level(sound, level_dbfs):
        '''Level of the mains hum relative to the speech, in dB.'''
        return measured(level_of(sound, 50.0) - level_dbfs, "at 50 Hz")

A parameter is an analysis: something that is computed once, whichever metrics need it. An analysis is declared the same
way, by a function whose parameters are analyses again, and is made once a take, once a batch of takes (models are
fastest so) or once a run.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, update_wrapper
from typing import Any, Generic, Literal, ParamSpec, TypeVar

import msgspec

from harness import registry
from harness.errors import UsageError
from harness.metrics import signature
from harness.records.measurement import Measurement, Metric, Span

P = ParamSpec("P")
T = TypeVar("T")

Of = Literal["take", "sound", "speech"]
Scope = Literal["take", "batch", "run"]
GIVEN = frozenset({"take", "models", "references", "reading_times", "company", "derived", "deterministic"})
"""What is there before anything is computed: the take, and of the run its choice of models, its references, how the
reading time is counted, all its takes, where derived values are kept, and whether its system is deterministic."""
OF_A_TAKE = frozenset({"take"})


class Missing(Exception):
    """This cannot be measured on this take; the message says why. It is never a pass."""

    applicable = True


class NotApplicable(Missing):
    """Nobody could measure this here, whatever the take is like: the question does not arise."""

    applicable = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What a metric's function found."""

    value: float
    detail: str = ""
    spans: tuple[Span, ...] = ()
    heard: str = ""
    components: Mapping[str, float] = field(default_factory=dict)


def measured(
    value: float, detail: str = "", spans: tuple[Span, ...] = (), heard: str = "", **components: float
) -> Finding:
    """A number.

    Args:
        value: In the unit of the metric.
        detail: What a reviewer should know beside it.
        spans: (start_s, end_s) where in the take the finding lies; empty where it has no place in time.
        heard: What a recogniser wrote, where the number comes from one.
        components: Counts, seconds or decibels that the number was made of.
    """
    return Finding(float(value), detail, spans, heard, components)


class MetricFunction(Generic[P]):
    """A metric: what its number means, what it needs, how it is measured. Called with what it needs, it measures."""

    def __init__(
        self,
        meaning: Metric,
        function: Callable[P, "Finding | float"],
        of: Of,
        needs: Mapping[str, str],
        beside: tuple[str, ...],
        packages: tuple[str, ...],
    ) -> None:
        self.meaning = meaning
        """All but its signature, which is known when everything that it needs is."""
        self.function = function
        self.packages = packages
        self.of = of
        self.needs = needs
        """Parameter of the function to the analysis that it is given."""
        self.beside = beside
        """Gated metrics beside which this one is shown."""
        update_wrapper(self, function)

    @cached_property
    def metric(self) -> Metric:
        """What its number means, signed."""
        return msgspec.structs.replace(self.meaning, signature=signature.short(self.signature))

    @property
    def signature(self) -> str:
        """What its numbers hang on, in words."""
        analyses = [analysis_of(name) for name in self.everything_needed if name not in GIVEN]
        followed = [one.function for one in analyses if not one.is_instrument]
        return signature.text(self.meaning.name, self.meaning.version, [self.function, *followed], self.packages)

    @cached_property
    def everything_needed(self) -> tuple[str, ...]:
        """All analyses that it hangs on, what others need first."""
        return everything_needed(self.needs)

    @cached_property
    def needs_of_the_run(self) -> tuple[str, ...]:
        """Those of them that are the same for every take."""
        return tuple(name for name in self.everything_needed if once_a_run(name))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Measurement:
        try:
            found = self.function(*args, **kwargs)
        except NotApplicable as why:
            return self.metric.not_applicable(str(why))
        except Missing as why:
            return self.metric.missing(str(why))
        if not isinstance(found, Finding):
            found = Finding(float(found))
        return Measurement(
            self.metric, found.value, dict(found.components), found.detail, spans=found.spans, heard=found.heard
        )


def metric(
    name: str,
    unit: str,
    better: Literal["higher", "lower", "neither"],
    *,
    of: Of = "speech",
    needs: Mapping[str, str] | None = None,
    beside: tuple[str, ...] = (),
    version: int = 1,
    packages: tuple[str, ...] = (),
) -> Callable[[Callable[P, "Finding | float"]], MetricFunction[P]]:
    """Declare a metric; it is known from then on, and a row of gates.toml can judge it.

    Args:
        name: In gates.toml, the report and the baseline.
        unit: Of the value.
        better: 'higher', 'lower' or 'neither'.
        of: The least that must be there: any 'take', one with 'sound', or one that holds 'speech'. A take that holds
            less is missing, with the reason: silence has no clicks and no hum and must not be praised for it.
        needs: Analyses whose names are not those of the parameters, by parameter.
        beside: Gated metrics beside which a reviewer should see this one.
        version: Raise it whenever the code would give the same take another number; constants are noticed without.
        packages: Packages whose version counts too.

    Raises:
        UsageError: Another metric has that name.
    """

    def declare(function: Callable[P, Finding | float]) -> MetricFunction[P]:
        meaning = Metric(name, unit, better, version)
        declared = MetricFunction(meaning, function, of, _needs(function, needs or {}), beside, packages)
        registry.register_metric(name, declared)
        return declared

    return declare


@dataclass(frozen=True, slots=True)
class Analysis:
    """Something that metrics look at, made once."""

    name: str
    function: Callable[..., Any]
    once: Scope
    needs: Mapping[str, str]
    is_instrument: bool
    """Whether it has a `fingerprint`, which a run notes."""
    what: str
    """What to call it where it fails."""


ANALYSES: dict[str, Analysis] = {}


def analysis(
    *,
    once: Scope = "take",
    name: str = "",
    needs: Mapping[str, str] | None = None,
    is_instrument: bool = False,
    what: str = "",
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Declare what metrics look at; it is given to every parameter of its name. The function itself stays as it is.

    Args:
        once: Made once a 'take'; once a 'batch', where it gets a list of whatever belongs to a take and returns a list
            in the same order; or once a 'run'.
        name: Where it is not that of the function.
        needs: Analyses whose names are not those of the parameters, by parameter.
        is_instrument: It has a `fingerprint`: a run notes with what it was measured.
        what: What to call it where it fails; without it, its name.

    Raises:
        UsageError: Another analysis has that name.
    """

    def declare(function: Callable[P, T]) -> Callable[P, T]:
        called = name or getattr(function, "__name__", "")
        known = ANALYSES.get(called)
        if called in GIVEN or (known is not None and known.function.__module__ != function.__module__):
            raise UsageError(f"analysis {called!r} of {function.__module__} is there already: choose another name")
        ANALYSES[called] = Analysis(
            called, function, once, _needs(function, needs or {}), is_instrument, what or called
        )
        return function

    return declare


def _needs(function: Callable[..., Any], renamed: Mapping[str, str]) -> dict[str, str]:
    """Parameter to analysis; parameters with a default are the function's own business."""
    parameters = inspect.signature(function).parameters.values()
    return {one.name: renamed.get(one.name, one.name) for one in parameters if one.default is one.empty}


def analysis_of(name: str) -> Analysis:
    """The analysis of that name.

    Raises:
        UsageError: There is none; the line says which there are.
    """
    if name not in ANALYSES:
        registry.metrics()  # whoever calls one metric alone has not imported where its analyses are declared
    if name not in ANALYSES:
        raise UsageError(
            f"no analysis is called {name!r}; a metric can need {', '.join(sorted(GIVEN | ANALYSES.keys()))}"
        )
    return ANALYSES[name]


def everything_needed(names: Mapping[str, str]) -> tuple[str, ...]:
    """All that is needed for some needs, down to what is given: what others need first."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        if name in found:
            return
        if name not in GIVEN:
            for other in analysis_of(name).needs.values():
                add(other)
        found[name] = None

    for name in names.values():
        add(name)
    return tuple(found)


def once_a_run(name: str) -> bool:
    """Whether something is the same for every take of a run."""
    return name not in OF_A_TAKE if name in GIVEN else analysis_of(name).once == "run"
