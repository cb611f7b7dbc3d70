"""What can be asked for: the options, each also a line of configuration, and how they are read."""

import os
import shlex
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from harness.backends import gpu, options
from harness.backends.options import Option
from harness.errors import UsageError
from harness.shipped import SuitesFolder, suites_at

if TYPE_CHECKING:
    from harness.decision.policy import Margin, Policy

_OPTIONS = (
    *options.OPTIONS,
    Option("--suites", "", "judge by this suites folder, wherever pytest runs: shipped, or a folder", "FOLDER"),
    Option("--gates", "documented", "profile of gates.toml: documented or calibrated"),
    Option("--require", "", "what the run must have been judged by, or it is INCONCLUSIVE: whole,words,…", "NAMES"),
    Option("--gates-file", "", "another gates.toml than that of the suites folder", "FILE"),
    Option("--corpus", "", "another folder of corpus files than that of the suites folder", "FOLDER"),
    Option("--voices", "", "other references than those of the suites folder: name.wav + name.txt", "FOLDER"),
    Option("--voices-language", "", "language code of voices that have no name.lang", "CODE"),
    Option("--asr", "", "speech recogniser, any transformers CTC or encoder-decoder model", "FOLDER_OR_HUB_ID"),
    Option("--asr-2", "", "a second recogniser, judged by gates of its own", "FOLDER_OR_HUB_ID"),
    Option("--takes", "1", "takes of each utterance, one seed each; auto: as many as the comparison needs", "K"),
    Option("--seed", "0", "the first seed", "N"),
    Option("--chunks", "off", "generate texts beyond the token budget by sentence: off or sentence", "HOW"),
    Option("--speaker-encoder", "resemblyzer", "resemblyzer, or an x-vector model of transformers", "DIR_OR_HUB_ID"),
    Option(
        "--background", "", "speakers who are no reference: a folder or sound file each; else the shipped", "FOLDER"
    ),
    Option("--speech-quality", "off", "advisory opinion score by a predictor: off or distillmos", "NAME"),
    Option("--cluster", "", "speak on every GPU of a Ray cluster: its address, or local", "ADDRESS"),
    Option("--golden", "", "another folder of accepted baselines", "FOLDER"),
    Option("--golden-audio", "", "folder in which accept kept the accepted takes' audio", "FOLDER"),
    Option("--per", "take", "an Allure test for each take, with its gates as steps, or for each criterion", "WHAT"),
    Option("--out", ".harness", "folder for takes, references, report, run.json and junit.xml", "FOLDER"),
)


