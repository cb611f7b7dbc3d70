"""Making a run the accepted release: the rules, and the only way into `golden/`.

A run is accepted suite by suite, from what its test run left behind (run.json and the store). Nothing enters that any
gate has failed, that is not whole, or whose parts do not belong together; only "it was compared and found worse" can be
overridden, with a reason that stays in the baseline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from msgspec import structs

from harness.audio import write_atomically
from harness.baseline import golden, history, signature
from harness.corpus import load_corpus
from harness.decision import outlook, requirements
from harness.decision.gates import Profile
from harness.decision.listening import NOT_ASKED, Heard
from harness.decision.policy import Margin, Policy
from harness.decision.rates import share_at_most
from harness.errors import GoldenError, RecordError
from harness.records import schema
from harness.records.baseline import Accepted, Anchor, Baseline, BaselineTake, Fingerprint, Model, Predecessor
from harness.records.gate import Outcome
from harness.records.history import NAME as HISTORY
from harness.records.history import AcceptedEvent, RunEvent
from harness.records.measurement import Measurement
from harness.records.rules import Rules
from harness.records.run_record import HOW_TO_RUN, NAME, About, RunRecord
from harness.records.sidecar import Sidecar
from harness.records.signature import HOW_TO_SIGN, Decision
from harness.records.take_record import TakeRecord

MOST_SHOWN = 3


class TakesOnDisk(Protocol):
    """Where the takes of a run lie: `harness.store.Store`."""

    @property
    def out(self) -> Path: ...
    def sidecar(self, digest: str) -> Sidecar | None: ...
    def path(self, digest: str) -> Path: ...


def read_run(out: Path) -> RunRecord:
    """What a test run left in its output folder.

    Raises:
        GoldenError: There is none, or it is damaged.
    """
    path = out / NAME
    try:
        return schema.read(path, RunRecord, HOW_TO_RUN)
    except FileNotFoundError as error:
        raise GoldenError(f"{path} is missing: run pytest suites/ --takes 3 first, or name its --out") from error
    except RecordError as error:
        raise GoldenError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended, and the takes that it is about."""

    record: RunRecord
    store: TakesOnDisk

    @property
    def about(self) -> About:
        """What was judged, and with what."""
        return self.record.about

    def takes(self, suite: str) -> list[TakeRecord]:
        """What was noted of each take of a suite."""
        return [take for take in self.record.takes if take.suite == suite]

    def sidecars(self, suite: str) -> list[Sidecar | None]:
        """What lies beside the audio of each take of a suite; None where that is not what was stored."""
        return [self.store.sidecar(take.digest) for take in self.takes(suite)]

    def found_worse(self, suite: str) -> list[str]:
        """Comparisons that this suite has part in and that failed."""
        names = {suite, *(take.speaker for take in self.takes(suite))}
        return [
            f"{one} ({one.stratum}): {one.observed}"
            for one in self.record.comparisons
            if one.outcome == Outcome.FAIL and (one.stratum.kind == "all" or one.stratum.name in names)
        ]


@dataclass(frozen=True, slots=True)
class Terms:
    """Who accepts, and on which terms."""

    by: str
    override: str
    profile: Profile
    policy: Policy
    margins: tuple[Margin, ...]
    folder: Path
    audio: Path | None
    corpus: Path
    rules: Rules  # that hold here
    heard: Heard = NOT_ASKED  # what listeners preferred


def accept(run: Finished, suite: str, terms: Terms) -> Path:
    """Make a run's takes of a suite the accepted release; the file that was written.

    Raises:
        GoldenError: The run may not become a baseline; says all that is against it.
    """
    if not terms.by.strip():
        raise GoldenError("nobody accepts: give --by NAME, which is kept in the baseline")
    takes, sidecars = run.takes(suite), run.sidecars(suite)
    spoken = golden.landmarks_on_disk(takes, run.store.path)
    kept = tuple(
        structs.replace(golden.kept_of(take), sketch=golden.sketch_of(spoken[take.key]) if take.key in spoken else None)
        for take in takes
    )
    against = (
        _other_rules(run, terms)
        or _not_whole(run, suite, terms)
        or [
            *_not_sound(takes, suite, terms.profile),
            *_broken_too_often(run, terms),
            *missing_numbers(kept, terms.margins),
            *_not_of_a_piece(run, sidecars),
            *_not_signed(run, terms),
            *requirements.unmet_by(run.record, terms.rules.require),
            *terms.heard.against(terms.override),
        ]
    )
    before = golden.read(terms.folder, run.about.backend, suite)
    against += golden.replayed(suite, kept, [before], run.about.system) or golden.nearly_replayed(
        suite, spoken, [before], run.about.system
    )
    worse = [*run.found_worse(suite), *_failed_with_other_seeds(run, before)]
    if worse and not terms.override.strip():
        against.append(f'was compared and found worse: {_some(worse)}; --override "REASON" accepts it all the same')
    if against:
        raise GoldenError("\n".join(f"suite {suite!r} is not accepted: {line}" for line in against))
    intact = [sidecar for sidecar in sidecars if sidecar is not None]
    accepted = _accepted(run, intact, kept, worse, before, terms)
    if terms.audio is not None:
        _keep(run, takes, kept, terms.audio)
    event = AcceptedEvent(
        on=history.now(),
        suite=suite,
        by=accepted.by,
        override=accepted.override,
        found_worse=accepted.found_worse,
        system=accepted.system,
    )
    history.append(run.store.out / HISTORY, event)
    return golden.write(terms.folder, Baseline(backend=run.about.backend, suite=suite, accepted=accepted, takes=kept))


