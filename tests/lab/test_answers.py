from harness.decision.rates import Rate
from harness.lab.answers import Bed, Clean, Table
from harness.records.gate import Outcome

PASS, FAIL, WARN, REFUSED = Outcome.PASS, Outcome.FAIL, Outcome.WARN, Outcome.REFUSED


def answers(**outcomes):
    return {"documented": outcomes, "calibrated": outcomes}


def clean(answer, source="a", first=True):
    return Clean(source, first, 7.0, answer)


def test_an_advisory_gate_is_counted_but_is_no_alarm():
    judged = [answers(a=PASS, b=WARN), answers(a=FAIL, b=PASS), answers(a=REFUSED, b=PASS)]
    bed = Bed([clean(one) for one in judged], {})
    assert bed.false_alarms("documented") == {"any": Rate(1, 3), "a": Rate(1, 2), "b": Rate(1, 3)}


def test_false_alarms_are_counted_by_source_and_by_half():
    bed = Bed([clean(answers(a=FAIL)), clean(answers(a=PASS), first=False), clean(answers(a=PASS), "b")], {})
    by_source = bed.by_source("documented")
    assert by_source["a"] == {"all": Rate(1, 2), "first half": Rate(1, 1), "second half": Rate(0, 1)}
    assert by_source["b"]["all"] == Rate(0, 1)


def test_a_defect_is_found_only_where_the_take_was_sound_before():
    pairs = [(answers(a=PASS), answers(a=FAIL)), (answers(a=FAIL), answers(a=FAIL)), (answers(a=PASS), answers(a=PASS))]
    bed = Bed([], {("hum", "loud"): pairs})
    assert bed.detections("documented")["hum"]["loud"] == {"any": Rate(1, 2), "a": Rate(1, 2)}


def words(alarms):
    return {"documented": alarms, "calibrated": alarms}


def test_what_no_gate_finds_may_be_heard_and_what_is_misheard_before_is_not_counted():
    quiet, loud = answers(a=PASS), answers(a=FAIL)
    pairs = [(quiet, quiet), (quiet, quiet), (quiet, loud), (quiet, quiet), (loud, loud)]
    heard = [
        (words(False), words(True)),
        (words(False), words(False)),
        (words(False), {}),  # found without a recogniser, which is not asked
        (words(True), words(True)),  # misheard before
        ({}, {}),
    ]
    bed = Bed([], {("lost", "1 word"): pairs}, {("lost", "1 word"): heard}, [before for before, _ in heard])
    assert bed.detections("calibrated")["lost"]["1 word"]["any"] == Rate(1, 4)
    assert bed.heard_detections("calibrated") == {"lost": {"1 word": Rate(2, 3)}}
    kept = bed.record()
    assert (kept.heard_false_alarms.count, kept.heard_false_alarms.of) == (1, 4)
    assert kept.profiles["calibrated"].heard["lost"]["1 word"].count == 2


def test_a_table_without_a_recogniser_says_nothing_of_one():
    kept = Table({"people": Bed([clean(answers(a=PASS))], {})}).record()
    assert kept.recogniser == ""
    assert kept.beds["people"].heard_false_alarms is None
    assert kept.beds["people"].profiles["calibrated"].heard == {}
