"""A finished run judged again from the takes in its store: what is accepted rests on the audio, not on a file.

Nothing is generated. The run is set up as it was asked for, with the gates that hold now; a take that is not in the
store any more, or whose request is another than the one that was judged, is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

import msgspec

from harness.baseline.acceptance import Finished, read_run
from harness.cloning.budget import BudgetConfig
from harness.corpus import load_corpus, suites_of
from harness.decision import policy, requirements
from harness.decision.gates import Profile
from harness.errors import BackendError, GoldenError
from harness.records.measurement import Measurement
from harness.records.rules import Rules
from harness.records.run_record import HOW_TO_RUN, About, RunRecord
from harness.records.take_record import TakeKey, TakeRecord
from harness.run.judging import Wanted
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.store import Store
from harness.take import Request, Sampling, Take

SAME = 1e-3
"""Relative difference of two measurements of one sound: what another order of float32 sums may change."""
MOST_SHOWN = 3


class StoredSystem:
    """The system of a run that is over: it is known, and it speaks no more."""

    reads = ()

    def __init__(self, about: About, identity: str) -> None:
        self.name, self.identity, self.note = about.backend, identity, about.note
        self.sample_rate_hz, self.frame_rate_hz = about.sample_rate_hz, about.frame_rate_hz

    def generate(self, requests: Sequence[Request]) -> Iterator[Take]:
        """Nothing.

        Raises:
            BackendError: Always.
        """
        raise BackendError("its take is not in the store any more")

    def close(self) -> None:
        """Nothing is held."""


def settings_as_data(settings: Settings) -> dict[str, Any]:
    """How a run was asked for, to be kept; without the gates, which stand elsewhere, and the output folder."""
    data: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    return {name: value for name, value in data.items() if name not in ("profile", "out")}


def rules_here(record: RunRecord, profile: Profile, gates_file: Path, corpus: Path, out: Path) -> Rules:
    """The rules that hold now for a run like this one.

    Raises:
        GateError: A row of the gates file is malformed.
        UsageError: A corpus file or a voice cannot be used.
    """
    run = set_up(record, record.about.system, profile, out)
    texts = {suite: load_corpus(suite, corpus) for suite in suites_of(corpus)}
    promised, _ = policy.load_policy(gates_file)
    return run.rules(policy.every_margin(gates_file), promised, texts, requirements.load(gates_file))


def finished(out: Path) -> Finished:
    """What a test run left in its output folder.

    Raises:
        GoldenError: There is none, or it is damaged.
    """
    return Finished(read_run(out), Store(out))


def judged_again(run: Finished, suite: str, profile: Profile) -> Finished:
    """A finished run with the takes of a suite judged again; raises as `rejudge`."""
    return replace(run, record=rejudge(run.record, suite, profile, Store(run.store.out)))


def rejudge(record: RunRecord, suite: str, profile: Profile, store: Store) -> RunRecord:
    """The record of a run with the takes of a suite measured and judged anew.

    Raises:
        GoldenError: The run cannot be set up again, or its takes are not what the record says; names the difference.
    """
    run = set_up(record, record.about.system, profile, store.out)
    noted = [take for take in record.takes if take.suite == suite]
    requests: list[Request] = []
    company: list[Request] = []
    for take in record.takes:
        sidecar = store.sidecar(take.digest)
        request = run.request(sidecar.utterance, take.seed) if sidecar else None
        if request is not None and request.digest == take.digest:
            # What a take shares with others is told beside all that it was judged beside.
            (requests if take.suite == suite else company).append(request)
        elif take.suite == suite:
            why = "is not in the store any more" if sidecar is None else "was asked for in another way"
            raise GoldenError(f"suite {suite!r} is not accepted: the take {take.key} {why}: {HOW_TO_RUN}")
    metrics = tuple(dict.fromkeys(gate.metric for gate in run.profile.gates if gate.is_for(suite)))
    run.generate(company)
    run.carry_out(
        {
            request: Wanted(metrics, tuple(name for name in take.measurements if name not in metrics))
            for request, take in zip(requests, noted, strict=True)
        }
    )
    again = [noted_of(run, take.key) for take in noted]
    wrong = [line for was, now in zip(noted, again, strict=True) for line in _differences(was, now)]
    if wrong:
        more = f"; and {len(wrong) - MOST_SHOWN} more" if len(wrong) > MOST_SHOWN else ""
        raise GoldenError(
            f"suite {suite!r} is not accepted: judged again its takes are not what run.json says: "
            f"{'; '.join(wrong[:MOST_SHOWN])}{more}: {HOW_TO_RUN}"
        )
    by_key = {take.key: take for take in again}
    return msgspec.structs.replace(record, takes=tuple(by_key.get(take.key, take) for take in record.takes))


def set_up(record: RunRecord, system: str, profile: Profile, out: Path) -> Run:
    """A run as it was asked for, to judge what a system spoke then; it generates nothing.

    Args:
        record: Of the run.
        system: What makes the system itself.
        profile: The gates that hold now.
        out: The output folder, where the takes are.

    Raises:
        GoldenError: The record does not say how it was asked for.
    """
    data = record.settings | {"out": str(out), "profile": msgspec.to_builtins(profile)}
    try:
        settings = msgspec.convert(data, Settings, dec_hook=_path)
        # A request is named by its numbers as they were written: 25 frames a second is not 25.0.
        budget, sampling = BudgetConfig(**record.settings["budget"]), Sampling(**record.settings["sampling"])
    except (msgspec.ValidationError, TypeError, KeyError) as error:
        raise GoldenError(f"{out}: this run does not say how it was asked for ({error}): {HOW_TO_RUN}") from error
    run = Run(replace(settings, profile=profile, budget=budget, sampling=sampling))
    vars(run)["backend"] = StoredSystem(record.about, system)
    return run


def _path(kind: type, value: object) -> Path:
    if kind is not Path:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return Path(str(value))


def noted_of(run: Run, key: TakeKey) -> TakeRecord:
    """What a run noted of a take that it has judged."""
    found = run.ledger.noted(key)
    assert found is not None
    return found


def _differences(was: TakeRecord, now: TakeRecord) -> list[str]:
    """What a record says of a take and the take itself does not."""
    lines = [
        f"{was.key}: {name} is {_shown(now.measurements[name])}, not {_shown(found)}"
        for name, found in was.measurements.items()
        if name in now.measurements and not _alike(found, now.measurements[name])
    ]
    verdicts = {verdict.gate.name: verdict.outcome for verdict in now.verdicts}
    lines += [
        f"{was.key}: {verdict.gate.name} is {verdicts[verdict.gate.name]}, not {verdict.outcome}"
        for verdict in was.verdicts
        if verdicts.get(verdict.gate.name, verdict.outcome) != verdict.outcome
    ]
    return lines


def _alike(one: Measurement, other: Measurement) -> bool:
    if not (one.is_known and other.is_known):
        return one.is_known == other.is_known
    return isclose(one.value, other.value, rel_tol=SAME, abs_tol=SAME)


def _shown(measurement: Measurement) -> str:
    return f"{measurement.value:.4g}" if measurement.is_known else measurement.why_not or "no number"
