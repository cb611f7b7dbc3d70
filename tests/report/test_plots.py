"""Pictures, checked on sounds whose picture is known."""

import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from harness.audio import Audio
from harness.metrics.artifacts import clipping
from harness.report import plots
from tests.synthetic import draw


def tone(hz, seconds=1.0, rate=24_000):
    return Audio((0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32), rate)


@pytest.mark.parametrize("hz", [200, 1_000, 4_000, 10_000])
def test_a_tone_is_loudest_in_its_own_mel_band(hz):
    picture = plots.mel_spectrogram_db(tone(hz))
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 12_000 / 700), plots.MEL_BANDS + 2) / 2595) - 1)
    loudest = int(picture[:, 20].argmax())
    assert edges[loudest] <= hz <= edges[loudest + 2]


def test_the_png_is_a_picture_that_others_can_read_with_low_bands_at_the_bottom():
    picture = Image.open(io.BytesIO(plots.spectrogram_png(tone(300))))
    picture.load()
    shades = np.asarray(picture)
    assert picture.size[1] == plots.MEL_BANDS
    assert shades[:, 20].argmax() > plots.MEL_BANDS * 0.7


def test_zeros_and_numbers_that_are_none_are_drawn():
    for samples in (np.zeros(2_400, np.float32), np.full(2_400, np.nan, np.float32), np.zeros(1, np.float32)):
        assert plots.spectrogram_png(Audio(samples, 24_000)).startswith(b"\x89PNG")
        assert plots.waveform_path(Audio(samples, 24_000)).startswith("M0,50.0")


def test_the_waveform_reaches_as_far_as_the_samples():
    path = plots.waveform_path(Audio(np.array([0.0, 1.0, -1.0, 0.0] * 1_000, np.float32), 24_000))
    heights = [float(y) for y in re.findall(r",([\d.]+)", path)]
    assert (min(heights), max(heights)) == (0.0, 100.0)


@pytest.mark.parametrize("ceiling", [1.0, 0.3])
def test_what_is_marked_as_clipped_is_what_the_gate_counts(ceiling):
    sound = Audio(np.clip(9 * draw("#####").samples, -ceiling, ceiling).astype(np.float32), 24_000)
    counted = clipping(sound)
    assert counted.value > 0
    marked = [(mark.start_s, mark.end_s) for mark in plots.marks(sound, [], []) if mark.kind == "clipped"]
    assert marked == list(counted.spans)


def test_marks_say_what_and_when():
    found = plots.marks(draw("#####"), [(0.1, 0.2)], [("loop", 0.3, 0.4)])
    assert [(mark.kind, mark.label) for mark in found] == [
        ("silence", "silence 0.10 to 0.20 s"),
        ("defect", "loop 0.30 to 0.40 s"),
    ]


def test_a_long_take_is_drawn_in_no_more_columns_and_fast():
    begun = time.perf_counter()
    picture = plots.mel_spectrogram_db(draw("#" * 300))
    assert picture.shape[1] <= plots.MOST_COLUMNS
    assert time.perf_counter() - begun < 1
