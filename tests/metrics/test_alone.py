"""A sound is measured alone, in a notebook, without a run and without side effects."""

import subprocess
import sys

import pytest

from harness import measure
from harness.audio import encode_wav
from harness.errors import AudioError, UsageError
from harness.metrics.measuring import Measuring, Models, model_free
from tests.synthetic import draw, take, write_voice

TEXT = "واحد اثنان ثلاثة أربعة خمسة"


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "take.wav"
    path.write_bytes(encode_wav(draw("#" * 26)))
    return path


def test_a_file_with_its_text_and_reference_has_every_model_free_number(sound, tmp_path):
    voice = write_voice(tmp_path, "layla", draw("#" * 20)).path
    found = measure(sound, text=TEXT, reference=voice, transcript="مرحبا يا صديقي العزيز")
    assert list(found) == model_free()
    assert found["duration_ratio"].value == pytest.approx(1.3)
    assert {name for name, one in found.items() if one.why_not} == {
        "finished",  # no system says why it ended
        "pace_change",  # too short
        "edge_noise",  # nothing lies beside the sound
    }
    assert "duration_ratio" in repr(found)
    assert "1.3 ratio" in repr(found)


def test_what_was_not_given_does_not_apply(sound):
    found = measure(str(sound))
    assert found["duration_ratio"].why_not == "no text was given"
    assert found["reference_leak"].why_not == "no reference was given"
    assert not found["reference_leak"].applicable
    assert found["length"].value == pytest.approx(2.6)


def test_samples_are_measured_as_a_file_is(sound):
    assert measure(draw("#" * 26), metrics=["length"])["length"].value == pytest.approx(2.6)


class Told:
    fingerprint = "told"

    def __init__(self, device):
        pass

    def transcribe(self, clips, languages):
        return [TEXT for _ in clips]


def test_a_metric_that_needs_a_model_opens_it(sound):
    models = Models(recognizer="tests.metrics.test_alone:Told")
    assert measure(sound, text=TEXT, metrics=["cer"], models=models)["cer"].value == 0


def test_what_a_recogniser_does_not_say_does_not_apply_and_did_not_go_wrong(sound):
    models = Models(recognizer="tests.metrics.test_alone:Told")
    found = measure(sound, text=TEXT, metrics=["text_llr"], models=models)["text_llr"]
    assert (found.applicable, found.why_not) == (False, "this recogniser does not say how likely a text is")


def test_mistakes_are_said_in_one_line(sound, tmp_path):
    with pytest.raises(AudioError, match=r"nowhere.wav is missing"):
        measure(tmp_path / "nowhere.wav")
    with pytest.raises(AudioError, match=r"voice.wav is missing"):
        measure(sound, reference=tmp_path / "voice.wav")
    with pytest.raises(UsageError, match="metric 'loudness' is unknown; there are"):
        measure(sound, metrics=["loudness"])
    with pytest.raises(TypeError, match=r"takes a sound file or an Audio, not Take"):
        measure(take())


def test_a_sound_where_a_take_is_due_is_a_type_error():
    with pytest.raises(TypeError, match=r"Audio is no Take; harness.measure\(\) measures a sound alone"):
        Measuring().measure([draw("#")])


def test_importing_and_measuring_changes_nothing_of_the_process(sound):
    watched = f"""
import os, sys
before = dict(os.environ), list(sys.meta_path), list(sys.path)
import harness
assert not [name for name in sys.modules if name.startswith("harness.")]
assert "numpy" not in sys.modules
found = harness.measure({str(sound)!r}, text="ok ok ok")
assert found["length"].value > 2
assert (dict(os.environ), list(sys.meta_path), list(sys.path)) == before
assert not {{"torch", "transformers", "librosa", "pytest"}} & set(sys.modules)
from threadpoolctl import threadpool_info
assert {{one["num_threads"] for one in threadpool_info()}} == {{os.cpu_count()}}
print("unchanged")
"""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ".", "OMP_NUM_THREADS": ""}
    environment.pop("OMP_NUM_THREADS")
    done = subprocess.run([sys.executable, "-c", watched], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout == "unchanged\n", done.stderr
