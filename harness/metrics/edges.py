"""How does it begin and end: from silence and into silence, or in the middle of a sound?

Conventions: levels in dB relative to the loud frames (95th percentile) unless said otherwise; seconds from the start of
the take. Where a recording is noisy its own noise is no sound that was cut: the quietest frames (3rd percentile) are
its floor.

Metrics: `beginning_level`, `lost_beginning`, `ending_level`, `edge_sample`, `edge_silence`, `edge_noise`, `thump`.
"""

import numpy as np
from numpy.typing import NDArray

from harness.audio import FRAME_S, Audio, rms_dbfs
from harness.metrics.control_speech import ControlSpeech
from harness.metrics.declaration import Finding, NotApplicable, measured, metric
from harness.metrics.silence import SPEECH_PERCENTILE, Silences
from harness.metrics.spoken_text import begins_later
from harness.take import Take

BEGINNING_S = 0.01
FLOOR_PERCENTILE = 3.0
FLOOR_RANGE_DB = 70.0  # below the loud frames: how much lower a floor counts
CLEAN_FLOOR_DB = 45.0  # below speech: how far a recording's own noise lies where it cannot be taken for a cut sound

# How likely it is that the first sound was cut off: logistic weights, the means of two fits, each on one half of the
# speakers of 653 whole takes of people and clones and of 380 of them that lost 0.12 s and 0.35 s of their first word;
# people and clones, whole and cut, weigh alike.
FIRST_S, ONSET_S, AFTER_S, FILTERED_S = 0.002, 0.04, 0.12, 0.3
ONSET_RANGE_DB, ABOVE_FLOOR_DB, RISE_DB = (-60.0, 0.0), (-10.0, 60.0), (-30.0, 60.0)
ONSET_PITCH_HZ = (65.0, 400.0)
BUTTERWORTH_Q = (0.5412, 1.3066)
LOWEST_HZ = 60.0  # below any voice: the rumble of a room or a breath into the microphone is no sound that was cut
FIRST_WEIGHT, ONSET_WEIGHT, RISE_WEIGHT, VOICED_WEIGHT = 0.0725, 0.055, 0.019, 2.5
FLOOR_WEIGHT, FIRST_FLOOR_WEIGHT = 0.046, 0.056
ONSET_BIAS = 1.66
# Where the sound alone leaves doubt, its text is asked: nats for how much nearer a later place of it lies.
DOUBT, TEXT_WEIGHT, MOST_LATER, FIRST_WORDS = (-3.0, 7.5), 16.0, 0.25, 8

ENDING_S = 0.04

EDGE_SAMPLES = 3
SPEECH_RANGE_DB = 25.0
BESIDE_SPEECH_S = 0.2  # what a voice leaves behind when it is over
LEAST_BESIDE_S = 0.3

THUMP_STEP_HZ = 400.0
THUMP_MEAN_STEPS = 10  # 25 ms: what is slower than any voice


@metric("beginning_level", unit="dB", better="lower")
def beginning_level(sound: Audio, pauses: Silences) -> Finding:
    """Level of the first 10 ms: a voice comes out of silence, a take that lost its beginning does not.

    In a noisy recording, how far the first 10 ms lie above its own noise, less 45 dB, where that is lower.
    """
    first = sound.samples[: max(1, round(BEGINNING_S * sound.sample_rate_hz))]
    loud, floor = _loud_and_floor(pauses)
    level = rms_dbfs(first)
    return measured(
        min(level - loud, level - floor - CLEAN_FLOOR_DB),
        spans=((0.0, BEGINNING_S),),
        below_loud_db=level - loud,
        above_floor_db=level - floor,
    )


