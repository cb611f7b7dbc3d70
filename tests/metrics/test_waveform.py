import numpy as np
import pytest

from harness.audio import Audio
from harness.metrics import known_metrics, measure_waveform, waveform
from harness.metrics.speaker import METRICS
from harness.records.measurement import Metric
from tests.synthetic import draw, take

TABLES = (waveform.OF_ANY_TAKE, waveform.OF_ANY_SOUND, waveform.OF_SPEECH)
MEASURED = {metric.name for table in TABLES for metric in table}
SILENT = np.zeros(60_000, np.float32)
FAULTS = {
    "missing": take(error="x.wav is missing"),
    "silent": take(Audio(SILENT, 24_000)),
    "not a number": take(Audio(SILENT * np.float32(np.nan), 24_000)),
    "one sample": take(Audio(SILENT[:1], 24_000)),
    "infinite": take(Audio(SILENT + np.float32(np.inf), 24_000)),
    "a wrong rate": take(draw("#" * 26, rate_hz=8_000)),
}


def test_every_metric_stands_in_one_table():
    assert sum(map(len, TABLES)) == len(MEASURED)
    assert known_metrics().keys() - {metric.name for metric in METRICS} >= MEASURED


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_loses_a_measurement_and_none_is_silently_empty(fault):
    found = measure_waveform(FAULTS[fault])
    assert found.keys() == MEASURED
    assert all(one.value == one.value or one.why_not for one in found.values())


@pytest.mark.parametrize("metric", [metric for table in TABLES for metric in table], ids=lambda metric: metric.name)
def test_a_metric_that_raises_is_missing_and_no_other(metric, monkeypatch):
    def broken(_: object) -> None:
        raise RuntimeError("no luck")

    (name,) = (name for name in ("OF_ANY_TAKE", "OF_ANY_SOUND", "OF_SPEECH") if metric in getattr(waveform, name))
    whole = measure_waveform(take(draw("#" * 26)))
    monkeypatch.setattr(waveform, name, {**getattr(waveform, name), metric: broken})
    found = measure_waveform(take(draw("#" * 26)))
    assert found[metric.name].why_not == "the metric raised RuntimeError: no luck"
    assert {one for one in found if found[one].why_not != whole[one].why_not} == {metric.name}


def test_the_last_take_is_looked_at_once_and_can_be_forgotten():
    one = take(draw("#" * 26))
    assert waveform.measure(Metric("readable", unit="yes", better="higher"), one).value == 1
    measure_waveform(one)
    waveform.forget()
    assert measure_waveform(one)["length"].value == pytest.approx(2.6)
