"""Any program as the system under test: it is started once for each chunk of text and leaves a sound file.

    --model 'mytts --text {text} --reference {reference} --transcript {transcript} --seed {seed} --out {out}'

No shell has a part in it: the line is split as a shell would, and each word's {names} are then filled in. The program
runs in a process group of its own and is ended with all that it started when its time is over. A text that begins with
a dash is best handed over as {text_file}.
"""

import asyncio
import os
import shlex
import shutil
import signal
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from pathlib import Path
from re import findall
from tempfile import TemporaryDirectory
from time import monotonic

from harness import audio
from harness.audio import Audio
from harness.backends import HIGGS_FRAME_RATE_HZ, HIGGS_SAMPLE_RATE_HZ, BackendOptions
from harness.backends.conditioning import Proved, UnconditionedError, Voice, prove, seed_of, two_voices
from harness.backends.outside import Job, LateError, driven, spoken
from harness.backends.received import QUOTED, decoded
from harness.cloning import reference
from harness.errors import BackendError, UsageError
from harness.take import Chunk, Provenance, Request, Stop, Take

REVISION = "2"  # raise it whenever the same request would be asked otherwise
NAMES = {
    "text": "the text to be spoken",
    "text_file": "a UTF-8 file that holds it",
    "language": "its language code",
    "reference": "a WAV of the voice to be cloned",
    "transcript": "what is said in it",
    "seed": "a whole number below 2^31",
    "max_frames": "codec frames that the answer may have",
    "out": "where the sound file is to be written",
}
GRACE_S = 1.0  # between the request to end and the end
TAIL_BYTES = 4096
MOST_BYTES = 256 * 2**20  # of a sound file


class CommandBackend:
    """Runs a command line."""

    name = "command"
    note = ""
    reads = (
        *("--model", "--revision", "--concurrency", "--generation-timeout"),
        *("--sample-rate", "--frame-rate", "--reference-window"),
    )

    def __init__(self, options: BackendOptions) -> None:
        self._options = options
        self.sample_rate_hz = options.sample_rate_hz or HIGGS_SAMPLE_RATE_HZ
        self.frame_rate_hz = options.frame_rate_hz or HIGGS_FRAME_RATE_HZ
        self.at_once = options.concurrency or 1
        self._window = reference.ReferenceConfig(window_s=options.reference_window_s)
        self._words = template(options.model)
        self.identity = self._identity()
        """As it was when this was opened: a file that a word names may be one that the program writes to."""
        self._proved: Proved | None = None
        self._refusal = ""

    def generate(self, requests: Sequence[Request]) -> Iterator[Take]:
        """Speak the requests, `--concurrency` at once; each take as soon as it is there.

        Raises:
            BackendError: The program does not condition on the reference.
        """
        provenance = Provenance(
            self.name, shlex.join(self._words), self.identity, device="a command", dtype="not known"
        )
        for job in driven(self._jobs([Job(request) for request in requests])):
            details: Mapping[str, float | str] = self._proved.details if self._proved is not None else {}
            yield job.take(provenance, self.frame_rate_hz, details)

    def close(self) -> None:
        """Nothing is held between batches."""

    def _identity(self) -> str:
        line = "\n".join(f"{word} {_mark(word)}" for word in (_program(self._words[0]), *self._words[1:]))
        parts = {
            "line": audio.content_hash(line.encode())[:16],
            "revision": self._options.revision or "unnamed",
            "rate": f"{self.sample_rate_hz}",
            "window_s": f"{self._window.window_s:g}",
        }
        program = Path(self._words[0]).name
        return f"command r{REVISION} {program} " + " ".join(f"{name}={value}" for name, value in parts.items())

    async def _jobs(self, jobs: Sequence[Job]) -> AsyncGenerator[Job]:
        if self._refusal:
            raise BackendError(self._refusal)
        if jobs and self._proved is None:
            await self._prove([job.request for job in jobs])
        async for job in spoken(jobs, self._speak, self.at_once, self._options.timeout_s):
            yield job

    async def _prove(self, requests: Sequence[Request]) -> None:
        voices = two_voices(requests, self._voice)
        if voices is None:
            return
        request, voice, other = voices

        async def ask(seed: int, voice: Voice) -> Audio:
            until = monotonic() + self._options.timeout_s
            return await self._said(request.chunks[0], request.utterance.language, voice, seed, until)

        try:
            self._proved = await prove(ask, seed_of(request), voice, other)
        except UnconditionedError as error:
            self._refusal = str(error)
            raise

    async def _speak(self, job: Job) -> None:
        voice, language = self._voice(job.request), job.request.utterance.language
        told_budget = any("{max_frames}" in word for word in self._words)
        for number, chunk in enumerate(job.request.chunks):
            seed = seed_of(job.request, number)
            sound = await self._said(chunk, language, voice, seed, job.until)
            job.add(sound, Stop.UNKNOWN, self.frame_rate_hz, told_budget)
            if job.stopped_by is Stop.BUDGET:
                return

    def _voice(self, request: Request) -> Voice:
        """The reference as a WAV.

        Raises:
            AudioError: It cannot condition a clone.
        """
        return Voice(
            request.reference.id, reference.as_wav(request.reference.path, self._window), request.reference.transcript
        )

    async def _said(self, chunk: Chunk, language: str, voice: Voice, seed: int, until: float) -> Audio:
        """What the program leaves for one chunk.

        Raises:
            LateError: Its time was over.
            BackendError: It ended with an error, or left no whole sound.
        """
        with TemporaryDirectory(prefix="harness-command-") as kept:
            folder = Path(kept)
            out = folder / "take.wav"
            (folder / "reference.wav").write_bytes(voice.wav)
            (folder / "text.txt").write_text(chunk.text, encoding="utf-8")
            values = {
                "text": chunk.text,
                "text_file": str(folder / "text.txt"),
                "language": language,
                "reference": str(folder / "reference.wav"),
                "transcript": voice.transcript,
                "seed": str(seed),
                "max_frames": str(chunk.budget.max_frames),
                "out": str(out),
            }
            said = await run(filled(self._words, values), until)
            return _sound(out, said)


