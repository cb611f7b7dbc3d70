"""Planted listeners: the interval covers what was planted, careless ones are set aside, several merge."""

import numpy as np
import pytest

from harness import shipped
from harness.decision.listening import PreferenceMargin, judged, load_preference, preference
from harness.decision.policy import load_policy
from harness.errors import GateError
from harness.records.gate import Outcome
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


def asked_for(**changes):
    return PreferenceMargin(**{"metric": "preference", "unit": "share", "margin": 0.15, "why": "a test"} | changes)


@pytest.mark.parametrize(
    ("prefers_new", "outcome"), [(1.0, Outcome.PASS), (0.0, Outcome.FAIL), (None, Outcome.PASS), (0.45, Outcome.WARN)]
)
def test_a_preference_is_judged_by_its_interval(prefers_new, outcome):
    asked = session()
    if prefers_new is None:  # nobody notices a difference
        rated = listener(asked, "Dana", 1.0, 1)
        same = [
            Rating(one.trial, Choice.SAME if asked.trials[one.trial].kind != Kind.CHECK else one.choice, 2)
            for one in rated.ratings
        ]
        answers = Ratings(session=asked.id, listener="Dana", ratings=tuple(same))
    else:
        answers = listener(asked, "Dana", prefers_new, 3)
    found = preference(asked, [answers])
    assert judged(found, asked_for()).outcome == outcome
    assert "35% is the least" in judged(found, asked_for()).said
    blocks = outcome in (Outcome.FAIL, Outcome.WARN)
    assert judged(found, asked_for(required=True)).blocks == blocks


def test_without_an_answer_it_is_inconclusive_where_the_policy_asks_for_one():
    nobody = preference(session(), [listener(session(), "Deaf", 1.0, 1, hears=False)])
    for found in (None, nobody):
        assert judged(found, asked_for()).outcome == Outcome.REFUSED
        heard = judged(found, asked_for(required=True))
        assert (heard.outcome, heard.blocks) == (Outcome.INCONCLUSIVE, True)
        assert "python -m harness listen" in heard.said
    assert "Deaf is set aside" in heard.said
    assert not judged(preference(session(), [listener(session(), "Dana", 0.0, 1)]), None).blocks


def test_the_margin_stands_in_one_place_and_is_none_of_a_metric(tmp_path):
    kept = load_preference()
    assert (kept.at_least, kept.required) == (0.35, False)
    assert "preference" not in {margin.metric for margin in load_policy(shipped.GATES)[1]}
    path = tmp_path / "gates.toml"
    for row, complaint in {
        'unit = "share"\nmargin = 0.5': "'margin' is 0.5",
        'unit = "points"\nmargin = 0.1': "preference is a share, not in 'points'",
        'unit = "share"\nmargin = 0.1\nlost = 1': "field 'lost' is unknown",
    }.items():
        path.write_text(f'extends = "shipped"\n[[margin]]\nmetric = "preference"\nwhy = "w"\n{row}\n')
        with pytest.raises(GateError, match=complaint):
            load_preference(path)
