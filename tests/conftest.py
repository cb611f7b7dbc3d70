"""What all tests of the harness share."""

import pytest


@pytest.fixture(scope="session")
def extension_modules_stay():
    """Load compiled modules once: pytester forgets what its tests imported, and these crash when imported again."""
    import pyworld
    import scipy.signal
    import scipy.stats
    import soundfile
    import soxr
    import torch

    return pyworld, scipy.signal, scipy.stats, soundfile, soxr, torch
