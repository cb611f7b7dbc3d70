"""Every command of README.md and docs/, run in its order in a small project: what a page promises, this machine does.

A command is run as it stands, with names of this machine for its placeholders (`STANDS_FOR`), or smaller (`SMALLER`),
so that it takes seconds. What cannot run here is in `NOT_RUN`, each with its reason; a command of a page that is in no
list is run, so a new one that nothing prepares fails.
"""

import importlib
import os
import shlex
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest

import run as run_py
from harness import audio, cli, shipped
from harness.audio import encode_wav
from harness.corpus import load_voices
from harness.records import schema
from harness.records.listening import Role, Session
from tests.pages import PAGES, ROOT, commands, files
from tests.recorded import speech
from tests.report.listening.test_conduct import answers
from tests.stand_in import running
from tests.synthetic import draw, utterance, write_voice
from tests.test_systems_page import CRITERIA, GATES, ROW, example
from tests.tones import sentences

pytestmark = pytest.mark.slow

OF_CI = "a job of .ci/run, which would run itself"
REGISTRY = "asks a package registry; tests/test_package.py installs the wheel, and its extras are looked up"
DAEMON = "leaves a cluster behind; its options are parsed, and tests/run/test_cluster.py starts nodes and ends them"
SEVERAL = "minutes: several gates one after the other, as growth is one, which is run"
NOT_RUN = {
    ".ci/run": OF_CI,
    "python3 run.py test": OF_CI,
    "python3 run.py check": OF_CI,
    "python3 run.py core": OF_CI,
    "python3 run.py test -m browser --dist load": OF_CI,
    "pytest": "what `python3 run.py test` calls",
    ". .venv/bin/activate": "the shell's own; run.py makes the folder",
    "pip install 'voice-clone-harness[cluster]'": REGISTRY,
    "pip install voice-clone-harness": REGISTRY,
    "pip install '.[quality]'": REGISTRY,
    "pip install '.[asr]'": REGISTRY,
    "ray start --head --num-gpus 8": DAEMON,
    "ray start --address HEAD:6379": DAEMON,
    "ray symmetric-run": DAEMON,
    "python -m benchmarks.cluster": DAEMON,
    "python -m benchmarks.scale shipped": "minutes: the whole shipped gate, cold and again, which .ci/run runs once",
    "python -m benchmarks.scale workers --takes 1000": SEVERAL,
    "python -m benchmarks.scale overlap --takes 1000": SEVERAL,
    "python -m harness allure": "needs npm: run by tests/report/test_browser.py",
    "python -m http.server --bind 127.0.0.1 -d .harness/allure-report": "Python's own; test_browser.py serves so",
}
NO_GPU = "--gpu"
"""Such commands end in one line and exit 4 where there is no GPU, and are left to the machine that has one."""

