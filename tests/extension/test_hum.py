import pytest

from tests.test_extension import judge


@pytest.mark.slow
def test_a_hum_lasts_long_enough_and_is_nobody_s_voice(tmp_path):
    found, outcomes = judge(tmp_path / "out", "--backend", "hum:Hum")
    assert found["verdict"] == "FAIL"
    assert found["planned"] == found["judged"] > 0
    assert outcomes["greetings-001", "duration_ratio"] == "PASS"
    assert outcomes["greetings-001", "speaker_similarity"] == "FAIL"
