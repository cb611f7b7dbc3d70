"""What the gates on the words say of sound and of spoilt speech, where a recogniser hears it: for the power table.

Conventions: the gates are those that gates.toml holds for the recogniser and the language of a text; an alarm is a FAIL
or an INCONCLUSIVE of a blocking one. The floor of letters and words is what the recogniser gets wrong in the first
`FLOOR_CLIPS` references of a language.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.corpus import Reference
from harness.decision.gates import for_recognisers, judge, load_profile
from harness.lab.word_calibration import WHYS as WORDS
from harness.metrics.measuring import Measuring, Models
from harness.records.gate import AGAINST, Verdict
from harness.run.recognisers import weights_by_metric
from harness.store import DerivedValues
from harness.take import Take

FLOOR_CLIPS = 8


@dataclass(frozen=True, slots=True)
class Hearing:
    """A recogniser that hears takes.

    Args:
        model: A folder, hub id or name, as for `--asr`.
        references: By which its floors are known.
        cache: Folder that keeps what was heard.
    """

    model: str
    references: tuple[Reference, ...]
    cache: Path

    def fingerprint(self) -> str:
        """Name, version and hash of the weights."""
        return _measuring(self).fingerprints()["recognizer"]

    def alarms(self, take: Take, profiles: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The metrics of the blocking gates on the words that alarm, by profile."""
        verdicts = on_words(take, _measuring(self), profiles)
        return {
            name: tuple(one.gate.metric for one in of_take if one.outcome in AGAINST)
            for name, of_take in verdicts.items()
        }


def on_words(take: Take, measuring: Measuring, profiles: Iterable[str]) -> dict[str, list[Verdict]]:
    """What the gates on the words say of a take, by profile.

    Args:
        take: One that was made.
        measuring: With a recogniser.
        profiles: Their names; gates are those of the take's backend.
    """
    (found,) = measuring.measure([take], WORDS)
    weights, utterance = weights_by_metric(measuring, WORDS), take.request.utterance
    verdicts = {}
    for name in profiles:
        profile = load_profile(name, take.provenance.backend)
        asked = [
            gate
            for gate in profile.gates
            if gate.metric in WORDS
            and not gate.recognisers
            and gate.reads(utterance.language)
            and gate.is_for(utterance.suite)
        ]
        verdicts[name] = judge(for_recognisers(asked, profile, utterance.language, weights), found, {})
    return verdicts


def of_floors(references: Iterable[Reference]) -> tuple[Reference, ...]:
    """Of each language the first references that have a transcript."""
    by_language: dict[str, dict[str, Reference]] = {}
    for one in references:
        if one.transcript:
            by_language.setdefault(one.language, {}).setdefault(one.id, one)
    return tuple(one for mine in by_language.values() for one in list(mine.values())[:FLOOR_CLIPS])


@lru_cache(maxsize=1)
def _measuring(hearing: Hearing) -> Measuring:
    return Measuring(Models(recognizer=hearing.model), hearing.references, derived=DerivedValues(hearing.cache))
