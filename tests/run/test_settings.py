from pathlib import Path

from harness.backends import BackendOptions
from harness.decision.gates import load_profile
from harness.run.settings import Settings


def test_the_takes_of_an_utterance_have_seeds_in_a_row():
    profile = load_profile("documented", "embedded")
    settings = Settings("embedded", BackendOptions(), profile, Path("out"), first_seed=3, takes=2)
    assert list(settings.seeds) == [3, 4]
