"""A speech server for tests, in a process of its own: four dialects, a cheap voice or the embedded one, all faults.

    python -m tests.stand_in DIALECT [VOICE] [SECONDS]

It prints its port. `POST /control {"fault": NAME, "after": N}` sets a fault that begins after N questions have been
answered; `GET /control` says what was asked. Faults are in `FAULTS`.
"""

import base64
import io
import json
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from harness.threads import keep_to_one_thread

RATE_HZ, FRAME_RATE_HZ, CLOSING = 24_000, 25, 9
ROOT = Path(__file__).resolve().parent.parent
SCHEMA = {
    "openai": ["model", "input", "voice", "response_format", "speed"],
    "vllm-omni": ["model", "input", "voice", "response_format", "ref_audio", "ref_text", "max_new_tokens", "stream"],
    "sglang-omni": ["model", "input", "voice", "references", "ref_audio", "ref_text", "max_new_tokens", "seed"],
}
FAULTS = (
    *("hang_before", "hang_in", "hang_after", "byte_a_second", "broken_off"),
    *("json", "html", "header_longer", "header_shorter", "pcm_cut", "empty", "other_rate", "one_sided", "lying_rate"),
    *("storm_429", "storm_503", "busy", "busy_for_long", "error_500", "echo"),
    *("reference_ignored", "seed_ignored", "seed_without_effect", "other_utterance", "same_audio", "swapped"),
    "tokens_ignored",
)


@dataclass
class State:
    dialect: str
    voice: str = "tone"
    seconds: float = 0.0
    fault: str = ""
    after: int = 0
    posts: int = 0
    asked: list = field(default_factory=list)
    keys: set = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    first: bytes = b""
    at_once: int = 0
    most_at_once: int = 0


@dataclass(frozen=True)
class Asked:
    text: str
    voice: str
    wav: bytes
    frames: int
    seed: int
    stream: bool


def read_question(dialect, body):
    """What a dialect asks for; ValueError for what a real server answers with 4xx."""
    name, wav = body.get("voice", ""), b""
    text, tokens = body.get("input"), body.get("max_new_tokens")
    if dialect == "vllm-omni":
        if ("ref_audio" in body) != ("ref_text" in body):
            raise ValueError("ref_audio and ref_text belong together")
        wav = base64.b64decode(body["ref_audio"].removeprefix("data:audio/wav;base64,"))
        tokens = 250 if tokens is None else tokens
    elif dialect == "sglang-omni":
        (reference,) = body["references"]
        if reference["media_type"] != "audio/wav" or not reference["text"]:
            raise ValueError("a reference needs its media type and text")
        wav = base64.b64decode(reference["data"])
        assert {"temperature", "top_p", "top_k"} <= body.keys()
    elif dialect == "chat":
        first, heard, last = body["messages"]
        assert (first["role"], heard["role"], last["role"]) == ("user", "assistant", "user")
        assert "audio" in body["modalities"]
        assert "<|audio_eos|>" in body["stop"]
        wav = base64.b64decode(heard["content"][0]["input_audio"]["data"])
        text, tokens = last["content"], body["max_completion_tokens"]
    elif name not in {path.stem for path in (ROOT / "suites" / "corpus" / "voices").glob("*.txt")}:
        raise ValueError(f"voice {name!r} is unknown")
    if not text:
        raise ValueError("input is empty")
    return Asked(text, name, wav, tokens - CLOSING if tokens else 512, body.get("seed", 0), bool(body.get("stream")))


def tone(asked, fault):
    """A buzz as long as a calm reading, in a pitch of the voice's own, with noise of the seed's own."""
    number = int.from_bytes(sha256(asked.wav or asked.voice.encode()).digest()[:4], "big")
    pitch = 120.0 if fault == "reference_ignored" else 100.0 + number % 150
    seed = {"seed_ignored": time.monotonic_ns(), "seed_without_effect": 0}.get(fault, asked.seed)
    frames = round(max(1.08, len(asked.text.split()) * 0.4 * 1.32) * FRAME_RATE_HZ)
    if fault == "tokens_ignored":
        frames = asked.frames * 2
    samples = min(frames, asked.frames if fault != "tokens_ignored" else frames) * RATE_HZ // FRAME_RATE_HZ
    times = np.arange(samples) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * pitch * harmonic * times) / harmonic for harmonic in range(1, 5))
    noise = np.random.default_rng([seed % 2**32, len(asked.text)]).standard_normal(samples)
    return (0.1 * buzz + 0.001 * noise).astype(np.float32)


