"""Which takes a comparison asks for, and what it says of suites that cannot be compared.

Whole lives of baselines are played in tests/baseline/test_golden.py.
"""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.baseline import golden
from harness.decision.gates import Profile
from harness.decision.policy import Margin, Policy
from harness.decision.release import Asked
from harness.records.baseline import Baseline, Fingerprint
from harness.records.comparison import Stratum
from harness.records.gate import Gate, Outcome
from harness.run.comparison import compare_release
from tests.accepted import accepted
from tests.run.test_plan import Speaking, make, rows
from tests.synthetic import draw

__all__ = ["make"]

LENGTH = Margin("length", "s", 0.1, 1.0, 0.01, "w", better="neither")
SHORT = Stratum("suite", "short")


class Uneven(Speaking):
    """Takes of each seed have a length of their own, so that a first look does not decide."""

    def take(self, request):
        cells = 26 + (3 * request.seed + request.utterance.number) % 9
        return replace(super().take(request), audio=draw("#" * cells))


class Deaf(Uneven):
    """What was found out about the seed, as a server's takes note it."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def take(self, request):
        return replace(super().take(request), details={"seed": self.seed})


def asked(looks=(1,), whole=False):
    return Asked(("short",), whole, Policy(), (LENGTH,), looks)


def compared(run, **options):
    return compare_release(run, {"short": rows(6)}, asked(**options), run.about())


@pytest.fixture
def accept(tmp_path):
    """Makes the takes of a run the accepted release."""

    def kept(run, seeds=(0,), **changes):
        takes = []
        for row in rows(6):
            for seed in seeds:
                take = run.take(run.request(row, seed))
                takes.append(golden.kept_of(run.noted(take, run.measurements(take, ["length"]), ())))
        about = run.about()
        made = Fingerprint(instruments=about.instruments, device="cpu", dtype="float32")
        baseline = Baseline(
            backend="speaking",
            suite="short",
            accepted=structs.replace(accepted(fingerprint=made, system=about.system), **changes),
            takes=tuple(takes),
        )
        golden.write(tmp_path / "golden", baseline)

    return kept


def test_a_first_release_has_nothing_to_be_compared_with_and_is_not_blocked(make, tmp_path):
    run = make(Speaking(), golden=tmp_path / "golden")
    found = compared(run, whole=True)
    assert [(one.outcome, one.stratum) for one in found.not_compared] == [
        (Outcome.REFUSED, SHORT),
        (Outcome.REFUSED, Stratum("all")),
    ]
    assert found.comparisons == ()
    assert len(run.measuring.of_run("company")()) == 6, "they are made all the same"
    assert found.takes == {"short": []}, "and not held, since nothing is compared with them"


def test_a_lost_baseline_blocks(make, tmp_path):
    (tmp_path / "golden" / "speaking").mkdir(parents=True)
    (tmp_path / "golden" / "speaking" / "medium.json").write_bytes(b"")
    (one,) = compared(make(Speaking(), golden=tmp_path / "golden")).not_compared
    assert (one.outcome, one.stratum) == (Outcome.INCONCLUSIVE, SHORT)


def test_an_unchanged_release_is_compared_and_passes(make, tmp_path, accept):
    run = make(Speaking(), golden=tmp_path / "golden")
    accept(run)
    (one,) = compared(run).comparisons
    assert (one.outcome, one.stratum, one.accepted, one.now) == (Outcome.PASS, SHORT, 2.6, 2.6)


def test_another_ruler_is_not_compared_and_blocks(make, tmp_path, accept):
    run = make(Speaking(), golden=tmp_path / "golden")
    accept(run, fingerprint=Fingerprint(instruments={"encoder": "another"}, device="cpu", dtype="float32"))
    (one,) = compared(run).not_compared
    assert one.outcome == Outcome.INCONCLUSIVE
    assert "was accepted with encoder 'another'" in one.reason


def test_more_takes_are_made_while_it_is_undecided_and_each_is_judged_by_every_gate(make, tmp_path, accept):
    run = make(Uneven(), golden=tmp_path / "golden")
    accept(run, seeds=(100, 101, 102))
    found = compared(run, looks=(1, 2))
    assert {take.seed for take in found.takes["short"]} == {0, 1}
    later = [take for take in found.takes["short"] if take.seed == 1]
    names = {gate.asked_as for gate in run.profile.gates if gate.is_for("short")}
    judged = [run.ledger.noted(take.key) for take in later]
    assert all({verdict.gate.asked_as for verdict in take.verdicts} == names for take in judged)


def test_takes_that_break_gates_are_counted_beside_those_of_the_accepted_release(make, tmp_path, accept):
    strict = Gate("length", "length", "s", "w", at_least=100)
    few = Profile("p", (strict,), broken_share=0.02)
    run = make(Speaking(), golden=tmp_path / "golden", profile=few)
    accept(run)
    policy = replace(Policy(), broken_share=0.02)
    found = compare_release(run, {"short": rows(6)}, Asked(("short",), False, policy, (LENGTH,), (1,)), run.about())
    (one,) = [one for one in found.comparisons if one.question == "broken"]
    assert (one.outcome, one.change, one.utterances) == (Outcome.FAIL, 1.0, 6)
    assert one.reason.startswith("broken throughout, which no share excuses: length: ")


def test_a_first_release_is_asked_how_many_takes_broke_gates(make, tmp_path):
    run = make(Speaking(), golden=tmp_path / "golden")
    policy = replace(Policy(), broken_share=0.02, broken_bound=0.45)
    found = compare_release(run, {"short": rows(6)}, Asked(("short",), True, policy, (LENGTH,), (1,)), run.about())
    assert [one.question for one in found.comparisons] == ["broken"]


def test_the_accepted_take_lies_beside_the_new_one(make, tmp_path, accept):
    run = make(Speaking(), golden=tmp_path / "golden", golden_audio=tmp_path / "kept")
    accept(run)
    run = make(Speaking(), golden=tmp_path / "golden", golden_audio=tmp_path / "kept")
    take = compared(run).takes["short"][0]
    assert take.accepted_sha256 == take.audio
    assert take.accepted_audio.endswith(f"{take.audio}.wav")


@pytest.mark.parametrize(("seed", "paired"), [("obeyed", True), ("ignored", False)])
def test_takes_of_one_seed_are_siblings_only_where_the_seed_is_obeyed(make, tmp_path, accept, seed, paired):
    run = make(Deaf(seed), golden=tmp_path / "golden")
    accept(run, seeds=(0, 1, 2), system=run.backend.identity)
    (one,) = compared(run).comparisons
    # Beside its siblings each take is unchanged; beside the mean of three takes of other draws it is not.
    assert (one.change == 0.0) is paired
    assert ("the system ignores the seed" in one.reason) is not paired


def test_copies_of_one_take_count_as_one(make, tmp_path, accept):
    run = make(Deaf("without effect"), golden=tmp_path / "golden")
    accept(run, seeds=(100, 101, 102))
    (one,) = compared(run, looks=(3,)).comparisons
    assert "count as one" in one.reason
    assert one.excludes == pytest.approx(1 - 0.05 ** (1 / 6), rel=1e-4)  # of 6 takes, not of 18


def test_accepted_takes_that_another_system_gives_again_are_said_and_block(make, tmp_path, accept):
    run = make(Speaking(), golden=tmp_path / "golden")
    accept(run, system="the accepted one r1")
    (one,) = compared(run).not_compared
    assert one.outcome == Outcome.INCONCLUSIVE
    assert "6 of 6 takes of short are, byte for byte, accepted takes of 'the accepted one r1'" in one.reason
    assert f"this run says that {run.about().system!r} spoke them" in one.reason
