"""The kept table of what the gates find: read, compared with a fresh one, shown. `harness.lab.power` measures it.

    golden/power.json     by bed (the speech that was judged) and profile: false alarms by gate, detections by defect,
                          severity and gate; `any` is any blocking gate

Conventions: a defect has a severity from which on a listener would send the take back (`rejected_from`), and where the
gates miss it there, a line that says why and what would find it (`would_find`). It is found where it is found on every
bed of real speech; on the voice of the demonstration only where the table holds no other.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from harness import shipped
from harness.errors import UsageError
from harness.records import schema
from harness.records.schema import Document, Record

PROFILES = ("documented", "calibrated")
ANY = "any"
ALL = "all"  # of the halves of a source
FOUND = 0.95  # of the takes with a defect: what counts as found
KEPT = "golden/power.json"
DEMONSTRATION, PEOPLE = "demonstration voice", "people"


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
    by_source: dict[str, dict[str, CountedRate]] = msgspec.field(default_factory=dict)
    """Alarms of any blocking gate, by where the speech comes from: of all takes, and of each half of its speakers."""
    heard: dict[str, dict[str, CountedRate]] = msgspec.field(default_factory=dict)
    """By defect and severity: found by any blocking gate, those on the words of the table's recogniser among them."""

    def detection(self, defect: str, severity: str) -> CountedRate:
        """How often any blocking gate finds it; 0 of 0 where no take of the bed could be spoilt."""
        return self.detections.get(defect, {}).get(severity, {}).get(ANY, CountedRate(0, 0, 0.0, 1.0))


class BedPower(Record, frozen=True):
    """What the gates do on speech of one kind."""

    takes: int
    """Of sound speech."""
    spoilt: int
    """Of them, how many were spoilt in each way."""
    letters_s: tuple[float, ...]
    """Letters a second of speech: the slowest, the median and the fastest take."""
    profiles: dict[str, ProfilePower]
    languages: dict[str, str] = msgspec.field(default_factory=dict)
    """The language spoken, by where the speech comes from."""
    heard_false_alarms: CountedRate | None = None
    """Of the sound takes that were spoilt, how many the gates on the words reject; None without a recogniser."""


class PowerTable(Document, frozen=True, kw_only=True):
    """What every gate finds, and how often it alarms on sound speech."""

    confidence: float
    """Of the intervals."""
    defects: dict[str, Defect]
    beds: dict[str, BedPower]
    recogniser: str = ""
    """Which one heard what no other gate found; empty for none."""

    def about(self, bed: str) -> str:
        """Bed, tempo range and number of takes, as they stand beside every rate."""
        found = self.beds[bed]
        tempo = f" of {found.letters_s[0]:g} to {found.letters_s[-1]:g} letters a second" if found.letters_s else ""
        return f"{bed}: {found.takes} takes{tempo}, {found.spoilt} of them spoilt"

    def rejects(self, profile: str, gate: str) -> str:
        """How much sound speech of people and clones a gate rejects, as `source` of its row in gates.toml says it."""
        shares = []
        for bed in self.real_beds:
            rate = self.beds[bed].profiles[profile].false_alarms.get(gate)
            if rate is not None and bed != DEMONSTRATION:
                interval = f" [{100 * rate.low:.1f} %, {100 * rate.high:.1f} %]" if rate.of else ""
                shares.append(f"{rate.count} of {rate.of} {bed}{interval}")
        return f"{KEPT}: rejects {', '.join(shares)}"

    def of_people(self, profile: str, language: str) -> tuple[int, int]:
        """How many takes of people who speak a language any blocking gate of a profile rejects, and of how many."""
        bed = self.beds.get(PEOPLE)
        if bed is None or profile not in bed.profiles:
            return 0, 0
        rates = [
            parts[ALL]
            for source, parts in bed.profiles[profile].by_source.items()
            if bed.languages.get(source) == language and ALL in parts
        ]
        return sum(rate.count for rate in rates), sum(rate.of for rate in rates)

    @property
    def real_beds(self) -> list[str]:
        """The beds that say what the gates do to real speech; the demonstration's where there is no other."""
        return sorted((bed for bed in self.beds if bed != DEMONSTRATION), key=PEOPLE.__ne__) or list(self.beds)


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
    lacking = [
        f"{bed} {name}"
        for bed, found in table.beds.items()
        for name, power in found.profiles.items()
        if not _is_whole(table.defects, power)
    ]
    if lacking or not table.defects or not any(found.profiles for found in table.beds.values()):
        raise UsageError(f"{path} is damaged (it lacks numbers of {', '.join(lacking) or 'every gate'}): {anew}")
    return table


def _is_whole(defects: Mapping[str, Defect], power: ProfilePower) -> bool:
    rates = [power.detections.get(name, {}).get(defect.rejected_from, {}) for name, defect in defects.items()]
    return all(ANY in found for found in (power.false_alarms, *rates))


