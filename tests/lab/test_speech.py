import csv

import numpy as np
import pytest

from harness.audio import encode_wav
from harness.errors import UsageError
from harness.lab import speech
from tests.synthetic import draw, take

FIELDS = ("file", "language", "speaker", "transcript")


def write(folder, *clips):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(FIELDS)
        for number, (speaker, seconds, text) in enumerate(clips):
            (folder / f"{number}.wav").write_bytes(encode_wav(draw("#" * round(10 * seconds), rate_hz=16_000)))
            writer.writerow([f"{number}.wav", "en", speaker, text])
    return folder


def test_each_clip_is_a_take_in_the_voice_of_the_speakers_next(tmp_path):
    folder = write(tmp_path / "in", ("a", 3, "one"), ("b", 3, "two"), ("a", 4, "three"), ("b", 4, "four"))
    takes = speech.recorded(folder, tmp_path / "work")
    assert [one.request.utterance.text for one in takes] == ["one", "two", "three", "four"]
    assert [one.request.reference.transcript for one in takes] == ["three", "four", "one", "two"]
    assert {one.audio.sample_rate_hz for one in takes} == {24_000}
    assert all(one.request.reference.path.exists() for one in takes)


def test_short_clips_of_a_speaker_are_joined(tmp_path):
    folder = write(tmp_path / "in", *[("a", 1, f"[word {number}]") for number in range(10)])
    takes = speech.recorded(folder, tmp_path / "work")
    assert [one.audio.duration_s for one in takes] == pytest.approx([5.0, 5.0], abs=0.01)
    assert all(speech.without_text(one) for one in takes)


def test_a_text_can_be_exchanged_for_another():
    assert speech.relabelled(take(), "other").request.utterance.text == "other"
    assert not speech.without_text(take())


def test_a_speaker_of_one_clip_has_no_reference(tmp_path):
    folder = write(tmp_path / "in", ("a", 3, "one"))
    with pytest.raises(UsageError, match="speaker 'a' has one clip"):
        speech.recorded(folder, tmp_path)


def test_a_folder_without_a_manifest_is_told_what_to_list(tmp_path):
    with pytest.raises(UsageError, match="list the recordings there, columns file, language, speaker and transcript"):
        speech.recorded(tmp_path, tmp_path)


@pytest.mark.slow
def test_the_embedded_voice_gives_the_same_sound_takes_every_time(request, monkeypatch):
    voices = speech.load_voices
    with monkeypatch.context() as patched:
        patched.setattr(speech, "load_voices", lambda folder: voices(folder)[:2])
        some = speech.embedded(1)  # by processes of their own
    request.getfixturevalue("spoken_here")
    takes = speech.embedded(1)
    assert len({one.request.reference.id for one in takes}) == len(takes) == 8
    assert [one.request for one in some] == [one.request for one in takes[:2]]
    assert all(np.array_equal(a.audio.samples, b.audio.samples) for a, b in zip(some, takes[:2], strict=True))


def test_a_text_that_comes_round_again_has_another_voice(monkeypatch):
    class Names:
        identity = "names"

        def generate(self, requests):
            return [(one.utterance.id, one.reference.id) for one in requests]

        def close(self):
            pass

    monkeypatch.setattr(speech, "open_backend", lambda *_: Names())
    made = speech.embedded(48)
    assert len(set(made)) == len(made) == 384
    assert [voice for _, voice in made[:8]] == [voice for _, voice in made[8:16]]  # rounds over the voices


def test_no_recording_is_its_own_reference(tmp_path):
    folder = write(tmp_path / "in", ("a", 3, "one"), ("b", 3, "two"), ("a", 4, "three"), ("b", 4, "four"))
    takes = speech.recorded(folder, tmp_path / "work")
    assert len({one.request.reference.id for one in takes}) == 4
    assert all(one.request.reference.transcript != one.request.utterance.text for one in takes)


def test_what_was_said_may_stand_under_text_and_a_row_may_say_none(tmp_path):
    folder = write(tmp_path / "in" / "clones", ("a", 3, "one<br>from a book"), ("a", 3, ""), ("b", 3, "[keyword]"))
    manifest = folder / "manifest.csv"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("transcript", "text"), encoding="utf-8")
    write(tmp_path / "in" / "people", ("c", 3, "two"))
    found = speech.recordings(tmp_path / "in", joined_s=0.0)
    assert [(one.source, one.transcript, one.has_text) for one in found] == [
        ("clones", "one", True),
        ("clones", "", False),
        ("clones", "[keyword]", False),
        ("people", "two", True),
    ]


def test_a_manifest_without_a_column_for_what_was_said_is_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text("file,language,speaker\na.wav,en,a\n", encoding="utf-8")
    with pytest.raises(
        UsageError, match=r"needs rows with the columns file, language, speaker and transcript \(or text\)"
    ):
        speech.recordings(tmp_path)
