"""The kept table of what the gates find: read, compared with a fresh one, shown. `harness.lab.power` measures it.

    golden/power.json     by profile: false alarms by gate, detections by defect, severity and gate; `any` is any
                          blocking gate

Conventions: a defect has a severity from which on a listener would send the take back (`rejected_from`), and where the
gates miss it there, a line that says why and what would find it (`would_find`).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness import shipped
from harness.errors import UsageError
from harness.records import schema
from harness.records.schema import Document, Record

PROFILES = ("documented", "calibrated")
ANY = "any"
FOUND = 0.95  # of the takes with a defect: what counts as found


class CountedRate(Record, frozen=True):
    """So many of so many, with the ends of the interval."""

    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Of what was counted; NaN of nothing."""
        return self.count / self.of if self.of else float("nan")


class Defect(Record, frozen=True):
    """What was put into sound speech."""

    rejected_from: str
    would_find: str


class ProfilePower(Record, frozen=True):
    """What the gates of one profile do."""

    false_alarms: dict[str, CountedRate]
    """By gate."""
    detections: dict[str, dict[str, dict[str, CountedRate]]]
    """By defect, severity and gate."""

    def detection(self, defect: str, severity: str) -> CountedRate:
        """How often any blocking gate finds it."""
        return self.detections[defect][severity][ANY]


class PowerTable(Document, frozen=True, kw_only=True):
    """What every gate finds, and how often it alarms on sound speech."""

    confidence: float
    """Of the intervals."""
    takes: int
    """Of sound speech."""
    defects: dict[str, Defect]
    profiles: dict[str, ProfilePower]


def read(path: Path = shipped.POWER) -> PowerTable:
    """A kept table.

    Raises:
        UsageError: It is missing, damaged, or not whole.
    """
    anew = f"write it anew with python -m harness power --out {path}"
    try:
        table = schema.read(path, PowerTable, anew)
    except FileNotFoundError as error:
        raise UsageError(f"{path} is missing: {anew}") from error
    lacking = [name for name, power in table.profiles.items() if not _is_whole(table.defects, power)]
    if lacking or not table.defects or not table.profiles:
        raise UsageError(f"{path} is damaged (it lacks numbers of {', '.join(lacking) or 'every gate'}): {anew}")
    return table


def _is_whole(defects: Mapping[str, Defect], power: ProfilePower) -> bool:
    rates = [power.detections.get(name, {}).get(defect.rejected_from, {}) for name, defect in defects.items()]
    return all(ANY in found for found in (power.false_alarms, *rates))


def worse(kept: PowerTable, fresh: PowerTable) -> list[str]:
    """What a fresh table does worse than the kept one, a line each; what the fresh one did not try is passed over.

    A detection is worse when its rate lies below the kept interval, false alarms when theirs lies above it.
    """
    lines = []
    for profile, now in fresh.profiles.items():
        was = kept.profiles.get(profile)
        if was is None:
            lines.append(f"{profile}: the kept table does not hold this profile")
            continue
        for gate, rate in now.false_alarms.items():
            known = was.false_alarms.get(gate)
            if known and rate.of and rate.share > known.high:
                lines.append(
                    f"{profile}: {gate} alarms on {_counted(rate)} of sound speech, at most {known.high:.1%} before"
                )
        for defect, severities in now.detections.items():
            for severity, rates in severities.items():
                known = was.detections.get(defect, {}).get(severity, {}).get(ANY)
                rate = rates[ANY]
                if known and rate.of and rate.share < known.low:
                    where = f"{profile}: {defect} ({severity})"
                    lines.append(f"{where} is found in {_counted(rate)}, at least {known.low:.1%} before")
    return lines


def _counted(rate: CountedRate) -> str:
    return f"{rate.count} of {rate.of}"


def missed(table: PowerTable, profile: str, wanted: float = FOUND) -> dict[str, str]:
    """Defects found less often than wanted at the severity a listener rejects, and what would find them."""
    power = table.profiles[profile]
    lines = {}
    for name, defect in table.defects.items():
        rate = power.detection(name, defect.rejected_from)
        if not rate.of or rate.share < wanted:
            lines[name] = defect.would_find or "no reason is known: this is a fault of the gates"
    return lines


def lines(table: PowerTable) -> Iterable[str]:
    """The table for a terminal, the profiles side by side."""
    powers = list(table.profiles.values())
    yield f"{'false alarms on sound speech':<44}" + "".join(f"{profile:>24}" for profile in table.profiles)
    for gate in powers[0].false_alarms:
        shown = [power.false_alarms.get(gate) for power in powers]
        if gate == ANY or any(rate and rate.count for rate in shown):
            yield f"  {gate:<42}" + "".join(f"{_cell(rate):>24}" for rate in shown)
    yield f"{'found, by any blocking gate':<44}" + "".join(f"{profile:>24}" for profile in table.profiles)
    for defect, severities in powers[0].detections.items():
        for severity in severities:
            mark = "*" if severity == table.defects[defect].rejected_from else " "
            cells = "".join(f"{_cell(power.detection(defect, severity)):>24}" for power in powers)
            yield f"{mark} {defect:<18}{severity:<24}{cells}"
    yield "* the severity from which on a listener would send the take back"
    for profile in table.profiles:
        for name, why in missed(table, profile).items():
            yield f"{profile} misses {name}: {why}"


def _cell(rate: CountedRate | None) -> str:
    if rate is None or not rate.of:
        return "-"
    return f"{rate.share:.0%} [{rate.low:.0%}, {rate.high:.0%}] n={rate.of}"
