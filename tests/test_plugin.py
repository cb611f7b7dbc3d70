"""The plugin, played through pytest itself on audio that the tests draw."""

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter

import numpy as np
import pytest
from msgspec import structs

from harness import shipped
from harness.audio import Audio, encode_wav, load
from harness.baseline.acceptance import read_run
from harness.errors import UsageError
from harness.plugin import collection
from harness.plugin.options import commands
from harness.plugin.suites import required
from harness.records.schema import encode
from tests.synthetic import draw, write_voice

SUITE = """
import pytest
pytestmark = pytest.mark.suite("short")

def test_length(require):
    require("finished", "length", "duration_ratio")

def test_silence(require):
    require("silence_ratio")
"""
ROW = (
    '[[utterance]]\nid = "short-{0:03d}"\ntext = "واحد اثنان ثلاثة أربعة خمسة"\nlanguage = "ar"\nreference = "layla"\n'
)
GOOD, SILENT, LONG = "#" * 26, "#" * 16 + "." * 10, "#" * 50


def gates_of(suite):
    """The shipped gates on what a suite requires: whoever is judged by all of them is judged whole."""
    shipped_rows = tomllib.loads(shipped.GATES.read_text(encoding="utf-8"))["profile"]["documented"]["gate"]
    rows = [row for row in shipped_rows if row["metric"] in required(suite)]
    lines = []
    for row in rows:
        lines += ["[[profile.documented.gate]]", *(f"{key} = {toml(value)}" for key, value in row.items())]
    return "\n".join([*lines, "[profile.calibrated]", 'extends = "documented"'])


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, list) else json.dumps(value)


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with a suite, two voices and a folder of takes: `project(pictures)` draws short-001, short-002, …"""
    monkeypatch.delenv("CI", raising=False)  # there, a part of a release does not end with exit 0
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")

    def made(*pictures, suite=SUITE):
        folder = pytester.mkdir("suites")
        (folder / "test_short.py").write_text(suite, encoding="utf-8")
        (folder / "gates.toml").write_text(gates_of(suite), encoding="utf-8")
        for name in ("criteria.py", "test_release.py"):  # these tests bring their own
            (folder / name).touch()
        (folder / "corpus").mkdir()
        corpus = "\n".join(ROW.format(number) for number in range(1, len(pictures) + 1))
        (folder / "corpus" / "short.toml").write_text(corpus, encoding="utf-8")
        for name in ("layla", "omar"):
            write_voice(pytester.path / "voices", name, draw("###." * 8), transcript="هذا نص قصير")
        takes = pytester.mkdir("audio")
        lines = ["utterance,file,stopped_by,frames"]
        for number, picture in enumerate(pictures, 1):
            if picture is not None:
                (takes / f"{number}.wav").write_bytes(encode_wav(draw(picture)))
            lines.append(f"short-{number:03d},{number}.wav,eos,65")
        (takes / "manifest.csv").write_text("\n".join(lines))
        return pytester

    return made


OPTIONS = ("suites", "--backend", "directory", "--model", "audio", "--voices", "voices")


def judge(project, *options):
    return project.runpytest_inprocess(*OPTIONS, *options)


def test_a_good_release_passes_and_everything_planned_is_judged(project):
    result = judge(project(GOOD, GOOD))
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["takes 2/2, in *", "suites/test_short.py ....*"])
    result.stdout.fnmatch_lines(["takes         2 planned = 2 judged + 0 refused", "VERDICT       PASS"])
    assert result.ret == 0


def test_many_takes_are_judged_in_blocks_and_one_of_them_when_it_is_named(project, monkeypatch):
    from harness.plugin import blocks

    monkeypatch.setattr(blocks, "MOST_TESTS", 3)
    monkeypatch.setattr(blocks, "BLOCK", 3)
    folder = project(GOOD, GOOD, LONG, GOOD)
    result = judge(folder, "-v")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*::test_length[[]short-001-seed0 to short-003-seed0[]] FAILED*"])
    in_turn = ["*[[]short-001-seed0 to short-003-seed0[]] *"] * 2 + ["*[[]short-004-seed0 to short-004-seed0[]] *"] * 2
    result.stdout.fnmatch_lines(in_turn, consecutive=True)
    result.stdout.fnmatch_lines(["  listen    .harness/takes/short/arabic_generated_003_layla.wav"])
    result.stdout.fnmatch_lines(["takes         4 planned = 4 judged + 0 refused", "VERDICT       FAIL"])
    named = judge(folder, "-k", "short-004")
    named.assert_outcomes(passed=2, deselected=6)
    named.stdout.fnmatch_lines(["scope         PARTIAL: 1 of 4 takes, *", "VERDICT       PARTIAL"])


def test_a_failure_reads_in_four_lines(project):
    result = judge(project(GOOD, LONG))
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAIL  duration_ratio 1.2 to 2 ratio in suite 'short'",
            "  observed  2.5 ratio (short-002, seed 0)",
            "  why       *",
            "  listen    .harness/takes/short/arabic_generated_002_layla.wav",
            "VERDICT       FAIL",
        ]
    )
    result.assert_outcomes(passed=3, failed=1)


SHARE = """
[profile.few]
broken_share = 0.1
broken_why = "a model breaks down now and then"
[[profile.few.gate]]
metric = "finished"
unit = "yes"
at_least = 1
why = "cut"
[[profile.few.gate]]
metric = "length"
unit = "s"
at_least = 1
why = "short"
[[profile.few.gate]]
metric = "duration_ratio"
unit = "ratio"
at_most = 2.0
why = "slow"
[[profile.few.gate]]
metric = "silence_ratio"
unit = "ratio"
at_most = 0.3
why = "silent"
[comparison]
broken_bound = 0.4
"""
OF_ALL = "import pytest\npytestmark = pytest.mark.suite()\ndef test_broken(not_worse):\n    not_worse('broken')\n"


def shares(folder, release=OF_ALL):
    """The same project, in which so many takes may break a gate."""
    gates = folder.path / "suites" / "gates.toml"
    gates.write_text(gates.read_text() + SHARE)
    (folder.path / "suites" / "test_release.py").write_text(release)
    return folder


def test_where_a_share_of_takes_may_break_a_gate_one_that_does_is_an_expected_failure(project):
    result = judge(shares(project(*[GOOD] * 11, LONG)), "--gates", "few")
    result.assert_outcomes(passed=24, xfailed=1)
    result.stdout.fnmatch_lines(
        ["*1 EXCUSED*", "takes         12 planned = 12 judged + 0 refused", "VERDICT       PASS"]
    )
    assert result.ret == 0


@pytest.mark.parametrize("question", ["anchor", "broken"])
def test_a_question_that_does_not_arise_is_said_and_leaves_its_takes_judged(project, question):
    folder = project(GOOD, GOOD)
    asked = OF_ALL.replace("broken", question)
    (folder.path / "suites" / "test_release.py").write_text(asked)
    (folder.path / "golden").mkdir()
    result = judge(folder, "--golden", "golden")
    result.stdout.fnmatch_lines(["takes         2 planned = 2 judged + 0 refused", "VERDICT       PASS"])
    result.assert_outcomes(passed=4, skipped=1)


def test_a_test_of_two_questions_tells_the_answers_to_both(project):
    folder = shares(project(*[GOOD] * 11, LONG), release=OF_ALL + "    not_worse('all')\n")
    judge(folder, "--gates", "few")
    found = read_run(folder.path / ".harness")
    assert [answer.question for answer in found.comparisons] == ["broken"]
    assert found.not_compared


def test_too_many_takes_that_break_a_gate_fail_by_their_share(project):
    result = judge(shares(project(*[GOOD] * 6, *[LONG] * 6)), "--gates", "few")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL  takes that broke a gate*", "VERDICT       FAIL"])


def test_a_take_that_is_missing_is_excused_by_no_share(project):
    result = judge(shares(project(*[GOOD] * 11, None)), "--gates", "few")
    assert result.ret == 1
    assert "VERDICT       PASS" not in result.stdout.str()


def test_excused_takes_of_which_nobody_judged_the_share_do_not_pass(project):
    result = judge(shares(project(*[GOOD] * 11, LONG), release=""), "--gates", "few")
    result.stdout.fnmatch_lines(["VERDICT       INCONCLUSIVE"])
    assert result.ret == 1


def test_a_missing_take_is_judged_and_not_dropped(project):
    result = judge(project(GOOD, None))
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*2.wav is missing*", "takes         2 planned = 2 judged + 0 refused"])
    assert "VERDICT       PASS" not in result.stdout.str()


def test_a_test_that_breaks_leaves_its_take_refused(project):
    broken = (
        SUITE
        + "\n@pytest.fixture\ndef lamp():\n    raise RuntimeError('off')\n\ndef test_lamp(lamp, take):\n    pass\n"
    )
    folder = project(GOOD, suite=broken)
    result = judge(folder)
    result.stdout.fnmatch_lines(
        [
            "INCONCLUSIVE  1 take not judged",
            "  observed  RuntimeError: off",
            "  where     short-001, seed 0",
            "HARNESS ERROR  *test_lamp[[]short-001-seed0]: RuntimeError:",
            "  off",
            "takes         1 planned = 0 judged + 1 refused (1 of them judged in part)",
            "VERDICT       INCONCLUSIVE",
        ]
    )
    assert result.ret == 3
    (refused,) = read_run(folder.path / ".harness").not_judged
    assert "test_lamp[short-001-seed0]" in refused.why


def test_a_run_that_judges_less_than_planned_does_not_pass(project):
    skipping = SUITE + "\n@pytest.mark.skip(reason='later')\ndef test_voice(require):\n    pass\n"
    folder = project(GOOD, suite=skipping)
    result = judge(folder)
    result.stdout.fnmatch_lines(
        [
            "INCONCLUSIVE  1 take not judged",
            "  observed  Skipped: later",
            "  where     short-001, seed 0",
            "takes         1 planned = 0 judged + 1 refused (1 of them judged in part)",
            "VERDICT       INCONCLUSIVE",
        ]
    )
    assert result.ret == 1
    (refused,) = read_run(folder.path / ".harness").not_judged
    assert "test_voice[short-001-seed0]" in refused.why


def test_an_unpassable_gate_is_listed_with_its_arithmetic_and_does_not_fail(project):
    folder = project("#" * 11)
    corpus = folder.path / "suites" / "corpus" / "short.toml"
    corpus.write_text(
        corpus.read_text(encoding="utf-8").replace("واحد اثنان ثلاثة أربعة خمسة", "واحد"), encoding="utf-8"
    )
    result = judge(folder)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["not judged, and why:", "  short-001, seed 0: duration_ratio", "    1 word(s) read in 0.40 s*"]
    )


def test_each_take_has_a_test_of_its_own(project):
    options = ("suites", "--voices", "voices", "--takes", "3", "--seed", "5", "--collect-only", "-q")
    result = project(GOOD).runpytest_inprocess(*options)
    result.stdout.fnmatch_lines(
        ["*test_length?short-001-seed5?", "*test_length?short-001-seed6?", "*test_length?short-001-seed7?"]
    )


def test_only_what_is_selected_is_made(project):
    folder = project(GOOD, GOOD)
    judge(folder, "-k", "short-002")
    assert [path.name for path in (folder.path / ".harness" / "takes" / "short").glob("*_layla.wav")] == [
        "arabic_generated_002_layla.wav"
    ]
    result = judge(folder, "-k", "short-002")
    assert "takes 1/1" not in result.stdout.str()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ([], [{"short-001", "short-002"}]),
        (["-k", "short-002"], []),
        (["--collect-only"], []),
        pytest.param(["-n", "2"], [], marks=pytest.mark.slow),
    ],
)
def test_a_system_is_told_what_will_be_asked_where_all_of_it_is_whatever_the_ini_file_leaves_out(
    project, monkeypatch, typed, told
):
    from harness.backends.directory import DirectoryBackend

    heard = []

    def prefetch(self, requests):
        heard.append({request.utterance.id for request in requests})

    monkeypatch.setattr(DirectoryBackend, "prefetch", prefetch, raising=False)
    folder = project(GOOD, GOOD)
    (folder.path / "tox.ini").write_text("[pytest]\naddopts = -p no:cacheprovider -m 'not browser'\n")
    judge(folder, *typed)
    assert heard == told


@pytest.mark.parametrize(
    ("selection", "scope"),
    [
        (["-k", "short-002"], "1 of 2 takes, 5 of 5 gates; 2 tests were deselected"),
        (["-k", "silence"], "2 of 2 takes, 1 of 5 gates; 2 tests were deselected"),
        (["--deselect", "suites/test_short.py::test_silence[short-001-seed0]"], "2 of 2 takes, 5 of 5 gates, 9 of 10*"),
        (["-m", "not slow", "-k", "not silence"], "2 of 2 takes, 4 of 5 gates*"),
    ],
)
def test_what_passes_in_part_is_partial_and_never_exit_0_in_ci_unless_asked_for(project, monkeypatch, selection, scope):
    folder = project(GOOD, GOOD)
    result = judge(folder, *selection)
    result.stdout.fnmatch_lines([f"scope         PARTIAL: {scope}", "VERDICT       PARTIAL"])
    assert result.ret == 0
    record = json.loads((folder.path / ".harness" / "run.json").read_text(encoding="utf-8"))
    assert (record["verdict"], record["exit_code"]) == ("PARTIAL", 0)
    summary = (folder.path / ".harness" / "summary.md").read_text(encoding="utf-8")
    assert "May it go out? PARTIAL" in summary
    assert "**PARTIAL: " in summary
    monkeypatch.setenv("CI", "true")
    assert judge(folder, *selection).ret == 1
    assert judge(folder, *selection, "--partial").ret == 0
    assert judge(folder).ret == 0


def test_a_hint_keeps_the_options_of_the_command_and_asks_for_the_whole_release():
    class Config:
        class invocation_params:
            args = ("suites/", "-k", "a b", "--backend=directory", "--out", "o u t", "--takes=1", "-n", "2", "-q")

    again, accept = commands(Config)
    assert again == "pytest suites/ --backend=directory --out 'o u t' -n 2 --takes 3"
    assert accept == " --out 'o u t'"


def test_a_part_that_is_named_is_partial_too(project):
    folder = project(GOOD, GOOD)
    result = folder.runpytest_inprocess("suites/test_short.py", *OPTIONS[1:])
    result.stdout.fnmatch_lines(["*command names a part of the suites", "VERDICT       PARTIAL"])


def test_an_arabic_id_is_selected_as_it_is_written(project):
    folder = project(GOOD, GOOD)
    for path in (folder.path / "suites" / "corpus" / "short.toml", folder.path / "audio" / "manifest.csv"):
        path.write_text(path.read_text(encoding="utf-8").replace("short-001", "قصير-001"), encoding="utf-8")
    result = judge(folder, "-k", "قصير")
    result.stdout.fnmatch_lines(["takes         1 planned = 1 judged + 0 refused", "VERDICT       PARTIAL"])
    named = folder.runpytest_inprocess("suites/test_short.py::test_length[قصير-001-seed0]", *OPTIONS[1:])
    named.assert_outcomes(passed=1)
    junit = (folder.path / ".harness" / "junit.xml").read_text(encoding="utf-8")
    assert 'name="test_length[قصير-001-seed0]"' in junit
    assert "\\u" not in junit


def test_takes_are_named_after_their_language_and_read_back(project):
    folder = project(GOOD, GOOD)
    corpus = folder.path / "suites" / "corpus" / "short.toml"
    rows = corpus.read_text(encoding="utf-8")
    corpus.write_text('language = "de"'.join(rows.rsplit('language = "ar"', 1)), encoding="utf-8")
    judge(folder)
    names = sorted(path.name for path in (folder.path / ".harness" / "takes" / "short").glob("*layla.wav"))
    assert names == ["arabic_generated_001_layla.wav", "german_generated_002_layla.wav"]
    again = folder.runpytest_inprocess(*OPTIONS[:3], "--model", ".harness/takes", *OPTIONS[5:], "--out", "again")
    again.stdout.fnmatch_lines(["takes         2 planned = 2 judged + 0 refused"])
    (verdicts,) = {tuple(take.verdicts[0].outcome for take in read_run(folder.path / "again").takes)}
    assert "FAIL" not in verdicts


def test_a_part_that_fails_fails(project):
    result = judge(project(GOOD, LONG), "-k", "short-002")
    result.stdout.fnmatch_lines(["scope         PARTIAL: 1 of 2 takes, 5 of 5 gates*", "VERDICT       FAIL"])
    assert result.ret == 1


@pytest.mark.slow
def test_a_part_judged_by_several_workers_is_partial(project):
    folder = project(GOOD, GOOD)
    result = judge(folder, "-n", "2", "-k", "short-002")
    result.stdout.fnmatch_lines(["scope         PARTIAL: 1 of 2 takes*", "VERDICT       PARTIAL"])
    result = judge(folder, "-n", "2")
    result.stdout.fnmatch_lines(["VERDICT       PASS"])


@pytest.mark.parametrize("mistyped", [["--takes", "many"], ["--gates", "strict"], ["-k", "nothing"], ["--nonsense"]])
def test_a_mistyped_command_leaves_the_last_run_as_it_is(project, mistyped):
    folder = project(GOOD)
    judge(folder)
    out = folder.path / ".harness"
    before = {
        path: path.read_bytes() for path in out.rglob("*") if path.suffix in {".json", ".jsonl", ".html", ".md", ".xml"}
    }
    assert judge(folder, *mistyped).ret in {pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED}
    assert {path: path.read_bytes() for path in before} == before


def test_an_output_folder_that_cannot_be_written_to_is_one_line(project):
    folder = project(GOOD)
    (folder.path / "taken").touch()
    result = judge(folder, "--out", "taken")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --out: taken cannot be written to (*): give another folder"])


def test_without_a_recogniser_the_headline_says_that_words_were_not_judged(project):
    result = judge(project(GOOD))
    result.stdout.fnmatch_lines(
        ["scope         words not judged: no recogniser was given (--asr)", "VERDICT       PASS"]
    )


@pytest.mark.parametrize("how", ["option", "file"])
def test_a_run_that_lacks_what_is_required_is_inconclusive_and_says_what_to_give(project, how):
    folder = project(GOOD)
    gates = folder.path / "suites" / "gates.toml"
    if how == "file":
        gates.write_text(gates.read_text() + '\n[policy]\nrequire = ["words"]\n')
    result = judge(folder, *(["--require", "words"] if how == "option" else []))
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "INCONCLUSIVE  required and missing",
            "  observed  words: no recogniser was given: give --asr FOLDER_OR_HUB_ID",
            "VERDICT       INCONCLUSIVE",
        ]
    )
    run = read_run(folder.path / ".harness")
    assert (run.unmet, run.about.rules.require) == (
        ("words: no recogniser was given: give --asr FOLDER_OR_HUB_ID",),
        ("words",),
    )
    for page in ("summary.md", "report/index.html"):
        assert "give --asr FOLDER" in (folder.path / ".harness" / page).read_text("utf-8").replace("\\_", "_")


def test_a_part_is_inconclusive_where_the_whole_is_required(project):
    folder = project(GOOD, GOOD)
    result = judge(folder, "-k", "short-002", "--require", "whole")
    result.stdout.fnmatch_lines(["  observed  whole: judged were 1 of 2 takes*", "VERDICT       INCONCLUSIVE"])
    assert result.ret == 1
    assert judge(folder, "--require", "whole").ret == 0


def test_the_manifest_and_the_page_and_junit_are_written(project):
    folder = project(GOOD, LONG)
    judge(folder)
    out = folder.path / ".harness"
    run = read_run(out)
    assert (run.verdict, run.planned, run.judged) == ("FAIL", 2, 2)
    assert 'name="duration_ratio"' in (out / "junit.xml").read_text()
    assert list(out.rglob("*.html"))


def test_a_failed_assertion_is_a_quality_verdict_though_no_gate_failed(project):
    strict = SUITE + "\ndef test_few_frames(require, take):\n    require('length')\n    assert take.frames < 10\n"
    result = judge(project(GOOD, suite=strict))
    result.stdout.fnmatch_lines(["FAIL  *test_few_frames*", "VERDICT       FAIL"])
    assert result.ret == 1


def test_a_test_that_breaks_after_its_verdicts_is_a_harness_error(project):
    broken = SUITE + "\ndef test_lamp(require):\n    require('length')\n    raise RuntimeError('off')\n"
    result = judge(project(GOOD, suite=broken))
    result.stdout.fnmatch_lines(["HARNESS ERROR  *test_lamp*", "VERDICT       INCONCLUSIVE"])
    assert result.ret == 3


@pytest.mark.slow
def test_a_killed_run_of_several_workers_leaves_no_earlier_pass(project):
    dying = SUITE + "    import os, signal\n    os.kill(os.getppid(), signal.SIGKILL)\n"
    folder = project(GOOD, GOOD, suite=dying)
    out = folder.path / ".harness"
    out.mkdir()
    (out / "run.json").write_text('{"verdict": "PASS"}')
    assert folder.runpytest_subprocess(*OPTIONS, "-n", "2", "--alluredir", "allure").ret == -9
    assert read_run(out).verdict == "INCONCLUSIVE"
    assert (out / "previous" / "run.json").exists()

    from harness.run.journal import Journal

    run = Journal(out).record()
    assert run.planned == 2
    assert run.verdict != "PASS"
    (verdict,) = [path for path in (folder.path / "allure").glob("*-result.json") if "May it" in path.read_text()]
    assert json.loads(verdict.read_text(encoding="utf-8"))["status"] == "broken"


@pytest.mark.slow
def test_several_workers_keep_a_report_that_is_not_theirs_and_write_one_that_is(project):
    folder = project(GOOD, GOOD)
    (folder.path / "suites" / "test_short.py").rename(folder.mkdir("mine") / "test_mine.py")
    (folder.mkdir("other") / "test_other.py").write_text("def test_one(): ...\n")
    options = (*OPTIONS[1:], "--corpus", "suites/corpus", "--gates-file", "suites/gates.toml")
    assert folder.runpytest_inprocess("mine", *options, "-n", "2").ret == 0
    kept = (folder.path / ".harness" / "run.json").read_text(encoding="utf-8")
    run = read_run(folder.path / ".harness")
    assert (run.verdict, run.judged) == ("PASS", 2)
    assert folder.runpytest_inprocess("other", *options, "-n", "2").ret == 0
    assert (folder.path / ".harness" / "run.json").read_text(encoding="utf-8") == kept


def test_a_killed_run_leaves_a_report_of_what_was_judged(project):
    dying = SUITE.replace("def test_silence(require):", "def test_silence(require, utterance):") + (
        "    import os, signal\n    if utterance.number == 2:\n        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    folder = project(GOOD, GOOD, GOOD, suite=dying)
    out = folder.path / ".harness"
    out.mkdir()
    (out / "run.json").write_text('{"verdict": "PASS"}')
    killed = folder.runpytest_subprocess(*OPTIONS, "--alluredir", "allure")
    assert killed.ret == -9
    before = read_run(out)
    assert (before.verdict, before.planned, before.judged) == ("INCONCLUSIVE", 3, 0)
    assert "Incomplete" in (out / "report" / "index.html").read_text(encoding="utf-8")
    results = allure_results(folder)
    assert [one["status"] for one in results if "May it" in one["name"]] == ["broken"]
    assert [one["status"] for one in results if one["name"].startswith("short-")] == ["broken"] * 3

    from harness import cli

    assert cli.main(["report", str(out), "--alluredir", str(folder.path / "allure")]) == 3
    drawn = {one["name"]: one["status"] for one in allure_results(folder) if one["name"].startswith("short-")}
    assert drawn == {"short-001, seed 0": "passed", "short-002, seed 0": "broken", "short-003, seed 0": "broken"}
    after = read_run(out)
    assert (after.verdict, after.planned, after.judged) == ("INCONCLUSIVE", 3, 1)
    assert "killed" in after.incomplete
    assert len(after.takes) == 3  # short-002 and short-003 had been judged by test_length
    page = (out / "report" / "index.html").read_text(encoding="utf-8")
    assert "Incomplete" in page
    assert "<audio" in page


def allure_results(folder, name="allure"):
    return [json.loads(path.read_text(encoding="utf-8")) for path in (folder.path / name).glob("*-result.json")]


def identity(result):
    """By what Allure 2 (historyId) and Allure 3 (testCaseId) know a test of an earlier run, and what they call it."""
    return result["name"], result["fullName"], result["testCaseId"], result["historyId"]


@pytest.mark.parametrize(("per", "n_tests"), [("take", 1), ("criterion", 2)])
def test_allure_names_a_test_the_same_after_its_text_was_edited(project, per, n_tests):
    folder = project(GOOD)
    corpus = folder.path / "suites" / "corpus" / "short.toml"

    def identities(name):
        judge(folder, "--alluredir", name, "--per", per)
        return {identity(result) for result in allure_results(folder, name)}

    before = identities("before")
    corpus.write_text(corpus.read_text(encoding="utf-8").replace("خمسة", "ستة"), encoding="utf-8")
    assert identities("after") == before
    assert len(before) == n_tests + 1  # and the verdict on the release


def test_allure_keeps_one_identity_over_runs_in_one_folder_a_redrawn_one_and_a_verdict_that_changes(project):
    from harness import cli

    compared = SUITE + "\ndef test_is_no_worse(not_worse):\n    not_worse()\n\ndef test_of_no_take():\n    pass\n"
    folder = project(GOOD, GOOD, suite=compared)
    with (folder.path / "suites" / "gates.toml").open("a") as gates:
        gates.write('\n[[margin]]\nmetric = "length"\nunit = "s"\nmargin = 0.5\nlost = 2\nwhy = "a test"\n')
    judge(folder, "--alluredir", "allure")
    first = {identity(result)[1:] for result in allure_results(folder)}
    assert len(first) == len(allure_results(folder)) == 2 + 1 + 1 + 1  # takes, comparison, module, verdict
    (folder.path / "audio" / "2.wav").write_bytes(encode_wav(draw(LONG)))
    judge(folder, "--alluredir", "allure")
    second = allure_results(folder)
    assert {identity(result)[1:] for result in second} == first
    tries = Counter(result["historyId"] for result in second)
    assert [one["name"] for one in second if tries[one["historyId"]] > 1] == [
        "short: no worse than the accepted release"
    ] * 2
    assert {one["name"]: one["status"] for one in second}["short-002, seed 0"] == "failed"
    drawn = {identity(result) for result in second}
    assert cli.main(["report", str(folder.path / ".harness"), "--alluredir", str(folder.path / "allure")]) == 1
    assert {identity(result) for result in allure_results(folder)} == drawn


def test_allure_has_one_test_a_take_with_its_gates_as_steps_and_the_verdict_of_the_release(project):
    mine = "\ndef test_of_no_take():\n    pass\n\ndef test_of_mine(require):\n    require('length')\n    assert 0\n"
    folder = project(GOOD, LONG, suite=SUITE + mine)
    judge(folder, "--alluredir", "allure")
    by_name = {result["name"]: result for result in allure_results(folder)}
    one = "test_short: tests without a take (1)"
    assert by_name.keys() >= {"May it go out? FAIL", "short-001, seed 0", "short-002, seed 0", one}
    assert [result["status"] for result in by_name.values() if "of_mine" in result["fullName"]] == ["failed"] * 2
    assert len(by_name) == 4 + 2
    assert by_name["May it go out? FAIL"]["status"] == "failed"
    assert "ring" in by_name["May it go out? FAIL"]["description"]
    good, long = by_name["short-001, seed 0"], by_name["short-002, seed 0"]
    assert [one["type"] for one in good["attachments"]] == ["text/html", "audio/wav", "audio/wav"]
    labels = {label["name"]: label["value"] for label in good["labels"]}
    assert (labels["feature"], labels["story"], labels["voice"]) == ("short", "short-001", "layla")
    assert good["status"] == "passed"
    assert (long["status"], long["statusDetails"]["message"]) == ("failed", "FAIL  duration_ratio")
    assert "listen    .harness/takes/short/" in long["statusDetails"]["trace"]
    assert [step["status"] for step in long["steps"]] == ["failed"] + ["passed"] * 4
    assert long["steps"][0]["name"].startswith("FAIL  duration_ratio")
    assert long["descriptionHtml"].count("<audio controls") == 2
    assert "verdict = FAIL" in (folder.path / "allure" / "environment.properties").read_text(encoding="utf-8")
    assert "ring = " in (folder.path / "allure" / "environment.properties").read_text(encoding="utf-8")
    assert json.loads((folder.path / "allure" / "executor.json").read_text())["type"]


def test_allure_has_a_test_for_each_criterion_where_that_is_asked_for(project):
    folder = project(GOOD, LONG)
    judge(folder, "--alluredir", "allure", "--per", "criterion")
    by_name = {result["name"]: result for result in allure_results(folder)}
    assert len(by_name) == 5
    first = by_name["short-001, seed 0: length"]
    types = [attachment["type"] for attachment in first["attachments"]]
    assert types == ["text/html", "audio/wav", "audio/wav", "text/plain"]
    assert [step["status"] for step in by_name["short-002, seed 0: length"]["steps"]].count("failed") == 1
    assert judge(folder, "--per", "test").ret == pytest.ExitCode.USAGE_ERROR


def test_options_may_stand_in_the_ini_file(project):
    folder = project(GOOD)
    ini = folder.path / "tox.ini"
    ini.write_text(ini.read_text() + "\nharness_backend = directory\nharness_model = audio\nharness_out = results\n")
    folder.runpytest_inprocess("suites", "--voices", "voices").assert_outcomes(passed=2)
    assert (folder.path / "results" / "run.json").exists()


def test_supplied_files_that_nobody_would_look_at_end_the_run_before_it_begins(project):
    folder = project(GOOD, GOOD)
    manifest = folder.path / "audio" / "manifest.csv"
    manifest.write_text("utterance,file,seed\n" + "".join(f"short-00{n},{n}.wav,{s}\n" for n in (1, 2) for s in (0, 1)))
    result = judge(folder)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: 2 of 4 files in * would never be looked at (1.wav, 2.wav): seeds 1 are not*"])
    assert judge(folder, "--takes", "2").ret == 0
    manifest.write_text("utterance,file\nutt0,1.wav\nutt1,2.wav\n")
    result = judge(folder)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: 0 of 2 utterances have audio in *; found utt0, utt1; expected short-001, sh*"])


def test_a_voice_that_cannot_be_cloned_ends_the_run_before_it_begins_and_a_doubtful_one_is_named(project):
    folder = project(GOOD)
    judged = judge(folder)
    assert judged.ret == 0
    judged.stdout.fnmatch_lines(["doubtful: reference 'layla': its sound drops out 7 times: record it again"])
    judged.stdout.fnmatch_lines(["doubtful      reference 'omar': its sound drops out 7 times: record it again"])
    (folder.path / "voices" / "omar.txt").write_text("... !", encoding="utf-8")
    refused = judge(folder, "--out", "never")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: reference 'omar': its transcript '... !' holds no words: *"])
    assert not (folder.path / "never" / "run.json").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--backend", "tortoise"], "--backend 'tortoise' is no backend"),
        (["--model", "nowhere"], "'nowhere' is no folder"),
        (["--model", ""], "needs a folder"),
        (["--voices", "empty"], "holds no sound file"),
        (["--voices", "nowhere"], "does not exist"),
        (["--gates", "strict"], "no profile 'strict'; there are documented, calibrated"),
        (["--gates-file", "gates.toml"], "metric 'beauty' is unknown"),
        (["--gates-file", "nowhere.toml"], "is missing"),
        (["--require", "whole,beauty"], "--require: 'beauty' cannot be required; whole, words, "),
        (["--takes", "0"], "--takes is '0'; a whole number of at least 1 is needed"),
        (["--takes", "many"], "--takes is 'many'"),
        (["--seed", "-1"], "--seed is '-1'"),
        (["--chunks", "word"], "--chunks is 'word'; off or sentence is needed"),
        (
            ["--temperature", "1.9"],
            "the directory backend does not read --temperature: leave it out, or choose another",
        ),
        (["--backend", "embedded"], "the embedded backend does not read --model: leave it out, or choose another"),
        (["--codec", "foo", "--compile"], "the directory backend does not read --codec, --compile: leave them out"),
        (["--corpus", "broken"], "not valid TOML"),
        (["--corpus", "nofolder"], "does not exist: give a folder of SUITE.toml files"),
        (["--corpus", "twice"], "row 2: id 'short-001' is that of row 1"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_4(project, options, complaint):
    folder = project(GOOD)
    folder.mkdir("empty")
    for name, content in {"broken": "[[utterance", "twice": ROW.format(1) * 2}.items():
        folder.mkdir(name)
        (folder.path / name / "short.toml").write_text(content, encoding="utf-8")
    (folder.path / "gates.toml").write_text(
        '[[profile.documented.gate]]\nmetric = "beauty"\nunit = "s"\nat_least = 1\nwhy = "w"\n'
    )
    result = judge(folder, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    errors = [line for line in result.stderr.lines if line.startswith("ERROR: ")]
    assert len(errors) == 1
    assert complaint in errors[0]


def test_gpu_without_cuda_is_a_usage_error(project, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    result = judge(project(GOOD), "--gpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line]
    assert re.fullmatch(r"ERROR: --gpu: torch \S+ has .* and sees 0 CUDA devices, .* or leave --gpu out", line)


def test_a_module_that_does_not_say_its_suite_is_refused(project):
    folder = project(GOOD)
    (folder.path / "suites" / "test_other.py").write_text("def test_it(require):\n    pass\n")
    result = judge(folder)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*is not named after a file of the corpus and has no suite(name) mark*"])


@pytest.mark.parametrize("where", ["suites", "mine"])
def test_requiring_what_no_gate_judges_ends_the_run_before_the_first_take(project, where):
    folder = project(GOOD, suite=SUITE + '\ndef test_rate(require):\n    require("letters_duration_ratio")\n')
    if where == "mine":
        (folder.path / "suites" / "test_short.py").rename(folder.mkdir("mine") / "test_mine.py")
    result = folder.runpytest_inprocess(where, *OPTIONS[1:], "--corpus", "suites/corpus")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *no gate on 'letters_duration_ratio' in suite 'short'*"])
    assert not (folder.path / ".harness" / "takes").exists()


@pytest.mark.slow
def test_two_workers_judge_what_one_does(project):
    suite = (
        SUITE + '\ndef test_clean(require):\n    require("steady_tone", "noise_level", "inner_gap", "voice_drift")\n'
    )
    folder = project(GOOD, LONG, None, GOOD, suite=suite)
    for name in ("layla", "omar"):  # voices that a speaker encoder can tell apart
        said = (shipped.VOICES / f"{name}.txt").read_text(encoding="utf-8")
        write_voice(folder.path / "voices", name, load(shipped.VOICES / f"{name}.flac"), said)
    alone = judge(folder, "--out", "alone")
    shared = judge(folder, "--out", "shared", "-n", "2")
    assert alone.ret == shared.ret == 1
    runs = []
    for out in ("alone", "shared"):
        run = read_run(folder.path / out)
        takes = [
            structs.replace(
                take,
                listen="",
                reference_audio="",
                verdicts=tuple(sorted(take.verdicts, key=lambda verdict: verdict.gate.name)),
            )
            for take in run.takes
        ]
        # The hash is over the times too.
        runs.append(encode(structs.replace(run, begun="", ended="", sha256="", takes=tuple(takes))))
    assert runs[0] == runs[1]


def test_more_workers_than_devices_is_a_usage_error(project, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    result = judge(project(GOOD), "--gpu", "-n", "3")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --gpu: 3 workers for 2 CUDA devices; each worker needs one of its own: give -n 2"]
    )


def test_a_worker_has_a_device_of_its_own_also_one_that_takes_a_dead_ones_place(tmp_path, monkeypatch):
    import torch

    from harness.plugin import options

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(options, "out_folder", lambda config: tmp_path)

    class Worker:
        def __init__(self, number, gpu=True):
            self.stash, self.gpu = pytest.Stash(), gpu
            if number is not None:
                self.workerinput = {"workerid": f"gw{number}"}

        def getoption(self, name):
            return self.gpu

    first, second = Worker(0), Worker(1)
    assert [options.device_number(one) for one in (first, second, first)] == [0, 1, 0]
    with pytest.raises(UsageError, match="other workers have all 2 CUDA devices"):
        options.device_number(Worker(2))
    second.stash[options._DEVICE][1].release()  # as the system does when a process dies
    third = Worker(2)
    assert options.device_number(third) == 1
    assert [options.worker_number(one) for one in (first, second, third, Worker(None))] == [0, 1, 2, 0]
    assert options.device_number(Worker(None)) == 0  # the process that the workers report to claims none
    assert options.device_number(Worker(5, gpu=False)) == 0


def test_a_run_without_takes_has_no_verdict(project):
    result = judge(project(GOOD), "-k", "nothing")
    assert "VERDICT" not in result.stdout.str()
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.slow
def test_the_embedded_gate_loads_each_model_once(pytester):
    """The real command, on the shipped corpus, in a process of its own."""
    watch = """
