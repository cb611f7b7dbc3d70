import numpy as np

from harness.decision.panels import layout, panel, unmeasured
from harness.decision.policy import Margin
from tests.accepted import LENGTH, take

MARGIN = Margin("length", "s", 0.1, 1.0, 0.01, "w", better="neither")


def test_a_number_that_is_gone_is_named_with_its_reason():
    silent = take(measurements={"length": LENGTH.missing("no audio")})
    assert unmeasured([silent], [take()], "length") == {"short-001": "no audio"}
    assert unmeasured([take(measurements={})], [take()], "length") == {"short-001": "it was not measured"}
    assert unmeasured([take()], [silent], "length") == {}


def test_a_take_that_is_missing_is_nan_and_not_left_out():
    found = panel([take(), take("short-002", seed=1, value=3.0)], ["short-001", "short-002"], [MARGIN])
    assert found.seeds == (0, 1)
    np.testing.assert_array_equal(found.values["length"], [[2.0, np.nan], [np.nan, 3.0]])


def test_the_rows_are_every_utterance_suite_by_suite():
    rows = layout({"short": [take("b"), take("a", seed=1), take("a")], "medium": [take("c", speaker="greta")]})
    assert (rows.utterances, rows.suites) == (("c", "a", "b"), ("medium", "short", "short"))
    assert rows.speakers == ("greta", "omar", "omar")
