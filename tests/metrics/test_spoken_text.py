"""Where in its text a take begins, beside the same words as a synthesiser says them."""

import numpy as np
import pytest

from harness.audio import Audio
from harness.espeak import speak
from harness.metrics.spoken_text import begins_later, cepstra

TEXTS = {
    "en": "Every morning the people of the village walk down to the river",
    "ar": "ذَهَبَ الوَلَدُ إِلى السُّوقِ صَباحاً مَعَ أَبيهِ وَأُمِّهِ",
}


def without(sound, seconds):
    return Audio(sound.samples[round(seconds * sound.sample_rate_hz) :], sound.sample_rate_hz)


@pytest.mark.parametrize("language", TEXTS)
def test_a_whole_take_begins_at_the_beginning_and_a_cut_one_later(language):
    text = TEXTS[language]
    take, spoken = speak(text, language, "m3", 175), speak(text, language, "", 150)
    first = int(np.flatnonzero(np.abs(take.samples) > 0.02)[0]) / take.sample_rate_hz
    whole, cut = begins_later(take, spoken), begins_later(without(take, first + 0.35), spoken)
    assert whole < 0 < cut


def test_silence_before_the_first_sound_and_the_level_change_little():
    take, spoken = speak(TEXTS["en"], "en", "m3", 175), speak(TEXTS["en"], "en", "", 150)
    quiet = Audio(np.concatenate([np.zeros(22_050, np.float32), 0.1 * take.samples]), take.sample_rate_hz)
    assert begins_later(quiet, spoken) == pytest.approx(begins_later(take, spoken), abs=0.02)
    assert len(cepstra(quiet)) == pytest.approx(len(cepstra(take)), abs=2)


def test_next_to_no_sound_begins_nowhere():
    spoken = speak(TEXTS["en"], "en", "", 150)
    short = Audio(np.full(200, 0.1, np.float32), 22_050)
    silent = Audio(np.zeros(30_000, np.float32), 22_050)
    assert begins_later(short, spoken) == begins_later(spoken, short) == 0.0
    assert np.isfinite(begins_later(silent, spoken))
