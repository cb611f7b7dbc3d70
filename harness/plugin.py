"""The pytest plugin: options, hooks in pytest's calling order, fixtures. It computes nothing.

A test in a module marked `suite("short")` that asks for `require` (or `take`) runs once for each utterance of that
corpus and each seed. What the selected tests need is generated once, before the first of them.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.backends import options
from harness.backends.options import Option
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.backends import Backend
    from harness.corpus import Utterance
    from harness.metrics import Measurement
    from harness.plan import Run
    from harness.policy import Margin, Policy
    from harness.release import Judged
    from harness.report.journal import Journal
    from harness.report.manifest import Entry, Manifest
    from harness.report.progress import Progress
    from harness.take import Take


_OPTIONS = (
    *options.OPTIONS,
    Option("--gates", "documented", "profile of gates.toml: documented or calibrated"),
    Option("--gates-file", "", "another gates.toml than suites/gates.toml", "FILE"),
    Option("--corpus", "", "another folder of corpus files than suites/corpus", "FOLDER"),
    Option("--voices", "", "your own references instead of the shipped ones: name.wav + name.txt", "FOLDER"),
    Option("--voices-language", "", "language code of voices that have no name.lang", "CODE"),
    Option("--asr", "", "speech recogniser, any transformers CTC or encoder-decoder model", "FOLDER_OR_HUB_ID"),
    Option("--asr-2", "", "a second recogniser, judged by gates of its own", "FOLDER_OR_HUB_ID"),
    Option("--takes", "1", "takes of each utterance, one seed each; auto: as many as the comparison needs", "K"),
    Option("--seed", "0", "the first seed", "N"),
    Option("--chunks", "off", "generate texts beyond the token budget by sentence: off or sentence", "HOW"),
    Option("--speaker-encoder", "resemblyzer", "resemblyzer, or an x-vector model of transformers", "DIR_OR_HUB_ID"),
    Option("--batch-size", "8", "takes generated in one go", "N"),
    Option("--golden", "", "another folder of accepted baselines than golden", "FOLDER"),
    Option("--golden-audio", "", "folder in which accept kept the accepted takes' audio", "FOLDER"),
    Option("--out", ".harness", "folder for takes, references, report, run.json and junit.xml", "FOLDER"),
)

_RUN = pytest.StashKey["Run"]()
_JOURNAL = pytest.StashKey["Journal"]()
_ENTRIES = pytest.StashKey["list[Entry]"]()
_COMPARED = pytest.StashKey["list[Entry]"]()
_RELEASE = pytest.StashKey["Judged"]()
_SEEN = pytest.StashKey[set[str]]()
_PYTESTS_REPORTCHARS = "fE"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("voice cloning release gate")
    for switch in options.SWITCHES:
        group.addoption(switch.flag, action="store_true", help=switch.help)
    for option in _OPTIONS:
        text = f"{option.help} (default: {option.default or 'none'})"
        group.addoption(option.flag, dest=option.name, metavar=option.metavar, help=text)
        parser.addini(option.name, f"default of {option.flag}", default=option.default)


def _value(config: pytest.Config, flag: str) -> str:
    name = Option(flag, "", "").name
    given = config.getoption(name)
    return str(config.getini(name) if given is None else given)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "suite(name): the tests of this module judge takes of that corpus")
    config.addinivalue_line("markers", "slow: takes more than a second")
    config.addinivalue_line("markers", "browser: opens the report in headless Chromium")
    if config.getoption("--gpu"):
        _refuse_without_gpu(workers=len(getattr(config.option, "tx", None) or ()))
    if _is_worker(config):
        return
    config.pluginmanager.register(_Reporter(config))
    if _targets_suites(config) and not config.option.collectonly:
        config.option.xmlpath = config.option.xmlpath or str(_out(config) / "junit.xml")
        if config.option.reportchars == _PYTESTS_REPORTCHARS:
            config.option.reportchars = ""  # the summary names what blocks; a list of all tests would hide it


def _refuse_without_gpu(workers: int) -> None:
    import torch

    devices = torch.cuda.device_count()
    if not torch.cuda.is_available():
        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        raise pytest.UsageError(
            f"--gpu: torch {torch.__version__} has {built} and sees {devices} CUDA devices; "
            "run on a machine with an NVIDIA GPU and a CUDA build of torch, or leave --gpu out"
        )
    if workers > devices:
        raise pytest.UsageError(
            f"--gpu: {workers} workers for {devices} CUDA devices; each worker needs one of its own: give -n {devices}"
        )


def _device_number(config: pytest.Config) -> int:
    """An xdist worker has the device of its own number, gw0, gw1 and so on."""
    return int(getattr(config, "workerinput", {}).get("workerid", "gw0").removeprefix("gw"))


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
        assert all(found.fingerprint for found in run.recognizers.values() if found is not None)
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
    from harness.plan import Run, Settings

    def value(flag: str) -> str:
        return _value(config, flag)

    def whole(flag: str, least: int = 1) -> int:
        return int(options.number(flag, value(flag), least, whole=True))

    here = config.invocation_params.dir
    voices, gates_file = value("--voices"), value("--gates-file")
    if value("--chunks") not in {"off", "sentence"}:
        raise UsageError(f"--chunks is {value('--chunks')!r}; off or sentence is needed")
    system = options.read(value, lambda flag: bool(config.getoption(flag)), here, _device_number(config))
    backend = options.backend_name(value, system.gpu)
    return Run(
        Settings(
            backend=backend,
            options=system,
            profile=gates.load_profile(value("--gates"), backend, here / gates_file if gates_file else gates.SHIPPED),
            out=_out(config),
            voices_folder=here / voices if voices else corpus.SHIPPED / "voices",
            voices_language=value("--voices-language"),
            first_seed=whole("--seed", least=0),
            takes=_looks(config)[0],
            by_sentence=value("--chunks") == "sentence",
            asr=_folder_or_name(here, value("--asr")),
            asr_2=_folder_or_name(here, value("--asr-2")),
            batch_size=whole("--batch-size"),
            speaker_encoder=value("--speaker-encoder"),
            sampling=options.sampling(value),
            budget=options.budget(value),
        )
    )


def _policy(config: pytest.Config) -> "tuple[Policy, tuple[Margin, ...]]":
    from harness import policy

    given = _value(config, "--gates-file")
    return policy.load_policy(config.invocation_params.dir / given if given else policy.SHIPPED)


def _looks(config: pytest.Config) -> tuple[int, ...]:
    """Takes of each utterance after which the comparison looks; the first is what every test gets."""
    given = _value(config, "--takes")
    if given == "auto":
        return _policy(config)[0].looks
    return (int(options.number("--takes", given, 1, whole=True)),)


def _folder_or_name(here: Path, given: str) -> str:
    """A model as given; a folder is found from where the command was typed."""
    return str(here / given) if given and (here / given).exists() else given


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
    """Note which takes the selected tests plan, on disk, so that a killed run is known to be one."""
    with _Usage():
        asked = {item.nodeid: takes for item in session.items if (takes := _asked_takes(item))}
    planned = {test: [(utterance.id, seed) for utterance, seed in takes] for test, takes in asked.items()}
    if planned and not session.config.option.collectonly:
        journal = _journal(session.config)
        if not journal.open and not _is_worker(session.config):
            journal.begin()
        journal.add(planned=planned, about=_about(session.config))


def _asked_takes(item: pytest.Item) -> "list[tuple[Utterance, int]]":
    """Utterance and seed of every take that a test needs; a comparison needs its whole suites."""
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
        **{opinion.option: found.fingerprint if found else "none" for opinion, found in run.recognizers.items()},
        "voices": ", ".join(voice.id for voice in run.voices),
        "chunks": "sentence" if run.settings.by_sentence else "off",
        "commit": os.environ.get("GITHUB_SHA", ""),
    }


def _journal(config: pytest.Config) -> "Journal":
    from harness.report.journal import Journal

    return config.stash.setdefault(_JOURNAL, Journal(_out(config)))


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Generate what the selected tests need, once, before the first of them."""
    asked = [take for item in getattr(session, "items", []) for take in _asked_takes(item)]
    if asked and not session.config.option.collectonly and not session.testsfailed:
        run = _run(session.config)
        with _Usage(), _terminable(), _progress(session.config) as progress:
            requests = [run.request(utterance, seed) for utterance, seed in dict.fromkeys(asked)]
            run.generate(requests, progress)
    return (yield)


