import json
import os
from dataclasses import replace

import pytest

from harness.audio import encode_wav
from harness.backends import BackendOptions
from harness.backends.directory import DirectoryBackend
from harness.errors import UsageError
from harness.take import Stop
from tests.synthetic import draw, request, utterance


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.wav").write_bytes(encode_wav(draw("##")))
    return tmp_path


def judge(folder, **asked):
    (take,) = DirectoryBackend(BackendOptions(model=str(folder))).generate([request(**asked)])
    return take


def test_files_are_found_by_utterance_and_seed(folder):
    (folder / "a.wav").rename(folder / "short-001_seed3.wav")
    assert judge(folder, seed=3).audio.duration_s == pytest.approx(0.2)
    assert "no audio for 'short-001' seed 0" in judge(folder, seed=0).error


def test_a_name_without_a_seed_is_seed_0_and_no_other(folder):
    (folder / "a.wav").rename(folder / "short-001.wav")
    assert judge(folder, seed=0).audio is not None
    assert judge(folder, seed=1).audio is None


def test_a_csv_manifest_says_what_each_file_is(folder):
    (folder / "manifest.csv").write_text("utterance,file,seed,stopped_by,frames\nshort-001,a.wav,2,budget,64\n")
    take = judge(folder, seed=2)
    assert (take.stopped_by, take.frames) == (Stop.BUDGET, 64)


def test_a_jsonl_manifest_says_the_same(folder):
    rows = [{"utterance": "short-001", "file": "a.wav", "seed": seed} for seed in (0, 1)]
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert all(judge(folder, seed=seed).stopped_by is Stop.UNKNOWN for seed in (0, 1))
    assert judge(folder, seed=0).audio is not None


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "is missing"), (b"", "empty file of 0 bytes"), (b"RIFF", "not a sound file")]
)
def test_a_file_that_cannot_be_read_is_a_take_that_says_so(folder, content, complaint):
    (folder / "manifest.csv").write_text("utterance,file,stopped_by\nshort-001,b.wav,eos\n")
    if content is not None:
        (folder / "b.wav").write_bytes(content)
    take = judge(folder)
    assert take.audio is None
    assert complaint in take.error


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("manifest.csv", "utterance,path\nshort-001,a.wav\n", "no such column: 'file'; found: 'utterance', 'path'"),
        ("manifest.csv", "utterance,file,seed\nshort-001,a.wav,x\n", "row 2: field 'seed' is 'x'; a whole number"),
        (
            "manifest.csv",
            "utterance,file,stopped_by\nshort-001,a.wav,tired\n",
            "row 2: field 'stopped_by' is 'tired'; one of eos, silence",
        ),
        (
            "manifest.csv",
            "utterance,file\nshort-001,a.wav\nshort-001,a.wav\n",
            "row 3: utterance 'short-001' seed 0 is listed twice",
        ),
        (
            "manifest.csv",
            "Utterance,File\nshort-001,a.wav\n",
            "no such column: 'utterance'; found: 'Utterance', 'File'",
        ),
        ("manifest.csv", "utterance,file,stoped_by\nshort-001,a.wav,eos\n", "field 'stoped_by' is unknown; known are"),
        ("manifest.csv", "", "found: nothing"),
        ("manifest.csv", "utterance,file\n", "holds no rows below its header"),
        ("manifest.csv", "utterance,file\nshort-001\n", "row 2: field 'file' is missing"),
        ("manifest.csv", "utterance,file\nshort-001,a.wav,x\n", "row 2 has 3 cells, the header has 2"),
        ("manifest.csv", "utterance,file,file\nshort-001,a.wav,x\n", "a column stands there twice"),
        ("manifest.csv", 'utterance,file\n"short-001,a.wav', "not a table that can be read: unexpected end of data"),
        ("manifest.csv", "utterance,file\nshort-001," + "a" * 140_000, "field larger than field limit"),
        ("manifest.csv", "utterance,file,seed\nshort-001,a.wav," + "9" * 5000, "field 'seed' is '9999"),
        ("manifest.csv", "utterance,file,frames\nshort-001,a.wav,-5\n", "field 'frames' is '-5'; a whole number"),
        ("manifest.csv", "utterance,file\nshort-001,../a.wav\n", "lies outside the folder"),
        ("manifest.csv", "utterance,file\nshort-001,/etc/passwd\n", "lies outside the folder"),
        ("manifest.csv", "utterance,file\nshort-001," + "a" * 5000 + "\n", "the path of a file is needed"),
        ("manifest.jsonl", "", "holds no lines"),
        ("manifest.jsonl", '{"utterance": "\\ud800", "file": "a.wav"}', "line 1 is not JSON"),
        ("manifest.jsonl", "[" * 100_000, "line 1 is not JSON"),
        ("manifest.jsonl", '{"seed": ' + "9" * 5000 + "}", "line 1"),
        ("manifest.jsonl", '{"seed": NaN}', "line 1 is not JSON"),
        ("manifest.jsonl", "{", "line 1 is not JSON"),
        ("manifest.jsonl", "[1]", "line 1 is \\[1\\]"),
    ],
)
def test_a_malformed_manifest_names_its_line(folder, name, content, complaint):
    (folder / name).write_text(content)
    with pytest.raises(UsageError, match=complaint):
        DirectoryBackend(BackendOptions(model=str(folder)))


