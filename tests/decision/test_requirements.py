"""What a run must have been judged by before it may pass."""

import pytest

from harness.decision import requirements
from harness.decision.requirements import unmet
from harness.errors import GateError
from harness.metrics import known_metrics
from harness.records.gate import Gate, Outcome, Verdict
from harness.records.take_record import TakeRecord
from harness.take import Provenance

HEARD = {"recognizer": "whisper 2bd9"}


def judged(outcome=Outcome.PASS, metric="cer_above_floor", audio="a" * 64, **limits):
    """A take with one verdict on its words."""
    gate = Gate(metric, metric, "ratio", "heard", at_most=0.1, recognisers=("2bd9",), **limits)
    return TakeRecord(
        suite="short",
        utterance="short-001",
        seed=0,
        text="نص",
        language="ar",
        reference="layla",
        speaker="layla",
        digest="d",
        stopped_by="eos",
        max_frames=9,
        audio=audio,
        provenance=Provenance("b", "m", "r"),
        verdicts=(Verdict(outcome, gate, known_metrics()[metric].measured(0.0)),),
    )


def test_nothing_required_is_never_missing():
    assert unmet((), "1 of 70 takes", {}, []) == ()


@pytest.mark.parametrize(
    ("required", "says"),
    [
        ("whole", "whole: judged were 1 of 70 takes: name no part of the suites, deselect no test"),
        ("words", "words: no recogniser was given: give --asr FOLDER_OR_HUB_ID"),
        ("second_words", "second_words: no recogniser was given: give --asr-2 FOLDER_OR_HUB_ID"),
        ("predictor", "predictor: it was not given: give --speech-quality"),
    ],
)
def test_what_is_missing_is_one_line_that_says_what_to_give(required, says):
    assert unmet([required], "1 of 70 takes", {}, [judged()]) == (says,)


def test_what_is_there_is_not_missing():
    instruments = {**HEARD, "predictor": "distillmos"}
    assert unmet(["whole", "words", "recognizer", "predictor"], "", instruments, [judged()]) == ()
    failed = judged(Outcome.FAIL)
    assert unmet(["words"], "", HEARD, [judged(), failed, judged(audio="")]) == ()


@pytest.mark.parametrize(
    "take",
    [judged(Outcome.REFUSED), judged(Outcome.WARN), judged(advisory=True), judged(metric="second_cer_above_floor")],
    ids=["refused", "warned", "advisory", "by the other recogniser"],
)
def test_words_that_nothing_can_stop_a_release_for_were_not_judged(take):
    (line,) = unmet(["words"], "", HEARD, [judged(), take])
    assert "judged the words of 1 of 2 takes (ar), the first short-001, seed 0: give a recogniser (--asr)" in line


def test_a_file_requires_what_it_says_and_what_it_extends(tmp_path):
    base, mine = tmp_path / "base.toml", tmp_path / "mine.toml"
    base.write_text('[policy]\nrequire = ["words"]\n')
    mine.write_text('extends = "base.toml"\n[policy]\nrequire = ["whole", "words"]\n')
    assert requirements.load(mine, ["predictor", "whole"]) == ("words", "whole", "predictor")
    assert requirements.load() == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('[policy]\nrequire = ["beauty"]', r"\[policy\]: 'beauty' cannot be required; whole, words, "),
        ('[policy]\nrequires = ["words"]', "field 'requires' is unknown"),
        ('[policy]\nrequire = "words"', "field 'require' is 'words'; a list is needed"),
    ],
)
def test_a_requirement_that_there_is_not_is_refused(tmp_path, content, says):
    (tmp_path / "gates.toml").write_text(content)
    with pytest.raises(GateError, match=says):
        requirements.load(tmp_path / "gates.toml")
