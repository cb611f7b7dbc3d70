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

from harness.decision.betting import mean_interval
from harness.records.listening import Choice, Kind, Ratings, Role, Session, Trial

LEAST_CHECKS = 0.75
MOST_CONTRADICTIONS = 0.5
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
    for one in ratings:
        answers = {rating.trial: rating.choice for rating in one.ratings}
        if why := unreliable(trials, answers):
            aside[one.listener] = why
            continue
        counted.append(one.listener)
        for number, choice in answers.items():
            trial = trials[number]
            if trial.kind != Kind.CHECK:
                of_listener = scores.setdefault((trial.utterance, trial.seed), {})
                of_listener.setdefault(one.listener, []).append(_SCORES[trial.role(choice)])
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
