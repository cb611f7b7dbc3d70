"""What can go wrong outside: each fault ends in its verdict, in time, and what was finished before it is kept."""

import shlex
import sys
import threading
import time
from _thread import interrupt_main
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.backends import BackendOptions
from harness.decision.gates import load_profile
from harness.metrics import intelligibility
from harness.metrics.measuring import Models
from harness.records.gate import Outcome
from harness.run.plan import Run
from harness.run.settings import Settings
from tests.recognisers import Told
from tests.stand_in import FAULTS, running
from tests.synthetic import draw, utterance, write_voice

pytestmark = pytest.mark.slow

PROOF = 4  # questions before the first take
TEXTS = (
    "واحد اثنان ثلاثة أربعة خمسة",
    "ستة سبعة ثمانية تسعة عشرة اثنان",
    "كيف حالك اليوم يا صديقي في المدرسة",
)
FRAMES = (66, 79, 92)
LONGEST_S = 15.0  # for a proof and three takes of at most 2 s each


@dataclass(frozen=True)
class Fault:
    name: str
    gate: str = "readable"
    says: str = ""
    outcome: Outcome = Outcome.FAIL
    stream: bool = False
    after: int = PROOF + 1
    kept: int = 1
    """Takes that were finished before it."""


SERVED = (
    Fault("hang_before", says="no whole answer within 2 s"),
    Fault("hang_in", says="no whole answer within 2 s"),
    Fault("hang_in", says="no whole answer within 2 s", stream=True),
    Fault("hang_after", says="no whole answer within 2 s"),
    Fault("hang_after", says="no whole answer within 2 s", stream=True),
    Fault("byte_a_second", says="no whole answer within 2 s"),
    Fault("broken_off", says="the connection broke after"),
    Fault("broken_off", says="the connection broke after", stream=True),
    Fault("json", says='200 with application/json in place of sound: \'{"error": "out of memory"}\''),
    Fault("html", says="200 with text/html in place of sound"),
    Fault("header_longer", says="the WAV is cut: its header promises"),
    Fault("header_shorter", says="beyond the sound that its header promises"),
    Fault("pcm_cut", says="cut inside a sample", stream=True),
    Fault("empty", says="200 with 0 bytes"),
    Fault("empty", says="200 with 0 bytes", stream=True),
    Fault("other_rate", "sample_rate", "8000 Hz"),
    Fault("other_rate", "sample_rate", "16000 Hz", stream=True),
    Fault("lying_rate", "sample_rate", "Hz"),
    Fault("one_sided", "downmix_loss", "dB"),
    Fault("storm_429", says="times: the server answered 429"),
    Fault("storm_503", says="times: the server answered 503"),
    Fault("busy_for_long", says="asked 1 times: the server answered 503"),
    Fault("busy", outcome=Outcome.PASS),
    Fault("error_500", says='the server answered 500: {"error": "CUDA out of memory"}'),
    Fault("echo", says="the server answered 500"),
    Fault("reference_ignored", says="does not condition on it", after=0, kept=0),
    Fault("seed_ignored", outcome=Outcome.PASS, after=0, kept=0),
    Fault("seed_without_effect", outcome=Outcome.PASS, after=0, kept=0),
    # By a recogniser without limits of its own: found, and advisory.
    Fault("other_utterance", "cer_above_floor", outcome=Outcome.WARN),
    Fault("same_audio", "cer_above_floor", outcome=Outcome.WARN),
    Fault("same_audio", "copied_take", "100% is short-"),
    Fault("swapped", says="serves another model than at the start"),
    Fault("tokens_ignored", "finished", "stopped by budget"),
)


def test_every_fault_of_the_stand_in_is_tried():
    assert {fault.name for fault in SERVED} == set(FAULTS)


