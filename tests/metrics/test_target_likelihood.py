"""The words of a text, asked as a likelihood: what a recogniser holds for likelier decides, whatever it writes."""

import numpy as np
import pytest

from harness.audio import Audio
from harness.decision.gates import Profile, for_recognisers, judge, load_profile
from harness.metrics import metrics_of, target_likelihood
from harness.metrics.declaration import Missing
from harness.metrics.measuring import Measuring
from harness.metrics.recognition import TextScore
from harness.records.gate import Gate, Outcome
from tests.recognisers import Told
from tests.synthetic import draw, request, take, write_voice

TEXT = "ذهب الولد إلى السوق صباحا"
NAMES = [name for name in metrics_of(target_likelihood) if not name.startswith("second_")]


class Scores(Told):
    """Holds one text for true; every letter that another lacks or has more costs 3 nats."""

    weights = "0123456789abcdef"

    def __init__(self, texts, true):
        super().__init__(texts)
        self.true, self.asked = true, 0

    def log_likelihoods(self, clips, languages, texts):
        self.asked += 1
        return [[TextScore(-3.0 * distance(text, self.true)) for text in wanted] for wanted in texts]


def distance(one, other):
    from harness.text.alignment import align

    letters = [[((letter,),) for letter in text if letter != " "] for text in (one, other)]
    return align(*letters).errors


def nobody(text, language, voices=2):
    """In place of the control: nobody says the text."""
    return ()


def measured(
    tmp_path, true, heard=None, text=TEXT, transcript="مرحبا يا صديقي العزيز", kind=Scores, control=nobody, **sound
):
    voice = write_voice(tmp_path / "voices", "layla", draw("#" * 20), transcript="مرحبا يا صديقي العزيز")
    spoken = take(**sound, asked=request(text, reference=voice))
    told = kind(
        {16_000: text, 20 * 2400: transcript, spoken.audio.samples.size: true if heard is None else heard}, true
    )
    (found,) = Measuring(recognizer=told, control_speech=control).measure([spoken], NAMES)
    return {name: one.value for name, one in found.items()}, found


def test_the_right_words_speak_for_themselves(tmp_path):
    values, _ = measured(tmp_path, TEXT)
    assert values["text_llr"] == values["added_letters"] == 0
    assert values["replaced_words_llr"] == values["added_words_llr"] == 0
    assert max(values["missing_words_llr"], values["repeated_words_llr"], values["word_order_llr"]) < 0


@pytest.mark.parametrize(
    ("true", "metric", "word"),
    [
        ("ذهب الولد إلى السوق", "missing_words_llr", "صباحا"),
        ("ذهب الولد السوق صباحا", "missing_words_llr", "إلى"),
        ("الولد إلى السوق صباحا", "missing_words_llr", "ذهب"),
        ("ذهب الولد إلى السوق السوق صباحا", "repeated_words_llr", "السوق"),
        ("ذهب إلى الولد السوق صباحا", "word_order_llr", "الولد"),
        ("ذهب الولد إلى البحر صباحا", "text_llr", "السوق"),
        ("ذهب الولد إلى البحر صباحا", "replaced_words_llr", "السوق"),
        ("ذهب الولد الكبير إلى السوق صباحا", "added_words_llr", "الكبير"),
    ],
)
def test_each_fault_is_found_though_the_recogniser_writes_the_target(tmp_path, true, metric, word):
    heard = true if metric in {"text_llr", "replaced_words_llr", "added_words_llr"} else TEXT
    values, found = measured(tmp_path, true, heard)
    assert values[metric] > 0
    assert word in found[metric].detail
    assert values["text_llr"] > 0


