"""What the run before measured: the same sound is not measured again by the same rulers, only judged again.

Conventions
    The numbers of a take hang on its sound, on what was asked for, and on what measures: this package's code, the
    libraries, the models, the references of the run, and how the reading time is counted. The hash of all that stands
    in the journal beside what was found of the take. Where it is the same, what the run before found in the same output
    folder is taken as it is.
    Never taken over: what failed; a metric of a team's own, of whose code nobody knows when it changes; what compares a
    take with others. Limits are no part of it: gates judge anew. The controls of a run are always measured anew.
"""

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import msgspec

from harness import registry
from harness.audio import content_hash
from harness.corpus import Reference
from harness.errors import RecordError
from harness.metrics.declaration import ANALYSES
from harness.metrics.measuring import Measuring
from harness.records import event as events
from harness.records.event import Found, Named
from harness.records.measurement import Measurement
from harness.records.packed import Glossary
from harness.records.run_record import HOW_TO_RUN
from harness.records.takes_on_disk import Lines
from harness.take import Take

LIBRARIES = ("numpy", "scipy", "soxr", "soundfile", "librosa")
"""That numbers come from; models say their own with their fingerprint."""

Measurements = dict[str, Measurement]
Measure = Callable[[Sequence[Take], Sequence[str]], list[Measurements]]


class Before(Protocol):
    """What is known of takes before they are measured."""

    def hangs_on(self, take: Take) -> str:
        """The hash of all that the numbers of a take hang on; empty where nobody asks."""

    def measured(self, takes: Sequence[Take], names: Sequence[str], measure: Measure) -> list[Measurements]:
        """What is measured on some takes, by metric name: what is known, and the rest measured now."""


class Nothing:
    """Nothing is known: everything is measured."""

    def hangs_on(self, take: Take) -> str:
        return ""

    def measured(self, takes: Sequence[Take], names: Sequence[str], measure: Measure) -> list[Measurements]:
        return measure(takes, names)


class MeasuredBefore:
    """The numbers in the journal of another run.

    Args:
        journal: The file; there may be none.
        measuring: With what this run measures.
    """

    def __init__(self, journal: Path, measuring: Measuring) -> None:
        self._path, self._measuring = journal, measuring
        self._glossary = Glossary()
        self.taken_over = 0
        """Takes of which every number that was asked for was known."""

    @cached_property
    def _ruler(self) -> str:
        """The hash of what is the same for all takes."""
        of_run = self._measuring.of_run
        libraries = [version(name) for name in LIBRARIES]
        references = [_facts(one) for one in of_run("references")]
        counted = of_run("reading_times"), of_run("deterministic")
        return _hash((_code(), libraries, self._measuring.fingerprints(), references, counted))

    def hangs_on(self, take: Take) -> str:
        request = take.request
        facts = (self._ruler, request.digest, request.utterance, _facts(request.reference), take.sha256)
        made = (take.stopped_by, take.frames, take.elapsed_s, take.error, take.unconditioned, dict(take.details))
        return _hash((facts, made, take.provenance)) if take.sha256 else ""

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where in the file something was found, by what it hangs on."""
        places: dict[str, int] = {}
        place = 0
        for text in self._lines.file if self._lines else ():
            try:
                if text.startswith(events.NAMED):
                    named = self._read(text)
                    if isinstance(named, Named):
                        self._glossary.learn(named.names)
                elif text.startswith(events.FOUND) and (hangs_on := events.hangs_on(text)):
                    places[hangs_on] = place
            except RecordError:
                pass  # it was cut off, or is of another version: what cannot be read is measured
            place += len(text)
        return places

    @cached_property
    def _lines(self) -> Lines | None:
        try:
            return Lines(self._path)
        except OSError:
            return None

    def _read(self, text: bytes) -> events.AnyEvent:
        return events.decode(text.rstrip(b"\n"), str(self._path), HOW_TO_RUN)

    def _known(self, take: Take, names: Sequence[str]) -> Measurements:
        """Those of some metrics that hold for a take."""
        place = self._places.get(self.hangs_on(take))
        if place is None:
            return {}
        assert self._lines is not None
        try:
            event = self._read(self._lines.at(place))
            assert isinstance(event, Found)
            found = self._glossary.measured(event.take(self._glossary.example_of(event.like), str(self._path), ""))
        except RecordError:
            return {}
        known = registry.metrics()
        return {
            name: found[name]
            for name in names
            if name in found
            and found[name].metric == known[name].metric
            and (found[name].is_known or not found[name].applicable)
            and _is_of_this_package(name)
            and not of_company(name)
        }

    def measured(self, takes: Sequence[Take], names: Sequence[str], measure: Measure) -> list[Measurements]:
        known = [self._known(take, names) for take in takes]
        lacking: dict[tuple[str, ...], list[int]] = {}
        for place, found in enumerate(known):
            lacking.setdefault(tuple(name for name in names if name not in found), []).append(place)
        for unknown, places in lacking.items():
            if not unknown:
                self.taken_over += len(places)
            else:
                for place, found in zip(places, measure([takes[place] for place in places], unknown), strict=True):
                    known[place] |= found
        return [{name: found[name] for name in names} for found in known]


def of_company(name: str) -> bool:
    """Whether a metric looks at the other takes of the run too."""
    return "company" in registry.metrics()[name].everything_needed


@cache
def _is_of_this_package(metric: str) -> bool:
    one = registry.metrics()[metric]
    functions = [one.function, *(ANALYSES[name].function for name in one.everything_needed if name in ANALYSES)]
    return all(function.__module__.partition(".")[0] == "harness" for function in functions)


@cache
def _code() -> str:
    """The hash of this package's code."""
    package = Path(__file__).parents[1]
    return content_hash(b"".join(path.read_bytes() for path in sorted(package.rglob("*.py"))))


def _facts(reference: Reference) -> tuple[str, ...]:
    """What of a reference counts: not where it lies."""
    one = reference
    return one.id, one.sha256, one.transcript, one.language, one.speaker, one.problem


def _hash(facts: object) -> str:
    return content_hash(msgspec.json.encode(facts, order="deterministic"))[:32]
