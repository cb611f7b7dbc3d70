"""What a verdict is worth, in four numbers: how often this gate is wrong, what it finds, and what it excludes."""

from collections.abc import Sequence

from harness.decision.rates import Rate
from harness.errors import UsageError
from harness.records import power_table
from harness.records.audit import Share
from harness.records.comparison import Comparison
from harness.records.run_record import RunRecord
from harness.report.overview import survey

AUDIT = "python -m harness audit --keep"
MOST_FOUND = 3


def lines(run: RunRecord) -> list[str]:
    """The numbers in words, one a line; those of releases only where one was compared with an accepted release."""
    means = [one for one in run.comparisons if one.question == "mean" and one.utterances]
    if not means:
        return _of_people(run)
    return [*_of_people(run), *_of_audit(run), *_found(means), *_excluded(means)]


def _of_people(run: RunRecord) -> list[str]:
    """How many people the limits reject in the languages of the run, and which profile rejects fewer."""
    try:
        table = power_table.read()
    except UsageError:
        return []
    told = []
    for language in sorted({one.take.language for one in survey(run).seen}):
        mine = Rate(*table.of_people(run.about.gates, language))
        if not mine.of:
            continue
        line = f"{run.about.gates} rejects {_rate(mine)} takes of people who read aloud in {language!r}"
        for other in power_table.PROFILES:
            fewer = Rate(*table.of_people(other, language))
            if fewer.of and fewer.value < mine.value:
                line += f"; --gates {other}, with limits fitted on people, rejects {_rate(fewer)}"
        told.append(line)
    return told


def _rate(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.count} of {rate.of} [{low:.0%}, {high:.0%}]"


def _of_audit(run: RunRecord) -> list[str]:
    audit = run.about.audit
    if audit is None:
        return [f"how often this gate is wrong was not tried on these baselines, margins and gates: {AUDIT}"]
    return [
        f"called FAIL although unchanged: {_share(audit.false_fail)} of releases, absolute gates included "
        f"({audit.broken:.1%} of takes break one), with --takes auto; {_share(audit.passed)} pass",
        f"passed although one margin is lost: {_share(audit.false_pass)} at most ({audit.false_pass_of})",
    ]


def _share(share: Share) -> str:
    return f"{share.value:.1%} [{share.low:.1%}, {share.high:.1%}]"


def _found(means: Sequence[Comparison]) -> list[str]:
    """The smallest loss that this run calls FAIL four times in five, where it is largest for its margin."""
    worst: dict[str, Comparison] = {}
    for one in means:
        known = worst.get(one.metric)
        if one.detectable is not None and (known is None or abs(one.detectable) > abs(known.detectable or 0.0)):
            worst[one.metric] = one
    told = [f"{one.metric} {_size(one)} ({one.stratum})" for one in worst.values()]
    if not told:
        return []
    more = f" and {len(told) - MOST_FOUND} more in the report" if len(told) > MOST_FOUND else ""
    return [f"called FAIL four times in five in the worst suite or voice: {', '.join(told[:MOST_FOUND])}{more}"]


def _size(one: Comparison) -> str:
    size = abs(one.detectable or 0.0)
    return f"{size:.1%}" if one.relative else f"{size:.3g} {one.unit}"


def _excluded(means: Sequence[Comparison]) -> list[str]:
    """The rarest failure of takes that is excluded, over all texts where they were asked about."""
    whole = [one for one in means if one.stratum.kind == "all"] or means
    shares = [one.excludes for one in whole if one.excludes is not None]
    return [f"excluded with 95 %: a failure of more than {max(shares):.1%} of takes"] if shares else []