def test_a_recogniser_that_mishears_people_is_asked_for_no_text_and_says_why_of_every_metric(tmp_path):
    asked = []

    class Counted(Scores):
        def log_likelihoods(self, clips, languages, texts):
            asked.append(len(clips))
            return super().log_likelihoods(clips, languages, texts)

    _, found = measured(tmp_path, TEXT, heard=RuntimeError("broken"), transcript="شيء آخر تماما", kind=Counted)
    assert asked == []
    assert {one.why_not.partition(" of 1 references")[0][-11:] for one in found.values()} == {"the letters"}


def test_a_word_that_good_english_doubles_is_not_said_twice(tmp_path):
    text = "he knew that he had gone"
    own = {"text": text, "transcript": "مرحبا يا صديقي العزيز"}
    values, _ = measured(tmp_path, "he knew that he had had gone", heard=text, **own)
    assert values["repeated_words_llr"] < 0 < values["text_llr"]
    values, _ = measured(tmp_path, "he knew knew that he had gone", heard=text, **own)
    assert values["repeated_words_llr"] > 0


class Times(Scores):
    """Says when words are spoken: each for half a second."""

    def word_times(self, clips, languages, texts):
        return [[(0.5 * place, 0.5 * place + 0.5) for place in range(len(text.split()))] for text in texts]


def test_a_doubtful_word_is_named_with_its_time_and_marked_there(tmp_path):
    _, found = measured(tmp_path, "ذهب الولد إلى البحر صباحا", kind=Times)
    assert "السوق at 1.5 s" in found["text_llr"].detail
    assert (1.5, 2.0) in [tuple(span) for span in found["text_llr"].spans]
    assert not measured(tmp_path, TEXT, kind=Times)[1]["text_llr"].spans


class Hurried(Scores):
    """Says when words are spoken: each letter takes a tenth of a second, but those of one word hardly any."""

    hurried, pace = "إلى", 0.1

    def word_times(self, clips, languages, texts):
        found = []
        for text in texts:
            edges, at = [], 0.0
            for word in text.split():
                seconds = 0.1 * (len(word) + 1) * (self.pace if word == self.hurried else 1.0)
                edges.append((at, at + seconds))
                at += seconds
            found.append(edges)
        return found


class Drawn(Hurried):
    pace = 1.0


def test_a_word_that_has_no_time_speaks_for_its_being_missing(tmp_path):
    without = measured(tmp_path, TEXT)[0]["missing_words_llr"]
    hurried, drawn = (measured(tmp_path, TEXT, kind=kind)[0]["missing_words_llr"] for kind in (Hurried, Drawn))
    assert drawn < without < hurried
    assert hurried - without == pytest.approx((1.5**2 - 0.5**2) / (2 * 0.33**2) * 0.75, abs=0.1)
    missing = measured(tmp_path, "ذهب الولد السوق صباحا", TEXT, kind=Hurried)[1]["missing_words_llr"]
    assert "missing: إلى" in missing.detail


class Expecting(Scores):
    """Gives each word -2 nats in the sound that holds it, -12 in another, and -6 where nothing is heard."""

    def log_likelihoods(self, clips, languages, texts):
        return [
            [
                TextScore(one.total, tuple(-2.0 if word in self.true.split() else -12.0 for word in text.split()))
                for text, one in zip(wanted, scores, strict=True)
            ]
            for wanted, scores in zip(texts, super().log_likelihoods(clips, languages, texts), strict=True)
        ]

    def word_priors(self, languages, texts):
        return [tuple(-6.0 for _ in text.split()) for text in texts]


class Wordless(Expecting):
    def word_priors(self, languages, texts):
        return [() for _ in texts]


def test_a_word_for_which_the_sound_says_nothing_speaks_for_its_being_missing(tmp_path):
    other = "ذهب الولد إلى البحر صباحا"
    for true, by in ((other, 1.5), (TEXT, -1.0)):
        plain, told = (measured(tmp_path, true, kind=kind)[0]["missing_words_llr"] for kind in (Wordless, Expecting))
        assert told - plain == pytest.approx(by)


