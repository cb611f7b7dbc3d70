"""The least number of substitutions, deletions and insertions between what should be said and what was heard.

Conventions
    A text is a row of slots; a slot holds forms, each a row of symbols (words, or letters). Most slots hold one form.
    A slot with several is something that has several right forms: 3 is read ثلاثة or ثلاث. A form may hold slots in its
    turn, and an empty form is something that may be left out: 105 is read with "and" or without. The alignment takes
    the forms, on both sides, that agree best, and counts the symbols of the form that it took.
    Where `join` is given, symbols that stand apart on one side and together on the other are the same: nobody hears a
    space. The pairs then hold, for the side with fewer symbols, the whole first and empty ones after it.

Source: Levenshtein distance over acyclic graphs instead of strings. On slots with one form each it gives the numbers of
jiwer 4, which has no alternatives: there a digit that a recogniser wrote as a word is always an error.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Union

Form = tuple[Union[str, "Slot"], ...]
Slot = tuple[Form, ...]

MOST_JOINED = 3  # symbols of one side that may stand together on the other

_Run = tuple[str, int, tuple[int, ...]]
"""Symbols written together, how many, and the nodes that may precede them."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which symbol of the target met which heard one; None where one side has nothing."""

    pairs: tuple[tuple[str | None, str | None], ...]
    substitutions: int
    deletions: int
    insertions: int
    places: tuple[tuple[int, int], ...] = ()
    """The slots that the two symbols of each pair stand in; -1 where that side has nothing."""
    same: tuple[bool, ...] = ()
    """Whether each pair agrees."""

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


def first_form(slot: Slot) -> tuple[str, ...]:
    """The symbols of a slot's first form.

    >>> first_form((("one", (("hundred",), ("hundreds",))), ("hundred",)))
    ('one', 'hundred')
    """
    return tuple(symbol for part in slot[0] for symbol in ((part,) if isinstance(part, str) else first_form(part)))


@dataclass(frozen=True, slots=True)
class _Graph:
    symbols: tuple[str, ...]
    """One symbol a node; node 0 is the start and has an empty one."""
    before: tuple[tuple[int, ...], ...]
    """For each node the nodes that may precede it."""
    ends: tuple[int, ...]
    places: tuple[int, ...]
    """For each node its slot."""

    def runs(self, most: int) -> list[list[_Run]]:
        """For each node the symbols that end there, alone and with up to so many before them."""
        ending: list[list[_Run]] = []
        for node, symbol in enumerate(self.symbols):
            runs = [(symbol, 1, self.before[node])]
            if node and most > 1:
                for earlier in self.before[node]:
                    shorter = ending[earlier] if earlier else []
                    runs += [(text + symbol, many + 1, start) for text, many, start in shorter if many < most]
            ending.append(runs)
        return ending


def _graph(slots: Sequence[Slot]) -> _Graph:
    symbols, before, places = [""], [()], [-1]  # type: tuple[list[str], list[tuple[int, ...]], list[int]]

    def after(slot: Slot, ends: tuple[int, ...], place: int) -> tuple[int, ...]:
        reached: list[int] = []
        for form in slot:
            last = ends
            for part in form:
                if isinstance(part, str):
                    symbols.append(part)
                    before.append(last)
                    places.append(place)
                    last = (len(symbols) - 1,)
                else:
                    last = after(part, last, place)
            reached += last
        return tuple(dict.fromkeys(reached))

    ends: tuple[int, ...] = (0,)
    for place, slot in enumerate(slots):
        ends = after(slot, ends, place)
    return _Graph(tuple(symbols), tuple(before), ends, tuple(places))


