"""Who may enter golden/: every refusal, one at a time. The whole way is played in test_golden.py."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.baseline import history
from harness.baseline.acceptance import Finished, Terms, accept, read_run
from harness.baseline.golden import read
from harness.decision.gates import Profile
from harness.decision.listening import Heard
from harness.decision.policy import Margin, Policy
from harness.errors import GoldenError
from harness.records.baseline import Fingerprint
from harness.records.comparison import Comparison, Stratum
from harness.records.gate import Gate, Outcome, Verdict
from harness.records.history import NAME as HISTORY
from harness.records.history import RunEvent
from harness.records.measurement import Metric
from harness.records.rules import Rules
from harness.records.run_record import About, NotJudged, RunRecord
from harness.records.sidecar import Sidecar, SidecarReference
from harness.records.take_record import TakeKey, TakeRecord
from harness.store import Store
from harness.take import Provenance, Sampling, Stop
from tests.synthetic import utterance

ROW = '[[utterance]]\nid = "short-{0:03d}"\ntext = "واحد اثنان"\nlanguage = "ar"\nreference = "omar"\n'
GATE = Gate("length", "length", "s", "w", at_least=1)
SECONDS = Metric("length", "s", "higher")
HOT = Sampling(temperature=0.9)
LENGTH = Margin("length", "s", 0.1, 1.0, 0.01, "w", better="higher")


class Kept(Store):
    """A store whose takes are all there, without sound."""

    def __init__(self, out):
        super().__init__(out)
        self.changed = {}

    def sidecar(self, digest):
        number, seed = digest.split()
        changed = self.changed.get(digest, {})
        known = {
            "digest": digest,
            "audio": digest,
            "utterance": utterance("t", id=f"short-{number}"),
            "reference": SidecarReference("omar", "r", "مرحبا", "ar"),
            "chunks": (),
            "sampling": Sampling(),
            "seed": int(seed),
            "system": "m1",
            "sample_rate_hz": 24_000,
            "stopped_by": Stop.EOS,
            "provenance": Provenance("higgs", "m", "1"),
            "batch": (digest,),
        }
        return None if changed is None else Sidecar(**known | changed)


@pytest.fixture
def terms(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "short.toml").write_text("\n".join(map(ROW.format, (1, 2))), encoding="utf-8")
    return Terms(
        by="Layla",
        override="",
        profile=Profile("documented", (GATE,)),
        policy=Policy(accepted_takes=2),
        margins=(LENGTH,),
        folder=tmp_path / "golden",
        audio=None,
        corpus=corpus,
        rules=Rules(),
    )


def take(number, seed, **changes):
    known = {
        "suite": "short",
        "utterance": f"short-{number:03d}",
        "seed": seed,
        "text": "t",
        "language": "ar",
        "reference": "omar",
        "speaker": "omar",
        "digest": f"{number:03d} {seed}",
        "audio": "a",
        "stopped_by": Stop.EOS,
        "max_frames": 90,
        "sampling": Sampling(),
        "provenance": Provenance("higgs", "m", "1"),
        "measurements": {"length": SECONDS.measured(2.0 + seed / 100)},
        "verdicts": (Verdict(Outcome.PASS, GATE, SECONDS.measured(2.0)),),
    }
    return TakeRecord(**known | changes)


@pytest.fixture
def run(tmp_path):
    record = RunRecord(
        verdict=Outcome.PASS,
        exit_code=0,
        about=About(backend="higgs", system="m1", instruments={"encoder": "e1"}),
        planned=4,
        judged=4,
        takes=tuple(take(number, seed) for number in (1, 2) for seed in (0, 1)),
    )
    return Finished(record, Kept(tmp_path / "out"))


def with_record(run, **changes):
    return replace(run, record=structs.replace(run.record, **changes))


def with_first(run, **changes):
    """The run with its first take changed."""
    first, *rest = run.record.takes
    return with_record(run, takes=(structs.replace(first, **changes), *rest))


def test_a_sound_run_is_accepted_and_says_all_about_itself(run, terms):
    accept(run, "short", terms)
    accepted = read(terms.folder, "higgs", "short").accepted
    assert accepted.by == "Layla"
    assert accepted.fingerprint == Fingerprint(instruments={"encoder": "e1"}, device="cpu", dtype="float32")
    assert (accepted.system, accepted.model.revision, accepted.largest_batch) == ("m1", "1", 1)
    assert {"torch", "numpy"} <= accepted.packages.keys()


def worse(stratum):
    return Comparison(
        outcome=Outcome.FAIL,
        stratum=stratum,
        metric="length",
        question="mean",
        unit="s",
        confidence=0.9,
        margin=0.1,
        at_least=-0.1,
        lost_from=1.0,
        p_value=0.001,
        utterances=2,
    )


def spoilt(run, what):
    takes = run.record.takes
    changed = {
        "damaged audio": None,
        "mixed systems": {"system": "m2"},
        "mixed sampling": {"sampling": HOT},
        "mixed devices": {"provenance": Provenance("higgs", "m", "1", device="cuda:0")},
        "mixed data types": {"provenance": Provenance("higgs", "m", "1", dtype="bfloat16")},
    }
    if what in changed:
        run.store.changed["001 0"] = changed[what]
        return run
    refused = (NotJudged(TakeKey("short", "short-001", 0), "crash"),)
    verdict = takes[0].verdicts[0]
    return {
        "missing utterance": lambda: with_record(run, takes=takes[:2]),
        "missing take": lambda: with_record(run, takes=takes[:-1]),
        "killed run": lambda: with_record(run, incomplete="the run has not ended"),
        "harness error": lambda: with_record(run, harness_errors={"test_voice": "out of memory"}),
        "fewer seeds": lambda: with_record(run, takes=tuple(one for one in takes if one.seed == 0)),
        "foreign utterance": lambda: with_first(run, utterance="short-009"),
        "take not judged": lambda: with_record(run, not_judged=refused),
        "failing gate": lambda: with_first(run, verdicts=(structs.replace(verdict, outcome=Outcome.FAIL),)),
        "undecided gate": lambda: with_first(run, verdicts=(structs.replace(verdict, outcome=Outcome.INCONCLUSIVE),)),
        "gate not asked": lambda: with_first(run, verdicts=()),
        "no number": lambda: with_first(run, measurements={"length": SECONDS.missing("no speech")}),
        "no metric": lambda: with_first(run, measurements={}),
        "another system": lambda: with_record(run, about=About(backend="higgs", system="m3")),
        "found worse": lambda: with_record(run, comparisons=(worse(Stratum("suite", "short")),)),
        "voice found worse": lambda: with_record(run, comparisons=(worse(Stratum("voice", "omar")),)),
    }[what]()


def test_other_limits_than_those_that_judged_are_named(run, terms):
    lax = replace(terms, rules=Rules(gates=(structs.replace(GATE, at_least=0.1),)))
    judged = with_record(run, about=structs.replace(run.about, rules=Rules(gates=(GATE,))))
    with pytest.raises(
        GoldenError, match=r"by other rules .*: gate length judged by >= 1 s, now by >= 0\.1 s: name what"
    ):
        accept(judged, "short", lax)
    assert not terms.folder.exists()


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        ("missing utterance", "2 takes are missing: short-002, seed 0"),
        ("killed run", "the run is not sound: the run has not ended"),
        ("harness error", "the run is not sound: test_voice: out of memory"),
        ("missing take", "1 takes are missing: short-002, seed 1"),
        ("fewer seeds", "1 takes of each utterance; 2 are needed: run pytest suites/ --takes 2"),
        ("foreign utterance", "1 takes are not in the corpus: short-009"),
        ("take not judged", "1 takes were not judged: short-001, seed 0 (crash)"),
        ("failing gate", "1 verdicts are not PASS: short-001, seed 0: FAIL length"),
        ("undecided gate", "1 verdicts are not PASS: short-001, seed 0: INCONCLUSIVE length"),
        ("gate not asked", "1 takes were not asked every gate: short-001, seed 0: length"),
        ("no number", "1 numbers are missing: short-001, seed 0: length"),
        ("no metric", "1 numbers are missing"),
        ("damaged audio", "the audio of 1 takes is missing or not what was judged"),
        ("mixed systems", "takes of 2 systems are mixed: m1; m2"),
        ("mixed sampling", "takes of 2 samplings are mixed"),
        ("mixed devices", "takes of 2 devices are mixed: cpu float32; cuda:0 float32"),
        ("mixed data types", "takes of 2 devices are mixed: cpu bfloat16; cpu float32"),
        ("another system", "not those of the system that the run describes"),
        ("found worse", "was compared and found worse: change of length >= -0.1 s (suite short): no number; "),
        ("voice found worse", "was compared and found worse: change of length >= -0.1 s (voice omar): no number"),
    ],
)
def test_what_is_wrong_with_a_run_is_named_and_nothing_is_written(run, terms, what, complaint):
    with pytest.raises(GoldenError) as caught:
        accept(spoilt(run, what), "short", terms)
    assert complaint in str(caught.value)
    assert not terms.folder.exists()


@pytest.mark.parametrize("asked_of_it", [True, False])
def test_a_gate_for_one_recogniser_is_asked_of_the_takes_that_it_heard_and_of_no_others(run, terms, asked_of_it):
    for_one = Gate("length by Whisper", "length", "s", "w", at_least=1, recognisers=("0" * 16,))
    verdicts = (Verdict(Outcome.PASS, for_one if asked_of_it else GATE, SECONDS.measured(2.0)),)
    judged = with_record(run, takes=tuple(structs.replace(one, verdicts=verdicts) for one in run.record.takes))
    accept(judged, "short", replace(terms, profile=Profile("documented", (GATE, for_one))))
    assert read(terms.folder, "higgs", "short").accepted.by == "Layla"


def test_nobody_accepts_without_a_name(run, terms):
    with pytest.raises(GoldenError, match="give --by NAME"):
        accept(run, "short", replace(terms, by=" "))


def test_only_being_worse_can_be_overridden(run, terms):
    overriding = replace(terms, override="we want this tempo")
    run = spoilt(run, "found worse")
    accept(run, "short", overriding)
    accepted = read(terms.folder, "higgs", "short").accepted
    assert accepted.override == "we want this tempo"
    assert accepted.found_worse[0].startswith("change of length >= -0.1 s (suite short): ")
    with pytest.raises(GoldenError, match="are not PASS"):
        accept(spoilt(run, "failing gate"), "short", overriding)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(GoldenError, match=r"run\.json is missing: run pytest"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(GoldenError, match="is damaged"):
        read_run(tmp_path)


def excused(number, seed):
    verdict = Verdict(Outcome.EXCUSED, GATE, SECONDS.measured(0.5), "one of the takes that may break a gate")
    return take(number, seed, verdicts=(verdict,))


def with_share(terms, takes=()):
    return replace(terms, profile=Profile("calibrated", (GATE,), broken_share=0.02), policy=Policy(accepted_takes=2))


def many(run, terms, broken, count=60):
    """A run with so many takes of two texts, some of which broke a gate."""
    takes = [(number, seed) for seed in range(count) for number in (1, 2)]
    made = [excused(*key) if at < broken else take(*key) for at, key in enumerate(takes)]
    return with_record(run, takes=tuple(made))


def test_takes_that_broke_a_gate_are_in_the_baseline_where_there_are_shown_to_be_few(run, terms):
    accept(many(run, terms, 1), "short", with_share(terms))
    kept = read(terms.folder, "higgs", "short")
    assert [take.broken for take in kept.takes if take.broken] == [("length",)]


def test_takes_that_broke_a_gate_are_refused_where_there_may_be_many(run, terms):
    with pytest.raises(GoldenError, match=r"4 of 120 takes broke a gate, which may be 7\.\d% of all; 5% is the most"):
        accept(many(run, terms, 4), "short", with_share(terms))


def test_a_baseline_that_follows_another_keeps_the_first_of_its_line(run, terms):
    accept(run, "short", terms)
    assert read(terms.folder, "higgs", "short").accepted.anchor is None
    second = with_record(run, takes=tuple(structs.replace(one, audio="b") for one in run.record.takes))
    accept(second, "short", terms)
    first = read(terms.folder, "higgs", "short").accepted.anchor
    assert first.values["length"]["short-001"] == (2.0, 2.01)
    accept(run, "short", replace(terms, by="Omar"))
    assert read(terms.folder, "higgs", "short").accepted.anchor == first


def test_a_line_begins_anew_where_other_rulers_measured_it(run, terms):
    accept(run, "short", terms)
    about = structs.replace(run.record.about, instruments={"encoder": "e2"})
    accept(with_record(run, about=about), "short", terms)
    assert read(terms.folder, "higgs", "short").accepted.anchor is None


def failed_before(run, **changes):
    known = {
        "on": "2999-01-01 00:00:00 UTC",
        "verdict": "FAIL",
        "takes": 4,
        "system": "m1",
        "seeds": (7, 8),
        "against": ("FAIL suite short change of length",),
    }
    history.append(run.store.out / HISTORY, RunEvent(**known | changes))


def test_a_run_that_passes_does_not_undo_one_that_failed_with_other_seeds(run, terms):
    accept(run, "short", terms)
    failed_before(run)
    with pytest.raises(GoldenError, match="a run with seeds from 7 on 2999-01-01 00:00:00 UTC: FAIL suite short"):
        accept(run, "short", terms)
    accept(run, "short", replace(terms, override="a broken cable"))
    kept = read(terms.folder, "higgs", "short").accepted
    assert kept.override == "a broken cable"
    assert "seeds from 7" in kept.found_worse[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"system": "m2"},
        {"seeds": (0, 1)},  # this very run
        {"on": "2001-01-01 00:00:00 UTC"},  # against the baseline before
        {"against": ("INCONCLUSIVE suite short change of length",)},
    ],
)
def test_what_another_system_seed_or_baseline_came_to_does_not_count(run, terms, changes):
    accept(run, "short", terms)
    failed_before(run, **changes)
    accept(run, "short", terms)


def test_a_run_that_was_not_judged_by_what_is_required_here_is_not_accepted(run, terms):
    with pytest.raises(GoldenError, match="by other rules than those that hold here: words was not required"):
        accept(run, "short", replace(terms, rules=Rules(require=("words",))))
    required = with_record(run, about=structs.replace(run.about, rules=Rules(require=("words",))))
    with pytest.raises(GoldenError, match="required and missing: words: no recogniser was given: give --asr"):
        accept(required, "short", terms)


@pytest.mark.parametrize(
    ("outcome", "override", "accepted"),
    [
        (Outcome.PASS, "", True),
        (Outcome.WARN, "", True),
        (Outcome.REFUSED, "", True),
        (Outcome.FAIL, "", False),
        (Outcome.FAIL, "the old microphone", True),
        (Outcome.INCONCLUSIVE, "", False),
        (Outcome.INCONCLUSIVE, "nobody has time", False),
    ],
)
def test_what_listeners_prefer_is_part_of_the_decision(run, terms, outcome, override, accepted):
    terms = replace(terms, heard=Heard(outcome, "new release preferred 20%"), override=override)
    if accepted:
        accept(run, "short", terms)
    else:
        with pytest.raises(GoldenError, match=f"listeners: {outcome}, new release preferred 20%"):
            accept(run, "short", terms)


def test_accepted_takes_do_not_become_those_of_another_system(run, terms):
    accept(run, "short", terms)
    other = with_record(run, about=structs.replace(run.about, system="m2"))
    with pytest.raises(GoldenError, match="4 of 4 takes of short are, byte for byte, accepted takes of 'm1'"):
        accept(other, "short", terms)
