"""The embedded demonstration voice: a text spoken in the voice of a reference recording, in a set time.

espeak-ng speaks at about the right pace, WORLD takes the speech apart, `conversion` gives it the reference's voice, and
the frame clock is bent so that the take lasts exactly as long as asked: pauses are held within limits, speech takes up
the rest. A seed gives a performance: slow drifts of tempo, pitch, loudness and breath, as between two takes of one
speaker.

Conventions: takes are mono, 24 kHz, on the 16-bit grid; equal arguments give equal samples, in any process.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio, resample
from harness.backends.embedded.conversion import (
    FRAME_S,
    HIGHEST_F0_HZ,
    LOWEST_F0_HZ,
    Base,
    Conversion,
    Floats,
    Frames,
    Voice,
    analyse,
    bures_distance,
    describe,
    prepare,
    resynthesise,
    shift_aperiodicity,
)
from harness.errors import BackendError
from harness.espeak import OWN_PITCH, PITCH_STEP, speak

TAKE_RATE_HZ = 24_000
SPEECH_DBFS = -23.0
PEAK_LIMIT = 0.89
NOISE_FLOOR_DBFS = -80.0  # recordings hold no digital zeros
LOWEST_SPOKEN_HZ = 40.0
FADE_S = 0.01

TRIAL_WORDS_PER_MINUTE = 175  # espeak's default rate
EDGE_S, SHORT_EDGE_S = 0.08, 0.06
SHORT_TAKE_S = 2.0
PAUSE_S = 0.1  # a shorter gap is the closure of a stop consonant
LONGEST_PAUSE_S = 0.35
PAUSE_SHARE = 0.1  # of the take; edges and closures come on top of it

TEMPO_DRIFT = 0.05
PITCH_DRIFT = 0.03
PITCH_OFFSET = 0.015
PITCH_RANGE_DRIFT = 0.08
LOUDNESS_DRIFT_DB = 0.7
BREATH_OFFSET_DB = 0.5
DRIFT_PERIODS_S = (0.6, 2.5)

# The base voices, one of which is converted; a low and a high one spare the pitch and the tract long ways. Of espeak's
# variants these are among the best understood: Whisper base finds 0.83 and 0.72 nats a letter in Arabic, 0.63 in f2.
VARIANTS = ("m3", "anika")
# espeak-ng speaks them about as high as the target, and is understood better than what WORLD makes higher or lower: on
# 44 Arabic texts 0.64 nats a letter, 0.59 without. Farther from the voice's own pitch nothing more is gained.
LOWEST_PITCH, HIGHEST_PITCH = 30, 65
# A voice is measured on these, never on the text of a take: a take of one word is too short to measure anything.
CALIBRATION = {
    "ar": (
        "في صباح يوم مشمس خرج الأطفال إلى الحديقة الكبيرة، وجمعوا أزهارا صفراء وحمراء ثم جلسوا تحت شجرة قديمة. "
        "سأل أحدهم عن سر الغيوم، فضحك الشيخ طويلا وقال إن الريح تكتب بها قصص المسافرين."
    ),
    "en": (
        "Early one bright morning the children walked to the large garden, picked yellow and red flowers, "
        "and sat beneath an old oak. Which of you, the farmer joked, would share fresh peaches with a thirsty judge?"
    ),
    "de": (
        "An einem hellen Morgen liefen die Kinder in den großen Garten, pflückten gelbe und rote Blumen "
        "und setzten sich unter eine alte Eiche. Wer möchte, fragte der Bauer fröhlich, einen süßen Pfirsich?"
    ),
    "fr": (
        "Un beau matin les enfants allèrent au grand jardin, cueillirent des fleurs jaunes et rouges "
        "puis s'assirent sous un vieux chêne. Qui veut, demanda le fermier en riant, goûter cette pêche bien mûre?"
    ),
}


class Way(NamedTuple):
    """The way from a base voice to a recording's."""

    variant: str
    pitch: int
    """espeak-ng's, at which the base voice is spoken."""
    conversion: Conversion


