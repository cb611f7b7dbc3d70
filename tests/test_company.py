"""A take's numbers are its own: measured alone or among sixteen, in whatever order, they are the same."""

import random
from dataclasses import replace

import pytest

from harness import audio, shipped
from harness.audio import encode_wav
from harness.backends import BackendOptions
from harness.backends.embedded.voice import clone
from harness.corpus import load_corpus, load_voices
from harness.decision.gates import load_profile
from harness.metrics import intelligibility, known_metrics, quality, speaker
from harness.metrics.measuring import Models
from harness.metrics.quality import DistillMos
from harness.metrics.recognition import open_recognizer
from harness.metrics.speaker_encoder import Resemblyzer
from harness.records.gate import Outcome
from harness.run.plan import Run
from harness.run.settings import Settings
from tests.recognisers import tiny_whisper

pytestmark = pytest.mark.slow

TAKES = 16
MOST = 1e-3
OF_OTHERS = {"copied_take"}  # how much of the take is in another: only its verdict is the take's own
PROFILE = load_profile("documented", "directory")
METRICS = sorted({gate.metric for gate in PROFILE.gates})
PAIRED = [row for row in load_corpus("diacritized") if row.pair]
# In the voice of a stranger to the language a recogniser has no floor, so that one of random weights is judged too.
FOREIGN = [replace(row, reference_id="emma") for row in load_corpus("diacritized") if not row.pair]
ROWS = [*PAIRED, *FOREIGN][:TAKES]
VOICES = {voice.id: voice for voice in load_voices(shipped.VOICES)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sixteen takes, most of them of minimal pairs, two long enough to be compared in thirds."""
    where = tmp_path_factory.mktemp("takes")
    for number, row in enumerate(ROWS):
        reference = audio.load(VOICES[row.reference_id].path)
        seconds = 6.5 if number < 2 else row.reading_time_s * 1.4
        sound = clone(row.text, row.language, reference, duration_s=seconds, seed=number)
        (where / f"{row.id}.wav").write_bytes(encode_wav(sound))
    table = ["utterance,file,stopped_by", *(f"{row.id},{row.id}.wav,eos" for row in ROWS)]
    (where / "manifest.csv").write_text("\n".join(table), encoding="utf-8")
    return where


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    recognizer = open_recognizer(str(tiny_whisper(tmp_path_factory.mktemp("whisper"))))
    return Resemblyzer(), recognizer, DistillMos()


@pytest.fixture
def measure(folder, models, tmp_path, monkeypatch):
    encoder, recognizer, predictor = models
    monkeypatch.setattr(quality, "open_predictor", lambda name, device: predictor)
    monkeypatch.setattr(speaker, "open_encoder", lambda name, device: encoder)
    monkeypatch.setattr(intelligibility, "open_recognizer", lambda name, device: recognizer)

    def measured(name, rows, of):
        """Measurements and outcomes of the takes of some rows, in a run of its own that remembers nothing."""
        options = BackendOptions(model=str(folder))
        run = Run(
            Settings(
                "directory",
                options,
                PROFILE,
                tmp_path / name,
                models=Models(recognizer="given", second_recognizer="given"),
            )
        )
        run.generate([run.request(row, 0) for row in rows])
        takes = {row.id: run.take(run.request(row, 0)) for row in of}
        found = {name: run.measurements(take) for name, take in takes.items()}
        return {
            name: (found[name], {one.gate.name: one.outcome for one in run.verdicts(take, METRICS, found[name])})
            for name, take in takes.items()
        }

    return measured


def test_no_number_and_no_verdict_depends_on_the_company_or_the_order(measure):
    assert len(ROWS) == TAKES
    shuffled = random.Random(5).sample(ROWS, TAKES)
    together, backwards = measure("one", ROWS, ROWS), measure("two", shuffled, shuffled[::-1])
    seen = set()
    for number, row in list(enumerate(ROWS))[::2]:
        partner = [other for other in ROWS if row.pair and other.pair == row.pair and other is not row]
        alone = measure(f"alone-{number}", [row, *partner], [row])[row.id]
        for company in (together[row.id], backwards[row.id]):
            assert alone[1] == company[1]
            assert alone[0].keys() == company[0].keys() == known_metrics().keys()
            for name, mine in alone[0].items():
                theirs = company[0][name]
                assert (mine.why_not, mine.heard) == (theirs.why_not, theirs.heard), name
                if not mine.why_not:
                    assert name in OF_OTHERS or abs(mine.value - theirs.value) <= MOST, name
                    seen.add(name)
    # Random weights write no diacritics, loop and find no text anywhere: their failure, and no number of the take.
    ears = ("cer", "wer", "floor", "lost_words", "_llr", "added_letters", "text_support")
    by_ear = {name for name in known_metrics() if name.endswith(ears)}
    # None of the takes has room enough beside its speech for `edge_noise`.
    assert known_metrics().keys() - seen <= {"pair_reading", "edge_noise", *by_ear}
    assert Outcome.PASS in {outcome for _, outcomes in together.values() for outcome in outcomes.values()}
