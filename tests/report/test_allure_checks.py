"""Tests without a take, gathered by module; the same through pytest is in tests/test_plugin.py."""

import json

from harness.report.allure_checks import gather_checks


def put(folder, name, status="passed", start=10, test="", epic=False, **more):
    labels = [{"name": "suite", "value": "test_budget"}, {"name": "host", "value": "here"}]
    labels += [{"name": "epic", "value": "voice cloning"}] if epic else []
    test = test or name
    result = {"name": test, "fullName": f"suites.test_budget#{test}", "historyId": test, "status": status}
    result |= {"start": start, "stop": start + 1, "labels": labels, **more}
    (folder / f"{name}-result.json").write_text(json.dumps(result))


def gathered(folder):
    gather_checks(folder, since_ms=10)
    found = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*-result.json")}
    return [one for name, one in found.items() if name.startswith("harness-")], set(found)


def test_each_is_a_step_and_those_that_failed_are_named(tmp_path):
    put(tmp_path, "bounds", start=12)
    put(tmp_path, "cap", "failed", start=11, statusDetails={"message": "assert 513 <= 512", "trace": "here"})
    (together,), names = gathered(tmp_path)
    assert len(names) == 1
    assert (together["name"], together["status"]) == ("test_budget: tests without a take (2)", "failed")
    assert (together["start"], together["stop"]) == (11, 13)
    assert [(step["name"], step["status"]) for step in together["steps"]] == [("cap", "failed"), ("bounds", "passed")]
    assert together["statusDetails"] == {"message": "1 of 2 failed: cap", "trace": "assert 513 <= 512\nhere"}


def test_the_module_is_one_identity_whichever_tests_were_selected(tmp_path):
    put(tmp_path, "bounds")
    (before,), _ = gathered(tmp_path)
    put(tmp_path, "cap")
    (after,), _ = gathered(tmp_path)
    identity = ("uuid", "historyId", "testCaseId", "fullName")
    assert [before[name] for name in identity] == [after[name] for name in identity]
    assert (before["steps"][0]["name"], after["steps"][0]["name"]) == ("bounds", "cap")


def test_of_several_tries_the_last_counts(tmp_path):
    put(tmp_path, "first", "failed", start=10, test="cap")
    put(tmp_path, "second", "passed", start=20, test="cap")
    (together,), _ = gathered(tmp_path)
    assert (together["status"], len(together["steps"])) == ("passed", 1)


def test_takes_comparisons_and_what_was_there_before_are_not_touched(tmp_path):
    put(tmp_path, "harness-take-1")
    put(tmp_path, "compared", epic=True)
    put(tmp_path, "earlier", start=9)
    assert gathered(tmp_path)[1] == {f"{name}-result.json" for name in ("harness-take-1", "compared", "earlier")}
