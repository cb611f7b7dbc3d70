"""A session hears some of everything, says nothing of what is which, and can be counted again from its key."""

import json
from collections import Counter

import numpy as np
import pytest

from harness.audio import Audio, encode_wav, load, write_atomically
from harness.errors import UsageError
from harness.metrics.artifacts import speech_level
from harness.metrics.silence import Silences
from harness.records.listening import Kind, Role
from harness.report.listening import session
from harness.report.listening.session import Pair

RATE = 24_000


def noise(seconds, seed, level=0.05):
    draw = np.random.default_rng(seed)
    return Audio((level * draw.standard_normal(int(RATE * seconds))).astype(np.float32), RATE)


@pytest.fixture
def pairs(tmp_path):
    found = []
    for number in range(12):
        suite, speaker = ("short", "medium")[number % 2], ("layla", "omar", "emma")[number % 3]
        paths = {}
        for role, level in (("accepted", 0.02), ("new", 0.1), ("reference", 0.05)):
            paths[role] = tmp_path / f"{role}-{number}.wav"
            write_atomically(paths[role], encode_wav(noise(0.4, hash((role, number)) % 2**32, level)))
        found.append(Pair(suite, f"{suite}-{number:03d}", 0, speaker, "ar", "مرحبا <b>", **paths))
    return found


def test_a_small_session_hears_every_suite_and_voice(pairs):
    planned, heard = session.plan(pairs, 6, "run", 1)
    asked = [pair for trial, pair in zip(planned.trials, heard, strict=True) if trial.kind == Kind.PAIR]
    assert len({pair.utterance for pair in asked}) == 6
    assert len({(pair.suite, pair.speaker) for pair in asked}) == 6


def test_a_fifth_is_asked_again_with_its_sides_changed_and_every_voice_has_a_check(pairs):
    planned, heard = session.plan(pairs, 10, "run", 2)
    kinds = Counter(trial.kind for trial in planned.trials)
    assert kinds == {Kind.PAIR: 10, Kind.REPEAT: 2, Kind.CHECK: 3}
    for trial in planned.trials:
        if trial.kind == Kind.REPEAT:
            first = planned.trials[trial.repeats]
            assert (trial.utterance, trial.a, trial.b) == (first.utterance, first.b, first.a)
        if trial.kind == Kind.CHECK:
            assert {trial.a, trial.b} == {Role.REFERENCE, Role.ANCHOR}
    assert [trial.number for trial in planned.trials] == list(range(15))
    assert len(heard) == 15


def test_sides_and_order_are_drawn_and_named_by_what_they_were_drawn_from(pairs):
    one, again, other = (session.plan(pairs, 12, "run", entropy)[0] for entropy in (3, 3, 4))
    assert one == again
    assert one.id != other.id
    assert [trial.utterance for trial in one.trials] != [trial.utterance for trial in other.trials]
    sides = Counter(trial.a for entropy in range(20) for trial in session.plan(pairs, 12, "run", entropy)[0].trials)
    assert 80 < sides[Role.NEW] < 220


def test_the_page_plays_every_sound_at_one_level_and_does_not_say_what_is_which(pairs, tmp_path):
    planned, heard = session.plan(pairs, 4, "run", 5)
    index = session.write_page(planned, heard, tmp_path / "page")
    text = index.read_text(encoding="utf-8")
    carried = text.split('id="session">', 1)[1].split("</script>", 1)[0]
    assert not any(word in carried for word in (Role.ACCEPTED, Role.NEW, Role.ANCHOR, "short-0", "layla", "<b>"))
    data = json.loads(carried)
    assert [trial["trial"] for trial in data["trials"]] == list(range(len(planned.trials)))
    levels = [
        speech_level(Silences.of(load(tmp_path / "page" / trial[name]))).value
        for trial in data["trials"]
        for name in ("reference", "a", "b")
    ]
    assert max(levels) - min(levels) < 0.3
    assert levels[0] == pytest.approx(session.LEVEL_DBFS, abs=0.3)


def test_the_anchor_lacks_what_lies_above_its_limit():
    sound = noise(1.0, 7)
    power = np.abs(np.fft.rfft(session.low_anchor(sound).samples * np.hanning(RATE))) ** 2
    hertz = np.fft.rfftfreq(RATE, 1 / RATE)
    assert 10 * np.log10(power[hertz > 5000].mean() / power[hertz < 3000].mean()) < -60


@pytest.mark.parametrize("wanted", [0, -1])
def test_a_session_that_hears_nothing_is_refused(pairs, wanted):
    with pytest.raises(UsageError, match="--pairs 1 or more"):
        session.plan(pairs, wanted, "run", 1)


def test_without_the_accepted_sound_there_is_nothing_to_compare():
    with pytest.raises(UsageError, match="--golden-audio"):
        session.plan([], 20, "run", 1)
