"""A metric is its function: called with what it needs it measures, and what it cannot measure it says."""

import pytest

from harness import registry
from harness.metrics.artifacts import clipping
from harness.metrics.declaration import (
    Missing,
    NotApplicable,
    analysis_of,
    everything_needed,
    measured,
    metric,
    once_a_run,
)
from harness.metrics.speaker import speaker_similarity


@pytest.fixture
def declare(own_metrics):
    def declared(function):
        return metric("tried", unit="s", better="lower")(function)

    return declared


def test_a_metric_is_its_function_and_says_what_its_number_means(declare):
    one = declare(lambda sound: measured(2, "two", ((0.0, 1.0),), "heard", parts=3))
    found = one(None)
    assert (found.metric.name, found.metric.unit, found.metric.better) == ("tried", "s", "lower")
    assert (found.value, found.detail, found.spans, found.heard) == (2.0, "two", ((0.0, 1.0),), "heard")
    assert found.components == {"parts": 3}
    assert declare(lambda sound: 1).function is not one.function
    assert registry.metrics()["tried"](None).value == 1


@pytest.mark.parametrize(("kind", "applicable"), [(Missing, True), (NotApplicable, False)])
def test_what_cannot_be_measured_is_no_number(declare, kind, applicable):
    def never(sound):
        raise kind("no luck")

    found = declare(never)(None)
    assert found.value != found.value
    assert (found.why_not, found.applicable) == ("no luck", applicable)


def test_what_a_metric_needs_is_known_down_to_what_is_given():
    assert clipping.everything_needed == ("take", "audio", "sound")
    assert speaker_similarity.needs_of_the_run == ("models", "derived", "encoder", "references", "voices")
    assert everything_needed({"a": "pauses"})[-1] == "pauses"
    assert once_a_run("voices")
    assert not once_a_run("pauses")
    assert analysis_of("embedding").once == "batch"