@metric("lost_beginning", unit="nats", better="lower", version=3)
def lost_beginning(sound: Audio, pauses: Silences, take: Take, control_speech: ControlSpeech) -> Finding:
    """Log-odds that the beginning is lost: the take begins in the middle of a sound, or later in its text.

    In the first 120 ms above 60 Hz a cut beginning is loud from its first 2 ms on and within 40 ms, stands far above
    the take's own floor, does not rise any more, and may be voiced at once. Where that leaves doubt, the take is laid
    beside the first words of its text as a synthesiser says them (`harness.metrics.spoken_text`), which also sees a cut
    that fell between two words.
    """
    rate = sound.sample_rate_hz
    loud, floor = _loud_and_floor(pauses)
    voice = _above_rumble(sound.samples[: round(FILTERED_S * rate)], rate)

    def level(start_s: float, end_s: float) -> float:
        return rms_dbfs(voice[round(start_s * rate) : max(round(end_s * rate), 1)]) - loud

    first, begin, onset = level(0.0, FIRST_S), level(0.0, BEGINNING_S), level(0.0, ONSET_S)
    above, rise = begin - (floor - loud), level(ONSET_S, AFTER_S) - begin
    first_above = max(first, ONSET_RANGE_DB[0]) - (floor - loud)
    voiced = _voiced(voice[: round(ONSET_S * rate)], rate)
    odds = (
        ONSET_BIAS
        + FIRST_WEIGHT * float(np.clip(first, *ONSET_RANGE_DB))
        + ONSET_WEIGHT * float(np.clip(onset, *ONSET_RANGE_DB))
        + FLOOR_WEIGHT * float(np.clip(above, *ABOVE_FLOOR_DB))
        + FIRST_FLOOR_WEIGHT * float(np.clip(first_above, *ABOVE_FLOOR_DB))
        + RISE_WEIGHT * float(np.clip(rise, *RISE_DB))
        + VOICED_WEIGHT * voiced
    )
    later = _begins_later(sound, take, control_speech) if DOUBT[0] < odds < DOUBT[1] else 0.0
    return measured(
        odds + TEXT_WEIGHT * later,
        spans=((0.0, ONSET_S),),
        first_db=first,
        onset_db=onset,
        above_floor_db=above,
        first_above_floor_db=first_above,
        rise_db=rise,
        voiced=voiced,
        later=later,
    )


def _begins_later(sound: Audio, take: Take, control_speech: ControlSpeech) -> float:
    """How much nearer a later place of its text lies to the take's beginning; 0 where nobody can say the text."""
    utterance = take.request.utterance
    words = " ".join(utterance.readings[0].split()[:FIRST_WORDS])
    spoken = control_speech(words, utterance.language, voices=1) if words else ()
    return float(np.clip(begins_later(sound, spoken[0]), -MOST_LATER, MOST_LATER)) if spoken else 0.0


