"""The power of the gates: which injected defects each gate finds, and how often it rejects sound speech.

Conventions: rates are shares of takes with their two-sided 95 % Clopper-Pearson interval, and belong to a bed
(`harness.lab.beds`): people, neural clones, the voice of the demonstration. An alarm of a gate is a FAIL or an
INCONCLUSIVE; advisory gates are counted beside the rest and never in `any`. A defect counts as found by a gate only
where the gate passed the take before it was spoilt; a gate that was refused for a take says nothing about it.
"""

from collections.abc import Iterator, Mapping, Sequence
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
from harness.lab import beds
from harness.lab.beds import Spoken
from harness.lab.defects import DEFECTS
from harness.lab.speech import without_text
from harness.metrics import background as background_voices
from harness.metrics import known_metrics, metrics_of, speaker
from harness.metrics.measuring import Measuring, model_free
from harness.metrics.speaker import Voices
from harness.metrics.speaker_encoder import Resemblyzer
from harness.records.gate import Outcome, Verdict
from harness.records.measurement import Measurement
from harness.records.power_table import PROFILES, BedPower, CountedRate, Defect, PowerTable, ProfilePower
from harness.take import Take
from harness.threads import keep_to_one_thread

TEXT_METRICS = (
    "duration_ratio", "letters_duration_ratio", "speaking_rate", "spoken_share", "syllable_share",
    "extra_speech", "tempo_ratio",
)  # fmt: skip
OTHER_VOICES = 17
MAY_BE_ONE_PERSON = "passage"

Answers = Mapping[str, Mapping[str, Outcome]]
"""Outcome by profile and gate."""


@dataclass(frozen=True, slots=True)
class _Job:
    spoken: Spoken
    defect: str
    """Its name; empty for none."""
    severity: int
    other: Take
    """A take of another speaker."""
    voices: Voices
    """The references of the take's run."""


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

    def false_alarms(self, profile: str) -> dict[str, Rate]:
        """Alarms on sound speech, by gate, and by `any` blocking gate."""
        judged = [one.answers[profile] for one in self.clean]
        names = dict.fromkeys(name for one in judged for name in one)
        rates = {
            name: Rate(
                sum(one.get(name) in _ALARMS | {Outcome.WARN} for one in judged),
                sum(one.get(name, Outcome.REFUSED) is not Outcome.REFUSED for one in judged),
            )
            for name in names
        }
        return {"any": Rate(sum(_any(one) for one in judged), len(judged)), **rates}

    def by_source(self, profile: str) -> dict[str, dict[str, Rate]]:
        """Alarms of any blocking gate by where the speech comes from: all takes, and each half of its speakers."""
        return {
            source: {
                part: Rate(sum(_any(one.answers[profile]) for one in mine), len(mine))
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
            sound = [(before, after) for before, after in both if not _any(before)]
            rates = {"any": Rate(sum(_any(after) for _, after in sound), len(sound))}
            for name in dict.fromkeys(name for before, _ in both for name in before):
                passed = [after.get(name) for before, after in both if before.get(name) is Outcome.PASS]
                found = sum(outcome in _ALARMS | {Outcome.WARN} for outcome in passed)
                if found:
                    rates[name] = Rate(found, len(passed))
            table.setdefault(defect, {})[severity] = rates
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
                )
                for profile in PROFILES
            },
            languages={one.source: one.language for one in self.clean},
        )


@dataclass(frozen=True, slots=True)
class Table:
    """All beds that were tried."""

    beds: Mapping[str, Bed]

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
        )


def measure(takes: Sequence[Spoken], spoilt: Mapping[str, int], workers: int = 2, only_rejected: bool = False) -> Table:
    """Judge sound takes, then spoil some of each bed and judge them again.

    Args:
        takes: Sound takes of one bed or several.
        spoilt: How many takes of each bed are spoilt, spread over its sources.
        workers: Processes.
        only_rejected: Of each defect only the severity that a listener rejects.
    """
    voices = _voices(takes)
    chosen = {
        bed: beds.spread([one for one in takes if beds.bed_of(one) == bed and is_spoilable(one)], count)
        for bed, count in spoilt.items()
    }
    jobs = [_Job(one, "", 0, one.take, voices[id(one)]) for one in takes]
    for mine in chosen.values():
        for defect in DEFECTS:
            for severity in [defect.rejects] if only_rejected else range(len(defect.amounts)):
                jobs += [
                    _Job(one, defect.name, severity, foreign(one, takes, number), voices[id(one)])
                    for number, one in enumerate(mine)
                ]
    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=keep_to_one_thread) as pool:
            answers = list(pool.map(_answers, jobs, chunksize=16))
    else:
        answers = [_answers(job) for job in jobs]
    first = {id(one) for one in beds.halves(takes)[0]}
    before = {id(job.spoken): answer for job, (answer, _) in zip(jobs, answers, strict=True) if not job.defect}
    found: dict[str, Bed] = {}
    for bed in dict.fromkeys(beds.bed_of(one) for one in takes):
        clean = [
            Clean(job.spoken.source, id(job.spoken) in first, tempo, answer, job.spoken.take.request.utterance.language)
            for job, (answer, tempo) in zip(jobs, answers, strict=True)
            if not job.defect and beds.bed_of(job.spoken) == bed
        ]
        pairs: dict[tuple[str, str], list[tuple[Answers, Answers]]] = {}
        for job, (answer, _) in zip(jobs, answers, strict=True):
            if job.defect and beds.bed_of(job.spoken) == bed:
                key = (job.defect, _BY_NAME[job.defect].severity(job.severity))
                pairs.setdefault(key, []).append((before[id(job.spoken)], answer))
        found[bed] = Bed(clean, pairs)
    return Table(found)