def template(line: str) -> tuple[str, ...]:
    """The words of a command line, with their {names}.

    Raises:
        UsageError: It cannot be split, names what there is not, or leaves out what a clone needs.
    """
    try:
        words = tuple(shlex.split(line))
    except ValueError as error:
        raise UsageError(f"--model is {line!r}, no command line ({error}): mend its quotes") from None
    if not words:
        raise UsageError("the command backend needs a command line: give --model 'mytts --text {text} … --out {out}'")
    named = set(findall(r"\{([a-z_]+)\}", " ".join(words)))
    for name in sorted(named - set(NAMES)):
        raise UsageError(f"--model names {{{name}}}; there are {', '.join(NAMES)}")
    for choices in (("text", "text_file"), ("reference",), ("out",)):
        if not named & set(choices):
            missing = " or ".join(f"{{{name}}}" for name in choices)
            raise UsageError(f"--model has no {missing}, {NAMES[choices[0]]}: a clone cannot be asked for without it")
    _program(words[0])
    return words


def filled(words: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The words with their names replaced, once: what a text holds is never read as a name.

    >>> filled(["say", "--text={text}"], {"text": "{out}"})
    ['say', '--text={out}']
    """
    from re import sub

    return [sub(r"\{([a-z_]+)\}", lambda name: values[name[1]], word) for word in words]


def _program(word: str) -> str:
    program = shutil.which(word)
    if program is None:
        raise UsageError(f"--model starts {word!r}, which is no program here: install it or give its path")
    return program


def _mark(word: str) -> str:
    """What tells a file or folder that a word names from another one of that name: a new model is another system."""
    path = Path(word)
    try:
        if path.is_file():
            return audio.content_hash(path.read_bytes())
        if path.is_dir():
            stats = [(file, file.stat()) for file in sorted(path.rglob("*")) if file.is_file()]
            listing = [f"{file.relative_to(path)} {stat.st_size} {stat.st_mtime_ns}" for file, stat in stats]
            return audio.content_hash("\n".join(listing).encode())
    except OSError:  # a word too long for a path
        pass
    return ""


async def run(words: Sequence[str], until: float) -> str:
    """Run a program to its end; the last that it wrote, on either stream.

    Raises:
        LateError: Its time was over; it and all that it started were ended.
        BackendError: It could not be started, or ended with an error.
    """
    began = monotonic()
    with _Tail() as tail:
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=tail.writing,
                stderr=tail.writing,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # ValueError for a NUL in a text
            raise BackendError(f"{words[0]} could not be started ({error})") from None
        try:
            async with asyncio.timeout(until - began):
                code = await process.wait()
        except TimeoutError:
            await _end(process, signal.SIGTERM, GRACE_S)
            late = f"no end of {words[0]} within {until - began:.1f} s; --generation-timeout gives it longer"
            raise LateError(f"{late}{tail.last()}") from None
        finally:
            await _end(process, signal.SIGKILL, 0)
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise BackendError(f"{words[0]} {how}{tail.last()}")
        return tail.last()


async def _end(process: asyncio.subprocess.Process, how: signal.Signals, grace_s: float) -> None:
    """Signal the whole group, whether or not its first process has ended."""
    try:
        os.killpg(process.pid, how)
    except (ProcessLookupError, PermissionError):
        return
    if grace_s:
        try:
            async with asyncio.timeout(grace_s):
                await process.wait()
        except TimeoutError:
            pass
    elif process.returncode is None:
        await process.wait()


class _Tail:
    """The last that a program writes. A pipe of our own: asyncio's would wait for whoever else still holds it."""

    def __enter__(self) -> "_Tail":
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._held = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._reading, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.remove_reader(self._reading)
        os.close(self._reading)
        os.close(self.writing)

    def _read(self) -> bool:
        try:
            self._held += (piece := os.read(self._reading, 65536))
        except BlockingIOError:
            return False
        del self._held[:-TAIL_BYTES]
        return bool(piece)

    def last(self) -> str:
        """As an error ends."""
        for _ in range(64):  # and no more: somebody may have left the group and write for ever
            if not self._read():
                break
        text = " ".join(self._held.decode("utf-8", "replace").split())[-2 * QUOTED :]
        return f"; it said last: {text}" if text else ""


def _sound(path: Path, said: str) -> Audio:
    if not path.is_file():
        raise BackendError(f"the command ended well and left no file at {{out}}{said}")
    size = path.stat().st_size
    if size == 0:
        raise BackendError(f"the command ended well and left an empty file of 0 bytes{said}")
    if size > MOST_BYTES:
        raise BackendError(f"the command left {size} bytes; at most {MOST_BYTES} are read")
    return decoded(path.read_bytes())
