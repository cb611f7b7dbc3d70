"""A changed ruler is no worse model: the accepted audio is measured again where it was kept, and compared again."""

import json
import re
import shlex
from dataclasses import replace

import numpy as np
import pytest

from harness import cli, registry
from harness.audio import encode_wav
from harness.metrics import signature, silence
from tests.baseline.test_golden import GATES, SUITE, command, gate
from tests.synthetic import draw

__all__ = ["command", "gate"]

SILENCE = """
[[profile.documented.gate]]
metric = "silence_ratio"
unit = "ratio"
at_most = 0.9
why = "more is no speech"
[[margin]]
metric = "silence_ratio"
unit = "ratio"
margin = 0.1
lost = 0.3
resolution = 0.01
why = "heard as gaps"
"""


@pytest.fixture
def accepted(gate, command, pytester, monkeypatch):
    """A release that is accepted with its audio kept, and judged by silence among others; the folder of the project.

    Each take ends in 0.2 s that lie 35 dB below the rest.
    """

    def murmuring(picture, **how):
        loud = draw(picture, **how)
        return replace(loud, samples=np.concatenate([loud.samples, 10 ** (-35 / 20) * loud.samples[:4800]]))

    monkeypatch.setattr("tests.baseline.test_golden.draw", murmuring)
    folder = pytester.path
    (folder / "suites" / "gates.toml").write_text(GATES + SILENCE)
    (folder / "suites" / "test_short.py").write_text(
        SUITE.replace('"duration_ratio")', '"duration_ratio", "silence_ratio")')
    )
    gate("good", 26)
    status, said = command("accept", "--by", "Layla", "--golden-audio", "kept")
    assert status == 0, said
    return folder


@pytest.fixture
def other_ruler(monkeypatch):
    """Call it, and silence begins 30 dB below the loud parts of a take from then on, as it begins 40 dB below them."""

    def change():
        monkeypatch.setattr(silence, "BELOW_SPEECH_DB", 30.0)
        monkeypatch.setattr(signature, "_looked_up", signature._looked_up.__wrapped__)
        for one in registry.metrics().values():  # a process asks each metric once what its number means
            monkeypatch.setitem(vars(one), "metric", None)
            del vars(one)["metric"]

    return change


def baseline(folder):
    return json.loads((folder / "golden/directory/short.json").read_text())


@pytest.mark.slow
def test_a_run_by_another_ruler_names_the_command_after_which_it_is_compared(accepted, gate, other_ruler, capsys):
    before = baseline(accepted)
    other_ruler()
    changed = gate("good", 26, "--golden-audio", "kept")
    said = " ".join(changed.stdout.str().split())
    assert changed.ret != 0
    assert "VERDICT INCONCLUSIVE" in said
    assert re.search(
        r"not compared: the ruler changed: short was accepted with silence_ratio v\S+, this run has v", said
    )
    (again,) = set(
        re.findall(r"where it was kept: python -m (harness accept short --by NAME --remeasure .*?); or ", said)
    )
    assert "--golden golden --golden-audio kept" in again
    capsys.readouterr()
    words = [*shlex.split(again.replace("NAME", "Omar"))[1:]]
    words += ["--corpus", "suites/corpus", "--gates-file", "suites/gates.toml"]
    assert cli.main(words) == 0
    shown = capsys.readouterr().out
    rows = {row.split()[0]: row.split()[1:] for row in shown.splitlines()}
    assert float(rows["silence_ratio"][0]) < 0.05 < float(rows["silence_ratio"][1])
    assert rows["duration_ratio"][0] == rows["duration_ratio"][1]

    after = baseline(accepted)
    kept = [
        [(take["utterance"], take["seed"], take["audio"], take["question"]) for take in one["takes"]]
        for one in (before, after)
    ]
    assert kept[0] == kept[1]
    assert (after["accepted"]["by"], after["accepted"]["on"]) == ("Layla", before["accepted"]["on"])
    assert [one["by"] for one in after["accepted"]["remeasured"]] == ["Omar"]
    assert cli.main(["history"]) == 0
    assert re.search(r"remeasured short by Omar, other rulers: silence_ratio \S+ -> \S+", capsys.readouterr().out)

    compared = gate("good", 26, "--golden-audio", "kept")
    assert compared.ret == 0
    compared.stdout.fnmatch_lines(["VERDICT       PASS"])
    assert cli.main(words) == 0
    assert "nothing is written" in capsys.readouterr().out
    assert baseline(accepted) == after


@pytest.mark.slow
@pytest.mark.parametrize("what", ["no folder", "lost", "other sound", "not told how", "nothing accepted"])
def test_what_was_not_kept_is_not_measured_again(accepted, gate, command, other_ruler, what):
    other_ruler()
    gate("good", 26)
    before, options = (accepted / "golden/directory/short.json").read_bytes(), ["--golden-audio", "kept"]
    sound = sorted((accepted / "kept").glob("*.wav"))[0]
    if what == "no folder":
        options, why = [], "--remeasure needs --golden-audio FOLDER"
    elif what == "lost":
        sound.unlink()
        why = f"was not kept: kept/{sound.name} is missing: accept the released model anew"
    elif what == "other sound":
        sound.write_bytes(encode_wav(draw("#" * 20)))
        why = f"is another sound than the one that was accepted: kept/{sound.name}"
    elif what == "not told how":
        (beside,) = (accepted / "kept").glob(f"{sound.stem}.*.json")
        beside.unlink()
        why = f"was not kept: kept/{beside.name} is missing"
    else:
        (accepted / "golden/directory/short.json").unlink()
        before, why = b"", "no release was accepted in suite 'short'"
    status, said = command("accept", "--by", "Omar", "--remeasure", *options)
    assert (status, said.count("\n")) == (4, 1), said
    assert why in said
    path = accepted / "golden/directory/short.json"
    assert (path.read_bytes() if path.exists() else b"") == before
