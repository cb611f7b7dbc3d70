"""All suites together: what the average of one suite can hide, and what only many takes can show."""

import pytest

pytestmark = pytest.mark.suite()  # of all


def test_is_no_worse_than_the_accepted_release_over_all_texts(not_worse):
    not_worse("all")


def test_no_voice_is_worse_than_in_the_accepted_release(not_worse):
    not_worse("voices")


def test_hardly_an_utterance_is_lost_since_the_accepted_release(not_worse):
    not_worse("lost")


def test_all_releases_together_have_not_lost_too_much_since_the_first(not_worse):
    not_worse("anchor")


def test_hardly_a_take_breaks_a_gate(not_worse):
    not_worse("broken")
