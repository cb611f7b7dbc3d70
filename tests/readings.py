"""How a number may be read, as plain strings."""

import itertools

from harness.text import numbers


def expanded(slot):
    """Every form of a slot, in words."""
    for form in slot:
        parts = [[part] if isinstance(part, str) else list(expanded(part)) for part in form]
        yield from (" ".join(word for word in words if word) for words in itertools.product(*parts))


def readings(written, language):
    """Every reading of a number in digits."""
    return set(expanded(numbers.spoken(written, language)))
