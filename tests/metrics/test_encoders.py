from harness.metrics.encoders import RESEMBLYZER, open_encoder
from harness.metrics.speaker import Resemblyzer
from harness.metrics.xvector import XVector


def test_the_default_is_resemblyzer_and_any_other_name_a_model():
    assert isinstance(open_encoder(RESEMBLYZER), Resemblyzer)
    assert isinstance(open_encoder("some/model"), XVector)