def worse(kept: PowerTable, fresh: PowerTable) -> list[str]:
    """What a fresh table does worse than the kept one, a line each; what the fresh one did not try is passed over.

    A detection is worse when its rate lies below the kept interval, false alarms when theirs lies above it.
    """
    return [
        f"{bed}, {profile}: {line}"
        for bed, found in fresh.beds.items()
        if bed in kept.beds
        for profile, now in found.profiles.items()
        for line in _worse(kept.beds[bed].profiles.get(profile), now)
    ]


def _worse(was: ProfilePower | None, now: ProfilePower) -> Iterable[str]:
    if was is None:
        yield "the kept table does not hold this profile"
        return
    for gate, rate in now.false_alarms.items():
        known = was.false_alarms.get(gate)
        if known and rate.of and rate.share > known.high:
            yield f"{gate} alarms on {_counted(rate)} of sound speech, at most {known.high:.1%} before"
    for defect, severities in now.detections.items():
        for severity, rates in severities.items():
            known = was.detections.get(defect, {}).get(severity, {}).get(ANY)
            rate = rates[ANY]
            if known and rate.of and rate.share < known.low:
                yield f"{defect} ({severity}) is found in {_counted(rate)}, at least {known.low:.1%} before"


def _counted(rate: CountedRate) -> str:
    return f"{rate.count} of {rate.of}"


def missed(table: PowerTable, profile: str, wanted: float = FOUND) -> dict[str, str]:
    """Defects found less often than wanted at the severity a listener rejects, and what would find them."""
    lines = {}
    for name, defect in table.defects.items():
        rates = [table.beds[bed].profiles[profile].detection(name, defect.rejected_from) for bed in table.real_beds]
        if not any(rate.of for rate in rates):
            lines[name] = "these gates pass none of the real speech that was spoilt: nothing can be said"
        elif any(rate.of and rate.share < wanted for rate in rates):
            why = defect.would_find or "no reason is known: this is a fault of the gates"
            lines[name] = why + _heard(table, profile, name)
    return lines


def _heard(table: PowerTable, profile: str, name: str) -> str:
    """How often a defect is found where the table's recogniser hears what no other gate finds."""
    shares = []
    for bed in table.real_beds:
        rate = table.beds[bed].profiles[profile].heard.get(name, {}).get(table.defects[name].rejected_from)
        if rate is not None and rate.of:
            shares.append(f"{100 * rate.share:.0f} % of {bed}")
    return f"; found with {table.recogniser.partition(' ')[0]} in {' and '.join(shares)}" if shares else ""


def lines(table: PowerTable) -> Iterable[str]:
    """The table for a terminal, bed by bed, the profiles side by side."""
    for bed in table.beds:
        yield from _of_bed(table, bed)
    yield "* the severity from which on a listener would send the take back"
    for profile in PROFILES:
        for name, why in missed(table, profile).items():
            yield f"{profile} misses {name}: {why}"


def _of_bed(table: PowerTable, bed: str) -> Iterable[str]:
    found = table.beds[bed]
    powers = list(found.profiles.values())
    yield table.about(bed)
    yield f"{'false alarms on sound speech':<44}" + "".join(f"{name:>24}" for name in table.beds[bed].profiles)
    for gate in dict.fromkeys(gate for power in powers for gate in power.false_alarms):
        shown = [power.false_alarms.get(gate) for power in powers]
        if gate == ANY or any(rate and rate.count for rate in shown):
            yield f"  {gate:<42}" + "".join(f"{_cell(rate):>24}" for rate in shown)
    for source, parts in powers[0].by_source.items():
        for part in parts:
            cells = "".join(f"{_cell(power.by_source[source][part]):>24}" for power in powers)
            yield f"  any: {source}, {part}"[:44].ljust(44) + cells
    yield f"{'found, by any blocking gate':<44}" + "".join(f"{name:>24}" for name in table.beds[bed].profiles)
    for defect, severities in powers[0].detections.items():
        for severity in severities:
            mark = "*" if severity == table.defects[defect].rejected_from else " "
            cells = "".join(f"{_cell(power.detection(defect, severity)):>24}" for power in powers)
            yield f"{mark} {defect:<18} {severity:<23}{cells}"
    if found.heard_false_alarms is None:
        return
    yield f"with the gates on the words, heard by {table.recogniser}"
    yield f"  {'false alarms of these on what was spoilt':<42}{_cell(found.heard_false_alarms):>24}"
    for defect, heard_at in powers[0].heard.items():
        for severity in heard_at:
            both = [(power.detection(defect, severity), power.heard[defect][severity]) for power in powers]
            if any(heard.count > without.count for without, heard in both):
                cells = "".join(f"{_cell(heard):>24}" for _, heard in both)
                yield f"  {defect:<18} {severity:<23}{cells}"


def _cell(rate: CountedRate | None) -> str:
    if rate is None or not rate.of:
        return "-"
    return f"{rate.share:.0%} [{rate.low:.0%}, {rate.high:.0%}] n={rate.of}"
