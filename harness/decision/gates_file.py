"""gates.toml as a whole: which tables there are, and what a file inherits.

    extends = "shipped"                  or the path of another file: everything that does not stand here
    [profile.NAME]                       a named set of gates; extends = "OTHER" takes another's gates
    [[profile.NAME.gate]]                a gate, or what changes in the inherited gate of that name
    [[override]]                         what changes in a gate for one backend
    [language.CODE]                      how fast texts in a language are read
    modules                              modules that hold metrics of your own; the file's folder counts
    [comparison]  [[margin]]             what a comparison with the accepted release promises
    [policy]                             require: what a run must have been judged by (harness/decision/requirements.py)

An inherited limit that changes takes its evidence with it: `why` must be said anew, and `false_reject` and `source` of
the old limit do not speak for the new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from harness import registry, shipped
from harness.documents import read_toml, typed
from harness.errors import GateError

Row = Mapping[str, Any]
"""A table as it stands in the file."""

_LIMITS = ("at_least", "at_most", "steps")
_EVIDENCE = ("why", "false_reject", "source")


@dataclass(frozen=True, slots=True)
class ProfileTable:
    """`[profile.NAME]`."""

    about: str = ""
    extends: str = ""
    """Another profile of this file, or of the file that this one extends."""
    reading_time: str = ""
    broken_share: Annotated[float, Meta(ge=0, lt=0.5)] | None = None
    """Share of takes that may break a gate; 0 where it is not said: every take must hold."""
    broken_why: str = ""
    always: tuple[str, ...] = ()
    """Names of gates that every take must hold, whatever share may break."""
    gate: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class LanguageTable:
    """`[language.CODE]`."""

    reading_time: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class GatesFile:
    """Every table that a gates.toml may have; one that it does not know is refused."""

    extends: str = ""
    modules: tuple[str, ...] = ()
    """Modules that hold metrics, found as Python finds them and in the folder of the file."""
    language: dict[str, dict[str, Any]] = field(default_factory=dict)
    profile: dict[str, dict[str, Any]] = field(default_factory=dict)
    override: tuple[dict[str, Any], ...] = ()
    comparison: dict[str, Any] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    margin: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One gates.toml, and the file it extends."""

    path: Path
    tables: GatesFile
    parent: "Source | None" = None

    def profiles(self) -> list[str]:
        """Names of the profiles that can be chosen, in the order of the files."""
        return list(dict.fromkeys([*(self.parent.profiles() if self.parent else ()), *self.tables.profile]))

    def profile(self, name: str, beneath: tuple[str, ...] = ()) -> tuple[ProfileTable, dict[str, Row]]:
        """A profile with its gates by name, everything inherited in place.

        Raises:
            GateError: No such profile, a circle, two gates of one name, or a limit that changes without a reason.
        """
        if name not in self.profiles():
            there = ", ".join(self.profiles()) or "none"
            raise GateError(f"{self.path} has no profile {name!r}; there are {there}: choose with --gates")
        if name not in self.tables.profile and self.parent:
            return self.parent.profile(name)
        where = f"{self.path} [profile.{name}]"
        table = typed(ProfileTable, self.tables.profile[name], where, GateError)
        inherited: tuple[ProfileTable, dict[str, Row]] = ProfileTable(), {}
        if table.extends:
            if table.extends in (*beneath, name):
                raise GateError(f"{where}: extends = {table.extends!r} leads back to itself")
            inherited = self.profile(table.extends, (*beneath, name))
        elif self.parent and name in self.parent.profiles():
            inherited = self.parent.profile(name)
        gates, own = dict(inherited[1]), set()
        for number, row in enumerate(table.gate, 1):
            key = str(row.get("name") or row.get("metric") or "")
            if not key:
                raise GateError(f"{where} gate {number}: field 'metric' is missing; a gate needs metric, unit, why")
            if key in own:
                raise GateError(f"{where} gate {number}: {key!r} stands here twice; each gate needs its own name")
            own.add(key)
            gates[key] = changed(gates[key], row, f"{where} gate {key!r}") if key in gates else row
        merged = replace(
            table,
            about=table.about or inherited[0].about,
            reading_time=table.reading_time or inherited[0].reading_time,
            broken_share=inherited[0].broken_share if table.broken_share is None else table.broken_share,
            broken_why=table.broken_why or inherited[0].broken_why,
            always=table.always or inherited[0].always,
        )
        if merged.broken_share and not merged.broken_why.strip():
            raise GateError(f"{where}: field 'broken_why' is missing; takes may only break gates for a stated reason")
        return merged, gates

    def overrides(self) -> list[tuple[str, Row]]:
        """Every override with where it stands, those of the extended file first."""
        mine = [(f"{self.path} override {number}", row) for number, row in enumerate(self.tables.override, 1)]
        return (self.parent.overrides() if self.parent else []) + mine

    def margins(self) -> dict[str, tuple[str, Row]]:
        """Margins by metric, each with where it stands.

        Raises:
            GateError: A metric has two in one file.
        """
        mine: dict[str, tuple[str, Row]] = {}
        for number, row in enumerate(self.tables.margin, 1):
            metric = str(row.get("metric", ""))
            if metric in mine:
                raise GateError(f"{self.path} margin {number}: {metric!r} has a margin already; each metric needs one")
            mine[metric] = f"{self.path} margin {number}", row
        return (self.parent.margins() if self.parent else {}) | mine

    def languages(self) -> dict[str, tuple[str, LanguageTable]]:
        """What is said of languages, by code, each with where it stands.

        Raises:
            GateError: A table is malformed.
        """
        mine = {}
        for code, row in self.tables.language.items():
            where = f"{self.path} [language.{code}]"
            mine[code] = where, typed(LanguageTable, row, where, GateError)
        return (self.parent.languages() if self.parent else {}) | mine

    def comparison(self) -> dict[str, Any]:
        """`[comparison]`, what this file does not say from the file it extends."""
        return (self.parent.comparison() if self.parent else {}) | self.tables.comparison

    def policies(self) -> list[tuple[str, Row]]:
        """Every `[policy]` with where it stands, that of the extended file first: a file only requires more."""
        return (self.parent.policies() if self.parent else []) + [(f"{self.path} [policy]", self.tables.policy)]


