import math
from dataclasses import replace

import pytest
from msgspec import structs

from harness import shipped
from harness.decision.gates import Profile, judge, load_profile, release
from harness.decision.policy import load_policy
from harness.errors import GateError, UsageError
from harness.metrics import duration, known_metrics
from harness.metrics.duration import duration_ratio
from harness.metrics.silence import silence_ratio
from harness.metrics.speaker import speaker_similarity
from harness.records.gate import Gate, Outcome, Step

BAND = Gate("duration_ratio", "duration_ratio", "ratio", "because", at_least=1.2, at_most=2.0)
SIMILAR = Gate(
    "similar",
    "speaker_similarity",
    "cosine",
    "because",
    steps=(Step(speech_s=2.0, at_least=0.70), Step(speech_s=4.0, at_least=0.75)),
)


def outcome(gate, *measurements, refused=None):
    (verdict,) = judge([gate], {found.metric.name: found for found in measurements}, refused or {})
    return verdict.outcome


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (1.2, "PASS"),
        (2.0, "PASS"),
        (1.199, "FAIL"),
        (2.001, "FAIL"),
        (math.nan, "FAIL"),
        (math.inf, "FAIL"),
        (-math.inf, "FAIL"),
    ],
)
def test_a_number_passes_only_when_it_is_shown_inside(value, answer):
    assert outcome(BAND, duration_ratio.metric.measured(value)) == answer


def test_what_could_not_be_measured_is_inconclusive():
    assert outcome(BAND, duration_ratio.metric.missing("no audio")) == Outcome.INCONCLUSIVE


def test_what_was_not_measured_is_inconclusive():
    assert outcome(BAND) == Outcome.INCONCLUSIVE


def test_what_does_not_arise_is_refused_and_never_passed():
    gate = Gate("finished", "finished", "yes", "because", at_least=1)
    assert outcome(gate, duration.finished.metric.not_applicable("cannot tell")) == Outcome.REFUSED


def test_what_no_speech_could_pass_is_refused_with_the_arithmetic():
    (verdict,) = judge([BAND], {"duration_ratio": duration_ratio.metric.measured(9)}, {"duration_ratio": "1 word"})
    assert (verdict.outcome, verdict.reason) == (Outcome.REFUSED, "1 word")


@pytest.mark.parametrize(
    ("speech_s", "value", "answer"),
    [(1.9, 0.1, "REFUSED"), (2.0, 0.70, "PASS"), (3.9, 0.69, "FAIL"), (4.0, 0.70, "FAIL"), (9.0, 0.75, "PASS")],
)
def test_a_limit_may_depend_on_how_much_speech_there_is(speech_s, value, answer):
    pauses = silence_ratio.metric.measured(0.5, silent_s=3.0, total_s=3.0 + speech_s)
    assert outcome(SIMILAR, pauses, speaker_similarity.metric.measured(value)) == answer


def test_a_gate_does_not_judge_what_it_is_not_for():
    with pytest.raises(GateError, match="cannot judge"):
        judge([BAND], {"duration_ratio": silence_ratio.metric.measured(0.1)}, {})


def test_a_verdict_reads_in_one_line():
    (verdict,) = judge([BAND], {"duration_ratio": duration_ratio.metric.measured(3.21, "slow")}, {})
    assert (str(verdict.gate), verdict.observed) == ("duration_ratio 1.2 to 2 ratio", "3.21 ratio; slow")
    assert str(SIMILAR) == "similar >= 0.7 from 2 s of speech, >= 0.75 from 4 s of speech (cosine)"
    assert str(Gate("x", "x", "s", "w", at_most=3)) == "x <= 3 s"
    assert str(Gate("x", "x", "s", "w", at_least=3)) == "x >= 3 s"
    assert str(Gate("x", "x", "s", "w", at_least=3, at_most=3)) == "x = 3 s"


@pytest.mark.parametrize(
    ("outcomes", "planned", "judged", "answer"),
    [
        (["PASS", "REFUSED"], 2, 2, "PASS"),
        (["PASS", "FAIL", "INCONCLUSIVE"], 2, 1, "FAIL"),
        (["PASS", "INCONCLUSIVE"], 1, 1, "INCONCLUSIVE"),
        (["PASS"], 2, 1, "INCONCLUSIVE"),
        (["REFUSED"], 1, 1, "INCONCLUSIVE"),
        ([], 0, 0, "INCONCLUSIVE"),
    ],
)
def test_a_release_passes_only_when_all_that_was_planned_was_judged_and_passed(outcomes, planned, judged, answer):
    assert release(map(Outcome, outcomes), planned, judged) == answer


