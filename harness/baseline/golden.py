"""Baselines on disk: the measurements of the accepted release; a test run reads them and never writes one.

    golden/BACKEND/SUITE.json     who accepted what and when, then one take a line, sealed with the hash of all that

Takes of one baseline share a fingerprint: scorers, device, data type.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path

import msgspec
import numpy as np

from harness.audio import content_hash, finite, load
from harness.decision.policy import Margin, Policy
from harness.errors import GoldenError, RecordError
from harness.metrics.copies import LEAST_LANDMARKS, Landmarks, landmarks_of
from harness.records import audit, schema
from harness.records.audit import Audit
from harness.records.baseline import Anchor, Baseline, BaselineTake, Fingerprint, Sketch
from harness.records.gate import Outcome
from harness.records.measurement import Measurement
from harness.records.run_record import About
from harness.records.take_record import TakeKey, TakeRecord
from harness.take import Provenance

LAST_BITS = 0xFFFFFFFF
SKETCHED = 64
"""Landmarks that are kept of a take ..."""
MOST_SHARED = 0.5
"""... and the largest share in common with one of another system; two generations share none but by chance."""
_OWN_TAKES = "have it speak with other seeds (--seed), or name the system as it was accepted"


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of an accepted take: what it must be, and where it would lie."""

    sha256: str
    path: Path | None
    """None where no folder was named."""


def kept_of(take: TakeRecord) -> BaselineTake:
    """What a baseline keeps of a take that a run noted: six digits are what a ruler of float32 has."""
    return BaselineTake(
        utterance=take.utterance,
        seed=take.seed,
        speaker=take.speaker,
        question=take.question,
        audio=take.audio,
        measurements={name: _rounded(measured) for name, measured in take.measurements.items()},
        broken=tuple(sorted({verdict.gate.name for verdict in take.verdicts if verdict.outcome == Outcome.EXCUSED})),
    )


def anchor_of(baseline: Baseline, margins: Sequence[Margin]) -> Anchor:
    """A baseline as the first release of a line."""
    values: dict[str, dict[str, list[float | None]]] = {margin.metric: {} for margin in margins}
    for take in sorted(baseline.takes, key=lambda take: (take.utterance, take.seed)):
        for metric, by_utterance in values.items():
            measured = take.measurements.get(metric)
            number = measured.value if measured is not None and isfinite(measured.value) else None
            by_utterance.setdefault(take.utterance, []).append(number)
    accepted = baseline.accepted
    kept = {
        metric: {name: tuple(numbers) for name, numbers in by_utterance.items()}
        for metric, by_utterance in values.items()
        if any(number is not None for numbers in by_utterance.values() for number in numbers)
    }
    return Anchor(by=accepted.by, on=accepted.on, system=accepted.system, values=kept)


def _rounded(measured: Measurement) -> Measurement:
    return msgspec.structs.replace(
        measured,
        value=_six_digits(measured.value),
        components={name: _six_digits(part) for name, part in measured.components.items()},
        detail="",
        spans=(),
        heard="",
    )


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}") if isfinite(value) else value


def fingerprint(about: About, provenance: Provenance) -> Fingerprint:
    """With what and on what a take was made and measured; different ones are not compared."""
    return Fingerprint(
        instruments=about.instruments,
        device=provenance.device,
        dtype=provenance.dtype,
    )


def path_of(folder: Path, backend: str, suite: str) -> Path:
    """Where the baseline of a suite lies."""
    return folder / backend / f"{suite}.json"


def kept_sound(folder: Path, sha256: str) -> Path:
    """Where the sound of an accepted take lies, in the folder that the team chose for them."""
    return folder / f"{sha256}.wav"


def kept_sidecar(folder: Path, take: BaselineTake) -> Path:
    """Where it is told beside that sound how it was asked for; equal sounds of two seeds are asked for differently."""
    return folder / f"{take.audio}.{take.question}.json"


def sound_of(baseline: Baseline, utterance: str, seed: int, folder: Path | None) -> Sound | None:
    """What the accepted take of an utterance and seed sounds like; None where there is no such take."""
    takes = (take for take in baseline.takes if (take.utterance, take.seed) == (utterance, seed) and take.audio)
    return next((Sound(take.audio, folder and kept_sound(folder, take.audio)) for take in takes), None)


def read(folder: Path, backend: str, suite: str) -> Baseline | None:
    """The baseline of a suite; None where there is none.

    Raises:
        GoldenError: The file is damaged, was changed by hand, or has another schema.
    """
    path = path_of(folder, backend, suite)
    try:
        baseline = _read(path, content_hash(path.read_bytes()), f"restore it, or {how_to_accept(suite)}")
    except FileNotFoundError:
        return None
    except RecordError as error:
        raise GoldenError(str(error)) from error
    except OSError as error:
        raise GoldenError(f"{path} cannot be read ({error.strerror}): {how_to_accept(suite)}") from error
    if (baseline.backend, baseline.suite) != (backend, suite):
        raise GoldenError(f"{path} is the baseline of another backend or suite; {how_to_accept(suite)}")
    return baseline


