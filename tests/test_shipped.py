"""What travels with the package is where the package looks for it."""

from harness import shipped


def test_everything_that_is_shipped_is_there():
    assert sorted(path.stem for path in shipped.CORPUS.glob("*.toml"))
    assert shipped.GATES.is_file()
    assert len(list(shipped.VOICES.glob("*.flac"))) == len(list(shipped.VOICES.glob("*.txt"))) > 0
    assert shipped.POWER.is_file()
    assert shipped.GOLDEN.is_dir()
