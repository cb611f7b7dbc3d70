"""What every gate answered on sound speech and on the same speech spoilt, counted as the power table holds it.

Conventions: an alarm of a gate is a FAIL or an INCONCLUSIVE; advisory gates are counted beside the rest and never in
`any`. A defect counts as found by a gate only where the gate passed the take before it was spoilt; a gate that was
refused for a take says nothing about it. With a recogniser, a take that its gates reject before is not counted either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.decision.rates import CONFIDENCE, Rate
from harness.lab.defects import DEFECTS
from harness.records.gate import AGAINST, Outcome
from harness.records.power_table import PROFILES, BedPower, CountedRate, Defect, PowerTable, ProfilePower

ALARMS = set(AGAINST)

Answers = Mapping[str, Mapping[str, Outcome]]
"""Outcome by profile and gate."""
Heard = Mapping[str, bool]
"""Whether the gates on the words alarm, by profile; asked only where nothing else alarms, before or after."""


@dataclass(frozen=True, slots=True)
class Clean:
    """A sound take and what every gate said of it."""

    source: str
    first_half: bool
    letters_s: float
    """Letters a second of speech; NaN without a text."""
    answers: Answers
    language: str = ""


@dataclass(frozen=True, slots=True)
class Bed:
    """What every gate answered on one bed, before and after."""

    clean: Sequence[Clean]
    spoilt: Mapping[tuple[str, str], Sequence[tuple[Answers, Answers]]]
    """By defect and severity: answers before and after, take by take."""
    heard: Mapping[tuple[str, str], Sequence[tuple[Heard, Heard]]] = field(default_factory=dict)
    """The same of the gates on the words, for the takes of `spoilt`; empty without a recogniser."""
    heard_sound: Sequence[Heard] = ()
    """Of the takes that were spoilt, before that."""

    def false_alarms(self, profile: str) -> dict[str, Rate]:
        """Alarms on sound speech, by gate, and by `any` blocking gate."""
        judged = [one.answers[profile] for one in self.clean]
        names = dict.fromkeys(name for one in judged for name in one)
        rates = {
            name: Rate(
                sum(one.get(name) in ALARMS | {Outcome.WARN} for one in judged),
                sum(one.get(name, Outcome.REFUSED) is not Outcome.REFUSED for one in judged),
            )
            for name in names
        }
        return {"any": Rate(sum(any_alarm(one) for one in judged), len(judged)), **rates}

    def by_source(self, profile: str) -> dict[str, dict[str, Rate]]:
        """Alarms of any blocking gate by where the speech comes from: all takes, and each half of its speakers."""
        return {
            source: {
                part: Rate(sum(any_alarm(one.answers[profile]) for one in mine), len(mine))
                for part, mine in (
                    ("all", [one for one in self.clean if one.source == source]),
                    ("first half", [one for one in self.clean if one.source == source and one.first_half]),
                    ("second half", [one for one in self.clean if one.source == source and not one.first_half]),
                )
            }
            for source in sorted({one.source for one in self.clean})
        }

    def detections(self, profile: str) -> dict[str, dict[str, dict[str, Rate]]]:
        """By defect and severity: how often each gate that finds any finds it, and how often `any` does."""
        table: dict[str, dict[str, dict[str, Rate]]] = {}
        for (defect, severity), pairs in self.spoilt.items():
            both = [(before[profile], after[profile]) for before, after in pairs]
            sound = [(before, after) for before, after in both if not any_alarm(before)]
            rates = {"any": Rate(sum(any_alarm(after) for _, after in sound), len(sound))}
            for name in dict.fromkeys(name for before, _ in both for name in before):
                passed = [after.get(name) for before, after in both if before.get(name) is Outcome.PASS]
                found = sum(outcome in ALARMS | {Outcome.WARN} for outcome in passed)
                if found:
                    rates[name] = Rate(found, len(passed))
            table.setdefault(defect, {})[severity] = rates
        return table

    def heard_detections(self, profile: str) -> dict[str, dict[str, Rate]]:
        """By defect and severity how often any gate finds it, those on the words among them."""
        table: dict[str, dict[str, Rate]] = {}
        for (defect, severity), words in self.heard.items():
            sound = [
                any_alarm(after[profile]) or heard_after.get(profile, False)
                for (before, after), (heard_before, heard_after) in zip(
                    self.spoilt[defect, severity], words, strict=True
                )
                if not (any_alarm(before[profile]) or heard_before.get(profile, False))
            ]
            table.setdefault(defect, {})[severity] = Rate(sum(sound), len(sound))
        return table

    def record(self) -> BedPower:
        """The bed as it is kept."""
        tempi = [one.letters_s for one in self.clean if np.isfinite(one.letters_s)]
        return BedPower(
            takes=len(self.clean),
            spoilt=max((len(pairs) for pairs in self.spoilt.values()), default=0),
            letters_s=tuple(round(float(tempo), 1) for tempo in np.percentile(tempi, (0, 50, 100))) if tempi else (),
            profiles={
                profile: ProfilePower(
                    _kept(self.false_alarms(profile)),
                    {
                        defect: {severity: _kept(rates) for severity, rates in by_severity.items()}
                        for defect, by_severity in self.detections(profile).items()
                    },
                    {source: _kept(rates) for source, rates in self.by_source(profile).items()},
                    {defect: _kept(rates) for defect, rates in self.heard_detections(profile).items()},
                )
                for profile in PROFILES
            },
            languages={one.source: one.language for one in self.clean},
            heard_false_alarms=self._heard_false_alarms() if self.heard else None,
        )

    def _heard_false_alarms(self) -> CountedRate:
        asked = [words for words in self.heard_sound if words]
        return Rate(sum(any(words.values()) for words in asked), len(asked)).record()


@dataclass(frozen=True, slots=True)
class Table:
    """All beds that were tried."""

    beds: Mapping[str, Bed]
    recogniser: str = ""
    """Which one heard what no other gate found."""

    def record(self) -> PowerTable:
        """The table as it is kept."""
        tried = {name for bed in self.beds.values() for name, _ in bed.spoilt}
        return PowerTable(
            confidence=CONFIDENCE,
            defects={
                defect.name: Defect(defect.severity(defect.rejects), defect.would_find)
                for defect in DEFECTS
                if defect.name in tried
            },
            beds={name: bed.record() for name, bed in self.beds.items()},
            recogniser=self.recogniser,
        )


def any_alarm(answers: Mapping[str, Outcome]) -> bool:
    """Whether a blocking gate alarms."""
    return any(outcome in ALARMS for outcome in answers.values())


def _kept(rates: Mapping[str, Rate]) -> dict[str, CountedRate]:
    return {name: rate.record() for name, rate in rates.items()}
