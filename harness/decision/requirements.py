"""What a run must have been judged by before it may pass: `[policy] require = [...]` of gates.toml, and `--require`.

    whole                                      nothing of the release was left out
    words, second_words                        every take by a gate on the words that can stop a release
    encoder, recognizer, second_recognizer,    the instrument was given
    predictor

A run that lacks one is INCONCLUSIVE, whatever its gates said, and says in one line what to give.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import shipped
from harness.decision import gates_file
from harness.documents import typed
from harness.errors import GateError
from harness.records.gate import Outcome, Verdict
from harness.records.run_record import RunRecord
from harness.records.take_record import TakeRecord

_WORDS = {"words": ("recognizer", "--asr"), "second_words": ("second_recognizer", "--asr-2")}
_INSTRUMENTS = {
    "encoder": "--speaker-encoder",
    "recognizer": "--asr",
    "second_recognizer": "--asr-2",
    "predictor": "--speech-quality",
}
KNOWN = ("whole", *_WORDS, *_INSTRUMENTS)


@dataclass(frozen=True, slots=True)
class _Table:
    """`[policy]`."""

    require: tuple[str, ...] = ()


def load(path: Path = shipped.GATES, more: Iterable[str] = ()) -> tuple[str, ...]:
    """What a gates.toml and the file that it extends require, and what else was asked for; each once.

    Raises:
        GateError: A requirement is unknown.
    """
    named = [
        (name, where)
        for where, table in gates_file.read(path).policies()
        for name in typed(_Table, table, where, GateError).require
    ]
    named += [(name, "--require") for name in more]
    for name, where in named:
        if name not in KNOWN:
            raise GateError(f"{where}: {name!r} cannot be required; {', '.join(KNOWN)} can")
    return tuple(dict.fromkeys(name for name, _ in named))


def unmet(
    required: Iterable[str], partial: str, instruments: Mapping[str, str], takes: Sequence[TakeRecord]
) -> tuple[str, ...]:
    """What a run lacks of what is required, one line each with what to give; nothing where it lacks nothing.

    Args:
        required: Names of `KNOWN`.
        partial: How much of the release was judged, where that was not the whole.
        instruments: The fingerprints of the models that measured.
        takes: With their verdicts.
    """
    lines = []
    for name in required:
        if name == "whole":
            lacks = f"judged were {partial}: name no part of the suites, deselect no test" if partial else ""
        elif name in _WORDS:
            lacks = _unheard(name, instruments, takes)
        else:
            given = name in instruments
            lacks = "" if given else f"it was not given: give {_INSTRUMENTS[name]}"
        if lacks:
            lines.append(f"{name}: {lacks}")
    return tuple(lines)


def unmet_by(run: RunRecord, more: Iterable[str]) -> list[str]:
    """What a run that is over lacks of what it was asked for and of what else is required, for a message."""
    required = dict.fromkeys((*run.about.rules.require, *more))
    partial = "" if run.scope.is_whole else str(run.scope)
    return [f"required and missing: {line}" for line in unmet(required, partial, run.about.instruments, run.takes)]


def _unheard(name: str, instruments: Mapping[str, str], takes: Sequence[TakeRecord]) -> str:
    """Why the words of some takes were judged by nothing that can stop a release."""
    instrument, option = _WORDS[name]
    if instrument not in instruments:
        return f"no recogniser was given: give {option} FOLDER_OR_HUB_ID"
    spoken = [take for take in takes if take.audio]
    second = name == "second_words"
    unheard = [take for take in spoken if not any(_judges_words(verdict, second) for verdict in take.verdicts)]
    if not unheard:
        return ""
    languages = ", ".join(sorted({take.language for take in unheard}))
    return (
        f"no gate that can stop a release judged the words of {len(unheard)} of {len(spoken)} takes ({languages}), the "
        f"first {unheard[0].key}: give a recogniser ({option}) that gates.toml has limits of for the language, "
        f"or write a gate for {instruments[instrument]}"
    )


def _judges_words(verdict: Verdict, second: bool) -> bool:
    gate = verdict.gate
    of_this = bool(gate.recognisers) and gate.metric.startswith("second_") == second
    return of_this and not gate.advisory and verdict.outcome not in (Outcome.REFUSED, Outcome.WARN)
