"""Each take is measured, judged and noted once, as it arrives; whoever wants its verdicts looks them up.

Conventions
    The takes that arrive are judged by a thread of their own, so that the system under test speaks meanwhile. What a
    metric can say of a take alone is found then; what it says of a take beside others (`company`) when all are there.
    Nothing of a take is held but where it is noted. Several processes may share the takes of a run: each judges its
    share first and then what nobody has judged yet, from the other end.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol

from msgspec import structs

from harness.metrics import shown_beside
from harness.metrics.measuring import BATCH
from harness.records.gate import Verdict
from harness.records.measurement import Measurement
from harness.records.take_record import TakeKey, TakeRecord, together
from harness.run.measured_before import Before, of_company
from harness.take import Take
from harness.threads import give_back_memory

STOLEN = 8
"""Takes of another process's share that are taken at once."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be found out about a take."""

    judged: tuple[str, ...] = ()
    """Metrics whose gates judge it."""
    measured: tuple[str, ...] = ()
    """Metrics that are measured only."""

    def __or__(self, other: "Wanted") -> "Wanted":
        return Wanted(
            tuple(dict.fromkeys((*self.judged, *other.judged))),
            tuple(dict.fromkeys((*self.measured, *other.measured))),
        )


class Ledger(Protocol):
    """Where what was found of takes is noted."""

    def note(self, take: TakeRecord, hangs_on: str = "") -> None:
        """Note what was found of a take, and on what its numbers hang; several notes of one take add up."""

    def noted(self, key: TakeKey) -> TakeRecord | None:
        """All that was noted of a take, by any process."""


@dataclass
class InMemory:
    """A ledger for a run that nobody else takes part in."""

    takes: dict[TakeKey, TakeRecord] = field(default_factory=dict)

    def note(self, take: TakeRecord, hangs_on: str = "") -> None:
        known = self.takes.get(take.key)
        self.takes[take.key] = take if known is None else together(known, take)

    def noted(self, key: TakeKey) -> TakeRecord | None:
        return self.takes.get(key)


class Judges(Protocol):
    """The part of a run that judging needs."""

    before: Before

    def measured(self, takes: Sequence[Take], names: Sequence[str]) -> list[dict[str, Measurement]]: ...
    def verdicts(self, take: Take, metrics: Sequence[str], found: Mapping[str, Measurement]) -> list[Verdict]: ...
    def noted(self, take: Take, found: Mapping[str, Measurement], verdicts: Sequence[Verdict]) -> TakeRecord: ...
    def amounts(self, take: Take, metrics: Sequence[str]) -> set[str]: ...


def key_of(take: Take) -> TakeKey:
    """Under which a take is noted."""
    utterance = take.request.utterance
    return TakeKey(utterance.suite, utterance.id, take.request.seed)


