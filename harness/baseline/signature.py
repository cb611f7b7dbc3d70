"""Signing a run: a person's decision, bound to the record of one run by its hash."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from harness.audio import content_hash
from harness.errors import RecordError, UsageError
from harness.records import run_record, schema
from harness.records.listening import RATINGS_FOLDER, SESSION_NAME, Kind, Ratings, Session
from harness.records.run_record import RunRecord
from harness.records.signature import HOW_TO_SIGN, NAME, Decision, Signature
from harness.records.take_record import TakeKey


def run_hash(out: Path) -> str:
    """sha256 of the record of the run in an output folder.

    Raises:
        RecordError: There is none.
    """
    try:
        return content_hash((out / run_record.NAME).read_bytes())
    except OSError as error:
        raise RecordError(
            f"{out / run_record.NAME} cannot be read ({error.strerror}): {run_record.HOW_TO_RUN}"
        ) from error


def sign(out: Path, by: str, decision: Decision, note: str = "", listened: Iterable[TakeKey] = ()) -> Signature:
    """Write a signature beside a run; a signature that stood there is replaced.

    Args:
        out: The run's output folder.
        by: Who signs.
        decision: Ship or hold.
        note: Why; needed where the release ships although the gate did not say PASS.
        listened: Takes that the signer heard, beside those of the run's listening session.

    Raises:
        RecordError: There is no run.
        UsageError: Nobody signs, or an override has no note.
    """
    name = run_hash(out)
    run = schema.read(out / run_record.NAME, RunRecord, run_record.HOW_TO_RUN)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    heard = tuple(sorted({*listened, *heard_in_session(out, name)}))
    signature = Signature(
        by=by.strip(), on=now, decision=decision, note=note.strip(), run=name, verdict=run.verdict, listened=heard
    )
    return keep(out, signature)


def keep(out: Path, signature: Signature) -> Signature:
    """Write a signature, also one that the report's button made, after checking it against the run.

    Raises:
        RecordError: It is of another run.
        UsageError: It names nobody, or ships against the verdict without a note.
    """
    run = schema.read(out / run_record.NAME, RunRecord, run_record.HOW_TO_RUN)
    name = run_hash(out)
    if signature.run != name or signature.verdict != run.verdict:
        raise RecordError(f"this signature is of run {signature.run[:12]}, {out} holds run {name[:12]}: {HOW_TO_SIGN}")
    if not signature.by:
        raise UsageError("nobody signs: give --by NAME")
    if signature.overrides and not signature.note:
        raise UsageError(
            f"the verdict is {signature.verdict}; a release that ships all the same needs its reason: give --note WHY"
        )
    schema.write(out / NAME, signature)
    return signature


def of(out: Path) -> Signature | None:
    """The signature of the run in an output folder; None where nobody signed.

    Raises:
        RecordError: It is damaged, or of another run than the one that lies there.
    """
    try:
        signature = schema.read(out / NAME, Signature, HOW_TO_SIGN)
    except FileNotFoundError:
        return None
    if signature.run != run_hash(out):
        raise RecordError(f"{out / NAME} is the signature of another run: {HOW_TO_SIGN}")
    return signature


def heard_in_session(out: Path, run: str) -> set[TakeKey]:
    """New takes that listeners of the run's session answered for."""
    folder = out / "listening"
    try:
        session = schema.read(folder / SESSION_NAME, Session, "plan it anew with python -m harness listen")
    except FileNotFoundError:
        return set()
    if session.run != run:
        return set()
    trials = {trial.number: trial for trial in session.trials if trial.kind != Kind.CHECK}
    heard = set()
    for path in sorted((folder / RATINGS_FOLDER).glob("*.json")):
        ratings = schema.read(path, Ratings, "take it away, or save it again")
        for rating in ratings.ratings:
            if ratings.session == session.id and rating.trial in trials:
                trial = trials[rating.trial]
                heard.add(TakeKey(trial.suite, trial.utterance, trial.seed))
    return heard
