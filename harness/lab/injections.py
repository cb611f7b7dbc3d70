"""What puts a defect into known-good speech.

Conventions: each takes a take, an amount, a random generator and a foreign take (another text, another speaker) and
gives the spoilt take. What the amount is of stands in `harness.lab.defects`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness import audio
from harness.audio import Audio
from harness.lab.resynthesis import breathy, stretched
from harness.lab.speech import relabelled
from harness.metrics.silence import Pauses
from harness.take import Take
from harness.text import letters

Samples = NDArray[np.float32]
Inject = Callable[[Take, float, np.random.Generator, Take], Take]

FADE_S = 0.03


def _sound(take: Take) -> Audio:
    assert take.audio is not None
    return take.audio


def _with(take: Take, samples: NDArray[np.floating]) -> Take:
    return replace(take, audio=Audio(np.asarray(samples, np.float32), _sound(take).sample_rate_hz))


def _samples(seconds: float, take: Take) -> int:
    return round(seconds * _sound(take).sample_rate_hz)


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))


def _silence(seconds: float, take: Take, rng: np.random.Generator) -> Samples:
    return (1e-4 * rng.standard_normal(_samples(seconds, take))).astype(np.float32)


def _spoken(take: Take, seconds: float, rng: np.random.Generator) -> int:
    """Where a stretch of so many seconds begins that is mostly speech: one of the louder half, in samples."""
    sound = _sound(take).samples
    size = _samples(seconds, take)
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    starts = np.arange(0, max(1, sound.size - size), 240)
    loud = energy[np.minimum(starts + size, sound.size)] - energy[starts]
    return int(rng.choice(starts[loud >= np.median(loud)]))


def _quietest_inside(take: Take) -> int:
    """The quietest place in the middle half of the take, in samples: where a model would fall silent."""
    levels = Pauses.of(_sound(take)).levels_dbfs
    quarter = max(1, levels.size // 4)
    frame = quarter + int(np.argmin(levels[quarter : 3 * quarter]))
    return round(frame * audio.FRAME_S * _sound(take).sample_rate_hz)


def _insert(take: Take, at: int, extra: NDArray[np.floating]) -> Take:
    sound = _sound(take).samples
    return _with(take, np.concatenate([sound[:at], extra, sound[at:]]))


def trailing_silence(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """So much room tone after the speech."""
    return _insert(take, _sound(take).samples.size, _silence(seconds, take, rng))


def leading_silence(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """So much room tone before the speech."""
    return _insert(take, 0, _silence(seconds, take, rng))


def inner_gap(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """The voice falls silent at its quietest place and goes on later."""
    return _insert(take, _quietest_inside(take), _silence(seconds, take, rng))


def noisy_gap(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """The gap holds noise 30 dB below the speech, as does the rest of the take."""
    gapped = _sound(inner_gap(take, seconds, rng, take)).samples
    noise = rng.standard_normal(gapped.size) * _rms(_sound(take).samples) * 10 ** (-30 / 20)
    return _with(take, gapped + noise)


def cut_ending(take: Take, share: float, rng: np.random.Generator, _: Take) -> Take:
    """The last share of the speech is missing, wherever that cuts."""
    sound = _sound(take).samples
    return _with(take, sound[: round(sound.size * (1 - share))])


def lost_words(take: Take, count: float, rng: np.random.Generator, _: Take) -> Take:
    """So many last words are missing, and the voice fades as if that were the end; a word lasts as long as its letters.

    The first word always stays.
    """
    sound = _sound(take)
    spoken = take.request.utterance.text.split()
    kept_words = max(1, len(spoken) - round(count))
    share = letters(" ".join(spoken[kept_words:])) / letters(" ".join(spoken))
    sounding = np.flatnonzero(~Pauses.of(sound).silent) * audio.FRAME_S
    end = sounding[0] + (1 - share) * (sounding[-1] - sounding[0])
    kept = sound.samples[: _samples(end, take)].copy()
    kept[-_samples(FADE_S, take) :] *= np.linspace(1.0, 0.0, _samples(FADE_S, take), dtype=np.float32)
    return _with(take, kept)


def loop(take: Take, times: float, rng: np.random.Generator, _: Take) -> Take:
    """0.3 s are said again and again."""
    at, size = _spoken(take, 0.3, rng), _samples(0.3, take)
    return _insert(take, at + size, np.tile(_sound(take).samples[at : at + size], round(times)))


def repeated_phrase(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """A stretch comes back, exactly, at the end."""
    at = _spoken(take, seconds, rng)
    sound = _sound(take).samples
    return _insert(take, sound.size, sound[at : at + _samples(seconds, take)])


def said_again(take: Take, share: float, rng: np.random.Generator, _: Take) -> Take:
    """The last share of the text is said a second time, 6 % slower and in another melody."""
    sound = _sound(take).samples
    rest = sound[round(sound.size * (1 - share)) :]
    return _insert(take, sound.size, stretched(Audio(rest, _sound(take).sample_rate_hz), 1.06, 0.9).samples)


def reference_leak(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """A stretch of the reference recording comes first, with the level and the noise of a codec in between."""
    reference = audio.resample(audio.load(take.request.reference.path), _sound(take).sample_rate_hz)
    at = _spoken(replace(take, audio=reference), seconds, rng)
    leaked = reference.samples[at : at + _samples(seconds, take)] * np.float32(rng.uniform(0.5, 1.0))
    noise = rng.standard_normal(leaked.size) * _rms(leaked) * 10 ** (-30 / 20)
    return _insert(take, 0, leaked + noise)


def foreign_tail(take: Take, seconds: float, rng: np.random.Generator, other: Take) -> Take:
    """After the text something else is said."""
    tail = np.resize(_sound(other).samples, _samples(seconds, take))
    return _insert(take, _sound(take).samples.size, tail)


def held_sound(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """A codec frame of 40 ms is stuck."""
    at, size = _spoken(take, 0.04, rng), _samples(0.04, take)
    return _insert(take, at + size, np.resize(_sound(take).samples[at : at + size], _samples(seconds, take)))


def clipping(take: Take, gain_db: float, rng: np.random.Generator, _: Take) -> Take:
    """So many dB beyond full scale."""
    sound = _sound(take).samples
    return _with(take, np.clip(sound * (10 ** (gain_db / 20) / np.abs(sound).max()), -1.0, 1.0))


def clicks(take: Take, height: float, rng: np.random.Generator, _: Take) -> Take:
    """Two a second, at least three, each two samples long."""
    sound = _sound(take).samples.copy()
    for at in rng.integers(100, sound.size - 100, max(3, round(2 * _sound(take).duration_s))):
        sound[at : at + 2] += np.array([height, -0.6 * height], np.float32)
    return _with(take, sound)


def dropouts(take: Take, milliseconds: float, rng: np.random.Generator, _: Take) -> Take:
    """Four holes of digital silence in the speech."""
    sound = _sound(take).samples.copy()
    size = _samples(milliseconds / 1000, take)
    for _number in range(4):
        at = _spoken(take, milliseconds / 1000, rng)
        sound[at : at + size] = 0.0
    return _with(take, sound)


def tone(hz: float) -> Inject:
    """A tone that never stops, so far below the speech."""

    def inject(take: Take, below_db: float, rng: np.random.Generator, _: Take) -> Take:
        sound = _sound(take).samples
        times = np.arange(sound.size) / _sound(take).sample_rate_hz
        height = _rms(sound) * np.sqrt(2) * 10 ** (-below_db / 20)
        return _with(take, sound + height * np.sin(2 * np.pi * hz * times + rng.uniform(0, 6)))

    return inject


def white_noise(take: Take, ratio_db: float, rng: np.random.Generator, _: Take) -> Take:
    """White noise so far below the speech."""
    sound = _sound(take).samples
    return _with(take, sound + rng.standard_normal(sound.size) * _rms(sound) * 10 ** (-ratio_db / 20))


def dc_offset(take: Take, offset: float, rng: np.random.Generator, _: Take) -> Take:
    """A constant in every sample."""
    return _with(take, _sound(take).samples + np.float32(offset))


def band_limit(take: Take, hz: float, rng: np.random.Generator, _: Take) -> Take:
    """Through a channel of twice that sample rate."""
    sound = _sound(take)
    narrow = audio.resample(audio.resample(sound, round(2 * hz)), sound.sample_rate_hz)
    return replace(take, audio=narrow)


def faint(take: Take, below_db: float, rng: np.random.Generator, _: Take) -> Take:
    """The whole take so much quieter."""
    return _with(take, _sound(take).samples * np.float32(10 ** (-below_db / 20)))


def false_label(take: Take, rate_hz: float, rng: np.random.Generator, _: Take) -> Take:
    """Samples of another rate under the label of the codec's."""
    sound = _sound(take)
    return _with(take, audio.resample(sound, round(rate_hz)).samples)


