"""What a test can ask for, and how its findings leave it."""

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.plugin.options import PlainUsage, writes_allure
from harness.plugin.session import release_of, run_of, suites_of
from harness.plugin.suites import other_metrics_of

if TYPE_CHECKING:
    from harness.backends import Backend
    from harness.corpus import Utterance
    from harness.records.measurement import Measurement
    from harness.report.manifest import Entry
    from harness.run.plan import Run
    from harness.take import Take

_ENTRIES = pytest.StashKey["list[Entry]"]()
_COMPARED = pytest.StashKey["list[Entry]"]()
_SEEN = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> "Run":
    """The run: its settings, its takes, its measurements."""
    return run_of(request.config)


@pytest.fixture(scope="session")
def backend(run: "Run") -> "Backend":
    """The system under test, opened once a process."""
    return run.backend


@pytest.fixture
def take(run: "Run", utterance: "Utterance", seed: int, request: pytest.FixtureRequest) -> "Take":
    """The take of this utterance and seed; without audio where it could not be made."""
    found = run.take(run.request(utterance, seed))
    if writes_allure(request.config):
        from harness.report import allure

        allure.describe(utterance, found, run.backend.name)
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
        from harness.metrics import shown_beside
        from harness.records.gate import Outcome
        from harness.report.manifest import AGAINST, entry, four_lines, properties

        with PlainUsage():
            verdicts = run.judge(take, metrics)
        wanted = list(dict.fromkeys((*metrics, *shown_beside(metrics))))
        measured = run.measurements(take, wanted)
        out = run.settings.out
        kept = {name: measured[name] for name in wanted}
        found = entry(take, kept, verdicts, run.store.export(take), out, run.accepted(take.request))
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
def other_metrics(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The metrics that have a gate in this suite and that none of its tests names."""
    (suite,) = suites_of(request.node)
    return other_metrics_of(request.config, suite)


@pytest.fixture
def not_worse(run: "Run", request: pytest.FixtureRequest) -> "Callable[..., None]":
    """`not_worse()` compares a suite with the accepted release; `not_worse("voices")`, `not_worse("lost")` all suites.

    It fails once, listing every comparison that is not PASS.
    """

    def compared(question: str = "") -> None:
        __tracebackhide__ = True
        from harness.report.manifest import AGAINST, four_lines

        suites = suites_of(request.node)
        with PlainUsage():
            judged = release_of(request.config, request.session.items)
        mine = [one for one in judged.comparisons if _answers(one, question, suites)]
        request.node.stash[_ENTRIES] = [] if question else [one for name in suites for one in judged.takes[name]]
        request.node.stash[_COMPARED] = mine
        out = run.settings.out
        if writes_allure(request.config):
            from harness.report import allure

            allure.describe_comparison(suites, question, mine)
            allure.attach_comparison(mine, [one for kept in judged.takes.values() for one in kept], out)
        against = [four_lines(one, one, out) for worse in AGAINST for one in mine if one["outcome"] == worse]
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


def _attach(request: pytest.FixtureRequest, found: "Entry", out: Path, failed: bool) -> None:
    """The first test of a take carries its audio, and every test that fails."""
    if not writes_allure(request.config):
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
    """Send what a test found along with its report, as JSON: it also crosses from an xdist worker."""
    report = yield
    found: list[Entry] = item.stash.get(_ENTRIES, []) if report.when == "call" else []
    of_the_test = report.when == "call" and (
        call.excinfo is None or isinstance(call.excinfo.value, AssertionError | pytest.fail.Exception)
    )
    sent = {
        "found": found,
        "compared": item.stash.get(_COMPARED, []) if report.when == "call" else [],
        "kind": "failed" if of_the_test else "harness error",
    }
    report.harness = json.dumps(sent)  # type: ignore[attr-defined]
    return report
