import tomllib

import pytest

from harness import starter
from harness.corpus import load_corpus, suites_of
from harness.decision.gates import load_profile
from harness.errors import UsageError
from harness.shipped import VOICES, suites_at


@pytest.mark.parametrize("language", starter.LANGUAGES)
def test_what_is_written_is_a_suites_folder(tmp_path, language):
    written = starter.write(tmp_path, "gates_of_ours", language)
    assert all(path.is_file() for path in written)
    folder = suites_at(tmp_path)
    assert folder is not None
    assert (folder.path, folder.golden) == (tmp_path / "gates_of_ours", tmp_path / "gates_of_ours" / "golden")
    assert suites_of(folder.corpus) == ("greetings",)
    rows = load_corpus("greetings", folder.corpus)
    assert {row.language for row in rows} == {language}
    assert len(rows) == 2
    assert folder.voices == VOICES  # until there is one of the team's own
    (folder.path / "voices" / "ours.txt").write_text("x")
    assert folder.voices == folder.path / "voices"
    assert load_profile("documented", "", folder.gates) == load_profile("documented", "")
    assert len((folder.path / "conftest.py").read_text().splitlines()) == 1


def test_the_examples_in_the_gates_are_toml(tmp_path):
    starter.write(tmp_path)
    lines = (tmp_path / "voice_gates" / "gates.toml").read_text(encoding="utf-8").splitlines()
    example = "\n".join(line.removeprefix("#   ") for line in lines if line.startswith("#   "))
    found = tomllib.loads(example)
    assert found["profile"]["documented"]["gate"][0]["metric"] == "duration_ratio"
    assert found["policy"] == {"require": ["words"]}


def test_the_workflow_judges_the_folder(tmp_path):
    starter.write(tmp_path, "mine")
    text = (tmp_path / ".github" / "workflows" / "mine.yml").read_text(encoding="utf-8")
    assert 'pytest mine/ --asr "$ASR" --require whole,words' in text
    assert "FOLDER" not in text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"name": "a/b"}, "--name is 'a/b'"),
        ({"name": ""}, "--name is ''"),
        ({"name": ".."}, r"--name is '\.\.'"),
        ({"language": "xx"}, "--language is 'xx'; there are texts to begin with in ar, de, en, zh"),
        ({"name": "taken"}, "taken is there already"),
    ],
)
def test_nothing_is_written_over(tmp_path, arguments, complaint):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(UsageError, match=complaint):
        starter.write(tmp_path, **arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