def embedded(asked, fault):
    """What the embedded voice says to the request whose seed this is."""
    from harness import audio, shipped
    from harness.backends.embedded import WORDS_PER_MINUTE, _speak_chunk
    from harness.cloning.budget import BudgetConfig, chunks
    from harness.corpus import Reference, load_corpus, load_voices
    from harness.take import Chunk, Request, TokenBudget

    if not EMBEDDED:
        for path in shipped.CORPUS.glob("*.toml"):
            for row in load_corpus(path.stem):
                for seed in range(4):
                    voice = Reference("x", Path(), "", "", "", "")
                    request = Request(row, voice, seed, chunks(row.text, BudgetConfig()), "")
                    EMBEDDED[request.entropy >> 32] = request
        VOICES.update({voice.id: voice.path for voice in load_voices(shipped.VOICES)})
    behind = max((at for at in range(8) if asked.seed - at in EMBEDDED), default=0)
    request = EMBEDDED.get(asked.seed - behind) or next(iter(EMBEDDED.values()))
    chunk = Chunk(asked.text, TokenBudget(asked.frames, asked.frames, FRAME_RATE_HZ))
    entropy = request.entropy + behind if asked.seed - behind in EMBEDDED else asked.seed
    with TemporaryDirectory() as folder:
        path = Path(folder) / "reference.wav"
        path.write_bytes(asked.wav)
        heard = audio.load(VOICES[asked.voice] if not asked.wav else path)
        sound, _ = _speak_chunk(request, chunk, heard, WORDS_PER_MINUTE, entropy)
    return sound


EMBEDDED, VOICES = {}, {}


