"""A system under test on every GPU of a Ray cluster, behind the protocol of one.

Conventions
    The driver, the process that was started, holds the plan, the store and the verdict. An actor holds one GPU (without
    --gpu, one core) and opens the backend once. Requests travel with the bytes of their reference, takes come back
    through Ray's object store one by one, so no file system is shared. The model's files must be found on each node
    under the name that --model gives, or on a hub; the driver opens the backend too, to name it, and loads nothing.

    An actor that dies is replaced and the rest of its batch is asked again, twice; then those takes are takes with an
    error. What came back before is kept. Same requests, same takes: what shapes a take stands in its request.
"""

import os
import socket
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from harness.audio import content_hash
from harness.backends import Backend, BackendOptions, open_backend
from harness.errors import BackendError, UsageError
from harness.take import Request, Take

LOCAL = "local"
ATTEMPTS = 3  # of a batch: one, and two more
START_S = 120.0  # for the first actor to be there
REACH_S = 5.0  # for a cluster to answer at its address
_LOOK_S = 1.0  # how often a wait notices that it was interrupted


@dataclass
class _Batch:
    """Requests that one actor is asked for together, and how often somebody was."""

    waiting: dict[str, Request]
    """What has not come back yet, by digest."""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A request on its way to another machine."""

    request: Request
    reference: bytes


@dataclass
class Cluster:
    """Many of one system under test. Ray is started, or joined, with the first request."""

    inner: str
    options: BackendOptions
    address: str
    batch_size: int
    _named: Backend = field(init=False)
    _idle: "deque[Any]" = field(default_factory=deque)
    _coming: dict[Any, Any] = field(default_factory=dict)
    """Actors that are being started, by what they will answer."""
    _why: str = ""
    """Why the last actor did not start."""
    _places: int = 0
    """Actors that the cluster has room for."""
    _joined: bool = False

    def __post_init__(self) -> None:
        import_ray()
        self._named = open_backend(self.inner, self.options)
        self.name = self._named.name
        self.sample_rate_hz = self._named.sample_rate_hz
        self.frame_rate_hz = self._named.frame_rate_hz
        self.note = self._named.note
        self.reads = self._named.reads

    @property
    def identity(self) -> str:
        """That of the system on one machine: takes are the same, wherever they are made."""
        return self._named.identity

    @property
    def at_once(self) -> int:
        """Takes that the whole cluster has under way at once."""
        self._join(import_ray())
        return self._places * self.batch_size

    def generate(self, requests: Sequence[Request]) -> Iterator[Take]:
        """Speak the requests on all actors; each take as soon as it came back.

        Raises:
            UsageError: The cluster cannot be reached, or has no GPU where one was asked for.
            BackendError: No actor starts.
        """
        ray = import_ray()
        self._join(ray)
        size = self.batch_size
        batches = deque(
            _Batch({one.digest: one for one in requests[start : start + size]})
            for start in range(0, len(requests), size)
        )
        references = {one.reference.sha256: one.reference.path for one in requests}
        sounds = {name: path.read_bytes() for name, path in references.items()}
        at_work: dict[Any, tuple[Any, _Batch]] = {}
        alone_since = monotonic()
        while batches or at_work:
            while batches and self._idle:
                batch, actor = batches.popleft(), self._idle.popleft()
                batch.attempts += 1
                parcels = [_Parcel(one, sounds[one.reference.sha256]) for one in batch.waiting.values()]
                at_work[actor.speak.options(num_returns="streaming").remote(parcels)] = (actor, batch)
            if at_work:
                alone_since = monotonic()
            elif not self._coming or monotonic() - alone_since > START_S:
                raise BackendError(
                    f"no actor of the Ray cluster at {self.address!r} is there to work: "
                    f"{self._why or f'none has started within {START_S:g} s; are all its places taken?'}"
                )
            ready, _ = ray.wait([*at_work, *self._coming], num_returns=1, timeout=_LOOK_S)
            for found in ready:
                if found in self._coming:
                    self._arrived(ray, found)
                else:
                    yield from self._progress(ray, found, at_work, batches)

    def _arrived(self, ray: Any, ref: Any) -> None:
        """An actor has opened the backend, or could not."""
        actor = self._coming.pop(ref)
        try:
            ray.get(ref)
        except ray.exceptions.RayError as error:
            self._why = _last_line(error)
        else:
            self._idle.append(actor)

    def _progress(
        self, ray: Any, stream: Any, at_work: dict[Any, tuple[Any, _Batch]], batches: "deque[_Batch]"
    ) -> Iterator[Take]:
        """What one actor gave: a take, the end of its batch, or its own end."""
        actor, batch = at_work[stream]
        try:
            take = ray.get(next(stream))
        except StopIteration:
            del at_work[stream]
            self._idle.append(actor)
            yield from _never_came(batch, self.name, "the backend gave no take for it")
        except ray.exceptions.RayTaskError as error:
            del at_work[stream]
            self._idle.append(actor)
            yield from _never_came(batch, self.name, _cause(error))
        except ray.exceptions.RayError as error:
            del at_work[stream]
            self._call_for(ray)
            if batch.attempts < ATTEMPTS:
                batches.append(batch)
            else:
                why = f"{batch.attempts} actors died with it, the last: {_last_line(error)}"
                yield from _never_came(batch, self.name, why)
        else:
            request = batch.waiting.pop(take.request.digest, None)
            if request is not None:
                yield replace(take, request=request)

    def close(self) -> None:
        """Free every actor, and leave the cluster."""
        if self._joined:
            # Its actors belong to this process: they end with its leaving, whatever they are doing.
            import_ray().shutdown()
            self._idle.clear()
            self._coming.clear()
            self._joined = False
        self._named.close()

    def _join(self, ray: Any) -> None:
        if self._joined:
            return
        # Ray would report its use to its makers; a gate asks nobody anything that it was not told to ask.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            _reach(self.address)
            if not ray.is_initialized():
                address = None if self.address == LOCAL else self.address
                ray.init(
                    address=address,
                    log_to_driver=False,
                    logging_level="error",
                    include_dashboard=False if address is None else None,
                )
        except (OSError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"no Ray cluster answers at {self.address!r} ({' '.join(str(error).split())[:200]}): "
                "start one with ray start --head, or give --cluster local"
            ) from error
        self._joined = True
        resources = ray.cluster_resources()
        kind = "GPU" if self.options.gpu else "CPU"
        places = int(resources.get(kind, 0))
        if places < 1:
            raise UsageError(f"the Ray cluster at {self.address!r} has no {kind}: add a node that has one")
        self._places = places
        for _ in range(places):
            self._call_for(ray)

    def _call_for(self, ray: Any) -> None:
        """Ask for an actor; it comes when a node has room for it, for a dead one's place perhaps never."""
        wants = {"num_gpus": 1, "num_cpus": 1} if self.options.gpu else {"num_cpus": 1}
        # The device that Ray gives an actor is the only one that it sees.
        options = replace(self.options, device_number=0)
        actor = ray.remote(Actor).options(**wants, max_restarts=0).remote(self.inner, options, self.identity)
        self._coming[actor.is_there.remote()] = actor