def other_rate(take: Take, rate_hz: float, rng: np.random.Generator, _: Take) -> Take:
    """Another rate, honestly labelled."""
    return replace(take, audio=audio.resample(_sound(take), round(rate_hz)))


def nonfinite(take: Take, count: float, rng: np.random.Generator, _: Take) -> Take:
    """Samples that are not a number, anywhere."""
    sound = _sound(take).samples.copy()
    sound[rng.integers(0, sound.size, round(count))] = np.nan
    return _with(take, sound)


def channels(take: Take, second: float, rng: np.random.Generator, _: Take) -> Take:
    """A stereo file whose second channel is the first one times `second`, read back as every file is."""
    import tempfile
    from pathlib import Path

    import soundfile

    sound = _sound(take)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stereo.wav"
        stereo = np.stack([sound.samples, sound.samples * np.float32(second)], axis=1)
        soundfile.write(path, stereo, sound.sample_rate_hz, subtype="FLOAT")
        return replace(take, audio=audio.load(path))


def other_voice(take: Take, share: float, rng: np.random.Generator, other: Take) -> Take:
    """From some point on it is another speaker."""
    sound, foreign = _sound(take).samples, _sound(other).samples
    keep = round(sound.size * (1 - share))
    return _with(take, np.concatenate([sound[:keep], np.resize(foreign, sound.size - keep)]))


