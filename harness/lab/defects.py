"""Defects as they come out of a cloning model, put into known-good speech at three severities each.

Conventions: amounts have the unit that their label shows. `rejects` is the severity from which on a listener would send
the take back; the other severities show how the detection grows. `would_find` stands where no gate of a run without a
recogniser can see the defect: why, and what would.
"""

from dataclasses import dataclass

from harness.lab import injections, sound_injections
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

_AS_FAINT = (
    "a last word can be as faint, so that the limit is wider in little speech: a comparison with the accepted "
    "release's take of the same text would find it"
)
_HUM = (
    "beside speech with long pauses a hum that is so far below its mean is farther below its loud frames: a comparison "
    "with the accepted release would find it"
)
_TEMPO = (
    "readers of one language differ in tempo by a factor of three: a slow one takes for half the text what a fast one "
    "takes for the whole; a recogniser would miss the words"
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
    Defect(
        "clipping",
        "{:g} dB over",
        (3.0, 6.0, 12.0),
        1,
        injections.clipping,
        would_find="where one crest stands above all others only that one is flattened: few listeners would hear it",
    ),
    Defect("clicks", "{:g} of full scale", (0.05, 0.15, 0.4), 2, injections.clicks),
    Defect("dropouts", "{:g} ms", (10.0, 40.0, 100.0), 1, injections.dropouts),
    Defect("hum", "50 Hz, {:g} dB below", (20.0, 10.0, 5.0), 1, injections.tone(50.0), would_find=_HUM),
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
    Defect(
        "other_voice",
        "last {:.0%}",
        (0.33, 0.5, 1.0),
        2,
        injections.other_voice,
        voice=True,
        would_find="a stranger whose voice is very like the speaker's passes: a listener would find it",
    ),
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
    Defect("lost_share", "last {:.0%}", (0.3, 0.5, 0.75), 1, injections.lost_share, would_find=_TEMPO),
    Defect(
        "lost_middle",
        "{:g} s",
        (0.3, 0.6, 1.5),
        1,
        injections.lost_middle,
        would_find="a word that is gone shortens the take by less than human tempi differ: a recogniser would miss it",
    ),
    Defect(
        "continued",
        "{:g} s",
        (1.0, 3.0, 8.0),
        1,
        injections.continued,
        would_find="a few seconds too many in the right voice are within what slow readers need: a recogniser would "
        "find the extra words",
    ),
    Defect(
        "foreign_second",
        "{:g} s",
        (0.5, 1.0, 2.0),
        1,
        injections.foreign_stretch,
        voice=True,
        would_find="a second of a voice like the speaker's is no stranger to the encoder: a listener finds it",
    ),
    Defect(
        "background_speaker",
        "{:g} dB below",
        (20.0, 10.0, 5.0),
        1,
        injections.background_speaker,
        voice=True,
        would_find="the encoder hears the louder speaker: a recogniser's errors, or a listener, would find the other",
    ),
    Defect(
        "beginning_lost",
        "{:g} s",
        (0.12, 0.35, 0.6),
        1,
        sound_injections.beginning_lost,
        would_find="some cuts fall into a pause between two words: a recogniser that misses the first word would find "
        "it",
    ),
    Defect(
        "fade_out",
        "last third, {:g} dB",
        (12.0, 20.0, 30.0),
        2,
        sound_injections.fade_out,
        would_find="where less than 0.15 s follow the speech, what has faded is taken for the room: a comparison with "
        "the accepted release's take of the same text would find it",
    ),
    Defect(
        "fade_in",
        "first third, {:g} dB",
        (12.0, 20.0, 30.0),
        2,
        sound_injections.fade_in,
        would_find="as for fade_out: a comparison with the accepted release would find it",
    ),
    Defect("decay", "{:g} dB", (12.0, 20.0, 30.0), 2, sound_injections.decay, would_find=_AS_FAINT),
    Defect("softer_half", "{:g} dB", (6.0, 10.0, 14.0), 2, sound_injections.softer_half, would_find=_AS_FAINT),
    Defect("louder_half", "{:g} dB", (6.0, 10.0, 14.0), 2, sound_injections.louder_half, would_find=_AS_FAINT),
    Defect(
        "tremor",
        "{:.0%} at 8 Hz",
        (0.3, 0.6, 0.9),
        2,
        sound_injections.tremor,
        would_find="syllables swing as fast: a predictor of opinions, or a listener, would find it",
    ),
    Defect("last_sample", "{:g} of full scale", (0.2, 0.5, 0.7), 2, sound_injections.edge_jump(at_end=True)),
    Defect("first_sample", "{:g} of full scale", (0.2, 0.5, 0.7), 2, sound_injections.edge_jump(at_end=False)),
    Defect("thump", "{:g} x speech", (2.0, 5.0, 8.0), 1, sound_injections.thump),
    Defect(
        "burst_before",
        "{:g} dB below",
        (20.0, 10.0, 0.0),
        2,
        sound_injections.burst_before,
        would_find="a burst before the speech is a consonant before a pause to every measure here: a listener finds it",
    ),
    Defect(
        "hiss_tail",
        "{:g} dB below",
        (40.0, 30.0, 20.0),
        2,
        sound_injections.hiss_tail,
        would_find="hiss as loud as the faint sounds of the speech seems to be some: a comparison with the accepted "
        "release would find it",
    ),
    Defect("filled_dropouts", "{:g} dB below", (30.0, 40.0, 50.0), 1, sound_injections.filled_dropouts),
    Defect(
        "stutter",
        "{:g} ms x 3",
        (20.0, 40.0, 80.0),
        1,
        sound_injections.stutter,
        would_find="the few that are missed repeat a sound 30 dB below the speech, which is hardly heard",
    ),
    Defect(
        "splices",
        "{:g}",
        (2.0, 4.0, 8.0),
        2,
        sound_injections.splices,
        would_find="a jump from one vowel into another is as abrupt in fast speech: a recogniser would find it",
    ),
    Defect(
        "doubled",
        "{:g} ms later",
        (20.0, 30.0, 60.0),
        1,
        sound_injections.doubled,
        would_find="one echo in forty is not told from the voice's own periods: a listener, or a comparison with the "
        "accepted release, would find it",
    ),
    Defect(
        "reverberant",
        "RT60 {:g} s",
        (0.3, 0.6, 1.2),
        2,
        sound_injections.reverberant,
        would_find="a room is no artefact to these measures: a predictor of opinions would find it",
    ),
    Defect("pink_noise", "{:g} dB below", (20.0, 15.0, 5.0), 2, sound_injections.coloured_noise(1.0)),
    Defect("rumble", "{:g} dB below", (10.0, 0.0, -10.0), 2, sound_injections.coloured_noise(3.0)),
    Defect("buzz", "50 Hz and harmonics, {:g} dB below", (20.0, 10.0, 5.0), 1, sound_injections.buzz, would_find=_HUM),
    Defect("whistle", "2 kHz, {:g} dB below", (20.0, 10.0, 5.0), 1, injections.tone(2000.0)),
    Defect("hum_60", "60 Hz, {:g} dB below", (20.0, 10.0, 5.0), 1, injections.tone(60.0), would_find=_HUM),
    Defect("quantised", "{:g} bits", (8.0, 6.0, 5.0), 2, sound_injections.quantised),
    Defect(
        "telephone",
        "from {:g} Hz",
        (100.0, 300.0, 500.0),
        1,
        sound_injections.telephone,
        would_find="under 2 s of speech the bandwidth is not judged: a comparison with the accepted release would "
        "find it",
    ),
    Defect(
        "overdriven",
        "{:g} dB",
        (6.0, 12.0, 24.0),
        2,
        sound_injections.overdriven,
        would_find="a soft limiter leaves no plateau: a predictor of opinions would find it",
    ),
    Defect("crackle", "{:g} of full scale", (0.05, 0.2, 0.5), 2, sound_injections.crackle),
    Defect("mute", "{:g} of full scale", (1e-4, 1e-5, 1e-6), 0, sound_injections.mute),
    Defect("roar", "{:g} of full scale", (0.05, 0.1, 0.2), 1, sound_injections.roar),
    Defect("endless", "{:g} x the text", (2.0, 4.0, 8.0), 1, sound_injections.endless),
    Defect("snippet", "{:g} s", (0.8, 0.5, 0.3), 1, sound_injections.snippet),
    Defect("emptied", "{:g} samples", (2000.0, 200.0, 1.0), 1, sound_injections.emptied),
)