import harness.run.plan as plan
opened = []
real_open = plan.open_backend
def open_backend(*options):
    opened.append("backend")
    return real_open(*options)
plan.open_backend = open_backend
real_close = plan.Run.close
def close(run):
    if "measuring" in vars(run):
        opened.append(run.measuring.of_run("encoder").encoder.loads)
    real_close(run)
plan.Run.close = close
def pytest_unconfigure(config):
    print("LOADS", opened)
"""
    pytester.makepyfile(watch=watch)
    root = pytest.importorskip("harness").__file__.rsplit("/", 2)[0]
    command = [sys.executable, "-m", "pytest", "-p", "watch", "suites/", "-q", "-p", "no:cacheprovider"]
    two_takes = "(short-001 or short-002) and (voice or finished)"
    command += ["--partial", "-k", two_takes, "--out", str(pytester.path / "out")]
    done = subprocess.run(
        command,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={**_environment(), "PYTHONPATH": str(pytester.path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "LOADS ['backend', 1]" in done.stdout


def _environment():
    import os

    return {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}


WORDS_SUITE = """
import pytest
pytestmark = pytest.mark.suite("short")

def test_length(require):
    require("length", "duration_ratio")

def test_words(require):
    require("cer_above_floor", "wer_above_floor")
"""


def test_without_a_recogniser_the_words_are_not_judged_and_that_is_counted(project):
    where = project(GOOD, GOOD, suite=WORDS_SUITE)
    result = judge(where, "-rs")
    result.assert_outcomes(passed=2, skipped=1)  # once for both takes
    result.stdout.fnmatch_lines(["*SKIPPED*not judged: cer_above_floor: no speech recogniser was given (--asr)*"])
    result.stdout.fnmatch_lines(["not judged, and why:", "  2 takes: cer_above_floor, wer_above_floor"])
    result.stdout.fnmatch_lines(
        ["short         2 takes: 6 PASS, 4 REFUSED", "takes         2 planned = 2 judged + 0 refused"]
    )
    found = read_run(where.path / ".harness")
    assert found.outcomes == {"PASS": 6, "REFUSED": 4}
    assert "recognizer" not in found.about.instruments
    assert "letters_duration_ratio" in found.takes[0].measurements


@pytest.mark.parametrize(("flag", "given"), [("--asr", "nowhere"), ("--asr-2", "audio")])
def test_a_recogniser_that_is_none_ends_the_run_with_one_line(project, flag, given):
    result = judge(project(GOOD, suite=WORDS_SUITE), flag, given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: speech recogniser *{given}*"])


@pytest.mark.slow
def test_a_real_recogniser_is_asked_and_what_it_heard_is_kept(project):
    from tests.recognisers import tiny_ctc

    where = project(GOOD, suite=WORDS_SUITE)
    tiny_ctc(where.path / "asr")
    for name in ("layla", "omar"):  # its weights are random: no reference in a language of the run may judge it
        (where.path / "voices" / f"{name}.lang").write_text("de")
    result = judge(where, "--asr", "asr")
    result.assert_outcomes(passed=1, failed=1)
    found = read_run(where.path / ".harness")
    cer = found.takes[0].measurements["cer"]
    assert cer.detail == f"heard: {found.takes[0].heard}"
    assert found.takes[0].heard
    assert cer.components["target"] == 23
    assert found.about.instruments["recognizer"].startswith("asr ")


def test_every_kind_of_fault_is_judged_and_counted(project, monkeypatch):
    """Missing, empty, truncated, silent, not a number, of another rate; and the recogniser raises on what is left."""
    from harness.metrics import intelligibility

    class Raises:
        fingerprint = "raises r1"

        def transcribe(self, clips, languages):
            if any(abs(clip.duration_s - 3.2) > 0.01 for clip in clips):
                raise RuntimeError("out of memory")
            return ["هذا نص قصير" for _ in clips]  # of the references

    monkeypatch.setattr(intelligibility, "open_recognizer", lambda name, gpu: Raises())
    suite = WORDS_SUITE + '\ndef test_rate(require):\n    require("readable", "nonfinite_samples", "sample_rate")\n'
    where = project(None, GOOD, GOOD, "." * 26, GOOD, GOOD, GOOD, suite=suite)
    takes = where.path / "audio"
    good = draw(GOOD)
    (takes / "2.wav").write_bytes(b"")
    (takes / "3.wav").write_bytes(encode_wav(good)[:30])
    (takes / "5.wav").write_bytes(encode_wav(Audio(np.full_like(good.samples, np.nan), 24_000)))
    (takes / "6.wav").write_bytes(encode_wav(draw(GOOD, rate_hz=16_000)))
    result = judge(where, "--asr", "given")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["takes         7 planned = 7 judged + 0 refused", "VERDICT       FAIL"])
    found = read_run(where.path / ".harness")
    outcomes = {}
    for take in found.takes:
        answers = outcomes.setdefault(take.utterance, {})
        answers |= {str(verdict.gate): verdict.outcome for verdict in take.verdicts}
    assert len(outcomes) == 7
    for name in ("short-001", "short-002", "short-003"):
        assert "PASS" not in outcomes[name].values()
        assert outcomes[name]["readable >= 1 yes"] == "FAIL"
    for answers in outcomes.values():
        assert {answers[gate] for gate in answers if "_above_floor" in gate} == {"INCONCLUSIVE"}
    assert outcomes["short-005"]["nonfinite_samples <= 0 samples"] == "FAIL"
    assert outcomes["short-006"]["sample_rate = 24000 Hz"] == "FAIL"


CRITERIA = """
def test_length(require):
    require("length")

