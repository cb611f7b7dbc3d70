"""The tiny checkpoint, built once for the session."""

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A folder with model and codec."""
    from harness.backends.higgs import tiny

    folder = tmp_path_factory.mktemp("tiny-higgs")
    tiny.write(folder)
    return folder