@contextmanager
def _terminable() -> Generator[None]:
    """A request to terminate ends a generation like Ctrl-C: what is finished is kept, the device is freed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(config: pytest.Config) -> "Iterator[Progress]":
    from harness.report.progress import Progress

    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend_global_capture(in_=True)
    progress = Progress(sys.stdout, quiet=_is_worker(config))
    try:
        yield progress
    finally:
        progress.close()
        if capture is not None:
            capture.resume_global_capture()


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
        from harness.metrics import advisory
        from harness.report.manifest import AGAINST, entry, four_lines, properties

        with _Usage():
            verdicts = run.judge(take, metrics)
        measured = run.measurements(take, metrics)
        out = run.settings.out
        kept = {name: measured[name] for name in (*metrics, *advisory(metrics)) if name in measured}
        found = entry(take, kept, verdicts, run.store.export(take), out)
        request.node.stash.setdefault(_ENTRIES, []).append(found)
        request.node.user_properties += properties(found)
        against = [four_lines(found, verdict, out) for verdict in found["verdicts"] if verdict["outcome"] in AGAINST]
        _attach(request, found, out, bool(against))
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
        out = run.settings.out
        against = [four_lines(one, one, out) for one in mine if one["outcome"] in {"FAIL", "INCONCLUSIVE"}]
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


def _attach(request: pytest.FixtureRequest, found: "Entry", out: Path, failed: bool) -> None:
    """The first test of a take carries its audio, and every test that fails."""
    if not _allure(request.config):
        return
    from harness.report import allure

    seen = request.config.stash.setdefault(_SEEN, set())
    if failed or found["digest"] not in seen:
        allure.attach_take(found, out)
    seen.add(found["digest"])
    allure.attach_verdicts(found, out, request.node.originalname)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what a test found along with its report, which also crosses from an xdist worker."""
    report = yield
    found: list[Entry] = item.stash.get(_ENTRIES, []) if report.when == "call" else []
    of_the_test = report.when == "call" and (
        call.excinfo is None or isinstance(call.excinfo.value, AssertionError | pytest.fail.Exception)
    )
    report.harness = {  # type: ignore[attr-defined]
        "found": found,
        "compared": item.stash.get(_COMPARED, []) if report.when == "call" else [],
        "kind": "failed" if of_the_test else "harness error",
    }
    return report


