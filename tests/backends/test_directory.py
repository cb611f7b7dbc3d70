import json

import pytest

from harness.audio import encode_wav
from harness.backends import BackendOptions
from harness.backends.directory import DirectoryBackend
from harness.errors import UsageError
from harness.take import Stop
from tests.synthetic import draw, request


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
        ("manifest.csv", "utterance,path\nshort-001,a.wav\n", "line 2: column 'file' is empty"),
        ("manifest.csv", "utterance,file,seed\nshort-001,a.wav,x\n", "column 'seed' is 'x'"),
        ("manifest.csv", "utterance,file,stopped_by\nshort-001,a.wav,tired\n", "column 'stopped_by' is 'tired'"),
        (
            "manifest.csv",
            "utterance,file\nshort-001,a.wav\nshort-001,a.wav\n",
            "line 3: utterance 'short-001' seed 0 is",
        ),
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
