"""What a pytest session is about: its run, its journal, the takes that its tests ask for, its comparison."""

import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.backends import options
from harness.errors import GoldenError, UsageError
from harness.plugin.blocks import Block
from harness.plugin.options import (
    commands,
    corpus_folder,
    device_number,
    gates_path,
    given_flags,
    is_given,
    judged_by,
    looks,
    out_folder,
    policy_of,
    required_by_policy,
    value,
)

if TYPE_CHECKING:
    from harness.corpus import Utterance
    from harness.decision.policy import Margin, Policy
    from harness.records.run_record import About
    from harness.run.comparison import Compared
    from harness.run.journal import Journal
    from harness.run.judging import Wanted
    from harness.run.plan import Run
    from harness.take import Request

GIVEN = "directory"
"""The backend whose takes were made elsewhere."""

RUN = pytest.StashKey["Run"]()
_JOURNAL = pytest.StashKey["Journal"]()
_CORPUS = pytest.StashKey["dict[str, tuple[Utterance, ...]]"]()
_RELEASE = pytest.StashKey["Compared"]()


def load(config: pytest.Config, suite: str) -> "tuple[Utterance, ...]":
    """The rows of a suite, read once: many tests ask for them."""
    from harness.corpus import load_corpus

    known = config.stash.setdefault(_CORPUS, {})
    if suite not in known:
        known[suite] = load_corpus(suite, corpus_folder(config))
    return known[suite]


def run_of(config: pytest.Config) -> "Run":
    if RUN not in config.stash:
        config.stash[RUN] = _open_run(config)
        config.add_cleanup(config.stash[RUN].close)
    return config.stash[RUN]


def close_run(config: pytest.Config) -> None:
    """Free what the run of this process holds, if there is one: all that was asked of it is in the journal."""
    if RUN in config.stash:
        config.stash[RUN].close()


def _open_run(config: pytest.Config) -> "Run":
    from harness import registry
    from harness.decision import gates
    from harness.metrics.measuring import Models
    from harness.run.plan import Run
    from harness.run.settings import Settings

    def given(flag: str) -> str:
        return value(config, flag)

    def whole(flag: str, least: int = 1) -> int:
        return int(options.number(flag, given(flag), least, whole=True))

    folder = judged_by(config)
    if not folder.is_shipped and str(folder.path) not in sys.path:
        sys.path.append(str(folder.path))  # backends and metrics of a team's own may lie there
    here = config.invocation_params.dir
    voices, accepted, sounds = given("--voices"), given("--golden"), given("--golden-audio")
    if given("--chunks") not in {"off", "sentence"}:
        raise UsageError(f"--chunks is {given('--chunks')!r}; off or sentence is needed")
    system = options.read(given, lambda flag: bool(config.getoption(flag)), here, device_number(config))
    backend = options.backend_name(given, system.gpu)
    name = getattr(registry.get(registry.BACKEND, backend), "name", backend)
    run = Run(
        Settings(
            backend=backend,
            options=system,
            profile=gates.load_profile(given("--gates"), name, gates_path(config)),
            out=out_folder(config),
            voices_folder=here / voices if voices else judged_by(config).voices,
            voices_language=given("--voices-language"),
            first_seed=whole("--seed", least=0),
            takes=looks(config)[0],
            by_sentence=given("--chunks") == "sentence",
            batch_size=whole("--batch-size"),
            cluster=given("--cluster"),
            models=Models(
                encoder=given("--speaker-encoder"),
                recognizer=_folder_or_name(here, given("--asr")),
                second_recognizer=_folder_or_name(here, given("--asr-2")),
                predictor=given("--speech-quality"),
                background=_folder_or_name(here, given("--background")),
                # The GPUs of a cluster are its nodes'; what is measured is measured here.
                device="cpu" if given("--cluster") else system.device,
            ),
            sampling=options.sampling(given),
            budget=options.budget(given),
            golden=here / accepted if accepted else judged_by(config).golden,
            golden_audio=here / sounds if sounds else None,
        )
    )
    options.refuse_unread(run.backend.name, run.backend.reads, given_flags(config))
    if value(config, "--takes") == "auto" and not is_given(config, "--seed"):
        run.settings = replace(run.settings, first_seed=_unheard_seed(run, corpus_folder(config)))
    return run


def _unheard_seed(run: "Run", corpus: Path) -> int:
    """The first seed where nobody names one: beyond those of the accepted release, unless this is that very system.

    Takes of a seed that both systems have are neither independent nor siblings. Sounds that were given have the seeds
    that they have.
    """
    from harness.baseline import golden
    from harness.corpus import suites_of as there

    first = run.settings.first_seed
    if run.backend.name == GIVEN:
        return first
    for suite in there(corpus):
        try:
            baseline = golden.read(run.settings.golden, run.settings.backend, suite)
        except GoldenError:
            continue  # the comparison says why
        if baseline is not None and baseline.accepted.system != run.backend.identity:
            first = max(first, baseline.seeds[-1] + 1)
    return first