class _Reporter:
    """Lives where every test's report arrives: in the one process, or in xdist's controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._manifest: Manifest | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Begin before xdist starts its workers, which write into the same journal."""
        distributed = self._config.getoption("numprocesses", default=None)
        if not self._config.option.collectonly and (_targets_suites(self._config) or distributed):
            _journal(self._config).begin()
        if distributed and _journal(self._config).open:
            _journal(self._config).forget_reports()  # the workers may begin before the controller's test loop

    @pytest.hookimpl(tryfirst=True, wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """From here on the folder no longer says what an earlier run came to; it says that one goes on."""
        if _targets_suites(self._config) and _journal(self._config).open:
            _journal(self._config).forget_reports()
            self._write(_journal(self._config).manifest())
        return (yield)

    def _write(self, manifest: "Manifest") -> None:
        from harness import report

        if manifest.planned:
            report.write(manifest, _out(self._config))
        if _allure(self._config):
            from harness.report import allure

            folder = self._config.invocation_params.dir / str(self._config.getoption("allure_report_dir"))
            allure.write_run(manifest, folder, _out(self._config))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        journal = _journal(self._config)
        if not journal.open:
            return
        from harness.report.manifest import AGAINST

        # A worker that died sends none.
        sent = getattr(report, "harness", {"found": [], "compared": [], "kind": "harness error"})
        event: dict[str, object] = {"test": report.nodeid}
        if sent["found"]:
            event["found"] = sent["found"]
        if sent["compared"]:
            event["compared"] = sent["compared"]
        verdicts = [verdict for one in sent["found"] for verdict in one["verdicts"]] + sent["compared"]
        explained = any(verdict["outcome"] in AGAINST for verdict in verdicts)
        if report.failed and not (explained and sent["kind"] == "failed"):
            event |= {"kind": sent["kind"], "how": _how(report)}
        elif report.skipped and not verdicts:
            event |= {"kind": "skipped", "how": _how(report)}
        if len(event) > 1:
            journal.add(**event)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        journal = _journal(self._config)
        if not journal.open:
            return
        from harness import history
        from harness.report.journal import now

        manifest = journal.manifest()
        if not manifest.planned:
            return
        ended = {"ended": now(), "exit_status": int(session.exitstatus)}
        manifest.take_in(ended)
        session.exitstatus = manifest.exit_code
        journal.add(**ended | {"exit_status": manifest.exit_code})
        self._manifest = manifest
        history.append(_out(self._config) / history.NAME, history.of_run(manifest.as_json()))
        self._write(manifest)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._manifest is None:
            return
        from harness.report.page import FOLDER
        from harness.report.terminal import summary

        out = _out(self._config)
        terminalreporter.section("may it go out?")
        for line in summary(self._manifest, out, out / FOLDER / "index.html"):
            terminalreporter.write_line(line)


def _how(report: pytest.TestReport) -> str:
    """Why a test failed or was skipped, in one line."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr or report.outcome).strip()
    return text.splitlines()[0] if text else str(report.outcome)
