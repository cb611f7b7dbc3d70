"""Making a run the accepted release: the rules, and the only way into `golden/`.

A run is accepted suite by suite, from what its test run left behind (run.json and the store). Nothing enters that any
gate has failed, that is not whole, or whose parts do not belong together; only "it was compared and found worse" can be
overridden, with a reason that stays in the baseline.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from harness.audio import write_atomically
from harness.baseline import golden, history
from harness.baseline.golden import Baseline, Record
from harness.corpus import load_corpus
from harness.decision.gates import Profile
from harness.decision.policy import Margin, Policy
from harness.decision.regression import changes
from harness.decision.release import Asked, Decisions
from harness.errors import GoldenError
from harness.store import Store

MOST_SHOWN = 3
MOST_WORST = 12


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended: its manifest, and the takes that it is about."""

    manifest: Mapping[str, Any]
    store: Store

    @classmethod
    def read(cls, out: Path) -> "Finished":
        """What a test run left in its output folder.

        Raises:
            GoldenError: There is none, or it is damaged.
        """
        path = out / "run.json"
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            return cls({"takes": [], "comparisons": [], "about": {}, **manifest}, Store(out))
        except FileNotFoundError as error:
            raise GoldenError(f"{path} is missing: run pytest suites/ --takes 3 first, or name its --out") from error
        except (ValueError, TypeError) as error:
            raise GoldenError(f"{path} is damaged ({error}): run pytest suites/ again") from error

    @property
    def about(self) -> Mapping[str, str]:
        about: Mapping[str, str] = self.manifest["about"]
        return about

    def takes(self, suite: str) -> list[Mapping[str, Any]]:
        """What was noted of each take of a suite."""
        return [one for one in self.manifest["takes"] if one["suite"] == suite]

    def records(self, suite: str) -> list[Record]:
        """The takes of a suite as a baseline holds them."""
        return [Record.of(one, self.store.sidecar(one["digest"])) for one in self.takes(suite)]

    def found_worse(self, suite: str) -> list[str]:
        """Comparisons that this suite has part in and that failed."""
        about = {suite, "all", *(f"voice {one['speaker']}" for one in self.takes(suite))}
        return [
            f"{one['gate']} ({one['stratum']}): {one['observed']}"
            for one in self.manifest["comparisons"]
            if one["outcome"] == "FAIL" and one["suite"] in about
        ]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who accepts, and on which terms."""

    by: str
    override: str
    profile: Profile
    policy: Policy
    margins: tuple[Margin, ...]
    folder: Path
    audio: Path | None
    corpus: Path


def accept(run: Finished, suite: str, terms: Acceptance) -> Path:
    """Make a run's takes of a suite the accepted release; the file that was written.

    Raises:
        GoldenError: The run may not become a baseline; says all that is against it.
    """
    if not terms.by.strip():
        raise GoldenError("nobody accepts: give --by NAME, which is kept in the baseline")
    takes, records = run.takes(suite), run.records(suite)
    sidecars = [run.store.sidecar(one["digest"]) for one in takes]
    against = _not_whole(run, suite, terms) or [
        *_not_sound(takes, suite, terms.profile),
        *_not_measured(records, terms.margins),
        *_not_of_a_piece(run, sidecars),
    ]
    worse = run.found_worse(suite)
    if worse and not terms.override.strip():
        against.append(f'was compared and found worse: {_some(worse)}; --override "REASON" accepts it all the same')
    if against:
        raise GoldenError("\n".join(f"suite {suite!r} is not accepted: {line}" for line in against))
    kept = [one for one in sidecars if one is not None]
    before = golden.read(terms.folder, run.about["backend"], suite)
    baseline = Baseline(run.about["backend"], suite, _accepted(run, kept, worse, before, terms), tuple(records))
    if terms.audio is not None:
        for one in kept:
            source = run.store.path(one["digest"])
            write_atomically(golden.kept_sound(terms.audio, one["sha256"]), source.read_bytes())
    said = {key: baseline.accepted[key] for key in ("by", "override", "found_worse", "system")}
    history.append(run.store.out / history.NAME, {"event": "accepted", "suite": suite, **said})
    return golden.write(terms.folder, baseline)


def difference(run: Finished, suite: str, terms: Acceptance) -> list[str]:
    """The accepted release beside a run, metric by metric and then utterance by utterance, worst first.

    Raises:
        GoldenError: Nothing was accepted, or the two cannot be compared.
    """
    old = golden.read(terms.folder, run.about["backend"], suite)
    if old is None:
        raise GoldenError(f"no release was accepted in suite {suite!r}: {golden.how_to_accept(suite)}")
    sidecars = [run.store.sidecar(take["digest"]) for take in run.takes(suite)]
    records = run.records(suite)
    prints = [golden.fingerprint(run.about, side["provenance"]) for side in sidecars if side is not None]
    if complaints := golden.mismatches(suite, records, prints, old, terms.margins):
        raise GoldenError("\n".join(complaints))
    takes = len({record.seed for record in records})
    decisions = Decisions(Asked((suite,), False, terms.policy, terms.margins, (takes,)))
    decisions.look({suite: records}, {suite: old.records})
    rows = golden.layout({suite: records}).utterances
    sides = [golden.panel(side, rows, terms.margins) for side in (old.records, records)]
    accepted = old.accepted
    lines = [
        f"{suite}: accepted by {accepted['by']} on {accepted['on']}: {accepted['system']}",
        f"{'':<{len(suite)}}  this run: {run.about['system']}",
        f"{'metric':<20}{'accepted':>10}{'now':>10}{'change':>10}  {'interval':<24}{'margin':>8}  answer",
    ]
    changed = []
    for one, verdict in decisions.verdicts.values():
        margin = next(margin for margin in terms.margins if margin.metric == one.metric)
        means = decisions.levels[one.stratum, one.metric]
        low, high = margin.told(one.low), margin.told(one.high)
        lines.append(
            f"{one.metric:<20}{means[0]:>10.4g}{means[1]:>10.4g}{margin.told(one.delta):>+10.3g}  "
            f"{f'{low:+.3g} to {high:+.3g}':<24}{margin.margin:>8g}  {verdict.outcome}"
        )
        each = changes(margin, sides[1], sides[0])
        worse = -np.abs(each) if margin.better == "neither" else each
        changed += [(worse[at] / margin.lost, name, margin, margin.told(each[at])) for at, name in enumerate(rows)]
    lines.append(
        "changes are oriented: positive is better; a relative one is a share of the accepted value. Worst first:"
    )
    for size, name, margin, change in sorted(changed, key=lambda row: row[0])[:MOST_WORST]:
        lost = "  lost" if size < -1 else ""
        lines.append(f"  {name:<20}{margin.metric:<20}{change:+.3g} {margin.unit_of_change}{lost}")
    return lines


def _some(lines: Sequence[str]) -> str:
    more = len(lines) - MOST_SHOWN
    return "; ".join(lines[:MOST_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _not_whole(run: Finished, suite: str, terms: Acceptance) -> list[str]:
    """Whether the run came to its end, and which utterances and seeds are missing."""
    broken = [run.manifest.get("incomplete", "")]
    broken += [f"{test}: {how}" for test, how in run.manifest.get("harness_errors", {}).items()]
    broken += [f"{test}: {how}" for test, how in run.manifest.get("failed_otherwise", {}).items()]
    if any(broken):
        return [f"the run is not sound: {_some([line for line in broken if line])}"]
    takes = run.takes(suite)
    seeds = sorted({one["seed"] for one in takes})
    if len(seeds) < terms.policy.accepted_takes:
        return [
            f"{len(seeds)} takes of each utterance; {terms.policy.accepted_takes} are needed: "
            f"run pytest suites/ --takes {terms.policy.accepted_takes}"
        ]
    there = {(one["utterance"], one["seed"]) for one in takes}
    wanted = {(row.id, seed) for row in load_corpus(suite, terms.corpus) for seed in seeds}
    missing = [f"{name}, seed {seed}" for name, seed in sorted(wanted - there)]
    foreign = [f"{name}, seed {seed}" for name, seed in sorted(there - wanted)]
    mine = {name for name, _ in wanted}
    refused = [
        f"{one['utterance']}, seed {one['seed']} ({one['why']})"
        for one in run.manifest.get("refused", ())
        if one["utterance"] in mine
    ]
    return [
        f"{len(lines)} takes {what}: {_some(lines)}"
        for what, lines in (("are missing", missing), ("are not in the corpus", foreign), ("were not judged", refused))
        if lines
    ]


def _not_sound(takes: Sequence[Mapping[str, Any]], suite: str, profile: Profile) -> list[str]:
    """Gates that a take did not pass, or was not asked."""
    wanted = {gate.name for gate in profile.gates if gate.is_for(suite)}
    failed, unasked = [], []
    for one in takes:
        name = f"{one['utterance']}, seed {one['seed']}"
        failed += [
            f"{name}: {verdict['outcome']} {verdict['gate']}"
            for verdict in one["verdicts"]
            if verdict["outcome"] not in ("PASS", "WARN", "REFUSED")
        ]
        if gates := wanted - {verdict["name"] for verdict in one["verdicts"]}:
            unasked.append(f"{name}: {', '.join(sorted(gates))}")
    return [
        f"{len(lines)} {what}: {_some(lines)}"
        for what, lines in (("verdicts are not PASS", failed), ("takes were not asked every gate", unasked))
        if lines
    ]


def _not_measured(records: Sequence[Record], margins: Sequence[Margin]) -> list[str]:
    lines = [
        f"{record.utterance}, seed {record.seed}: {margin.metric}"
        for record in records
        for margin in margins
        if _lacks(record.measurements.get(margin.metric))
    ]
    return [f"{len(lines)} numbers are missing: {_some(lines)}"] if lines else []


def _lacks(found: Mapping[str, Any] | None) -> bool:
    return found is None or (found["value"] is None and found.get("applicable", True))


def _not_of_a_piece(run: Finished, sidecars: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """Takes that are damaged, or come from different systems, devices or samplings."""
    against = []
    damaged = sum(one is None for one in sidecars)
    if damaged:
        against.append(f"the audio of {damaged} takes is missing or not what was judged: run pytest suites/ again")
    kept = [one for one in sidecars if one is not None]
    for what, values in {
        "systems": [one["system"] for one in kept],
        "devices": [f"{one['provenance']['device']} {one['provenance']['dtype']}" for one in kept],
        "samplings": [json.dumps(one["sampling"], sort_keys=True) for one in kept],
    }.items():
        if len(set(values)) > 1:
            against.append(f"takes of {len(set(values))} {what} are mixed: {_some(sorted(set(values)))}")
    if kept and {one["system"] for one in kept} != {run.about["system"]}:
        against.append("its takes are not those of the system that the run describes: run pytest suites/ again")
    return against


def _accepted(
    run: Finished,
    sidecars: Sequence[Mapping[str, Any]],
    worse: Sequence[str],
    before: Baseline | None,
    terms: Acceptance,
) -> dict[str, Any]:
    """Who, when and why, and all that shaped the takes."""
    one = sidecars[0]
    line = (
        []
        if before is None
        else [
            *before.accepted["line"],
            {key: before.accepted[key] for key in ("by", "on", "system", "override", "found_worse")},
        ]
    )
    return {
        "by": terms.by,
        "on": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "override": terms.override if worse else "",
        "found_worse": list(worse),
        "gates": terms.profile.name,
        "system": one["system"],
        "model": {key: one["provenance"][key] for key in ("model", "revision", "codec_revision")},
        "fingerprint": golden.fingerprint(run.about, one["provenance"]),
        "sampling": one["sampling"],
        "largest_batch": max(len(side["batch"]) for side in sidecars),
        "packages": _packages() | dict(one["provenance"]["packages"]),
        "line": line,
    }


def _packages() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("numpy", "scipy", "torch", "torchaudio", "soxr", "resemblyzer")}