def _folder_or_name(here: Path, given: str) -> str:
    """A model as given; a folder is found from where the command was typed."""
    return str(here / given) if given and (here / given).exists() else given


def asked_takes(item: pytest.Item) -> "list[tuple[Utterance, int]]":
    """Utterance and seed of every take that a test needs; a comparison needs its whole suites."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    if isinstance(params.get("utterance"), Block):
        return list(params["utterance"])
    if {"utterance", "seed"} <= params.keys():
        return [(params["utterance"], params["seed"])]
    if "not_worse" not in getattr(item, "fixturenames", ()):
        return []
    seeds = run_of(item.config).settings.seeds
    return [(row, seed) for suite in suites_of(item) for row in load(item.config, suite) for seed in seeds]


def wanted_by(run: "Run", items: Iterable[pytest.Item]) -> "dict[Request, Wanted]":
    """What the tests ask to be found out about each take."""
    from harness.plugin.suites import metrics_of
    from harness.run.comparison import gated
    from harness.run.judging import Wanted

    wanted: dict[tuple[Utterance, int], Wanted] = {}
    sums: dict[tuple[Wanted, Wanted], Wanted] = {}  # of ten thousand takes most want the same
    for item in items:
        asked = asked_takes(item)
        if not asked:
            continue
        compares = "not_worse" in getattr(item, "fixturenames", ())
        compared = tuple(margin.metric for margin in policy_of(item.config)[1]) if compares else ()
        by_all = compares and run.profile.broken_share > 0
        for utterance, seed in asked:
            judged = gated(run.profile.gates, utterance.suite) if by_all else metrics_of(item, utterance.suite)
            terms = wanted.get((utterance, seed), Wanted()), Wanted(judged, compared)
            if terms not in sums:
                sums[terms] = terms[0] | terms[1]
            wanted[utterance, seed] = sums[terms]
    return {run.request(utterance, seed): one for (utterance, seed), one in wanted.items()}


def suites_of(item: pytest.Item) -> tuple[str, ...]:
    """The suites that a test is about; where its mark names none, all there are."""
    mark = item.get_closest_marker("suite")
    if mark is None:
        raise UsageError(f"{item.nodeid} compares releases but its module has no suite(name) mark")
    if mark.args:
        return tuple(mark.args)
    from harness import corpus

    return corpus.suites_of(corpus_folder(item.config))


def about(config: pytest.Config) -> "About":
    from msgspec import structs

    from harness.baseline import golden
    from harness.corpus import suites_of as there
    from harness.decision.policy import every_margin

    run = run_of(config)
    policy, margins = _rules(config)
    suites = there(corpus_folder(config))
    audit = golden.audited(run.settings.golden, run.settings.backend, suites, policy, margins)
    corpus = {suite: load(config, suite) for suite in suites}
    promised, written = policy_of(config)[0], every_margin(gates_path(config))
    rules = run.rules(written, promised, corpus, required_by_policy(config))
    return structs.replace(run.about(os.environ.get("GITHUB_SHA", ""), rules), audit=audit)


def _rules(config: pytest.Config) -> "tuple[Policy, tuple[Margin, ...]]":
    """What comparisons promise, with the share of takes that the profile lets break a gate."""
    policy, margins = policy_of(config)
    return replace(policy, broken_share=run_of(config).profile.broken_share), margins


def journal_of(config: pytest.Config) -> "Journal":
    from harness.run.journal import Journal

    if _JOURNAL not in config.stash:
        given = getattr(config, "workerinput", {}).get("testrunuid") or getattr(config.option, "testrunuid", None)
        config.stash[_JOURNAL] = Journal(out_folder(config), given or "")
    return config.stash[_JOURNAL]


def release_of(config: pytest.Config, items: list[pytest.Item]) -> "Compared":
    """The comparison of the whole run, made once a process: its error rate is over all of it together."""
    if _RELEASE not in config.stash:
        from harness.baseline import golden
        from harness.decision.release import Asked
        from harness.run.comparison import compare_release
        from harness.threads import one_thread

        comparing = [item for item in items if "not_worse" in getattr(item, "fixturenames", ())]
        strata = [(suites_of(item), item.get_closest_marker("suite")) for item in comparing]
        policy, margins = _rules(config)
        whole = any(mark is not None and len(mark.args) != 1 for _, mark in strata)
        suites = tuple(sorted({suites[0] for suites, mark in strata if mark and len(mark.args) == 1}))
        every = sorted({name for names, _ in strata for name in names})
        with one_thread():
            config.stash[_RELEASE] = compare_release(
                run_of(config),
                {name: load(config, name) for name in every},
                Asked(suites, whole, policy, margins, looks(config)),
                about(config),
                golden.Commands(*commands(config)),
            )
    return config.stash[_RELEASE]
