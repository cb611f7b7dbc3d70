import asyncio
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from harness import audio
from harness.audio import Audio
from harness.backends import conditioning
from harness.backends.conditioning import (
    IGNORED,
    OBEYED,
    STRANGER,
    WITHOUT_EFFECT,
    UnconditionedError,
    UnknownVoiceError,
    Voice,
    prove,
    seed_of,
    two_voices,
)
from harness.errors import AudioError, BackendError
from tests.synthetic import draw, request, write_voice

LAYLA, OMAR = Voice("layla", b"one", "نص"), Voice("omar", b"two", "نص")


def sound(*parts):
    return Audio(np.random.default_rng(abs(hash(parts)) % 2**32).standard_normal(100).astype(np.float32), 24_000)


def proved(answer, other=OMAR):
    async def ask(seed, voice):
        return answer(seed, voice)

    return asyncio.run(prove(ask, 7, LAYLA, other))


def test_a_system_that_does_as_it_is_told():
    found = proved(lambda seed, voice: sound(seed, voice.name))
    assert found.seed == OBEYED
    assert found.reference.startswith("proved")
    assert found.details["proof"] == audio.content_hash(sound(7, "layla").samples.tobytes())


def test_a_seed_that_is_ignored_proves_nothing_about_the_reference():
    fresh = count()
    found = proved(lambda seed, voice: sound(next(fresh)))
    assert found.seed == IGNORED
    assert found.reference.startswith("not known")


def test_a_seed_without_effect_is_told_from_one_that_is_obeyed():
    assert proved(lambda seed, voice: sound(voice.name)).seed == WITHOUT_EFFECT


def test_a_reference_that_is_ignored_ends_it():
    with pytest.raises(UnconditionedError, match=r"swapping the reference \(layla for omar\) does not change"):
        proved(lambda seed, voice: sound(seed))


def refuses(seed, voice):
    if voice.name != "layla":
        raise UnknownVoiceError("400: no such voice")
    return sound(seed)


def test_a_stranger_by_name_may_be_refused_and_that_is_proof():
    assert "refused" in proved(refuses, Voice(STRANGER, b"", "نص")).reference
    with pytest.raises(UnknownVoiceError):
        proved(refuses, OMAR)  # a voice of the run's own that is refused is a failure


def test_a_question_without_an_answer_is_no_proof():
    def fails(seed, voice):
        raise BackendError("503")

    with pytest.raises(BackendError, match="503"):
        proved(fails)


def test_the_seed_is_one_that_any_program_takes():
    asked = request()
    assert {0 <= seed_of(replace(asked, seed=seed), chunk) < 2**31 for seed in range(50) for chunk in range(3)} == {
        True
    }
    assert seed_of(asked) != seed_of(replace(asked, seed=1))


def voice_of(asked):
    return Voice(asked.reference.id, asked.reference.path.read_bytes(), asked.reference.transcript)


def test_the_second_voice_is_one_of_the_run_or_made_of_the_first(tmp_path):
    layla, omar = (
        write_voice(tmp_path, name, draw("#" * 20, pitch_hz=hz)) for name, hz in (("layla", 120), ("omar", 90))
    )
    long, short = replace(request("كلمة " * 9), reference=layla), replace(request("كلمة"), reference=layla)
    asked, voice, other = two_voices([long, short, replace(long, reference=omar)], voice_of)
    assert (asked, voice.name, other.name) == (short, "layla", "omar")
    _, voice, other = two_voices([long], voice_of)
    assert (voice.name, other.name) == ("layla", STRANGER)
    assert other.wav[:4] == b"RIFF" != voice.wav
    assert len(other.wav) == pytest.approx(len(voice.wav) / conditioning.STRANGER_PITCH, rel=0.01)


def test_without_a_usable_reference_there_is_nothing_to_prove():
    def broken(asked):
        raise AudioError("is missing")

    assert two_voices([request()], broken) is None
