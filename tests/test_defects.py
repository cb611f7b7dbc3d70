"""Every gate has a take that fails it, and each defect fails the gates it should and no other.

The takes are real ones of the embedded voice, spoilt in one way each, judged by every gate of the documented profile.
"""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from harness import audio, registry, shipped
from harness.audio import Audio
from harness.backends import BackendOptions
from harness.backends.embedded.voice import clone
from harness.corpus import load_corpus, load_voices
from harness.decision.gates import load_profile
from harness.lab.defects import DEFECTS
from harness.metrics import (
    copies,
    diacritics,
    intelligibility,
    measure_waveform,
    metrics_of,
    quality,
    target_likelihood,
    text_support,
)
from harness.records.gate import Outcome
from harness.run import plan
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.take import Provenance, Request, Stop, Take

pytestmark = pytest.mark.slow

DOCUMENTED = load_profile("documented", "embedded")
# What needs a recogniser, a predictor or a second take has tests of its own.
ELSEWHERE = metrics_of(copies, diacritics, intelligibility, quality, target_likelihood, text_support)
PROFILE = replace(DOCUMENTED, gates=tuple(gate for gate in DOCUMENTED.gates if gate.metric not in ELSEWHERE))
METRICS = tuple({gate.metric: None for gate in PROFILE.gates})
SHORT = {row.id: row for row in load_corpus("short")}["short-010"]
# In a voice that says no syllable twice in the very same way, however slowly it speaks.
PARAGRAPHS = replace({row.id: row for row in load_corpus("medium")}["medium-007"], reference_id="layla")
ONE_WORD = {row.id: row for row in load_corpus("robustness")}["robustness-007"]
VOICES = {voice.id: voice for voice in load_voices(shipped.VOICES)}


@cache
def speech(row, seconds, voice=None):
    reference = audio.load(VOICES[voice or row.reference_id].path)
    return clone(row.text, row.language, reference, duration_s=seconds, seed=0)


@pytest.fixture(scope="module")
def good():
    return speech(SHORT, SHORT.reading_time_s * 1.32)


