import base64
import json

import numpy as np
import pytest

from harness import audio
from harness.backends.speech_server.answer import Reply, of_chat, of_speech
from harness.errors import BackendError
from harness.take import Stop
from tests.synthetic import draw

SOUND = draw("##")
WAV = audio.encode_wav(SOUND)
PCM = np.rint(SOUND.samples * 32768).astype("<i2").tobytes()


def reply(body, kind="", **headers):
    return Reply(body, {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("given", "streamed"),
    [
        (reply(WAV, "audio/wav"), False),
        (reply(WAV, "audio/wav"), True),  # a stream may come as WAV all the same
        (reply(WAV), False),
        (reply(PCM, "audio/pcm"), False),
        (reply(PCM), True),
        (reply(PCM, "audio/pcm;rate=24000", x_sample_rate="24000"), True),
    ],
)
def test_sound_is_heard_whatever_it_comes_in(given, streamed):
    found = of_speech(given, streamed, 24_000)
    assert found.sound.sample_rate_hz == 24_000
    assert found.stopped_by is Stop.UNKNOWN
    np.testing.assert_allclose(found.sound.samples, SOUND.samples, atol=2**-15)


def test_a_stream_says_its_own_rate_and_channels():
    found = of_speech(reply(PCM, "audio/pcm", x_sample_rate="16000", x_channels="2"), True, 24_000).sound
    assert (found.sample_rate_hz, found.samples.size) == (16_000, SOUND.samples.size // 2)


@pytest.mark.parametrize(
    ("given", "streamed", "complaint"),
    [
        (reply(b"", "audio/wav"), False, "200 with 0 bytes"),
        (reply(b'{"error": "busy"}'), False, "text in place of sound"),
        (reply(b"  <!doctype html>"), True, "text in place of sound"),
        (reply(PCM, "text/plain"), True, "text/plain in place of sound"),
        (reply(PCM), False, "no sound file"),
        (reply(PCM[:-1]), True, "cut inside a sample: 9599 bytes of 2 each"),
        (reply(PCM, x_sample_rate="fast"), True, "x-sample-rate is 'fast'"),
        (reply(PCM, x_sample_rate="0"), True, "x-sample-rate is '0'"),
        (reply(WAV[:-100], "audio/wav"), False, "cut"),
    ],
)
def test_what_is_no_whole_sound_is_refused(given, streamed, complaint):
    with pytest.raises(BackendError, match=complaint):
        of_speech(given, streamed, 24_000)


def chat(data=None, reason="stop", message=None):
    audio_part = {"audio": {"data": base64.b64encode(WAV).decode() if data is None else data}}
    return reply(json.dumps({"choices": [{"message": message or audio_part, "finish_reason": reason}]}).encode())


@pytest.mark.parametrize(("reason", "stop"), [("stop", Stop.EOS), ("length", Stop.BUDGET), (None, Stop.UNKNOWN)])
def test_chat_says_why_it_stopped(reason, stop):
    found = of_chat(chat(reason=reason), False, 24_000)
    assert found.stopped_by is stop
    np.testing.assert_allclose(found.sound.samples, SOUND.samples, atol=2**-15)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (chat(message={"content": "I cannot"}), "holds no audio"),
        (chat(message={"audio": None}), "holds no audio"),
        (chat(data="ÿ"), "holds no audio"),
        (chat(data=""), "0 bytes"),
        (reply(b"<html>"), "not JSON"),
        (reply(b'{"choices": []}'), "no choice with a message"),
        (reply(b"[]"), "no choice with a message"),
    ],
)
def test_chat_without_sound_is_refused(given, complaint):
    with pytest.raises(BackendError, match=complaint):
        of_chat(given, False, 24_000)


def events(*parts, done=True):
    lines = [f"data: {json.dumps(part)}\n\n" for part in parts] + (["data: [DONE]\n\n"] if done else [])
    return reply("".join(lines).encode(), "text/event-stream")


def piece(data, **more):
    return {"choices": [{"delta": {"audio": {"data": base64.b64encode(data).decode()}}, **more}]}


def test_chat_in_pieces_is_put_together():
    found = of_chat(
        events(
            {"choices": [{"delta": {"role": "assistant"}}]},
            piece(PCM[:1001]),
            piece(PCM[1001:]),
            {"choices": [{"delta": {}, "finish_reason": "length"}]},
        ),
        True,
        24_000,
    )
    assert found.stopped_by is Stop.BUDGET
    np.testing.assert_allclose(found.sound.samples, SOUND.samples, atol=2**-15)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (events(piece(PCM), done=False), "broke off after 1 events"),
        (events(), "0 samples"),
        (events(piece(PCM[:-1])), "cut inside a sample"),
        (events({"choices": [{"delta": {"audio": {"data": "!"}}}]}), "no base64"),
        (events({"error": "gone"}), "no choice with a delta"),
    ],
)
def test_pieces_that_are_not_all_are_refused(given, complaint):
    with pytest.raises(BackendError, match=complaint):
        of_chat(given, True, 24_000)
