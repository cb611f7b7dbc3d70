"""One cause, one line: what fails together stands together, with its count, its places and its worst take."""

from msgspec import structs

from harness.records.comparison import Change, Comparison, NotCompared, Stratum
from harness.records.gate import Gate, Outcome, Verdict
from harness.records.measurement import Metric
from harness.records.run_record import About, NotJudged, RunRecord
from harness.records.take_record import TakeKey, TakeRecord
from harness.report.causes import causes
from harness.take import Provenance, Sampling, Stop

METRIC = Metric("speaker_similarity", "cosine", "higher")
SIMILARITY = Gate("speaker_similarity", "speaker_similarity", "cosine", "another voice", at_least=0.74)
NEAREST = Gate("nearest_reference", "speaker_similarity", "cosine", "a stranger", at_least=0.0)


def take(number, *verdicts, suite="short", speaker="layla"):
    return TakeRecord(
        suite=suite,
        utterance=f"{suite}-{number:03d}",
        seed=0,
        text="نص",
        language="ar",
        reference=speaker,
        speaker=speaker,
        digest=f"{number}",
        stopped_by=Stop.EOS,
        max_frames=90,
        sampling=Sampling(),
        provenance=Provenance("drawn", "drawn", "r1"),
        verdicts=verdicts,
    )


def verdict(gate, value, outcome=Outcome.FAIL):
    return Verdict(outcome, gate, METRIC.measured(value))


def unknown(gate, why):
    return Verdict(Outcome.INCONCLUSIVE, gate, METRIC.missing(why), why)


def run(*takes, **more):
    record = RunRecord(
        verdict=Outcome.FAIL, exit_code=1, about=About(), planned=len(takes), judged=len(takes), takes=takes
    )
    return structs.replace(record, **more)


def compared(metric, outcome, stratum, change=-0.05):
    return Comparison(
        outcome=outcome,
        stratum=stratum,
        metric=metric,
        question="mean",
        unit="cosine",
        change=change,
        confidence=0.9,
        margin=0.03,
        at_least=-0.03,
        lost_from=0.1,
        p_value=0.001,
        utterances=18,
        changed_most=(Change("short-002", -0.2),),
        why="heard",
    )


def test_forty_four_takes_of_one_cause_are_one_line_with_forty_four_behind_it():
    bad = [take(n, verdict(SIMILARITY, 0.1 + n / 100), verdict(NEAREST, -0.2)) for n in range(1, 45)]
    good = [take(n, verdict(SIMILARITY, 0.8, Outcome.PASS), speaker="omar") for n in range(45, 60)]
    (one,) = causes(run(*bad, *good))
    assert (one.count, len(one.takes)) == ("44 takes", 44)
    assert set(one.title.split(", ")) == {"speaker_similarity", "nearest_reference"}
    assert one.where == "voice layla 44 of 44"
    assert one.hear is one.takes[0]
    assert one.hear.utterance == "short-001"


def test_what_was_measured_is_told_from_the_least_to_the_most_with_its_limit():
    (one,) = causes(run(take(1, verdict(SIMILARITY, 0.12)), take(2, verdict(SIMILARITY, 0.44)), take(3)))
    assert one.observed == "0.12 to 0.44, limit >= 0.74 cosine"
    assert one.why == "another voice"


def test_places_are_told_by_voice_and_suite_where_there_are_several():
    takes = [take(1, verdict(SIMILARITY, 0.1)), take(2), take(3, suite="medium", speaker="omar")]
    assert causes(run(*takes))[0].where == "voice layla 1 of 2; suite short 1 of 2"
    assert causes(run(*(take(n, verdict(SIMILARITY, 0.1)) for n in (1, 2))))[0].where == "every take"


def test_fail_stands_before_inconclusive_and_reasons_that_differ_in_numbers_are_one():
    takes = [take(n, unknown(SIMILARITY, f"{n}.5 s of speech")) for n in range(1, 6)]
    takes.append(take(9, verdict(NEAREST, -0.1)))
    found = causes(run(*takes))
    assert [(one.outcome, one.count) for one in found] == [(Outcome.FAIL, "1 take"), (Outcome.INCONCLUSIVE, "5 takes")]


def test_other_reasons_of_one_gate_are_other_causes():
    takes = [take(1, unknown(SIMILARITY, "no recogniser")), take(2, unknown(SIMILARITY, "the metric raised"))]
    assert len(causes(run(*takes))) == 2


def test_comparisons_of_one_metric_are_one_cause_in_all_their_places():
    strata = [Stratum("suite", "short"), Stratum("suite", "medium"), Stratum("voice", "layla"), Stratum("all")]
    asked = tuple(compared("speaker_similarity", Outcome.INCONCLUSIVE, stratum) for stratum in strata)
    failed = compared("cer", Outcome.FAIL, Stratum("suite", "short"))
    found = causes(run(take(2), comparisons=(*asked, failed)))
    assert [one.outcome for one in found] == [Outcome.FAIL, Outcome.INCONCLUSIVE]
    assert found[1].where == "suite short, suite medium, voice layla and 1 more"
    assert found[1].hear.utterance == "short-002"
    assert not found[1].takes


def test_a_killed_run_says_once_that_its_tests_did_not_run():
    missing = tuple(
        NotJudged(
            TakeKey("short", f"short-{n:03d}", 0), f"suites/test_short.py::test_it[short-{n:03d}]: it did not run"
        )
        for n in range(18)
    )
    (one,) = causes(run(not_judged=missing))
    assert one.title == "18 takes not judged"
    assert one.observed == "it did not run"
    assert one.where.endswith("and 15 more")


def test_what_could_not_be_compared_and_tests_that_failed_otherwise_are_causes():
    other = NotCompared(Outcome.INCONCLUSIVE, Stratum("suite", "short"), "another encoder")
    found = causes(run(not_compared=(other,), failed_otherwise={"t": "AssertionError"}))
    assert [one.title for one in found] == ["t", "not compared with the accepted release"]


def test_a_pass_has_no_causes():
    assert causes(run(take(1, verdict(SIMILARITY, 0.9, Outcome.PASS)))) == []
