import html
import json

import pytest

from harness.records import power_table
from harness.records.audit import Audit, Found, Share
from harness.records.comparison import Comparison, Stratum
from harness.records.gate import Outcome
from harness.records.run_record import About, RunRecord
from harness.records.take_record import TakeRecord
from harness.report import allure, assurance, page, summary, terminal
from harness.take import Provenance, Stop

AUDIT = Audit(
    about="hash",
    false_fail=Share(0, 500, 0.0, 0.0074),
    passed=Share(495, 500, 0.9768, 0.9967),
    takes=1.0,
    false_pass=Share(8, 200, 0.0174, 0.0773),
    false_pass_of="sim in suite medium",
    found=(Found("sim", "cosine", "suite medium", 0.06),),
    broken=0.01,
)


def mean(stratum, detectable, excludes, metric="sim", **changes):
    known = {
        "outcome": Outcome.PASS,
        "stratum": stratum,
        "metric": metric,
        "question": "mean",
        "unit": "cosine",
        "confidence": 0.9,
        "margin": 0.02,
        "lost_from": 0.1,
        "p_value": 1.0,
        "utterances": 20,
        "detectable": detectable,
        "excludes": excludes,
        "at_least": -0.02,
    }
    return Comparison(**known | changes)


def run(audit=AUDIT, *more):
    comparisons = (
        mean(Stratum("all"), 0.03, 0.042),
        mean(Stratum("suite", "medium"), 0.06, 0.3),
        mean(Stratum("all"), -0.05, 0.041, metric="tempo", relative=True),
        *more,
    )
    about = About(backend="b", audit=audit)
    return RunRecord(verdict=Outcome.PASS, exit_code=0, about=about, planned=1, judged=1, comparisons=comparisons)


def test_four_numbers_are_told():
    assert assurance.lines(run()) == [
        "called FAIL although unchanged: 0.0% [0.0%, 0.7%] of releases, absolute gates included "
        "(1.0% of takes break one), with --takes auto; 99.0% [97.7%, 99.7%] pass",
        "passed although one margin is lost: 4.0% [1.7%, 7.7%] at most (sim in suite medium)",
        "called FAIL four times in five in the worst suite or voice: sim 0.06 cosine (suite medium), "
        "tempo 5.0% (all suites)",
        "excluded with 95 %: a failure of more than 4.2% of takes",
    ]


def test_what_was_not_tried_is_not_claimed():
    assert assurance.lines(run(None))[0].startswith("how often this gate is wrong was not tried")
    assert len(assurance.lines(run(None))) == 3


def test_without_a_comparison_there_is_nothing_to_be_sure_of():
    nothing = RunRecord(verdict=Outcome.PASS, exit_code=0, about=About(audit=AUDIT), planned=1, judged=1)
    assert assurance.lines(nothing) == []


def test_they_stand_in_the_terminal_and_in_the_summary(tmp_path):
    for text in ("\n".join(terminal.summary(run(), tmp_path, tmp_path)), summary.markdown(run(), tmp_path)):
        flat = " ".join(text.split())
        assert "called FAIL although unchanged" in flat
        assert "a failure of more than 4.2% of takes" in flat


def take_in(language):
    return TakeRecord(
        suite="short",
        utterance=f"short-{language}",
        seed=0,
        text="a text",
        language=language,
        reference="layla",
        speaker="layla",
        digest=language,
        stopped_by=Stop.EOS,
        max_frames=64,
        provenance=Provenance("b", "m", ""),
    )


@pytest.mark.parametrize(("profile", "other"), [("documented", "--gates calibrated"), ("calibrated", "")])
def test_a_verdict_says_what_share_of_people_its_limits_reject_and_what_rejects_fewer(profile, other):
    made = [take_in(language) for language in ("ar", "xx")]
    record = RunRecord(
        verdict=Outcome.PASS, exit_code=0, about=About(gates=profile), planned=1, judged=1, takes=tuple(made)
    )
    (line,) = assurance.lines(record)
    table = power_table.read()
    count, of = table.of_people(profile, "ar")
    assert of >= 30
    assert line.startswith(f"{profile} rejects {count} of {of} [")
    assert "in 'ar'" in line
    assert (other in line) if other else ("--gates" not in line)


def test_people_are_counted_in_their_own_language():
    table = power_table.read()
    assert table.of_people("calibrated", "ar")[1] + table.of_people("calibrated", "en")[1] == table.beds["people"].takes
    assert table.of_people("calibrated", "xx") == (0, 0)
    assert table.of_people("of a team", "ar") == (0, 0)


def test_they_stand_on_the_page_and_on_the_first_test_of_allure(tmp_path):
    allure.write_run(run(), tmp_path / "allure", tmp_path)
    (written,) = (tmp_path / "allure").glob("*-result.json")
    described = json.loads(written.read_text(encoding="utf-8"))["description"]
    written = page.write_folder(run(), tmp_path)
    drawn = html.unescape(written.read_text(encoding="utf-8"))
    for line in assurance.lines(run()):
        assert line in drawn
        assert line in html.unescape(described)
