"""Each speaker is judged in a voice that is known to be theirs, and no speaker stands on both sides."""

import csv
from dataclasses import replace
from itertools import pairwise

import pytest

from harness import audio
from harness.audio import encode_wav
from harness.errors import UsageError
from harness.lab import beds
from harness.lab.beds import Spoken
from harness.take import Provenance
from tests.synthetic import draw, reference, request, take


def folder_of(tmp_path, *rows):
    """Recordings of so many tenths of a second each, by a row of the manifest."""
    folder = tmp_path / "studio"
    folder.mkdir()
    columns = ("file", "language", "speaker", "transcript", "system", "reference")
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        for name, cells, row in rows:
            (folder / name).write_bytes(encode_wav(draw("#" * cells)))
            writer.writerow({"file": name, "language": "ar"} | row)
    return folder


def person(name, cells, speaker, text="نص"):
    return name, cells, {"speaker": speaker, "transcript": text}


def length_s(one):
    return audio.load(one.take.request.reference.path).duration_s


def some(source, speaker, number=0, backend="recorded"):
    asked = request(f"text {number}", reference=reference(speaker=speaker))
    made = take(draw("#"), asked=asked)
    return Spoken(replace(made, provenance=Provenance(backend, "speech", "")), source, True)


def test_a_folder_without_a_usable_manifest_is_refused_in_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"holds no manifest\.csv"):
        beds.spoken(tmp_path, tmp_path)
    (tmp_path / "manifest.csv").write_text("file,language\na.wav,ar\n", encoding="utf-8")
    with pytest.raises(UsageError, match="speaker"):
        beds.spoken(tmp_path, tmp_path)


def test_a_person_is_judged_in_the_other_clips_until_they_last_4_s(tmp_path):
    clips = [person(f"{number}.wav", 25, "layla", f"نص {number}") for number in range(4)]
    found = beds.spoken(folder_of(tmp_path, *clips), tmp_path)
    assert [one.take.request.reference.transcript for one in found] == [
        "نص 1 نص 2",
        "نص 2 نص 3",
        "نص 3 نص 0",
        "نص 0 نص 1",
    ]
    assert all(one.voice and one.speaker == "layla" and 5 <= length_s(one) < 6 for one in found)
    assert {beds.bed_of(one) for one in found} == {beds.PEOPLE}


def test_who_has_too_few_other_clips_has_no_voice_and_a_strangers_reference(tmp_path):
    rows = [person("a.wav", 20, "one"), person("b.wav", 20, "one"), person("c.wav", 35, "two")]
    found = beds.spoken(folder_of(tmp_path, *rows), tmp_path)
    assert [one.voice for one in found] == [False] * 3
    assert [round(length_s(one), 1) for one in found] == [3.5, 3.5, 2.0]
    assert {one.take.request.reference.transcript for one in found} == {""}


def test_a_dialogue_has_no_voice_however_long_it_is(tmp_path):
    rows = [person(f"{number}.wav", 45, "dialogue 1") for number in range(3)]
    assert not any(one.voice for one in beds.spoken(folder_of(tmp_path, *rows), tmp_path))


def test_a_clone_is_judged_in_the_clip_that_it_was_made_from(tmp_path):
    folder = folder_of(
        tmp_path,
        ("voice.wav", 50, {"speaker": "layla", "system": "reference"}),
        ("clone.wav", 20, {"speaker": "layla", "transcript": "نص<br>كتاب", "system": "x", "reference": "voice.wav"}),
    )
    (one,) = beds.spoken(folder, tmp_path)
    assert one.take.request.reference.path == folder / "voice.wav"
    assert one.take.request.utterance.text == "نص"
    assert (one.source, beds.bed_of(one)) == ("system x", beds.CLONES)


def test_single_words_are_joined_and_judged_in_the_next_stretch(tmp_path):
    rows = [person(f"{number:02}.wav", 8, "layla", f"[{number}]") for number in range(14)]
    first, second = beds.spoken(folder_of(tmp_path, *rows), tmp_path)
    assert first.take.request.utterance.text.split() == [f"[{number}]" for number in range(7)]
    assert first.voice
    assert length_s(first) == pytest.approx(second.take.audio.duration_s, abs=0.01)


def test_halves_share_no_speaker_and_miss_no_take():
    takes = [some("studio", f"speaker {number % 5}", number) for number in range(20)]
    first, second = beds.halves(takes)
    assert {one.speaker for one in first}.isdisjoint(one.speaker for one in second)
    assert len(first) + len(second) == 20
    assert min(len(first), len(second)) == 8


def test_a_narrator_alone_is_halved_by_text():
    first, second = beds.halves([some("book", "narrator", number) for number in range(5)])
    assert [one.take.request.utterance.text for one in second] == ["text 1", "text 3"]
    assert len(first) == 3


def test_a_source_with_few_takes_gives_all_and_the_others_fill_up():
    takes = [some(source, "s", n) for source, many in (("a", 30), ("b", 2), ("c", 30)) for n in range(many)]
    found = beds.spread(takes, 12)
    assert {source: sum(one.source == source for one in found) for source in "abc"} == {"a": 5, "b": 2, "c": 5}
    texts = {name: [int(one.take.request.utterance.text[5:]) for one in found if one.source == name] for name in "ac"}
    assert all(5 <= later - earlier <= 7 for earlier, later in pairwise(texts["a"]))
    assert not {*texts["a"]} & {*texts["c"]}


def test_the_embedded_voice_is_the_demonstration():
    assert beds.bed_of(some("anywhere", "layla", backend="embedded")) == beds.DEMONSTRATION