def test_a_word_that_was_misheard_has_the_sound_on_its_side_and_a_replaced_one_has_not(tmp_path):
    other = "ذهب الولد إلى البحر صباحا"
    for true, by in ((other, 1.5), (TEXT, -1.0)):
        plain, told = (measured(tmp_path, true, other, kind=kind)[0] for kind in (Wordless, Expecting))
        assert told["replaced_words_llr"] == max(0.0, plain["text_llr"] + by)
        assert told["text_llr"] == plain["text_llr"]


class Habit(Scores):
    """Holds `believed` for true in the control, whose sounds are a second long, and `true` in the take."""

    believed = TEXT

    def log_likelihoods(self, clips, languages, texts):
        found = []
        for clip, wanted in zip(clips, texts, strict=True):
            true = self.believed if clip.duration_s == 1.0 else self.true
            found.append([TextScore(-3.0 * distance(text, true)) for text in wanted])
        return found


def second(text, language, voices=2):
    return (Audio(np.full(16_000, 0.1, np.float32), 16_000),)


def test_what_the_recogniser_holds_for_likelier_though_the_target_was_surely_said_is_no_fault_of_the_take(tmp_path):
    other = "ذهب الولد إلى البحر صباحا"

    class Misheard(Habit):
        believed = other

    plain, known, habit = (
        measured(tmp_path, other, other, kind=kind, control=control)[0]
        for kind, control in ((Scores, nobody), (Habit, second), (Misheard, second))
    )
    assert plain["text_llr"] == 9
    assert known["text_llr"] == 9 + (9 - 10) / 2
    assert habit["text_llr"] == 0 == max(0, 9 - (9 + 10) / 2)


def test_the_control_is_asked_for_doubtful_texts_only_and_for_none_where_nothing_is_doubtful(tmp_path):
    asked = []

    class Asked(Scores):
        nats = 1.0

        def log_likelihoods(self, clips, languages, texts):
            asked.append([(clip.duration_s == 1.0, len(wanted)) for clip, wanted in zip(clips, texts, strict=True)])
            return [
                [TextScore(self.nats * one.total) for one in scores]
                for scores in super().log_likelihoods(clips, languages, texts)
            ]

    class Sure(Asked):
        nats = 10.0

    measured(tmp_path, TEXT, kind=Asked, control=second)
    ((take, many),), ((control, few),) = asked
    assert (take, control) == (False, True)
    assert 0 < few < many
    asked.clear()
    measured(tmp_path, TEXT, kind=Sure, control=second)
    assert asked == [[(False, many)]]


def test_a_control_that_the_recogniser_does_not_understand_is_not_asked(tmp_path):
    other = "ذهب الولد إلى البحر صباحا"

    class Deaf(Habit):
        def transcribe(self, clips, languages):
            return [
                "شيء آخر تماما" if clip.duration_s == 1.0 else one
                for clip, one in zip(clips, super().transcribe(clips, languages), strict=True)
            ]

    plain, deaf = (
        measured(tmp_path, other, other, kind=kind, control=control)[0]
        for kind, control in ((Scores, nobody), (Deaf, second))
    )
    assert deaf == plain


def test_a_control_that_fails_leaves_the_take_unjudged(tmp_path):
    def broken(text, language, voices=2):
        raise Missing("the control of the recogniser failed: espeak-ng did not run")

    _, found = measured(tmp_path, TEXT, control=broken)
    del found["added_letters"]
    assert {one.why_not for one in found.values()} == {"the control of the recogniser failed: espeak-ng did not run"}


def test_a_letter_or_three_beyond_the_text_are_no_added_word(tmp_path):
    values, _ = measured(tmp_path, "ذهب الولد إلى السوق صباحا معا", "ذهب الولد إلى السوق صباحا معا")
    assert values["text_llr"] > 0 == values["added_words_llr"]


