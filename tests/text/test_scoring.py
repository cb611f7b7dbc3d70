"""A perfect transcript has no errors, whatever its spelling; and nothing else is perfect."""

import itertools
import random
import unicodedata

import pytest

from harness.corpus import load_corpus, suites_of
from harness.text import scoring, words
from harness.text.scoring import compare

PERFECT = {
    "vocalised against plain": ("هَذَا عِلْمٌ نَعْتَزُّ بِهِ جَمِيعًا.", "هذا علم نعتز به جميعا"),
    "plain against vocalised": ("هذا علم نعتز به", "هَذَا عِلْمٌ نَعْتَزُّ بِهِ"),
    "tanwin after its alef": ("شكرًا جزيلًا", "شكراً جزيلاً"),
    "marks in another order": ("مدرِّسة", "مدر\u0650\u0651سة"),
    "Quranic pause signs": ("ذَٰلِكَ ٱلْكِتَابُ لَا رَيْبَ ۛ فِيهِ", "ذلك الكتاب لا ريب فيه"),
    "dagger alef left out": ("هٰذا الرحمٰن", "هذا الرحمن"),
    "dagger alef as an alef": ("الرحمٰن", "الرحمان"),
    "dagger alef heard": ("لكن هذا", "لٰكن هٰذا"),
    "dagger alef on alef maqsura": ("عَلَىٰ مُوسَىٰ", "على موسى"),
    "dagger alef on waw": ("الصلوٰة", "الصلاة"),
    "alef with hamza above": ("أحمد أكل", "احمد اكل"),
    "alef with hamza below": ("إلى الإسلام", "الى الاسلام"),
    "alef madda": ("القرآن الآن", "القران الان"),
    "alef madda as hamza and alef": ("آمنوا", "ءامنوا"),
    "alef wasla": ("ٱلحمد ٱسم", "الحمد اسم"),
    "hamza on waw or on ya": ("مسؤول", "مسئول"),
    "hamza on waw or on the line": ("رؤوس", "رءوس"),
    "hamza on alef or on ya": ("هيأة", "هيئة"),
    "hamza as a combining mark": ("مسؤول", "مسو\u0654ول"),
    "hamza on a tatweel": ("يسألون", "يسـ\u0654لون"),
    "alef maqsura as ya": ("على مستشفى", "علي مستشفي"),
    "ya as alef maqsura": ("في بيتي", "فى بيتى"),
    "Persian ya and kaf": ("كتابي الكبير", "کتابی الکبیر"),
    "Persian heh": ("هو هنا", "ہو ھنا"),
    "ta marbuta as heh": ("مدرسة كبيرة", "مدرسه كبيره"),
    "tatweel": ("جميـــلًا وطويـــلًا", "جميلا وطويلا"),
    "a tatweel of its own": ("يا ـ سلام", "يا سلام"),
    "isolated presentation forms": ("سلام", "ﺳﻼﻡ"),
    "lam-alef ligatures": ("لا لأن لإن لآن", "ﻻ ﻷن ﻹن ﻵن"),
    "marks in presentation forms": ("كتبٌ", "كتب\ufe72"),
    "shadda ligatures": ("مدرّسة", "مدر\ufc60سة"),
    "the ligature of Allah": ("الله أكبر", "ﷲ أكبر"),
    "right-to-left mark": ("السلام عليكم", "\u200fالسلام\u200f عليكم\u200f"),
    "embedding and isolates": ("السلام عليكم", "\u202bالسلام\u202c \u2067عليكم\u2069"),
    "Arabic letter mark": ("السلام عليكم", "السلام\u061c عليكم"),
    "zero-width joiners": ("كتاب جديد", "كتا\u200dب جد\u200cيد"),
    "zero-width space and byte order mark": ("كتاب جديد", "\ufeffكتاب\u200b جديد"),
    "soft hyphen and word joiner": ("كتاب", "كت\u00adا\u2060ب"),
    "other spaces": ("كتاب جديد", "كتاب\u00a0\u2003جديد\n"),
    "Arabic punctuation": ("ماذا؟ نعم، أكيد؛ طبعا.", "ماذا نعم أكيد طبعا"),
    "Persian and Latin quotation marks": ("قال «نعم» و\u201cلا\u201d", "قال نعم ولا"),
    "Latin punctuation": ("نعم! (حقا)... أكيد: طبعا", "نعم حقا أكيد طبعا"),
    "a hyphen between words": ("شمال-غرب المدينة", "شمال غرب المدينة"),
    "Arabic-Indic digits": ("١٢٥ كتابا", "125 كتابا"),
    "Persian digits": ("۱۲۵ كتابا", "١٢٥ كتابا"),
    "full-width digits": ("１２٥ كتابا", "125 كتابا"),
    "a digit as a masculine word": ("3 كتب", "ثلاثة كتب"),
    "a digit as a feminine word": ("3 قصص", "ثلاث قصص"),
    "a word as a digit": ("ثلاثة كتب", "3 كتب"),
    "number in the nominative": ("جاء 25 رجلا", "جاء خمسة وعشرون رجلا"),
    "number in the genitive": ("مع ٢٥ رجلا", "مع خمسة وعشرين رجلا"),
    "the dual in construct": ("2000 دينار", "ألفا دينار"),
    "hundred with an alef": ("340 كتابا", "ثلاثمائة وأربعون كتابا"),
    "hundred in two words": ("340 كتابا", "ثلاث مئة وأربعين كتابا"),
    "hundred in words on both sides": ("ثلاثمئة كتاب", "ثلاث مائة كتاب"),
    "a year": ("عام 1985", "عام ألف وتسعمئة وخمسة وثمانين"),
    "thousands with separators": ("١٬٢٥٠ دينارا", "ألف ومئتان وخمسون دينارا"),
    "a million": ("2,000,000", "مليونان"),
    "percent": ("الخصم 40%", "الخصم أربعون بالمائة"),
    "Arabic percent sign": ("الخصم ٤٠٪", "الخصم أربعون في المئة"),
    "a decimal": ("3.5 أمتار", "ثلاثة ونصف أمتار"),
    "an Arabic decimal": ("٣٫١٤", "ثلاثة فاصلة أربعة عشر"),
    "a time": ("الساعة 10:30 مساء", "الساعة العاشرة والنصف مساء"),
    "a time before the hour": ("الساعة 9:45", "الساعة العاشرة إلا الربع"),
    "a date": ("يوم 15 يونيو", "يوم الخامس عشر يونيو"),
    "a digit with a proclitic": ("بـ 50 دينارا و25 فلسا", "بخمسين دينارا وخمسة وعشرين فلسا"),
    "a digit with the article": ("الـ12", "الاثني عشر"),
    "a telephone number": ("0551", "صفر خمسة خمسة واحد"),
    "an emoji with a variation selector": ("هذا رائع \u2764\ufe0f", "هذا رائع"),
    "a check mark": ("تم \u2714\ufe0f", "تم"),
    "a variation selector and a keycap of their own": ("نعم \ufe0f \u20e3 طبعا", "نعم طبعا"),
    "a keycap": ("اضغط 5\ufe0f\u20e3", "اضغط خمسة"),
    "a family of emoji": ("العائلة \U0001f468\u200d\U0001f469\u200d\U0001f467 هنا", "العائلة هنا"),
    "a flag of tags": ("العلم \U0001f3f4\U000e0067\U000e0062\U000e007f هنا", "العلم هنا"),
    "fillers and joiners": ("كتاب\u034f جديد\u3164", "كتاب جديد"),
    "a telephone number in full": ("99887766", "تسعة تسعة ثمانية ثمانية سبعة سبعة ستة ستة"),
    "a telephone number in pairs": ("99887766", "تسعة وتسعون ثمانية وثمانون سبعة وسبعون ستة وستون"),
    "a telephone number in groups": ("055-123-4567", "صفر خمسة خمسة واحد اثنان ثلاثة أربعة خمسة ستة سبعة"),
    "an emergency call": ("911", "تسعة واحد واحد"),
    "an hour of the twenty-four": ("الساعة 13:05", "الساعة الواحدة وخمس دقائق"),
    "a time of which the hour is not called one": ("الساعة 13:05", "الواحدة وخمس دقائق"),
    "a vocalised time": ("فِي السَّاعَةِ 13:05 غدا", "في الواحدة وخمس دقائق غدا"),
    "an hour of the twenty-four alone": ("14:00", "الثانية"),
    "minutes before the hour": ("5:55", "السادسة إلا خمس دقائق"),
    "minutes around the half": ("6:25", "السادسة والنصف إلا خمس دقائق"),
    "a decimal digit by digit": ("3.14", "ثلاثة فاصلة واحد أربعة"),
    "groups of three parted by spaces": ("12 500", "اثني عشر ألفا وخمسمئة"),
    "groups of three parted by no-break spaces": ("12\u00a0500", "اثني عشر ألفا وخمسمئة"),
    "groups of three parted by narrow spaces": ("12\u202f500", "اثني عشر ألفا وخمسمئة"),
    "two numbers in a row": ("12 500", "اثنا عشر خمسمئة"),
    "a digit with a preposition and the article": ("للـ100", "للمئة"),
    "an ordinal with the article": ("الـ3", "الثالث"),
    "dollars": ("5$", "خمسة دولارات"),
    "two dollars": ("$2", "دولاران"),
    "dollars and cents": ("5.50$", "خمسة دولارات وخمسون سنتا"),
    "a number below zero": ("\u22125", "سالب خمسة"),
    "a square": ("10²", "عشرة تربيع"),
    "small letters of the Quran": ("لَّهُۥ بِهِۦ", "له به"),
    "a vocative written in one word": ("يَٰٓأَيُّهَا", "يا أيها"),
    "a verse mark": ("ٱلْعَٰلَمِينَ \u06dd٢", "العالمين"),
    "a verse number in ornate brackets": ("ٱلْعَٰلَمِينَ ﴿٢﴾", "العالمين"),
    "an alef that nobody writes": ("هذه لكن ذلك الرحمن", "هاذه لاكن ذالك الرحمان"),
    "an alef that nobody writes, with proclitics": ("وهذا كذلك فلكنه", "وهاذا كذالك فلاكنه"),
    "tanwin whose alef is not written": ("مساءً", "مساءا"),
    "words written together": ("إن شاء الله", "انشاء الله"),
    "a proclitic of its own": ("و كتاب", "وكتاب"),
    "Latin capitals": ("وصلت Maria", "وصلت maria"),
    "Latin ligatures and apostrophes": ("don’t ﬁnd", "don't find"),
}