def test_rest(require, other_metrics):
    require(*other_metrics)
"""
TWO_GATES = """
[[profile.documented.gate]]
metric = "length"
unit = "s"
at_least = 1
why = "w"

[[profile.documented.gate]]
metric = "silence_ratio"
unit = "ratio"
at_most = 0.3
suites = ["digits"]
why = "w"
"""


@pytest.fixture
def team(project):
    """A team's folder: two gates, two suites without a module of their own, criteria of its own."""
    folder = project(GOOD, GOOD)
    suites = (folder.path / "suites").rename(folder.path / "voice_gates")
    (suites / "test_short.py").unlink()
    (suites / "test_release.py").unlink()
    (suites / "criteria.py").write_text(CRITERIA)
    (suites / "gates.toml").write_text(TWO_GATES)
    (suites / "corpus" / "digits.toml").write_text(ROW.format(1).replace("short-", "digits-"), encoding="utf-8")
    (folder.path / "audio" / "manifest.csv").unlink()
    (folder.path / "audio" / "1.wav").rename(folder.path / "audio" / "digits-001.wav")
    (folder.path / "audio" / "2.wav").unlink()
    for number in (1, 2):
        (folder.path / "audio" / f"short-{number:03d}.wav").write_bytes(encode_wav(draw(GOOD)))
    return folder


