import pytest

from harness import audio, shipped
from harness.backends.embedded import make_voices
from harness.corpus import load_voices
from harness.metrics.silence import Silences, silence_ratio

VOICES = load_voices(shipped.VOICES)


@pytest.mark.slow
def test_the_script_makes_the_shipped_voices(tmp_path, monkeypatch):
    character = make_voices.CHARACTERS[0]
    made = make_voices.record(character)
    kept = audio.load(shipped.VOICES / f"{character.name}.flac")
    assert abs(made.samples - kept.samples).max() <= 2**-15


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.id)
def test_each_voice_is_a_short_clean_clip_with_its_words(voice):
    clip = audio.load(voice.path)
    assert 3 <= clip.duration_s <= 10
    assert voice.path.stat().st_size < 200_000
    assert silence_ratio(Silences.of(clip)).value < 0.2
    assert voice.transcript


def test_there_are_four_arabic_voices_and_four_others():
    assert sorted(voice.language for voice in VOICES) == ["ar"] * 4 + ["de", "en", "en", "fr"]
    assert {character.name for character in make_voices.CHARACTERS} == {voice.id for voice in VOICES}
