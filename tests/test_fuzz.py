"""A short part of benchmarks/fuzz.py."""

import pytest

from benchmarks import fuzz


@pytest.mark.slow
def test_malformed_files_are_refused_by_an_error_of_ours(tmp_path):
    found, counts = fuzz.find(500, 7, tmp_path)
    assert found == []
    assert sum(count for name, count in counts.items() if name.endswith("refused")) > 250


def test_every_valid_file_is_read(tmp_path):
    for kind in fuzz.kinds(tmp_path):
        if kind.file != "releases.jsonl":  # no event of the history is that short
            path = tmp_path / kind.file
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(kind.valid)
            assert kind.read(tmp_path)
            path.unlink()