ENGLISH = {
    "titles": ("Mr. Smith & Dr. Jones", "mister smith and doctor jones"),
    "a year": ("in 1985 and 1905", "in nineteen eighty five and nineteen oh five"),
    "a round year": ("in 1900 and 2000", "in nineteen hundred and two thousand"),
    "an emergency call": ("911", "nine one one"),
    "an emergency call in pairs": ("911", "nine eleven"),
    "a telephone number": ("555-1234", "five five five one two three four"),
    "a decimal": ("3.14", "three point one four"),
    "dollars and cents": ("$5.50", "five dollars and fifty cents"),
    "a price": ("$5.50", "five fifty"),
    "a time to the hour": ("5:55", "five to six"),
    "a time": ("5:55", "five fifty five"),
    "a full hour": ("14:00", "two o'clock"),
    "an hour of the twenty-four": ("13:05", "one oh five p.m."),
    "ordinals": ("1st, 22nd, 103rd", "first twenty second one hundred and third"),
    "groups of three": ("12,500 or 12 500", "twelve thousand five hundred or twelve thousand five hundred"),
    "percent": ("40%", "forty per cent"),
    "a hundred": ("120", "a hundred and twenty"),
    "a compound number": ("twenty-five", "25"),
    "British spelling": ("the colour of the centre", "the color of the center"),
    "et cetera": ("2 cats etc.", "two cats et cetera"),
    "one word or two": ("goodnight, everyone", "good night every one"),
    "a square": ("10²", "ten squared"),
}