def wav_of(samples, rate=RATE_HZ, subtype="FLOAT"):
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype=subtype)
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State

    def log_message(self, *_):
        pass

    def say(self, status, body, kind="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        state = self.state
        if self.path == "/control":
            said = {"posts": state.posts, "asked": state.asked, "keys": sorted(state.keys), "most": state.most_at_once}
            return self.say(200, said)
        if self.path == "/v1/models":
            swapped = state.fault == "swapped" and state.posts > state.after
            card = {"id": "tone-1", "object": "model", "owned_by": "tests", "root": "b" if swapped else "a"}
            return self.say(200, {"object": "list", "data": [card | {"created": time.time_ns()}]})
        if self.path == "/openapi.json":
            path = "/v1/chat/completions" if state.dialect == "chat" else "/v1/audio/speech"
            schema = {"properties": {name: {} for name in SCHEMA.get(state.dialect, ["messages"])}}
            content = {"application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}}
            paths = {path: {"post": {"requestBody": {"content": content}}}}
            return self.say(200, {"paths": paths, "components": {"schemas": {"Asked": schema}}})
        return self.say(404, {"detail": "Not Found"})

    def do_POST(self):
        state = self.state
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/control":
            for name, value in body.items():
                setattr(state, name, value)
            state.posts, state.asked, state.first, state.most_at_once = 0, [], b"", 0
            return self.say(200, {})
        path = "/v1/chat/completions" if state.dialect == "chat" else "/v1/audio/speech"
        if self.path != path:
            return self.say(404, {"detail": "Not Found"})
        with state.lock:
            state.posts += 1
            number = state.posts
            state.at_once += 1
            state.most_at_once = max(state.most_at_once, state.at_once)
            state.keys.add(self.headers.get("Authorization", ""))
            short = {key: value for key, value in body.items() if key not in ("ref_audio", "references", "messages")}
            state.asked.append(short)
        try:
            fault = state.fault if number > state.after else ""
            return self.answer(body, fault, number)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            return None
        finally:
            with state.lock:
                state.at_once -= 1

    def answer(self, body, fault, number):
        state = self.state
        try:
            asked = read_question(state.dialect, body)
        except (ValueError, KeyError, TypeError) as error:
            return self.say(400, {"error": {"message": str(error)}})
        time.sleep(state.seconds)
        if fault == "busy" and number - state.after <= 2:
            return self.say(503, {"error": "loading"}, Retry_After="0")
        if fault in REFUSALS:
            return REFUSALS[fault](self, number - state.after)
        samples = (embedded if state.voice == "embedded" else tone)(asked, fault)
        if fault == "other_utterance":
            samples = tone(Asked("كلمة أخرى", asked.voice, asked.wav, 64, asked.seed, False), "")
        if fault == "same_audio":
            samples = 0.1 * np.random.default_rng(0).standard_normal(50_000).astype(np.float32).clip(-3, 3)
        if state.dialect == "chat":
            return self.chat(asked, samples, fault)
        if asked.stream:
            return self.stream(samples, fault)
        return self.whole(samples, fault)

    def whole(self, samples, fault):
        rate = RATE_HZ
        if fault == "other_rate":
            samples, rate = samples[::3][: samples.size // 3], 8_000
        if fault == "lying_rate":
            rate = 16_000
        if fault == "one_sided":
            samples = np.stack([samples, -samples], axis=1)
        subtype = "PCM_16" if fault.startswith("header") else "FLOAT"
        data = wav_of(samples, rate, subtype)
        if fault == "empty":
            data = b""
        if fault.startswith("header"):
            at = data.index(b"data") + 4
            size = int.from_bytes(data[at : at + 4], "little")
            told = size * 2 if fault == "header_longer" else size // 2
            data = data[:at] + struct.pack("<I", told) + data[at + 4 :]
        return self.slowly(data, "audio/wav", fault)

    def stream(self, samples, fault):
        data = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()
        data = data[:-1] if fault == "pcm_cut" else b"" if fault == "empty" else data
        rate = "16000" if fault == "other_rate" else str(RATE_HZ)
        self.send_response(200)
        self.send_header("Content-Type", "audio/pcm")
        self.send_header("x-sample-rate", rate)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(data), 9_600):
            piece = data[start : start + 9_600]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            if fault == "broken_off":
                self.close_connection = True
                return
            if fault in ("hang_in", "hang_after") and (fault == "hang_in" or start + 9_600 >= len(data)):
                time.sleep(60)
        self.wfile.write(b"0\r\n\r\n")

    def slowly(self, data, kind, fault):
        if fault not in ("hang_in", "hang_after", "byte_a_second", "broken_off"):
            return self.say(200, data, kind)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) + (fault == "hang_after")))
        self.end_headers()
        self.wfile.write(data if fault == "hang_after" else data[: len(data) // 2])
        self.wfile.flush()
        if fault == "broken_off":
            self.close_connection = True
            return None
        for byte in data[len(data) // 2 :] if fault == "byte_a_second" else b"":
            time.sleep(1)
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
        time.sleep(60)
        return None

    def chat(self, asked, samples, fault):
        end = "length" if samples.size // (RATE_HZ // FRAME_RATE_HZ) >= asked.frames else "stop"
        if not asked.stream:
            data = base64.b64encode(wav_of(samples)).decode()
            message = {"role": "assistant", "content": "", "audio": {"id": "a", "data": data}}
            message = {"content": "no sound"} if fault == "empty" else message
            return self.slowly(
                json.dumps({"choices": [{"message": message, "finish_reason": end}]}).encode(),
                "application/json",
                fault,
            )
        pcm = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()
        events = [
            {"choices": [{"delta": {"audio": {"data": base64.b64encode(pcm[at : at + 9_600]).decode()}}}]}
            for at in range(0, len(pcm), 9_600)
        ]
        events.append({"choices": [{"delta": {}, "finish_reason": end}]})
        lines = [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]
        kept = lines[:-2] if fault == "broken_off" else lines
        return self.say(200, "".join(kept).encode(), "text/event-stream")


def _sleep(handler, _):
    time.sleep(60)


REFUSALS = {
    "hang_before": _sleep,
    "json": lambda handler, _: handler.say(200, {"error": "out of memory"}),
    "html": lambda handler, _: handler.say(200, b"<html><h1>Sign in</h1></html>", "text/html"),
    "storm_429": lambda handler, _: handler.say(429, {"error": "slow down"}),
    "storm_503": lambda handler, _: handler.say(503, {"error": "loading"}, Retry_After="0"),
    "busy_for_long": lambda handler, _: handler.say(503, {"error": "loading"}, Retry_After="3600"),
    "error_500": lambda handler, _: handler.say(500, {"error": "CUDA out of memory"}),
    "echo": lambda handler, _: handler.say(500, {"error": dict(handler.headers)}),
}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class StandIn:
    """A running one."""

    def __init__(self, port, process):
        self.url, self.process = f"http://127.0.0.1:{port}", process

    def control(self, **changes):
        """Set a fault, which also forgets what was asked."""
        data = json.dumps({"fault": "", "after": 0, **changes}).encode()
        asked = urllib.request.Request(f"{self.url}/control", data, {"Content-Type": "application/json"})
        urllib.request.urlopen(asked, timeout=10).read()

    def seen(self):
        with urllib.request.urlopen(f"{self.url}/control", timeout=10) as answer:
            return json.load(answer)


@contextmanager
def running(dialect, voice="tone", seconds=0.0):
    command = [sys.executable, "-m", "tests.stand_in", dialect, voice, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield StandIn(int(process.stdout.readline()), process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    keep_to_one_thread()  # as the embedded voice does: sums in another order differ in their last bit
    Handler.state = State(sys.argv[1], *sys.argv[2:3], seconds=float(sys.argv[3]) if len(sys.argv) > 3 else 0.0)
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