def test_the_identity_changes_with_any_file(folder):
    before = DirectoryBackend(BackendOptions(model=str(folder))).identity
    assert DirectoryBackend(BackendOptions(model=str(folder))).identity == before
    (folder / "a.wav").write_bytes(encode_wav(draw("###")))
    assert DirectoryBackend(BackendOptions(model=str(folder))).identity != before


@pytest.mark.parametrize("encoding", ["cp1256", "utf-16-le", "latin-1"])
def test_a_manifest_in_a_code_page_is_one_line(folder, encoding):
    text = "utterance,file\nshort-001,a.wav\n" + ("é" if encoding == "latin-1" else "نص") + ",a.wav\n"
    (folder / "manifest.csv").write_bytes(text.encode(encoding))
    with pytest.raises(UsageError) as caught:
        DirectoryBackend(BackendOptions(model=str(folder)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_manifest_as_a_spreadsheet_writes_it(folder, encoding, separator, end):
    rows = ["utterance,file,seed", "short-001,a.wav,2", ""]
    (folder / "manifest.csv").write_bytes(end.join(rows).replace(",", separator).encode(encoding))
    assert judge(folder, seed=2).audio is not None


def test_a_folder_or_a_pipe_that_is_called_manifest_is_one_line(folder):
    (folder / "manifest.csv").mkdir()
    with pytest.raises(UsageError, match=r"manifest\.csv is a folder; a file is needed"):
        DirectoryBackend(BackendOptions(model=str(folder)))
    (folder / "manifest.csv").rmdir()
    os.mkfifo(folder / "manifest.csv")
    with pytest.raises(UsageError, match="no regular file"):
        DirectoryBackend(BackendOptions(model=str(folder)))


def test_a_line_of_json_may_hold_any_line_end_but_its_own(folder):
    rows = [{"utterance": f"short-00{n}", "file": f"a{mark}.wav"} for n, mark in ((1, "\u2028"), (2, "\x85"))]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "manifest.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert "is missing" in judge(folder).error  # the file is, the manifest was read


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ("sub/a.wav", "sub\\a.wav"),
        ("é.wav", "e\u0301.wav"),
        ("e\u0301.wav", "é.wav"),
        ("A.WAV", "a.wav"),
        ("a.wav", "A.wav"),
        ("a.wav", "./a.wav"),
    ],
)
def test_a_file_is_found_however_its_name_is_written(folder, there, named):
    sound = (folder / "a.wav").read_bytes()
    (folder / "a.wav").unlink()
    (folder / there).parent.mkdir(exist_ok=True)
    (folder / there).write_bytes(sound)
    (folder / "manifest.csv").write_text(f"utterance,file\nshort-001,{named}\n", encoding="utf-8")
    assert judge(folder).audio is not None


