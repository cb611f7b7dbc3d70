from harness.report.summary import markdown
from tests.synthetic import draw


def test_the_job_summary_says_verdict_counts_and_what_blocks(recorded_run):
    recorded_run.take("short-001")
    recorded_run.take("short-002", sound=draw("###......."))
    text = markdown(recorded_run.end(), recorded_run.out)
    assert text.startswith("## May it go out? FAIL")
    assert "Takes: 2 planned = 2 judged + 0 refused" in text
    assert "| short | 2 | 5 | 1 | 0 | 0 |" in text
    assert "| FAIL | 1 | silence\\_ratio | 0." in text
    assert "Listen to the 1 takes in question" in text


def test_a_pass_does_not_ask_to_listen_to_no_takes(recorded_run):
    recorded_run.take("short-001")
    text = markdown(recorded_run.end(0), recorded_run.out)
    assert "Listen to any take" in text
    assert " 0 takes in question" not in text


def test_texts_neither_break_the_table_nor_run(recorded_run):
    recorded_run.take(
        "short-001", sound=draw("###......."), utterance='<script>alert(1)</script>|x\n"><img src=x onerror=alert(1)>'
    )
    text = markdown(recorded_run.end(), recorded_run.out)
    assert "<script" not in text
    assert "<img" not in text
    rows = [line for line in text.splitlines() if line.startswith("| FAIL")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [7]
