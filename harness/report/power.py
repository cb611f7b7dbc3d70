"""What the gates of a run find and how often they cry out, arranged for drawing, from the kept table."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import UsageError
from harness.records import power_table
from harness.records.power_table import ANY, CountedRate

MOST_GATES = 4


@dataclass(frozen=True, slots=True)
class Share:
    """A share that was counted."""

    share: str
    interval: str
    count: str


@dataclass(frozen=True, slots=True)
class Found:
    """A defect at the severity from which on a listener would send the take back."""

    defect: str
    severity: str
    rate: Share
    by: str
    """The gates that find it, the surest first."""
    elsewhere: str
    """How often on the other beds."""
    missed: str
    """Why it is missed, and what would find it; empty where it is found."""


@dataclass(frozen=True, slots=True)
class Power:
    """The table of one profile."""

    profile: str
    bed: str
    """On what speech the rates were counted, its tempi and how many takes."""
    over_all: Share
    """Takes of sound speech on which any blocking gate raises a false alarm."""
    alarms: tuple[tuple[str, Share], ...]
    """By gate, the worst first."""
    defects: tuple[Found, ...]
    """What is missed comes first."""
    others: tuple[tuple[str, Share], ...] = ()
    """Takes of the other beds on which any blocking gate raises a false alarm."""
    problem: str = ""
    """Why there is no table; then there is nothing else."""

    @property
    def found(self) -> int:
        """How many defects are found."""
        return sum(not one.missed for one in self.defects)


def power(profile: str) -> Power:
    """The shipped table for a profile of gates.toml."""
    try:
        table = power_table.read()
    except UsageError as error:
        return _none(profile, f"the table of what these gates find cannot be read: {error}")
    bed = table.real_beds[0]
    kept = table.beds[bed].profiles.get(profile)
    if kept is None:
        return _none(profile, f"the power of the gates in profile {profile!r} was not measured")
    missed = power_table.missed(table, profile)
    alarms = {gate: rate for gate, rate in kept.false_alarms.items() if rate.of and gate != ANY}
    beside = {other: found.profiles[profile] for other, found in table.beds.items() if other != bed}
    defects = [
        _found(
            name,
            defect.rejected_from,
            kept.detections[name][defect.rejected_from],
            {other: found.detection(name, defect.rejected_from) for other, found in beside.items()},
            missed.get(name, ""),
        )
        for name, defect in table.defects.items()
    ]
    return Power(
        profile,
        table.about(bed),
        _share(kept.false_alarms[ANY]),
        tuple((gate, _share(rate)) for gate, rate in sorted(alarms.items(), key=_worst_first)),
        tuple(sorted(defects, key=lambda one: not one.missed)),
        tuple((table.about(other), _share(found.false_alarms[ANY])) for other, found in beside.items()),
    )


def _none(profile: str, problem: str) -> Power:
    return Power(profile, "", Share("", "", ""), (), (), (), problem)


def _worst_first(item: tuple[str, CountedRate]) -> float:
    return -item[1].share


def _found(
    name: str, severity: str, rates: Mapping[str, CountedRate], elsewhere: Mapping[str, CountedRate], missed: str
) -> Found:
    gates = sorted(((gate, rate) for gate, rate in rates.items() if gate != ANY), key=_worst_first)
    by = ", ".join(f"{gate} {_share(rate).share}" for gate, rate in gates[:MOST_GATES])
    more = f", and {len(gates) - MOST_GATES} more" if len(gates) > MOST_GATES else ""
    others = ", ".join(f"{bed} {_share(rate).share}" for bed, rate in elsewhere.items())
    return Found(name.replace("_", " "), severity, _share(rates[ANY]), by + more, others, missed)


def _share(rate: CountedRate) -> Share:
    """As people read it.

    >>> _share(CountedRate(31, 32, 0.8378, 0.9992))
    Share(share='97 %', interval='84 to 100 %', count='31 of 32')
    """
    if not rate.of:
        return Share("?", "", "0 of 0")
    digits = 1 if rate.share < 0.1 else 0
    interval = f"{100 * rate.low:.{digits}f} to {100 * rate.high:.{digits}f} %"
    return Share(f"{100 * rate.share:.{digits}f} %", interval, f"{rate.count} of {rate.of}")
