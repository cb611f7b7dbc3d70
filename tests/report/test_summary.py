from harness.report.summary import markdown
from tests.synthetic import draw


def test_the_job_summary_says_verdict_counts_and_what_blocks(recorded_run):
    recorded_run.take("short-001")
    recorded_run.take("short-002", sound=draw("###......."))
    text = markdown(recorded_run.end(), recorded_run.out)
    assert text.startswith("## May it go out? FAIL")
    assert "Takes: 2 planned = 2 judged + 0 refused" in text
    assert "| short | 2 | 5 | 1 | 0 | 0 |" in text
    assert "| FAIL | short-002, seed 0 | silence\\_ratio <= 0.3 ratio |".replace("<=", "&lt;=") in text


def test_texts_neither_break_the_table_nor_run(recorded_run):
    recorded_run.take(
        "short-001", sound=draw("###......."), utterance='<script>alert(1)</script>|x\n"><img src=x onerror=alert(1)>'
    )
    text = markdown(recorded_run.end(), recorded_run.out)
    assert "<script" not in text
    assert "<img" not in text
    rows = [line for line in text.splitlines() if line.startswith("| FAIL")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [6]
