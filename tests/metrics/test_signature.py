"""What a number hangs on is found without being listed; another layout of the code is no other metric."""

import re
from types import MappingProxyType

import pytest

from harness import registry
from harness.metrics import known_metrics, signature, silence
from harness.metrics.signature import constants, short, text

LIMIT = 3
TABLE = MappingProxyType({"b": 2, "a": 1})
NAMES = frozenset({"x", "y"})
PATTERN = re.compile("a+")
lowercase = 5


class Shape:
    EDGES = 4

    @classmethod
    def of(cls, sound):
        return helper(sound)


def helper(sound):
    return [part for part in NAMES if part in TABLE]


def measured(sound):
    return Shape.of(sound) if sound > LIMIT else lowercase


def test_constants_are_found_through_functions_classes_and_comprehensions():
    assert constants(measured) == {
        "tests.metrics.test_signature.LIMIT": "3",
        "tests.metrics.test_signature.NAMES": "('x', 'y')",
        "tests.metrics.test_signature.TABLE": "(('a', 1), ('b', 2))",
    }


def test_a_constant_that_moves_moves_every_metric_that_hangs_on_it(monkeypatch):
    before = {name: one.signature for name, one in registry.metrics().items()}
    monkeypatch.setattr(silence, "BELOW_SPEECH_DB", 30.0)
    monkeypatch.setattr(signature, "_looked_up", signature._looked_up.__wrapped__)
    after = {name: one.signature for name, one in registry.metrics().items()}
    moved = {name for name in before if before[name] != after[name]}
    assert {"silence_ratio", "speaking_rate", "extra_speech", "ending_level"} <= moved
    assert not {"length", "clipping", "cer", "bandwidth"} & moved


def test_the_source_of_a_metric_from_elsewhere_counts_without_its_layout(tmp_path, monkeypatch):
    import importlib
    import sys

    monkeypatch.syspath_prepend(tmp_path)

    def signed(source):
        sys.modules.pop("elsewhere", None)
        importlib.invalidate_caches()
        (tmp_path / "elsewhere.py").write_text(source)
        return text("mine", 1, [importlib.import_module("elsewhere").mine], ())

    first = signed("FLOOR = 1.0\n\ndef mine(sound):\n    return sound + FLOOR\n")
    assert "elsewhere.FLOOR:1.0" in first
    assert signed("FLOOR = 1.0\n\ndef mine(sound):  # better\n    return (sound + FLOOR)\n") != first
    assert signed("FLOOR = 1.0\n\n\n\ndef mine(sound):  # better\n    return sound  +  FLOOR\n") == first
    assert signed("FLOOR = 2.0\n\ndef mine(sound):\n    return sound + FLOOR\n") != first


def test_packages_count_where_a_metric_says_so():
    assert text("mine", 2, [silence.pauses], ("numpy",)).startswith("mine|v2|audio.FRAME_S:0.02|")
    assert "|numpy:" in text("mine", 2, [silence.pauses], ("numpy",))


def test_every_metric_is_signed_and_the_text_of_a_signature_fits_in_a_line():
    signed = {name: one.signature for name, one in known_metrics().items()}
    assert all(re.fullmatch(r"v\d+\.[0-9a-f]{8}", one) for one in signed.values())
    assert len(set(signed.values())) == len(signed)
    assert short("a|v1|X:1") != short("a|v1|X:2")


@pytest.mark.parametrize("name", registry.metrics())
def test_nothing_of_this_machine_or_python_is_in_a_signature(name):
    whole = registry.metrics()[name].signature
    assert not re.search(r"0x[0-9a-f]{6}|/tmp|/usr|dataclasses|enum\.| object at |<class|<function", whole), whole
