from math import inf, isnan, nan

import numpy as np
import pytest

from harness.records import schema
from harness.records.measurement import Measurement, Metric

LENGTH = Metric("length", "s", "neither")


def again(measurement):
    return schema.decode(schema.encode(measurement), Measurement, "it", "measure again")


def test_a_number_survives_being_kept():
    found = LENGTH.measured(np.float32(1.5), "long", spans=((np.float64(0.5), 1),), words=np.int64(3))
    assert again(found) == found
    assert (found.value, found.components, found.spans) == (1.5, {"words": 3.0}, ((0.5, 1.0),))


@pytest.mark.parametrize("value", [nan, inf, -inf, np.float32("nan")])
def test_what_is_no_number_has_no_value_in_a_file_and_is_nan_again_when_read(value):
    found = LENGTH.measured(value, level=value, words=3)
    assert b"value" not in schema.encode(found)
    assert isnan(again(found).value)
    assert again(found).components == {"words": 3.0}
    assert not found.is_known


def test_what_was_not_measured_says_why_in_a_file_too():
    assert again(LENGTH.missing("no audio")).why_not == "no audio"
    assert not again(LENGTH.not_applicable("no text")).applicable