@lru_cache(maxsize=16)
def _read(path: Path, content: str, remedy: str) -> Baseline:
    """The baseline in a file of that content: a run asks for each several times, and it is long."""
    return schema.read(path, Baseline, remedy)


def write(folder: Path, baseline: Baseline) -> Path:
    """Write a baseline; only `accept` calls this, also where it measures one again."""
    takes = tuple(sorted(baseline.takes, key=lambda take: (take.utterance, take.seed)))
    path = path_of(folder, baseline.backend, baseline.suite)
    schema.write(path, msgspec.structs.replace(baseline, takes=takes))
    return path


def rests_on(baselines: Sequence[Baseline], policy: Policy, margins: Sequence[Margin]) -> str:
    """Hash of all that an audit rests on: another baseline, policy or margin needs another audit."""
    seals = sorted(baseline.sha256 for baseline in baselines)
    limits = [
        (margin.metric, margin.margin, margin.lost, margin.cap, margin.resolution, margin.two_sided)
        for margin in margins
    ]
    return content_hash(repr((seals, policy, limits)).encode())[:16]


def audited(
    folder: Path, backend: str, suites: Iterable[str], policy: Policy, margins: Sequence[Margin]
) -> Audit | None:
    """The kept audit, where it was made of just these baselines, by this policy and these margins."""
    kept = audit.read(audit.path_of(folder, backend))
    try:
        baselines = [read(folder, backend, suite) for suite in suites]
    except GoldenError:
        return None
    known = [baseline for baseline in baselines if baseline is not None]
    if kept is None or len(known) < len(baselines) or kept.about != rests_on(known, policy, margins):
        return None
    return kept


def replayed(
    suite: str, takes: Sequence[TakeRecord | BaselineTake], old: Iterable[Baseline | None], system: str
) -> list[str]:
    """Takes that are, byte for byte, accepted takes of another system: nothing shows that this one spoke them."""
    spoken_by = {
        take.audio: baseline.accepted.system
        for baseline in old
        if baseline is not None and baseline.accepted.system != system
        for take in baseline.takes
        if take.audio
    }
    again = [take for take in takes if take.audio in spoken_by]
    if not again:
        return []
    first = again[0]
    return [
        f"{len(again)} of {len(takes)} takes of {suite} are, byte for byte, accepted takes of "
        f"{spoken_by[first.audio]!r} (the first {first.utterance}, seed {first.seed}), and this run says that "
        f"{system!r} spoke them: {_OWN_TAKES}"
    ]


def landmarks_on_disk(takes: Iterable[TakeRecord], path: Callable[[str], Path]) -> dict[TakeKey, Landmarks]:
    """By what the samples of each take are known again; nothing of a take whose file is missing: other rules tell.

    Args:
        takes: Of a run.
        path: Where the sound of a take lies, by its digest.
    """
    there = {take.key: path(take.digest) for take in takes if take.audio}
    return {key: landmarks_of(finite(load(sound))) for key, sound in there.items() if sound.is_file()}


def sketch_of(landmarks: Landmarks) -> Sketch | None:
    """What a baseline keeps of the landmarks of a take."""
    if landmarks.size < LEAST_LANDMARKS:
        return None
    return Sketch(of=landmarks.size, least="".join(f"{name & LAST_BITS:08x}" for name in landmarks[:SKETCHED].tolist()))


def nearly_replayed(
    suite: str, spoken: Mapping[TakeKey, Landmarks], old: Iterable[Baseline | None], system: str
) -> list[str]:
    """The same of takes that are so but for their ends, their level or what stands beside them.

    Args:
        suite: Of the takes.
        spoken: Their landmarks.
        old: Accepted releases of the backend.
        system: What is said to have spoken the takes.
    """
    accepted = [
        (baseline.accepted.system, take, take.sketch)
        for baseline in old
        if baseline is not None and baseline.accepted.system != system
        for take in baseline.takes
        if take.sketch is not None
    ]
    holders: dict[int, list[int]] = {}
    for at, (_, _, sketch) in enumerate(accepted):
        for name in np.frombuffer(bytes.fromhex(sketch.least), ">u4").tolist():
            holders.setdefault(name, []).append(at)
    again: list[tuple[TakeKey, str, BaselineTake]] = []
    for key, landmarks in spoken.items():
        met = Counter(at for name in landmarks.tolist() for at in holders.get(name & LAST_BITS, ()))
        for at, common in met.most_common(1):
            whose, take, sketch = accepted[at]
            share = common / min(SKETCHED, sketch.of) * sketch.of / min(sketch.of, landmarks.size)
            if common >= LEAST_LANDMARKS and share > MOST_SHARED:
                again.append((key, whose, take))
    if not again:
        return []
    key, whose, take = again[0]
    return [
        f"{len(again)} of {len(spoken)} takes of {suite} have the samples of accepted takes of {whose!r}, cut, "
        f"padded or at another level (the first {key.utterance}, seed {key.seed}: {take.utterance}, seed {take.seed}), "
        f"and this run says that {system!r} spoke them: {_OWN_TAKES}"
    ]


