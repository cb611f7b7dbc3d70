"""Baselines: the measurements of the accepted release. Read, written, checked against a run; never by a test run.

    golden/BACKEND/SUITE.json     who accepted what and when, then one take a line, then the hash of all that

Conventions
    A record is one take: its utterance, seed and speaker, what was asked (hashed, without the system that answered),
    the hash of its audio, and every measurement with value, unit, version and components. A value of None could not be
    measured and says why. Records of one baseline share a fingerprint: scorers, device, data type.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.audio import content_hash, write_atomically
from harness.decision.policy import Margin
from harness.decision.regression import Layout, Panel
from harness.errors import GoldenError

SCORERS = ("encoder", "--asr", "--asr-2")
"""What of a run's description says with what it was measured; a recogniser that was not given is "none"."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a take."""

    utterance: str
    seed: int
    speaker: str
    question: str
    """sha256 of text, reference, chunks, sampling and seed; empty where there is no audio."""
    audio: str
    """sha256 of the sound file; empty where there is none."""
    measurements: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, entry: Mapping[str, Any], sidecar: Mapping[str, Any] | None) -> "Record":
        """From what a test run noted about a take, and the file beside its audio."""
        return cls(
            utterance=entry["utterance"],
            seed=entry["seed"],
            speaker=entry["speaker"],
            question=_question(sidecar) if sidecar else "",
            audio=sidecar["sha256"] if sidecar else "",
            measurements={
                name: {
                    "value": _rounded(found["value"]),
                    "unit": found["unit"],
                    "version": found["version"],
                    "components": {key: _rounded(part) for key, part in found["components"].items()},
                    **({"why_not": found["why_not"]} if found["why_not"] else {}),
                    **({} if found["applicable"] else {"applicable": False}),
                }
                for name, found in entry["measurements"].items()
            },
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """The accepted release in one suite."""

    backend: str
    suite: str
    accepted: Mapping[str, Any]
    """Who, when, why; system, fingerprint, sampling, packages; and the line of those before it."""
    records: tuple[Record, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({record.seed for record in self.records}))

    def sound_of(self, utterance: str, seed: int, folder: Path | None) -> "Sound | None":
        """What the accepted take of an utterance and seed sounds like; None where there is no such take."""
        takes = (one for one in self.records if (one.utterance, one.seed) == (utterance, seed) and one.audio)
        return next((Sound(one.audio, folder and kept_sound(folder, one.audio)) for one in takes), None)


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of an accepted take: what it must be, and where it would lie."""

    sha256: str
    path: Path | None
    """None where no folder was named."""


def _question(sidecar: Mapping[str, Any]) -> str:
    asked = {key: sidecar[key] for key in ("chunks", "reference", "sampling", "seed")} | {
        key: sidecar["utterance"][key] for key in ("id", "text", "language")
    }
    return content_hash(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode())[:16]


def _rounded(value: float | None) -> float | None:
    """Six digits: what a ruler of float32 has, and the same text on every machine."""
    return None if value is None or not np.isfinite(value) else float(f"{value:.6g}")


def fingerprint(about: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, str]:
    """With what and on what a take was made and measured; different ones are not compared."""
    return {name: about[name] for name in SCORERS if about.get(name, "none") != "none"} | {
        "device": str(provenance["device"]),
        "dtype": str(provenance["dtype"]),
    }


def path_of(folder: Path, backend: str, suite: str) -> Path:
    """Where the baseline of a suite lies."""
    return folder / backend / f"{suite}.json"


def kept_sound(folder: Path, sha256: str) -> Path:
    """Where the sound of an accepted take lies, in the folder that the team chose for them."""
    return folder / f"{sha256}.wav"


def read(folder: Path, backend: str, suite: str) -> Baseline | None:
    """The baseline of a suite; None where there is none.

    Raises:
        GoldenError: The file is damaged or was changed by hand.
    """
    path = path_of(folder, backend, suite)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        found, said = {key: kept[key] for key in ("accepted", "takes")}, kept["sha256"]
        records = tuple(Record(**take) for take in found["takes"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise GoldenError(f"{path} is damaged ({error!r}): restore it, or {how_to_accept(suite)}") from error
    if content_hash(_canonical(found)) != said:
        raise GoldenError(
            f"{path} was changed by hand: its content hash is another; restore it, or {how_to_accept(suite)}"
        )
    if (found["accepted"].get("backend"), found["accepted"].get("suite")) != (backend, suite):
        raise GoldenError(f"{path} is the baseline of another backend or suite; {how_to_accept(suite)}")
    return Baseline(backend, suite, found["accepted"], records)


def write(folder: Path, baseline: Baseline) -> Path:
    """Write a baseline; only `accept` calls this."""
    takes = [asdict(record) for record in sorted(baseline.records, key=lambda record: (record.utterance, record.seed))]
    accepted = {**baseline.accepted, "backend": baseline.backend, "suite": baseline.suite}
    said = content_hash(_canonical({"accepted": accepted, "takes": takes}))
    lines = ",\n".join(json.dumps(take, sort_keys=True, ensure_ascii=False) for take in takes)
    head = json.dumps(accepted, sort_keys=True, ensure_ascii=False)
    path = path_of(folder, baseline.backend, baseline.suite)
    write_atomically(path, f'{{\n"accepted": {head},\n"takes": [\n{lines}\n],\n"sha256": "{said}"\n}}\n'.encode())
    return path


def _canonical(found: Mapping[str, Any]) -> bytes:
    return json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def how_to_accept(suite: str) -> str:
    """The way to a baseline, as a command."""
    return f"run pytest suites/ --takes 3, then python -m harness accept {suite} --by NAME"


def mismatches(
    suite: str, records: Sequence[Record], prints: Iterable[Mapping[str, str]], old: Baseline, margins: Sequence[Margin]
) -> list[str]:
    """Why a run and a baseline cannot be compared, one line each; keys are compared both ways."""
    complaints = []
    for found in prints:
        for key in sorted(found.keys() | old.accepted["fingerprint"].keys()):
            ours, theirs = found.get(key), old.accepted["fingerprint"].get(key)
            # Without a recogniser its numbers are gone, or new: that is judged metric by metric.
            if ours != theirs and not (key.startswith("--") and None in (ours, theirs)):
                complaints.append(f"{suite} was accepted with {key} {theirs!r}, this run has {ours!r}")
    here, there = {record.utterance for record in records}, {record.utterance for record in old.records}
    complaints += [f"{name} is in the run and not in the baseline" for name in sorted(here - there)]
    complaints += [f"{name} is in the baseline and not in the run" for name in sorted(there - here)]
    asked = {(record.utterance, record.seed): record.question for record in old.records}
    for record in records:
        known = asked.get((record.utterance, record.seed))
        if record.question and known and known != record.question:
            complaints.append(f"{record.utterance}: text, reference, chunks or sampling are not those of the baseline")
    for margin in margins:
        versions = [{_version(record, margin.metric) for record in side} for side in (records, old.records)]
        if versions[0] != versions[1]:
            ours, theirs = (" and ".join(sorted(side)) for side in versions)
            complaints.append(f"{suite} was accepted with {margin.metric} {theirs}, this run has {ours}")
    again = "accept the released model anew"
    return [f"{line}: {again}: {how_to_accept(suite)}" for line in dict.fromkeys(complaints)]


def _version(record: Record, metric: str) -> str:
    found = record.measurements.get(metric)
    return f"v{found['version']}" if found else "no measurement"


def panel(records: Sequence[Record], utterances: Sequence[str], margins: Sequence[Margin]) -> Panel:
    """The values of a side, rows in the order of `utterances`; NaN where a take or a number is missing."""
    seeds = tuple(sorted({record.seed for record in records}))
    row = {name: number for number, name in enumerate(utterances)}
    column = {seed: number for number, seed in enumerate(seeds)}
    values = {margin.metric: np.full((len(row), len(seeds)), np.nan) for margin in margins}
    for record in records:
        at = row[record.utterance], column[record.seed]
        for name, matrix in values.items():
            found = record.measurements.get(name)
            if found is not None and found["value"] is not None:
                matrix[at] = found["value"]
    return Panel(seeds, values)


def layout(records: Mapping[str, Sequence[Record]]) -> Layout:
    """The rows of both panels: every utterance of the run, suite by suite."""
    rows = sorted({(suite, one.utterance, one.speaker) for suite, kept in records.items() for one in kept})
    return Layout(
        utterances=tuple(utterance for _, utterance, _ in rows),
        suites=tuple(suite for suite, _, _ in rows),
        speakers=tuple(speaker for _, _, speaker in rows),
    )


def unmeasured(new: Sequence[Record], old: Sequence[Record], metric: str) -> dict[str, str]:
    """Utterances of which the run has no number and the baseline has, each with the reason."""
    could = {one.utterance for one in old if one.measurements.get(metric, {}).get("value") is not None}
    return {
        one.utterance: str(one.measurements.get(metric, {}).get("why_not", "it was not measured"))
        for one in new
        if one.utterance in could and one.measurements.get(metric, {}).get("value") is None
    }
