"""A run as the harness would have recorded it, made of drawn sounds; no backend, no models."""

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from harness import audio
from harness.audio import Audio
from harness.corpus import Reference, Utterance
from harness.decision.gates import judge
from harness.metrics import measure_waveform
from harness.records.event import Described, Ended, Judged, Planned
from harness.records.gate import Gate
from harness.records.run_record import About
from harness.records.take_record import TakeKey, TakeRecord
from harness.run.journal import Journal
from harness.take import Chunk, Provenance, Request, Stop, Take, TokenBudget

RATE = 24_000
GATES = (
    Gate("length", "length", "s", "shorter is no sentence, longer is a model that did not stop", 1.0, 30.0),
    Gate("silence_ratio", "silence_ratio", "ratio", "more silence than this is heard as gaps", at_most=0.3),
    Gate("finished", "finished", "yes", "a generation that was cut has lost its ending", at_least=1.0),
)
DIACRITIZED = "ذَهَبَ الوَلَدُ إِلى المَدْرَسَةِ صَباحًا، ثُمَّ عادَ."
MISHEARD = "ذهب الولد الى المدرشة مساء ثم عاد"


def speech(seconds, seed=0, gap=None, level=0.3):
    """A voice-like buzz with syllables; `gap` (start, end) is silent."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 20 * seed % 80 + 10 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    buzz = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 12))
    syllables = 0.15 + 0.85 * np.clip(np.sin(2 * np.pi * 3.1 * time + rng.uniform(0, 6)), 0, 1)
    samples = level * buzz / 2 * syllables + 0.001 * rng.standard_normal(time.size)
    if gap is not None:
        samples[(time >= gap[0]) & (time < gap[1])] = 0
    return Audio(samples.astype(np.float32), RATE)


class RecordedRun:
    """Writes takes and the journal of a run into one folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.journal = Journal(out)
        self.journal.begin()
        about = About(backend="drawn", gates="documented", system="drawn r1", note="drawn sounds")
        self.journal.add(Described(about))

    def take(self, name="short-001", *, sound=None, heard="", golden=None, text=DIACRITIZED, language="ar", **changes):
        """Record one take as judged; the record, with `changes` on top."""
        suite, number = name.rsplit("-", 1)[0], 1
        reference_path = self.out / "takes" / f"{audio.content_hash(name.encode())[:16]}_ref.wav"
        audio.write_atomically(reference_path, audio.encode_wav(speech(3, seed=99)))
        sound = speech(2.5) if sound is None else sound
        take_path = reference_path.with_name(reference_path.name.replace("_ref", ""))
        audio.write_atomically(take_path, audio.encode_wav(sound))
        budget = TokenBudget(60, 90, 25.0)
        request = Request(
            Utterance(name, suite, number, text, language, "layla"),
            Reference("layla", reference_path, "تقرأ الجدة قصة قديمة.", "ar", "layla", "0" * 64),
            0,
            (Chunk(text, budget),),
            "drawn r1",
        )
        sha256 = audio.content_hash(take_path.read_bytes())
        made = Provenance("drawn", "drawn", "r1")
        take = Take(request, sound, Stop.EOS, made, frames=62, elapsed_s=0.4, path=take_path, sha256=sha256)
        measured = measure_waveform(take)
        verdicts = judge(GATES, measured, {})
        kept = {gate.metric: measured[gate.metric] for gate in GATES}
        if heard:
            kept["length"] = structs.replace(kept["length"], heard=heard)
        accepted_sha256, accepted_path = "", None
        if golden is not None:
            accepted_path = take_path.with_name(take_path.name.replace(".wav", "_golden.wav"))
            data = audio.encode_wav(golden)
            audio.write_atomically(accepted_path, data)
            accepted_sha256 = audio.content_hash(data)
        record = TakeRecord.of(take, kept, verdicts, take_path, self.out, accepted_sha256, accepted_path)
        record = structs.replace(record, **changes)
        test = f"suites/test_{suite}.py::test_it[{name}]"
        self.plan(test, name)
        self.journal.add(Judged(test, (record,)))
        return record

    def plan(self, test, name):
        """Plan a take without judging it."""
        self.journal.add(Planned({test: (TakeKey(name.rsplit("-", 1)[0], name, 0),)}))

    def end(self, exit_status=1):
        """The run ends; what its journal says then."""
        self.journal.add(Ended("2026-01-02T03:04:05Z", exit_status))
        return self.journal.record()


@pytest.fixture
def recorded_run(tmp_path):
    return RecordedRun(tmp_path / "out")
