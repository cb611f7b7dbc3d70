from harness.cloning.budget import BudgetConfig, chunks
from harness.decision.feasibility import feasibility_map, infeasible
from harness.decision.gates import load_profile
from harness.records.gate import Gate, Step
from tests.synthetic import utterance

SIMILAR = Gate(
    "similar",
    "speaker_similarity",
    "cosine",
    "because",
    steps=(Step(speech_s=2.0, at_least=0.70), Step(speech_s=4.0, at_least=0.75)),
)


def refusals(n_words, by_sentence=False, profile="documented"):
    text = " ".join("كلمة." if number % 10 == 9 else "كلمة" for number in range(n_words))
    config = BudgetConfig()
    gates = load_profile(profile, "").gates
    return infeasible(utterance(text), chunks(text, config, by_sentence), gates, config)


def test_the_arithmetic_of_one_word_is_spelt_out():
    assert refusals(1) == {
        "duration_ratio": "1 word(s) read in 0.40 s must last 0.48 to 0.80 s (1.2 to 2 x), "
        "but length asks for at least 1 s"
    }


def test_the_arithmetic_of_the_cap_is_spelt_out_with_the_way_out():
    refused = refusals(50)
    assert refused.keys() == {"duration_ratio"}  # whether a take was cut is known when it is there
    said = "600 frames + 9 to close, but the budget is 512 frames; --chunks sentence, or by_sentence in its corpus row"
    assert said in refused["duration_ratio"]


def test_under_the_calibrated_limits_one_word_can_be_judged():
    assert refusals(1, profile="calibrated") == {}


def test_a_profile_without_a_band_refuses_nothing():
    assert infeasible(utterance("كلمة"), (), [SIMILAR], BudgetConfig()) == {}


def test_the_map_of_what_can_be_judged_has_no_holes():
    assert feasibility_map() == [
        "1 word: not duration_ratio",
        "2 to 41 words: every gate",
        "42 to 62 words: not duration_ratio",
        "63 words and more: not duration_ratio, length",
    ]
