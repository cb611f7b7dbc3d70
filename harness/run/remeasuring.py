"""An accepted release measured again by today's rulers, from the sound that `accept --golden-audio` kept.

Which takes were accepted, by whom and why stays as it was; only their numbers become those of today's rulers, which are
those of the run in the output folder. So a run that says "the ruler changed" can be compared without a new acceptance.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from harness.audio import content_hash, write_atomically
from harness.baseline import golden, history
from harness.baseline.acceptance import Terms, missing_numbers, packages
from harness.errors import GoldenError
from harness.metrics import known_metrics
from harness.records.baseline import Baseline, BaselineTake, Remeasured
from harness.records.history import NAME as HISTORY
from harness.records.history import RemeasuredEvent
from harness.records.run_record import RunRecord
from harness.records.schema import read
from harness.records.sidecar import Sidecar
from harness.run.judging import Wanted, key_of
from harness.run.plan import Run
from harness.run.rejudging import noted_of, set_up
from harness.take import Request

_ANEW = "accept the released model anew"


def remeasure(record: RunRecord, suite: str, terms: Terms, out: Path) -> list[str]:
    """Write the baseline of a suite anew with what today's rulers measure on its takes; the numbers before and after.

    Args:
        record: The run whose instruments measure.
        suite: Whose accepted release is measured again.
        terms: Who does so, by which gates and margins, and where baselines and their sounds are kept.
        out: The output folder, whose history tells of it.

    Raises:
        GoldenError: Nothing was accepted, its sound was not kept or is another, or it was asked for otherwise than now.
    """
    if not terms.by.strip():
        raise GoldenError("nobody measures: give --by NAME, which is kept in the baseline")
    if terms.audio is None:
        raise GoldenError("--remeasure needs --golden-audio FOLDER, where accept kept the accepted takes' audio")
    old = golden.read(terms.folder, record.about.backend, suite)
    if old is None:
        raise GoldenError(f"no release was accepted in suite {suite!r}: {golden.how_to_accept(suite)}")
    with TemporaryDirectory() as work:
        run = set_up(record, old.accepted.system, terms.profile, Path(work))
        takes = _measured(run, old, terms)
        instruments = run.about().instruments
    if missing := missing_numbers(takes, terms.margins):
        raise GoldenError(f"suite {suite!r} is not measured again: {'; '.join(missing)}")
    if _rulers(takes) == _rulers(old.takes) and instruments == old.accepted.fingerprint.instruments:
        return [f"{suite}: today's rulers are those that measured it; nothing is written"]
    accepted = msgspec.structs.replace(
        old.accepted,
        fingerprint=msgspec.structs.replace(old.accepted.fingerprint, instruments=instruments),
        packages=old.accepted.packages | packages(),
        anchor=None,  # the first release of the line has no numbers of these rulers
        remeasured=(*old.accepted.remeasured, Remeasured(by=terms.by, on=history.now())),
    )
    path = golden.write(terms.folder, msgspec.structs.replace(old, accepted=accepted, takes=takes))
    before, after = _means(old.takes), _means(takes)
    event = RemeasuredEvent(
        on=history.now(), suite=suite, by=terms.by, system=accepted.system, before=before, after=after
    )
    history.append(out / HISTORY, event)
    rows = [
        f"{name:<24}{_shown(before.get(name)):>12}{_shown(after.get(name)):>12}"
        for name in sorted(before.keys() | after.keys())
    ]
    return [f"measured again: {path}", f"{'mean of all takes':<24}{'before':>12}{'after':>12}", *rows]


def _measured(run: Run, old: Baseline, terms: Terms) -> tuple[BaselineTake, ...]:
    """The accepted takes with today's numbers."""
    requests = [_restored(run, old.suite, take, terms.audio or Path()) for take in old.takes]
    judged = tuple(dict.fromkeys(gate.metric for gate in run.profile.gates if gate.is_for(old.suite)))
    wanted = {margin.metric for margin in terms.margins} | {name for take in old.takes for name in take.measurements}
    measured = tuple(sorted((wanted & known_metrics().keys()) - set(judged)))
    run.carry_out({request: Wanted(judged, measured) for request in requests})
    takes = []
    for was, request in zip(old.takes, requests, strict=True):
        now = golden.kept_of(noted_of(run, key_of(run.take(request))))
        # What was accepted is not touched: only its numbers, and the gates that it breaks by them.
        takes.append(msgspec.structs.replace(was, measurements=now.measurements, broken=now.broken))
    return tuple(takes)


def _restored(run: Run, suite: str, take: BaselineTake, folder: Path) -> Request:
    """The request of an accepted take, whose sound and sidecar lie in the store of a run from then on."""
    named = f"suite {suite!r} is not measured again: the accepted take {take.utterance}, seed {take.seed},"
    sound, beside = golden.kept_sound(folder, take.audio), golden.kept_sidecar(folder, take)
    try:
        data, told = sound.read_bytes(), read(beside, Sidecar, "keep it with accept --golden-audio")
    except FileNotFoundError as error:
        raise GoldenError(f"{named} was not kept: {error.filename} is missing: {_ANEW}") from error
    if content_hash(data) != take.audio or told.audio != take.audio:
        raise GoldenError(f"{named} is another sound than the one that was accepted: {sound}: {_ANEW}")
    request = run.request(told.utterance, take.seed)
    if request.question != take.question or request.digest != told.digest:
        raise GoldenError(f"{named} was asked for in another way (text, voice, chunks or sampling): {_ANEW}")
    write_atomically(run.store.path(told.digest), data)
    write_atomically(run.store.path(told.digest).with_suffix(".json"), beside.read_bytes())
    return request


def _means(takes: Sequence[BaselineTake]) -> dict[str, float]:
    """By metric, the mean over all takes that have a number."""
    values: dict[str, list[float]] = {}
    for take in takes:
        for name, found in take.measurements.items():
            if found.is_known:
                values.setdefault(name, []).append(found.value)
    return {name: float(f"{np.mean(numbers):.6g}") for name, numbers in values.items()}


def _rulers(takes: Sequence[BaselineTake]) -> set[tuple[str, str]]:
    return {(name, found.metric.ruler) for take in takes for name, found in take.measurements.items() if found.is_known}


def _shown(mean: float | None) -> str:
    return "none" if mean is None else f"{mean:.4g}"
