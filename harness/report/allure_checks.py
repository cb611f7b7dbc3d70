"""Tests without a take or a comparison, such as those of the token budget: one Allure test a module.

Conventions
    Each of them is a step; the message of the module's test names every one that failed. Its identity is the module,
    whichever of its tests were selected. A test that was given an epic of its own stays one: so do those that hear a
    take or compare releases.
"""

import json
from pathlib import Path
from typing import Any

from harness.audio import content_hash, write_atomically

PREFIX = "harness-"
"""Of files that the harness wrote itself."""
_WORST_FIRST = ("broken", "failed", "unknown", "passed", "skipped")

Result = dict[str, Any]
"""A test as Allure's files have it."""


def gather_checks(folder: Path, since_ms: int) -> None:
    """Put the tests of each module together that pytest wrote into a folder of results, in place of theirs.

    Args:
        folder: The folder of Allure results.
        since_ms: When the run began, in milliseconds since 1970: what was written before is not touched.
    """
    modules: dict[str, dict[str, Result]] = {}
    paths = [path for path in folder.glob("*-result.json") if not path.name.startswith(PREFIX)]
    gathered = []
    for path in paths:
        result = json.loads(path.read_bytes())
        if result["start"] < since_ms or any(label["name"] == "epic" for label in result["labels"]):
            continue
        gathered.append(path)
        tests = modules.setdefault(result["fullName"].rpartition("#")[0], {})
        before = tests.get(result["historyId"])
        if before is None or before["stop"] < result["stop"]:  # of several tries the last counts
            tests[result["historyId"]] = result
    for module, tests in modules.items():
        together = _together(module, sorted(tests.values(), key=lambda one: int(one["start"])))
        text = json.dumps(together, ensure_ascii=False, indent=1)
        write_atomically(folder / f"{together['uuid']}-result.json", text.encode())
    for path in gathered:
        path.unlink()


def _together(module: str, tests: list[Result]) -> Result:
    identity = content_hash(json.dumps([module]).encode())[:32]
    against = [one for one in tests if one["status"] in {"broken", "failed"}]
    result = {
        "uuid": f"{PREFIX}checks-{identity}",
        "historyId": identity,
        "testCaseId": identity,
        "fullName": module,
        "name": f"{module.rpartition('.')[2]}: tests without a take ({len(tests)})",
        "status": min((one["status"] for one in tests), key=_WORST_FIRST.index),
        "stage": "finished",
        "start": tests[0]["start"],
        "stop": max(one["stop"] for one in tests),
        "labels": [one for one in tests[0]["labels"] if one["name"] in {"parentSuite", "suite", "framework"}],
        "parameters": [],
        "steps": [_step(one) for one in sorted(tests, key=lambda one: _WORST_FIRST.index(one["status"]))],
    }
    if against:
        details = [one.get("statusDetails", {}) for one in against]
        names = ", ".join(one["name"] for one in against)
        result["statusDetails"] = {
            "message": f"{len(against)} of {len(tests)} failed: {names}",
            "trace": "\n\n".join(f"{one.get('message', '')}\n{one.get('trace', '')}".strip() for one in details),
        }
    return result


def _step(test: Result) -> Result:
    kept = ("name", "status", "statusDetails", "stage", "start", "stop", "attachments", "parameters", "steps")
    return {name: test[name] for name in kept if name in test}
