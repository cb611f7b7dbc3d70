"""The pytest plugin: options, hooks in pytest's calling order, fixtures. It computes nothing.

A test in a module marked `suite("short")` that asks for `require` (or `take`) runs once for each utterance of that
corpus and each seed. What the selected tests need is generated once, before the first of them.
"""

import json
import os
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.backends import Backend
    from harness.corpus import Utterance
    from harness.metrics import Measurement
    from harness.plan import Run
    from harness.policy import Margin, Policy
    from harness.release import Judged
    from harness.report.manifest import Entry, Manifest
    from harness.take import Take


@dataclass(frozen=True, slots=True)
class _Option:
    flag: str
    default: str
    help: str
    metavar: str = "NAME"

    @property
    def name(self) -> str:
        return "harness_" + self.flag.removeprefix("--").replace("-", "_")


_OPTIONS = (
    _Option("--backend", "embedded", "system under test: embedded or directory"),
    _Option("--model", "", "folder of the system under test; for the directory backend, of its audio", "FOLDER"),
    _Option("--gates", "documented", "profile of gates.toml: documented or calibrated"),
    _Option("--gates-file", "", "another gates.toml than suites/gates.toml", "FILE"),
    _Option("--corpus", "", "another folder of corpus files than suites/corpus", "FOLDER"),
    _Option("--voices", "", "your own references instead of the shipped ones: name.wav + name.txt", "FOLDER"),
    _Option("--voices-language", "", "language code of voices that have no name.lang", "CODE"),
    _Option("--takes", "1", "takes of each utterance, one seed each; auto: as many as the comparison needs", "K"),
    _Option("--seed", "0", "the first seed", "N"),
    _Option("--chunks", "off", "generate texts beyond the token budget by sentence: off or sentence", "HOW"),
    _Option("--speaking-rate", "", "words a minute, where the backend takes a rate", "WPM"),
    _Option("--batch-size", "8", "takes generated in one go", "N"),
    _Option("--golden", "", "another folder of accepted baselines than golden", "FOLDER"),
    _Option("--golden-audio", "", "folder in which accept kept the accepted takes' audio", "FOLDER"),
    _Option("--out", ".harness", "folder for takes, references, report, run.json and junit.xml", "FOLDER"),
)

