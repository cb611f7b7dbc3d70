import hashlib
import subprocess
import sys

import numpy as np
import pytest

from harness import audio, shipped
from harness.audio import Audio
from harness.backends.embedded.voice import HIGHEST_PITCH, LOWEST_PITCH, base_voice, clone, conversion_to
from harness.corpus import load_corpus, load_voices
from harness.errors import BackendError
from harness.espeak import OWN_PITCH
from harness.metrics.silence import Silences, longest_silence, silence_ratio
from harness.metrics.speaker_encoder import Resemblyzer

pytestmark = pytest.mark.slow
TEXT = "خرج الأطفال إلى الحديقة، ثم جلسوا تحت شجرة قديمة."


@pytest.fixture(scope="module")
def voices():
    return {voice.id: audio.load(voice.path) for voice in load_voices(shipped.VOICES)}


@pytest.fixture(scope="module")
def speech(voices):
    return clone(TEXT, "ar", voices["layla"], duration_s=4.5, seed=1)


def test_the_take_lasts_as_long_as_asked_and_has_a_sound_level(speech):
    assert speech.duration_s == pytest.approx(4.5, abs=0.001)
    assert np.abs(speech.samples).max() <= 0.9
    assert -27 < audio.rms_dbfs(speech.samples) < -20
    assert abs(speech.samples.mean()) < 0.001


def test_pauses_stay_within_what_a_reader_makes(speech):
    pauses = Silences.of(speech)
    assert silence_ratio(pauses).value < 0.2
    assert longest_silence(pauses).value < 0.5


def test_another_process_says_the_very_same(voices, speech):
    code = (
        "import hashlib; from harness import audio; from harness import shipped;"
        "from harness.backends.embedded.voice import clone;"
        f"s = clone({TEXT!r}, 'ar', audio.load(shipped.VOICES / 'layla.flac'), duration_s=4.5, seed=1);"
        "print(hashlib.sha256(s.samples.tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(speech.samples.tobytes()).hexdigest()


def test_a_seed_is_another_performance_by_the_same_voice(voices, speech):
    other = clone(TEXT, "ar", voices["layla"], duration_s=4.5, seed=2)
    assert not np.array_equal(other.samples, speech.samples)
    one, two = Resemblyzer().embed([speech, other])
    assert one @ two > 0.9


def test_every_shipped_voice_is_cloned_so_that_it_is_nearest_to_itself(voices):
    encoder = Resemblyzer()
    references = encoder.embed(list(voices.values()))
    takes = encoder.embed([clone(TEXT, "ar", voice, duration_s=4.5, seed=3) for voice in voices.values()])
    scores = takes @ references.T
    own = np.diag(scores)
    assert (own > 0.75).all()
    assert (scores.argmax(axis=1) == np.arange(len(own))).all()


def test_the_base_voice_is_spoken_about_as_high_as_the_reference(voices):
    found = {}
    for name, sound in voices.items():
        variant, found[name], way = conversion_to(sound.samples.tobytes(), sound.sample_rate_hz, "ar")
        target, source = np.median(way.target.log_f0), np.median(way.source.log_f0)
        own = np.median(base_voice("ar", variant).warped(way.warp).log_f0)
        assert abs(target - source) < max(0.03, abs(target - own)), name
        if LOWEST_PITCH < found[name] < HIGHEST_PITCH:
            assert abs(target - source) < 0.05, name
    assert min(found.values()) < OWN_PITCH < HIGHEST_PITCH == max(found.values())


def test_the_words_and_not_only_the_voice_are_in_it(voices):
    """Two texts in one voice differ more than one text in two performances."""
    from scipy.signal import correlate

    def contour(text, seed):
        levels = audio.frame_levels_dbfs(clone(text, "ar", voices["omar"], duration_s=4.5, seed=seed))
        return (levels - levels.mean()) / levels.std()

    def likeness(one, other):
        return correlate(one, other).max() / one.size

    same = likeness(contour(TEXT, 1), contour(TEXT, 2))
    other = likeness(contour(TEXT, 1), contour("يعمل المهندس في المصنع الجديد كل يوم بجد.", 1))
    assert same > other + 0.1


@pytest.mark.parametrize("suite", ["robustness"])
def test_hard_texts_are_spoken_too(voices, suite):
    for row in load_corpus(suite):
        sound = clone(row.text, row.language, voices[row.reference_id], duration_s=3.0, seed=0)
        assert silence_ratio(Silences.of(sound)).value < 0.3, row.id


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"duration_s": 0.2}, "0.20 s holds no speech"),
        ({"duration_s": float("nan")}, "holds no speech"),
        ({"reference": Audio(np.zeros(48_000, np.float32), 24_000)}, "holds no speech to clone"),
        ({"text": "..."}, "made no sound"),
    ],
)
def test_what_cannot_be_spoken_is_refused_in_one_line(voices, change, complaint):
    asked = {"text": TEXT, "language": "ar", "reference": voices["layla"], "duration_s": 4.5, "seed": 1} | change
    with pytest.raises(BackendError, match=complaint):
        clone(asked.pop("text"), asked.pop("language"), asked.pop("reference"), **asked)
