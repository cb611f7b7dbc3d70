"""What spoils the sound of known-good speech, whatever it says: its level, its edges, its room, its channel.

Conventions: as `harness.lab.injections`.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness import audio
from harness.audio import Audio
from harness.lab.injections import (
    Inject,
    changed,
    insert,
    rms,
    samples_in,
    sound_of,
    speech_span,
    spoken_at,
)
from harness.metrics.silence import Silences
from harness.take import Take

LOUD_RANGE_DB, LOUD_FRAMES = 15.0, 3  # below the loud frames; of 20 ms, without a gap

Floats = NDArray[np.float64]


def _scaled(take: Take, gain_db: Floats) -> Take:
    return changed(take, sound_of(take).samples * 10 ** (gain_db / 20))


def fade_out(take: Take, by_db: float, rng: np.random.Generator, _: Take) -> Take:
    """The last third of the speech fades, and what follows stays that faint."""
    start, end = speech_span(take)
    begin = start + (end - start) * 2 // 3
    gain = np.zeros(sound_of(take).samples.size)
    gain[begin:end] = -np.linspace(0, by_db, end - begin)
    gain[end:] = -by_db
    return _scaled(take, gain)


def fade_in(take: Take, by_db: float, rng: np.random.Generator, _: Take) -> Take:
    """The first third of the speech comes up from so far below."""
    start, end = speech_span(take)
    stop = start + (end - start) // 3
    gain = np.zeros(sound_of(take).samples.size)
    gain[:start] = -by_db
    gain[start:stop] = -np.linspace(by_db, 0, stop - start)
    return _scaled(take, gain)


def decay(take: Take, by_db: float, rng: np.random.Generator, _: Take) -> Take:
    """The whole take grows fainter from beginning to end."""
    return _scaled(take, -np.linspace(0, by_db, sound_of(take).samples.size))


def softer_half(take: Take, by_db: float, rng: np.random.Generator, _: Take) -> Take:
    """The second half of the speech is so much softer."""
    start, end = speech_span(take)
    return _scaled(take, np.where(np.arange(sound_of(take).samples.size) < (start + end) // 2, 0.0, -by_db))


def louder_half(take: Take, by_db: float, rng: np.random.Generator, _: Take) -> Take:
    """The second half of the speech is so much louder; the peak stays within full scale."""
    start, end = speech_span(take)
    gain = np.where(np.arange(sound_of(take).samples.size) < (start + end) // 2, -by_db, 0.0)
    return _scaled(take, gain)


def tremor(take: Take, depth: float, rng: np.random.Generator, _: Take) -> Take:
    """The level swings eight times a second by a share of itself."""
    sound = sound_of(take)
    times = np.arange(sound.samples.size) / sound.sample_rate_hz
    swing = 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * 8 * times + rng.uniform(0, 6)))
    return changed(take, sound.samples * swing)


def beginning_lost(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """The take begins so late in its first word, in the middle of the sound."""
    return changed(take, sound_of(take).samples[_first_loud(take) + samples_in(seconds, take) :])


def _first_loud(take: Take) -> int:
    """The first sample of the first loud sound: a click before it is shorter, the noise of a room fainter."""
    levels = Silences.of(sound_of(take)).levels_dbfs
    loud = levels > np.percentile(levels, 95) - LOUD_RANGE_DB
    lasting = np.convolve(loud, np.ones(LOUD_FRAMES), "valid") == LOUD_FRAMES
    return round(int(lasting.argmax()) * audio.FRAME_S * sound_of(take).sample_rate_hz)


def edge_jump(at_end: bool) -> Inject:
    """The first or the last sample stands at so much of full scale."""

    def inject(take: Take, height: float, rng: np.random.Generator, _: Take) -> Take:
        sound = sound_of(take).samples.copy()
        sound[-1 if at_end else 0] = height
        return changed(take, sound)

    return inject


def thump(take: Take, height: float, rng: np.random.Generator, _: Take) -> Take:
    """A bump of DC that dies away within 0.1 s, so many times the RMS of the speech, at the start."""
    sound = sound_of(take).samples.copy()
    bump = np.exp(-np.arange(samples_in(0.4, take)) / samples_in(0.1, take))[: sound.size]
    sound[: bump.size] += np.float32(height * rms(sound)) * bump.astype(np.float32)
    return changed(take, sound)


def burst_before(take: Take, below_db: float, rng: np.random.Generator, _: Take) -> Take:
    """0.1 s of noise, so far below the speech, 0.3 s before it."""
    noise = rng.standard_normal(samples_in(0.1, take)) * rms(sound_of(take).samples) * 10 ** (-below_db / 20)
    return insert(take, 0, np.concatenate([noise, 1e-4 * rng.standard_normal(samples_in(0.3, take))]))


def hiss_tail(take: Take, below_db: float, rng: np.random.Generator, _: Take) -> Take:
    """A second of hiss, so far below the speech, after it."""
    noise = rng.standard_normal(samples_in(1.0, take)) * rms(sound_of(take).samples) * 10 ** (-below_db / 20)
    return insert(take, sound_of(take).samples.size, noise)


def filled_dropouts(take: Take, below_db: float, rng: np.random.Generator, _: Take) -> Take:
    """Four holes of 40 ms that hold noise, so far below the speech."""
    sound = sound_of(take).samples.copy()
    size, level = samples_in(0.04, take), rms(sound) * 10 ** (-below_db / 20)
    for _number in range(4):
        at = spoken_at(take, 0.04, rng)
        sound[at : at + size] = rng.standard_normal(sound[at : at + size].size) * level
    return changed(take, sound)


def stutter(take: Take, milliseconds: float, rng: np.random.Generator, _: Take) -> Take:
    """A frame of so many milliseconds is played three times more."""
    at, size = spoken_at(take, milliseconds / 1000, rng), samples_in(milliseconds / 1000, take)
    return insert(take, at + size, np.tile(sound_of(take).samples[at : at + size], 3))


def splices(take: Take, count: float, rng: np.random.Generator, _: Take) -> Take:
    """So many times 60 to 160 ms are cut out in the middle of a sound, and the ends joined."""
    sound = sound_of(take).samples
    for _number in range(round(count)):
        at, size = spoken_at(changed(take, sound), 0.1, rng), samples_in(float(rng.uniform(0.06, 0.16)), take)
        sound = np.concatenate([sound[:at], sound[at + size :]])
    return changed(take, sound)


def doubled(take: Take, milliseconds: float, rng: np.random.Generator, _: Take) -> Take:
    """The take under itself, so much later, 3 dB down."""
    sound, delay = sound_of(take).samples.copy(), samples_in(milliseconds / 1000, take)
    sound[delay:] += np.float32(0.7) * sound_of(take).samples[:-delay]
    return changed(take, sound)


def reverberant(take: Take, rt60_s: float, rng: np.random.Generator, _: Take) -> Take:
    """In a room whose sound takes so long to fall by 60 dB, as loud as the direct sound."""
    from scipy.signal import fftconvolve

    size = samples_in(rt60_s, take)
    tail = rng.standard_normal(size) * 10 ** (-3 * np.arange(size) / size)
    dry = sound_of(take).samples
    wet = fftconvolve(dry, tail / np.sqrt((tail**2).sum()))[: dry.size]
    return changed(take, dry + wet)


def coloured_noise(exponent: float) -> Inject:
    """Noise so far below the speech whose power falls with a power of the frequency: 1 is pink, 2 is brown."""

    def inject(take: Take, below_db: float, rng: np.random.Generator, _: Take) -> Take:
        sound = sound_of(take).samples
        spectrum = np.fft.rfft(rng.standard_normal(sound.size))
        hz = np.maximum(np.fft.rfftfreq(sound.size, 1 / sound_of(take).sample_rate_hz), 20.0)
        noise = np.fft.irfft(spectrum * hz ** (-exponent / 2), sound.size)
        return changed(take, sound + noise * rms(sound) / np.sqrt(np.mean(noise**2)) * 10 ** (-below_db / 20))

    return inject


def buzz(take: Take, below_db: float, rng: np.random.Generator, _: Take) -> Take:
    """The mains and its harmonics, so far below the speech: what a bad ground loop leaves."""
    sound = sound_of(take).samples
    times = np.arange(sound.size) / sound_of(take).sample_rate_hz
    wave = sum(np.sin(2 * np.pi * 50 * n * times + rng.uniform(0, 6)) / n for n in range(1, 12))
    return changed(take, sound + wave * rms(sound) / np.sqrt(np.mean(np.square(wave))) * 10 ** (-below_db / 20))


def quantised(take: Take, bits: float, rng: np.random.Generator, _: Take) -> Take:
    """So many bits a sample, rounded without dither."""
    steps = 2 ** (bits - 1)
    return changed(take, np.round(sound_of(take).samples * steps) / steps)


def telephone(take: Take, low_hz: float, rng: np.random.Generator, _: Take) -> Take:
    """Through 8 kHz and companding, with nothing below so many Hz."""
    from scipy.signal import butter, sosfilt

    sound = sound_of(take)
    narrow = audio.resample(sound, 8000)
    heard = sosfilt(butter(4, low_hz, "highpass", fs=8000, output="sos"), narrow.samples)
    law = np.sign(heard) * np.log1p(255 * np.abs(heard)) / np.log(256)
    back = np.sign(law) * (256 ** np.abs(np.round(law * 127) / 127) - 1) / 255
    return replace(take, audio=audio.resample(Audio(back.astype(np.float32), 8000), sound.sample_rate_hz))


def overdriven(take: Take, gain_db: float, rng: np.random.Generator, _: Take) -> Take:
    """Bent over by a soft limiter, so many dB into it."""
    sound = sound_of(take).samples
    peak = float(np.abs(sound).max())
    return changed(take, np.tanh(sound / peak * 10 ** (gain_db / 20)) * peak)


def crackle(take: Take, height: float, rng: np.random.Generator, _: Take) -> Take:
    """Forty single samples a second, each off by so much of full scale."""
    sound = sound_of(take).samples.copy()
    places = rng.integers(0, sound.size, round(40 * sound_of(take).duration_s))
    sound[places] += (height * rng.choice([-1.0, 1.0], places.size)).astype(np.float32)
    return changed(take, np.clip(sound, -1.0, 1.0))


def mute(take: Take, level: float, rng: np.random.Generator, _: Take) -> Take:
    """Nothing but room tone of so much of full scale."""
    return changed(take, level * rng.standard_normal(sound_of(take).samples.size))


def roar(take: Take, level: float, rng: np.random.Generator, _: Take) -> Take:
    """Noise that swells and falls in place of the speech, at so much of full scale."""
    sound = sound_of(take)
    times = np.arange(sound.samples.size) / sound.sample_rate_hz
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 0.7 * times)
    return changed(take, level * rng.standard_normal(sound.samples.size) * swell)


def endless(take: Take, count: float, rng: np.random.Generator, other: Take) -> Take:
    """The text is said, and then others, so many times as long: a generation that did not stop."""
    foreign = audio.resample(sound_of(other), sound_of(take).sample_rate_hz).samples
    return insert(take, sound_of(take).samples.size, np.resize(foreign, round(sound_of(take).samples.size * count)))


def snippet(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """Only the first so many seconds of the speech are there."""
    start, _end = speech_span(take)
    return changed(take, sound_of(take).samples[: start + samples_in(seconds, take)])


def emptied(take: Take, samples: float, rng: np.random.Generator, _: Take) -> Take:
    """A file of so many samples."""
    return changed(take, sound_of(take).samples[: round(samples)])
