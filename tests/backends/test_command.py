import asyncio
import shlex
import sys
import time
from pathlib import Path

import pytest

from harness.backends import BackendOptions
from harness.backends.command import CommandBackend, filled, run, template
from harness.backends.outside import LateError
from harness.errors import BackendError, UsageError

PYTHON = shlex.quote(sys.executable)
WHOLE = f"{PYTHON} say.py {{text}} {{reference}} {{out}}"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "needs a command line"),
        (f"{PYTHON} 'x", "no command line .*mend its quotes"),
        (f"{PYTHON} {{text}} {{out}}", r"has no \{reference\}, a WAV of the voice"),
        (f"{PYTHON} {{reference}} {{out}}", r"has no \{text\} or \{text_file\}"),
        (f"{PYTHON} {{text}} {{reference}}", r"has no \{out\}"),
        (f"{PYTHON} {{text}} {{reference}} {{out}} {{sead}}", r"names \{sead\}; there are text, text_file"),
        ("no-such-tts {text} {reference} {out}", "'no-such-tts', which is no program here"),
    ],
)
def test_a_line_that_cannot_ask_for_a_clone_is_a_wrong_command(line, complaint):
    with pytest.raises(UsageError, match=complaint):
        template(line)


def test_no_shell_and_no_second_filling():
    words = template(f"{PYTHON} -c '$(x); {{text}}' {{reference}} {{out}}")
    values = {"text": "{out} `rm` $HOME 'q' %s", "reference": "r", "out": "o"}
    assert filled(words, values) == [sys.executable, "-c", "$(x); {out} `rm` $HOME 'q' %s", "r", "o"]
    assert filled(["{json: 1}"], {}) == ["{json: 1}"]


def told(code, until=10.0):
    return asyncio.run(run([sys.executable, "-c", code], time.monotonic() + until))


def test_a_program_that_ends_well_says_what_it_said_last():
    assert told("print('a' * 100_000); import sys; print('last', file=sys.stderr)").endswith("last")


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import sys; print('why', file=sys.stderr); sys.exit(7)", "ended with exit code 7; it said last: why"),
        ("import os; os.kill(os.getpid(), 11)", "was ended by signal 11"),
    ],
)
def test_a_program_that_fails_says_why(code, complaint):
    with pytest.raises(BackendError, match=complaint):
        told(code)


def test_its_time_over_it_is_ended_with_all_that_it_started(tmp_path):
    alive = tmp_path / "alive"
    grandchild = f"import time\\nwhile True: open({str(alive)!r}, 'a').write('x'); time.sleep(0.02)"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', \"{grandchild}\"]); time.sleep(60)"
    with pytest.raises(LateError, match=r"no end of .* within 0\.[56] s; --generation-timeout"):
        told(code, until=0.6)
    time.sleep(0.1)
    size = alive.stat().st_size if alive.exists() else 0
    time.sleep(0.15)
    assert (alive.stat().st_size if alive.exists() else 0) == size


def test_a_program_that_leaves_somebody_behind_ends_all_the_same(tmp_path):
    began = time.monotonic()
    told("import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])")
    assert time.monotonic() - began < 5


def test_what_cannot_be_started_says_so():
    with pytest.raises(BackendError, match="could not be started"):
        asyncio.run(run(["/", "x"], time.monotonic() + 1))
    with pytest.raises(BackendError, match="could not be started"):
        asyncio.run(run([sys.executable, "a\0b"], time.monotonic() + 1))


def identity(line, **options):
    return CommandBackend(BackendOptions(model=line, **options)).identity


def test_another_script_or_model_folder_is_another_system(tmp_path):
    script, model = tmp_path / "say.py", tmp_path / "model"
    script.write_text("1")
    model.mkdir()
    (model / "weights").write_bytes(b"1")
    line = f"{PYTHON} {script} --model {model} {{text}} {{reference}} {{out}}"
    seen = {identity(line), identity(line, revision="b"), identity(line.replace("--model", "-m"))}
    script.write_text("2")
    seen.add(identity(line))
    (model / "weights").write_bytes(b"12")
    seen.add(identity(line))
    assert len(seen) == 5
    assert identity(line) in seen


def test_a_long_line_is_no_path(tmp_path):
    from harness.backends.options import OPTIONS, read

    line = WHOLE + " x" * 300
    values = {option.flag: option.default for option in OPTIONS} | {"--model": line}
    assert read(values.__getitem__, lambda flag: False, Path(tmp_path), 0).model == line