SMALLER = {
    "pytest --suites shipped": f"-k short-003 --backend my_voice:MyVoice --partial --confcutdir {shipped.GATES.parent}",
    "python -m harness audit --keep": "--null 20 --planted 10 --backend my_voice",
    "python -m harness power": "--texts 1 --sound 1 --spoilt 1 --workers 1",
    "python -m harness power --speech FOLDER": "--texts 0 --sound 2 --spoilt 1 --workers 1",
    "python -m harness power --asr MODEL --speech FOLDER": "--texts 0 --sound 2 --spoilt 1 --workers 1 --cache kept",
    "python -m benchmarks.operating_characteristics": "--runs 2 --only 'half a margin' --part 1/40",
    "python -m benchmarks.accepted_releases": "--runs 1",
    "python -m benchmarks.scale growth --takes 1000 10000 --page": "--takes 2",
    "python -m harness calibrate --words --asr MODEL --speech FOLDER": "--cache kept",
    "python -m harness estimate --takes 4 --utterances 2500 --out .harness": "--backend my_voice",
}
"""What is added to a command so that it asks for little, or for what the small project has."""
STANDS_FOR = {
    "short medium …": "short",
    "my_package.voice": "my_voice",
    "VOICES": "voices",
    "CORPUS": "more",
    "NAME": "Layla",
    "WHY": "heard",
    "ratings-*.json": "ratings-Dana.json",
    "HARNESS_API_KEY=…": "HARNESS_API_KEY=secret",
    "FOLDER_OR_HUB_ID": "checkpoint",
    "--model MODEL --cluster HEAD:6379": "--model checkpoint --cluster 127.0.0.1:1",
    "--asr MODEL --speech FOLDER": "--asr tests.tones:ByTone --speech tones",
    "FOLDER": "sounds",
    "DIR": "tiny",
}
MARGIN = """
[comparison]
accepted_takes = 3
[[margin]]
metric = "length"
unit = "s"
margin = 0.5
lost = 2
resolution = 0.01
why = "a test"
"""
PLUGIN = "[pytest]\naddopts = -p no:cacheprovider -p harness.plugin\n"
INI = f"""{PLUGIN}
harness_backend = my_voice:MyVoice
harness_model = checkpoint-7
harness_voices = voices
harness_golden = golden
"""
MYTTS = f"""#!{sys.executable} -IS
import array, math, os, sys, wave
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
hz = 90 + int(given["--seed"]) % 9 + 9 * os.path.getsize(given["--reference"]) / 48_000
many = int(len(given["--text"].split()) * 0.53 * 24_000)
with wave.open(given["--out"], "wb") as out:
    out.setparams((1, 2, 24_000, many, "NONE", ""))
    tone = [int(3_000 * math.sin(2 * math.pi * hz * n / 24_000)) for n in range(many)]
    out.writeframes(array.array("h", tone).tobytes())
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A repository of somebody's own, with the class of docs/systems.md as its system."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(pytester.path)]))
    pytester.makeini(INI)
    (pytester.path / "my_voice.py").write_text(example(), encoding="utf-8")
    monkeypatch.syspath_prepend(pytester.path)
    suites = pytester.path / "suites"
    (suites / "corpus").mkdir(parents=True)
    (suites / "criteria.py").write_text(CRITERIA + "\ndef test_not_worse(not_worse):\n    not_worse()\n")
    (suites / "test_release.py").write_text("")
    (suites / "gates.toml").write_text(GATES + MARGIN)
    rows = [ROW.format(number, " ".join(["كلمة"] * (4 + number))) for number in range(1, 5)]
    (suites / "corpus" / "short.toml").write_text("\n".join(rows), encoding="utf-8")
    for name in ("layla", "omar"):
        write_voice(pytester.path / "voices", name, draw("###." * 8), transcript="هذا نص قصير")
    return pytester


class Runner:
    """Runs the commands of a page in the small project; `expected` says which status is right, else 0."""

    def __init__(self, project, monkeypatch, capfd):
        self.project, self.monkeypatch, self.capfd = project, monkeypatch, capfd
        self.stands_for = dict(STANDS_FOR)

    def page(self, name, expected=None, before=None):
        ran = 0
        for command in commands(next(page for page in PAGES if page.name == name)):
            if command in NOT_RUN:
                continue
            (before or {}).get(command, lambda: None)()
            right = (expected or {}).get(command, {0})
            if NO_GPU in command.split():
                if _has_gpu():
                    continue
                right = {4}
            self.capfd.readouterr()
            status = self.run(command)
            told = "".join(self.capfd.readouterr())
            assert status in right, f"{command}: exit {status}\n{told[-3000:]}"
            if right == {4}:
                assert sum(line.startswith("ERROR") for line in told.splitlines()) == 1, told
                assert "Traceback" not in told
            ran += 1
        return ran

    def exports_become_sounds(self):
        """What a run exported is the folder of files of the pages."""
        sounds = self.project.path / "sounds"
        (self.project.path / ".harness" / "takes").rename(sounds)
        for path in sounds.rglob("*.wav"):
            path.write_bytes(encode_wav(audio.resample(audio.load(path), 24_000)))

    def run(self, command):
        asked = f"{command} {SMALLER.get(command, '')}"
        for name, value in self.stands_for.items():
            asked = asked.replace(name, value)
        return self.of(shlex.split(asked))

    def of(self, words):
        if words[0] == "pytest":
            return int(self.project.runpytest_inprocess(*words[1:]).ret)
        if words[0] == "export":
            self.monkeypatch.setenv(*words[1].split("="))
            return 0
        if words[:2] == ["python3", "run.py"]:
            for name, value in {"set_up": lambda: None, "PYTHON": sys.executable, "ROOT": self.project.path}.items():
                self.monkeypatch.setattr(run_py, name, value)
            return run_py.main(words[2:])
        assert words[:2] == ["python", "-m"], words
        if words[2].startswith("benchmarks."):
            return self.benchmark(words[2], words[3:])
        if words[3:] == ["listen"]:
            return self.served([sys.executable, *words[1:]])
        if words[3] in {"accept", "diff", "audit", "estimate"}:
            words += ["--golden", "golden", "--corpus", "suites/corpus", "--gates-file", "suites/gates.toml"]
        return cli.main(words[3:])

    def benchmark(self, name, words):
        module = importlib.import_module(name)
        self.monkeypatch.setattr(sys, "argv", [name, *words])
        if hasattr(module, "bases"):  # the demonstration voice would speak for a minute
            spoken = [(utterance(id=f"short-{number:03d}"), speech(2.4, seed=number)) for number in (1, 2)]
            self.monkeypatch.setattr(module, "bases", lambda _: spoken)
        folders = [self.project.path / word for word in words[: module.main.__code__.co_argcount]]
        module.main(*folders)
        return 0

    def served(self, words):
        """The status of a command that serves until Ctrl-C, which it gets once it has said where."""
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, preexec_fn=_hears_ctrl_c)
        try:
            assert any("listen at http://127.0.0.1:" in line for line in process.stdout)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        assert "nobody's answers count" in said
        return process.returncode


def _hears_ctrl_c():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _has_gpu():
    import torch

    return torch.cuda.is_available()


@pytest.fixture
def runner(project, monkeypatch, capfd, spoken_here):
    return Runner(project, monkeypatch, capfd)


def test_what_is_not_run_stands_on_a_page_and_every_page_is_run():
    there = {command for page in PAGES for command in commands(page)}
    assert there.issuperset(NOT_RUN)
    assert there.issuperset(SMALLER)
    of_ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert all(name in of_ci for name, why in NOT_RUN.items() if why is OF_CI and name != ".ci/run")
    assert run_py.JOBS["test"][0][:2] == ["-m", "pytest"]
    assert {page.name for page in PAGES} == set(TESTED)


def of_readme(runner):
    assert runner.run("pytest suites/") == 0
    runner.exports_become_sounds()
    with running("vllm-omni") as stand_in:
        runner.stands_for["http://HOST:PORT"] = stand_in.url
        return runner.page("README.md")


def of_ci(runner):
    return runner.page("ci.md")


def of_extend(runner):
    """Without options in the ini file: the folder that `init` writes holds its own."""
    path = runner.project.path
    runner.project.makeini(PLUGIN)
    shown = files(ROOT / "docs" / "extend.md")

    def written():
        for name, text in shown.items():
            (path / name).write_text(text, encoding="utf-8")

    judged = {0, 1}
    return runner.page(
        "extend.md",
        {
            "pytest voice_gates/ --backend my_package.voice:MyVoice": {1},  # it only hums
            "pytest --suites shipped": judged,
            "pytest voice_gates/": judged,
        },
        {"pytest voice_gates/": written},
    )


def of_files(runner):
    path = runner.project.path
    assert runner.run("pytest suites/ --takes 3") == 0
    runner.exports_become_sounds()
    for name, text in files(ROOT / "docs" / "files.md").items():
        (path / name.replace("CORPUS", "more")).parent.mkdir(exist_ok=True)
        (path / name.replace("CORPUS", "more")).write_text(text, encoding="utf-8")
    few = "pytest suites/ --backend directory --model FOLDER"

    def voices():
        for voice in load_voices(shipped.VOICES)[:3]:
            write_voice(path / "voices", voice.id, audio.load(voice.path), voice.transcript, voice.language)

    too_many = {4}  # takes that nobody asked for
    return runner.page(
        "files.md",
        {few: too_many, f"{few} --sample-rate 16000": too_many},
        {"python -m harness calibrate --voices VOICES": voices},
    )


def of_gates(runner):
    from harness.lab import defects, power, word_calibration
    from harness.lab import speech as recorded_speech

    path, monkeypatch = runner.project.path, runner.monkeypatch
    monkeypatch.setattr(power, "DEFECTS", defects.DEFECTS[:2])
    monkeypatch.setattr(recorded_speech, "load_voices", lambda *_: load_voices(shipped.VOICES)[:1])
    voices = load_voices(shipped.VOICES)[:3]
    table = ["file,language,speaker,transcript"]
    for voice in voices:
        sound = audio.load(voice.path)
        for name, samples in ((voice.id, sound.samples), (f"{voice.id}-2", sound.samples[::-1])):
            enough = np.tile(samples, 2)[: round(7.5 * sound.sample_rate_hz)]  # for each length that is calibrated
            write_voice(path / "sounds", name, audio.Audio(enough, sound.sample_rate_hz))
            table.append(f"{name}.wav,{voice.language},{voice.id},{voice.transcript}")
    (path / "sounds" / "manifest.csv").write_text("\n".join(table), encoding="utf-8")

    table = ["file,language,speaker,transcript"]
    (path / "tones").mkdir()
    for number, one in enumerate(sentences()):
        (path / "tones" / f"{number}.wav").write_bytes(encode_wav(one.sound))
        table.append(f"{number}.wav,en,{one.speaker},{one.transcript}")
    (path / "tones" / "manifest.csv").write_text("\n".join(table), encoding="utf-8")
    monkeypatch.setattr(word_calibration, "MOST", 1)
    return runner.page("gates.md")


def of_release(runner):
    def answered():
        session = schema.read(runner.project.path / ".harness" / "listening" / "session.json", Session, "again")
        schema.write(runner.project.path / "ratings-Dana.json", answers(session, "Dana", Role.NEW))

    add = "python -m harness listen --page --add ratings-*.json"
    ran = runner.page("release.md", before={add: answered})
    path = runner.project.path
    assert (path / "golden" / "my_voice" / "short.json").is_file()
    assert (path / ".harness" / "listening" / "page" / "index.html").is_file()
    assert (path / ".harness" / "signature.json").is_file()
    return ran


def of_report(runner):
    assert runner.run("pytest suites/") == 0
    return runner.page("report.md")


def of_scale(runner):
    assert runner.run("pytest suites/ --takes 3") == 0
    assert runner.run("python -m harness accept short medium … --by NAME") == 0
    return runner.page("scale.md")


def of_systems(runner):
    path = runner.project.path
    (path / "bin").mkdir()
    program = path / "bin" / "mytts"
    program.write_text(MYTTS, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    runner.monkeypatch.setenv("PATH", f"{path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert runner.run("pytest suites/") == 0
    runner.exports_become_sounds()
    with running("vllm-omni") as stand_in:
        runner.stands_for |= {"http://HOST:PORT": stand_in.url, "http://127.0.0.1:8000": stand_in.url}
        ran = runner.page("systems.md")
        assert stand_in.seen()["keys"] == ["", "Bearer secret"]
    return ran


TESTED = {
    "README.md": (of_readme, 7),
    "ci.md": (of_ci, 1),
    "extend.md": (of_extend, 4),
    "files.md": (of_files, 7),
    "gates.md": (of_gates, 10),
    "release.md": (of_release, 17),
    "report.md": (of_report, 4),
    "scale.md": (of_scale, 2),
    "systems.md": (of_systems, 9),
}
"""By page: what prepares and runs its commands, and how many of them are run."""


@pytest.mark.parametrize("name", TESTED)
def test_the_commands_of_a_page_run_in_their_order(runner, name):
    of_page, many = TESTED[name]
    assert of_page(runner) == many
