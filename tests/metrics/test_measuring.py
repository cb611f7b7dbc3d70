"""One pass: what a metric needs is made once, what fails is missing with its reason, and nothing is lost."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness import registry
from harness.audio import Audio
from harness.errors import UsageError
from harness.metrics import known_metrics, measure_waveform
from harness.metrics.declaration import Missing, NotApplicable, analysis, measured, metric
from harness.metrics.measuring import BATCH, Measuring, model_free
from tests.synthetic import draw, request, take, write_voice

SILENT = np.zeros(60_000, np.float32)
FAULTS = {
    "missing": take(error="x.wav is missing"),
    "silent": take(Audio(SILENT, 24_000)),
    "not a number": take(Audio(SILENT * np.float32(np.nan), 24_000)),
    "one sample": take(Audio(SILENT[:1], 24_000)),
    "infinite": take(Audio(SILENT + np.float32(np.inf), 24_000)),
    "a wrong rate": take(draw("#" * 26, rate_hz=8_000)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_loses_a_measurement_and_none_is_silently_empty(fault):
    found = measure_waveform(FAULTS[fault])
    assert found.keys() == set(model_free())
    assert len(found) > 25
    assert all(one.value == one.value or one.why_not for one in found.values())


@pytest.mark.parametrize("name", model_free())
def test_a_metric_that_raises_is_missing_and_no_other(name, monkeypatch, tmp_path):
    def broken(**_):
        raise RuntimeError("no luck")

    one = take(asked=request(reference=write_voice(tmp_path, "layla", draw("#" * 20))))
    whole = measure_waveform(one)
    monkeypatch.setattr(registry.metrics()[name], "function", broken)
    found = measure_waveform(one)
    assert found[name].why_not == "the metric raised RuntimeError: no luck"
    assert {one for one in found if found[one].why_not != whole[one].why_not} == {name}


def test_an_analysis_is_made_once_for_all_that_need_it(own_metrics):
    made = Counter()

    @analysis()
    def loudness(sound):
        made["take"] += 1
        return float(np.abs(sound.samples).max())

    @analysis(once="batch")
    def batched(loudness):
        made["batch"] += 1
        return [value * 2 for value in loudness]

    @analysis(once="run")
    def constant(models):
        made["run"] += 1
        return 10.0

    @metric("peak", unit="full scale", better="neither")
    def peak(loudness, batched, constant):
        return loudness + batched + constant

    @metric("peak_again", unit="full scale", better="neither")
    def peak_again(batched):
        return measured(batched, "twice", own=1.0)

    takes = [take(draw("#" * 10, level=0.1 * number)) for number in (1, 2, 3)]
    found = Measuring().measure(takes, ["peak", "peak_again"])
    assert made == {"take": 3, "batch": 1, "run": 1}
    assert [one["peak"].value for one in found] == pytest.approx(
        [10 + 3 * np.abs(one.audio.samples).max() for one in takes]
    )
    assert found[0]["peak_again"].components == {"own": 1.0}
    assert known_metrics()["peak"].unit == "full scale"


def test_a_batch_that_fails_is_made_take_by_take_and_one_bad_take_costs_the_others_nothing(own_metrics):
    @analysis(once="batch", what="the model")
    def answer(sound):
        if any(one.duration_s > 1.5 for one in sound):
            raise RuntimeError("too long")
        return [one.duration_s for one in sound]

    @metric("answered", unit="s", better="neither")
    def answered(answer):
        return answer

    takes = [take(draw("#" * length)) for length in (10, 20, 12)] + [take(error="timed out")]
    found = [one["answered"] for one in Measuring().measure(takes, ["answered"])]
    assert [one.value for one in found[::2]] == pytest.approx([1.0, 1.2])
    assert found[1].why_not == "the model raised RuntimeError: too long"
    assert found[3].why_not == "no audio: timed out"


def test_a_batch_that_loses_an_answer_is_no_answer(own_metrics):
    @analysis(once="batch")
    def short(sound):
        return []

    @metric("shortened", unit="s", better="neither")
    def shortened(short):
        return short

    (found,) = Measuring().measure([take()], ["shortened"])
    assert found["shortened"].why_not == "short raised ValueError: 0 answers for 1 takes"


def test_what_the_run_lacks_is_said_before_what_the_take_lacks(own_metrics):
    @analysis(once="run")
    def absent(models):
        raise NotApplicable("nobody gave one")

    @metric("lacking", unit="s", better="neither")
    def lacking(sound, absent):
        return 1.0

    (found,) = Measuring().measure([take(error="timed out")], ["lacking"])
    assert not found["lacking"].applicable
    assert found["lacking"].why_not == "nobody gave one"


def test_a_wrong_command_is_raised_and_no_verdict_on_a_take(own_metrics):
    @analysis(once="run")
    def nowhere(models):
        raise UsageError("no such model")

    @metric("unmeasurable", unit="s", better="neither")
    def unmeasurable(nowhere):
        return 1.0

    with pytest.raises(UsageError, match=r"no such model"):
        Measuring().measure([take()], ["unmeasurable"])


def test_silence_is_not_praised_unless_a_metric_asks_for_it(own_metrics):
    @metric("of_speech", unit="s", better="neither")
    def of_speech(sound):
        return 1.0

    @metric("of_sound", unit="s", better="neither", of="sound")
    def of_sound(sound):
        return 1.0

    @metric("of_take", unit="s", better="neither", of="take")
    def of_take(take):
        raise Missing("of no take")

    (found,) = Measuring().measure([FAULTS["silent"]], ["of_speech", "of_sound", "of_take"])
    assert found["of_speech"].why_not == "no speech was found"
    assert found["of_sound"].value == 1
    assert (found["of_take"].why_not, found["of_take"].applicable) == ("of no take", True)


def test_takes_beyond_a_batch_are_measured_in_their_order():
    takes = [take(draw("#" * (10 + number % 7))) for number in range(2 * BATCH + 3)]
    found = Measuring().measure(iter(takes), ["length"])
    assert [one["length"].value for one in found] == [one.audio.duration_s for one in takes]


def test_a_need_that_there_is_not_is_said_with_what_there_is(own_metrics):
    @metric("needy", unit="s", better="neither")
    def needy(spectra):
        return 1.0

    with pytest.raises(UsageError, match=r"no analysis is called 'spectra'; a metric can need .*spectrum"):
        Measuring().measure([take()], ["needy"])


def test_a_metric_and_an_analysis_have_names_of_their_own(own_metrics):
    with pytest.raises(UsageError, match=r"metric 'length' of .* is there already, in harness.metrics.duration"):

        @metric("length", unit="s", better="neither")
        def length(sound):
            return 1.0

    with pytest.raises(UsageError, match=r"analysis 'sound' of .* is there already"):

        @analysis()
        def sound(take):
            return None


COST = """
import sys, time
import numpy as np
from harness import measure
from harness.audio import Audio
from tests.recorded import speech
seconds = int(sys.argv[1])
sound = np.concatenate([speech(10.0, seed=number).samples for number in range(seconds // 10)])
began = time.process_time()
assert len(measure(Audio(sound, 24_000))) > 40
held = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(time.process_time() - began, held)
"""


@pytest.mark.slow
def test_a_long_take_costs_what_its_length_costs_and_not_the_square_of_it():
    """Four times as long: four times the work and the memory, and a little more; the square would be sixteen."""
    costs = []
    for seconds in ("120", "480"):
        command = [sys.executable, "-c", COST, seconds]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
        costs.append([float(number) for number in done.stdout.split()])
    (short_s, short_kb), (long_s, long_kb) = costs
    assert long_s <= 8 * short_s
    assert long_kb <= 4 * short_kb
    assert long_kb <= 1_100_000
