"""The power of the gates: which injected defects each gate finds, and how often it cries out over sound speech.

Conventions: rates are shares of takes with their two-sided 95 % Clopper-Pearson interval. An alarm of a gate is a FAIL
or an INCONCLUSIVE; advisory gates are counted beside the rest and never in `any`. A defect counts as found by a gate
only where the gate passed the take before it was spoilt; a gate that was refused for a take says nothing about it.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context

import numpy as np

from harness import audio
from harness.cloning.budget import BudgetConfig
from harness.decision.feasibility import infeasible
from harness.decision.gates import Profile, judge, load_profile
from harness.decision.rates import CONFIDENCE, Rate
from harness.lab.defects import DEFECTS
from harness.lab.speech import without_text
from harness.metrics import known_metrics, metrics_of, speaker
from harness.metrics.measuring import Measuring, model_free
from harness.metrics.speaker import Resemblyzer, Voices
from harness.records.gate import Outcome
from harness.records.power_table import PROFILES, CountedRate, Defect, PowerTable, ProfilePower
from harness.take import Take
from harness.threads import keep_to_one_thread

TEXT_METRICS = ("duration_ratio", "speaking_rate", "extra_speech", "tempo_ratio")

Answers = Mapping[str, Mapping[str, Outcome]]
"""Outcome by profile and gate."""

_Job = tuple[Take, str | None, int, Take, bool]
"""A take, the name of a defect or None, its severity, a foreign take, whether the speaker encoder is asked."""


def measure(takes: Sequence[Take], rounds: int, workers: int = 2, only_rejected: bool = False) -> "Table":
    """Judge sound takes, then spoil those that come first and judge them again.

    Args:
        takes: Sound takes, ordered so that the first ones cover every voice.
        rounds: How many rounds over the voices are spoilt.
        workers: Processes.
        only_rejected: Of each defect only the severity that a listener rejects.
    """
    speakers = {take.request.reference.speaker for take in takes}
    spoilt = takes[: rounds * len(speakers)]
    jobs: list[_Job] = [(take, None, 0, take, True) for take in takes]
    for defect in DEFECTS:
        for severity in [defect.rejects] if only_rejected else range(len(defect.amounts)):
            for number, take in enumerate(spoilt):
                jobs.append((take, defect.name, severity, _foreign(take, spoilt, number), defect.voice))
    references = {take.request.reference.id: take.request.reference for take in takes}
    voices = Voices.of(
        {name: audio.load(voice.path) for name, voice in references.items()},
        {name: voice.speaker for name, voice in references.items()},
        Resemblyzer(),
    )
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start, initargs=(voices,)) as pool:
        answers = list(pool.map(_answers, jobs, chunksize=16))
    clean = dict(zip((take.request.digest for take in takes), answers, strict=False))
    found: dict[tuple[str, str], list[tuple[Answers, Answers]]] = {}
    for (take, name, severity, *_), answer in zip(jobs[len(takes) :], answers[len(takes) :], strict=True):
        key = (str(name), _BY_NAME[str(name)].severity(severity))
        found.setdefault(key, []).append((clean[take.request.digest], answer))
    return Table(list(clean.values()), found)


def _foreign(take: Take, takes: Sequence[Take], number: int) -> Take:
    """A take of another speaker."""
    later = [*takes[number + 1 :], *takes[:number]]
    return next(other for other in later if other.request.reference.speaker != take.request.reference.speaker)


_BY_NAME = {defect.name: defect for defect in DEFECTS}
_voices: list[Voices] = []


def _start(voices: Voices) -> None:
    _voices[:] = [voices]
    keep_to_one_thread()


@lru_cache(maxsize=1)
def _encoder() -> Resemblyzer:
    return Resemblyzer()


@lru_cache(maxsize=1)
def _profiles() -> tuple[Profile, ...]:
    return tuple(load_profile(name, "embedded") for name in PROFILES)


def _answers(job: _Job) -> Answers:
    take, name, severity, other, by_voice = job
    if name is not None:
        defect = _BY_NAME[name]
        rng = np.random.default_rng([int(take.request.digest[:8], 16), severity])
        take = defect.inject(take, defect.amounts[severity], rng, other)
    by_ear, known = metrics_of(speaker), known_metrics()
    asked = [*model_free(), *(by_ear if by_voice else [])]
    (found,) = Measuring(encoder=_encoder(), voices=_voices[0]).measure([take], asked)
    if not by_voice:
        found |= {name: known[name].not_applicable("the voice was left alone") for name in by_ear}
    if without_text(take):
        found |= {name: known[name].not_applicable("nobody wrote down what is said") for name in TEXT_METRICS}
    answers = {}
    for profile in _profiles():
        suite = take.request.utterance.suite
        # What needs a recogniser or a second take of the text is not measured here.
        gates = [gate for gate in profile.gates if gate.is_for(suite) and gate.metric in found]
        refused = infeasible(take.request.utterance, take.request.chunks, gates, BudgetConfig())
        answers[profile.name] = {verdict.gate.name: verdict.outcome for verdict in judge(gates, found, refused)}
    return answers


_ALARMS = {Outcome.FAIL, Outcome.INCONCLUSIVE}


@dataclass(frozen=True, slots=True)
class Table:
    """What every gate answered, before and after."""

    clean: Sequence[Answers]
    spoilt: Mapping[tuple[str, str], Sequence[tuple[Answers, Answers]]]
    """By defect and severity: answers before and after, take by take."""

    def false_alarms(self, profile: str) -> dict[str, Rate]:
        """Alarms on sound speech, by gate, and by `any` blocking gate."""
        judged = [answers[profile] for answers in self.clean]
        names = list(judged[0])
        rates = {
            name: Rate(
                sum(one[name] in _ALARMS | {Outcome.WARN} for one in judged),
                sum(one[name] is not Outcome.REFUSED for one in judged),
            )
            for name in names
        }
        return {"any": Rate(sum(_any(one) for one in judged), len(judged)), **rates}

    def detections(self, profile: str) -> dict[str, dict[str, dict[str, Rate]]]:
        """By defect and severity: how often each gate that finds any finds it, and how often `any` does."""
        table: dict[str, dict[str, dict[str, Rate]]] = {}
        for (defect, severity), pairs in self.spoilt.items():
            both = [(before[profile], after[profile]) for before, after in pairs]
            sound = [(before, after) for before, after in both if not _any(before)]
            rates = {"any": Rate(sum(_any(after) for _, after in sound), len(sound))}
            for name in both[0][0]:
                passed = [after[name] for before, after in both if before[name] is Outcome.PASS]
                found = sum(outcome in _ALARMS | {Outcome.WARN} for outcome in passed)
                if found:
                    rates[name] = Rate(found, len(passed))
            table.setdefault(defect, {})[severity] = rates
        return table

    def record(self) -> PowerTable:
        """The table as it is kept."""
        return PowerTable(
            confidence=CONFIDENCE,
            takes=len(self.clean),
            defects={
                defect.name: Defect(defect.severity(defect.rejects), defect.would_find)
                for defect in DEFECTS
                if any(name == defect.name for name, _ in self.spoilt)
            },
            profiles={
                profile: ProfilePower(
                    _kept(self.false_alarms(profile)),
                    {
                        defect: {severity: _kept(rates) for severity, rates in by_severity.items()}
                        for defect, by_severity in self.detections(profile).items()
                    },
                )
                for profile in PROFILES
            },
        )


def _any(answers: Mapping[str, Outcome]) -> bool:
    return any(outcome in _ALARMS for outcome in answers.values())


def _kept(rates: Mapping[str, Rate]) -> dict[str, CountedRate]:
    return {name: rate.record() for name, rate in rates.items()}
