"""Checkpoints from the hub: downloaded unless they are here, and one remedy for each way in which that fails."""

import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from harness.errors import UsageError

STANDSTILL_S = 300.0
"""A download of which nothing arrives for so long is given up; how long a whole one takes is the line's affair."""


def download(flag: str, repository: str, revision: str, patterns: Sequence[str]) -> Path:
    """The folder of a snapshot, whole; its name is the hub's commit.

    Args:
        flag: The option that named the repository, for complaints.
        repository: OWNER/NAME.
        revision: Commit, branch or tag; empty for the newest.
        patterns: Which files are wanted.

    Raises:
        UsageError: The hub does not give it; says why and what to do.
    """
    from huggingface_hub import constants, snapshot_download

    done: list[Path | Exception] = []

    def fetch() -> None:
        try:
            done.append(Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(patterns))))
        except Exception as error:  # noqa: BLE001 - the hub's client raises what its HTTP library and parser raise
            done.append(error)

    fetching = threading.Thread(target=fetch, name=f"download of {repository}", daemon=True)
    fetching.start()
    here = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    held, since = -1, monotonic()
    while fetching.is_alive():
        fetching.join(timeout=min(1.0, STANDSTILL_S / 10))
        if (now := _bytes_in(here)) != held:
            held, since = now, monotonic()
        if fetching.is_alive() and monotonic() - since > STANDSTILL_S:
            raise UsageError(
                f"{flag} {repository}: the download stands still at {held / 1e9:.2f} GB since {STANDSTILL_S:g} s: see "
                f"to the network, run '{_fetch(repository, revision)}' and start again, it goes on where it stopped"
            )
    (outcome,) = done
    if isinstance(outcome, Exception):
        raise UsageError(f"{flag} {repository}: {_remedy(outcome, flag, repository, revision)}") from outcome
    return outcome


def _bytes_in(folder: Path) -> int:
    """What of a repository is on this machine, half a file too."""
    total = 0
    for path in (folder / "blobs").glob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # renamed meanwhile: it is whole
            continue
    return total


def _fetch(repository: str, revision: str) -> str:
    return f"hf download {repository}" + (f" --revision {revision}" if revision else "")


def _remedy(error: Exception, flag: str, repository: str, revision: str) -> str:
    """What is wrong and what to do about it, in one line; the most special kind of error first."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/{repository}"
    fetch = _fetch(repository, revision)
    if isinstance(error, errors.GatedRepoError):
        return (
            f"is gated, and this machine's account has not been let in: accept its terms at {page}, then log in with "
            "'hf auth login' or set HF_TOKEN"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"the hub has no such repository, or it is private: check the name given with {flag}; for a private one "
            "log in with 'hf auth login' or set HF_TOKEN"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"has no revision {revision!r}: choose a commit, branch or tag from {page}/commits/main and give it with "
            f"{'--revision' if flag == '--model' else f'{flag}-revision'}"
        )
    status = getattr(getattr(error.__cause__ or error, "response", None), "status_code", None)
    if status in {401, 403, 407}:
        return (
            f"the hub, or a proxy before it, refuses access (HTTP {status}): log in with 'hf auth login' or set "
            "HF_TOKEN to a token that is still valid"
        )
    if status is not None and status >= 500:
        return f"the hub answers with HTTP {status}: try again later, or give a folder"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return (
            "is no folder here, is not whole in this machine's cache, and the hub is not reached: check the path, or "
            f"run '{fetch}' where there is a network and copy the folder"
        )
    if isinstance(error, OSError) and error.errno == 28:
        return "the disk is full: free 15 GB, or point HF_HOME to another disk"
    if isinstance(error, ValueError | KeyError | TypeError | errors.FileMetadataError):  # HTML in place of JSON
        return (
            "what answers is not the hub (a page of a proxy or a login page?): let this machine reach "
            "huggingface.co, or set HF_ENDPOINT to your mirror"
        )
    return f"the download broke off ({_first_line(error)}): run '{fetch}' and start again, it goes on where it stopped"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
