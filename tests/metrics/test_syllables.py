import numpy as np
import pytest

from harness import shipped
from harness.audio import Audio
from harness.corpus import load_voices
from harness.metrics import syllables
from harness.metrics.spectrum import Spectrum
from harness.text import spoken_letters

RATE = 24_000


def bursts(count, seconds=0.2):
    """Vowels of a tenth of a second with dips between them."""
    times = np.arange(round(seconds * count * RATE)) / RATE
    return Audio(
        (0.1 * np.sin(2 * np.pi * 600 * times) * np.sin(np.pi * times / seconds) ** 2).astype(np.float32), RATE
    )


@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_each_crest_of_loudness_is_a_syllable(count):
    places = syllables.syllables(Spectrum.of(bursts(count)))
    assert places == pytest.approx(0.1 + 0.2 * np.arange(count), abs=0.03)


def test_what_is_hardly_louder_than_the_dips_beside_it_is_none():
    times = np.arange(2 * RATE) / RATE
    rippled = (1 + 0.05 * np.sin(2 * np.pi * 5 * times)) * np.sin(2 * np.pi * 600 * times)
    assert syllables.syllables(Spectrum.of(Audio((0.1 * rippled).astype(np.float32), RATE))).size <= 1


@pytest.mark.parametrize("voice", load_voices(shipped.VOICES), ids=lambda voice: voice.id)
def test_a_voice_says_about_as_many_syllables_as_its_text_has(voice):
    from harness.audio import load

    heard = syllables.syllables(Spectrum.of(load(voice.path)))
    assert 0.6 < syllables.syllable_share(heard, voice.transcript).value < 1.6


def test_half_the_syllables_are_half_the_share_and_numbers_are_written_out():
    text = "the quick brown fox jumps over the lazy dog and then over another"
    whole, half = (syllables.syllable_share(np.zeros(count), text).value for count in (16, 8))
    assert half == pytest.approx(whole / 2, abs=0.05)
    numbers = "123456"
    share = syllables.syllable_share(np.zeros(16), numbers)
    assert share.components["expected"] < sum(spoken_letters(numbers))
    assert share.components["expected"] > 10


def test_a_script_that_nobody_counted_is_not_judged():
    assert not syllables.syllable_share(np.zeros(4), "今天天气很好").applicable
    assert syllables.syllable_share(np.zeros(4), "...").why_not
