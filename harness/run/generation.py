"""The seam between a run and the system under test: whatever the system does, every request ends in a take.

The system runs in a thread of its own, always the same one: CUDA has its device by thread, and a call that never comes
back must not hold the run. A take is given on as soon as it is there. What the system raises, leaves out, gives twice
or does not give in time becomes a take with an error.
"""

import ctypes
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from queue import Empty, SimpleQueue
from time import monotonic

from harness.backends import Backend, Interrupted
from harness.errors import BackendError
from harness.take import Provenance, Request, Stop, Take

LOOK_S = 0.5  # between two moments at which an interrupt is seen, whichever thread it reached
INTERRUPT_S = 10.0  # for a system that is told to end, to give back what it has


@dataclass
class Speaker:
    """One system under test, asked batch by batch."""

    backend: Backend
    timeout_s: float
    """What one chunk of a take may need; a batch may need as much once more, for loading."""
    slack_s: float = 10.0
    """For a system that keeps its own time to say that it is over."""
    stuck: str = ""
    """Why it is asked nothing more."""
    _thread: threading.Thread | None = None
    _came: "SimpleQueue[object] | None" = None
    """What the batch that is being made has given so far."""
    _asked: "SimpleQueue[tuple[Sequence[Request], SimpleQueue[object]]]" = field(default_factory=SimpleQueue)

    def speak(self, requests: Sequence[Request]) -> Iterator[Take]:
        """One take for each request, as they come; whoever is interrupted meanwhile asks `interrupt` for the rest."""
        open_requests = {request.digest: request for request in requests}
        why = self.stuck
        if requests and not why:
            for found in self._awaited(requests):
                if isinstance(found, str):
                    why = found
                elif not isinstance(found, Take):
                    why = f"the backend gave {type(found).__name__} in place of a take"
                elif open_requests.pop(found.request.digest, None) is None:
                    why = "the backend gave a take that was not asked for, or one take twice"
                else:
                    yield _checked(found, self.backend.name)
        for request in open_requests.values():
            error = (
                why or f"the backend gave no take for it, and {len(requests) - len(open_requests)} of {len(requests)}"
            )
            yield failed(request, self.backend.name, error, Stop.TIMEOUT if self.stuck else Stop.UNKNOWN)

    def close(self) -> None:
        """Free what the system holds; one that is stuck is left alone."""
        if not self.stuck:
            self.backend.close()

    def _awaited(self, requests: Sequence[Request]) -> Iterator[object]:
        """What the system gives, and at its end in words why it gives no more."""
        patience_s = self.timeout_s * (1 + max(len(request.chunks) for request in requests)) + self.slack_s
        came = self._came = SimpleQueue()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, args=(self._asked,), name="system under test", daemon=True
            )
            self._thread.start()
        self._asked.put((requests, came))
        until = monotonic() + patience_s
        while True:
            try:
                found = came.get(timeout=LOOK_S)
            except Empty:
                if monotonic() < until:
                    continue
                self.stuck = (
                    f"the backend did not come back within {patience_s:g} s and is asked nothing more; "
                    "--generation-timeout gives it longer"
                )
                yield self.stuck
                return
            if isinstance(found, _Ended):
                self._came = None
                if isinstance(found.error, KeyboardInterrupt):
                    raise found.error
                if found.error is not None:
                    yield _told(found.error)
                return
            yield found
            until = monotonic() + patience_s

    def _work(self, asked: "SimpleQueue[tuple[Sequence[Request], SimpleQueue[object]]]") -> None:
        while True:
            requests, came = asked.get()
            ended = _Ended()
            try:
                for take in self.backend.generate(requests):
                    came.put(take)
            except BaseException as error:  # noqa: BLE001 - the other thread decides
                ended = _Ended(error)
            came.put(ended)

    def interrupt(self) -> list[Take]:
        """End the batch in the system's thread as Ctrl-C would have; the takes that came until it had ended."""
        if self._came is None or self._thread is None or self._thread.ident is None:
            return []
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(self._thread.ident), ctypes.py_object(KeyboardInterrupt)
        )
        # What is asked next, if anything, goes to another thread: this one may still have the interrupt before it.
        self._thread, self._asked = None, SimpleQueue()
        takes, until = [], monotonic() + INTERRUPT_S
        while (left := until - monotonic()) > 0:
            try:
                found = self._came.get(timeout=left)
            except Empty:
                break
            if isinstance(found, Take):
                takes.append(found)
            if isinstance(found, _Ended):
                self._came = None
                return takes + list(found.error.finished if isinstance(found.error, Interrupted) else ())
        self.stuck = f"the backend did not end within {INTERRUPT_S:g} s of being interrupted"
        return takes


@dataclass(frozen=True, slots=True)
class _Ended:
    """The end of a batch."""

    error: BaseException | None = None


def _told(error: BaseException) -> str:
    if isinstance(error, BackendError):
        return str(error)
    return f"the backend raised {type(error).__name__}: {' '.join(str(error).split()) or 'without a word'}"


def _checked(take: Take, backend: str) -> Take:
    if take.audio is None and not take.error:
        return failed(take.request, backend, "the backend gave a take without audio and without an error")
    if take.audio is not None and take.audio.samples.size == 0:
        return failed(take.request, backend, "the audio holds 0 samples")
    if take.frames is not None and take.frames < 0:
        return failed(take.request, backend, f"the backend says that it took {take.frames} frames")
    if not 0 <= take.elapsed_s < inf:
        return failed(take.request, backend, f"the backend says that it took {take.elapsed_s:g} s")
    return take


def failed(request: Request, backend: str, error: str, stopped_by: Stop = Stop.UNKNOWN) -> Take:
    """A take that could not be made."""
    return Take(request, None, stopped_by, Provenance(backend, backend, request.system), error=error)
