from pathlib import Path

import msgspec

from harness.records import schema
from harness.records.gate import Gate, Outcome, Verdict
from harness.records.measurement import Metric
from harness.records.take_record import TakeKey, TakeRecord
from tests.synthetic import reference, request, take

CER = Metric("cer", "ratio", "lower")


def test_a_take_is_kept_whole():
    measured = msgspec.structs.replace(CER.measured(0.5), heard="نص")
    failed = Verdict(Outcome.FAIL, Gate("cer", "cer", "ratio", "why", at_most=0.1), measured)
    out = Path("out")
    record = TakeRecord.of(take(), {"cer": measured}, [failed], out / "takes" / "a.wav", out)
    assert schema.decode(schema.encode(record), TakeRecord, "it", "run again") == record
    assert record.key == TakeKey("short", "short-001", 0)
    assert (record.listen, record.reference_audio) == ("takes/a.wav", "takes/a_ref.wav")
    assert record.against == (failed,)
    assert record.heard == "نص"


def test_the_same_id_in_another_suite_is_another_take():
    assert TakeKey("short", "a-1", 0) != TakeKey("medium", "a-1", 0)
    assert str(TakeKey("short", "a-1", 3)) == "a-1, seed 3"
    assert schema.encode(TakeKey("short", "a-1", 3)) == b'["short","a-1",3]'


def test_a_reference_that_could_not_serve_is_said_and_not_played():
    broken = request(reference=reference(problem="is no sound file"))
    record = TakeRecord.of(take(asked=broken), {}, [], None, Path())
    assert (record.unconditioned, record.reference_audio, record.listen) == ("is no sound file", "", "")
