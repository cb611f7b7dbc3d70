"""What every take must satisfy before a release goes out: the criteria, once for all suites.

Each suite, which is a file of corpus/, is judged by all of them; test_SUITE.py adds what is special to it. `require`
judges the take by every gate that gates.toml has for it on the named metrics; the limits and their reasons stand there.
"""


def test_stops_because_it_has_finished(require):
    require("finished")


def test_lasts_as_long_as_a_reader_would(require):
    require("length", "duration_ratio")


def test_is_not_mostly_silence(require):
    require("silence_ratio", "longest_silence")


def test_is_clean_audio_at_the_right_rate(require):
    require("readable", "nonfinite_samples", "sample_rate", "rate_ratio", "speech_level", "downmix_loss")


def test_holds_no_sound_that_a_voice_does_not_make(require):
    require("dc_offset", "clipping", "clicks", "thump", "dropouts", "steady_tone", "noise_level", "bandwidth")


def test_is_of_one_piece_and_one_level(require):
    require("stutter", "echo", "seams", "level_range", "level_fall", "level_rise", "fading")


def test_begins_and_ends_cleanly(require):
    require("beginning_level", "lost_beginning", "edge_noise", "edge_sample", "edge_silence")


def test_sings_like_a_voice(require):
    require("pitch_spread", "voiced_share", "held_sound")


def test_is_a_take_of_its_own(require):
    require("copied_take", "copied_seed")


def test_sounds_natural(require):
    require("speech_quality")


def test_says_the_text_once_and_nothing_else(require):
    require("repeated_speech", "reference_leak", "extra_speech", "spoken_share", "syllable_share")
    require("speaking_rate", "tempo_ratio")


def test_pauses_and_ends_where_speech_does(require):
    require("inner_gap", "ending_level", "pace_change")


def test_is_the_voice_of_its_reference(require):
    require("speaker_similarity", "nearest_reference", "background_margin", "foreign_voice", "voice_drift")


def test_says_what_it_was_asked_to_say(require):
    require(
        "cer_above_floor",
        "wer_above_floor",
        "lost_words",
        "text_llr",
        "missing_words_llr",
        "replaced_words_llr",
        "added_words_llr",
        "repeated_words_llr",
        "word_order_llr",
        "added_letters",
        "text_support",
    )


def test_a_second_recogniser_agrees(require):
    require(
        "second_cer_above_floor",
        "second_wer_above_floor",
        "second_lost_words",
        "second_text_llr",
        "second_missing_words_llr",
        "second_replaced_words_llr",
        "second_added_words_llr",
        "second_repeated_words_llr",
        "second_word_order_llr",
        "second_added_letters",
        "second_text_support",
    )


def test_passes_every_other_gate_of_its_suite(require, other_metrics):
    """What gates.toml asks for beyond the above, such as a metric of your own."""
    require(*other_metrics)


def test_is_no_worse_than_the_accepted_release(not_worse):
    not_worse()
