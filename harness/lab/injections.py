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
from harness.metrics.silence import Silences
from harness.take import Take
from harness.text import letters

Samples = NDArray[np.float32]
Inject = Callable[[Take, float, np.random.Generator, Take], Take]

FADE_S = 0.03
SPEECH_RANGE_DB = 25.0


def sound_of(take: Take) -> Audio:
    """The sound of a take that has one."""
    assert take.audio is not None
    return take.audio


def changed(take: Take, samples: NDArray[np.floating]) -> Take:
    """The take with other samples."""
    return replace(take, audio=Audio(np.asarray(samples, np.float32), sound_of(take).sample_rate_hz))


def samples_in(seconds: float, take: Take) -> int:
    """Seconds in samples at the take's rate."""
    return round(seconds * sound_of(take).sample_rate_hz)


def rms(samples: Samples) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))


def _silence(seconds: float, take: Take, rng: np.random.Generator) -> Samples:
    return (1e-4 * rng.standard_normal(samples_in(seconds, take))).astype(np.float32)


def spoken_at(take: Take, seconds: float, rng: np.random.Generator) -> int:
    """Where a stretch of so many seconds begins that is mostly speech: one of the louder half, in samples."""
    sound = sound_of(take).samples
    size = samples_in(seconds, take)
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    starts = np.arange(0, max(1, sound.size - size), 240)
    loud = energy[np.minimum(starts + size, sound.size)] - energy[starts]
    return int(rng.choice(starts[loud >= np.median(loud)]))


def speech_span(take: Take) -> tuple[int, int]:
    """First and last sample of the speech: of the frames within 25 dB of the loud ones."""
    levels = Silences.of(sound_of(take)).levels_dbfs
    at = np.flatnonzero(levels > np.percentile(levels, 95) - SPEECH_RANGE_DB)
    first, last = (round(frame * audio.FRAME_S * sound_of(take).sample_rate_hz) for frame in (at[0], at[-1] + 1))
    return first, min(last, sound_of(take).samples.size)


