"""Planted listeners: the interval covers what was planted, careless ones are set aside, several merge."""

import numpy as np
import pytest

from harness.decision.listening import preference
from harness.records.listening import Choice, Kind, Rating, Ratings, Role, Session, Trial


def session(pairs=20, seed=0):
    draw = np.random.default_rng(seed)
    trials = []

    def add(kind, name, roles, repeats=None):
        a, b = roles if draw.integers(2) else reversed(roles)
        trials.append(Trial(len(trials), kind, "short", name, 0, "layla", a, b, repeats))

    for number in range(pairs):
        add(Kind.PAIR, f"short-{number:03d}", [Role.ACCEPTED, Role.NEW])
    for number in range(4):
        add(Kind.CHECK, f"short-{number:03d}", [Role.REFERENCE, Role.ANCHOR])
    for number in range(4):
        add(Kind.REPEAT, f"short-{number:03d}", [Role.ACCEPTED, Role.NEW], number)
    return Session(id="s", run="run", trials=tuple(trials))


def choice(trial, role):
    return Choice.SAME if role is None else Choice.A if trial.a == role else Choice.B


def listener(asked, name, prefers_new, seed, hears=True):
    draw, first, given = np.random.default_rng(seed), {}, []
    for trial in asked.trials:
        if trial.kind == Kind.CHECK:
            role = Role.REFERENCE if hears else Role.ANCHOR
        elif trial.repeats is not None:
            role = first[trial.repeats]
        else:
            role = first[trial.number] = Role.NEW if draw.random() < prefers_new else Role.ACCEPTED
        given.append(Rating(trial.number, choice(trial, role), 2))
    return Ratings(session=asked.id, listener=name, ratings=tuple(given))


def test_the_interval_covers_the_planted_preference_nineteen_times_in_twenty():
    covered = 0
    for seed in range(60):
        asked = session(seed=seed)
        found = preference(asked, [listener(asked, "Dana", 0.8, seed + 1000)])
        covered += found.low <= 0.8 <= found.high
        assert found.utterances == 20
    assert covered >= 57


def test_listeners_merge_and_an_utterance_counts_once():
    asked = session()
    alone = preference(asked, [listener(asked, "Dana", 1.0, 1)])
    both = preference(asked, [listener(asked, "Dana", 1.0, 1), listener(asked, "Noor", 0.0, 2)])
    assert (alone.value, both.value) == (1.0, 0.5)
    assert (both.listeners, both.utterances) == (("Dana", "Noor"), 20)
    assert "50 %" in both.said.replace("50%", "50 %")


def test_who_does_not_hear_the_check_is_set_aside_and_named():
    asked = session()
    found = preference(asked, [listener(asked, "Dana", 1.0, 1), listener(asked, "Deaf", 0.0, 2, hears=False)])
    assert found.value == 1.0
    assert found.set_aside == {"Deaf": "heard the missing treble in 0 of 4 checks"}
    assert "Deaf is set aside" in found.said


def test_who_contradicts_most_of_the_repeats_is_set_aside():
    asked = session()
    steady = listener(asked, "Dana", 1.0, 1)
    flips = {trial.number for trial in asked.trials if trial.repeats is not None}
    other = {Choice.A: Choice.B, Choice.B: Choice.A}
    random = tuple(
        Rating(one.trial, other[one.choice], one.plays) if one.trial in flips else one for one in steady.ratings
    )
    assert preference(asked, [Ratings(session="s", listener="Coin", ratings=random)]).set_aside == {
        "Coin": "contradicted 4 of 4 repeated answers"
    }


def test_an_unfinished_session_does_not_count():
    asked = session()
    whole = listener(asked, "Dana", 1.0, 1)
    found = preference(asked, [Ratings(session="s", listener="Dana", ratings=whole.ratings[:-1])])
    assert found.value != found.value
    assert (found.low, found.high) == (0.0, 1.0)
    assert found.said == "nobody's answers count; Dana is set aside: 1 of 28 questions are not answered"


@pytest.mark.parametrize(("role", "value"), [(Role.NEW, 1.0), (Role.ACCEPTED, 0.0), (None, 0.5)])
def test_no_difference_counts_as_half(role, value):
    asked = session()
    given = [
        Rating(trial.number, choice(trial, Role.REFERENCE if trial.kind == Kind.CHECK else role), 1)
        for trial in asked.trials
    ]
    assert preference(asked, [Ratings(session="s", listener="Dana", ratings=tuple(given))]).value == value
