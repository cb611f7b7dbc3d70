"""A short part of benchmarks/kills.py: what a kill -9 leaves is resumed as if nobody had killed anything."""

import re

import pytest

from benchmarks import kills
from harness.records import event, history


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return kills.Release(tmp_path_factory.mktemp("release") / "release", workers=0, texts=3, drawn_s=0.5)


@pytest.fixture(scope="module")
def whole(release, tmp_path_factory):
    """What is left where nobody kills, in the folder where every run of this module takes place."""
    out = tmp_path_factory.mktemp("runs") / "out"
    found = kills.Whole.of(release, out), out
    assert found[0].takes == 3
    assert found[0].once.differences(found[0].twice) == ["page"]  # which lists the run before
    return found


def noted(out, what):
    """How many events of a kind the journal holds."""
    path = out / event.NAME
    return path.read_bytes().count(b'{"event":"%s"' % what) if path.exists() else 0


MOMENTS = {
    "while it generates": lambda out: 1 <= len(kills.generated(out)) < 3,
    "while it judges": lambda out: noted(out, b"found") >= 1 and not (out / history.NAME).exists(),
    "while it draws": lambda out: (out / history.NAME).exists(),
    "when it has ended": lambda out: noted(out, b"ended") == 1,
}


@pytest.mark.slow
@pytest.mark.parametrize("when", MOMENTS)
def test_a_killed_run_is_resumed_to_what_nobody_interrupted(release, whole, when, capsys):
    reference, out = whole
    kills.clear(out)
    seen = []

    def moment(passed):
        seen.append(MOMENTS[when](out))
        return seen[-1]

    assert kills.killed(release, reference, out, moment) == []
    assert seen[-1]
    assert re.search(r"killed after .*: equal\n", capsys.readouterr().out)