def clone(
    text: str,
    language: str,
    reference: Audio | Way,
    *,
    duration_s: float,
    seed: int,
) -> Audio:
    """Speak a text in a reference's voice.

    Args:
        text: any text with something to say in it.
        language: ISO code of the text; the reference may speak another.
        reference: a recording of the voice, a second of speech or more, 4 s and more serve best; or what
            `conversion_to` says of it and the language.
        duration_s: length of the take, edges included; 0.5 s or more.
        seed: chooses the performance.

    Returns:
        Mono speech at 24 kHz of duration_s, speech at -23 dBFS, peak at most 0.9.

    Raises:
        BackendError: When espeak-ng fails, the reference is silent, or duration_s is too short to hold speech.
    """
    if not duration_s >= 0.5:
        raise BackendError(f"a take of {duration_s:.2f} s holds no speech; ask for 0.5 s or more")
    rng = np.random.default_rng(seed % 2**63)
    edge_s = EDGE_S if duration_s >= SHORT_TAKE_S else SHORT_EDGE_S
    if isinstance(reference, Audio):
        reference = conversion_to(reference.samples.tobytes(), reference.sample_rate_hz, language)
    variant, pitch, way = reference
    base = speak_within(text, language, variant, duration_s - 2.0 * edge_s, pitch)
    timed = retime(base, round((duration_s - 2.0 * edge_s) / FRAME_S) + 1, PAUSE_SHARE * duration_s, rng)
    return master(resynthesise(perform(way.apply(timed), rng)), duration_s, edge_s, rng)


@lru_cache(maxsize=64)
def voice_of(samples: bytes, sample_rate_hz: int) -> Voice:
    """Measure the voice of a recording, given as float32 samples."""
    recording = Audio(np.frombuffer(samples, dtype=np.float32), sample_rate_hz)
    if not np.abs(recording.samples).max(initial=0.0) > 0.0 or recording.duration_s < 0.5:
        raise BackendError(f"reference of {recording.duration_s:.2f} s holds no speech to clone; record a few seconds")
    return describe(analyse(recording, noisy=True))


@lru_cache(maxsize=16)
def base_voice(language: str, variant: str) -> Base:
    """Take a base voice apart at its own pitch."""
    return base_voice_at(OWN_PITCH, language, variant)


def base_voice_at(pitch: int, language: str, variant: str) -> Base:
    """Take a base voice apart at one of espeak's pitches, on sentences of its own language where there are some."""
    sentences = CALIBRATION.get(language.lower().partition("-")[0], CALIBRATION["en"])
    return Base(analyse(speak(sentences, language, variant, TRIAL_WORDS_PER_MINUTE, pitch), noisy=False))


@lru_cache(maxsize=256)
def conversion_to(samples: bytes, sample_rate_hz: int, language: str) -> Way:
    """Find the way to a recording's voice from the nearest base voice."""
    bases = {variant: base_voice(language, variant) for variant in VARIANTS}
    return way_between(language, bases, voice_of(samples, sample_rate_hz))


def way_between(language: str, bases: Mapping[str, Base], target: Voice) -> Way:
    """Choose the nearest of some base voices, given by variant, and find the way from it, spoken about as high."""
    ways = {variant: prepare(base, target) for variant, base in bases.items()}
    variant = min(ways, key=lambda variant: bures_distance(ways[variant].source.voiced, target.voiced))
    higher = float(np.median(target.log_f0) - np.median(ways[variant].source.log_f0))
    pitch = round(min(max(OWN_PITCH + higher / PITCH_STEP, LOWEST_PITCH), HIGHEST_PITCH))
    return Way(variant, pitch, prepare(base_voice_at(pitch, language, variant), target))


def speak_within(text: str, language: str, variant: str, speech_s: float, pitch: int) -> Frames:
    """Speak at the pace that comes nearest to a length, and take the speech apart without its edges."""
    return analyse(speak_for(text, language, variant, speech_s, pitch), noisy=False).without_edges()


def speak_for(text: str, language: str, variant: str, speech_s: float, pitch: int = OWN_PITCH) -> Audio:
    """Speak as espeak-ng does, at the pace that comes nearest to a length of speech, its own edges beside it."""
    trial = speak(text, language, variant, TRIAL_WORDS_PER_MINUTE, pitch)
    # About 0.25 s of a trial are espeak's own edges.
    pace = round(TRIAL_WORDS_PER_MINUTE * max(trial.duration_s - 0.25, 0.1) / speech_s)
    return speak(text, language, variant, pace, pitch)


