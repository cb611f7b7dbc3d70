"""A model that is served elsewhere, asked over HTTP in one of four dialects.

What the server says of its models is asked when the backend is opened, before each batch and after each take: another
answer means that nobody knows which of them spoke, and nothing more is judged. Before the first take it is proved that
the reference conditions the answer and found out whether the seed is obeyed (`harness.backends.conditioning`).

A speech endpoint gives no reason for its end. A take as long as its budget was cut by it, or went on beyond it; of any
other the reason is unknown.

    dialects   how each kind of server is asked
    client     connections, deadline, busy servers
    answer     what came, made into sound
    models     what the server says that it is
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from harness import audio
from harness.audio import Audio
from harness.backends import HIGGS_FRAME_RATE_HZ, HIGGS_SAMPLE_RATE_HZ, BackendOptions
from harness.backends.conditioning import Proved, UnconditionedError, Voice, prove, seed_of, two_voices
from harness.backends.outside import Job, driven, spoken
from harness.backends.speech_server import models
from harness.backends.speech_server.answer import Spoken, of_chat, of_speech
from harness.backends.speech_server.client import Client, address
from harness.backends.speech_server.dialects import CHAT, DIALECTS, Question
from harness.cloning import reference
from harness.cloning.budget import BudgetConfig
from harness.corpus import Reference
from harness.errors import BackendError, UsageError
from harness.take import Provenance, Request, Sampling, Stop, Take

if TYPE_CHECKING:
    import httpx

REVISION = "2"  # raise it whenever the same request would be asked otherwise
AT_ONCE = 8


class SpeechServerBackend:
    """Speaks through a server."""

    name = "speech_server"
    note = ""
    reads = (
        *("--model", "--revision", "--dialect", "--served-model", "--concurrency", "--stream", "--generation-timeout"),
        *("--sample-rate", "--frame-rate", "--reference-window"),
        *("--sampling", "--temperature", "--top-k", "--top-p"),
    )

    def __init__(self, options: BackendOptions) -> None:
        self._options = options
        self.sample_rate_hz = options.sample_rate_hz or HIGGS_SAMPLE_RATE_HZ
        self.frame_rate_hz = options.frame_rate_hz or HIGGS_FRAME_RATE_HZ
        self._window = reference.ReferenceConfig(window_s=options.reference_window_s)
        self.at_once = options.concurrency or AT_ONCE
        self._client = Client(address(options.model), options.timeout_s, self.at_once)
        if options.dialect and options.dialect not in DIALECTS:
            raise UsageError(f"--dialect is {options.dialect!r}; one of {', '.join(DIALECTS)} is needed")
        try:
            self._served, found = asyncio.run(models.opened(self._client, options.dialect))
        except BackendError as error:
            raise UsageError(f"{error}: start the server, or mend --model") from None
        self._dialect = DIALECTS[found]
        self._model = models.chosen(self._served, options.served_model)
        self._voices: dict[Reference, Voice] = {}
        self._proved: Proved | None = None
        self._refusal = ""

    @property
    def identity(self) -> str:
        parts = {
            "server": self._client.base,
            "dialect": self._dialect.name,
            "model": self._model,
            "revision": self._options.revision or "unnamed",
            "served": audio.content_hash(self._served.encode())[:12],
            "answer": "streamed" if self._options.stream else "whole",
            "rate": f"{self.sample_rate_hz}",
            "window_s": f"{self._window.window_s:g}",
        }
        return f"speech_server r{REVISION} " + " ".join(f"{name}={value}" for name, value in parts.items())

    def generate(self, requests: Sequence[Request]) -> Iterator[Take]:
        """Speak the requests, `--concurrency` at once; each take as soon as it is there.

        Raises:
            BackendError: The server does not condition on the reference, or serves another model than before.
        """
        provenance = Provenance(self.name, self._model, self.identity, device="a server", dtype="not known")
        for job in driven(self._jobs([Job(request) for request in requests])):
            yield job.take(provenance, self.frame_rate_hz, self._findings())

    def close(self) -> None:
        """Nothing is held between batches."""

    async def _jobs(self, jobs: Sequence[Job]) -> AsyncGenerator[Job]:
        if not jobs:
            return
        async with self._client.opened() as http:
            await self._confirm(http)
            if self._proved is None:
                await self._prove(http, [job.request for job in jobs])

            async def speak(job: Job) -> None:
                await self._speak(http, job)
                await self._confirm(http)

            async for job in spoken(jobs, speak, self.at_once, self._options.timeout_s):
                yield job

    async def _confirm(self, http: "httpx.AsyncClient") -> None:
        """Whether the server still says the same of its models.

        Raises:
            BackendError: It says something else, now or once before: nobody knows which of them speaks.
        """
        now = None if self._refusal else await models.served(self._client, http)
        if now not in (None, self._served):
            self._refusal = (
                f"the server serves another model than at the start ({self._served or 'unnamed'}; now "
                f"{now or 'unnamed'}): which of them spoke is not known; run again"
            )
        if self._refusal:
            raise BackendError(self._refusal)

    async def _prove(self, http: "httpx.AsyncClient", requests: Sequence[Request]) -> None:
        found = two_voices(requests, self._voice)
        if found is None:
            return
        request, voice, other = found

        async def ask(seed: int, voice: Voice) -> Audio:
            until = monotonic() + self._options.timeout_s
            return (await self._answer(http, self._question(request, 0, seed, voice), until))[0].sound

        try:
            self._proved = await prove(ask, seed_of(request), voice, other)
        except UnconditionedError as error:
            self._refusal = str(error)
            raise

    async def _speak(self, http: "httpx.AsyncClient", job: Job) -> None:
        self._refuse_sampling(job.request.sampling)
        voice = self._voice(job.request)
        for number in range(len(job.request.chunks)):
            question = self._question(job.request, number, seed_of(job.request, number), voice)
            found, noted = await self._answer(http, question, job.until)
            job.add(found.sound, found.stopped_by, self.frame_rate_hz)
            job.details |= {f"{name}_{number}": value for name, value in noted.items()}
            if job.stopped_by is Stop.BUDGET:
                return

    async def _answer(
        self, http: "httpx.AsyncClient", question: Question, until: float
    ) -> tuple[Spoken, dict[str, float | str]]:
        dialect = self._dialect
        reply = await self._client.post(http, dialect.path, dialect.body(question), until)
        read = of_chat if dialect.path == CHAT else of_speech
        try:
            found = read(reply, question.stream, self.sample_rate_hz)
        except BackendError as error:
            raise BackendError(self._client.hidden(str(error))) from None
        return found, {
            "sent_seed": str(question.seed),
            "max_new_tokens": question.max_new_tokens,
            "attempts": reply.attempts,
            "first_byte_s": round(reply.first_byte_s, 3),
        }

    def _question(self, request: Request, chunk: int, seed: int, voice: Voice) -> Question:
        return Question(
            model=self._model,
            text=request.chunks[chunk].text,
            voice=voice,
            max_new_tokens=BudgetConfig().columns(request.chunks[chunk].budget),
            seed=seed,
            sampling=request.sampling,
            stream=self._options.stream,
        )

    def _voice(self, request: Request) -> Voice:
        """The reference as it is sent.

        Raises:
            AudioError: It cannot condition a clone.
        """
        given = request.reference
        if given not in self._voices:
            wav = reference.as_wav(given.path, self._window) if self._dialect.hears_reference else b""
            self._voices[given] = Voice(given.id, wav, given.transcript)
        return self._voices[given]

    def _refuse_sampling(self, sampling: Sampling) -> None:
        if not self._dialect.obeys_sampling and sampling != Sampling():
            raise BackendError(
                f"a server of the {self._dialect.name} dialect ignores sampling settings: leave --sampling, "
                "--temperature, --top-k and --top-p out, and set them where the server is started"
            )

    def _findings(self) -> Mapping[str, float | str]:
        proved: Mapping[str, float | str] = self._proved.details if self._proved is not None else {}
        found: dict[str, float | str] = {
            "dialect": self._dialect.name,
            "served": self._served or "the server does not say",
        }
        if not self._dialect.obeys_sampling:
            found["sampling"] = "the server's own; what was asked for was not sent"
        return {**found, **proved}
