"""By what a run is judged: the limits that hold, and by hash all that a person wrote to say so."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from harness.audio import content_hash
from harness.corpus import Reference, Utterance
from harness.records.gate import Gate
from harness.records.schema import Record, encode


class Rules(Record, frozen=True, kw_only=True):
    """What a take and a release must satisfy, and which texts and voices it was about."""

    gates: tuple[Gate, ...] = ()
    """As they were resolved: of the profile, with the overrides for the backend."""
    margins: str = ""
    policy: str = ""
    corpus: dict[str, str] = msgspec.field(default_factory=dict)
    """By suite."""
    voices: dict[str, str] = msgspec.field(default_factory=dict)
    """By voice, of its sound and its transcript."""
    require: tuple[str, ...] = ()
    """What a run must have been judged by before it may pass."""

    @classmethod
    def of(
        cls,
        gates: Iterable[Gate],
        margins: Any,
        policy: Any,
        corpus: Mapping[str, Iterable[Utterance]],
        voices: Iterable[Reference],
        require: Iterable[str] = (),
    ) -> "Rules":
        """The rules that hold."""
        return cls(
            gates=tuple(gates),
            margins=_hash(margins),
            policy=_hash(policy),
            corpus={suite: _hash(tuple(rows)) for suite, rows in sorted(corpus.items())},
            voices={
                voice.id: _hash((voice.sha256, voice.transcript, voice.language, voice.speaker)) for voice in voices
            },
            require=tuple(require),
        )

    @property
    def hashes(self) -> dict[str, str]:
        """One hash for each part."""
        return {
            "gates": _hash(self.gates),
            "margins": self.margins,
            "policy": self.policy,
            "corpus": _hash(self.corpus),
            "voices": _hash(self.voices),
        }

    def differences(self, other: "Rules") -> list[str]:
        """What differs, by name; `other` is what holds now."""
        lines = []
        ours, theirs = ({gate.name: gate for gate in rules.gates} for rules in (self, other))
        for name in sorted(ours.keys() | theirs.keys()):
            judged, holds = ours.get(name), theirs.get(name)
            if judged is None or holds is None:
                lines.append(f"gate {name} {'was not there' if judged is None else 'is not there any more'}")
            elif judged != holds:
                changed = judged.limit != holds.limit
                lines.append(
                    f"gate {name} judged by {judged.limit}, now by {holds.limit}"
                    if changed
                    else f"gate {name} is another than it was"
                )
        lines += [
            f"the {part} of gates.toml {verb} what judged"
            for part, verb in (("margins", "are not"), ("policy", "is not"))
            if getattr(self, part) != getattr(other, part)
        ]
        lines += [f"{name} was not required" for name in other.require if name not in self.require]
        for what, was, now in (("suite", self.corpus, other.corpus), ("voice", self.voices, other.voices)):
            lines += [
                f"{what} {name} is not what it was"
                for name in sorted(was.keys() | now.keys())
                if was.get(name) != now.get(name)
            ]
        return lines


def _hash(value: Any) -> str:
    return content_hash(encode(value))[:16]
