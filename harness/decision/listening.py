"""What listeners preferred, and how far they can be relied on.

Conventions
    The preference of an utterance is the mean over the listeners that count: 1 where the new take was chosen, 0.5 for
    no difference, 0 for the accepted one; an utterance asked twice counts once, with the mean of both answers. The
    preference of a session is the mean over utterances, with an interval over utterances. 0.5 is no difference.

    A listener counts who heard the reference's missing treble in at least three checks of four, and who contradicted
    no more than half of the repeated answers. The others are set aside, by name and with the reason (P.808 screens its
    listeners by such questions).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from harness import shipped
from harness.decision import gates_file
from harness.decision.betting import mean_interval
from harness.documents import NotEmpty, typed
from harness.errors import GateError
from harness.records.gate import Outcome
from harness.records.listening import Choice, Kind, Ratings, Role, Session, Trial

LEAST_CHECKS = 0.75
MOST_CONTRADICTIONS = 0.5
PREFERENCE = "preference"
"""What its `[[margin]]` is called: no metric of a take, and judged when a release is accepted."""
UNIT = "share"
NO_DIFFERENCE = 0.5
_SCORES = {Role.NEW: 1.0, Role.ACCEPTED: 0.0, None: 0.5}


@dataclass(frozen=True, slots=True)
class Preference:
    """What came of a session."""

    value: float
    """Share that preferred the new release, no difference counted as half; NaN where nobody counts."""
    low: float
    high: float
    utterances: int
    listeners: tuple[str, ...]
    """Who counts."""
    set_aside: Mapping[str, str]
    """Who does not, and why."""

    @property
    def said(self) -> str:
        """One line for a person."""
        aside = "".join(f"; {name} is set aside: {why}" for name, why in self.set_aside.items())
        if not self.utterances:
            return f"nobody's answers count{aside}"
        return (
            f"new release preferred {self.value:.0%} [{self.low:.0%}, {self.high:.0%}], {self.utterances} utterances, "
            f"{len(self.listeners)} listener(s): {', '.join(self.listeners)}{aside}"
        )


@dataclass(frozen=True, slots=True)
class PreferenceMargin:
    """How much the accepted release may be preferred: the `[[margin]]` on preference."""

    metric: NotEmpty
    unit: NotEmpty
    margin: Annotated[float, Meta(gt=0, lt=0.5)]
    """Share below no difference, 0.5, that is accepted."""
    why: NotEmpty
    source: str = ""
    required: bool = False
    """Whether a release is accepted only with an answer of listeners."""

    @property
    def at_least(self) -> float:
        """The least preference that is accepted, a share."""
        return round(NO_DIFFERENCE - self.margin, 9)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the listeners' answers say of the release."""

    outcome: Outcome
    said: str

    @property
    def blocks(self) -> bool:
        """Whether it stands against accepting."""
        return self.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)

    def against(self, override: str) -> list[str]:
        """Why it is not accepted; that they prefer the accepted release may be overridden, a missing answer may not."""
        if not self.blocks or (self.outcome == Outcome.FAIL and override.strip()):
            return []
        hint = '; --override "REASON" accepts it all the same' if self.outcome == Outcome.FAIL else ""
        return [f"listeners: {self.outcome}, {self.said}{hint}"]


NOT_ASKED = Heard(Outcome.REFUSED, "nothing was asked of listeners")


def load_preference(path: Path = shipped.GATES) -> PreferenceMargin | None:
    """Read the `[[margin]]` on preference; None where there is none.

    Raises:
        GateError: The row is malformed.
    """
    located = gates_file.read(path).margins().get(PREFERENCE)
    if located is None:
        return None
    row, where = located[1], located[0]
    margin = typed(PreferenceMargin, row, where, GateError)
    if margin.unit != UNIT:
        raise GateError(f"{where}: preference is a {UNIT}, not in {margin.unit!r}")
    return margin


def judged(preference: Preference | None, margin: PreferenceMargin | None) -> Heard:
    """Judge what listeners preferred; what is not shown either way blocks only where the policy asks for an answer.

    Args:
        preference: Of the session of this very run; None where there is none.
        margin: From gates.toml; None where nothing is asked of listeners.
    """
    if margin is None:
        return Heard(Outcome.REFUSED, f"gates.toml has no [[margin]] on {PREFERENCE}")
    unsure = Outcome.INCONCLUSIVE if margin.required else Outcome.WARN
    if preference is None or not preference.utterances:
        said = preference.said if preference is not None else "nobody has listened to this run"
        outcome = Outcome.INCONCLUSIVE if margin.required else Outcome.REFUSED
        return Heard(outcome, f"{said}: python -m harness listen")
    limit = f"{margin.at_least:.0%} is the least"
    if preference.low >= margin.at_least:
        return Heard(Outcome.PASS, f"{preference.said}; {limit}")
    if preference.high < margin.at_least:
        return Heard(Outcome.FAIL, f"{preference.said}; {limit}: {margin.why}")
    return Heard(unsure, f"{preference.said}; {limit}, and neither is shown: more pairs or listeners decide it")


def preference(session: Session, ratings: Iterable[Ratings], doubt: float = 0.05) -> Preference:
    """Count the answers to one session.

    Args:
        session: The key.
        ratings: Of any number of listeners, one file each; all of this session.
        doubt: Chance that the interval misses the true preference.
    """
    trials = {trial.number: trial for trial in session.trials}
    aside: dict[str, str] = {}
    counted: list[str] = []
    scores: dict[tuple[str, int], dict[str, list[float]]] = {}
    for rater in ratings:
        answers = {rating.trial: rating.choice for rating in rater.ratings}
        if why := unreliable(trials, answers):
            aside[rater.listener] = why
            continue
        counted.append(rater.listener)
        for number, choice in answers.items():
            trial = trials[number]
            if trial.kind != Kind.CHECK:
                of_listener = scores.setdefault((trial.utterance, trial.seed), {})
                of_listener.setdefault(rater.listener, []).append(_SCORES[trial.role(choice)])
    means = [_mean(_mean(twice) for twice in of_listener.values()) for of_listener in scores.values()]
    low, high = mean_interval(means, doubt)
    value = _mean(means) if means else float("nan")
    return Preference(value, low, high, len(means), tuple(counted), aside)


def unreliable(trials: Mapping[int, Trial], answers: Mapping[int, Choice]) -> str:
    """Why a listener's answers do not count; empty where they do.

    Args:
        trials: All questions by number.
        answers: This listener's, by number of the question; questions may be unanswered.
    """
    missing = len(trials) - len(answers)
    if missing:
        return f"{missing} of {len(trials)} questions are not answered"
    checks = [trial for trial in trials.values() if trial.kind == Kind.CHECK]
    heard = sum(trial.role(answers[trial.number]) == Role.REFERENCE for trial in checks)
    if heard < LEAST_CHECKS * len(checks):
        return f"heard the missing treble in {heard} of {len(checks)} checks"
    repeats = [trial for trial in trials.values() if trial.repeats is not None]
    contradicted = sum(
        {trial.role(answers[trial.number]), trials[trial.repeats].role(answers[trial.repeats])}
        == {Role.NEW, Role.ACCEPTED}
        for trial in repeats
        if trial.repeats is not None
    )
    if contradicted > MOST_CONTRADICTIONS * len(repeats):
        return f"contradicted {contradicted} of {len(repeats)} repeated answers"
    return ""


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)
