"""The embedded cloning voice: a demonstration system that needs neither weights nor a GPU.

espeak-ng says the text, WORLD gives it the reference's voice (`conversion`). It conditions on the reference, draws
from its seed, and obeys the token budget and the termination rules frame by frame like a model. It is here so that
the whole gate runs anywhere and can itself be tested; nobody should ship its speech.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from multiprocessing import get_context, parent_process
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from typing import TYPE_CHECKING, ParamSpec, TypeVar, TypeVarTuple
from unicodedata import east_asian_width

import numpy as np

from harness import audio
from harness.audio import Audio
from harness.backends import BackendOptions
from harness.backends.embedded import kept
from harness.backends.embedded.voice import VARIANTS
from harness.cloning.termination import Termination
from harness.errors import BackendError, HarnessError, UsageError
from harness.take import Chunk, Provenance, Request, Stop, Take
from harness.text import reading_time_s
from harness.threads import keep_to_one_thread

if TYPE_CHECKING:
    from harness.backends.embedded.voice import Way

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

REVISION = "8"  # raise it whenever the same request would sound different
PACKAGES = ("espeakng-loader", "pyworld-prebuilt", "numpy", "scipy", "soxr")

WORDS_PER_MINUTE = 114.0  # calm: 1.32 times the documented reading time
SHORTEST_S = 1.08  # not even one word is over sooner
SYLLABLE_S = 0.31  # of a script that writes one a letter and sets no words apart, as Chinese does; as calm
FRAME_SAMPLES = 960  # 40 ms at 24 kHz, one step of a 25 Hz codec
SILENT_DBFS = -60.0  # a frame below this would be a codec's silence
FOLDER = "voice-clone-harness-voices-"
LEFT_BEHIND_S = 7 * 86_400.0  # no run of a demonstration takes a week
MOST_VOICES = 16  # that are measured before anything is asked


class EmbeddedBackend:
    """Speaks through a pool of processes, one a core, that starts with the first request."""

    name = "embedded"
    sample_rate_hz = 24_000
    frame_rate_hz = sample_rate_hz / FRAME_SAMPLES
    reads = ("--speaking-rate",)
    note = (
        "The voice judged here is the embedded demonstration system (espeak-ng and WORLD), "
        "not a product and not a neural model."
    )

    def __init__(self, options: BackendOptions) -> None:
        self._words_per_minute = options.words_per_minute or WORDS_PER_MINUTE
        if not 40 <= self._words_per_minute <= 400:
            raise UsageError(f"speaking rate is {self._words_per_minute:g} words a minute; 40 to 400 can be spoken")
        self._pool: Executor | None = None
        self._files: dict[tuple[object, ...], Future[Path]] = {}
        """Of what is known of voices: by the function that finds it and what it is given, made once for all."""
        self._folder = ""
        """Of those files. A pool whose process is killed waits for ever for whoever reads a megabyte from its pipe."""

    @property
    def identity(self) -> str:
        packages = " ".join(f"{name}={version(name)}" for name in PACKAGES)
        return f"embedded r{REVISION} {self._words_per_minute:g}wpm {packages}"

    def generate(self, requests: Sequence[Request]) -> Iterator[Take]:
        """Speak the requests; each take as soon as it and those before it are there.

        Raises:
            BackendError: A process of the pool was killed; the next batch starts another pool.
        """
        provenance = Provenance(
            backend=self.name,
            model=self.name,
            revision=self.identity,
            packages={name: version(name) for name in PACKAGES},
        )
        try:
            for request in requests:
                self._parts(request)
            ways = [self._conversion(request) for request in requests]
            jobs = [
                # One that failed is asked for again with its request, whose take says why there is no sound.
                _submitted(self._begun(), speak, request, self._words_per_minute, provenance, _path_of(way))
                for request, way in zip(requests, ways, strict=True)
            ]
            for job in jobs:
                yield job.result()
        except BrokenExecutor as error:
            self._end(wait=False)  # not waiting for what a killed process held
            raise BackendError(f"a process of the embedded voice was ended from outside ({error})") from None

    def prefetch(self, requests: Sequence[Request]) -> None:
        """Start the processes, which measure the voices of the requests meanwhile."""
        voices = {(request.reference.sha256, request.utterance.language): request for request in requests}
        with suppress(BrokenExecutor):  # `generate` says so
            for request in list(voices.values())[:MOST_VOICES]:
                self._parts(request)

    def _begun(self) -> Executor:
        if self._pool is None:
            # spawn: a forked child would inherit torch's threads in whatever state they are.
            _sweep(Path(gettempdir()))
            self._folder = mkdtemp(prefix=FOLDER)
            self._pool = ProcessPoolExecutor(
                max_workers=os.cpu_count(),
                mp_context=get_context("spawn"),
                initializer=_begin_worker,
                initargs=(self._folder,),
            )
        return self._pool

    def _parts(self, request: Request) -> list[Future[Path]]:
        """The voice of a request's reference, and the base voices that it may be made from."""
        bases = [self._kept(kept.keep_base, request.utterance.language, variant) for variant in VARIANTS]
        return [self._kept(kept.keep_voice, request.reference.path), *bases]

    def _conversion(self, request: Request) -> Future[Path] | None:
        """The way to the voice of a request, begun as soon as its parts are there; none where one of them failed."""
        parts = [path for part in self._parts(request) if (path := _path_of(part)) is not None]
        if len(parts) <= len(VARIANTS):
            return None
        voice, *bases = parts
        return self._kept(kept.keep_conversion, request.utterance.language, voice, tuple(bases))

    def _kept(self, find: Callable[[Path, *Ts], Path], *of: *Ts) -> Future[Path]:
        """The file of something that is found once for all processes, under way from now on."""
        key = (find, *of)
        if key not in self._files:
            pool, path = self._begun(), Path(self._folder, str(len(self._files)))
            self._files[key] = _submitted(pool, find, path, *of)
        return self._files[key]

    def _end(self, wait: bool) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=wait, cancel_futures=True)
            self._pool = None
            self._files.clear()
            rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        self._end(wait=True)