@pytest.mark.parametrize("named", ["voice_gates", ".", "", "voice_gates/corpus/digits.toml", "--suites=voice_gates"])
def test_a_corpus_file_without_a_module_is_judged_by_the_criteria(team, named):
    result = team.runpytest_inprocess(*filter(None, [named]), *OPTIONS[1:], "--collect-only", "-q")
    lines = {line.replace("short-002", "short-001") for line in result.stdout.lines if "::" in line}
    digits = {
        "voice_gates/corpus/digits.toml::test_length[digits-001-seed0]",
        "voice_gates/corpus/digits.toml::test_rest[digits-001-seed0]",  # the gate that only this suite has
    }
    others = {
        "voice_gates/corpus/short.toml::test_length[short-001-seed0]",
        "voice_gates/gates.toml::test_no_voice_is_worse_than_in_the_accepted_release",
        "voice_gates/gates.toml::test_is_no_worse_than_the_accepted_release_over_all_texts",
        "voice_gates/gates.toml::test_hardly_an_utterance_is_lost_since_the_accepted_release",
        "voice_gates/gates.toml::test_all_releases_together_have_not_lost_too_much_since_the_first",
        "voice_gates/gates.toml::test_hardly_a_take_breaks_a_gate",
    }
    assert lines == (digits if "digits" in named else digits | others)


