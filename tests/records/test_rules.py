from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from harness.records import schema
from harness.records.gate import Gate
from harness.records.rules import Rules
from tests.synthetic import reference, utterance

LENGTH = Gate("length", "length", "s", "w", at_most=30.0)


def rules(gates=(LENGTH,), margins=("m",), policy="p", texts=None, voices=None):
    return Rules.of(gates, margins, policy, {"short": texts or [utterance()]}, voices or [reference(Path("a.wav"))])


def test_equal_rules_have_equal_hashes_and_no_difference():
    assert rules().differences(rules()) == []
    assert rules().hashes == rules().hashes
    assert schema.decode(schema.encode(rules()), Rules, "it", "again") == rules()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (rules(gates=[structs.replace(LENGTH, at_most=99.0)]), "gate length judged by <= 30 s, now by <= 99 s"),
        (rules(gates=[structs.replace(LENGTH, advisory=True)]), "gate length is another than it was"),
        (rules(gates=[]), "gate length is not there any more"),
        (rules(margins=("n",)), "the margins of gates.toml are not what judged"),
        (rules(policy="q"), "the policy of gates.toml is not what judged"),
        (rules(texts=[utterance("نص")]), "suite short is not what it was"),
        (rules(voices=[replace(reference(), sha256="1" * 64)]), "voice layla is not what it was"),
    ],
)
def test_what_differs_is_named(other, said):
    assert rules().differences(other) == [said]
    assert rules().hashes != other.hashes