def _keep(run: Finished, takes: Sequence[TakeRecord], kept: Sequence[BaselineTake], folder: Path) -> None:
    """Keep the sound of accepted takes, and beside it all that is needed to measure it again."""
    for take, accepted in zip(takes, kept, strict=True):
        sound = run.store.path(take.digest)
        write_atomically(golden.kept_sound(folder, accepted.audio), sound.read_bytes())
        write_atomically(golden.kept_sidecar(folder, accepted), sound.with_suffix(".json").read_bytes())


def _not_signed(run: Finished, terms: Terms) -> list[str]:
    """Whether a person signed that it may ship, where the policy asks for that; a signature to hold always counts."""
    signed = signature.of(run.store.out)
    if signed is not None and signed.decision == Decision.HOLD:
        return [f"its signature says {signed.said}"]
    if signed is None and terms.policy.signed:
        return [f"nobody signed for it, and the policy of gates.toml asks for a signature: {HOW_TO_SIGN}"]
    return []


def _some(lines: Sequence[str]) -> str:
    more = len(lines) - MOST_SHOWN
    return "; ".join(lines[:MOST_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _not_whole(run: Finished, suite: str, terms: Terms) -> list[str]:
    """Whether the run came to its end, and which utterances and seeds are missing."""
    record = run.record
    broken = [record.incomplete] if record.incomplete else []
    broken += [f"{test}: {how}" for test, how in (record.harness_errors | record.failed_otherwise).items()]
    if broken:
        return [f"the run is not sound: {_some(broken)}"]
    takes = run.takes(suite)
    seeds = sorted({take.seed for take in takes})
    if len(seeds) < terms.policy.accepted_takes:
        return [
            f"{len(seeds)} takes of each utterance; {terms.policy.accepted_takes} are needed: "
            f"run pytest suites/ --takes {terms.policy.accepted_takes}"
        ]
    there = {(take.utterance, take.seed) for take in takes}
    wanted = {(row.id, seed) for row in load_corpus(suite, terms.corpus) for seed in seeds}
    missing = [f"{name}, seed {seed}" for name, seed in sorted(wanted - there)]
    foreign = [f"{name}, seed {seed}" for name, seed in sorted(there - wanted)]
    not_judged = [f"{one.take} ({one.why})" for one in record.not_judged if one.take.suite == suite]
    return [
        f"{len(lines)} takes {what}: {_some(lines)}"
        for what, lines in (
            ("are missing", missing),
            ("are not in the corpus", foreign),
            ("were not judged", not_judged),
        )
        if lines
    ]


def _other_rules(run: Finished, terms: Terms) -> list[str]:
    """Where the limits, texts or voices that judged are not those that hold here."""
    differ = run.about.rules.differences(terms.rules)
    what = "it was judged by other rules than those that hold here"
    return [f"{what}: {_some(differ)}: name what judged, or {HOW_TO_RUN}"] if differ else []


def _not_sound(takes: Sequence[TakeRecord], suite: str, profile: Profile) -> list[str]:
    """Gates that a take did not pass, or was not asked."""
    wanted = {gate.asked_as for gate in profile.gates if gate.is_for(suite)}
    failed, unasked = [], []
    for take in takes:
        failed += [f"{take.key}: {verdict.outcome} {verdict.gate}" for verdict in take.against]
        if gates := wanted - {verdict.gate.asked_as for verdict in take.verdicts}:
            unasked.append(f"{take.key}: {', '.join(sorted(gates))}")
    return [
        f"{len(lines)} {what}: {_some(lines)}"
        for what, lines in (("verdicts are not PASS", failed), ("takes were not asked every gate", unasked))
        if lines
    ]


def _broken_too_often(run: Finished, terms: Terms) -> list[str]:
    """Where a share of takes may break a gate: whether there are shown to be few enough, over all suites of the run."""
    hits = sum(any(verdict.outcome == Outcome.EXCUSED for verdict in take.verdicts) for take in run.record.takes)
    of, policy = len(run.record.takes), terms.policy
    if not hits:
        return []
    high = float(share_at_most(np.array(float(hits)), np.array(float(of)), np.array(policy.doubt)))
    bound = max(policy.broken_bound, terms.profile.broken_share)
    if high < bound:
        return []
    many = outlook.of_share(hits, of, bound, policy.doubt)
    more = f"about {many} takes would show whether it is less" if many else "more takes would not show that it is less"
    return [f"{hits} of {of} takes broke a gate, which may be {high:.1%} of all; {bound:.0%} is the most: {more}"]


def _failed_with_other_seeds(run: Finished, before: Baseline | None) -> list[str]:
    """Runs of this very system that failed against the baseline that is there: one that passes does not undo them."""
    path = run.store.out / HISTORY
    if before is None or not path.exists():
        return []
    seeds = tuple(sorted({take.seed for take in run.record.takes}))
    return [
        f"a run with seeds from {event.seeds[0] if event.seeds else '?'} on {event.on}: {line}"
        for event in history.read(path)
        if isinstance(event, RunEvent)
        and event.system == run.about.system
        and event.seeds != seeds
        and event.on[:16] >= before.accepted.on[:16]
        for line in event.against
        if line.startswith(Outcome.FAIL)
    ]


def _anchor(
    before: Baseline | None, terms: Terms, fingerprint: Fingerprint, takes: Sequence[BaselineTake]
) -> Anchor | None:
    """The first release of the line; None where this one begins it: nothing was before, or by other rulers."""
    if before is None or before.accepted.fingerprint != fingerprint:
        return None
    if golden.rulers_changed(takes, before.takes, terms.margins):
        return None
    return before.accepted.anchor or golden.anchor_of(before, terms.margins)


def missing_numbers(takes: Sequence[BaselineTake], margins: Sequence[Margin]) -> list[str]:
    """Takes that lack a number which releases are compared by, told in one line."""
    lines = [
        f"{take.utterance}, seed {take.seed}: {margin.metric}"
        for take in takes
        for margin in margins
        if _lacks(take.measurements.get(margin.metric))
    ]
    return [f"{len(lines)} numbers are missing: {_some(lines)}"] if lines else []


def _lacks(measured: Measurement | None) -> bool:
    return measured is None or (not measured.is_known and measured.applicable)


def _not_of_a_piece(run: Finished, sidecars: Sequence[Sidecar | None]) -> list[str]:
    """Takes that are damaged, or come from different systems, devices or samplings."""
    against = []
    intact = [sidecar for sidecar in sidecars if sidecar is not None]
    if damaged := len(sidecars) - len(intact):
        against.append(f"the audio of {damaged} takes is missing or not what was judged: {HOW_TO_RUN}")
    for what, values in {
        "systems": [sidecar.system for sidecar in intact],
        "devices": [f"{sidecar.provenance.device} {sidecar.provenance.dtype}" for sidecar in intact],
        "samplings": [schema.encode(sidecar.sampling).decode() for sidecar in intact],
    }.items():
        if len(set(values)) > 1:
            against.append(f"takes of {len(set(values))} {what} are mixed: {_some(sorted(set(values)))}")
    if intact and {sidecar.system for sidecar in intact} != {run.about.system}:
        against.append(f"its takes are not those of the system that the run describes: {HOW_TO_RUN}")
    return against


def _accepted(
    run: Finished,
    sidecars: Sequence[Sidecar],
    takes: Sequence[BaselineTake],
    worse: Sequence[str],
    before: Baseline | None,
    terms: Terms,
) -> Accepted:
    """Who, when and why, and all that shaped the takes."""
    sidecar = sidecars[0]
    provenance = sidecar.provenance
    return Accepted(
        by=terms.by,
        on=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        system=sidecar.system,
        override=terms.override if worse else "",
        found_worse=tuple(worse),
        gates=terms.profile.name,
        rules=run.about.rules.hashes,
        model=Model(provenance.model, provenance.revision, provenance.codec_revision),
        fingerprint=golden.fingerprint(run.about, provenance),
        sampling=sidecar.sampling,
        largest_batch=max(len(one.batch) or 1 for one in sidecars),
        packages=packages() | provenance.packages,
        anchor=_anchor(before, terms, golden.fingerprint(run.about, provenance), takes),
        before=() if before is None else (*before.accepted.before, _predecessor(before.accepted)),
    )


def _predecessor(accepted: Accepted) -> Predecessor:
    return Predecessor(
        by=accepted.by,
        on=accepted.on,
        system=accepted.system,
        override=accepted.override,
        found_worse=accepted.found_worse,
    )


def packages() -> dict[str, str]:
    """What measures here, with its versions."""
    from importlib.metadata import version

    return {name: version(name) for name in ("numpy", "scipy", "torch", "torchaudio", "soxr", "resemblyzer")}
