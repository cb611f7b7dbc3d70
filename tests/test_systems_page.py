"""The example of docs/systems.md, run as it stands there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.synthetic import draw, write_voice

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parent.parent / "docs" / "systems.md"
CRITERIA = """
def test_sound(require):
    require("readable", "sample_rate", "length", "finished")
"""
GATES = """
[profile.documented]
about = "Four gates."
""" + "".join(
    f'[[profile.documented.gate]]\nmetric = "{metric}"\nunit = "{unit}"\nat_least = {least}\n{more}why = "a test"\n'
    for metric, unit, least, more in (
        ("readable", "yes", 1, ""),
        ("sample_rate", "Hz", 24000, "at_most = 24000\n"),
        ("length", "s", 1, "at_most = 30\n"),
        ("finished", "yes", 1, ""),
    )
)
ROW = '[[utterance]]\nid = "short-{0:03d}"\ntext = "{1}"\nlanguage = "ar"\nreference = "layla"\n'


def example():
    _, block = PAGE.read_text(encoding="utf-8").split("```python\n")
    return block.split("```")[0]


@pytest.fixture
def team(tmp_path):
    """A repository of somebody's own, with the example in it and nothing of this package's."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "my_voice.py").write_text(example(), encoding="utf-8")
    suites = tmp_path / "suites"
    (suites / "corpus").mkdir(parents=True)
    (suites / "criteria.py").write_text(CRITERIA)
    (suites / "test_release.py").write_text("")  # nothing was accepted that this could be compared with
    (suites / "gates.toml").write_text(GATES)
    rows = [ROW.format(number, " ".join(["كلمة"] * (4 + number))) for number in (1, 2)]
    (suites / "corpus" / "short.toml").write_text("\n".join(rows), encoding="utf-8")
    for name in ("layla", "omar"):
        write_voice(tmp_path / "voices", name, draw("###." * 8), transcript="هذا نص قصير")
    return tmp_path


def gate(team, backend, *options):
    command = [sys.executable, "-m", "pytest", "suites", "-q", "-p", "no:cacheprovider", "--backend", backend]
    command += ["-p", "harness.plugin", "--voices", "voices", *options]
    done = subprocess.run(command, cwd=team, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_example_is_short():
    assert len(example().splitlines()) <= 40


def test_the_example_is_judged_at_its_own_rates(team):
    code, said = gate(team, "my_voice:MyVoice", "--model", "checkpoint-7")
    assert code == 0, said
    assert "VERDICT       PASS" in said
    assert "This voice only hums" in said
    run = json.loads((team / ".harness" / "run.json").read_text(encoding="utf-8"))
    assert run["about"]["backend"] == "my_voice"
    assert run["about"]["system"] == "my_voice r1 checkpoint-7"
    assert [take["max_frames"] for take in run["takes"]] == [
        38,
        45,
    ]  # 5 and 6 words, 0.6 s each, at 12.5 frames a second


def test_what_the_example_does_not_read_is_refused(team):
    code, said = gate(team, "my_voice:MyVoice", "--codec", "x", "--temperature", "0.7")
    assert code == 4, said
    assert "the my_voice backend does not read --codec, --temperature" in said


def test_an_installed_example_is_found_by_its_name(team):
    installed = team / "my_voice-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: my_voice\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[harness.backends]\nmy_voice = my_voice:MyVoice\n")
    code, said = gate(team, "my_voice", "--model", "checkpoint-7")
    assert code == 0, said


@pytest.mark.parametrize(
    ("name", "code", "complaint"),
    [
        ("my_voice:YourVoice", "", "module my_voice has no YourVoice; its classes are"),
        ("none_such:Voice", "", "cannot be imported"),
        ("half:Half", "class Half:\n def __init__(self, options): pass\n", "lacks name, sample_rate_hz"),
        ("odd:Odd", "from my_voice import *\nclass Odd(MyVoice): name = '../x'\n", "calls itself '../x'"),
    ],
)
def test_what_is_no_backend_is_a_wrong_command(team, name, code, complaint):
    if code:
        (team / f"{name.partition(':')[0]}.py").write_text(code)
    status, said = gate(team, name)
    assert status == 4, said
    assert complaint in said


def test_a_class_that_hangs_or_breaks_fails_its_takes(team):
    code = (
        "import time\nfrom my_voice import MyVoice\n"
        "class Hangs(MyVoice):\n def generate(self, requests):\n  yield self.take_now(requests[0])\n  time.sleep(600)\n"
        " def take_now(self, one):\n  from my_voice import load\n  self.model = load('')\n  return self.take(one)\n"
        "class Breaks(Hangs):\n def generate(self, requests):\n  yield self.take_now(requests[0])\n"
        "  raise MemoryError('no room')\n"
    )
    (team / "bad.py").write_text(code)
    for name, complaint in (("Hangs", "did not come back within"), ("Breaks", "raised MemoryError: no room")):
        status, said = gate(team, f"bad:{name}", "--generation-timeout", "1", "--out", name)
        assert status == 1, said
        assert complaint in said
        run = json.loads((team / name / "run.json").read_text(encoding="utf-8"))
        assert sorted(take.get("error", "") == "" for take in run["takes"]) == [False, True]
