"""Checkpoints from the hub: downloaded unless they are here, and one remedy for each way in which that fails."""

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError


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
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(patterns)))
    except Exception as error:
        raise UsageError(f"{flag} {repository}: {_remedy(error, flag, repository, revision)}") from error


def _remedy(error: Exception, flag: str, repository: str, revision: str) -> str:
    """What is wrong and what to do about it, in one line; the most special kind of error first."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/{repository}"
    fetch = f"hf download {repository}" + (f" --revision {revision}" if revision else "")
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