@pytest.fixture(scope="module")
def server():
    with running("vllm-omni") as stand_in:
        yield stand_in


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Opens a run over three texts in two voices, of which a recogniser hears what was asked for by its length."""
    for name, picture in (("layla", "#" * 20), ("omar", "##." * 7)):
        write_voice(tmp_path / "voices", name, draw(picture))

    def opened(backend, **options):
        heard = {frames * 960: text for frames, text in zip(FRAMES, TEXTS, strict=True)}
        heard |= {20 * 2400: "نص", 21 * 2400: "نص", 50_000: "شيء آخر", 27 * 960: "كلمة أخرى"}
        monkeypatch.setattr(intelligibility, "open_recognizer", lambda *_: Told(heard))
        settings = Settings(
            backend=backend,
            options=BackendOptions(**{"timeout_s": 2, "concurrency": 1, **options}),
            profile=load_profile("documented", backend),
            out=tmp_path / "out",
            voices_folder=tmp_path / "voices",
            models=Models(recognizer="told"),
        )
        return Run(settings)

    return opened


def judged(run, gate):
    """The verdicts of one gate on three takes, in the order in which they were made, and the seconds that it took."""
    rows = [
        utterance(text, id=f"short-{number:03d}", number=number, reference_id=("layla", "omar")[number % 2])
        for number, text in enumerate(TEXTS, 1)
    ]
    began = time.monotonic()
    made = []
    run.generate([run.request(row, 0) for row in rows], lambda done, of, take: made.append(take))
    elapsed = time.monotonic() - began
    assert len(made) == 3
    return [(take, *run.judge(take, [gate])) for take in made], elapsed


def check(answers, elapsed, fault):
    kept, struck = answers[: fault.kept], answers[fault.kept :]
    assert elapsed < LONGEST_S
    for take, verdict in kept:
        assert verdict.outcome in (Outcome.PASS, Outcome.REFUSED), verdict.observed
        assert take.path.exists()
    for _, verdict in struck:
        assert verdict.outcome == fault.outcome, verdict.observed
        assert fault.says in verdict.observed, verdict.observed


@pytest.mark.parametrize(
    "fault", SERVED, ids=lambda fault: f"{fault.name}-{fault.gate}" + ("-streamed" if fault.stream else "")
)
def test_a_server_with_a_fault_gets_its_verdict(server, run, fault, monkeypatch):
    monkeypatch.setenv("HARNESS_API_KEY", "sk-very-secret-0123456789")
    server.control(fault=fault.name, after=fault.after)
    opened = run("speech_server", model=server.url, stream=fault.stream)
    answers, elapsed = judged(opened, fault.gate)
    check(answers, elapsed, fault)
    assert "sk-very-secret" not in "".join(take.error for take, _ in answers)
    if fault.name.startswith("seed"):
        found = {"seed_ignored": "ignored", "seed_without_effect": "without effect"}[fault.name]
        assert {take.details["seed"] for take, _ in answers} == {found}


def test_a_server_that_is_gone_in_mid_run_leaves_what_it_had_finished(run):
    with running("vllm-omni") as server:
        opened = run("speech_server", model=server.url)
        seen = []

        def after_the_first(done, of, take):
            seen.append(take)
            server.process.kill()

        rows = [utterance(text, id=f"short-00{number}", number=number) for number, text in enumerate(TEXTS, 1)]
        opened.generate([opened.request(row, 0) for row in rows], after_the_first)
    assert seen[0].path.exists()
    assert all("cannot be reached" in take.error or "broke after" in take.error for take in seen[1:]), seen


def test_a_server_whose_seed_has_no_effect_fails_its_seeds(server, run):
    server.control(fault="seed_without_effect")
    opened = run("speech_server", model=server.url)
    requests = [opened.request(utterance(TEXTS[0]), seed) for seed in (0, 1)]
    opened.generate(requests)
    for request in requests:
        (verdict,) = opened.judge(opened.take(request), ["copied_seed"])
        assert verdict.outcome == Outcome.FAIL
        assert opened.take(request).details["seed"] == "without effect"


def test_ctrl_c_while_a_server_hangs_keeps_what_was_finished_and_ends_at_once(server, run):
    server.control(fault="hang_before", after=PROOF + 1)
    opened = run("speech_server", model=server.url, timeout_s=30)
    rows = [utterance(text, id=f"short-00{number}", number=number) for number, text in enumerate(TEXTS, 1)]
    requests = [opened.request(row, 0) for row in rows]
    opened.generate(requests[:1])
    timer = threading.Timer(0.5, interrupt_main)
    began = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        opened.generate(requests)
    assert time.monotonic() - began < LONGEST_S  # and not when its deadline would have been over
    assert opened.store.get(requests[0]) is not None
    server.control()
    assert opened.take(requests[1]).error == ""  # it can be asked again


PROGRAM = (
    Fault("hang", says="no end of"),
    Fault("grandchild", says="no end of"),
    Fault("deaf", says="no end of"),
    Fault("byte_a_second", says="it said last: ."),
    Fault("exit_3", says="ended with exit code 3; it said last: loading tts: no such voice"),
    Fault("killed", says="was ended by signal 9"),
    Fault("nothing", says="left no file at {out}; it said last: done"),
    Fault("empty", says="empty file of 0 bytes"),
    Fault("html", says="no sound file"),
    Fault("cut", says="the WAV is cut: its header promises"),
    Fault("header_shorter", says="beyond the sound that its header promises"),
    Fault("other_rate", "sample_rate", "8000 Hz"),
    Fault("one_sided", "downmix_loss", "dB"),
    # By a recogniser without limits of its own: found, and advisory.
    Fault("other_utterance", "cer_above_floor", outcome=Outcome.WARN),
    Fault("reference_ignored", says="does not condition on it", after=0, kept=0),
    Fault("seed_ignored", outcome=Outcome.PASS, after=0, kept=0),
    Fault("tokens_ignored", "finished", "stopped by budget"),
)


@pytest.mark.parametrize("fault", PROGRAM, ids=lambda fault: fault.name)
def test_a_command_with_a_fault_gets_its_verdict(run, tmp_path, fault):
    script = Path(__file__).resolve().parent.parent / "stand_in_program.py"
    words = [sys.executable, str(script), f"{fault.name}@{fault.after}", str(tmp_path / "counter")]
    line = shlex.join(words) + " {text} {reference} {seed} {max_frames} {out}"
    answers, elapsed = judged(run("command", model=line), fault.gate)
    check(answers, elapsed, fault)