@dataclass(frozen=True, slots=True)
class Commands:
    """How a baseline is made: the two commands, with the options that somebody gave the first one."""

    run: str = "pytest suites/ --takes 3"
    accept: str = ""
    """Options of `accept`."""


NO_OPTIONS = Commands()


def how_to_accept(suite: str, commands: Commands = NO_OPTIONS) -> str:
    """The way to a baseline, as commands."""
    return f"run {commands.run}, then python -m harness accept {suite} --by NAME{commands.accept}"


def how_to_remeasure(suite: str, commands: Commands = NO_OPTIONS) -> str:
    """The way to today's numbers of an accepted release, as a command."""
    kept = "" if "--golden-audio" in commands.accept else " --golden-audio FOLDER"
    return f"python -m harness accept {suite} --by NAME --remeasure{commands.accept}{kept}"


def mismatches(
    suite: str,
    takes: Sequence[TakeRecord | BaselineTake],
    prints: Iterable[Fingerprint],
    old: Baseline,
    margins: Sequence[Margin],
    commands: Commands = NO_OPTIONS,
) -> list[str]:
    """Why a run and a baseline cannot be compared, one line each."""
    complaints, rulers, kept = list[str](), list[str](), old.accepted.fingerprint
    for made in prints:
        complaints += [
            f"{suite} was accepted with {what} {theirs!r}, this run has {ours!r}"
            for what, ours, theirs in (("device", made.device, kept.device), ("data type", made.dtype, kept.dtype))
            if ours != theirs
        ]
        # What an instrument measured that only one side has is gone, or new: that is judged metric by metric.
        rulers += [
            f"{suite} was accepted with {name.replace('_', ' ')} {kept.instruments[name]!r}, this run has {ours!r}"
            for name, ours in sorted(made.instruments.items())
            if kept.instruments.get(name, ours) != ours
        ]
    rulers += [
        f"{suite} was accepted with {metric} {theirs}, this run has {ours}"
        for metric, ours, theirs in rulers_changed(takes, old.takes, margins)
    ]
    here, there = {take.utterance for take in takes}, {take.utterance for take in old.takes}
    complaints += [f"{name} is in the run and not in the baseline" for name in sorted(here - there)]
    complaints += [f"{name} is in the baseline and not in the run" for name in sorted(there - here)]
    asked = {(take.utterance, take.seed): take.question for take in old.takes}
    for take in takes:
        known = asked.get((take.utterance, take.seed))
        if take.question and known and known != take.question:
            complaints.append(f"{take.utterance}: text, reference, chunks or sampling are not those of the baseline")
    anew = f"accept the released model anew: {how_to_accept(suite, commands)}"
    again = f"measure the accepted audio again, where it was kept: {how_to_remeasure(suite, commands)}; or {anew}"
    # What only a new acceptance mends comes first: measuring again would be in vain.
    return [f"{line}: {anew}" for line in dict.fromkeys(complaints)] + [
        f"not compared: the ruler changed: {line}: {again}" for line in dict.fromkeys(rulers)
    ]


def rulers_changed(
    takes: Sequence[TakeRecord | BaselineTake], old: Sequence[TakeRecord | BaselineTake], margins: Sequence[Margin]
) -> list[tuple[str, str, str]]:
    """Metrics that two sides were not measured in by the same ruler, with that of each."""
    changed = []
    for margin in margins:
        ours, theirs = (_rulers(side, margin.metric) for side in (takes, old))
        if ours and theirs and not _one_ruler(ours, theirs):
            changed.append((margin.metric, " and ".join(sorted(ours)), " and ".join(sorted(theirs))))
    return changed


def _one_ruler(ours: set[str], theirs: set[str]) -> bool:
    """Whether numbers were measured alike; of an older record that has no signature only the version is known."""
    if any("." not in ruler for ruler in theirs):
        ours, theirs = ({ruler.split(".")[0] for ruler in side} for side in (ours, theirs))
    return ours == theirs


def _rulers(takes: Sequence[TakeRecord | BaselineTake], metric: str) -> set[str]:
    """With what the numbers of a metric were measured; where there is none the ruler does not matter."""
    measured = [take.measurements.get(metric) for take in takes]
    known = {measurement.metric.ruler for measurement in measured if measurement is not None and measurement.is_known}
    return known | ({"no measurement"} if None in measured else set())
