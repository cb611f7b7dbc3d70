"""Is the take as long as it should be?

Conventions: seconds over the whole audio, edges and pauses included; reading time as one of
`harness.text.reading_time` names it, the documented 150 words a minute unless gates.toml says otherwise.

Metrics: `length`, `duration_ratio`, `letters_duration_ratio`, `speaking_rate`, `spoken_share`, `finished`.
"""

import unicodedata

from harness.audio import Audio
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.silence import Silences
from harness.take import Stop, Take
from harness.text import letters_reading_time_s, spoken_letters, words
from harness.text import reading_time as reading_time_by

LEAST_WORDS_OF_A_TEMPO = 3
OWN_TEMPO = 0.5
SLOWEST_TO_FASTEST = (0.6, 2.7)  # of the average, as a factor of time


@metric("length", unit="s", better="neither", of="sound")
def length(audio: Audio) -> Finding:
    """Seconds of audio, however long: no model that sees only 30 s has a part in it."""
    return measured(audio.duration_s)


@metric("duration_ratio", unit="ratio", better="neither", of="sound")
def duration_ratio(audio: Audio, text: str, reading_time: str) -> Finding:
    """Seconds of audio over seconds of reading time, which is the documented one unless the project chose another.

    >>> import numpy as np
    >>> duration_ratio(Audio(np.zeros(24_000, np.float32), 24_000), "صباح الخير", "words").value
    1.25
    """
    return _ratio(audio, text, reading_time)


@metric("letters_duration_ratio", unit="ratio", better="neither", of="sound", beside=("duration_ratio",))
def letters_duration_ratio(audio: Audio, text: str) -> Finding:
    """Seconds of audio over the seconds that the letters of the text take; advisory, shown beside the documented ratio.

    It knows that a digit is a long word and that three short words are not three long ones. Of careful human Arabic
    95 % lies between 0.65 and 1.55 (standard deviation of the logarithm 0.21); fluent readers lie near 0.8.
    """
    return _ratio(audio, text, "letters")


def _ratio(audio: Audio, text: str, reading_time: str) -> Finding:
    count = reading_time_by(reading_time)
    if count is None:
        raise ValueError(f"{reading_time!r} names no reading time")
    reading_s = count(text)
    if not reading_s:
        raise Missing("the text holds no words")
    return measured(
        audio.duration_s / reading_s,
        "" if reading_time == "words" else f"reading time by {reading_time}",
        duration_s=audio.duration_s,
        reading_time_s=reading_s,
        words=len(words(text)),
    )


@analysis()
def speech_s(pauses: Silences) -> float:
    """Seconds that are not silence."""
    return pauses.speech_s


@metric("speaking_rate", unit="letters/s", better="neither", of="sound", beside=("duration_ratio",))
def speaking_rate(speech_s: float, text: str) -> Finding:
    """Letters a second of speech, pauses left out; numbers and ligatures written out, diacritics not counted."""
    if not speech_s:
        raise Missing("no speech was found")
    spoken = sum(spoken_letters(text))
    return measured(spoken / speech_s, letters=spoken, speech_s=speech_s)


@metric("spoken_share", unit="ratio", better="neither")
def spoken_share(speech_s: float, text: str, reference_pauses: Silences, transcript: str) -> Finding:
    """Seconds of speech, pauses left out, over those that the text takes a reader at the pace of the reference.

    Half the text is missing at 0.5. Readers differ in tempo by a factor of three; half of what the reference's own
    tempo differs from the average (on a logarithmic scale) is taken as the take's. A reference of one or two words, or
    without a transcript, has no tempo of its own.
    """
    needed = letters_reading_time_s(text)
    if not needed:
        raise Missing("the text holds no words")
    arabic, others = spoken_letters(text)
    if not has_known_letters(text):
        raise NotApplicable("nobody measured how fast this script is read")
    pace = 1.0
    if len(words(transcript)) >= LEAST_WORDS_OF_A_TEMPO and has_known_letters(transcript):
        own = reference_pauses.speech_s / letters_reading_time_s(transcript)
        pace = min(max(own, SLOWEST_TO_FASTEST[0]), SLOWEST_TO_FASTEST[1]) ** OWN_TEMPO
    return measured(
        speech_s / (needed * pace), speech_s=speech_s, needed_s=needed * pace, pace=pace, letters=arabic + others
    )


def has_known_letters(text: str) -> bool:
    """Whether it is written in Arabic or Latin letters, but for one letter in ten."""
    spoken = [letter for letter in text if letter.isalpha()]
    known = sum(unicodedata.name(letter, "").startswith(("ARABIC", "LATIN")) for letter in spoken)
    return known >= 0.9 * len(spoken)


@metric("finished", unit="yes", better="higher", of="take")
def finished(take: Take) -> Finding:
    """1 where the generation ended its speech, 0 where it was cut; some systems cannot tell."""
    if not take.has_sound:
        raise Missing(f"no audio: {take.error}")
    if take.stopped_by is Stop.UNKNOWN:
        raise NotApplicable(f"the {take.provenance.backend} backend does not say why the take ended")
    ended = take.stopped_by in {Stop.EOS, Stop.SILENCE}
    return measured(ended, f"stopped by {take.stopped_by}", frames=take.frames or 0)