_FOLDER = pytest.StashKey[SuitesFolder | None]()
_DEVICE = pytest.StashKey[tuple[int, FileLock]]()
_POLICY = pytest.StashKey["tuple[Policy, tuple[Margin, ...]]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("voice cloning release gate")
    group.addoption(
        "--partial", action="store_true", help="a part of the release that passes ends with exit 0, also in CI"
    )
    for switch in options.SWITCHES:
        group.addoption(switch.flag, action="store_true", help=switch.help)
    for option in _OPTIONS:
        text = f"{option.help} (default: {option.default or 'none'})"
        group.addoption(option.flag, dest=option.name, metavar=option.metavar, help=text)
        parser.addini(option.name, f"default of {option.flag}", default=option.default)


def value(config: pytest.Config, flag: str) -> str:
    name = Option(flag, "", "").name
    given = config.getoption(name)
    return str(config.getini(name) if given is None else given)


def is_given(config: pytest.Config, flag: str) -> bool:
    """Whether somebody gave a value, on the command line or in the ini file."""
    option = next(option for option in _OPTIONS if option.flag == flag)
    return bool(config.getoption(option.name)) or config.getini(option.name) != option.default


def given_flags(config: pytest.Config) -> list[str]:
    """The flags of the system under test that somebody gave, on the command line or in the ini file."""
    in_ini = {option.flag for option in options.OPTIONS if config.getini(option.name) != option.default}
    typed = {option.flag for option in options.OPTIONS if config.getoption(option.name)}
    return sorted(in_ini | typed | {switch.flag for switch in options.SWITCHES if config.getoption(switch.flag)})


def worker_number(config: pytest.Config) -> int:
    """An xdist worker's number, from gw0; a worker that takes a dead one's place has the next number."""
    return int(getattr(config, "workerinput", {}).get("workerid", "gw0").removeprefix("gw"))


def share_of(config: pytest.Config) -> tuple[int, int]:
    """Which of the processes that share the takes this one is, from 0, and of how many."""
    processes = int(getattr(config, "workerinput", {}).get("workercount", 1))
    return worker_number(config) % processes, processes


def device_number(config: pytest.Config) -> int:
    """The CUDA device of this process: the first, or the one that a worker has to itself."""
    if not (config.getoption("--gpu") and is_worker(config)):
        return 0
    if _DEVICE not in config.stash:
        import torch

        number = worker_number(config)
        config.stash[_DEVICE] = gpu.claim(out_folder(config) / "store" / "locks", number, torch.cuda.device_count())
    return config.stash[_DEVICE][0]


def out_folder(config: pytest.Config) -> Path:
    return Path(os.path.relpath(config.invocation_params.dir / value(config, "--out")))


def suites_folder(config: pytest.Config) -> SuitesFolder | None:
    """The suites folder that the command is about; None where its tests judge no release.

    Raises:
        UsageError: The command names two, or one that is none.
    """
    if _FOLDER not in config.stash:
        config.stash[_FOLDER] = _suites_folder(config)
    return config.stash[_FOLDER]


def _suites_folder(config: pytest.Config) -> SuitesFolder | None:
    given = value(config, "--suites")
    if given == "shipped":
        return SuitesFolder()
    if given:
        found = suites_at((config.invocation_params.dir / given).resolve())
        if found is None:
            raise UsageError(f"--suites is {given!r}; shipped, or a folder with gates.toml and corpus/ is needed")
        return found
    named = [(config.invocation_params.dir / str(arg).split("::")[0]).resolve() for arg in config.args]
    folders = {folder.path: folder for path in named if (folder := suites_at(path)) is not None}
    if len(folders) > 1:
        raise UsageError(f"the command names {len(folders)} suites folders ({', '.join(map(str, folders))}): name one")
    return next(iter(folders.values()), None)


def judged_by(config: pytest.Config) -> SuitesFolder:
    """The suites folder whose gates, corpus and voices hold where no option names others."""
    return suites_folder(config) or SuitesFolder()


def targets_suites(config: pytest.Config) -> bool:
    """Whether the command names a suites folder, something in it, or a folder around it."""
    with PlainUsage():
        return suites_folder(config) is not None


def targets_all_suites(config: pytest.Config) -> bool:
    """Whether it names the whole of it."""
    folder = suites_folder(config)
    named = [(config.invocation_params.dir / str(arg)).resolve() for arg in config.args]
    return folder is not None and any(folder.path.is_relative_to(path) for path in named)


class PlainUsage:
    """Turns the package's usage errors into pytest's: one line, exit 4."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UsageError):
            raise pytest.UsageError(str(error)) from None


def corpus_folder(config: pytest.Config) -> Path:
    given = value(config, "--corpus")
    return (config.invocation_params.dir / given).resolve() if given else judged_by(config).corpus


def gates_path(config: pytest.Config) -> Path:
    given = value(config, "--gates-file")
    return config.invocation_params.dir / given if given else judged_by(config).gates


def policy_of(config: pytest.Config) -> "tuple[Policy, tuple[Margin, ...]]":
    """How the release is compared, read once: many ask for it."""
    from harness.decision import policy

    if _POLICY not in config.stash:
        config.stash[_POLICY] = policy.load_policy(gates_path(config))
    return config.stash[_POLICY]


def required_by_policy(config: pytest.Config) -> tuple[str, ...]:
    """What the run must have been judged by: of gates.toml, and of the command."""
    from harness.decision import requirements

    more = [name.strip() for name in value(config, "--require").split(",")]
    return requirements.load(gates_path(config), filter(None, more))


def looks(config: pytest.Config) -> tuple[int, ...]:
    """Takes of each utterance after which the comparison looks; the first is what every test gets."""
    given = value(config, "--takes")
    if given == "auto":
        return policy_of(config)[0].looks
    return (int(options.number("--takes", given, 1, whole=True)),)


_OF_ACCEPT = {"--out", "--golden", "--corpus", "--gates-file", "--golden-audio"}
_SELECTS = {"--takes", "--seed", "-k", "-m", "--deselect", "--per", "--alluredir"}
_NOT_AGAIN = {*_SELECTS, "-q", "-v", "-x", "--partial"}
_WITH_VALUE = {*_OF_ACCEPT, *_SELECTS}


def commands(config: pytest.Config) -> tuple[str, str]:
    """This command for the whole release with three takes of each text, and what `accept` needs of its options."""
    given = [str(arg) for arg in config.invocation_params.args]
    given = getattr(config, "workerinput", {}).get("mainargv", ["", *given])[1:]
    again: list[str] = []
    passed_on: list[str] = []
    arguments = iter(given)
    for arg in arguments:
        flag, inline, _ = arg.partition("=")
        with_value = [arg] if inline or flag not in _WITH_VALUE else [arg, *islice(arguments, 1)]
        if flag not in _NOT_AGAIN:
            again += with_value
        if flag in _OF_ACCEPT:
            passed_on += with_value
    return shlex.join(["pytest", *again, "--takes", "3"]), "".join(f" {shlex.quote(one)}" for one in passed_on)


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def writes_allure(config: pytest.Config) -> bool:
    return bool(config.getoption("allure_report_dir", default=None))


def allure_folder(config: pytest.Config) -> Path:
    return config.invocation_params.dir / str(config.getoption("allure_report_dir"))


def is_per_take(config: pytest.Config) -> bool:
    """Whether Allure gets a test for each take, and not for each criterion that judged one."""
    given = value(config, "--per")
    if given not in {"take", "criterion"}:
        raise UsageError(f"--per is {given!r}; take or criterion is needed")
    return given == "take"
