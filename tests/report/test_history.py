from harness.report import history


def record(recorded_run, begun, exit_status=0):
    manifest = recorded_run.end(exit_status)
    manifest.begun = begun
    history.add(manifest, recorded_run.out)


def test_there_is_no_trend_before_the_second_run(recorded_run):
    recorded_run.take()
    record(recorded_run, "2026-01-01T00:00:00Z")
    assert history.trend(recorded_run.out) is None


def test_the_trend_shows_now_and_before(recorded_run):
    recorded_run.take()
    for day in (1, 2, 2):  # drawing a run again does not count it twice
        record(recorded_run, f"2026-01-0{day}T00:00:00Z")
    trend = history.trend(recorded_run.out)
    assert [run["verdict"] for run in trend.runs] == ["PASS", "PASS"]
    (length,) = [line for line in trend.lines if line.metric == "length (s)"]
    assert (length.now, length.before) == ("2.5", "2.5")
    assert length.path.count(",") == 2


def test_an_incomplete_run_is_not_history(recorded_run):
    recorded_run.take()
    history.add(recorded_run.journal.manifest(), recorded_run.out)
    assert not (recorded_run.out / history.NAME).exists()


def test_a_damaged_line_is_left_out(recorded_run):
    recorded_run.take()
    record(recorded_run, "2026-01-01T00:00:00Z")
    with (recorded_run.out / history.NAME).open("a") as file:
        file.write('{"begun": \n')
    record(recorded_run, "2026-01-02T00:00:00Z")
    assert len(history.trend(recorded_run.out).runs) == 2
