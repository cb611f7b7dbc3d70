import pytest

from harness import cli
from harness.decision.policy import Margin, Policy
from harness.errors import UsageError
from harness.lab.estimate import RECORD_BYTES, Estimate, Rates, estimate, smallest_losses
from harness.records.baseline import Baseline
from harness.records.event import Ended
from tests.accepted import accepted, take
from tests.recorded import recorded_run

__all__ = ["recorded_run"]

LENGTH = Margin("length", "s", 0.02, 0.1, 0.001, "heard")


def baseline(*takes):
    return Baseline(backend="b", suite="short", accepted=accepted(), takes=takes)


def test_time_and_disk_grow_with_the_takes():
    rates = Rates(generation_s=1.8, sound_bytes=230_000, takes=70)
    said = " ".join(Estimate(4, 2_500, rates).lines())
    assert "10,000 (2,500 utterances, 4 takes of each)" in said
    assert "5.0 hours on one device" in said
    assert f"{10_000 * (230_000 + RECORD_BYTES) / 1e9:,.1f} GB" in said


def test_four_times_the_takes_find_half_the_excess_over_the_margin():
    values = {("short-001", 0): 2.0, ("short-001", 1): 2.06, ("short-002", 0): 3.0, ("short-002", 1): 3.06}
    kept = baseline(*(take(name, seed, value) for (name, seed), value in values.items()))
    few, many = (smallest_losses([kept], [LENGTH], Policy(), takes, 100)["length"] - LENGTH.margin for takes in (1, 4))
    assert few == pytest.approx(2 * many)
    assert many == pytest.approx(0.8416 * (2 * 0.0018 / 400) ** 0.5, rel=1e-3)


def test_nothing_is_claimed_of_a_metric_whose_takes_were_never_repeated():
    assert smallest_losses([baseline(take())], [LENGTH], Policy(), 1, 10) == {}
    assert "no loss of a metric" in list(estimate(1, 10, Rates(1.0, 1.0, 1), [], [LENGTH], Policy()))[-1]


def test_a_wrong_number_is_one_line():
    with pytest.raises(UsageError, match="--takes is 0, --utterances is 5; at least 1 of each is needed"):
        list(estimate(0, 5, Rates(1.0, 1.0, 1), [], [], Policy()))


def test_a_folder_without_a_run_is_named(tmp_path, capsys):
    assert cli.main(["estimate", "--utterances", "10", "--out", str(tmp_path)]) == 4
    assert "run.jsonl is missing" in capsys.readouterr().err


def test_a_run_without_sounds_says_so(recorded_run, capsys):
    recorded_run.journal.add(Ended("now", 0))
    assert cli.main(["estimate", "--utterances", "10", "--out", str(recorded_run.out)]) == 4
    assert "no take of this run has a sound" in capsys.readouterr().err
