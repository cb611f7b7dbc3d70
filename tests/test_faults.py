"""Eight kinds of fault, every metric: none is passed by what it could not measure, and nothing is lost from the count.

"Not passed" means two things. The run never passes. And a gate on a metric that the fault makes unmeasurable or wrong
never answers PASS; what still holds of a faulty take (a silent file has a length and a sample rate) stands in
`STILL_TRUE`, all other metrics, new ones too, must not pass. The metrics come from the registry.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from harness import audio, registry, shipped
from harness.audio import Audio, encode_wav
from harness.backends import BackendOptions
from harness.backends.embedded.voice import clone
from harness.corpus import load_corpus, load_voices
from harness.decision.gates import load_profile, release
from harness.metrics import intelligibility, known_metrics, metrics_of, quality, target_likelihood, text_support
from harness.metrics.measuring import Models
from harness.metrics.recognition import TextScore
from harness.records.gate import Outcome
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.text.scoring import compare

pytestmark = pytest.mark.slow

PROFILE = load_profile("calibrated", "directory")
SUITE = "diacritized"
# Rows of a minimal pair, so that every metric has something to measure.
ROWS = [
    replace(row, text=f"{row.text} نَذْهَبُ إِلَى السُّوقِ صَبَاحًا مَعَ الأَصْدِقَاءِ وَالجِيرَانِ.")
    for row in load_corpus(SUITE)
    if row.pair == load_corpus(SUITE)[0].pair
]
VOICES = {voice.id: voice for voice in load_voices(shipped.VOICES)}
REFERENCE = VOICES[ROWS[0].reference_id]
REFERENCES = {audio.load(voice.path).samples.tobytes(): voice.transcript for voice in VOICES.values()}
SECONDS = 8.0  # thirds of it are long enough to compare
ROOM_S = 0.4  # at either end, for what is judged beside the speech

KNOWN = known_metrics()
GATED = {gate.metric for gate in PROFILE.gates}
BY_EAR = {*metrics_of(intelligibility, target_likelihood, text_support), "pair_reading"}

OF_THE_FILE = {"readable", "sample_rate", "downmix_loss", "length", "duration_ratio", "finished"}
STILL_TRUE = {
    "missing": set(),
    "empty": set(),
    "truncated header": set(),
    "silent": OF_THE_FILE | {"nonfinite_samples", "dc_offset"},
    "not a number": OF_THE_FILE | {"dc_offset"},
    # an honest label: the speech is sound, at a rate that the codec does not have
    "wrong rate": set(KNOWN) - {"sample_rate"},
    "recogniser raises": set(KNOWN) - BY_EAR,
}


@cache
def errors(heard, text, language):
    return compare(heard, text, language).letters.errors


class Hears:
    """Writes down what was said, and nothing for silence, and holds it for likeliest; raises where it is told to."""

    weights = ""

    def __init__(self, raises=False):
        self.raises = raises
        self.fingerprint = "raises r1" if raises else "hears r1"  # what one heard is not remembered of the other

    def transcribe(self, clips: Sequence[Audio], languages: Sequence[str]) -> list[str]:
        if self.raises:
            raise RuntimeError("out of memory")
        return [self._said(clip) for clip in clips]

    def log_likelihoods(self, clips, languages, texts):
        said = self.transcribe(clips, languages)
        return [
            [self._score(errors(one, text, code), len(text.split())) for text in wanted]
            for one, code, wanted in zip(said, languages, texts, strict=True)
        ]

    def word_priors(self, languages, texts):
        return [tuple(-10.0 * len(word) for word in text.split()) for text in texts]

    def _score(self, wrong, words):
        return TextScore(-10.0 * wrong, (-10.0 * wrong / words,) * words if words else ())

    def _said(self, clip):
        if not clip.samples.any():
            return ""
        if clip.samples.tobytes() in REFERENCES:
            return REFERENCES[clip.samples.tobytes()]
        return min(SAID, key=lambda row: abs(SAID[row].duration_s - clip.duration_s)).text


class Pleased:
    """Finds every sound natural."""

    fingerprint = "pleased r1"

    def predict(self, sound):
        return 4.0


@pytest.fixture(scope="module")
def sound():
    reference = audio.load(REFERENCE.path)
    for number, row in enumerate(ROWS):
        said = clone(row.text, row.language, reference, duration_s=SECONDS + number / 10, seed=0)
        room = np.random.default_rng(number).normal(0, 1e-4, (2, round(ROOM_S * said.sample_rate_hz)))
        SAID[row] = replace(said, samples=np.concatenate([room[0], said.samples, room[1]]).astype(np.float32))
    return SAID


SAID: dict = {}


def files(fault):
    """What stands in the file of each row."""
    for row, said in SAID.items():
        if fault == "missing":
            continue
        if fault == "empty":
            yield row, b""
        elif fault == "truncated header":
            yield row, encode_wav(said)[:30]
        elif fault == "silent":
            yield row, encode_wav(replace(said, samples=np.zeros_like(said.samples)))
        elif fault == "not a number":
            yield row, encode_wav(replace(said, samples=np.full_like(said.samples, np.nan)))
        elif fault == "wrong rate":
            yield row, encode_wav(audio.resample(said, 16_000))
        else:
            yield row, encode_wav(said)


class Answers:
    """A run over one faulty folder, from the files to the verdicts; `out` is where takes and embeddings are kept."""

    def __init__(self, folder, out, fault, monkeypatch):
        takes = folder / "takes"
        takes.mkdir(exist_ok=True)
        table = ["utterance,file,stopped_by", *(f"{row.id},{row.id}.wav,eos" for row in ROWS)]
        (takes / "manifest.csv").write_text("\n".join(table), encoding="utf-8")
        for row, data in files(fault):
            (takes / f"{row.id}.wav").write_bytes(data)
        hears = Hears(raises=fault == "recogniser raises")
        monkeypatch.setattr(intelligibility, "open_recognizer", lambda name, device: hears)
        monkeypatch.setattr(quality, "open_predictor", lambda name, device: Pleased())
        settings = Settings(
            "directory",
            BackendOptions(model=str(takes)),
            PROFILE,
            out,
            models=Models(recognizer="given", second_recognizer="given"),
        )
        run = Run(settings)
        requests = [run.request(row, 0) for row in ROWS]
        run.generate(requests)
        takes = [run.take(request) for request in requests]
        found = run.measured(takes, list(KNOWN))
        verdicts = [run.verdicts(take, sorted(GATED), one) for take, one in zip(takes, found, strict=True)]
        self.measured, self.verdicts = found[0], verdicts[0]
        self.planned, self.judged = len(requests), sum(map(bool, verdicts))

    def of(self, metric):
        return {verdict.outcome for verdict in self.verdicts if verdict.gate.metric == metric}


def check_nothing_is_lost(answers):
    assert answers.measured.keys() == KNOWN.keys()
    assert len(answers.verdicts) == len({gate.asked_as for gate in PROFILE.gates if gate.is_for(SUITE)})
    assert answers.planned == answers.judged == len(ROWS)
    outcomes = [verdict.outcome for verdict in answers.verdicts]
    assert release(outcomes, answers.planned, answers.judged) in {Outcome.FAIL, Outcome.INCONCLUSIVE}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """What the models say of a sound is kept here, as in the next run of a team: the voices are embedded once."""
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def faulty(sound, out, tmp_path_factory):
    made = {}

    def run(fault):
        if fault not in made:
            with pytest.MonkeyPatch.context() as patched:
                made[fault] = Answers(tmp_path_factory.mktemp("fault"), out, fault, patched)
        return made[fault]

    return run


def test_a_sound_take_passes_every_gate(faulty):
    answers = faulty("none")
    assert {
        verdict.gate.name: verdict.observed
        for verdict in answers.verdicts
        if verdict.outcome != Outcome.PASS and verdict.gate.reads(ROWS[0].language)
    } == {}
    assert {name for name, one in answers.measured.items() if one.why_not} == set()


@pytest.mark.parametrize("fault", STILL_TRUE)
def test_a_fault_loses_nothing_and_never_passes(faulty, fault):
    check_nothing_is_lost(faulty(fault))


@pytest.mark.parametrize("metric", KNOWN)
@pytest.mark.parametrize("fault", STILL_TRUE)
def test_no_metric_is_passed_by_a_fault(faulty, fault, metric):
    answers = faulty(fault)
    if metric in STILL_TRUE[fault]:
        assert answers.measured[metric].value == answers.measured[metric].value  # measured, and no NaN
    else:
        assert Outcome.PASS not in answers.of(metric)
    assert answers.of(metric) or metric not in GATED
    if np.isnan(answers.measured[metric].value):
        assert answers.measured[metric].why_not


@pytest.mark.parametrize("metric", KNOWN)
def test_a_metric_that_raises_is_not_passed_and_loses_nothing(sound, out, tmp_path, monkeypatch, metric):
    def broken(**needs):
        raise RuntimeError("no luck")

    monkeypatch.setattr(registry.metrics()[metric], "function", broken)
    answers = Answers(tmp_path, out, "none", monkeypatch)
    assert "raised RuntimeError: no luck" in answers.measured[metric].why_not
    assert answers.measured.keys() == KNOWN.keys()
    asked = {one.outcome for one in answers.verdicts if one.gate.metric == metric and one.gate.reads(ROWS[0].language)}
    assert asked <= {Outcome.INCONCLUSIVE, Outcome.WARN}
    assert answers.of(metric) - asked <= {Outcome.REFUSED}  # a gate for another language
    if asked - {Outcome.WARN}:
        check_nothing_is_lost(answers)


def test_every_kind_of_fault_is_tried():
    assert len(STILL_TRUE) + 1 == 8  # and a metric that raises
