"""The least number of substitutions, deletions and insertions between what should be said and what was heard.

Conventions
    A text is a row of slots; a slot holds alternatives, each a row of symbols (words, or letters). Most slots hold one
    alternative. A slot with several is something that has several right forms: 3 is read ثلاثة or ثلاث. The alignment
    takes the forms, on both sides, that agree best, and counts the symbols of the form that it took.

Source: Levenshtein distance over acyclic graphs instead of strings. On slots with one alternative each it gives the
numbers of jiwer 4, which has no alternatives: there a digit that a recogniser wrote as a word is always an error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Slot = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which symbol of the target met which heard one; None where one side has nothing."""

    pairs: tuple[tuple[str | None, str | None], ...]
    substitutions: int
    deletions: int
    insertions: int

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def target_length(self) -> int:
        """Symbols of the target."""
        return len(self.pairs) - self.insertions

    @property
    def rate(self) -> float:
        """Errors for each symbol of the target; can exceed 1, and is NaN for a target without symbols."""
        return self.errors / self.target_length if self.target_length else float("nan")


@dataclass(frozen=True, slots=True)
class _Graph:
    symbols: tuple[str, ...]
    """One symbol a node; node 0 is the start and has an empty one."""
    before: tuple[tuple[int, ...], ...]
    """For each node the nodes that may precede it."""
    ends: tuple[int, ...]


def _graph(slots: Sequence[Slot]) -> _Graph:
    symbols, before = [""], [()]  # type: tuple[list[str], list[tuple[int, ...]]]
    ends: tuple[int, ...] = (0,)
    for slot in slots:
        reached: list[int] = []
        for alternative in slot:
            last = ends
            for symbol in alternative:
                symbols.append(symbol)
                before.append(last)
                last = (len(symbols) - 1,)
            reached += last
        ends = tuple(dict.fromkeys(reached))
    return _Graph(tuple(symbols), tuple(before), ends)


def align(target: Sequence[Slot], heard: Sequence[Slot], same: Callable[[str, str], bool] = str.__eq__) -> Alignment:
    """Align two texts with as few errors as there can be.

    Args:
        target: What should be said.
        heard: What was heard.
        same: Whether two symbols are as good as equal.

    >>> plain = lambda text: [((word,),) for word in text.split()]
    >>> align(plain("the cat sat"), plain("the bat sat down")).errors
    2
    >>> align([(("three",), ("3",))], plain("3")).errors
    0
    """
    one, two = _graph(target), _graph(heard)
    cost = _costs(one, two, same)
    i, j = min(((i, j) for i in one.ends for j in two.ends), key=lambda cell: cost[cell[0]][cell[1]])
    pairs: list[tuple[str | None, str | None]] = []
    substitutions = deletions = insertions = 0
    while i or j:
        left, right, here = one.symbols[i], two.symbols[j], cost[i][j]
        wrong = 0 if i and j and same(left, right) else 1
        both = next(((p, q) for p in one.before[i] for q in two.before[j] if cost[p][q] + wrong == here), None)
        above = next((p for p in one.before[i] if cost[p][j] + 1 == here), None)
        if both is not None:
            pairs.append((left, right))
            substitutions += wrong
            i, j = both
        elif above is not None:
            pairs.append((left, None))
            deletions += 1
            i = above
        else:
            pairs.append((None, right))
            insertions += 1
            j = next(q for q in two.before[j] if cost[i][q] + 1 == here)
    return Alignment(tuple(reversed(pairs)), substitutions, deletions, insertions)


def _costs(one: _Graph, two: _Graph, same: Callable[[str, str], bool]) -> list[list[int]]:
    """Least errors up to each pair of nodes, shape (nodes of one, nodes of two)."""
    cost: list[list[int]] = []
    for i, left in enumerate(one.symbols):
        rows = [cost[p] for p in one.before[i]]
        row: list[int] = []
        for j, right in enumerate(two.symbols):
            columns = two.before[j]
            if len(rows) == 1 and len(columns) == 1:  # as nearly everywhere
                above, q = rows[0], columns[0]
                row.append(min(above[j] + 1, row[q] + 1, above[q] + (not same(left, right))))
                continue
            best = [r[j] + 1 for r in rows] + [row[q] + 1 for q in columns]
            if rows and columns:
                best.append(min(r[q] for r in rows for q in columns) + (not same(left, right)))
            row.append(min(best, default=0))
        cost.append(row)
    return cost