ENGLISH_NEAR_MISSES = [
    ("1985", "nineteen ninety five"), ("5:55", "five to five"), ("911", "nine one two"), ("$5.50", "five dollars"),
    ("3.14", "three point four one"), ("22nd", "twenty two"), ("40%", "forty"), ("13:05", "thirteen fifty"),
    ("do not open", "do open"), ("12 cats", "12 hats"), ("four", "for"), ("Dr. Jones", "mister jones"), ("15", "fifty"),
    ("10²", "ten"), ("120", "a hundred and twelve"), ("555-1234", "five five five one two three"),
]  # fmt: skip

# Each pair sounds different or is another word; none of it is a matter of spelling.
NEAR_MISSES = [
    ("ماء", "ما"), ("سماء", "سما"), ("قراءات", "قرت"), ("قراءات", "قرات"), ("سؤال", "سوال"), ("بئر", "بير"),
    ("نائم", "نايم"), ("شيء", "شي"), ("دفء", "دف"), ("علم", "عالم"), ("كتب", "كتاب"), ("كتاب", "كاتب"),
    ("قلب", "كلب"), ("صيف", "سيف"), ("ضرب", "درب"), ("طين", "تين"), ("حرم", "هرم"), ("عين", "أين"),
    ("ثورة", "سورة"), ("ذل", "زل"), ("ظل", "ضل"), ("غنى", "عنى"), ("مدرسة", "مدرس"), ("مدرسة", "مدرست"),
    ("موسى", "موسا"), ("ثلاثة كتب", "ثلاث كتب"), ("12 كتابا", "13 كتابا"), ("12", "21"), ("100", "1000"),
    ("3 كتب", "الثالث كتب"), ("40%", "40"), ("خمسة عشر", "خمسة وعشرون"), ("10:30", "10:15"), ("3.5", "35"),
    ("لا تذهب", "تذهب"), ("911", "تسعة واحد اثنان"), ("13:05", "الثالثة وخمس دقائق"), ("5:55", "الخامسة إلا خمس دقائق"),
    ("3.14", "ثلاثة فاصلة أربعة واحد"), ("12 500", "اثنا عشر خمسون"), ("الـ3", "الرابع"), ("$2", "دولار"),
    ("-5", "خمسة"), ("10²", "عشرة"), ("5\ufe0f\u20e3", "ستة"), ("لكن", "لكان"), ("مساء", "مسا"), ("الرحمن", "الرحيم"),
    ("لا، لا، لا، لا", "لا لا لا"),
    ("رحمن", "رحمان"),
    ("الساعة 13:05", "الساعة وخمس دقائق"), ("الساعة 13:05", "الساعة"), ("مرت الساعة", "مرت"),
    ("الساعة الواحدة", "الواحدة"), ("الساعة 10:30", "العاشرة والنصف"),
    ("الصلوٰة", "الصلة"), ("عليا", "علىٰ"), ("ورقات", "ورقة"), ("إن", "لن"), ("رأى", "رعى"), ("جمال", "جمل"),
]  # fmt: skip

