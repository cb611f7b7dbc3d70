"""Conducting a session: planned once for a run, heard by any number of listeners, counted whenever somebody asks.

OUT/listening/session.json     the key: what stood behind each letter
OUT/listening/page/            what listeners get; it says nothing of what is which
OUT/listening/ratings/*.json   what each of them answered
"""

import secrets
from collections.abc import Sequence
from os.path import normpath
from pathlib import Path

from harness.audio import content_hash
from harness.baseline.signature import run_hash
from harness.decision.listening import Heard, Preference, PreferenceMargin, judged, preference
from harness.errors import UsageError
from harness.records import schema
from harness.records.listening import RATINGS_FOLDER, SESSION_NAME, Ratings, Session
from harness.records.run_record import HOW_TO_RUN, NAME, RunRecord
from harness.report.listening import server
from harness.report.listening.session import FOLDER, PAGE, Pair, plan, write_page

_AGAIN = "take it away, or save it from the session's page again"


def conduct(out: Path, wanted: int, add: Sequence[Path], port: int | None) -> int:
    """Plan the session of a run, or go on with it; serve its page until Ctrl-C, then say what was preferred.

    Args:
        out: The run's output folder.
        wanted: Pairs to be heard.
        add: Files of answers that came another way.
        port: To serve the page on, 0 for a free one; None only writes it.

    Raises:
        UsageError: There is no run, nothing to compare, or a file holds no answers to this session.
    """
    folder = out / FOLDER
    session = planned(out, wanted)
    for path in add:
        kept = server.keep(server.read_ratings(path.read_bytes(), session), folder)
        print(f"added {kept}")
    print(f"{len(session.trials)} questions: {folder / PAGE / 'index.html'}")
    if port is not None:
        running = server.serve(session, folder, folder / PAGE, port)
        try:
            print(f"listen at http://{server.ADDRESS}:{running.server_port}/ ; Ctrl-C ends it and counts", flush=True)
            running.serve_forever()
        except KeyboardInterrupt:
            print()
        finally:
            running.server_close()
    print(result(folder, session).said)
    return 0


def planned(out: Path, wanted: int) -> Session:
    """The session of the run in an output folder; planned and written now where there is none for this run."""
    folder, name = out / FOLDER, run_hash(out)
    try:
        session = schema.read(folder / SESSION_NAME, Session, f"take {folder} away")
    except FileNotFoundError:
        session = None
    if session is not None and session.run == name:
        return session
    if session is not None and any((folder / RATINGS_FOLDER).glob("*.json")):
        raise UsageError(f"{folder} holds answers about another run: move it away first")
    run = schema.read(out / NAME, RunRecord, HOW_TO_RUN)
    session, pairs = plan(pairs_of(run, out), wanted, name, secrets.randbits(63))
    write_page(session, pairs, folder / PAGE)
    schema.write(folder / SESSION_NAME, session)
    return session


def pairs_of(run: RunRecord, out: Path) -> list[Pair]:
    """Takes that can be heard beside the accepted release's, which must be the sound that was accepted."""
    pairs = []
    for take in run.takes:
        if not (take.accepted_audio and take.listen and take.reference_audio):
            continue
        accepted = Path(normpath(out / take.accepted_audio))
        if accepted.is_file() and content_hash(accepted.read_bytes()) == take.accepted_sha256:
            pairs.append(
                Pair(
                    suite=take.suite,
                    utterance=take.utterance,
                    seed=take.seed,
                    speaker=take.speaker,
                    language=take.language,
                    text=take.text,
                    accepted=accepted,
                    new=out / take.listen,
                    reference=out / take.reference_audio,
                )
            )
    return pairs


def heard(out: Path, margin: PreferenceMargin | None) -> Heard:
    """What listeners of the run in an output folder say of it, judged.

    Raises:
        RecordError: There is no run, or answers are damaged.
    """
    folder = out / FOLDER
    try:
        session = schema.read(folder / SESSION_NAME, Session, f"take {folder} away")
    except FileNotFoundError:
        session = None
    of_this = session is not None and session.run == run_hash(out)
    return judged(result(folder, session) if session is not None and of_this else None, margin)


def result(folder: Path, session: Session) -> Preference:
    """What the answers beside a session come to.

    Raises:
        RecordError: A file of answers is damaged.
        UsageError: One is of another session.
    """
    paths = sorted((folder / RATINGS_FOLDER).glob("*.json"))
    for path in paths:
        schema.read(path, Ratings, _AGAIN)
    return preference(session, [server.read_ratings(path.read_bytes(), session) for path in paths])