def read(path: Path = shipped.GATES, beneath: tuple[Path, ...] = ()) -> Source:
    """Read a gates.toml and what it extends.

    Raises:
        GateError: A file is missing or no TOML, holds a table that nobody reads, or extends itself.
    """
    if not path.exists():
        raise GateError(f"{path} is missing: give one with --gates-file")
    content = read_toml(path, GateError)
    known = sorted(table.name for table in fields(GatesFile))
    for name in content:
        if name not in known:
            raise GateError(f"{path}: table {name!r} is unknown; known are {', '.join(known)}")
    tables = typed(GatesFile, content, str(path), GateError)
    registry.add_metrics(tables.modules, f"{path}: modules", path.parent.resolve())
    if not tables.extends:
        return Source(path, tables)
    other = shipped.GATES if tables.extends == "shipped" else path.parent / tables.extends
    if other.resolve() in {file.resolve() for file in (*beneath, path)}:
        raise GateError(f"{path}: extends = {tables.extends!r} leads back to itself")
    return Source(path, tables, read(other, (*beneath, path)))


def changed(old: Row, new: Row, where: str) -> Row:
    """A gate's row with what another row changes in it.

    Raises:
        GateError: A limit changes and nobody says why.
    """
    kept = dict(old)
    if any(key in new and new[key] != old.get(key) for key in _LIMITS):
        if not str(new.get("why", "")).strip():
            raise GateError(f"{where}: field 'why' is missing; a limit is only changed for a stated reason")
        kept = {key: value for key, value in kept.items() if key not in _EVIDENCE}
        if "steps" in new:
            kept = {key: value for key, value in kept.items() if key not in {"at_least", "at_most"}}
        else:
            kept.pop("steps", None)
    return kept | dict(new)