_RUN = pytest.StashKey["Run"]()
_MANIFEST = pytest.StashKey["Manifest"]()
_ENTRIES = pytest.StashKey["list[Entry]"]()
_COMPARED = pytest.StashKey["list[Entry]"]()
_RELEASE = pytest.StashKey["Judged"]()
_SEEN = pytest.StashKey[set[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("voice cloning release gate")
    group.addoption("--gpu", action="store_true", help="run on a CUDA GPU; without one the command is refused")
    for option in _OPTIONS:
        text = f"{option.help} (default: {option.default or 'none'})"
        group.addoption(option.flag, dest=option.name, metavar=option.metavar, help=text)
        parser.addini(option.name, f"default of {option.flag}", default=option.default)


def _value(config: pytest.Config, flag: str) -> str:
    name = _Option(flag, "", "").name
    given = config.getoption(name)
    return str(config.getini(name) if given is None else given)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "suite(name): the tests of this module judge takes of that corpus")
    config.addinivalue_line("markers", "slow: takes more than a second")
    if config.getoption("--gpu"):
        _refuse_without_gpu()
    if hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(_Reporter(config))
    if _targets_suites(config) and not config.option.collectonly and not config.option.xmlpath:
        config.option.xmlpath = str(_out(config) / "junit.xml")


def _refuse_without_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        raise pytest.UsageError(
            f"--gpu: torch {torch.__version__} has {built} and sees {torch.cuda.device_count()} CUDA devices; "
            "run on a machine with an NVIDIA GPU and a CUDA build of torch, or leave --gpu out"
        )


def _out(config: pytest.Config) -> Path:
    return Path(os.path.relpath(config.invocation_params.dir / _value(config, "--out")))


def _targets_suites(config: pytest.Config) -> bool:
    """Whether the command names the suites folder, something in it, or a folder around it."""
    suites = config.rootpath / "suites"
    named = [(config.invocation_params.dir / str(arg).split("::")[0]).resolve() for arg in config.args]
    return any(path.is_relative_to(suites) or suites.is_relative_to(path) for path in named)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Read everything that the user wrote, so that a mistake ends the run with one line before it begins."""
    if not _targets_suites(session.config):
        return
    with _Usage():
        run = _run(session.config)
        assert run.backend is not None
        assert run.voices
        corpus = _corpus_folder(session.config)
        for suite in sorted(path.stem for path in corpus.glob("*.toml")):
            _load(session.config, suite)


class _Usage:
    """Turns the package's usage errors into pytest's: one line, exit 4."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UsageError):
            raise pytest.UsageError(str(error)) from None


def _corpus_folder(config: pytest.Config) -> Path:
    from harness.corpus import SHIPPED

    given = _value(config, "--corpus")
    return config.invocation_params.dir / given if given else SHIPPED


def _load(config: pytest.Config, suite: str) -> "tuple[Utterance, ...]":
    from harness.corpus import load_corpus

    return load_corpus(suite, _corpus_folder(config))


def _run(config: pytest.Config) -> "Run":
    if _RUN not in config.stash:
        config.stash[_RUN] = _open_run(config)
        config.add_cleanup(config.stash[_RUN].close)
    return config.stash[_RUN]


def _open_run(config: pytest.Config) -> "Run":
    from harness import corpus, gates
    from harness.backends import BackendOptions
    from harness.plan import Run, Settings

    here = config.invocation_params.dir
    voices, gates_file, rate = (_value(config, flag) for flag in ("--voices", "--gates-file", "--speaking-rate"))
    chunked = _value(config, "--chunks")
    if chunked not in {"off", "sentence"}:
        raise UsageError(f"--chunks is {chunked!r}; off or sentence is needed")
    model = _value(config, "--model")
    backend = _value(config, "--backend")
    return Run(
        Settings(
            backend=backend,
            options=BackendOptions(
                model=str(here / model) if model and (here / model).exists() else model,
                gpu=bool(config.getoption("--gpu")),
                words_per_minute=_number("--speaking-rate", rate) if rate else None,
            ),
            profile=gates.load_profile(
                _value(config, "--gates"), backend, here / gates_file if gates_file else gates.SHIPPED
            ),
            out=_out(config),
            voices_folder=here / voices if voices else corpus.SHIPPED / "voices",
            voices_language=_value(config, "--voices-language"),
            first_seed=int(_number("--seed", _value(config, "--seed"), least=0, whole=True)),
            takes=_looks(config)[0],
            by_sentence=chunked == "sentence",
            batch_size=int(_number("--batch-size", _value(config, "--batch-size"), whole=True)),
        )
    )


def _policy(config: pytest.Config) -> "tuple[Policy, tuple[Margin, ...]]":
    from harness import policy

    given = _value(config, "--gates-file")
    return policy.load_policy(config.invocation_params.dir / given if given else policy.SHIPPED)


def _looks(config: pytest.Config) -> tuple[int, ...]:
    """Takes of each utterance after which the comparison looks; the first is what every test gets."""
    given = _value(config, "--takes")
    return _policy(config)[0].looks if given == "auto" else (int(_number("--takes", given, whole=True)),)


def _number(flag: str, given: str, least: float = 1, whole: bool = False) -> float:
    kind = "a whole number" if whole else "a number"
    try:
        value = int(given) if whole else float(given)
    except ValueError:
        raise UsageError(f"{flag} is {given!r}; {kind} of at least {least:g} is needed") from None
    if not value >= least:
        raise UsageError(f"{flag} is {given!r}; {kind} of at least {least:g} is needed")
    return value


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "utterance" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("suite")
    if mark is None:
        raise pytest.UsageError(f"{metafunc.definition.nodeid} asks for takes but its module has no suite(name) mark")
    with _Usage():
        metafunc.parametrize("utterance", _load(metafunc.config, *mark.args), ids=str)
        if "seed" in metafunc.fixturenames:
            metafunc.parametrize("seed", _run(metafunc.config).settings.seeds, ids=lambda seed: f"seed{seed}")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which takes the selected tests plan."""
    with _Usage():
        planned = {item.nodeid: takes for item in session.items if (takes := _planned_takes(item))}
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["harness_planned"] = planned
        session.config.workeroutput["harness_about"] = _about(session.config) if planned else {}
    elif planned:
        _manifest(session.config).planned |= {test: set(takes) for test, takes in planned.items()}
        _manifest(session.config).about = _about(session.config)


def _planned_takes(item: pytest.Item) -> list[tuple[str, int]]:
    """Utterance and seed of every take that a test needs; a comparison needs its whole suites."""
    return [(utterance.id, seed) for utterance, seed in _asked_takes(item)]


def _asked_takes(item: pytest.Item) -> "list[tuple[Utterance, int]]":
    params = getattr(getattr(item, "callspec", None), "params", {})
    if {"utterance", "seed"} <= params.keys():
        return [(params["utterance"], params["seed"])]
    if "not_worse" not in getattr(item, "fixturenames", ()):
        return []
    seeds = _run(item.config).settings.seeds
    return [(row, seed) for suite in _suites_of(item) for row in _load(item.config, suite) for seed in seeds]


def _suites_of(item: pytest.Item) -> tuple[str, ...]:
    """The suites that a test is about; of many, those that have a corpus."""
    mark = item.get_closest_marker("suite")
    if mark is None:
        raise UsageError(f"{item.nodeid} compares releases but its module has no suite(name) mark")
    if len(mark.args) == 1:
        return tuple(mark.args)
    return tuple(name for name in mark.args if (_corpus_folder(item.config) / f"{name}.toml").exists())


def _about(config: pytest.Config) -> dict[str, str]:
    run = _run(config)
    return {
        "backend": run.settings.backend,
        "system": run.backend.identity,
        "note": run.backend.note,
        "gates": run.settings.profile.name,
        "encoder": run.encoder.fingerprint,
        "voices": ", ".join(voice.id for voice in run.voices),
        "chunks": "sentence" if run.settings.by_sentence else "off",
    }


def _manifest(config: pytest.Config) -> "Manifest":
    from harness.report.manifest import Manifest

    return config.stash.setdefault(_MANIFEST, Manifest())


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Generate what the selected tests need, once, before the first of them."""
    asked = [take for item in getattr(session, "items", []) for take in _asked_takes(item)]
    if asked and not session.config.option.collectonly and not session.testsfailed:
        run = _run(session.config)
        with _Usage(), _progress(session.config) as advance:
            requests = {run.request(utterance, seed) for utterance, seed in dict.fromkeys(asked)}
            run.generate(requests, advance)
    return (yield)


class _progress:
    """A progress bar on a terminal, a line every tenth of the way elsewhere, nothing in an xdist worker."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __enter__(self) -> "Callable[[int, int, Take], None]":
        from rich.console import Console

        self._capture = self._config.pluginmanager.getplugin("capturemanager")
        if self._capture is not None:
            self._capture.suspend_global_capture(in_=True)
        self._console = Console(file=sys.stdout, quiet=hasattr(self._config, "workerinput"))
        self._bar: Any = None
        self._shown = 0
        return self._advance

    def _advance(self, done: int, of: int, take: "Take") -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        voice = f"{take.request.utterance.id} in the voice {take.request.reference.id}"
        if not self._console.is_terminal:
            if done == of or done * 10 // of > self._shown:
                self._shown = done * 10 // of
                self._console.print(f"takes {done}/{of}: {voice}", highlight=False)
            return
        if self._bar is None:
            columns = (
                TextColumn("takes"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
            )
            self._bar = Progress(*columns, console=self._console)
            self._bar.start()
            self._bar.add_task(voice, total=of)
        self._bar.update(self._bar.task_ids[0], completed=done, description=voice)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._capture is not None:
            self._capture.resume_global_capture()


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> "Run":
    """The run: its settings, its takes, its measurements."""
    return _run(request.config)


@pytest.fixture(scope="session")
def backend(run: "Run") -> "Backend":
    """The system under test, opened once a process."""
    return run.backend


@pytest.fixture
def take(run: "Run", utterance: "Utterance", seed: int, request: pytest.FixtureRequest) -> "Take":
    """The take of this utterance and seed; without audio where it could not be made."""
    found = run.take(run.request(utterance, seed))
    if _allure(request.config):
        from harness.report import allure

        allure.describe(utterance, found, run.settings.backend)
    return found


@pytest.fixture
def measurements(run: "Run", take: "Take") -> "dict[str, Measurement]":
    """Everything that is measured on the take, by metric name."""
    return run.measurements(take)


@pytest.fixture
def require(run: "Run", take: "Take", request: pytest.FixtureRequest) -> "Callable[..., None]":
    """`require(metric, …)` judges the take by every gate on these metrics; it fails once, listing all not PASS."""

    def judged(*metrics: str) -> None:
        __tracebackhide__ = True
        from harness.gates import Outcome
        from harness.report.manifest import entry, four_lines

        with _Usage():
            verdicts = run.judge(take, metrics)
        measured = run.measurements(take, speaker=not set(metrics) <= set(run.measurements(take, speaker=False)))
        found = entry(
            take, {name: measured[name] for name in metrics if name in measured}, verdicts, run.store.export(take)
        )
        request.node.stash.setdefault(_ENTRIES, []).append(found)
        for name, one in found["measurements"].items():
            request.node.user_properties.append((name, f"{one['value']} {one['unit']}"))
        against = [
            four_lines(found, verdict)
            for verdict in found["verdicts"]
            if verdict["outcome"] in {"FAIL", "INCONCLUSIVE"}
        ]
        _attach(request, take, found, bool(against))
        if against:
            pytest.fail("\n".join(against), pytrace=False)
        if all(verdict.outcome == Outcome.REFUSED for verdict in verdicts):
            pytest.skip("not judged: " + "; ".join(f"{verdict.gate.name}: {verdict.reason}" for verdict in verdicts))

    return judged


@pytest.fixture
def not_worse(run: "Run", request: pytest.FixtureRequest) -> "Callable[..., None]":
    """`not_worse()` compares a suite with the accepted release; `not_worse("voices")`, `not_worse("lost")` all suites.

    It fails once, listing every comparison that is not PASS.
    """

    def compared(question: str = "") -> None:
        __tracebackhide__ = True
        from harness.report.manifest import four_lines

        suites = _suites_of(request.node)
        with _Usage():
            judged = _release(request.config, request.session.items)
        mine = [one for one in judged.comparisons if _answers(one, question, suites)]
        request.node.stash[_ENTRIES] = [] if question else [one for name in suites for one in judged.takes[name]]
        request.node.stash[_COMPARED] = mine
        against = [four_lines(one, one) for one in mine if one["outcome"] in {"FAIL", "INCONCLUSIVE"}]
        if against or not mine:
            pytest.fail("\n".join(against) or "nothing was compared: gates.toml has no [[margin]]", pytrace=False)
        if all(one["outcome"] == "REFUSED" for one in mine):
            pytest.skip("not compared: " + "; ".join(one["reason"] for one in mine))

    return compared


def _answers(one: "Entry", question: str, suites: tuple[str, ...]) -> bool:
    """Whether a comparison belongs to a test; what could not be asked of the whole belongs to all who ask of it."""
    stratum = one["stratum"]
    if not question:
        return stratum in {f"suite {name}" for name in suites}
    return stratum.startswith("voice ") if question == "voices" and one["metric"] else bool(stratum == "all")


def _release(config: pytest.Config, items: list[pytest.Item]) -> "Judged":
    """The comparison of the whole run, made once a process: its error rate is over all of it together."""
    if _RELEASE not in config.stash:
        from harness import golden
        from harness.release import Asked, judge_release

        comparing = [item for item in items if "not_worse" in getattr(item, "fixturenames", ())]
        strata = {_suites_of(item): item.get_closest_marker("suite") for item in comparing}
        policy, margins = _policy(config)
        whole = any(mark is not None and len(mark.args) > 1 for mark in strata.values())
        suites = tuple(sorted({suites[0] for suites, mark in strata.items() if mark and len(mark.args) == 1}))
        every = sorted({name for names in strata for name in names})
        given = _value(config, "--golden")
        config.stash[_RELEASE] = judge_release(
            _run(config),
            {name: _load(config, name) for name in every},
            Asked(suites, whole, policy, margins, _looks(config)),
            config.invocation_params.dir / given if given else golden.SHIPPED,
            _about(config),
        )
    return config.stash[_RELEASE]


def _allure(config: pytest.Config) -> bool:
    return bool(config.getoption("allure_report_dir", default=None))


def _attach(request: pytest.FixtureRequest, take: "Take", found: "Entry", failed: bool) -> None:
    """The first test of a take carries its audio, and every test that fails."""
    if not _allure(request.config):
        return
    from harness.report import allure

    seen = request.config.stash.setdefault(_SEEN, set())
    allure.attach_verdicts(found)
    if failed or take.request.digest not in seen:
        allure.attach_audio(take, Path(found["listen"]) if found["listen"] else None)
    seen.add(take.request.digest)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what a test found along with its report, which also crosses from an xdist worker."""
    report = yield
    called = report.when == "call"
    report.harness = item.stash.get(_ENTRIES, []) if called else []  # type: ignore[attr-defined]
    report.harness_compared = item.stash.get(_COMPARED, []) if called else []  # type: ignore[attr-defined]
    return report


def _how_it_ended(report: pytest.TestReport) -> str:
    """One line: the message of the exception, the reason of the skip, or what xdist says of a crashed worker."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr).strip().partition("\n")[0]


class _Reporter:
    """Lives where every test's report arrives: in the one process, or in xdist's controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        manifest = _manifest(self._config)
        found: list[Entry] = getattr(report, "harness", [])
        for one in found:
            manifest.add(report.nodeid, one)
        compared: list[Entry] = getattr(report, "harness_compared", [])
        if compared:
            manifest.ended.add(report.nodeid)
            manifest.comparisons += [one for one in compared if one not in manifest.comparisons]
        if not found and not compared and (report.failed or report.skipped):
            manifest.ended_without_verdict[report.nodeid] = _how_it_ended(report)
            if report.failed:
                manifest.failed.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """An xdist worker has ended: take in what it had planned."""
        sent = getattr(node, "workeroutput", {})
        manifest = _manifest(self._config)
        manifest.planned |= {
            test: {(name, seed) for name, seed in takes} for test, takes in sent.get("harness_planned", {}).items()
        }
        manifest.about = manifest.about or sent.get("harness_about", {})

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        manifest = _manifest(self._config)
        if not manifest.planned or self._config.option.collectonly:
            return
        from harness import history
        from harness.audio import write_atomically
        from harness.gates import Outcome
        from harness.report import page

        out = _out(self._config)
        noted = manifest.as_json()
        history.append(out / "history.jsonl", history.of_run(noted))
        document = json.dumps(noted, ensure_ascii=False, indent=1) + "\n"
        write_atomically(out / "run.json", document.encode())
        page.write(manifest, out / "report.html")
        if session.exitstatus == pytest.ExitCode.OK and manifest.verdict != Outcome.PASS:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        manifest = _manifest(self._config)
        if not manifest.planned or self._config.option.collectonly:
            return
        from harness.report.terminal import summary

        terminalreporter.section("may it go out?")
        for line in summary(manifest, str(_out(self._config) / "report.html")):
            terminalreporter.write_line(line)
