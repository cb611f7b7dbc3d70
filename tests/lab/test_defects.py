import numpy as np
import pytest

from harness import shipped
from harness.audio import load, resample
from harness.corpus import load_corpus, load_voices
from harness.lab.defects import DEFECTS
from harness.take import Provenance, Request, Stop, Take


@pytest.fixture(scope="module")
def sound():
    voices = {voice.id: voice for voice in load_voices(shipped.VOICES)}
    rows = load_corpus("short")

    def take(name, row):
        audio = resample(load(voices[name].path), 24_000)
        return Take(Request(row, voices[name], 0, (), "test"), audio, Stop.EOS, Provenance("test", "", ""))

    return take("omar", rows[0]), take("emma", rows[1])


def test_there_are_enough_defects_and_each_has_three_rising_severities():
    assert len(DEFECTS) >= 20
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)
    for defect in DEFECTS:
        assert len({defect.severity(number) for number in range(3)}) == 3


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_changes_the_take_the_same_way_every_time(defect, sound):
    take, other = sound
    one, two = (defect.inject(take, defect.amounts[2], np.random.default_rng(7), other) for _ in range(2))
    assert np.array_equal(one.audio.samples, two.audio.samples, equal_nan=True)
    unchanged = one.audio.samples.size == take.audio.samples.size and np.array_equal(
        one.audio.samples, take.audio.samples
    )
    relabelled = one.request != take.request or one.audio.downmix_loss_db > 1
    assert not unchanged or relabelled
