"""What `python -m harness diff` tells; the command is played in test_golden.py."""

import pytest
from msgspec import structs

from harness.baseline.acceptance import accept
from harness.baseline.difference import difference
from harness.errors import GoldenError
from tests.baseline.test_acceptance import SECONDS, run, terms, with_record

__all__ = ["run", "terms"]


def test_a_run_is_shown_beside_the_accepted_release(run, terms):
    accept(run, "short", terms)
    changed = structs.replace(run.record.takes[3], measurements={"length": SECONDS.measured(0.5)})
    run = with_record(run, takes=(*run.record.takes[:3], changed))
    lines = difference(run, "short", terms)
    assert "accepted by Layla" in lines[0]
    assert any(line.startswith("length ") and "INCONCLUSIVE" in line for line in lines)
    assert next(line for line in lines if line.startswith("  short-")).startswith("  short-002")


def test_nothing_to_show_beside_is_said(run, terms):
    with pytest.raises(GoldenError, match="no release was accepted in suite 'short'"):
        difference(run, "short", terms)
