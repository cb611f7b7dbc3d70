"""What a metric's numbers hang on, in one line: numbers of one signature compare, those of another ruler do not.

    silence_ratio|v1|audio.FRAME_S:0.02|silence.BELOW_SPEECH_DB:40.0|silence.INAUDIBLE_DBFS:-80.0|…

The constants are found by following the metric's function, and the functions of what it needs, through their package:
nobody has to list them. The code itself counts by the version that is raised by hand, which the stored numbers on fixed
signals in the tests enforce; of a metric outside this package, for which there are no such tests, its source counts. An
instrument (an encoder, a recogniser) has a fingerprint of its own and is not followed.
"""

import hashlib
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from types import CodeType, FunctionType, ModuleType
from typing import Any

_SCALARS = (bool, int, float, str, bytes)
_COMMENT = re.compile(r"#[^\n]*")


def constants(function: Any) -> dict[str, str]:
    """Every constant that a function's code reaches within its package, by module and name, as text."""
    found: dict[str, str] = {}
    seen: set[Any] = set()
    waiting = [function]
    while waiting:
        one = inspect.unwrap(waiting.pop())
        if one in seen:
            continue
        seen.add(one)
        own, reached = _looked_up(one)
        found |= own
        waiting += reached
    return found


def text(name: str, version_of_code: int, functions: list[Any], packages: tuple[str, ...]) -> str:
    """The whole signature.

    Args:
        name: Of the metric.
        version_of_code: Raised by hand.
        functions: The metric's own first, then those of the analyses that it needs.
        packages: Whose version counts.
    """
    reached: dict[str, str] = {}
    for function in functions:
        reached |= constants(function)
    parts = [f"{key}:{value}" for key, value in sorted(reached.items())]
    parts += [f"{package}:{version(package)}" for package in packages]
    own = inspect.unwrap(functions[0])
    if own.__module__.split(".")[0] != "harness":
        parts.append(f"source:{_source_hash(own)}")
    return "|".join([name, f"v{version_of_code}", *parts])


def short(whole: str) -> str:
    """A signature as it stands beside every number: the version, and a piece of the hash of the rest.

    >>> short("length|v1|audio.FRAME_S:0.02")
    'v1.6eb6efa4'
    """
    return f"{whole.split('|')[1]}.{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def _source_hash(function: Any) -> str:
    """Of the source without comments and white space, so that another layout is no other metric."""
    try:
        source = inspect.getsource(function)
    except OSError:
        return "unknown"
    return hashlib.sha256("".join(_COMMENT.sub("", source).split()).encode()).hexdigest()[:8]


@cache
def _looked_up(one: Any) -> tuple[dict[str, str], tuple[Any, ...]]:
    """The constants that a function or class names itself, and the functions and classes that it names."""
    if isinstance(one, type):
        members = (getattr(member, "__func__", getattr(member, "fget", member)) for member in vars(one).values())
        own = (member for member in members if isinstance(member, FunctionType))
        # What dataclasses and enumerations write themselves lives elsewhere.
        return {}, tuple(member for member in own if member.__module__ == one.__module__)
    package = str(one.__module__).split(".")[0]
    if not isinstance(one, FunctionType):
        return {}, ()
    found: dict[str, str] = {}
    reached: list[Any] = []
    names = set(_names(one.__code__))
    for holder in [one.__globals__, *(_modules(one.__globals__, names, package))]:
        for name in names & holder.keys():
            value = holder[name]
            if name.strip("_").isupper() or isinstance(value, re.Pattern):
                text = _as_text(value)
                if text:
                    found[f"{_home(holder)}.{name}"] = text
            if isinstance(value, Mapping):
                reached += [part for part in value.values() if _is_followed(part, package)]
            elif _is_followed(value, package):
                reached.append(value)
    return found, tuple(reached)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)


def _modules(place: Mapping[str, Any], names: set[str], package: str) -> Iterator[Mapping[str, Any]]:
    """The modules of the package that a function names."""
    for name in names:
        value = place.get(name)
        if isinstance(value, ModuleType) and value.__name__.split(".")[0] == package:
            yield vars(value)


def _is_followed(value: Any, package: str) -> bool:
    plain = inspect.unwrap(value) if callable(value) else value
    home = str(getattr(plain, "__module__", "") or "")
    # The way of a declaration is not part of what it measures.
    return (
        isinstance(plain, FunctionType | type)
        and home.split(".")[0] == package
        and not home.endswith((".declaration", ".measuring", ".signature"))
        and not home.startswith(("harness.records", "harness.errors", "harness.registry", "harness.sound_header"))
        and (home, plain.__name__) != ("harness.audio", "load")  # how much of a file is read at once is no ruler
    )


def _home(holder: Mapping[str, Any]) -> str:
    return str(holder["__name__"]).removeprefix("harness.").removeprefix("metrics.")


def _as_text(value: Any) -> str:
    """A constant as text; empty for what is none. A large table is told by its hash."""
    plain = _plain(value)
    if plain is None:
        return ""
    text = repr(plain)
    return text if len(text) <= 60 else hashlib.sha256(text.encode()).hexdigest()[:8]


def _plain(value: Any) -> Any:
    """A constant of scalars, in one order; None for everything else."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, tuple | list):
        parts = [_plain(part) for part in value]
        return None if None in parts else tuple(parts)
    if isinstance(value, set | frozenset):
        parts = [_plain(part) for part in value]
        return None if None in parts else tuple(sorted(parts, key=repr))
    if isinstance(value, Mapping):
        pairs = [(_plain(key), _plain(part)) for key, part in value.items()]
        return None if any(None in pair for pair in pairs) else tuple(sorted(pairs, key=repr))
    return None
