"""What the run before measured holds again only where everything that the numbers hang on is the same."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.metrics.declaration import metric
from harness.metrics.measuring import Measuring, Models
from harness.records.packed import same
from harness.records.take_record import TakeRecord
from harness.registry import metrics
from harness.run import measured_before
from harness.run.journal import Journal
from harness.run.measured_before import MeasuredBefore, of_company
from harness.store import Store
from harness.take import Stop
from tests.synthetic import draw, request, take

NAMES = ("length", "clipping", "finished", "speech_level")


@pytest.fixture
def kept(tmp_path):
    return Store(tmp_path).put(take(draw("###..###"), asked=request()))


@pytest.fixture
def run(tmp_path):
    """Measures takes as a run in one folder does, and notes what was measured anew."""

    def measured(takes, names=NAMES, measuring=None, noted=lambda found: found):
        journal, fresh = Journal(tmp_path), []
        journal.begin()
        measuring = measuring or Measuring()
        before = MeasuredBefore(journal.previous, measuring)

        def measure(some, wanted):
            fresh.extend((one.request.utterance.id, *wanted) for one in some)
            return measuring.measure(some, wanted)

        found = before.measured(takes, names, measure)
        for one, numbers in zip(takes, found, strict=True):
            journal.note(TakeRecord.of(one, noted(numbers), (), None, tmp_path), before.hangs_on(one))
        assert before.taken_over == len(takes) - len({name for name, *_ in fresh})
        return found, fresh

    return measured


def test_the_same_takes_are_measured_once(run, kept):
    ((first,), fresh) = run([kept])
    assert fresh == [("short-001", *NAMES)]
    for _ in range(2):
        ((again,), fresh) = run([kept])
        assert fresh == []
        assert again.keys() == first.keys()
        assert all(same(again[name], first[name]) for name in NAMES)


def test_what_was_not_measured_before_is_measured_and_in_the_order_asked_for(run, kept):
    run([kept], NAMES[:2])
    ((found,), fresh) = run([kept], NAMES[::-1])
    assert fresh == [("short-001", "speech_level", "finished")]
    assert tuple(found) == NAMES[::-1]


@pytest.mark.parametrize(
    "changed",
    [
        {"sha256": "another sound"},
        {"stopped_by": Stop.BUDGET},
        {"frames": 7},
        {"unconditioned": "it was silent"},
        {"request": lambda one: replace(one, utterance=replace(one.utterance, text="نص آخر"))},
        {"request": lambda one: replace(one, utterance=replace(one.utterance, spoken="قراءة أخرى"))},
        {"request": lambda one: replace(one, reference=replace(one.reference, transcript="شيء آخر"))},
        {"request": lambda one: replace(one, reference=replace(one.reference, sha256="another recording"))},
    ],
)
def test_another_take_is_measured_anew(run, kept, changed):
    run([kept])
    changed = {name: made(kept.request) if callable(made) else made for name, made in changed.items()}
    fields = ("request", "audio", "stopped_by", "provenance", "frames", "elapsed_s", "unconditioned", "sha256")
    other = replace(take(), **{name: getattr(kept, name) for name in fields} | changed)
    assert run([other])[1] == [("short-001", *NAMES)]


@pytest.mark.parametrize(
    "measuring",
    [
        lambda: Measuring(reading_time="letters"),
        lambda: Measuring(languages={"ar": "letters"}),
        lambda: Measuring(deterministic=True),
        lambda: Measuring(references=[request().reference]),
        lambda: Measuring(Models(), encoder=type("Encoder", (), {"fingerprint": "another encoder"})()),
    ],
)
def test_another_ruler_measures_anew(run, kept, measuring):
    run([kept])
    assert run([kept], measuring=measuring())[1] == [("short-001", *NAMES)]


def test_another_version_of_the_code_measures_anew(run, kept, monkeypatch):
    run([kept])
    monkeypatch.setattr(measured_before, "_code", lambda: "another")
    assert run([kept])[1] == [("short-001", *NAMES)]


def test_a_constant_that_was_changed_in_this_process_measures_anew(run, kept, monkeypatch):
    run([kept])
    clipping = metrics()["clipping"]
    monkeypatch.delattr(clipping, "metric", raising=False)
    monkeypatch.setitem(vars(clipping), "metric", structs.replace(clipping.metric, signature="v1.another"))
    assert run([kept])[1] == [("short-001", "clipping")]


def test_what_failed_is_tried_again(run, kept):
    missing = metrics()["speech_level"].metric.missing("the metric raised MemoryError")
    run([kept], noted=lambda found: found | {"speech_level": missing})
    ((found,), fresh) = run([kept])
    assert fresh == [("short-001", "speech_level")]
    assert found["speech_level"].is_known


def test_a_metric_of_a_team_s_own_is_always_measured(run, kept):
    @metric("own_length", unit="s", better="neither")
    def own_length(sound):
        return sound.duration_s

    try:
        run([kept], ("length", "own_length"))
        assert run([kept], ("length", "own_length"))[1] == [("short-001", "own_length")]
    finally:
        del metrics()["own_length"]


def test_what_compares_takes_with_each_other_is_never_taken_over(run, kept):
    assert of_company("copied_take")
    assert not of_company("clipping")
    measuring = Measuring(company=lambda: [kept])
    run([kept], ("copied_take",), measuring)
    assert run([kept], ("copied_take",), measuring)[1] == [("short-001", "copied_take")]


def test_a_damaged_journal_costs_only_what_cannot_be_read(run, kept, tmp_path):
    first, _ = run([kept])
    path = tmp_path / "run.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], b'{"event":"found","suite":3}\n', b"\xff\n", lines[-1], lines[-1][:99]]))
    assert run([kept]) == (first, [])
    path.write_bytes(b"".join([*lines[:-1], lines[-1].replace(b'"packed":"', b'"packed":"AAAA')]))
    assert run([kept]) == (first, [("short-001", *NAMES)])


def test_a_take_without_sound_is_measured_each_time(run):
    silent = take()
    assert run([silent])[1] == run([silent])[1] == [("short-001", *NAMES)]