class Actor:
    """What runs on a node: one backend, opened once."""

    def __init__(self, name: str, options: BackendOptions, identity: str) -> None:
        self._backend = open_backend(name, options)
        if self._backend.identity != identity:
            raise UsageError(
                f"this node has another system than the driver: {self._backend.identity!r}, not {identity!r}; "
                "install the same model and packages on every node"
            )
        self._folder = Path(tempfile.mkdtemp(prefix="references-"))

    def is_there(self) -> bool:
        """Answers when the backend is open."""
        return True

    def speak(self, parcels: Sequence[_Parcel]) -> Iterator[Take]:
        """One take for each parcel, as they come."""
        # Not `yield from`: Ray sends to the generator, which the iterator of a list does not take.
        for take in self._backend.generate([self._unpacked(parcel) for parcel in parcels]):  # noqa: UP028
            yield take

    def _unpacked(self, parcel: _Parcel) -> Request:
        reference = parcel.request.reference
        path = self._folder / f"{content_hash(parcel.reference)}{reference.path.suffix}"
        if not path.exists():
            path.write_bytes(parcel.reference)
        return replace(parcel.request, reference=replace(reference, path=path))


def import_ray() -> Any:
    """Ray, or one line that says how to get it.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise UsageError("--cluster needs Ray: pip install 'voice-clone-harness[cluster]'") from error
    return ray


def _reach(address: str) -> None:
    """Try the address for a moment: Ray itself would try for minutes.

    Raises:
        OSError: Nobody answers there.
    """
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), REACH_S).close()


def _last_line(error: Exception) -> str:
    """What happened, without Ray's account of where."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else 'without a word'}"


def _cause(error: Any) -> str:
    cause = error.cause if error.cause is not None else error
    return str(cause) if isinstance(cause, BackendError) else f"the backend raised {type(cause).__name__}: {cause}"


def _never_came(batch: _Batch, backend: str, why: str) -> Iterator[Take]:
    from harness.run.generation import failed

    for request in batch.waiting.values():
        yield failed(request, backend, why)
    batch.waiting = {}