def align(
    target: Sequence[Slot],
    heard: Sequence[Slot],
    same: Callable[[str, str], bool] = str.__eq__,
    join: bool = False,
) -> Alignment:
    """Align two texts with as few errors as there can be.

    Args:
        target: What should be said.
        heard: What was heard.
        same: Whether two symbols are as good as equal.
        join: Whether symbols that one side writes together may stand apart on the other.

    >>> plain = lambda text: [((word,),) for word in text.split()]
    >>> align(plain("the cat sat"), plain("the bat sat down")).errors
    2
    >>> align([(("three",), ("3",))], plain("3")).errors
    0
    >>> align(plain("good night"), plain("goodnight"), join=True).pairs
    (('good', 'goodnight'), ('night', ''))
    """
    one, two = _graph(target), _graph(heard)
    runs = one.runs(MOST_JOINED if join else 1), two.runs(MOST_JOINED if join else 1)
    cost = _costs(one, two, runs, same)
    i, j = min(((i, j) for i in one.ends for j in two.ends), key=lambda cell: cost[cell[0]][cell[1]])
    steps: list[tuple[list[int], list[int], bool]] = []  # nodes of both sides, last first, and whether they agree
    while i or j:
        here = cost[i][j]
        met = next(_met(i, j, runs, cost, same), None)
        wrong = next(((p, q) for p in one.before[i] for q in two.before[j] if cost[p][q] + 1 == here), None)
        above = next((p for p in one.before[i] if cost[p][j] + 1 == here), None)
        if met is not None:
            many, others, end = met
            steps.append((_back(one, i, many, end[0]), _back(two, j, others, end[1]), True))
            i, j = end
        elif wrong is not None:
            steps.append(([i], [j], False))
            i, j = wrong
        elif above is not None:
            steps.append(([i], [], False))
            i = above
        else:
            steps.append(([], [j], False))
            j = next(q for q in two.before[j] if cost[i][q] + 1 == here)
    return _alignment(one, two, steps[::-1])


def _met(
    i: int, j: int, runs: tuple[list[list[_Run]], list[list[_Run]]], cost: list[list[int]], same: Callable[..., bool]
) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """The ways in which the symbols that end here agree: how many of either side, and the nodes before them."""
    if not (i and j):
        return
    for text, many, starts in runs[0][i]:
        for other, others, ends in runs[1][j]:
            if (many == 1 or others == 1) and same(text, other):
                for end in ((p, q) for p in starts for q in ends):
                    if cost[end[0]][end[1]] == cost[i][j]:
                        yield many, others, end


def _back(graph: _Graph, node: int, many: int, start: int) -> list[int]:
    """The nodes of a run that ends at a node and begins after another, last first."""
    ways = [[node]]
    for _ in range(many - 1):
        ways = [[*way, before] for way in ways for before in graph.before[way[-1]] if before]
    return next(way for way in ways if start in graph.before[way[-1]])


def _alignment(one: _Graph, two: _Graph, steps: Sequence[tuple[list[int], list[int], bool]]) -> Alignment:
    pairs: list[tuple[str | None, str | None]] = []
    places: list[tuple[int, int]] = []
    agree: list[bool] = []
    for left, right, same in steps:
        said, heard = ("".join(g.symbols[n] for n in nodes[::-1]) for g, nodes in ((one, left), (two, right)))
        if len(left) > 1:
            mine, theirs = [one.symbols[n] for n in left[::-1]], [heard, *[""] * (len(left) - 1)]
        else:  # several heard for one of the target: one symbol of the target is counted
            mine, theirs = [said], [" ".join(two.symbols[n] for n in right[::-1])]
        for place, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            pairs.append((a if left else None, b if right else None))
            places.append((one.places[left[::-1][place]] if left else -1, two.places[right[-1]] if right else -1))
            agree.append(same)
    both = sum(not same and bool(left and right) for left, right, same in steps)
    gone = sum(not right for _, right, _ in steps)
    return Alignment(tuple(pairs), both, gone, sum(not left for left, _, _ in steps), tuple(places), tuple(agree))


def _costs(
    one: _Graph, two: _Graph, runs: tuple[list[list[_Run]], list[list[_Run]]], same: Callable[[str, str], bool]
) -> list[list[int]]:
    """Least errors up to each pair of nodes, shape (nodes of one, nodes of two)."""
    cost: list[list[int]] = []
    for i, left in enumerate(one.symbols):
        rows = [cost[p] for p in one.before[i]]
        row: list[int] = []
        for j, right in enumerate(two.symbols):
            columns = two.before[j]
            if len(rows) == 1 and len(columns) == 1:  # as nearly everywhere
                above, q = rows[0], columns[0]
                least = min(above[j] + 1, row[q] + 1, above[q] + (not same(left, right)))
            else:
                best = [r[j] + 1 for r in rows] + [row[q] + 1 for q in columns]
                if rows and columns:
                    best.append(min(r[q] for r in rows for q in columns) + (not same(left, right)))
                least = min(best, default=0)
            for text, _, starts in runs[0][i][1:] if j else ():
                if same(text, right):
                    least = min([least, *(cost[p][q] for p in starts for q in columns)])
            for other, _, ends in runs[1][j][1:] if i else ():
                if same(left, other):
                    least = min([least, *(r[q] for r in rows for q in ends)])
            row.append(least)
        cost.append(row)
    return cost
