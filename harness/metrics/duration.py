"""Is the take as long as it should be?

Conventions: seconds over the whole audio, edges and pauses included; reading time as `harness.text.reading_time_s`.

Metrics: `length`, `duration_ratio`, `speaking_rate`, `finished`.
"""

from harness.audio import Audio
from harness.metrics import Measurement, Metric
from harness.take import Stop, Take
from harness.text import letters, reading_time_s, words

LENGTH = Metric("length", unit="s", better="neither")
DURATION_RATIO = Metric("duration_ratio", unit="ratio", better="neither")
SPEAKING_RATE = Metric("speaking_rate", unit="letters/s", better="neither")
FINISHED = Metric("finished", unit="yes", better="higher")


def length(audio: Audio) -> Measurement:
    """Seconds of audio, however long: no model that sees only 30 s has a part in it."""
    return LENGTH.measured(audio.duration_s)


def duration_ratio(audio: Audio, text: str) -> Measurement:
    """Seconds of audio over seconds of reading time.

    >>> import numpy as np
    >>> duration_ratio(Audio(np.zeros(24_000, np.float32), 24_000), "صباح الخير").value
    1.25
    """
    reading_s = reading_time_s(text)
    if not reading_s:
        return DURATION_RATIO.missing("the text holds no words")
    return DURATION_RATIO.measured(
        audio.duration_s / reading_s, duration_s=audio.duration_s, reading_time_s=reading_s, words=len(words(text))
    )


def speaking_rate(speech_s: float, text: str) -> Measurement:
    """Letters a second of speech, pauses left out, diacritics not counted; no gate, shown to the reviewer."""
    if not speech_s:
        return SPEAKING_RATE.missing("no speech was found")
    return SPEAKING_RATE.measured(letters(text) / speech_s, letters=letters(text), speech_s=speech_s)


def finished(take: Take) -> Measurement:
    """1 where the generation ended its speech, 0 where it was cut; some systems cannot tell."""
    if take.audio is None:
        return FINISHED.missing(f"no audio: {take.error}")
    if take.stopped_by is Stop.UNKNOWN:
        return FINISHED.not_applicable(f"the {take.provenance.backend} backend does not say why the take ended")
    ended = take.stopped_by in {Stop.EOS, Stop.SILENCE}
    return FINISHED.measured(ended, f"stopped by {take.stopped_by}", frames=take.frames or 0)