def retime(frames: Frames, n_frames: int, pauses_s: float, rng: np.random.Generator) -> Frames:
    """Bend the frame clock.

    Args:
        frames: speech without edges.
        n_frames: frames of the result.
        pauses_s: most seconds of pause in the result.
        rng: draws the drift of tempo.

    Returns:
        The same speech in n_frames, no pause above 0.35 s.
    """
    pause = find_pauses(frames)
    lengths = np.exp(TEMPO_DRIFT * drift(frames.f0_hz.size, rng))
    starts = np.flatnonzero(np.diff(pause.astype(int), prepend=0) == 1)
    ends = np.flatnonzero(np.diff(pause.astype(int), append=0) == -1) + 1
    allowed = min(1.0, pauses_s / FRAME_S / max(np.minimum(ends - starts, LONGEST_PAUSE_S / FRAME_S).sum(), 1.0))
    for start, end in zip(starts, ends, strict=True):
        lengths[start:end] *= allowed * min(1.0, LONGEST_PAUSE_S / FRAME_S / (end - start))
    lengths[~pause] *= max(n_frames - lengths[pause].sum(), 0.5 * n_frames) / lengths[~pause].sum()
    clock = np.cumsum(lengths) - lengths / 2.0
    positions = np.interp((np.arange(n_frames) + 0.5) * lengths.sum() / n_frames, clock, np.arange(clock.size))
    low = np.minimum(positions.astype(int), max(clock.size - 2, 0))
    high = np.minimum(low + 1, clock.size - 1)
    weight = positions - low
    nearest = np.where(weight < 0.5, low, high)
    both = frames.voiced[low] & frames.voiced[high]
    f0_hz = np.where(both, (1.0 - weight) * frames.f0_hz[low] + weight * frames.f0_hz[high], frames.f0_hz[nearest])
    logs, weights = np.log(frames.envelope), weight[:, None]
    return Frames(f0_hz, np.exp((1.0 - weights) * logs[low] + weights * logs[high]), frames.aperiodicity[nearest])


def find_pauses(frames: Frames) -> NDArray[np.bool_]:
    """Mark the frames of inner pauses, (n,): runs of at least 0.1 s that do not sound."""
    pause = ~frames.sounding
    edges = np.flatnonzero(np.diff(pause.astype(int), prepend=0, append=0))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if (end - start) * FRAME_S < PAUSE_S:
            pause[start:end] = False
    return pause


def perform(frames: Frames, rng: np.random.Generator) -> Frames:
    """Vary pitch, loudness and breath as a speaker does from take to take."""
    voiced = frames.voiced
    f0_hz = frames.f0_hz.copy()
    if voiced.any():
        log_f0 = np.log(f0_hz[voiced])
        centre = log_f0.mean() + rng.normal(scale=PITCH_OFFSET)
        span = np.exp(rng.normal(scale=PITCH_RANGE_DRIFT))
        contour = centre + span * (log_f0 - log_f0.mean()) + PITCH_DRIFT * drift(f0_hz.size, rng)[voiced]
        f0_hz[voiced] = np.clip(np.exp(contour), LOWEST_F0_HZ, HIGHEST_F0_HZ)
    gain_db = LOUDNESS_DRIFT_DB * drift(f0_hz.size, rng)
    louder = Frames(f0_hz, frames.envelope * 10.0 ** (gain_db[:, None] / 10.0), frames.aperiodicity)
    return shift_aperiodicity(louder, np.atleast_1d(rng.normal(scale=BREATH_OFFSET_DB)))


def drift(n_frames: int, rng: np.random.Generator) -> Floats:
    """Draw a slow curve (n_frames,) of about unit variance: a few cosines of random phase."""
    times_s = np.arange(n_frames) * FRAME_S
    periods_s = rng.uniform(*DRIFT_PERIODS_S, size=4)
    phases = rng.uniform(0.0, 2.0 * np.pi, size=4)
    return np.asarray(np.cos(2.0 * np.pi * times_s[:, None] / periods_s + phases).sum(axis=1) / np.sqrt(2.0))


def master(speech: Audio, duration_s: float, edge_s: float, rng: np.random.Generator) -> Audio:
    """Bring speech to the take's rate, level and length, between edges that hold only the noise floor."""
    from scipy import signal

    samples = resample(speech, TAKE_RATE_HZ).samples.astype(np.float64)
    samples = signal.sosfilt(signal.butter(2, LOWEST_SPOKEN_HZ, "highpass", fs=TAKE_RATE_HZ, output="sos"), samples)
    fade = np.sin(np.linspace(0.0, np.pi / 2.0, round(FADE_S * TAKE_RATE_HZ))) ** 2
    samples[: fade.size] *= fade
    samples[-fade.size :] *= fade[::-1]
    gain = 10.0 ** (SPEECH_DBFS / 20.0) / max(float(np.sqrt(np.mean(samples**2))), 1e-9)
    samples *= min(gain, PEAK_LIMIT / max(float(np.abs(samples).max()), 1e-9))
    take = rng.normal(scale=10.0 ** (NOISE_FLOOR_DBFS / 20.0), size=round(duration_s * TAKE_RATE_HZ))
    start = round(edge_s * TAKE_RATE_HZ)
    held = min(samples.size, take.size - start)
    take[start : start + held] += samples[:held]
    # On the 16-bit grid the last bits, which differ between builds of BLAS, are gone.
    return Audio((np.round(take * 32768.0) / 32768.0).astype(np.float32), TAKE_RATE_HZ)