def transposed(take: Take, semitones: float, rng: np.random.Generator, _: Take) -> Take:
    """Pitch and formants up, and the tempo with them."""
    rate = _sound(take).sample_rate_hz
    return _with(take, audio.resample(_sound(take), round(rate / 2 ** (semitones / 12))).samples)


def monotone(take: Take, spread: float, rng: np.random.Generator, _: Take) -> Take:
    """The melody flattened to a share of itself."""
    return replace(take, audio=stretched(_sound(take), 1.0, spread))


def whisper(take: Take, share: float, rng: np.random.Generator, _: Take) -> Take:
    """So much of the voice replaced by breath."""
    return replace(take, audio=breathy(_sound(take), share))


def tempo(take: Take, factor: float, rng: np.random.Generator, _: Take) -> Take:
    """Faster or slower at the same pitch."""
    return replace(take, audio=stretched(_sound(take), 1 / factor, 1.0))


def foreign_text(take: Take, share: float, rng: np.random.Generator, other: Take) -> Take:
    """The right voice says another text of about the same length: the label is changed, not the sound."""
    mine, theirs = take.request.utterance.text.split(), other.request.utterance.text.split()
    swapped = round(len(mine) * share)
    text = " ".join([*mine[: len(mine) - swapped], *(theirs * len(mine))[:swapped]])
    return relabelled(take, text)


def backwards(take: Take, share: float, rng: np.random.Generator, _: Take) -> Take:
    """The beginning of the take is played backwards."""
    sound = _sound(take).samples.copy()
    size = round(sound.size * share)
    sound[:size] = sound[:size][::-1]
    return _with(take, sound)


def shuffled(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """Cut into pieces that come in another order."""
    sound = _sound(take).samples
    pieces = np.array_split(sound, max(2, round(sound.size / _samples(seconds, take))))
    return _with(take, np.concatenate([pieces[n] for n in rng.permutation(len(pieces))]))
