"""Many takes in one test: a suite of ten thousand takes is as many tests as one of a hundred blocks.

A test that asks for nothing of a take but `require` judges a block of takes in a suite that has many: pytest holds each
of its tests, and what came of it, as long as it runs. So does one whose question arises of no take, since the run has
no recogniser, say: that is one skip. A command that selects by name (`-k`, an id) gets a test a take.
"""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from harness.plugin.options import is_per_take, writes_allure

if TYPE_CHECKING:
    from harness.corpus import Utterance

MOST_TESTS = 400
"""Takes of a suite up to which each has a test of its own."""
BLOCK = 200
"""Takes of one test beyond that."""
_TAKES = pytest.StashKey["dict[str, list[tuple[Utterance, int]]]"]()
_BLOCKS = pytest.StashKey["dict[tuple[Utterance, int], list[Block]]"]()
_NEED_NO_TAKE = frozenset({"require", "other_metrics"})


class Block(tuple["tuple[Utterance, int]", ...]):
    """Takes that one test judges: utterance and seed of each."""

    __slots__ = ()

    def __str__(self) -> str:
        (first, seed), (last, last_seed) = self[0], self[-1]
        return f"{first}-seed{seed} to {last}-seed{last_seed}"


def blocks(metafunc: pytest.Metafunc, rows: Sequence["Utterance"], seeds: Sequence[int], arises: bool) -> list[Block]:
    """The takes of a suite in blocks; none where each take has a test of its own.

    Args:
        metafunc: The test.
        rows: Of the suite.
        seeds: Of each row's takes.
        arises: Whether what the test requires can be judged of any take.
    """
    config = metafunc.config
    of_its_own = set(inspect.signature(metafunc.function).parameters) - _NEED_NO_TAKE
    by_name = config.option.keyword or any("[" in str(arg) for arg in config.args)
    takes = _takes(config, rows, seeds)
    if of_its_own or by_name:
        return []
    if not arises and not (writes_allure(config) and not is_per_take(config)):
        return [Block(takes)]
    if len(takes) <= MOST_TESTS or writes_allure(config):
        return []
    known = config.stash.setdefault(_BLOCKS, {})
    if takes[0] not in known:
        known[takes[0]] = [Block(takes[start : start + BLOCK]) for start in range(0, len(takes), BLOCK)]
    return known[takes[0]]


def _takes(config: pytest.Config, rows: Sequence["Utterance"], seeds: Sequence[int]) -> "list[tuple[Utterance, int]]":
    """Utterance and seed of every take of a suite, the same ones for all its tests."""
    known = config.stash.setdefault(_TAKES, {})
    suite = rows[0].suite if rows else ""
    if suite not in known:
        known[suite] = [(row, seed) for row in rows for seed in seeds]
    return known[suite]


def block_by_block(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests of a block one after another: what is known of its takes is then read once for all of them."""
    first: dict[object, int] = {}
    places = []
    for place, item in enumerate(items):
        block = getattr(getattr(item, "callspec", None), "params", {}).get("utterance")
        places.append(first.setdefault(block, place) if isinstance(block, Block) else place)
    return [items[place] for _, place in sorted(zip(places, range(len(items)), strict=True))]