def _above_rumble(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """The samples without what lies below any voice: a Butterworth high-pass of fourth order, run backwards.

    Backwards, because its own transient then lies at the far end and not on the beginning that is judged.
    """
    size = 1 << (2 * samples.size).bit_length()
    s = 1j * np.fft.rfftfreq(size, 1 / rate_hz) / LOWEST_HZ
    response = np.prod([s**2 / (s**2 + s / q + 1) for q in BUTTERWORTH_Q], axis=0)
    passed = np.fft.irfft(np.fft.rfft(samples[::-1], size) * response, size)[: samples.size]
    return passed[::-1].astype(np.float32)


def _voiced(samples: NDArray[np.float32], rate_hz: int) -> float:
    """Highest autocorrelation at a lag of a voice's pitch, 0 to 1."""
    shortest, longest = (round(rate_hz / hz) for hz in reversed(ONSET_PITCH_HZ))
    if samples.size <= longest:
        return 0.0
    centred = samples - samples.mean()
    alike = np.correlate(centred, centred, "full")[samples.size - 1 :]
    return float(max(alike[shortest:longest].max() / max(float(alike[0]), 1e-12), 0.0))


@metric("ending_level", unit="dB", better="lower")
def ending_level(sound: Audio, pauses: Silences) -> Finding:
    """Level of the last 40 ms relative to the loud frames: a finished voice has faded, a cut one has not."""
    last = sound.samples[-max(1, round(ENDING_S * sound.sample_rate_hz)) :]
    level = rms_dbfs(last) - float(np.percentile(pauses.levels_dbfs, SPEECH_PERCENTILE))
    end = sound.duration_s
    return measured(level, spans=((max(0.0, end - ENDING_S), end),))


@metric("edge_sample", unit="ratio", better="lower")
def edge_sample(sound: Audio) -> Finding:
    """The highest of the first and last three samples, as a share of the peak: what plays as a click at the edge."""
    heights = np.abs(sound.samples)
    first, last = float(heights[:EDGE_SAMPLES].max()), float(heights[-EDGE_SAMPLES:].max())
    place = 0.0 if first >= last else sound.duration_s
    return measured(max(first, last) / max(float(heights.max()), 1e-9), spans=((place, place),), first=first, last=last)


@metric("edge_silence", unit="s", better="lower")
def edge_silence(pauses: Silences) -> Finding:
    """Seconds of silence before the speech or after it, the longer of the two."""
    leading = next((end for start, end in pauses.spans if start == 0), 0.0)
    trailing = next((end - start for start, end in pauses.spans if end >= pauses.total_s), 0.0)
    span = (0.0, leading) if leading >= trailing else (pauses.total_s - trailing, pauses.total_s)
    return measured(max(leading, trailing), spans=(span,), leading_s=leading, trailing_s=trailing)


@metric("edge_noise", unit="dB", better="lower")
def edge_noise(pauses: Silences) -> Finding:
    """Level of what is there before the speech and after it, in dB relative to the loud frames, the louder of the two.

    The median over the frames that lie 0.2 s and more beside the speech: hiss, breath or a hum in place of silence.
    """
    levels = pauses.levels_dbfs - float(np.percentile(pauses.levels_dbfs, SPEECH_PERCENTILE))
    sounding = np.flatnonzero(levels > -SPEECH_RANGE_DB)
    beside, least = round(BESIDE_SPEECH_S / FRAME_S), round(LEAST_BESIDE_S / FRAME_S)
    before, after = levels[: max(0, sounding[0] - beside)], levels[sounding[-1] + 1 + beside :]
    found = [float(np.median(part)) for part in (before, after) if part.size >= least]
    if not found:
        raise NotApplicable(f"less than {LEAST_BESIDE_S:g} s lie beside the speech")
    return measured(max(found))


@metric("thump", unit="ratio", better="lower")
def thump(sound: Audio, pauses: Silences) -> Finding:
    """The highest swing slower than any voice (25 ms mean), over the RMS of the loud frames: a bump, a jump of DC."""
    step = max(1, round(sound.sample_rate_hz / THUMP_STEP_HZ))
    whole = sound.samples.size // step * step
    if whole < step * THUMP_MEAN_STEPS:
        raise NotApplicable("too short for a swing that is slower than a voice")
    slow = sound.samples[:whole].reshape(-1, step).mean(axis=1, dtype=np.float64)
    padded = np.pad(slow, (THUMP_MEAN_STEPS // 2, THUMP_MEAN_STEPS - THUMP_MEAN_STEPS // 2 - 1), mode="edge")
    swing = np.convolve(padded, np.ones(THUMP_MEAN_STEPS) / THUMP_MEAN_STEPS, "valid")
    height = np.abs(swing - np.median(swing))
    place = float(height.argmax()) * step / sound.sample_rate_hz
    loud = 10 ** (float(np.percentile(pauses.levels_dbfs, SPEECH_PERCENTILE)) / 20)
    return measured(float(height.max()) / loud, spans=((max(0.0, place - 0.025), place + 0.025),))


def _loud_and_floor(pauses: Silences) -> tuple[float, float]:
    loud = float(np.percentile(pauses.levels_dbfs, SPEECH_PERCENTILE))
    return loud, max(float(np.percentile(pauses.levels_dbfs, FLOOR_PERCENTILE)), loud - FLOOR_RANGE_DB)