def is_spoilable(one: Spoken) -> bool:
    """Whether a take has a voice and a text to be spoilt, and is neither a word nor a lecture."""
    return one.voice and not without_text(one.take) and _SPOILT_S[0] <= _length_s(one) <= _SPOILT_S[1]


_SPOILT_S = (2.5, 20.0)


def _length_s(one: Spoken) -> float:
    return one.take.audio.duration_s if one.take.audio else 0.0


def _voices(takes: Sequence[Spoken]) -> dict[int, Voices]:
    """By take the references of its run: its own, and those of up to 17 other speakers who are surely others."""
    known = [one for one in takes if one.voice]
    references = {one.take.request.reference.id: one for one in known}
    heard = Voices.of(
        {name: audio.load(one.take.request.reference.path) for name, one in references.items()},
        {name: f"{one.source} {one.speaker}" for name, one in references.items()},
        Resemblyzer(),
    )
    of_speakers = {f"{one.source} {one.speaker}": one for one in reversed(known)}
    found = {}
    for number, one in enumerate(takes):
        if not one.voice:
            found[id(one)] = Voices({}, {})
            continue
        others = [
            other
            for other in of_speakers.values()
            if other.speaker != one.speaker
            and not (other.source == one.source and one.speaker.startswith(MAY_BE_ONE_PERSON))
            and other.take.request.reference.language == one.take.request.reference.language
        ]
        order = np.random.default_rng(number).permutation(len(others))[:OTHER_VOICES]
        names = [one.take.request.reference.id, *(others[place].take.request.reference.id for place in order)]
        found[id(one)] = Voices(
            {name: heard.embeddings[name] for name in names},
            {name: heard.speakers[name] for name in names},
            {name: heard.halves[name] for name in names},
            {name: heard.speech_s[name] for name in names},
        )
    return found


def foreign(one: Spoken, takes: Sequence[Spoken], number: int) -> Take:
    """A take of somebody else in the same language, of another source where that is the only way to be sure."""
    language = one.take.request.utterance.language
    others = [
        other.take
        for other in takes
        if other.speaker != one.speaker
        and (other.source == one.source) is not one.speaker.startswith(MAY_BE_ONE_PERSON)
        and beds.bed_of(other) == beds.bed_of(one)
        and other.take.request.utterance.language == language
        and _length_s(other) >= _SPOILT_S[0]
    ]
    others = others or [other.take for other in takes if other.speaker != one.speaker]
    return others[(number * 7) % len(others)]


_BY_NAME = {defect.name: defect for defect in DEFECTS}


@lru_cache(maxsize=1)
def _encoder() -> Resemblyzer:
    return Resemblyzer()


@lru_cache
def _profiles(backend: str) -> tuple[Profile, ...]:
    """What a system is let off holds for nobody else: people and clones are judged by the gates that all have."""
    return tuple(load_profile(name, backend) for name in PROFILES)


def _answers(job: _Job) -> tuple[Answers, float]:
    """What every gate says, and the letters a second."""
    take, by_voice = job.spoken.take, job.spoken.voice
    if job.defect:
        defect = _BY_NAME[job.defect]
        rng = np.random.default_rng([int(take.request.digest[:8], 16), job.severity])
        take = defect.inject(take, defect.amounts[job.severity], rng, job.other)
        by_voice = by_voice and defect.voice
    found = _measured(take, by_voice, job.voices)
    answers = {
        profile.name: {verdict.gate.name: verdict.outcome for verdict in _judged(take, found, profile)}
        for profile in _profiles(take.provenance.backend)
    }
    return answers, found["speaking_rate"].value


def verdicts(takes: Sequence[Spoken], profile: Profile) -> Iterator[list[Verdict]]:
    """What the gates of a profile that need no recogniser say of each sound take, in order."""
    voices = _voices(takes)
    for one in takes:
        yield _judged(one.take, _measured(one.take, one.voice, voices[id(one)]), profile)


def _measured(take: Take, by_voice: bool, voices: Voices) -> dict[str, Measurement]:
    voice_metrics = metrics_of(speaker, background_voices)
    names = model_free() + (voice_metrics if by_voice else [])
    (found,) = Measuring(encoder=_encoder(), voices=voices).measure([take], names)
    known = known_metrics()
    if not by_voice:
        found |= {name: known[name].not_applicable("the voice is not judged here") for name in voice_metrics}
    if without_text(take):
        found |= {name: known[name].not_applicable("nobody wrote down what is said") for name in TEXT_METRICS}
    return found


def _judged(take: Take, found: Mapping[str, Measurement], profile: Profile) -> list[Verdict]:
    utterance = take.request.utterance
    # What needs a recogniser or a second take of the text is not measured here.
    gates = [
        gate
        for gate in profile.gates
        if gate.is_for(utterance.suite) and gate.metric in found and gate.reads(utterance.language)
    ]
    refused = infeasible(utterance, take.request.chunks, gates, BudgetConfig())
    if without_text(take):
        by_text = [gate.name for gate in gates if any(step.letters for step in gate.steps)]
        refused |= dict.fromkeys(by_text, "its limit depends on a text that nobody wrote down")
    return judge(gates, found, refused)


_ALARMS = {Outcome.FAIL, Outcome.INCONCLUSIVE}


def _any(answers: Mapping[str, Outcome]) -> bool:
    return any(outcome in _ALARMS for outcome in answers.values())


def _kept(rates: Mapping[str, Rate]) -> dict[str, CountedRate]:
    return {name: rate.record() for name, rate in rates.items()}
