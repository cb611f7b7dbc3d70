#!/usr/bin/env python3
"""Set up the environment and run one thing in it.

python3 run.py gate [pytest options]    judge the system under test: pytest suites/
python3 run.py test [pytest options]    judge the judge: the harness's own tests
python3 run.py core [pytest options]    of those only what decides: texts, records, gates, comparison; half a minute
python3 run.py check                    lint, types and the import contract

The environment is .venv beside this file. It is made on first use and again whenever pyproject.toml changes.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
CORE = ["text", "cloning", "records", "decision"]
JOBS = {
    "gate": [["-m", "pytest", "suites/"]],
    # In the order of tests/conftest.py, not by the number of a file's tests, which says little of how long they take.
    "test": [["-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]],
    "core": [
        ["-m", "pytest", "-n", "2", "--dist", "loadfile", "-m", "not slow and not browser"]
        + [f"{place}/{room}" for room in CORE for place in ("tests", "harness")]
    ],
    "check": [
        ["-m", "ruff", "format", "--check", "."],
        ["-m", "ruff", "check", "."],
        ["-m", "mypy"],
        ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
    ],
}


def set_up() -> None:
    """Make .venv what pyproject.toml asks for; nothing happens where it is that already."""
    wanted = hashlib.sha256(
        (ROOT / "pyproject.toml").read_bytes() + sys.version.encode() + str(ROOT).encode()
    ).hexdigest()
    stamp = VENV / "is-set-up"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("setting up .venv, once (torch alone is 0.2 to 5 GB) ...", flush=True)
    venv.create(VENV, with_pip=True, clear=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    # uv, because it can leave out two packages that resemblyzer asks for by mistake, and because it is fast.
    subprocess.run([*pip, "install", "--quiet", "uv"], check=True)
    environment = {**os.environ, **pip_sources(pip), "VIRTUAL_ENV": str(VENV)}
    command = [str(PYTHON), "-m", "uv", "pip", "install", "--quiet", "--editable", ".[dev]"]
    subprocess.run(command, check=True, cwd=ROOT, env=environment)
    stamp.write_text(wanted)


def pip_sources(pip: list[str]) -> dict[str, str]:
    """Where pip has been told to look, in uv's words: uv does not read pip's configuration."""
    listing = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=True).stdout
    settings = dict(line.split("=", 1) for line in listing.splitlines() if "=" in line)
    found = {key.rsplit(".", 1)[-1]: ",".join(value.strip("'\"").split()) for key, value in settings.items()}
    names = {"find-links": "UV_FIND_LINKS", "index-url": "UV_DEFAULT_INDEX"}
    return {names[key]: value for key, value in found.items() if key in names and names[key] not in os.environ}


def main(arguments: list[str]) -> int:
    """Set up, then run; the exit status is that of the first command that fails, else 0."""
    if not arguments or arguments[0] not in JOBS:
        print(__doc__)
        return 4
    # ruff thinks the oldest supported Python is the oldest that can meet this file; users' machines know better.
    if sys.version_info < (3, 11):  # noqa: UP036
        print(f"Python {sys.version.split()[0]} runs this; 3.11 or later is needed: call it with python3.11 or newer")
        return 4
    try:
        set_up()
    except subprocess.CalledProcessError as error:
        print(f"setting up .venv failed: {' '.join(error.cmd[1:4])} ended with status {error.returncode}, see above")
        return 3
    # Without compiled bytecode every process would compile torch's sources anew.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PATH"] = f"{SCRIPTS}{os.pathsep}{environment.get('PATH', '')}"
    for command in JOBS[arguments[0]]:
        status = subprocess.call([str(PYTHON), *command, *arguments[1:]], cwd=ROOT, env=environment)
        if status:
            return status
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