@pytest.mark.parametrize(
    ("heard", "letters", "beyond"),
    [
        ("ذهب الولد إلى السوق صباحا", 0, ""),
        ("ذهب الولد سريعا إلى السوق صباحا", 5, "سريعا"),
        ("ذهب الولد إلى السوق صباحا السوق", 5, "السوق"),
        ("ذهب الولد إلى البيت صباحا", 0, ""),
        ("ذهبا الولد إلىا السوقا صباحا", 1, "ا"),
        ("ذهب الولد إلى", 0, ""),
    ],
)
def test_letters_beyond_the_text_are_counted_where_they_stand_together(tmp_path, heard, letters, beyond):
    values, found = measured(tmp_path, TEXT, heard)
    assert values["added_letters"] == pytest.approx(letters, abs=0.5)
    assert beyond in found["added_letters"].detail


def test_a_recogniser_that_only_writes_is_not_asked(tmp_path):
    voice = write_voice(tmp_path / "voices", "layla", draw("#" * 20), transcript="مرحبا")
    spoken = take(asked=request(TEXT, reference=voice))
    told = Told({20 * 2400: "مرحبا", spoken.audio.samples.size: TEXT})
    (found,) = Measuring(recognizer=told).measure([spoken], NAMES)
    assert [name for name, one in found.items() if one.applicable] == ["added_letters"]


def test_a_recogniser_that_mishears_people_judges_no_words(tmp_path):
    _, found = measured(tmp_path, TEXT, transcript="شيء آخر تماما")
    assert all("understands the voices" in one.why_not for one in found.values())


def test_silence_says_no_word_twice_and_keeps_no_order(tmp_path):
    values, found = measured(tmp_path, "", sound=draw("." * 30))
    assert min(values["text_llr"], values["missing_words_llr"]) > 0
    assert {found[name].why_not for name in ("repeated_words_llr", "word_order_llr")} == {"no speech was found"}


def test_a_loop_is_inconclusive(tmp_path):
    _, found = measured(tmp_path, TEXT, heard="ميجة " * 60)
    assert all(one.why_not.startswith("the recogniser failed: it goes round") for one in found.values())


def gates():
    generic = Gate(name="text_llr", metric="text_llr", unit="nats", why="w", at_most=0)
    arabic = Gate(
        name="text_llr ar", metric="text_llr", unit="nats", why="w", at_most=9, languages=("ar",), recognisers=("abc",)
    )
    return Profile("p", (generic, arabic)), (generic, arabic)


def test_limits_hold_for_the_recogniser_and_the_language_that_they_were_made_for():
    profile, both = gates()
    (mine,) = for_recognisers(both[:1], profile, "ar", {"text_llr": "abc"})
    assert (mine.at_most, mine.advisory) == (9, False)
    for language, weights in (("en", "abc"), ("ar", "another"), ("ar", "")):
        (other,) = for_recognisers(both[:1], profile, language, {"text_llr": weights})
        assert other.advisory
        assert "no gate names this recogniser" in other.why
    assert for_recognisers(both[:1], profile, "ar", {}) == both[:1]


def test_the_second_recogniser_has_the_limits_of_the_first():
    _, both = gates()
    second = replace_metric(both[0])
    (mine,) = for_recognisers([second], Profile("p", (*both, second)), "ar", {"second_text_llr": "abc"})
    assert (mine.metric, mine.at_most) == ("second_text_llr", 9)


def replace_metric(gate):
    import msgspec

    return msgspec.structs.replace(gate, name="second_text_llr", metric="second_text_llr")


def test_an_uncalibrated_recogniser_warns_and_stops_nothing(tmp_path):
    _, found = measured(tmp_path, "شيء آخر تماما", heard="شيء آخر تماما")
    profile = load_profile("documented", "")
    asked = profile.of("short", ["text_llr", "cer_above_floor"])
    weights = dict.fromkeys(["text_llr", "cer_above_floor"], "nobody knows these")
    verdicts = judge(for_recognisers(asked, profile, "ar", weights), found, {})
    assert {verdict.outcome for verdict in verdicts} == {Outcome.WARN}
