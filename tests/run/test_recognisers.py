import pytest

from harness.errors import UsageError
from harness.metrics.measuring import Measuring
from harness.run.recognisers import check_languages, weights_by_metric
from tests.recognisers import Told


class Arabic(Told):
    """Knows one language, and what it is made of."""

    weights = "a1b2"

    def check_language(self, language):
        if language != "ar":
            raise UsageError(f"this recogniser does not know {language!r}")


def test_a_metric_on_the_words_rests_on_the_weights_of_its_own_recogniser():
    measuring = Measuring(recognizer=Arabic("نص"))
    assert weights_by_metric(measuring, ["length", "cer", "second_cer"]) == {"cer": "a1b2"}
    assert weights_by_metric(Measuring(), ["cer"]) == {}


def test_a_language_that_a_recogniser_does_not_know_is_said_before_anything_is_made():
    check_languages(Measuring(), ["de"])
    check_languages(Measuring(recognizer=Arabic("نص")), ["ar"])
    with pytest.raises(UsageError, match="does not know 'de'"):
        check_languages(Measuring(recognizer=Arabic("نص")), ["ar", "de"])
