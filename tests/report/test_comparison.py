"""How comparisons are arranged; that a real one reaches page, summary and Allure is played in tests/test_golden.py."""

from harness import report
from harness.records.comparison import Change, Comparison, NotCompared, Stratum
from harness.records.event import Judged
from harness.records.gate import Outcome
from harness.report.comparison import comparisons

SHORT = Stratum("suite", "short")


def compared(outcome=Outcome.PASS, stratum=SHORT, **changes):
    """A comparison as `harness.decision.release` makes it."""
    known = {
        "metric": "speaker_similarity",
        "question": "mean",
        "unit": "cosine",
        "change": -0.05,
        "low": -0.06,
        "high": -0.04,
        "confidence": 0.9,
        "accepted": 0.85,
        "now": 0.8,
        "margin": 0.02,
        "at_least": -0.02,
        "lost_from": 0.1,
        "p_value": 0.001,
        "utterances": 20,
        "changed_most": (Change("short-002", -0.09),),
        "detectable": 0.013,
        "reason": "shown worse, p = 0.001 over the whole run" if outcome == Outcome.FAIL else "",
        "why": "a listener hears it",
    }
    return Comparison(outcome=outcome, stratum=stratum, **known | changes)


LOST = {"question": "lost", "change": 0.1, "low": 0.02, "high": 0.3, "margin": 0.1, "detectable": 0.2}


def test_a_row_says_from_what_to_what_how_sure_and_what_would_have_been_found():
    (row,) = comparisons([compared(Outcome.FAIL)]).rows
    assert (row.about, row.metric, row.levels) == ("suite short", "speaker_similarity", "0.85 → 0.8")
    assert (row.change, row.interval, row.margin) == ("-0.05 cosine", "-0.06 to -0.04", "0.02")
    assert row.detectable == "0.013"


def test_relative_changes_and_shares_are_said_in_percent():
    (row,) = comparisons([compared(relative=True, change=-0.3696, margin=0.05)]).rows
    assert (row.change, row.margin, row.worst[0].change) == ("-37.0 %", "5 %", "-9.0 %")
    (lost,) = comparisons([compared(stratum=Stratum("all"), **LOST)]).rows
    assert (lost.about, lost.metric) == ("all suites", "utterances lost in speaker_similarity")
    assert (lost.change, lost.interval, lost.margin, lost.detectable) == ("10.0 %", "2.0 % to 30.0 %", "10 %", "20.0 %")
    assert lost.worst[0].change == "-0.09"


def test_what_blocks_comes_first_and_the_largest_change_of_it():
    found = [
        compared(stratum=Stratum("suite", "a")),
        compared(Outcome.INCONCLUSIVE, Stratum("suite", "b")),
        compared(Outcome.FAIL, Stratum("suite", "c"), change=-0.05),
        compared(Outcome.FAIL, Stratum("suite", "d"), change=-0.5),
    ]
    arranged = comparisons(found)
    assert [row.about for row in arranged.rows] == ["suite d", "suite c", "suite b", "suite a"]
    assert [row.about for row in arranged.against] == ["suite d", "suite c", "suite b"]


def test_what_was_not_compared_is_said_once_and_is_no_row():
    nothing = NotCompared(Outcome.REFUSED, Stratum("suite", "short"), "no release was accepted")
    arranged = comparisons([compared()], [nothing, nothing])
    assert arranged.not_made == (("REFUSED", "suite short: no release was accepted"),)
    assert arranged.not_made_against == ()
    assert len(arranged.rows) == 1


def test_what_had_to_be_compared_and_was_not_is_listed_as_blocking(recorded_run):
    recorded_run.take()
    other = NotCompared(Outcome.INCONCLUSIVE, Stratum("suite", "short"), "another encoder")
    recorded_run.journal.add(Judged("t", not_compared=(other,)))
    report.write(recorded_run.end(), recorded_run.out)
    page = (recorded_run.out / "report" / "index.html").read_text(encoding="utf-8")
    cause = page[page.index('id="causes"') : page.index("<h2>Takes")]
    assert "not compared with the accepted release</b> another encoder" in cause
    assert "suite short" in cause
    summary = (recorded_run.out / "summary.md").read_text(encoding="utf-8")
    assert "- INCONCLUSIVE, not compared: suite short: another encoder" in summary


def test_a_number_that_is_missing_is_no_number():
    missing = dict.fromkeys(("change", "low", "high", "accepted", "detectable"))
    (row,) = comparisons([compared(Outcome.FAIL, **missing)]).rows
    assert (row.levels, row.change, row.detectable) == ("", "? cosine", "?")


def test_the_page_shows_what_blocks_first_and_links_it_to_the_takes(recorded_run):
    recorded_run.take("short-002")
    answers = (compared(Outcome.FAIL), compared(stratum=Stratum("voice", "layla")))
    recorded_run.journal.add(Judged("t", comparisons=answers))
    report.write(recorded_run.end(), recorded_run.out)
    page = (recorded_run.out / "report" / "index.html").read_text(encoding="utf-8")
    blocking, table, passed = (page.index(text) for text in ("What blocks it", 'id="compared"', "shown not worse"))
    assert blocking < page.index("change of speaker_similarity: worse than the accepted release") < table
    causes = page[blocking : page.index('id="takes"')]
    assert "suite short" in causes
    assert causes.count('href="#short-short-002-seed0"') == 1
    assert page.index("0.85 → 0.8", table) < passed < page.index("voice layla", passed)
    assert "Nothing.</p>" not in page
    summary = (recorded_run.out / "summary.md").read_text(encoding="utf-8")
    assert "| FAIL | suite short | speaker\\_similarity | 0.85 → 0.8 | -0.05 cosine |" in summary


def test_names_of_utterances_are_escaped(recorded_run):
    nasty = '"><img src=x onerror=alert(1)>'
    recorded_run.take()
    worst = (Change(nasty, -1.0),)
    recorded_run.journal.add(Judged("t", comparisons=(compared(Outcome.FAIL, changed_most=worst, reason=nasty),)))
    report.write(recorded_run.end(), recorded_run.out)
    assert "<img src=x" not in (recorded_run.out / "report" / "index.html").read_text(encoding="utf-8")
