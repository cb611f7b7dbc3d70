"""What a test can ask for, and how its findings leave it."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import pytest

from harness.plugin.blocks import Block
from harness.plugin.options import PlainUsage, is_per_take, writes_allure
from harness.plugin.session import asked_takes, release_of, run_of, suites_of
from harness.plugin.suites import other_metrics_of

if TYPE_CHECKING:
    from pathlib import Path

    from harness.backends import Backend
    from harness.corpus import Utterance
    from harness.records.comparison import Comparison, NotCompared
    from harness.records.event import Findings
    from harness.records.measurement import Measurement
    from harness.records.take_record import TakeRecord
    from harness.run.plan import Run
    from harness.take import Take

_FINDINGS: "pytest.StashKey[Findings]" = pytest.StashKey()
_SEEN = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> "Run":
    """The run: its settings, its takes, its measurements."""
    found = run_of(request.config)
    found.refuse_broken_ruler()
    return found


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
def require(run: "Run", utterance: object, seed: int, request: pytest.FixtureRequest) -> "Callable[..., None]":
    """`require(metric, …)` judges the take by every gate on these metrics; it fails once, listing all not PASS."""

    def judged(*metrics: str) -> None:
        __tracebackhide__ = True
        from harness.records.gate import Outcome

        against, excused, others = list[str](), list[str](), 0
        refused: dict[str, None] = {}  # each once: a block of ten thousand takes is refused for the same few reasons
        asked = asked_takes(request.node)
        for row, number in asked:
            record = _judged(run, run.take(run.request(row, number)), metrics, request, alone=len(asked) == 1)
            against += [four_lines(record, verdict, run.settings.out) for verdict in record.against]
            for verdict in record.verdicts:
                if verdict.outcome == Outcome.EXCUSED:
                    excused.append(f"{verdict.gate}: {verdict.observed}")
                elif verdict.outcome != Outcome.REFUSED:
                    others += 1
                elif not others:  # else nobody is told
                    refused[f"{verdict.gate.name}: {verdict.reason}"] = None
        if against:
            pytest.fail("\n".join(against), pytrace=False)
        if excused:
            pytest.xfail("; ".join(excused))
        if not others:
            pytest.skip("not judged: " + "; ".join(refused))

    from harness.report.overview import four_lines

    if writes_allure(request.config) and not isinstance(utterance, Block):
        request.getfixturevalue("take")  # which tells Allure what the test is about, before the test begins
    return judged


def _judged(
    run: "Run", take: "Take", metrics: tuple[str, ...], request: pytest.FixtureRequest, alone: bool
) -> "TakeRecord":
    """What the gates on some metrics say of a take, told where a test of its own is about it."""
    __tracebackhide__ = True
    from harness.records.event import Findings
    from harness.report.overview import properties

    with PlainUsage():
        record = run.found(take, metrics)
    found = Findings(verdicts=len(record.verdicts), against=len(record.against))
    request.node.stash[_FINDINGS] = request.node.stash.get(_FINDINGS, Findings()) + found
    if alone:
        request.node.user_properties += properties(record)
        _attach(request, record, run.settings.out, bool(record.against))
    return record


@pytest.fixture
def other_metrics(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The metrics that have a gate in this suite and that none of its tests names."""
    (suite,) = suites_of(request.node)
    return other_metrics_of(request.config, suite)


@pytest.fixture
def not_worse(run: "Run", request: pytest.FixtureRequest) -> "Callable[..., None]":
    """`not_worse()` compares a suite with the accepted release, `not_worse(QUESTION)` all suites.

    Questions of all suites: "all" their average, "voices" that of each voice, "lost" the utterances that are lost,
    "anchor" what was lost since the first release, "broken" the takes that broke a gate.
    It fails once, listing every comparison that is not PASS.
    """

    def compared(question: str = "") -> None:
        __tracebackhide__ = True
        from harness.records.comparison import NotCompared, Stratum
        from harness.records.event import Findings
        from harness.records.gate import AGAINST, Outcome
        from harness.report.overview import lines_of_comparison

        suites = suites_of(request.node)
        with PlainUsage():
            made = release_of(request.config, request.session.items)
        answers = [one for one in made.comparisons if _belongs(one, question, suites)]
        unanswered = [one for one in made.not_compared if _belongs(one, question, suites)]
        if question in _NOT_ASKED and not (answers or unanswered):
            # It is an answer too: the takes that it needs were judged.
            unanswered = [NotCompared(Outcome.REFUSED, Stratum("all"), _NOT_ASKED[question])]
        takes = [take for kept in made.takes.values() for take in kept]
        found = Findings(tuple(answers), tuple(unanswered))
        request.node.stash[_FINDINGS] = request.node.stash.get(_FINDINGS, Findings()) + found
        out = run.settings.out
        if writes_allure(request.config):
            from harness.report import allure

            allure.describe_comparison(suites, question, answers, unanswered)
            allure.attach_comparison(answers, unanswered, takes, out)
        against = [lines_of_comparison(one, takes, out) for worse in AGAINST for one in answers if one.outcome == worse]
        against += [f"{one.outcome}  {one.stratum}: {one.reason}" for one in unanswered if one.stands_against]
        if against or not (answers or unanswered):
            pytest.fail("\n".join(against) or "nothing was compared: gates.toml has no [[margin]]", pytrace=False)
        every: list[Comparison | NotCompared] = [*answers, *unanswered]
        if all(one.outcome == Outcome.REFUSED for one in every):
            pytest.skip("not compared: " + "; ".join(one.reason for one in every))

    return compared


_NOT_ASKED = {
    "anchor": "the accepted release is the first of its line: there is none before it",
    "broken": "this profile lets no take break a gate: each is judged by itself",
}
"""Questions that need not arise, and why."""


def _belongs(one: "Comparison | NotCompared", question: str, suites: tuple[str, ...]) -> bool:
    """Whether an answer belongs to a test; what could not be asked of the whole belongs to all who ask of it."""
    from harness.records.comparison import NotCompared

    if not question:
        return one.stratum.kind == "suite" and one.stratum.name in suites
    if isinstance(one, NotCompared):
        return one.stratum.kind == "all"
    if question == "voices":
        return one.stratum.kind == "voice"
    return one.stratum.kind == "all" and one.question == ("mean" if question == "all" else question)


def _attach(request: pytest.FixtureRequest, take: "TakeRecord", out: "Path", failed: bool) -> None:
    """Where every criterion is a test, the first of a take carries its audio, and every one that fails."""
    if not writes_allure(request.config):
        return
    from harness.report import allure

    if is_per_take(request.config):
        allure.judged_by_gates(failed)
        return
    seen = request.config.stash.setdefault(_SEEN, set())
    if failed or take.digest not in seen:
        allure.attach_take(take, out)
    seen.add(take.digest)
    allure.attach_verdicts(take, out, request.node.originalname)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what a test found along with its report, as JSON: it also crosses from an xdist worker."""
    report = yield
    if report.when == "call":
        from harness.records.event import Findings
        from harness.records.schema import encode

        of_test = call.excinfo is None or isinstance(call.excinfo.value, AssertionError | pytest.fail.Exception)
        findings = item.stash.get(_FINDINGS, Findings()) + Findings(is_of_test=of_test)
        report.harness = encode(findings).decode()  # type: ignore[attr-defined]
    return report