class Judging:
    """The judging of the takes of one run, or of this process's share of them.

    Args:
        run: What measures, judges and tells.
        ledger: Where it is noted.
        wanted: By the key of a take, what is to be found out about it.
        share: Which process this is, from 0, and of how many.
        progress: Called with (done, of) after each batch that was judged while nothing else was left to do.
    """

    def __init__(
        self,
        run: Judges,
        ledger: Ledger,
        wanted: Mapping[TakeKey, Wanted],
        share: tuple[int, int] = (0, 1),
        progress: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        self._run, self._ledger, self._wanted, self._share = run, ledger, wanted, share
        self._progress, self._is_waited_for = progress, False
        self._arrived: SimpleQueue[Take | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._error: BaseException | None = None
        self._mine: set[TakeKey] = set()
        self._is_over = False

    def take_in(self, take: Take) -> None:
        """A take is there; it is judged while others are still being made."""
        if key_of(take) not in self._wanted:
            return
        if self._thread is None:
            self._thread = Thread(target=self._work, name="judging", daemon=True)
            self._thread.start()
        self._arrived.put(take)

    def stop(self) -> None:
        """Judge no more than what is under way: the run was interrupted."""
        self._is_over = True
        self._end()

    def finish(self, takes: Sequence[Take]) -> None:
        """Judge what of all takes is not judged yet, and what needs all of them; raises what went wrong meanwhile."""
        self._is_waited_for = True
        self._end()
        if self._error is not None:
            raise self._error
        takes = [take for take in takes if key_of(take) in self._wanted]
        self._in_turn(takes, self._alone, self._judge_alone)
        self._mine.clear()
        self._in_turn(takes, self._beside_others, self._judge_beside_others)
        if len(takes) > BATCH:
            give_back_memory()

    def _end(self) -> None:
        if self._thread is not None:
            self._arrived.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        try:
            while not self._is_over and (batch := self._next_batch()):
                self._judge_alone(batch)
        except BaseException as error:  # noqa: BLE001 - the thread that waits for this one raises it
            self._error = error

    def _next_batch(self) -> list[Take]:
        """Whatever has arrived by now, at least one take; none at the end."""
        batch: list[Take] = []
        try:
            while len(batch) < BATCH:
                take = self._arrived.get(block=not batch)
                if take is None:
                    self._arrived.put(None)
                    break
                batch.append(take)
        except Empty:
            pass
        return batch

    def _in_turn(
        self,
        takes: Sequence[Take],
        part: Callable[[Wanted], Wanted],
        judge: Callable[[Sequence[Take]], None],
    ) -> None:
        """Judge this process's share, and then from the other end what nobody has judged."""
        number, of = self._share
        rest = [take for take in takes if key_of(take) not in self._mine and part(self._wanted[key_of(take)]).judged]
        mine = rest[number::of]
        others = [take for place, take in enumerate(rest) if place % of != number]
        for some, size in ((mine, BATCH), (others[::-1], STOLEN)):
            for start in range(0, len(some), size):
                batch = some[start : start + size]
                if of > 1:
                    batch = [take for take in batch if not self._is_judged(take, part)]
                judge(batch)

    def _is_judged(self, take: Take, part: Callable[[Wanted], Wanted]) -> bool:
        noted = self._ledger.noted(key_of(take))
        return noted is not None and covers(noted, part(self._wanted[key_of(take)]).judged)

    def _alone(self, wanted: Wanted) -> Wanted:
        return Wanted(
            tuple(name for name in wanted.judged if not of_company(name)),
            tuple(name for name in wanted.measured if not of_company(name)),
        )

    def _beside_others(self, wanted: Wanted) -> Wanted:
        return Wanted(
            tuple(name for name in wanted.judged if of_company(name)),
            tuple(name for name in wanted.measured if of_company(name)),
        )

    def _judge_alone(self, takes: Sequence[Take]) -> None:
        for take, record in self._judged(takes, self._alone):
            self._ledger.note(record, self._run.before.hangs_on(take))
            self._mine.add(key_of(take))
        _tidy_up_after(takes)
        if self._is_waited_for:
            self._progress(len(self._mine), len(self._wanted))

    def _judge_beside_others(self, takes: Sequence[Take]) -> None:
        for _, record in self._judged(takes, self._beside_others):
            self._ledger.note(structs.replace(record, text="", reference_audio="", accepted_audio=""))
        _tidy_up_after(takes)

    def _judged(self, takes: Sequence[Take], part: Callable[[Wanted], Wanted]) -> Iterator[tuple[Take, TakeRecord]]:
        groups: dict[Wanted, list[Take]] = {}
        for take in takes:
            groups.setdefault(part(self._wanted[key_of(take)]), []).append(take)
        for wanted, those in groups.items():
            shown = dict.fromkeys((*wanted.judged, *shown_beside(wanted.judged), *wanted.measured))
            amounts = {name for take in those for name in self._run.amounts(take, wanted.judged)}
            names = list(dict.fromkeys((*shown, *sorted(amounts))))
            for take, found in zip(those, self._run.measured(those, names), strict=True):
                verdicts = self._run.verdicts(take, wanted.judged, found)
                yield take, self._run.noted(take, {name: found[name] for name in shown}, verdicts)


def _tidy_up_after(takes: Sequence[Take]) -> None:
    """After a full batch: else what it freed lies scattered, and a run grows with its takes."""
    if len(takes) == BATCH:
        give_back_memory()


def covers(noted: TakeRecord, metrics: Sequence[str]) -> bool:
    """Whether a take was judged by its gates on some metrics."""
    return {verdict.gate.metric for verdict in noted.verdicts}.issuperset(metrics)


def part_of(noted: TakeRecord, metrics: Sequence[str]) -> TakeRecord:
    """What the gates on some metrics say of a take, with what is shown beside them."""
    wanted = {*metrics, *shown_beside(metrics)}
    return structs.replace(
        noted,
        measurements={name: found for name, found in noted.measurements.items() if name in wanted},
        verdicts=tuple(verdict for verdict in noted.verdicts if verdict.gate.metric in wanted),
    )