@pytest.mark.parametrize("profile", ["documented", "calibrated"])
def test_both_profiles_hold_the_same_gates_each_with_its_why(profile):
    gates = load_profile(profile, "embedded").gates
    documented = [gate.name for gate in load_profile("documented", "embedded").gates]
    assert [gate.name for gate in gates][: len(documented)] == documented
    assert all(gate.why and gate.unit == known_metrics()[gate.metric].unit for gate in gates)


def test_the_documented_numbers_are_the_missions():
    limits = {gate.name: gate for gate in load_profile("documented", "higgs").gates}
    assert (limits["duration_ratio"].at_least, limits["duration_ratio"].at_most) == (1.2, 2.0)
    assert (limits["length"].at_least, limits["length"].at_most) == (1.0, 30.0)
    assert limits["silence_ratio"].at_most == 0.30
    assert limits["runaway"].at_most == 3.0
    assert limits["sample_rate"].at_least == limits["sample_rate"].at_most == 24_000


def test_every_calibrated_gate_says_what_it_was_calibrated_on():
    for gate in load_profile("calibrated", "").gates:
        assert gate.source, gate.name
        unmeasured = ("a property of the file", "no recogniser to calibrate on")
        assert gate.false_reject is not None or gate.source.startswith(unmeasured), gate.name


ROW = """[[profile.p.gate]]
metric = "length"
unit = "s"
at_least = 1
why = "w"
"""


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[profile", "not valid TOML"),
        ("", "has no profile 'p'; there are none"),
        ("[profile.p]", "has no gates"),
        (ROW + ROW, "gate 2: 'length' stands here twice"),
        (ROW.replace('"length"', '"lenght"'), "gate 'lenght': metric 'lenght' is unknown"),
        (ROW.replace('"s"', '"ms"'), "measured in s, not in 'ms'"),
        (ROW.replace('why = "w"\n', ""), "field 'why' is missing"),
        (ROW.replace("at_least = 1\n", ""), "a gate needs a limit"),
        (ROW.replace("= 1\n", "= nan\n"), "field 'at_least' is nan"),
        (ROW.replace("= 1\n", '= "1"\n'), "field 'at_least' is '1'; a number is needed"),
        (ROW + "at_most = 0\n", "nothing could pass"),
        (ROW + "limit = 0\n", "field 'limit' is unknown"),
        (ROW + "suites = 3\n", "field 'suites' is 3; a list is needed"),
        (ROW + "steps = [3]\n", "steps 1 is 3; a table is needed"),
        (
            ROW + "steps = [{speech_s=4, at_least=1}, {speech_s=2, at_least=0}]\n",
            "steps 1 never holds",
        ),
        (ROW + '[[override]]\nprofile="p"\nbackend="b"\ngate="length"\nat_least=2\n', "field 'why' is missing"),
        (ROW + '[[override]]\nprofile="p"\nbackend="b"\ngate="size"\nat_least=2\nwhy="w"\n', "no gate 'size'"),
        (ROW + '[[override]]\nprofile="p"\ngate="length"\nat_least=2\nwhy="w"\n', "field 'backend' is missing"),
        (
            ROW + "[comparision]\nalpha = 0.1\n",
            "table 'comparision' is unknown; known are comparison, extends, language",
        ),
        (ROW + "[[overrides]]\n", "table 'overrides' is unknown"),
        (
            "[profile.p]\nreading_tme = 'letters'\n" + ROW,
            "field 'reading_tme' is unknown; known are about, always, broken_share",
        ),
        ("profile = 3\n", "field 'profile' is 3; a table is needed"),
        ("[profile.p]\ngate = 3\n", "field 'gate' is 3; a list is needed"),
        ('[profile.p]\nextends = "q"\n', "has no profile 'q'; there are p"),
        ('[profile.p]\nextends = "p"\n', "leads back to itself"),
        ('extends = "gates.toml"\n', "leads back to itself"),
        ("a = " + "9" * 5000, "not valid TOML"),
        ("a = " + "[" * 9000, "not valid TOML"),
        (
            ROW + '[[override]]\nprofile="q"\nbackend="b"\ngate="length"\nat_least=2\nwhy="w"\n',
            "profile 'q' is unknown; there are p",
        ),
    ],
)
def test_a_malformed_gate_names_row_and_field(tmp_path, content, complaint):
    path = tmp_path / "gates.toml"
    path.write_text(content)
    with pytest.raises(GateError, match=complaint) as caught:
        load_profile("p", "b", path)
    assert "gates.toml" in str(caught.value)