def _sweep(folder: Path) -> None:
    """Take away what runs left behind that were killed with all their processes."""
    for left in folder.glob(f"{FOLDER}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_BEHIND_S:
                rmtree(left, ignore_errors=True)


def _submitted(pool: Executor, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
    """Hand a pool something to do; one whose processes were killed a moment ago says so by a closed handle."""
    try:
        return pool.submit(function, *arguments, **named)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's own, such as too little memory for a process
        raise BrokenExecutor(str(error)) from error


def _path_of(found: Future[Path] | None) -> Path | None:
    """Where something is kept, as soon as it is; None where it could not be found."""
    return None if found is None or found.exception() else found.result()


def speak(
    request: Request,
    words_per_minute: float,
    provenance: Provenance,
    conversion: Path | None = None,
) -> Take:
    """One take, chunk by chunk, each within its budget; joined as they are, since each begins and ends quietly."""
    began = time.perf_counter()
    stop, parts = Stop.EOS, []
    try:
        voice = kept.kept_conversion(conversion) if conversion else audio.load(request.reference.path)
        for number, chunk in enumerate(request.chunks):
            part, stop = _speak_chunk(request, chunk, voice, words_per_minute, request.entropy + number)
            parts.append(part)
            if stop is not Stop.EOS:
                break
    except HarnessError as error:
        return Take(request, None, Stop.UNKNOWN, provenance, error=str(error))
    samples = np.concatenate(parts)
    return Take(
        request=request,
        audio=Audio(samples, EmbeddedBackend.sample_rate_hz),
        stopped_by=stop,
        provenance=provenance,
        frames=samples.size // FRAME_SAMPLES,
        elapsed_s=time.perf_counter() - began,
    )


def _wide(text: str) -> int:
    return sum(east_asian_width(letter) == "W" and letter.isalpha() for letter in text)


def _speak_chunk(
    request: Request,
    chunk: Chunk,
    voice: "Audio | Way",
    words_per_minute: float,
    seed: int,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float32]], Stop]:
    from harness.backends.embedded.voice import clone

    duration_s = max(reading_time_s(chunk.text, words_per_minute), SHORTEST_S, _wide(chunk.text) * SYLLABLE_S)
    speech = clone(chunk.text, request.utterance.language, voice, duration_s=duration_s, seed=seed)
    whole = -(-speech.samples.size // FRAME_SAMPLES)
    frames = np.zeros((whole, FRAME_SAMPLES), np.float32)
    frames.reshape(-1)[: speech.samples.size] = speech.samples
    termination = Termination(chunk.budget)
    for number, frame in enumerate(frames, 1):
        stop = termination.step(silent=audio.rms_dbfs(frame) < SILENT_DBFS, last=number == whole)
        if stop is not None:
            return frames[:number].reshape(-1), stop
    raise BackendError(f"the embedded voice gave no sound for {chunk.text!r}")


def _begin_worker(folder: str) -> None:
    """In a process of the pool: one thread, and an end when the run is gone, even where it was killed."""
    keep_to_one_thread()
    parent = parent_process()

    def end_with_the_run() -> None:
        if parent is not None:
            parent.join()
            rmtree(folder, ignore_errors=True)
            os._exit(1)

    threading.Thread(target=end_with_the_run, daemon=True).start()
