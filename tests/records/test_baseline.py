import pytest
from msgspec import structs

from harness.errors import RecordError
from harness.records import baseline, schema
from harness.records.baseline import Accepted, Baseline, BaselineTake, Fingerprint, Model
from harness.records.measurement import Metric
from harness.records.packed import Names, same
from harness.take import Sampling

LENGTH = Metric("length", "s", "neither")
SILENCE = Metric("silence_ratio", "ratio", "lower")
ACCEPTED = Accepted(
    by="Layla",
    on="2026-01-02 03:04 UTC",
    system="drawn r1",
    model=Model("drawn", "r1"),
    fingerprint=Fingerprint(device="cpu"),
    sampling=Sampling(),
)


NO_RECOGNISER = Metric("cer", "ratio", "lower").not_applicable("no speech recogniser was given (--asr)")


def test_a_baseline_has_a_line_for_each_take_and_shows_a_change(tmp_path):
    takes = tuple(
        BaselineTake(
            utterance=name,
            seed=0,
            speaker="omar",
            measurements={
                "length": LENGTH.measured(2.0, frames=3.0),
                "cer": NO_RECOGNISER,
                "silence_ratio": SILENCE.missing("nothing sounds"),
            },
        )
        for name in ("a-1", "a-2")
    )
    path = tmp_path / "short.json"
    schema.write(path, Baseline(backend="drawn", suite="short", accepted=ACCEPTED, takes=takes))
    read = schema.read(path, Baseline, "accept again")
    for was, now in zip(takes, read.takes, strict=True):
        assert structs.replace(was, measurements={}) == structs.replace(now, measurements={})
        assert was.measurements.keys() == now.measurements.keys()
        assert all(same(one, now.measurements[name]) for name, one in was.measurements.items())
    assert read.seeds == (0,)
    lines = path.read_bytes()
    assert sum(b'"utterance"' in line for line in lines.splitlines()) == 2
    assert lines.count(b"no speech recogniser") == lines.count(b'"unit":"s"') == 1
    path.write_bytes(lines.replace(b'"value":2.0', b'"value":2.5', 1))
    with pytest.raises(RecordError, match="was changed by hand"):
        schema.read(path, Baseline, "accept again")


def test_a_name_that_stands_for_nothing_is_damage(tmp_path):
    path = tmp_path / "short.json"
    takes = (BaselineTake(utterance="a", seed=0, speaker="omar", measurements={"length": LENGTH.measured(2.0)}),)
    whole = b"".join(Baseline(backend="drawn", suite="short", accepted=ACCEPTED, takes=takes).pieces())
    packed = schema.decode(whole, baseline._PackedBaseline, "it", "accept again")
    schema.write(path, structs.replace(packed, names=Names()))
    with pytest.raises(RecordError, match=r"is damaged .*'length'.* accept again"):
        schema.read(path, Baseline, "accept again")
