import msgspec
import pytest

from harness.errors import RecordError
from harness.records.gate import Gate, Outcome, Verdict
from harness.records.measurement import Metric
from harness.records.packed import Glossary, PackedTake
from harness.records.schema import decode, encode
from harness.records.take_record import TakeRecord, together
from tests.synthetic import take

CER = Metric("cer", "ratio", "lower")
LOUD = Metric("speech_level", "dBFS", "higher")
GATE = Gate("cer", "cer", "ratio", "why", at_most=0.1)
LEVEL = Gate("speech_level", "speech_level", "dBFS", "why", at_least=-40)


def record(measured, verdicts):
    return TakeRecord.of(take(), measured, verdicts, None, take().request.reference.path.parent)


@pytest.mark.parametrize(
    "measured",
    [
        CER.measured(0.5, "said", ((0.1, 0.2),), letters=3.0),
        CER.missing("it was too loud"),
        CER.not_applicable("no recogniser was given"),
        msgspec.structs.replace(CER.not_applicable("no recogniser"), detail="more"),
        msgspec.structs.replace(CER.measured(0.0), heard="نص"),
    ],
)
@pytest.mark.parametrize("reason", [None, "", "for another language"])
def test_a_take_comes_back_as_it_was(measured, reason):
    glossary = Glossary()
    found = {"cer": measured, "speech_level": LOUD.measured(-20.0)}
    verdicts = [
        Verdict(Outcome.REFUSED, GATE, measured, measured.why_not if reason is None else reason),
        Verdict(Outcome.PASS, LEVEL, found["speech_level"]),
    ]
    kept = record(found, verdicts)
    packed = decode(encode(glossary.pack(kept)), PackedTake, "it", "again")
    reader = Glossary()
    reader.learn(glossary.untold())
    again = reader.unpack(packed)
    assert encode(again) == encode(kept)
    assert glossary.untold().is_empty


def test_a_verdict_on_another_number_than_the_take_s_own_keeps_it():
    glossary = Glossary()
    kept = record({}, [Verdict(Outcome.FAIL, GATE, CER.measured(0.7))])
    assert glossary.unpack(glossary.pack(kept)) == kept


def test_one_gate_with_two_limits_is_two_names_and_the_worse_answer_stands():
    glossary = Glossary()
    wide = msgspec.structs.replace(GATE, at_most=0.6)
    one, other = (
        record({"cer": CER.measured(0.5)}, [Verdict(outcome, gate, CER.measured(0.5))])
        for outcome, gate in ((Outcome.PASS, wide), (Outcome.FAIL, GATE))
    )
    packed = [glossary.pack(one), glossary.pack(other)]
    assert len(glossary.names.gates) == 2
    found = together(*map(glossary.unpack, packed))
    assert [(verdict.outcome, verdict.gate.at_most) for verdict in found.verdicts] == [(Outcome.FAIL, 0.1)]


def test_a_take_that_does_not_answer_each_of_its_gates_is_refused():
    glossary = Glossary()
    packed = glossary.pack(record({"cer": CER.measured(0.5)}, [Verdict(Outcome.FAIL, GATE, CER.measured(0.5))]))
    for verdicts in ("", "FF"):
        with pytest.raises(RecordError, match="does not answer each of its gates"):
            glossary.unpack(msgspec.structs.replace(packed, verdicts=verdicts))
    with pytest.raises(RecordError, match="uses the name 'X'"):
        glossary.unpack(msgspec.structs.replace(packed, verdicts="X"))


def test_a_name_that_nobody_told_or_that_stands_for_two_things_is_refused():
    glossary = Glossary()
    packed = glossary.pack(record({"cer": CER.measured(0.5)}, []))
    with pytest.raises(RecordError, match="stands for nothing"):
        Glossary().unpack(packed)
    other = msgspec.structs.replace(glossary.names, metrics={"cer": msgspec.structs.replace(CER, version=2)})
    with pytest.raises(RecordError, match="'cer' stands for two things"):
        glossary.learn(other)


def test_what_no_take_could_be_measured_by_is_told_once():
    glossary = Glossary()
    lacking, short = CER.not_applicable("no recogniser was given"), LOUD.not_applicable("0.4 s are too short")
    packed = [glossary.pack(record({"cer": lacking, "speech_level": short}, [])) for _ in range(2)]
    assert [list(one.not_applicable) for one in packed] == [["0.4 s are too short"]] * 2
    assert glossary.names.lacks == {packed[0].lacks: {"no recogniser was given": ("cer",)}}
    assert glossary.unpack(packed[1]).measurements["cer"].why_not == "no recogniser was given"