STRICT_NEAR_MISSES = [("عِلْم", "عَلَم"), ("عَلِمَ", "عَلَّمَ"), ("دَرَسَ", "دَرَّسَ"), ("كَتَبَ", "كُتِبَ"), ("حُبّ", "حَبّ"), ("كتابٌ", "كتابٍ")]
STRICT_PERFECT = [("عِلْمٌ", "عِلمٌ"), ("كِتَابًا", "كِتاباً"), ("مُدَرِّسَة", "مُدَر\u0651\u0650سَة"), ("عَلَى", "عَلى"), ("قُرْآن", "قُرآن")]


@pytest.mark.parametrize("name", PERFECT)
def test_a_perfect_transcript_has_no_errors(name):
    target, heard = PERFECT[name]
    for one, other in ((target, heard), (heard, target)):
        found = compare(one, other)
        assert (found.words.errors, found.letters.errors) == (0, 0), (one, other)


@pytest.mark.parametrize("name", ENGLISH)
def test_a_perfect_english_transcript_has_no_errors(name):
    target, heard = ENGLISH[name]
    for one, other in ((target, heard), (heard, target)):
        found = compare(one, other, "en")
        assert (found.words.errors, found.letters.errors) == (0, 0), (one, other)


@pytest.mark.parametrize(("target", "heard"), ENGLISH_NEAR_MISSES, ids="/".join)
def test_an_english_near_miss_is_an_error(target, heard):
    assert compare(target, heard, "en").words.errors > 0
    assert compare(heard, target, "en").words.errors > 0


