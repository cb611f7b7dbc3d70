"""How far sound speech reaches towards the limits, by halves."""

from types import SimpleNamespace

from harness.decision.rates import Rate
from harness.lab import limit_calibration
from harness.lab.limit_calibration import Reach
from harness.records.gate import Gate, Outcome, Step, Verdict


def test_a_half_is_counted_by_the_reach_of_the_other():
    reach = Reach(10.0, True, ([1.0, 5.0], [2.0, 11.0, 6.0]))
    assert reach.reached == (5.0, 11.0)
    assert reach.crossed == Rate(2, 5)  # 11 and 6 lie beyond 5
    assert reach.rejected == Rate(1, 5)


def test_a_lower_limit_is_reached_from_above():
    reach = Reach(0.5, False, ([1.0, 0.7], [0.8]))
    assert reach.reached == (0.7, 0.8)
    assert (reach.crossed, reach.rejected) == (Rate(1, 3), Rate(0, 3))


def test_nothing_is_counted_where_a_half_is_empty():
    reach = Reach(0.5, False, ([1.0, 0.7], []))
    assert (reach.reached, reach.crossed) == ((0.7,), Rate(0, 0))


def test_each_step_and_language_has_its_line(monkeypatch):
    steps = (Step(at_most=16.0), Step(speech_s=4.0, at_most=12.0))
    gate = Gate("level", "level_range", "dB", "w", steps=steps, false_reject=0.0)
    other = Gate("nothing", "seams", "1/s", "w", at_most=1.0, false_reject=0.0)

    def spoken(number, language):
        take = SimpleNamespace(request=SimpleNamespace(utterance=SimpleNamespace(language=language)))
        return SimpleNamespace(take=take, source="a", speaker=str(number))

    def verdict(value, speech_s, outcome=Outcome.PASS):
        return [Verdict(outcome, gate.for_amounts({"speech_s": speech_s}), SimpleNamespace(value=value))]

    takes = [spoken(number, language) for number, language in enumerate(("ar", "ar", "en", "ar"))]
    judged = [verdict(13.0, 3), verdict(17.0, 2), verdict(9.0, 5), verdict(99.0, 5, Outcome.REFUSED)]
    monkeypatch.setattr(limit_calibration.beds, "bed_of", lambda one: "people")
    told = list(limit_calibration.lines(SimpleNamespace(gates=(gate, other)), takes, judged))
    assert told[0] == "level (dB)"
    assert told[1].startswith("  at most 12 from 4 s of speech, en, people: halves reach 9; rejected 0 of 1 = 0.0%")
    assert told[2].startswith("  at most 16, ar, people: halves reach 13 and 17; beyond the other half 1 of 2 = 50.0%")
    assert told[2].partition("rejected ")[2].startswith("1 of 2 = 50.0%")
    assert len(told) == 3
