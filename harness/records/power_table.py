"""The kept table of what the gates find: read, compared with a fresh one, told. `harness.lab.power` measures it.

    golden/power.json     by profile: false alarms by gate, detections by defect, severity and gate; `any` is any
                          blocking gate; each rate a count, its denominator and the ends of its interval

Conventions: a defect has a severity from which on a listener would send the take back (`rejected_from`), and where the
gates miss it there, a line that says why and what would find it (`would_find`).
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness import shipped
from harness.errors import UsageError

PROFILES = ("documented", "calibrated")
FOUND = 0.95  # of the takes with a defect: what counts as found


def read(path: Path = shipped.POWER) -> dict[str, Any]:
    """A kept table.

    Raises:
        UsageError: It is missing, or damaged.
    """
    try:
        table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not table["defects"].keys() or not table["profiles"].keys():
            raise ValueError("it is empty")
    except FileNotFoundError as error:
        raise UsageError(f"{path} is missing: write one with python -m harness power --out {path}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is damaged ({error!r}): write it anew with --out {path}") from error
    return table


def worse(kept: Mapping[str, Any], fresh: Mapping[str, Any]) -> list[str]:
    """What a fresh table does worse than the kept one, a line each; what the fresh one did not try is passed over.

    A detection is worse when its rate lies below the kept interval, false alarms when theirs lies above it.
    """
    lines = []
    for profile, now in fresh["profiles"].items():
        was = kept["profiles"][profile]
        for gate, rate in now["false_alarms"].items():
            known = was["false_alarms"].get(gate)
            if known and rate["of"] and rate["count"] / rate["of"] > known["high"]:
                lines.append(
                    f"{profile}: {gate} alarms on {_share(rate)} of sound speech, at most {known['high']:.1%} before"
                )
        for defect, severities in now["detections"].items():
            for severity, rates in severities.items():
                known = was["detections"].get(defect, {}).get(severity, {}).get("any")
                rate = rates["any"]
                if known and rate["of"] and rate["count"] / rate["of"] < known["low"]:
                    where = f"{profile}: {defect} ({severity})"
                    lines.append(f"{where} is found in {_share(rate)}, at least {known['low']:.1%} before")
    return lines


def _share(rate: Mapping[str, int]) -> str:
    return f"{rate['count']} of {rate['of']}"


def missed(table: Mapping[str, Any], profile: str, wanted: float = FOUND) -> dict[str, str]:
    """Defects found less often than wanted at the severity a listener rejects, and what would find them."""
    found = table["profiles"][profile]["detections"]
    lines = {}
    for name, about in table["defects"].items():
        rate = found[name][about["rejected_from"]]["any"]
        if not rate["of"] or rate["count"] / rate["of"] < wanted:
            lines[name] = about["would_find"] or "no reason is known: this is a fault of the gates"
    return lines


def lines(table: Mapping[str, Any]) -> Iterable[str]:
    """The table for a terminal, the calibrated and the documented profile side by side."""
    yield f"{'false alarms on sound speech':<44}" + "".join(f"{profile:>24}" for profile in PROFILES)
    for gate in table["profiles"][PROFILES[0]]["false_alarms"]:
        shown = [table["profiles"][profile]["false_alarms"].get(gate) for profile in PROFILES]
        if gate == "any" or any(rate and rate["count"] for rate in shown):
            yield f"  {gate:<42}" + "".join(f"{_cell(rate):>24}" for rate in shown)
    yield f"{'found, by any blocking gate':<44}" + "".join(f"{profile:>24}" for profile in PROFILES)
    for defect, severities in table["profiles"][PROFILES[0]]["detections"].items():
        for severity in severities:
            mark = "*" if severity == table["defects"][defect]["rejected_from"] else " "
            shown = [table["profiles"][profile]["detections"][defect][severity]["any"] for profile in PROFILES]
            yield f"{mark} {defect:<18}{severity:<24}" + "".join(f"{_cell(rate):>24}" for rate in shown)
    yield "* the severity from which on a listener would send the take back"
    for profile in PROFILES:
        for name, why in missed(table, profile).items():
            yield f"{profile} misses {name}: {why}"


def _cell(rate: Mapping[str, Any] | None) -> str:
    if rate is None or not rate["of"]:
        return "-"
    return f"{rate['count'] / rate['of']:.0%} [{rate['low']:.0%}, {rate['high']:.0%}] n={rate['of']}"
