from harness.records import schema
from harness.records.baseline import Accepted, Baseline, BaselineTake, Fingerprint, Model
from harness.records.measurement import Metric
from harness.take import Sampling

LENGTH = Metric("length", "s", "neither")
ACCEPTED = Accepted(
    by="Layla",
    on="2026-01-02 03:04 UTC",
    system="drawn r1",
    model=Model("drawn", "r1"),
    fingerprint=Fingerprint(device="cpu"),
    sampling=Sampling(),
)


def test_a_baseline_has_a_line_for_each_take_and_shows_a_change():
    takes = tuple(
        BaselineTake(utterance=name, seed=0, speaker="omar", measurements={"length": LENGTH.measured(2.0)})
        for name in ("a-1", "a-2")
    )
    lines = Baseline(backend="drawn", suite="short", accepted=ACCEPTED, takes=takes).lines()
    read = schema.decode(lines, Baseline, "it", "accept again")
    assert read.takes == takes
    assert schema.is_intact(read)
    assert sum(b'"utterance"' in line for line in lines.splitlines()) == 2
    edited = schema.decode(lines.replace(b'"value":2.0', b'"value":2.5', 1), Baseline, "it", "accept again")
    assert not schema.is_intact(edited)
    assert read.seeds == (0,)
