"""What the recogniser is compared with: the target, said by a synthesiser."""

import numpy as np
import pytest

from harness.errors import BackendError
from harness.metrics import control_speech
from harness.metrics.control_speech import said
from harness.metrics.declaration import Missing


def test_a_text_is_said_by_two_voices_and_always_alike():
    first, second = said("ذَهَبَ الوَلَدُ", "ar")
    assert first.samples.size != second.samples.size or not np.array_equal(first.samples, second.samples)
    (again,) = said("ذَهَبَ الوَلَدُ", "ar", voices=1)
    np.testing.assert_array_equal(first.samples, again.samples)


def test_nobody_says_a_language_that_is_not_spoken_or_a_text_that_is_too_long():
    assert said("sawubona", "zu") == ()
    assert said("one two three four five six seven eight nine ten " * 12, "en") == ()


def test_a_synthesiser_that_fails_is_no_control_and_says_so(monkeypatch):
    def broken(*_):
        raise BackendError("espeak-ng did not run")

    monkeypatch.setattr(control_speech, "speak", broken)
    with pytest.raises(Missing, match="the control of the recogniser failed: espeak-ng did not run"):
        said("one", "en")
