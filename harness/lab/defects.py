"""Defects as they come out of a cloning model, put into known-good speech at three severities each.

Conventions: amounts have the unit that their label shows. `rejects` is the severity from which on a listener would send
the take back; the other severities show how the detection grows. `would_find` stands where no gate of a run without a
recogniser can see the defect: why, and what would.
"""

from dataclasses import dataclass

from harness.lab import injections
from harness.lab.injections import Inject


@dataclass(frozen=True, slots=True)
class Defect:
    """One way in which speech can be spoilt."""

    name: str
    label: str
    """How an amount is written: a format string."""
    amounts: tuple[float, float, float]
    rejects: int
    inject: Inject
    voice: bool = False
    """Only the speaker encoder can see it, so only then is it asked."""
    would_find: str = ""

    def severity(self, number: int) -> str:
        """The severity as it stands in the table."""
        return self.label.format(self.amounts[number])


_RECOGNISER = (
    "the sound is right and only the words are wrong: a recogniser (CER against the target text) would find it"
)

_WITHIN_THE_STOP = "2 s lie just within the documented silence stop of 50 frames: the calibrated limit finds them"
_TOO_LITTLE = (
    "a stretch that is half a pause or a hiss holds too little to be known again: "
    "a recogniser that hears the words twice, or words of the reference, would find it"
)

DEFECTS = (
    Defect("trailing_silence", "{:g} s", (1.0, 2.0, 5.0), 1, injections.trailing_silence, would_find=_WITHIN_THE_STOP),
    Defect("leading_silence", "{:g} s", (1.0, 2.0, 5.0), 1, injections.leading_silence, would_find=_WITHIN_THE_STOP),
    Defect("inner_gap", "{:g} s", (1.0, 2.0, 3.0), 1, injections.inner_gap),
    Defect("noisy_gap", "{:g} s", (1.0, 2.0, 3.0), 1, injections.noisy_gap),
    Defect(
        "cut_ending",
        "last {:.0%}",
        (0.1, 0.25, 0.5),
        1,
        injections.cut_ending,
        would_find="half of all cuts fall into a faint sound and human tempi differ by more than a word: "
        "a recogniser that misses the last word would find it, as does the documented duration band",
    ),
    Defect(
        "lost_words",
        "last {:g}",
        (1.0, 2.0, 3.0),
        0,
        injections.lost_words,
        would_find="without the words only the length is wrong, by less than human tempi differ: a recogniser that "
        "hears no last word finds it, as does the documented duration band where the take was not slow",
    ),
    Defect("loop", "0.3 s x {:g}", (2.0, 3.0, 5.0), 0, injections.loop, would_find=_TOO_LITTLE),
    Defect("repeated_phrase", "{:g} s", (0.5, 1.0, 2.0), 0, injections.repeated_phrase, would_find=_TOO_LITTLE),
    Defect(
        "said_again",
        "last {:.0%}",
        (0.25, 0.5, 1.0),
        2,
        injections.said_again,
        would_find="another reading of the same words is no copy: a recogniser that hears them twice would find it, "
        "as does the documented duration band where the whole text is said again",
    ),
    Defect("reference_leak", "{:g} s", (0.3, 0.5, 1.0), 1, injections.reference_leak, would_find=_TOO_LITTLE),
    Defect(
        "foreign_tail",
        "{:g} s",
        (1.0, 3.0, 10.0),
        2,
        injections.foreign_tail,
        would_find="a few seconds too many are within what slow readers need: a recogniser would find the extra words",
    ),
    Defect("held_sound", "{:g} s", (0.3, 1.0, 3.0), 1, injections.held_sound),
    Defect("clipping", "{:g} dB over", (3.0, 6.0, 12.0), 1, injections.clipping),
    Defect("clicks", "{:g} of full scale", (0.05, 0.15, 0.4), 2, injections.clicks),
    Defect("dropouts", "{:g} ms", (10.0, 40.0, 100.0), 1, injections.dropouts),
    Defect("hum", "50 Hz, {:g} dB below", (20.0, 10.0, 5.0), 1, injections.tone(50.0)),
    Defect("whine", "6 kHz, {:g} dB below", (20.0, 10.0, 5.0), 1, injections.tone(6000.0)),
    Defect("white_noise", "{:g} dB below", (20.0, 15.0, 10.0), 1, injections.white_noise),
    Defect("dc_offset", "{:g} of full scale", (0.005, 0.02, 0.1), 1, injections.dc_offset),
    Defect("band_limit", "{:g} Hz", (6000.0, 4000.0, 3000.0), 1, injections.band_limit),
    Defect(
        "faint",
        "{:g} dB down",
        (10.0, 30.0, 40.0),
        1,
        injections.faint,
        would_find="a loud voice 30 dB down is above the limit: a comparison with the accepted release would find it",
    ),
    Defect(
        "false_label",
        "{:g} Hz as 24 kHz",
        (22050.0, 16000.0, 12000.0),
        1,
        injections.false_label,
        voice=True,
        would_find="sped up, a short take holds too little speech to know the voice by: a comparison with the accepted "
        "release's take of the same text would find it, as does the documented duration band",
    ),
    Defect("other_rate", "{:g} Hz", (22050.0, 16000.0, 8000.0), 0, injections.other_rate),
    Defect("nonfinite", "{:g} samples", (1.0, 10.0, 1000.0), 0, injections.nonfinite),
    Defect("channels", "second x {:g}", (0.5, 0.0, -1.0), 1, injections.channels),
    Defect("other_voice", "last {:.0%}", (0.33, 0.5, 1.0), 2, injections.other_voice, voice=True),
    Defect(
        "transposed",
        "{:g} semitones",
        (1.0, 3.0, 5.0),
        2,
        injections.transposed,
        voice=True,
        would_find="the encoder still hears the speaker in some voices moved by five semitones: a comparison with the "
        "accepted release's take of the same text and voice would find it",
    ),
    Defect(
        "monotone",
        "{:.0%} of the melody",
        (0.5, 0.2, 0.0),
        2,
        injections.monotone,
        would_find="the pitch tracker now and then takes a flat pitch for half of itself, and that for melody: "
        "a comparison with the accepted release's take of the same text would find it",
    ),
    Defect(
        "whisper",
        "{:.0%} breath",
        (0.5, 0.8, 1.0),
        2,
        injections.whisper,
        would_find="now and then breath seems voiced: a comparison with the accepted release would find it",
    ),
    Defect(
        "too_fast",
        "x {:g}",
        (1.3, 1.6, 2.2),
        2,
        injections.tempo,
        would_find="the tempo of human readers spans a factor of three: a recogniser's errors, or a comparison with "
        "the accepted release's take of the same text, would find it; the documented duration band does",
    ),
    Defect(
        "too_slow",
        "x {:g}",
        (0.7, 0.5, 0.35),
        2,
        injections.tempo,
        would_find="a fluent reader at a third of the tempo is no slower than the slowest reader: a comparison with "
        "the accepted release's take of the same text would find it",
    ),
    Defect("foreign_text", "last {:.0%}", (0.25, 0.5, 1.0), 0, injections.foreign_text, would_find=_RECOGNISER),
    Defect(
        "backwards",
        "first {:.0%}",
        (0.25, 0.5, 1.0),
        0,
        injections.backwards,
        would_find="reversed speech has the spectrum, level and voice of speech: a recogniser would find it",
    ),
    Defect(
        "shuffled",
        "pieces of {:g} s",
        (1.0, 0.5, 0.25),
        2,
        injections.shuffled,
        would_find="each piece is sound speech of the right voice: a recogniser would find the order",
    ),
)
