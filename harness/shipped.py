"""Where the data lies that a release is judged by: the suites that travel with the package, or a team's own.

A suites folder holds `gates.toml` and `corpus/`, a TOML file for each suite, and may hold `criteria.py`, `test_*.py`,
`voices/` and `golden/`. The shipped one lies at the top of a checkout and inside an installed package.
"""

from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE if (_PACKAGE / "suites" / "gates.toml").is_file() else _PACKAGE.parent
SUITES = _ROOT / "suites"
GATES = SUITES / "gates.toml"
CORPUS = SUITES / "corpus"
VOICES = CORPUS / "voices"
GOLDEN = _ROOT / "golden"
POWER = GOLDEN / "power.json"
"""The kept table of what the gates find and miss."""


@dataclass(frozen=True, slots=True)
class SuitesFolder:
    """One suites folder and what in it, or else with the package, a run is judged by."""

    path: Path = SUITES

    @property
    def is_shipped(self) -> bool:
        """Whether it is the one that travels with the package."""
        return self.path.resolve() == SUITES

    @property
    def gates(self) -> Path:
        """Its gates.toml."""
        return self.path / "gates.toml"

    @property
    def corpus(self) -> Path:
        """Its corpus files."""
        return self.path / "corpus"

    @property
    def voices(self) -> Path:
        """Its references: `voices/`, or `corpus/voices/`; where neither holds a transcript, the shipped ones."""
        folders = (self.path / "voices", self.corpus / "voices")
        return next((folder for folder in folders if any(folder.glob("[!.]*.txt"))), VOICES)

    @property
    def golden(self) -> Path:
        """Its accepted baselines."""
        return GOLDEN if self.is_shipped else self.path / "golden"

    def own_or_shipped(self, name: str) -> Path:
        """A file of this folder, or else the shipped one of that name."""
        own = self.path / name
        return own if own.is_file() else SUITES / name


def suites_at(path: Path) -> SuitesFolder | None:
    """The suites folder that a path is, lies in, or holds directly; None where there is none or more than one."""
    for folder in (path, *path.parents):
        if _is_one(folder):
            return SuitesFolder(folder)
    try:
        inside = [folder.parent for folder in path.glob("*/gates.toml") if _is_one(folder.parent)]
    except OSError:
        return None
    return SuitesFolder(inside[0]) if len(inside) == 1 else None


def _is_one(folder: Path) -> bool:
    return (folder / "gates.toml").is_file() and (folder / "corpus").is_dir()