def test_a_team_s_own_folder_ends_with_a_verdict(team):
    result = team.runpytest_inprocess("voice_gates", *OPTIONS[1:])
    result.stdout.fnmatch_lines(["takes         3 planned = 3 judged + 0 refused", "VERDICT       PASS"])
    assert result.ret == 0


def test_the_shipped_suites_run_from_anywhere(team):
    # Not the conftest.py above the checkout's suites: a package has none there.
    options = ("-p", "harness.plugin", "--noconftest", "--suites", "shipped")
    result = team.runpytest_inprocess(*options, "--collect-only", "-q", "-k", "short-001 or no_voice")
    found = [line for line in result.stdout.lines if "::" in line]
    assert any(line.endswith("test_short.py::test_stops_because_it_has_finished[short-001-seed0]") for line in found)
    assert any("test_release.py::test_no_voice" in line for line in found)
    assert not any("voice_gates" in line for line in found)


def test_another_corpus_brings_its_suites_and_leaves_out_those_it_does_not_hold(project):
    folder = project(GOOD)
    other = folder.mkdir("other")
    (other / "digits.toml").write_text(ROW.format(1).replace("short-", "digits-"), encoding="utf-8")
    (folder.path / "suites" / "criteria.py").write_text(CRITERIA)
    manifest = folder.path / "audio" / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("short-", "digits-"))
    result = judge(folder, "--corpus", "other", "--collect-only", "-q")
    found = {line for line in result.stdout.lines if "::" in line}
    assert "other/digits.toml::test_length[digits-001-seed0]" in found
    assert not any("short" in line for line in found)