def test_there_are_enough_perfect_rows():
    assert len(PERFECT) >= 40


@pytest.mark.parametrize(("target", "heard"), NEAR_MISSES, ids="/".join)
def test_a_near_miss_is_an_error(target, heard):
    assert compare(target, heard).words.errors > 0
    assert compare(heard, target).words.errors > 0


def test_there_are_enough_near_misses():
    assert len(NEAR_MISSES) >= 30


@pytest.mark.parametrize(("target", "heard"), STRICT_NEAR_MISSES, ids="/".join)
def test_only_strict_scoring_hears_the_marks(target, heard):
    assert compare(target, heard).words.errors == 0
    assert compare(target, heard, strict=True).words.errors == 1
    assert compare(target, heard, strict=True).letters.errors > 0


@pytest.mark.parametrize(("target", "heard"), STRICT_PERFECT, ids="/".join)
def test_strict_scoring_forgives_marks_that_say_nothing(target, heard):
    assert compare(target, heard, strict=True).letters.errors == 0


def every_text():
    return [utterance.text for suite in suites_of() for utterance in load_corpus(suite)]


@pytest.mark.parametrize("text", every_text(), ids=lambda text: text[:20])
def test_every_text_of_the_corpus_is_its_own_perfect_transcript(text):
    assert compare(text, text).words.errors == 0
    assert compare(text, text, strict=True).letters.errors == 0
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn")
    if "ئ" not in text and "ؤ" not in text:  # NFKD takes their hamza, which is a sound
        assert compare(text, bare).words.errors == 0


def wrong_sentences(how_many):
    """Sentences of the corpus with one change that is heard: a word gone, doubled, swapped, or a letter changed."""
    chance = random.Random(5)
    texts = [text for text in every_text() if len(words(text)) > 3]
    vocabulary = sorted({word for text in texts for word in words(text) if word.isalpha()})
    sounds = "بتجدرسصطعفقكلمن"
    for number, text in zip(range(how_many), itertools.cycle(texts), strict=False):
        spoken, place = words(text), chance.randrange(len(words(text)))
        word = spoken[place]
        if number % 5 == 0:
            del spoken[place]
        elif number % 5 == 1:
            spoken.insert(place, word)
        elif number % 5 == 2:
            spoken[place] = chance.choice([other for other in vocabulary if not scoring.same_word(other, word)])
        elif number % 5 == 3:
            places = [n for n, letter in enumerate(word) if letter in sounds]
            at = chance.choice(places or [0])
            spoken[place] = word[:at] + chance.choice([s for s in sounds if s != word[at]]) + word[at + 1 :]
        else:
            spoken.insert(place, chance.choice(vocabulary))
        yield text, " ".join(spoken)


def test_no_wrong_sentence_is_perfect():
    wrong = list(wrong_sentences(1000))
    assert len(set(wrong)) > 900
    for target, heard in wrong:
        one, two = scoring.slots(target), scoring.slots(heard)
        assert scoring.align(one, two, scoring.same_word).errors > 0, (target, heard)


def test_no_wrong_sentence_has_all_its_letters():
    for target, heard in list(wrong_sentences(1000))[::20]:
        assert compare(target, heard).letters.errors > 0, (target, heard)


def test_an_empty_transcript_has_every_word_wrong():
    assert compare("هذا كتاب جديد", "").words.rate == 1.0
    assert compare("هذا كتاب جديد", "").letters.deletions == 11


def test_letters_do_not_count_spaces():
    assert compare("و كتاب", "وكتاب").letters.errors == 0


def test_another_language_keeps_its_digits():
    assert compare("I have 12 cats", "I have 12 cats!", language="en").words.errors == 0
    assert compare("I have 12 cats", "I have 13 cats", language="en").words.errors == 1


def test_text_without_spaces_is_scored_sign_by_sign():
    assert compare("你好世界", "你好世间", language="zh").words.rate == 0.25
