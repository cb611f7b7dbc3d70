"""The power of the gates: which injected defects each gate finds, and how often it rejects sound speech.

Conventions: rates are shares of takes with their two-sided 95 % Clopper-Pearson interval, and belong to a bed
(`harness.lab.beds`): people, neural clones, the voice of the demonstration. How they are counted stands in
`harness.lab.answers`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from typing import TypeVar
from zlib import crc32

import numpy as np

from harness import audio
from harness.cloning.budget import BudgetConfig
from harness.decision.feasibility import infeasible
from harness.decision.gates import Profile, judge, load_profile
from harness.lab import beds
from harness.lab.answers import Answers, Bed, Clean, Heard, Table, any_alarm
from harness.lab.beds import Spoken
from harness.lab.defects import DEFECTS
from harness.lab.hearing import Hearing
from harness.lab.speech import without_text
from harness.metrics import background as background_voices
from harness.metrics import known_metrics, metrics_of, speaker
from harness.metrics.measuring import Measuring, model_free
from harness.metrics.speaker import Voices
from harness.metrics.speaker_encoder import Resemblyzer
from harness.records.gate import Verdict
from harness.records.measurement import Measurement
from harness.records.power_table import PROFILES
from harness.take import Take
from harness.threads import keep_to_one_thread

TEXT_METRICS = (
    "duration_ratio", "letters_duration_ratio", "speaking_rate", "spoken_share", "syllable_share",
    "extra_speech", "tempo_ratio",
)  # fmt: skip
OTHER_VOICES = 17
TOLD = 200  # takes between two lines on how far it is
MAY_BE_ONE_PERSON = "passage"

T = TypeVar("T")
R = TypeVar("R")


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


def measure(
    takes: Sequence[Spoken],
    spoilt: Mapping[str, int],
    workers: int = 2,
    only_rejected: bool = False,
    hearing: Hearing | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Table:
    """Judge sound takes, then spoil some of each bed and judge them again.

    Args:
        takes: Sound takes of one bed or several.
        spoilt: How many takes of each bed are spoilt, spread over its sources.
        workers: Processes.
        only_rejected: Of each defect only the severity that a listener rejects.
        hearing: What hears the spoilt takes that no gate finds without a recogniser.
        say: Is told how far it is.
    """
    recogniser = hearing.fingerprint() if hearing else ""  # one that cannot be opened ends it before the first take
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
    answers = _in_processes(_answers, jobs, workers, lambda done: say(f"{done} of {len(jobs)} takes judged"))
    before = {id(job.spoken): answer for job, (answer, _) in zip(jobs, answers, strict=True) if not job.defect}
    spoilt_ones = {id(one) for mine in chosen.values() for one in mine}
    quiet = [
        _quiet(before[id(job.spoken)], answer) if hearing and id(job.spoken) in spoilt_ones else []
        for job, (answer, _) in zip(jobs, answers, strict=True)
    ]
    asked = [(job, hearing, profiles) for job, profiles in zip(jobs, quiet, strict=True) if hearing and profiles]
    words = iter(_in_processes(_heard, asked, workers, lambda done: say(f"{done} of {len(asked)} takes heard")))
    heard: list[Heard] = [next(words) if profiles else {} for profiles in quiet]
    heard_before = {id(job.spoken): alarms for job, alarms in zip(jobs, heard, strict=True) if not job.defect}
    first = {id(one) for one in beds.halves(takes)[0]}
    found: dict[str, Bed] = {}
    for bed in dict.fromkeys(beds.bed_of(one) for one in takes):
        clean = [
            Clean(job.spoken.source, id(job.spoken) in first, tempo, answer, job.spoken.take.request.utterance.language)
            for job, (answer, tempo) in zip(jobs, answers, strict=True)
            if not job.defect and beds.bed_of(job.spoken) == bed
        ]
        pairs: dict[tuple[str, str], list[tuple[Answers, Answers]]] = {}
        on_words: dict[tuple[str, str], list[tuple[Heard, Heard]]] = {}
        for job, (answer, _), alarms in zip(jobs, answers, heard, strict=True):
            if job.defect and beds.bed_of(job.spoken) == bed:
                key = (job.defect, _BY_NAME[job.defect].severity(job.severity))
                pairs.setdefault(key, []).append((before[id(job.spoken)], answer))
                on_words.setdefault(key, []).append((heard_before[id(job.spoken)], alarms))
        sound = [heard_before[id(one)] for one in chosen.get(bed, [])]
        found[bed] = Bed(clean, pairs, on_words, sound) if hearing else Bed(clean, pairs)
    return Table(found, recogniser)


def _in_processes(function: Callable[[T], R], jobs: Sequence[T], workers: int, say: Callable[[int], None]) -> list[R]:
    if workers == 1:
        return list(_counted(map(function, jobs), say))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=keep_to_one_thread) as pool:
        return list(_counted(pool.map(function, jobs, chunksize=16), say))


def _counted(found: Iterable[R], say: Callable[[int], None]) -> Iterator[R]:
    for number, one in enumerate(found, 1):
        if number % TOLD == 0:
            say(number)
        yield one


def _quiet(*answers: Answers) -> list[str]:
    """The profiles in which no blocking gate alarms."""
    return [profile for profile in PROFILES if not any(any_alarm(answer[profile]) for answer in answers)]


def _heard(asked: tuple[_Job, Hearing, Sequence[str]]) -> Heard:
    """What the gates on the words say of a take, in the profiles in which they are asked."""
    job, hearing, profiles = asked
    return {name: bool(against) for name, against in hearing.alarms(_spoilt(job), profiles).items()}


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


def _spoilt(job: _Job) -> Take:
    """The take of a job with its defect, drawn alike wherever the references of its bed are written."""
    take = job.spoken.take
    if not job.defect:
        return take
    defect = _BY_NAME[job.defect]
    rng = np.random.default_rng([crc32(take.request.utterance.id.encode()), job.severity])
    return defect.inject(take, defect.amounts[job.severity], rng, job.other)


def _answers(job: _Job) -> tuple[Answers, float]:
    """What every gate says, and the letters a second."""
    take, by_voice = _spoilt(job), job.spoken.voice
    if job.defect:
        by_voice = by_voice and _BY_NAME[job.defect].voice
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