def test_a_folder_that_is_no_suites_folder_is_a_usage_error(team):
    result = team.runpytest_inprocess("--suites", "audio")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --suites is 'audio'; shipped, or a folder with gates.toml and corpus/*"])


class ConstantEncoder:
    fingerprint = "constant"

    def __init__(self, device):
        pass

    def embed(self, clips):
        return np.tile(np.eye(1, 8, dtype=np.float32), (len(clips), 1))


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "with a worker"])
def test_a_ruler_that_cannot_measure_is_no_verdict_on_any_take(project, options):
    suite = SUITE + '\ndef test_voice(require):\n    require("speaker_similarity")\n'
    where = project(GOOD, GOOD, suite=suite)
    result = judge(where, "--speaker-encoder", "tests.test_plugin:ConstantEncoder", *options)
    assert result.ret == 3
    found = read_run(where.path / ".harness")
    assert (found.planned, found.judged, found.outcomes) == (2, 0, {})
    assert found.verdict == "INCONCLUSIVE"
    (why,) = set(found.harness_errors.values())
    assert "the ruler is broken, no take was judged: the speaker encoder constant cannot tell" in why
    assert not list((where.path / ".harness").rglob("*.wav"))  # nothing was generated either


def test_a_session_within_a_test_leaves_pythons_collector_as_it_was(monkeypatch):
    froze = []
    monkeypatch.setattr("gc.freeze", lambda: froze.append(True))
    collection._look_no_more_for_garbage()
    assert not froze
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    collection._look_no_more_for_garbage()
    assert froze