def _quietest_inside(take: Take) -> int:
    """The quietest place in the middle half of the take, in samples: where a model would fall silent."""
    levels = Silences.of(sound_of(take)).levels_dbfs
    quarter = max(1, levels.size // 4)
    frame = quarter + int(np.argmin(levels[quarter : 3 * quarter]))
    return round(frame * audio.FRAME_S * sound_of(take).sample_rate_hz)


def insert(take: Take, at: int, extra: NDArray[np.floating]) -> Take:
    """The take with samples put in before one of its own."""
    sound = sound_of(take).samples
    return changed(take, np.concatenate([sound[:at], extra, sound[at:]]))


def trailing_silence(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """So much room tone after the speech."""
    return insert(take, sound_of(take).samples.size, _silence(seconds, take, rng))


def leading_silence(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """So much room tone before the speech."""
    return insert(take, 0, _silence(seconds, take, rng))


def inner_gap(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """The voice falls silent at its quietest place and goes on later."""
    return insert(take, _quietest_inside(take), _silence(seconds, take, rng))


def noisy_gap(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """The gap holds noise 30 dB below the speech, as does the rest of the take."""
    gapped = sound_of(inner_gap(take, seconds, rng, take)).samples
    noise = rng.standard_normal(gapped.size) * rms(sound_of(take).samples) * 10 ** (-30 / 20)
    return changed(take, gapped + noise)


def cut_ending(take: Take, share: float, rng: np.random.Generator, _: Take) -> Take:
    """The last share of the speech is missing, wherever that cuts."""
    sound = sound_of(take).samples
    return changed(take, sound[: round(sound.size * (1 - share))])


def lost_words(take: Take, count: float, rng: np.random.Generator, _: Take) -> Take:
    """So many last words are missing, and the voice fades as if that were the end; a word lasts as long as its letters.

    The first word always stays.
    """
    sound = sound_of(take)
    spoken = take.request.utterance.text.split()
    kept_words = max(1, len(spoken) - round(count))
    share = letters(" ".join(spoken[kept_words:])) / letters(" ".join(spoken))
    sounding = np.flatnonzero(~Silences.of(sound).silent) * audio.FRAME_S
    end = sounding[0] + (1 - share) * (sounding[-1] - sounding[0])
    kept = sound.samples[: samples_in(end, take)].copy()
    kept[-samples_in(FADE_S, take) :] *= np.linspace(1.0, 0.0, samples_in(FADE_S, take), dtype=np.float32)
    return changed(take, kept)


def lost_share(take: Take, share: float, rng: np.random.Generator, _: Take) -> Take:
    """The last share of the words is missing, to the nearest word, and the voice fades as if that were the end."""
    return lost_words(take, max(1, round(share * len(take.request.utterance.text.split()))), rng, take)


def lost_middle(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """So much is missing from the middle of the speech; the ends are joined where it is quietest nearby."""
    start, end = speech_span(take)
    middle, half = (start + end) // 2, samples_in(seconds / 2, take)
    sound = sound_of(take).samples
    return changed(take, np.concatenate([sound[: max(0, middle - half)], sound[middle + half :]]))


def continued(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """After the text the same voice goes on with something else, from its reference, and ends softly."""
    reference = audio.resample(audio.load(take.request.reference.path), sound_of(take).sample_rate_hz)
    more = stretched(
        Audio(np.resize(reference.samples, samples_in(seconds, take)), reference.sample_rate_hz), 1.04, 0.9
    )
    tail = more.samples * np.float32(rms(sound_of(take).samples) / max(rms(more.samples), 1e-9))
    tail[-samples_in(FADE_S, take) :] *= np.linspace(1.0, 0.0, samples_in(FADE_S, take), dtype=np.float32)
    return insert(take, sound_of(take).samples.size, tail)


def foreign_stretch(take: Take, seconds: float, rng: np.random.Generator, other: Take) -> Take:
    """For so long another speaker speaks, as loud as the one whose place it takes."""
    sound = sound_of(take).samples.copy()
    foreign = replace(take, audio=audio.resample(sound_of(other), sound_of(take).sample_rate_hz))
    at, size = spoken_at(take, seconds, rng), samples_in(seconds, take)
    place = spoken_at(foreign, seconds, rng)
    piece = sound_of(foreign).samples[place : place + size][: sound.size - at]
    sound[at : at + piece.size] = piece * np.float32(rms(sound[at : at + piece.size]) / max(rms(piece), 1e-9))
    return changed(take, sound)


def background_speaker(take: Take, below_db: float, rng: np.random.Generator, other: Take) -> Take:
    """Another speaker under the whole take, so far below it."""
    sound = sound_of(take).samples
    under = np.resize(audio.resample(sound_of(other), sound_of(take).sample_rate_hz).samples, sound.size)
    return changed(take, sound + under * (rms(sound) / max(rms(under), 1e-9) * 10 ** (-below_db / 20)))


def loop(take: Take, times: float, rng: np.random.Generator, _: Take) -> Take:
    """0.3 s are said again and again."""
    at, size = spoken_at(take, 0.3, rng), samples_in(0.3, take)
    return insert(take, at + size, np.tile(sound_of(take).samples[at : at + size], round(times)))


def repeated_phrase(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """A stretch comes back, exactly, at the end."""
    at = spoken_at(take, seconds, rng)
    sound = sound_of(take).samples
    return insert(take, sound.size, sound[at : at + samples_in(seconds, take)])


def said_again(take: Take, share: float, rng: np.random.Generator, _: Take) -> Take:
    """The last share of the text is said a second time, 6 % slower and in another melody."""
    sound = sound_of(take).samples
    rest = sound[round(sound.size * (1 - share)) :]
    return insert(take, sound.size, stretched(Audio(rest, sound_of(take).sample_rate_hz), 1.06, 0.9).samples)


def reference_leak(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """A stretch of the reference recording comes first, with the level and the noise of a codec in between."""
    reference = audio.resample(audio.load(take.request.reference.path), sound_of(take).sample_rate_hz)
    at = spoken_at(replace(take, audio=reference), seconds, rng)
    leaked = reference.samples[at : at + samples_in(seconds, take)] * np.float32(rng.uniform(0.5, 1.0))
    noise = rng.standard_normal(leaked.size) * rms(leaked) * 10 ** (-30 / 20)
    return insert(take, 0, leaked + noise)


def foreign_tail(take: Take, seconds: float, rng: np.random.Generator, other: Take) -> Take:
    """After the text something else is said."""
    foreign = audio.resample(sound_of(other), sound_of(take).sample_rate_hz).samples
    tail = np.resize(foreign, samples_in(seconds, take))
    return insert(take, sound_of(take).samples.size, tail)


def held_sound(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """A codec frame of 40 ms is stuck."""
    at, size = spoken_at(take, 0.04, rng), samples_in(0.04, take)
    return insert(take, at + size, np.resize(sound_of(take).samples[at : at + size], samples_in(seconds, take)))


def clipping(take: Take, gain_db: float, rng: np.random.Generator, _: Take) -> Take:
    """So many dB beyond full scale."""
    sound = sound_of(take).samples
    return changed(take, np.clip(sound * (10 ** (gain_db / 20) / np.abs(sound).max()), -1.0, 1.0))


def clicks(take: Take, height: float, rng: np.random.Generator, _: Take) -> Take:
    """Two a second, at least three, each two samples long."""
    sound = sound_of(take).samples.copy()
    for at in rng.integers(100, sound.size - 100, max(3, round(2 * sound_of(take).duration_s))):
        sound[at : at + 2] += np.array([height, -0.6 * height], np.float32)
    return changed(take, sound)


def dropouts(take: Take, milliseconds: float, rng: np.random.Generator, _: Take) -> Take:
    """Four holes of digital silence in the speech."""
    sound = sound_of(take).samples.copy()
    size = samples_in(milliseconds / 1000, take)
    for _number in range(4):
        at = spoken_at(take, milliseconds / 1000, rng)
        sound[at : at + size] = 0.0
    return changed(take, sound)


def tone(hz: float) -> Inject:
    """A tone that never stops, so far below the speech."""

    def inject(take: Take, below_db: float, rng: np.random.Generator, _: Take) -> Take:
        sound = sound_of(take).samples
        times = np.arange(sound.size) / sound_of(take).sample_rate_hz
        height = rms(sound) * np.sqrt(2) * 10 ** (-below_db / 20)
        return changed(take, sound + height * np.sin(2 * np.pi * hz * times + rng.uniform(0, 6)))

    return inject


def white_noise(take: Take, ratio_db: float, rng: np.random.Generator, _: Take) -> Take:
    """White noise so far below the speech."""
    sound = sound_of(take).samples
    return changed(take, sound + rng.standard_normal(sound.size) * rms(sound) * 10 ** (-ratio_db / 20))


def dc_offset(take: Take, offset: float, rng: np.random.Generator, _: Take) -> Take:
    """A constant in every sample."""
    return changed(take, sound_of(take).samples + np.float32(offset))


def band_limit(take: Take, hz: float, rng: np.random.Generator, _: Take) -> Take:
    """Through a channel of twice that sample rate."""
    sound = sound_of(take)
    narrow = audio.resample(audio.resample(sound, round(2 * hz)), sound.sample_rate_hz)
    return replace(take, audio=narrow)


def faint(take: Take, below_db: float, rng: np.random.Generator, _: Take) -> Take:
    """The whole take so much quieter."""
    return changed(take, sound_of(take).samples * np.float32(10 ** (-below_db / 20)))


def false_label(take: Take, rate_hz: float, rng: np.random.Generator, _: Take) -> Take:
    """Samples of another rate under the label of the codec's."""
    sound = sound_of(take)
    return changed(take, audio.resample(sound, round(rate_hz)).samples)


def other_rate(take: Take, rate_hz: float, rng: np.random.Generator, _: Take) -> Take:
    """Another rate, honestly labelled."""
    return replace(take, audio=audio.resample(sound_of(take), round(rate_hz)))


def nonfinite(take: Take, count: float, rng: np.random.Generator, _: Take) -> Take:
    """Samples that are not a number, anywhere."""
    sound = sound_of(take).samples.copy()
    sound[rng.integers(0, sound.size, round(count))] = np.nan
    return changed(take, sound)


def channels(take: Take, second: float, rng: np.random.Generator, _: Take) -> Take:
    """A stereo file whose second channel is the first one times `second`, read back as every file is."""
    import tempfile
    from pathlib import Path

    import soundfile

    sound = sound_of(take)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stereo.wav"
        stereo = np.stack([sound.samples, sound.samples * np.float32(second)], axis=1)
        soundfile.write(path, stereo, sound.sample_rate_hz, subtype="FLOAT")
        return replace(take, audio=audio.load(path))


def other_voice(take: Take, share: float, rng: np.random.Generator, other: Take) -> Take:
    """From some point on it is another speaker."""
    sound, foreign = sound_of(take).samples, audio.resample(sound_of(other), sound_of(take).sample_rate_hz).samples
    keep = round(sound.size * (1 - share))
    return changed(take, np.concatenate([sound[:keep], np.resize(foreign, sound.size - keep)]))


def transposed(take: Take, semitones: float, rng: np.random.Generator, _: Take) -> Take:
    """Pitch and formants up, and the tempo with them."""
    rate = sound_of(take).sample_rate_hz
    return changed(take, audio.resample(sound_of(take), round(rate / 2 ** (semitones / 12))).samples)


def monotone(take: Take, spread: float, rng: np.random.Generator, _: Take) -> Take:
    """The melody flattened to a share of itself."""
    return replace(take, audio=stretched(sound_of(take), 1.0, spread))


def whisper(take: Take, share: float, rng: np.random.Generator, _: Take) -> Take:
    """So much of the voice replaced by breath."""
    return replace(take, audio=breathy(sound_of(take), share))


def tempo(take: Take, factor: float, rng: np.random.Generator, _: Take) -> Take:
    """Faster or slower at the same pitch."""
    return replace(take, audio=stretched(sound_of(take), 1 / factor, 1.0))


def foreign_text(take: Take, share: float, rng: np.random.Generator, other: Take) -> Take:
    """The right voice says another text of about the same length: the label is changed, not the sound."""
    mine, theirs = take.request.utterance.text.split(), other.request.utterance.text.split()
    swapped = round(len(mine) * share)
    text = " ".join([*mine[: len(mine) - swapped], *(theirs * len(mine))[:swapped]])
    return relabelled(take, text)


def backwards(take: Take, share: float, rng: np.random.Generator, _: Take) -> Take:
    """The beginning of the take is played backwards."""
    sound = sound_of(take).samples.copy()
    size = round(sound.size * share)
    sound[:size] = sound[:size][::-1]
    return changed(take, sound)


def shuffled(take: Take, seconds: float, rng: np.random.Generator, _: Take) -> Take:
    """Cut into pieces that come in another order."""
    sound = sound_of(take).samples
    pieces = np.array_split(sound, max(2, round(sound.size / samples_in(seconds, take))))
    return changed(take, np.concatenate([pieces[n] for n in rng.permutation(len(pieces))]))
