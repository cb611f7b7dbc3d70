"""Is the take as long as it should be?

Conventions: seconds over the whole audio, edges and pauses included; reading time as one of
`harness.text.READING_TIMES`, the documented 150 words a minute unless a profile of gates.toml says
`reading_time = "letters"`.

Metrics: `length`, `duration_ratio`, `letters_duration_ratio`, `speaking_rate`, `finished`.
"""

from harness.audio import Audio
from harness.records.measurement import Measurement, Metric
from harness.take import Stop, Take
from harness.text import READING_TIMES, letters, words

LENGTH = Metric("length", unit="s", better="neither")
DURATION_RATIO = Metric("duration_ratio", unit="ratio", better="neither")
LETTERS_DURATION_RATIO = Metric("letters_duration_ratio", unit="ratio", better="neither")
SPEAKING_RATE = Metric("speaking_rate", unit="letters/s", better="neither")
FINISHED = Metric("finished", unit="yes", better="higher")


def length(audio: Audio) -> Measurement:
    """Seconds of audio, however long: no model that sees only 30 s has a part in it."""
    return LENGTH.measured(audio.duration_s)


def duration_ratio(audio: Audio, text: str, reading_time: str = "words") -> Measurement:
    """Seconds of audio over seconds of reading time, which is the documented one unless the project chose another.

    >>> import numpy as np
    >>> duration_ratio(Audio(np.zeros(24_000, np.float32), 24_000), "صباح الخير").value
    1.25
    """
    return _ratio(DURATION_RATIO, audio, text, reading_time)


def letters_duration_ratio(audio: Audio, text: str) -> Measurement:
    """Seconds of audio over the seconds that the letters of the text take; advisory, shown beside the documented ratio.

    It knows that a digit is a long word and that three short words are not three long ones. Of careful human Arabic
    95 % lies between 0.65 and 1.55 (standard deviation of the logarithm 0.21); fluent readers lie near 0.8.
    """
    return _ratio(LETTERS_DURATION_RATIO, audio, text, "letters")


def _ratio(metric: Metric, audio: Audio, text: str, reading_time: str) -> Measurement:
    reading_s = READING_TIMES[reading_time](text)
    if not reading_s:
        return metric.missing("the text holds no words")
    return metric.measured(
        audio.duration_s / reading_s,
        "" if reading_time == "words" else f"reading time by {reading_time}",
        duration_s=audio.duration_s,
        reading_time_s=reading_s,
        words=len(words(text)),
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
