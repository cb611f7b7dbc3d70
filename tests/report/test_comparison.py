"""How comparisons are arranged; that a real one reaches page, summary and Allure is played in tests/test_golden.py."""

from harness import report
from harness.report.comparison import comparisons


def compared(outcome="PASS", stratum="suite short", metric="speaker_similarity", **changes):
    """A comparison as `harness.decision.release` writes it."""
    return {
        "outcome": outcome,
        "gate": f"change of {metric} >= -0.02 cosine",
        "name": f"change of {metric}",
        "observed": "-0.05 cosine",
        "reason": "shown worse, p = 0.001 over the whole run" if outcome == "FAIL" else "",
        "why": "a listener hears it",
        "suite": stratum.removeprefix("suite "),
        "stratum": stratum,
        "metric": metric,
        "kind": "mean",
        "unit": "cosine",
        "delta": -0.05,
        "low": -0.06,
        "high": -0.04,
        "accepted": 0.85,
        "now": 0.8,
        "margin": 0.02,
        "limit": 0.02,
        "change_unit": "cosine",
        "worst": [{"utterance": "short-002", "change": -0.09}],
        "detectable": 0.013,
        "utterance": "short-002",
        "seed": 0,
        "listen": "",
        **changes,
    }


LOST = {"kind": "lost", "unit": "of all", "delta": 0.1, "low": 0.02, "high": 0.3, "limit": 0.1, "detectable": 0.2}
NOTHING = {"metric": "", "reason": "no release was accepted"}


def test_a_row_says_from_what_to_what_how_sure_and_what_would_have_been_found():
    (row,) = comparisons([compared("FAIL")]).rows
    assert (row.about, row.metric, row.levels) == ("suite short", "speaker_similarity", "0.85 → 0.8")
    assert (row.change, row.interval, row.margin) == ("-0.05 cosine", "-0.06 to -0.04", "0.02")
    assert row.detectable == "0.013"


def test_relative_changes_and_shares_are_said_in_percent():
    relative = {"unit": "of the accepted value", "change_unit": "of the accepted value", "delta": -0.3696}
    (row,) = comparisons([compared(**relative, limit=0.05)]).rows
    assert (row.change, row.margin, row.worst[0].change) == ("-37.0 %", "5 %", "-9.0 %")
    (lost,) = comparisons([compared(stratum="all", **LOST)]).rows
    assert (lost.about, lost.metric) == ("all suites", "utterances lost in speaker_similarity")
    assert (lost.change, lost.interval, lost.margin, lost.detectable) == ("10.0 %", "2.0 % to 30.0 %", "10 %", "20.0 %")
    assert lost.worst[0].change == "-0.09"


def test_what_blocks_comes_first_and_the_largest_change_of_it():
    found = [
        compared(stratum="suite a"),
        compared("INCONCLUSIVE", "suite b"),
        compared("FAIL", "suite c", delta=-0.05),
        compared("FAIL", "suite d", delta=-0.5),
    ]
    arranged = comparisons(found)
    assert [row.about for row in arranged.rows] == ["suite d", "suite c", "suite b", "suite a"]
    assert [row.about for row in arranged.against] == ["suite d", "suite c", "suite b"]


def test_what_was_not_compared_is_said_once_and_is_no_row():
    arranged = comparisons([compared("REFUSED", **NOTHING), compared("REFUSED", **NOTHING), compared()])
    assert arranged.not_made == (("REFUSED", "suite short: no release was accepted"),)
    assert arranged.not_made_against == ()
    assert len(arranged.rows) == 1


def test_what_had_to_be_compared_and_was_not_is_listed_as_blocking(recorded_run):
    recorded_run.take()
    recorded_run.journal.add(test="t", compared=[compared("INCONCLUSIVE", metric="", reason="another encoder")])
    report.write(recorded_run.end(), recorded_run.out)
    page = (recorded_run.out / "report" / "index.html").read_text(encoding="utf-8")
    assert "not compared with the accepted release: suite short: another encoder" in page[: page.index("<h2>Suites")]
    summary = (recorded_run.out / "summary.md").read_text(encoding="utf-8")
    assert "- INCONCLUSIVE, not compared: suite short: another encoder" in summary


def test_a_number_that_is_missing_is_no_number():
    (row,) = comparisons([compared("FAIL", delta=None, low=None, high=None, accepted=None, detectable=None)]).rows
    assert (row.levels, row.change, row.detectable) == ("", "? cosine", "?")


def test_the_page_shows_what_blocks_first_and_links_it_to_the_takes(recorded_run):
    recorded_run.take("short-002")
    recorded_run.journal.add(test="t", compared=[compared("FAIL"), compared(stratum="voice layla")])
    report.write(recorded_run.end(), recorded_run.out)
    page = (recorded_run.out / "report" / "index.html").read_text(encoding="utf-8")
    blocking, table, passed = (page.index(text) for text in ("What blocks it", 'id="compared"', "shown not worse"))
    assert blocking < page.index("suite short: speaker_similarity") < table
    assert page[blocking:table].count('href="#short-002-seed0"') == 1
    assert page.index("0.85 → 0.8", table) < passed < page.index("voice layla", passed)
    assert "Nothing.</p>" not in page
    summary = (recorded_run.out / "summary.md").read_text(encoding="utf-8")
    assert "| FAIL | suite short | speaker\\_similarity | 0.85 → 0.8 | -0.05 cosine |" in summary


def test_names_of_utterances_are_escaped(recorded_run):
    nasty = '"><img src=x onerror=alert(1)>'
    recorded_run.take()
    worst = [{"utterance": nasty, "change": -1.0}]
    recorded_run.journal.add(test="t", compared=[compared("FAIL", worst=worst, reason=nasty)])
    report.write(recorded_run.end(), recorded_run.out)
    assert "<img src=x" not in (recorded_run.out / "report" / "index.html").read_text(encoding="utf-8")
