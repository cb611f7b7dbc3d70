"""Takes made outside this process: several at once, each given back as soon as it is there."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from harness.audio import Audio
from harness.cloning.output import joined
from harness.errors import AudioError, BackendError
from harness.take import Provenance, Request, Stop, Take

TICK_S = 0.25  # between two moments at which an interrupt is seen while nothing else happens
GRACE_S = 5.0
"""How much longer than its time a job may take to say why it is over."""


class LateError(BackendError):
    """The time of a job is over."""


@dataclass
class Job:
    """One request on its way."""

    request: Request
    parts: list[Audio] = field(default_factory=list)
    stopped_by: Stop = Stop.UNKNOWN
    error: str = ""
    elapsed_s: float = 0.0
    until: float = 0.0
    """When its time is over, on the monotonic clock."""
    details: dict[str, float | str] = field(default_factory=dict)

    def add(self, sound: Audio, stopped_by: Stop, frame_rate_hz: float, told_budget: bool = True) -> None:
        """Take the sound of the next chunk in.

        Whoever was told how many frames it may use and used them all was cut by that, or went on beyond it: either way
        it did not end its speech within the budget. Any other reason is the one that was given, if one was.
        """
        number = len(self.parts)
        most, frames = self.request.chunks[number].budget.max_frames, frames_of(sound, frame_rate_hz)
        if told_budget and frames > 1.1 * most:
            self.details[f"beyond_budget_{number}"] = f"{frames} frames of at most {most}: the budget is ignored"
        self.stopped_by = Stop.BUDGET if told_budget and frames >= most else stopped_by
        self.parts.append(sound)

    def take(self, provenance: Provenance, frame_rate_hz: float, details: Mapping[str, float | str]) -> Take:
        """What came of it."""
        sound, error = None, self.error
        if not error:
            try:
                sound = joined(self.parts)
            except AudioError as broken:
                error = str(broken)
        return Take(
            request=self.request,
            audio=sound,
            stopped_by=self.stopped_by,
            provenance=provenance,
            frames=sum(frames_of(part, frame_rate_hz) for part in self.parts),
            elapsed_s=self.elapsed_s,
            error=error,
            details={**self.details, **details},
        )


def frames_of(sound: Audio, frame_rate_hz: float) -> int:
    """Whole codec frames in a sound.

    >>> import numpy as np
    >>> frames_of(Audio(np.zeros(24_000, np.float32), 24_000), 12.5)
    12
    """
    return int(sound.duration_s * frame_rate_hz + 1e-6)


async def spoken(
    jobs: Sequence[Job], speak: Callable[[Job], Awaitable[None]], at_once: int, deadline_s: float
) -> AsyncGenerator[Job]:
    """Speak the jobs, and give each back when it has ended or its time is over, first what ended first.

    Args:
        jobs: What is asked.
        speak: Adds the sound of every chunk to a job until its time is over; raises BackendError or AudioError where
            it cannot.
        at_once: How many run at a time.
        deadline_s: Seconds that each may take, from when it is begun.
    """
    free = asyncio.Semaphore(at_once)

    async def one(job: Job) -> Job:
        async with free:
            began = monotonic()
            job.until = began + deadline_s
            try:
                async with asyncio.timeout(deadline_s + GRACE_S):
                    await speak(job)
            except TimeoutError:
                job.stopped_by = Stop.TIMEOUT
                job.error = f"no whole take within {deadline_s:g} s; --generation-timeout gives it longer"
            except (BackendError, AudioError) as error:
                job.stopped_by = Stop.TIMEOUT if isinstance(error, LateError) else Stop.UNKNOWN
                job.error = str(error)
            job.elapsed_s = monotonic() - began
        return job

    tasks = [asyncio.create_task(one(job)) for job in jobs]
    try:
        for ended in asyncio.as_completed(tasks):
            yield await ended
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def driven(jobs: AsyncGenerator[Job]) -> Iterator[Job]:
    """The same, for whoever is not asynchronous."""

    async def following() -> Job | None:
        return await anext(jobs, None)

    async def tick() -> None:
        while True:
            await asyncio.sleep(TICK_S)

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        at_work: list[asyncio.Task[Any]] = [loop.create_task(tick())]
        try:
            while True:
                step = loop.create_task(following())
                at_work[1:] = [step]
                job = loop.run_until_complete(step)
                if job is None:
                    return
                yield job
        finally:
            loop.run_until_complete(_ended(at_work, jobs))


async def _ended(at_work: Sequence["asyncio.Task[Any]"], jobs: AsyncGenerator[Job]) -> None:
    for task in at_work:
        task.cancel()
    await asyncio.gather(*at_work, return_exceptions=True)
    await jobs.aclose()