@pytest.fixture(scope="module")
def encoder_out(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.fixture
def judged(monkeypatch, encoder_out):
    """Gates by their answer, for a sound (or an error) given as the take of a row."""

    def judge(sound, row=SHORT, stopped_by=Stop.EOS, error=""):
        class Given:
            name, sample_rate_hz, frame_rate_hz, note, reads = "given", 24_000, 25, "", ()
            identity = f"given {np.random.default_rng().integers(2**60)}"

            def generate(self, requests):
                return [Take(one, sound, stopped_by, Provenance("given", "", ""), error=error) for one in requests]

        monkeypatch.setattr(plan, "open_backend", lambda *_: Given())
        run = Run(Settings("given", BackendOptions(), PROFILE, encoder_out))
        verdicts = run.judge(run.take(run.request(row, 0)), METRICS)
        assert [verdict.gate.name for verdict in verdicts] == [gate.name for gate in PROFILE.gates]
        answers = {outcome: set() for outcome in Outcome}
        for verdict in verdicts:
            answers[verdict.outcome].add(verdict.gate.name)
        return answers

    return judge


SEEN = Counter()
OF_SPEECH = {name for name, one in registry.metrics().items() if one.of == "speech"}
ADVISORY = {gate.name for gate in PROFILE.gates if gate.advisory}
# What asks for speech, and what asks for more of it than a short take has.
SPEECH_GATES = {gate.name for gate in PROFILE.gates if gate.metric in OF_SPEECH} - ADVISORY
LONG_GATES = {"voice_drift", "level_range", "background_margin", "foreign_voice", "echo", "edge_noise"}
LONG_GATES |= {"fades_away", "level_fall", "level_rise"}
# For texts in another language.
OTHER_LANGUAGE = {"spoken_share_english", "syllable_share_english"}
VOICE_GATES = {"speaker_similarity", "nearest_reference"}
# What fails beside the gate that a defect is made for, in some takes: another voice, a tempo, a silence, a cut.
BESIDE = {"background_margin", "foreign_voice", "spoken_share", "level_range", "beginning_level"}
BESIDE |= {"edge_silence", "edge_sample", "lost_beginning", "fades_away", "level_fall", "level_rise", "seams"}
BESIDE |= {"syllable_share"}
# Judged from 2 s of speech on, like the voice.
LONGER_GATES = {"bandwidth", "pitch_spread"}


def check(answers, fails, inconclusive=(), refused=()):
    SEEN.update(answers[Outcome.FAIL] | answers[Outcome.WARN])
    assert answers[Outcome.FAIL] - BESIDE == set(fails)
    assert (
        answers[Outcome.INCONCLUSIVE] - LONG_GATES - OTHER_LANGUAGE == set(inconclusive) - LONG_GATES - OTHER_LANGUAGE
    )
    assert answers[Outcome.REFUSED] - LONG_GATES - OTHER_LANGUAGE - ADVISORY == set(refused)
    assert answers[Outcome.WARN] <= ADVISORY


def test_a_good_take_passes_every_gate(judged, good):
    check(judged(good), fails=())


def test_a_take_cut_to_nine_tenths_of_a_second(judged, good):
    cut = Audio(good.samples[: round(0.9 * 24_000)], 24_000)
    check(judged(cut), fails={"length", "duration_ratio", "speaking_rate"}, refused=VOICE_GATES | LONGER_GATES)


def test_one_word_cut_to_nine_tenths_of_a_second(judged):
    cut = Audio(speech(ONE_WORD, 1.0).samples[: round(0.9 * 24_000)], 24_000)  # the vowel at its end has faded
    check(
        judged(cut, ONE_WORD),
        fails={"length"},
        refused={"duration_ratio", "syllable_share", *VOICE_GATES, *LONGER_GATES},
    )


def test_twenty_seconds_of_trailing_silence(judged, good):
    tail = Audio(np.append(good.samples, np.zeros(20 * 24_000, np.float32)), 24_000)
    fails = {"silence_ratio", "longest_silence", "duration_ratio", "runaway"}
    check(judged(tail), fails=fails, inconclusive={"voice_drift"})


def test_speech_that_is_slower_by_three_and_a_bit(judged, good):
    check(judged(speech(SHORT, good.duration_s * 3.2)), fails={"duration_ratio", "runaway"})


def test_thirty_five_seconds(judged):
    check(judged(speech(PARAGRAPHS, 35.0), PARAGRAPHS), fails={"length"})


def test_a_runaway_of_two_minutes_is_judged_as_two_minutes(judged, good):
    runaway = Audio(np.resize(good.samples, 120 * 24_000), 24_000)
    answers = judged(runaway)
    SEEN.update(answers[Outcome.FAIL])
    assert answers[Outcome.FAIL] >= {"length", "duration_ratio", "runaway", "repeated_speech", "extra_speech"}
    asked = Request(SHORT, VOICES[SHORT.reference_id], 0, (), "test")
    measured = measure_waveform(Take(asked, runaway, Stop.EOS, Provenance("test", "", "")))
    assert measured["length"].value == 120.0
    assert measured["duration_ratio"].value == pytest.approx(120 / SHORT.reading_time_s)
    assert measured["repeated_speech"].value > 100
    assert measured["repeated_speech"].spans[-1][1] == pytest.approx(120, abs=1)


@pytest.mark.parametrize("other", sorted(VOICES))
def test_another_voice(judged, good, other):
    if other == SHORT.reference_id:
        check(judged(good), fails=())
    else:
        check(judged(speech(SHORT, good.duration_s, voice=other)), fails=VOICE_GATES)


def test_zeros(judged, good):
    check(
        judged(replace(good, samples=np.zeros_like(good.samples))),
        fails={"silence_ratio", "longest_silence", "speech_level"},
        inconclusive={*VOICE_GATES, *SPEECH_GATES, "rate_ratio", "speaking_rate"},
    )


def test_ten_samples_that_are_not_numbers(judged, good):
    samples = good.samples.copy()
    samples[50_000:50_010] = np.nan
    check(judged(replace(good, samples=samples)), fails={"nonfinite_samples"})


def test_nothing_but_samples_that_are_not_numbers(judged, good):
    check(
        judged(replace(good, samples=np.full_like(good.samples, np.nan))),
        fails={"nonfinite_samples", "silence_ratio", "longest_silence", "speech_level"},
        inconclusive={*VOICE_GATES, *SPEECH_GATES, "rate_ratio", "speaking_rate"},
    )


def test_sixteen_kilohertz_labelled_twenty_four(judged, good):
    mislabelled = Audio(audio.resample(good, 16_000).samples, 24_000)
    check(judged(mislabelled), fails={"rate_ratio", "duration_ratio", *VOICE_GATES})


def test_sixteen_kilohertz_labelled_so(judged, good):
    check(judged(audio.resample(good, 16_000)), fails={"sample_rate"})


def test_speech_that_nobody_can_hear(judged, good):
    check(judged(replace(good, samples=good.samples * np.float32(0.01))), fails={"speech_level", "dropouts"})


@pytest.mark.parametrize("stop", [Stop.BUDGET, Stop.TIMEOUT])
def test_a_generation_that_was_cut(judged, good, stop):
    check(judged(good, stopped_by=stop), fails={"finished"})


@pytest.mark.parametrize("error", ["a.wav is missing", "a.wav is an empty file of 0 bytes", "out of memory"])
def test_no_audio(judged, error):
    others = {gate.name for gate in PROFILE.gates} - {"readable"} - ADVISORY
    check(judged(None, error=error), fails={"readable"}, inconclusive=others)


@pytest.mark.parametrize(
    ("gate", "defect", "severity"),
    [
        ("downmix_loss", "channels", 2),
        ("dc_offset", "dc_offset", 1),
        ("clipping", "clipping", 2),
        ("clicks", "clicks", 2),
        ("dropouts", "dropouts", 1),
        ("steady_tone", "hum", 2),
        ("noise_level", "white_noise", 2),
        ("bandwidth", "band_limit", 1),
        ("pitch_spread", "monotone", 2),
        ("voiced_share", "whisper", 2),
        ("held_sound", "held_sound", 2),
        ("inner_gap", "noisy_gap", 1),
        ("repeated_speech", "loop", 2),
        ("reference_leak", "reference_leak", 2),
        ("extra_speech", "endless", 1),
        ("tempo_ratio", "too_slow", 2),
        ("voice_drift", "other_voice", 0),
        ("level_range", "softer_half", 2),
        ("fades_away", "fade_out", 2),
        ("edge_sample", "last_sample", 2),
        ("edge_silence", "trailing_silence", 2),
        ("thump", "thump", 2),
        ("stutter", "stutter", 1),
        ("echo", "doubled", 1),
        ("level_rise", "louder_half", 2),
        ("lost_beginning", "beginning_lost", 1),
        ("seams", "splices", 2),
        ("spoken_share", "lost_share", 2),
        ("syllable_share", "lost_share", 2),
        ("foreign_voice", "foreign_second", 2),
        ("background_margin", "other_voice", 2),
    ],
)
def test_an_injected_defect_fails_its_gate(judged, good, gate, defect, severity):
    (spoil,) = (one for one in DEFECTS if one.name == defect)
    long = speech(SHORT, max(good.duration_s, 6.5))
    mine = Request(SHORT, VOICES[SHORT.reference_id], 0, (), "test")
    # In the short take the cut of `beginning_lost` falls into a closed sound, and the splices into pauses.
    sound = long if gate in LONG_GATES or defect in {"beginning_lost", "splices"} else good
    if defect == "fade_out":  # the room after the speech is what a fade is told from
        sound = replace(sound, samples=np.pad(sound.samples, (0, round(0.3 * sound.sample_rate_hz))))
    take = Take(mine, sound, Stop.EOS, Provenance("test", "", ""))
    foreign = replace(take, audio=speech(SHORT, long.duration_s, voice="emma"))
    spoilt = spoil.inject(take, spoil.amounts[severity], np.random.default_rng(6), foreign)
    answers = judged(spoilt.audio)
    SEEN.update(answers[Outcome.FAIL] | answers[Outcome.WARN])
    assert gate in answers[Outcome.WARN if gate in ADVISORY else Outcome.FAIL]


def test_a_second_half_that_is_fainter_by_20_db(judged):
    whole = speech(SHORT, 6.5)  # as it is spoken, its second half is the louder by 5 dB
    samples = whole.samples.copy()
    samples[samples.size // 2 :] *= 0.1
    answers = judged(Audio(samples, 24_000))
    SEEN.update(answers[Outcome.FAIL])
    assert "level_fall" in answers[Outcome.FAIL]


def test_speech_that_breaks_off_in_a_vowel_fails_by_its_ending(judged, good):
    loudest = int(np.abs(good.samples).argmax())
    answers = judged(Audio(good.samples[:loudest], 24_000))
    SEEN.update(answers[Outcome.FAIL] | answers[Outcome.WARN])
    assert "ending_level" in answers[Outcome.FAIL]
    assert "abrupt_ending" in answers[Outcome.WARN]


def test_speech_that_begins_in_a_vowel_fails_by_its_beginning(judged, good):
    loudest = int(np.abs(good.samples).argmax())
    answers = judged(Audio(good.samples[loudest:], 24_000))
    SEEN.update(answers[Outcome.FAIL] | answers[Outcome.WARN])
    assert "begins_abruptly" in answers[Outcome.WARN]
    longer = speech(SHORT, 12.0)
    first = int(np.abs(longer.samples[: 3 * 24_000]).argmax())
    answers = judged(Audio(longer.samples[first:], 24_000))
    SEEN.update(answers[Outcome.FAIL])
    assert "beginning_level" in answers[Outcome.FAIL]


def test_hiss_after_the_speech_fails_by_the_edge(judged, good):
    loud_dbfs = np.percentile(audio.frame_levels_dbfs(good), 95)
    hiss = np.random.default_rng(0).standard_normal(24_000) * 10 ** ((loud_dbfs - 26.8) / 20)
    answers = judged(Audio(np.append(good.samples, hiss).astype(np.float32), 24_000))
    SEEN.update(answers[Outcome.FAIL])
    assert "edge_noise" in answers[Outcome.FAIL]


def test_a_second_half_in_double_time_is_advised_against(judged):
    slow, fast = speech(SHORT, 9.0), speech(SHORT, 3.0)
    answers = judged(Audio(np.concatenate([slow.samples[: 24_000 * 3], fast.samples]), 24_000))
    SEEN.update(answers[Outcome.FAIL] | answers[Outcome.WARN])
    assert "pace_change" in answers[Outcome.WARN]


def test_every_gate_was_failed_by_a_take_above():
    assert SEEN.keys() | OTHER_LANGUAGE == {gate.name for gate in PROFILE.gates}