def test_files_outside_the_folder_are_read_where_that_is_said(folder):
    inside = folder / "inside"
    inside.mkdir()
    (inside / "manifest.csv").write_text("utterance,file\nshort-001,../a.wav\n")
    (take,) = DirectoryBackend(BackendOptions(model=str(inside), outside_files=True)).generate([request()])
    assert take.audio is not None


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("sub/short-001.wav", 0),
        ("short-001.WAV", 0),
        ("seed-2/short-001.wav", 2),
        ("short/arabic_generated_001_layla.wav", 0),
        ("takes/short/seed-3/arabic_generated_001_layla.wav", 3),
    ],
)
def test_files_are_found_in_folders_and_by_the_names_of_an_export(folder, name, seed):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / "a.wav").rename(path)
    path.with_name(f"{path.stem}_ref.wav").write_bytes(b"") if "generated" in name else None
    (folder / "._short-001.wav").write_bytes(b"\0")  # as macOS leaves behind
    assert judge(folder, seed=seed).audio is not None


def test_two_files_for_one_take_are_refused(folder):
    (folder / "a.wav").rename(folder / "short-001.wav")
    (folder / "sub").mkdir()
    (folder / "sub" / "short-001.flac").write_bytes(b"")
    with pytest.raises(UsageError, match="both are utterance 'short-001' seed 0: keep one"):
        DirectoryBackend(BackendOptions(model=str(folder)))


def rows(count, seeds=1):
    texts = [utterance(id=f"short-{number:03d}", number=number) for number in range(1, count + 1)]
    return [replace(request(seed=seed), utterance=text) for text in texts for seed in range(seeds)]


def test_a_folder_in_which_nothing_matches_is_one_line(folder):
    for number in range(6):
        (folder / f"utt{number}.wav").write_bytes(b"")
    (folder / "a.wav").unlink()
    with pytest.raises(UsageError) as caught:
        DirectoryBackend(BackendOptions(model=str(folder))).check(rows(18))
    assert "0 of 18 utterances have audio" in str(caught.value)
    assert "found utt0, utt1, utt2, utt3 …; expected short-001, short-002" in str(caught.value)


def test_an_empty_folder_and_a_seed_that_nobody_exported_are_one_line(folder):
    (folder / "a.wav").unlink()
    with pytest.raises(UsageError, match=r"0 of 18 utterances have audio") as caught:
        DirectoryBackend(BackendOptions(model=str(folder))).check(rows(18))
    assert "expected short-001, short-002" in str(caught.value)
    for number in range(1, 19):
        (folder / f"short-{number:03d}.wav").write_bytes(b"")
    with pytest.raises(UsageError, match=r"seeds 0 are not asked for, seeds 1234 are \(--takes") as caught:
        DirectoryBackend(BackendOptions(model=str(folder))).check([replace(one, seed=1234) for one in rows(18)])
    assert "18 of 18 files" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sound_of_a_kind_that_is_not_read_is_named(folder):
    (folder / "a.wav").rename(folder / "short-001.m4a")
    with pytest.raises(UsageError, match=r"0 of 1 utterances have audio .* found short-001\.m4a"):
        DirectoryBackend(BackendOptions(model=str(folder))).check(rows(1))
    assert "short-001.m4a is no kind of sound that can be read: make it WAV or FLAC" in judge(folder).error


def test_opus_is_read(folder):
    import soundfile
    import soxr

    samples, rate = soundfile.read(folder / "a.wav")
    soundfile.write(folder / "short-001.opus", soxr.resample(samples, rate, 48_000), 48_000, "OPUS", format="OGG")
    assert judge(folder).audio.duration_s == pytest.approx(0.2, abs=0.02)


def test_files_that_would_never_be_looked_at_are_named(folder):
    (folder / "a.wav").unlink()
    for number in range(1, 4):
        for seed in range(3):
            (folder / f"short-{number:03d}_seed{seed}.wav").write_bytes(b"")
    backend = DirectoryBackend(BackendOptions(model=str(folder)))
    backend.check(rows(3, seeds=3))
    with pytest.raises(UsageError, match=r"6 of 9 files .* never be looked at .*: seeds 1, 2 are not asked for"):
        backend.check(rows(3))
    with pytest.raises(UsageError, match=r"3 of 9 files .*: the corpus has no short-003; ask for them, or take"):
        backend.check(rows(2, seeds=3))
