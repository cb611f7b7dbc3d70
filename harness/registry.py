"""Names to parts: backends, metrics, speaker encoders, recognisers, opinion predictors.

A part is found under three kinds of name, in this order:

    higgs                 one that comes with the package
    my_system             one that an installed package declares as an entry point of the kind's group
    my_pkg.voice:System   a class or function by module and name; the folder that the command was typed in counts

Nothing is imported before it is asked for. A metric registers itself when its module is imported (`harness.metrics`
has the decorator): the package's own modules, the entry points of `harness.metrics`, and the modules that a team names
are imported by the first look at what there is.

An encoder, recogniser or predictor is called with `device` ("cpu", "cuda:1"), a backend with its options.

A new backend is one module of `harness.backends` with a class that has a `name`; a new metric is one decorated function
in a module of `harness.metrics`. Neither is listed anywhere.
"""

import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import UsageError

_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of part."""

    what: str
    option: str
    group: str
    """Of entry points."""
    package: str = ""
    """Whose modules each hold built-in parts, as classes with a `name`."""
    built_in: Mapping[str, str] = field(default_factory=dict)
    """Other built-in parts: name to module:Class."""


BACKEND = Kind("backend", "--backend", "harness.backends", package="harness.backends")
ENCODER = Kind(
    "speaker encoder",
    "--speaker-encoder",
    "harness.encoders",
    built_in={"resemblyzer": "harness.metrics.speaker_encoder:Resemblyzer"},
)
RECOGNIZER = Kind("speech recogniser", "--asr", "harness.recognizers")
PREDICTOR = Kind(
    "opinion predictor",
    "--speech-quality",
    "harness.predictors",
    built_in={"distillmos": "harness.metrics.quality:DistillMos"},
)


def find(kind: Kind, name: str) -> Any | None:
    """The class or function of that name; None where the name is none that this kind knows.

    Raises:
        UsageError: The name is `module:Class` or an entry point, and what it names cannot be imported.
    """
    if kind.package and name.isidentifier():
        own = _own(kind, name)
        if own is not None:
            return own
    if name in kind.built_in:
        return imported(kind.built_in[name], kind.option)
    for entry in entry_points(group=kind.group, name=name):
        return imported(entry.value, f"entry point {name!r} of {kind.group}")
    return imported(name, kind.option) if _PATH.fullmatch(name) else None


def get(kind: Kind, name: str) -> Any:
    """The class or function of that name.

    Raises:
        UsageError: There is none; the line says which there are.
    """
    registered = find(kind, name)
    if registered is None:
        raise UsageError(
            f"{kind.option} {name!r} is no {kind.what}; there are {', '.join(names(kind))}: "
            f"choose one, or give module:Class"
        )
    return registered


def names(kind: Kind) -> list[str]:
    """Everything of a kind that has a short name, built in first."""
    own = [name for module in _modules(kind.package) for name in _parts(module)] if kind.package else []
    return list(
        dict.fromkeys([*sorted(own), *kind.built_in, *sorted(entry.name for entry in entry_points(group=kind.group))])
    )


def imported(path: str, given_as: str, folder: Path | None = None) -> Any:
    """What a `module:name` or a `module` names.

    Args:
        path: Where it lies.
        given_as: The option or table that named it, for the message.
        folder: Where a module that is not installed may lie.

    Raises:
        UsageError: It cannot be imported; one line with the cause.
    """
    module_name, _, attribute = path.partition(":")
    module = _module(module_name, given_as, folder)
    if not attribute:
        return module
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        there = [name for name, value in vars(module).items() if isinstance(value, type) and not name.startswith("_")]
        raise UsageError(
            f"{given_as} {path!r}: module {module_name} has no {attribute}; its classes are {', '.join(there)}"
        ) from error


def _module(name: str, given_as: str, folder: Path | None = None) -> ModuleType:
    # A module of the team's own repository is not installed: it is looked for where the command was typed.
    more = [str(place) for place in (Path.cwd(), folder) if place is not None and str(place) not in sys.path]
    try:
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name.split(".")[0] or not more:
                raise
            sys.path += more
            return import_module(name)
    except Exception as error:  # whatever a foreign module raises while it is imported
        raise UsageError(f"{given_as} {name!r} cannot be imported ({type(error).__name__}: {error})") from error


def _own(kind: Kind, name: str) -> Any | None:
    """The built-in part of that name; only its own module is imported where that has the same name."""
    there = [module.name for module in pkgutil.iter_modules(import_module(kind.package).__path__)]
    if name in there:
        return _parts(import_module(f"{kind.package}.{name}")).get(name)
    return None


def _modules(package: str) -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(import_module(package).__path__):
        yield import_module(f"{package}.{module.name}")


def _parts(module: ModuleType) -> dict[str, Any]:
    """The classes of a module that say under which name they are asked for."""
    own = (value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__)
    named = ((getattr(value, "name", None), value) for value in own)
    return {name: value for name, value in named if isinstance(name, str)}


_METRICS: dict[str, Any] = {}
_looked: list[bool] = []


def register_metric(name: str, function: Any) -> None:
    """Called by the decorator `metric`.

    Raises:
        UsageError: Another metric has that name.
    """
    known = _METRICS.get(name)
    if known is not None and _origin(known) != _origin(function):
        raise UsageError(
            f"metric {name!r} of {function.__module__} is there already, in {known.__module__}: choose another name"
        )
    _METRICS[name] = function


def _origin(function: Any) -> tuple[str, str]:
    """Where a metric is written: pytest may import a file under a second name."""
    code = getattr(getattr(function, "__wrapped__", None), "__code__", None)
    return code.co_filename if code else function.__module__, function.__qualname__


def add_metrics(modules: Iterable[str], given_as: str, folder: Path | None = None) -> None:
    """Import modules that hold more metrics, e.g. a team's own.

    Args:
        modules: Dotted names.
        given_as: What named them, for the message.
        folder: Where modules that are not installed may lie, beside the folder that the command was typed in.

    Raises:
        UsageError: A module cannot be imported, or one of its metrics has the name of another.
    """
    for name in modules:
        imported(name, given_as, folder)


def metrics() -> Mapping[str, Any]:
    """Every metric by name: the package's own, those of entry points, those of modules that were added."""
    if not _looked:
        _looked.append(True)
        try:
            list(_modules("harness.metrics"))
            for entry in entry_points(group="harness.metrics"):
                imported(entry.value, f"entry point {entry.name!r} of harness.metrics")
        except BaseException:
            _looked.clear()
            raise
    return _METRICS