def test_an_override_is_for_its_backend_and_replaces_the_why(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text(ROW + '[[override]]\nprofile="p"\nbackend="b"\ngate="length"\nat_least=2\nwhy="slow codec"\n')
    assert [(gate.at_least, gate.why) for gate in load_profile("p", "b", path).gates] == [(2, "slow codec")]
    assert [(gate.at_least, gate.why) for gate in load_profile("p", "c", path).gates] == [(1, "w")]


BASE = """[profile.p]
about = "the base"
[[profile.p.gate]]
metric = "length"
unit = "s"
at_least = 1
at_most = 30
why = "w"
false_reject = 0.1
source = "counted"
[[profile.p.gate]]
metric = "silence_ratio"
unit = "ratio"
at_most = 0.3
why = "w"
"""


def test_a_profile_that_extends_another_says_only_what_differs(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text(
        BASE + '[profile.q]\nextends = "p"\n[[profile.q.gate]]\nmetric = "length"\nat_least = 2\nwhy = "v"\n'
    )
    length, silence = load_profile("q", "", path).gates
    assert (length.at_least, length.at_most, length.unit, length.why) == (2, 30, "s", "v")
    assert (length.false_reject, length.source) == (None, "")  # they spoke of the limit that is gone
    assert silence == load_profile("p", "", path).gates[1]


def test_an_inherited_limit_changes_only_for_a_reason(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text(BASE + '[profile.q]\nextends = "p"\n[[profile.q.gate]]\nmetric = "length"\nat_least = 2\n')
    with pytest.raises(GateError, match="gate 'length': field 'why' is missing"):
        load_profile("q", "", path)


def test_a_file_that_extends_another_inherits_profiles_margins_and_comparison(tmp_path):
    (tmp_path / "base.toml").write_text(BASE + "[comparison]\nalpha = 0.02\n")
    path = tmp_path / "gates.toml"
    path.write_text(
        'extends = "base.toml"\n[[profile.p.gate]]\nmetric = "silence_ratio"\nat_most = 0.5\nwhy = "slow"\n'
    )
    assert [(gate.metric, gate.at_most) for gate in load_profile("p", "", path).gates] == [
        ("length", 30),
        ("silence_ratio", 0.5),
    ]
    assert load_policy(path)[0].alpha == 0.02
    path.write_text('extends = "shipped"\n')
    assert load_profile("calibrated", "embedded", path) == load_profile("calibrated", "embedded")
    assert load_policy(path) == load_policy()


def test_a_gate_is_for_suites_that_there_are(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "digits.toml").touch()
    path = tmp_path / "gates.toml"
    path.write_text(ROW + 'suites = ["digits"]\n')
    (gate,) = load_profile("p", "", path).gates
    assert (gate.is_for("digits"), gate.is_for("other")) == (True, False)
    path.write_text(ROW + 'suites = ["digtis"]\n')
    with pytest.raises(GateError, match=r"'suites' is \['digtis'\]; the corpus beside it has digits"):
        load_profile("p", "", path)


def test_nothing_can_be_required_that_no_gate_judges():
    profile = load_profile("documented", "")
    profile = replace(profile, gates=tuple(gate for gate in profile.gates if gate.metric != "speaking_rate"))
    with pytest.raises(GateError, match="metric 'beauty' is unknown"):
        profile.of("short", ["beauty"])
    with pytest.raises(GateError, match="no gate on 'speaking_rate' in suite 'short'"):
        profile.of("short", ["speaking_rate"])
    assert [gate.name for gate in profile.of("short", ["duration_ratio"])] == ["duration_ratio", "runaway"]


ADVISORY = Gate("advice", "silence_ratio", "ratio", "because", at_most=0.3, advisory=True)


def test_an_advisory_gate_warns_and_never_blocks():
    assert outcome(ADVISORY, silence_ratio.metric.measured(0.2)) == Outcome.PASS
    assert outcome(ADVISORY, silence_ratio.metric.measured(0.4)) == Outcome.WARN
    assert outcome(ADVISORY, silence_ratio.metric.measured(math.nan)) == Outcome.WARN
    assert outcome(ADVISORY, silence_ratio.metric.missing("no audio")) == Outcome.WARN
    assert release([Outcome.PASS, Outcome.WARN], planned=1, judged=1) == Outcome.PASS


def test_warnings_alone_pass_nothing():
    assert release([Outcome.WARN], planned=1, judged=1) == Outcome.INCONCLUSIVE


def test_a_gate_is_advisory_or_not_and_nothing_between(tmp_path):
    row = 'metric = "length"\nunit = "s"\nat_most = 3\nwhy = "x"\nadvisory = "yes"\n'
    (tmp_path / "gates.toml").write_text(f"[[profile.mine.gate]]\n{row}")
    with pytest.raises(GateError, match="field 'advisory' is 'yes'; true or false is needed"):
        load_profile("mine", "", tmp_path / "gates.toml")


def test_one_line_of_a_profile_changes_the_reading_time(tmp_path):
    text = shipped.GATES.read_text(encoding="utf-8")
    path = tmp_path / "gates.toml"
    path.write_text(text.replace("[profile.documented]\n", '[profile.documented]\nreading_time = "letters"\n'), "utf-8")
    assert load_profile("documented", "", path).reading_time == "letters"
    assert load_profile("calibrated", "", path).reading_time == "letters"  # it extends the other
    path.write_text(text.replace("[profile.documented]\n", '[profile.documented]\nreading_time = "bars"\n'), "utf-8")
    with pytest.raises(GateError, match="reading_time is 'bars'; words, letters, or a rate"):
        load_profile("documented", "", path)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100])
def test_an_exact_sample_rate_is_the_systems_own(rate):
    (gate,) = (gate for gate in load_profile("documented", "").at_rate(rate).gates if gate.metric == "sample_rate")
    assert (gate.at_least, gate.at_most) == (rate, rate)


def test_a_range_of_sample_rates_stays_as_somebody_wrote_it():
    spread = Gate("sample_rate", "sample_rate", "Hz", "because", at_least=8_000, at_most=48_000)
    assert Profile("p", (spread, BAND)).at_rate(24_000).gates == (spread, BAND)


def test_a_language_has_a_reading_rate_of_its_own(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text('extends = "shipped"\n[language.en]\nreading_time = "180 words a minute"\n')
    profile = load_profile("documented", "", path)
    counted = [profile.reading_time_of(code) for code in ("ar", "en", "zh")]
    assert counted == ["words", "180 words a minute", "255 letters a minute"]
    path.write_text('extends = "shipped"\n[language.en]\nreading_time = "quickly"\n')
    with pytest.raises(GateError, match=r"\[language.en\]: reading_time is 'quickly'"):
        load_profile("documented", "", path)


def test_modules_that_a_file_names_bring_their_metrics(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text('modules = ["no_such_module_anywhere"]\n')
    with pytest.raises(UsageError, match="modules 'no_such_module_anywhere' cannot be imported"):
        load_profile("documented", "", path)


@pytest.mark.parametrize(
    "pauses",
    [
        {},
        {"silence_ratio": silence_ratio.metric.missing("the metric raised RuntimeError: no luck")},
        {"silence_ratio": silence_ratio.metric.measured(0.1)},
    ],
    ids=["not measured", "raised", "without its components"],
)
def test_a_limit_that_hangs_on_another_metric_is_never_refused_for_want_of_it(pauses):
    similar = speaker_similarity.metric.measured(0.05)
    stepped = Gate(
        "voice", "speaker_similarity", "cosine", "because", steps=(Step(speech_s=1.0, at_least=0.5),), advisory=False
    )
    (verdict,) = judge([stepped], {"speaker_similarity": similar, **pauses}, {})
    assert verdict.outcome == Outcome.INCONCLUSIVE
    assert verdict.reason == "its limit depends on speech_s, which could not be measured"
    (advised,) = judge([structs.replace(stepped, advisory=True)], {"speaker_similarity": similar, **pauses}, {})
    assert advised.outcome == Outcome.WARN
