"""Higgs Audio v2, through the classes that transformers has for it.

Model, codec and processor are loaded once a process, with the first `generate`; then it is proved that the reference
conditions the model. What fails there fails every take with the same reason. A text of several chunks is spoken chunk
by chunk, the chunks before it kept as context.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import torchaudio_import
from harness.audio import Audio
from harness.backends import HIGGS_FRAME_RATE_HZ, HIGGS_SAMPLE_RATE_HZ, BackendOptions, Interrupted
from harness.backends.higgs.checkpoint import find, find_codec
from harness.backends.higgs.device import Device
from harness.backends.higgs.job import Job
from harness.backends.higgs.loading import DTYPES, FOREIGN_ERRORS, said
from harness.cloning import reference
from harness.cloning.budget import BudgetConfig
from harness.cloning.conversation import SYSTEM_TEXT, SYSTEM_TEXTS, AudioContent, Conversation, build
from harness.cloning.output import joined
from harness.cloning.termination import DelayedStream, Termination
from harness.errors import AudioError, BackendError, UsageError
from harness.take import Provenance, Request, Take
from harness.threads import one_thread

if TYPE_CHECKING:
    from harness.backends.higgs.generation import BatchRow, Generator
    from harness.backends.higgs.prompt import Prompter
    from harness.backends.higgs.silence import SilenceCodes

REVISION = "2"  # raise it whenever the same request would give other codes
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy")
ATTENTIONS = ("eager", "sdpa", "flex_attention", "flash_attention_2")
CONTEXT_CHUNKS = 2
"""Chunks of the same text that a chunk is spoken after; more would fill the model's 2,048 positions."""


@dataclass
class _Loaded:
    """Everything that is on the device."""

    model: Any
    codec: Any
    prompter: "Prompter"
    generator: "Generator"
    silent: "SilenceCodes"
    proved: bool = False


class HiggsBackend:
    """The released model, or a checkpoint in its layout, on a GPU or the CPU."""

    name = "higgs"
    sample_rate_hz = HIGGS_SAMPLE_RATE_HZ
    frame_rate_hz = HIGGS_FRAME_RATE_HZ
    reads = (
        *("--gpu", "--model", "--codec", "--revision", "--codec-revision", "--dtype", "--attn", "--generation-timeout"),
        *("--sampling", "--temperature", "--top-k", "--top-p", "--ras", "--system-text", "--scene"),
        *("--reference-window", "--reference-fallback", "--static-cache", "--compile"),
    )

    def __init__(self, options: BackendOptions) -> None:
        self._model = find("model", options.model, options.revision)
        self._codec = find_codec(self._model, options.codec, options.codec_revision)
        assert self._model.weights_hash
        assert self._codec.weights_hash  # both read here, so that a broken file ends the command before it begins
        self._options = options
        self._device = Device(options.device)
        self._dtype = options.dtype or ("bfloat16" if options.gpu else "float32")
        _one_of("--dtype", self._dtype, DTYPES)
        exact = not self._device.is_gpu and self._dtype == "float32"  # whatever the others of a batch are
        self._lanes = 0 if exact and not (options.static_cache or options.compile) else options.batch_size
        _one_of("--attn", options.attention, ATTENTIONS)
        self._system = SYSTEM_TEXTS.get(options.system_text, options.system_text) or SYSTEM_TEXT
        build("", None, "-", system=self._system, scene=options.scene)  # a bad text is a wrong command
        self._window = reference.ReferenceConfig(window_s=options.reference_window_s)
        self._loaded: _Loaded | None = None
        self._refusal = ""
        self.loads = 0
        """How often a model was loaded; 1 after any number of takes."""

    @property
    def note(self) -> str:
        """Says so where the weights are the tiny random ones."""
        tiny = '"hidden_size": 64' in (self._model.folder / "config.json").read_text(encoding="utf-8")
        return (
            "The model judged here is the tiny random checkpoint: its speech is noise, and must fail." if tiny else ""
        )

    @property
    def identity(self) -> str:
        parts = {
            "revision": self._model.revision,
            "weights": self._model.weights_hash,
            "codec": self._codec.weights_hash,
            "codec_revision": self._codec.revision,
            "device": self._device.kind,
            "dtype": self._dtype,
            "attn": self._options.attention,
            "cache": self._cache,
            "window_s": f"{self._window.window_s:g}",
            "timeout_s": f"{self._options.timeout_s:g}",
            "fallback": "on" if self._options.reference_fallback else "off",
            "texts": hashlib.sha256(f"{self._system}\n{self._options.scene}".encode()).hexdigest()[:8],
            **{name: version(name) for name in PACKAGES[:2]},
        }
        return f"higgs r{REVISION} " + " ".join(f"{name}={value}" for name, value in parts.items())

    @property
    def _cache(self) -> str:
        kind = f"lanes{self._lanes}" if self._lanes else "growing"
        return f"{kind}+compile" if self._options.compile else kind

    def generate(self, requests: Sequence[Request]) -> list[Take]:
        """Speak the requests, those of a batch together; a batch that does not fit into memory is halved.

        Raises:
            BackendError: The checkpoint cannot be used.
            Interrupted: Somebody ended the run; holds what was finished.
        """
        if not requests:
            return []
        import torch  # noqa: F401 -- it must be there to be limited

        # On the CPU a second thread gains nothing on small batches, costs much on a busy machine.
        with one_thread(torch_too=not self._options.gpu):
            return self._generate(self._load(), requests)

    def _generate(self, loaded: _Loaded, requests: Sequence[Request]) -> list[Take]:
        jobs = [self._job(request) for request in requests]
        try:
            self._prove(loaded, jobs)
            for number in range(max(len(request.chunks) for request in requests)):
                # Rows with and without a reference cannot share a batch.
                for conditioned in (True, False):
                    group = [job for job in jobs if job.wants(number) and (job.speech is not None) is conditioned]
                    if group:
                        self._speak(loaded, group, number)
        except KeyboardInterrupt:
            finished = [job for job in jobs if job.parts and len(job.parts) == len(job.request.chunks)]
            takes = [self._take(loaded, job) for job in finished]
            self.close()
            raise Interrupted(takes) from None
        return [self._take(loaded, job) for job in jobs]

    def close(self) -> None:
        """Free the device."""
        if self._loaded is not None:
            self._loaded = None
            self._device.free()

    def _load(self) -> _Loaded:
        if self._refusal:
            raise BackendError(self._refusal)
        if self._loaded is None:
            try:
                self._loaded = self._open()
            except FOREIGN_ERRORS as error:
                self._refusal = said(error)
                raise BackendError(self._refusal) from error
        return self._loaded

    def _open(self) -> _Loaded:
        torchaudio_import.install()
        from harness.backends.higgs import loading, proof, silence
        from harness.backends.higgs.generation import Generator
        from harness.backends.higgs.prompt import Prompter

        self._device.take()
        self.loads += 1
        codec = loading.load_codec(self._codec, self._device.name)
        proof.prove_codec(codec)
        model = loading.load_model(self._model, self._device.name, self._dtype, self._options.attention)
        prompter = Prompter(loading.load_processor(self._model, codec))
        generator = Generator(model, self._lanes, compiler="inductor" if self._options.compile else "")
        return _Loaded(model, codec, prompter, generator, silence.learn(codec))

    def _prove(self, loaded: _Loaded, jobs: Sequence[Job]) -> None:
        from harness.backends.higgs import proof

        conditioned = next((job for job in jobs if job.speech is not None), None)
        if loaded.proved or conditioned is None:
            return
        conversation = self._conversation(conditioned, 0)
        try:
            proof.prove_prompt(conversation, loaded.prompter.prompt(conversation), loaded.prompter, loaded.model)
            proof.prove_swap(conversation, loaded.prompter, loaded.model)
            if self._lanes > 1:
                proof.prove_company(conversation, loaded.prompter, loaded.generator, conditioned.request.sampling)
        except FOREIGN_ERRORS as error:
            self._refusal = said(error)
            self.close()
            raise BackendError(self._refusal) from error
        loaded.proved = True

    def _job(self, request: Request) -> Job:
        if not request.sampling.use_cache:
            return Job(request, error="sampling without a KV cache is not offered: leave use_cache on")
        try:
            features = reference.load(request.reference.path, self._window)
        except AudioError as error:
            if self._options.reference_fallback:
                return Job(request, unconditioned=str(error))
            return Job(request, error=f"{error}; --reference-fallback speaks without it")
        return Job(request, features)

    def _conversation(self, job: Job, number: int, context: int = CONTEXT_CHUNKS) -> Conversation:
        """What is asked for one chunk, after as many of the chunks before it as `context` says."""
        earlier = list(zip((chunk.text for chunk in job.request.chunks), job.codes, strict=False))[:number]
        return build(
            job.request.reference.transcript,
            job.speech,
            job.request.chunks[number].text,
            system=self._system,
            scene=self._options.scene,
            # Without a reference there is no voice to keep, and rows must not mix with those that have speech.
            earlier=earlier[len(earlier) - min(context, number) :] if job.speech is not None else (),
        )

    def _speak(self, loaded: _Loaded, jobs: Sequence[Job], number: int, freed: bool = False) -> None:
        """Speak one chunk of each job together; where the device's memory is too small, once more with what it has.

        Args:
            loaded: The model.
            jobs: All with a reference, or all without one.
            number: Of the chunk.
            freed: Whether this is that second time.
        """
        import torch

        ready = []
        for job in jobs:
            try:
                ready.append((job, self._row(loaded, job, number)))
            except FOREIGN_ERRORS as error:  # a text that would steer the model, or does not fit it
                job.error = said(error)
        if not ready:
            return
        fits = True
        try:
            self._together(loaded, ready, number)
        except torch.OutOfMemoryError:
            fits = False  # not yet tried again: the error holds on to all that the failed batch had on the device
        except FOREIGN_ERRORS as error:
            for job, _ in ready:
                job.error = f"generation failed ({said(error)})"
        if not fits:
            self._speak_less(loaded, [job for job, _ in ready], number, freed)

    def _speak_less(self, loaded: _Loaded, jobs: Sequence[Job], number: int, freed: bool) -> None:
        """After a batch that did not fit: lanes without what earlier batches left, a growing batch in halves."""
        loaded.generator.release()
        self._device.free()
        half = len(jobs) // 2
        if self._lanes and not freed:
            self._speak(loaded, jobs, number, freed=True)
        elif self._lanes > 1 or not half:
            for job in jobs:
                job.error = (
                    f"{self._lanes} takes at once do not fit into the device's memory: give a smaller --batch-size"
                    if self._lanes > 1
                    else "one take alone does not fit into the device's memory: use a larger GPU"
                )
        else:
            for part in (jobs[:half], jobs[half:]):
                self._speak(loaded, part, number)

    def _row(self, loaded: _Loaded, job: Job, number: int) -> "BatchRow":
        """The row for one chunk, with as much context as the model has positions for.

        Raises:
            UsageError: The chunk does not fit even without context, or its text would steer the model.
        """
        from harness.backends.higgs.generation import BatchRow

        chunk, config = job.request.chunks[number], loaded.model.config
        columns = BudgetConfig().columns(chunk.budget)
        for context in range(min(CONTEXT_CHUNKS, number), -1, -1):
            prompt = loaded.prompter.prompt(self._conversation(job, number, context))
            needed = len(prompt.input_ids) + columns
            if needed <= config.max_position_embeddings:
                break
        else:
            raise UsageError(
                f"the prompt and {columns} columns need {needed} positions and the model has "
                f"{config.max_position_embeddings}: give --chunks sentence or a shorter --reference-window"
            )
        stream = DelayedStream(
            Termination(chunk.budget, timeout_s=self._options.timeout_s),
            is_silent=loaded.silent,
            codebooks=config.num_codebooks,
            end_code=config.audio_stream_eos_id,
        )
        return BatchRow(prompt, stream, seed=job.request.entropy + number, max_columns=columns)

    def _together(self, loaded: _Loaded, ready: "Sequence[tuple[Job, BatchRow]]", number: int) -> None:
        rows = [row for _, row in ready]
        self._device.forget_peak()
        try:
            features = _whisper_features(loaded.model, [job for job, _ in ready])
            elapsed = loaded.generator.speak(rows, ready[0][0].request.sampling, features)
        except KeyboardInterrupt:
            self._keep(loaded, [(job, row) for job, row in ready if row.stream.stopped_by], 0.0, number)
            raise
        self._keep(loaded, ready, elapsed, number)
        peak = self._device.peak_bytes()
        speed = sum(row.stream.columns for row in rows) / max(elapsed, 1e-9)
        for job, _ in ready:
            job.details |= {"columns_per_s": round(speed, 1), "batch": len(ready), "peak_memory_bytes": peak}
            if loaded.generator.note:
                job.details["slow"] = loaded.generator.note

    def _keep(self, loaded: _Loaded, ready: "Sequence[tuple[Job, BatchRow]]", elapsed: float, number: int) -> None:
        """Decode the rows that have stopped and note what they were."""
        codes = [row.stream.codes() for _, row in ready]
        # All before the first is noted: where memory runs out here, the batch is spoken again in halves.
        sounds = [_decoded(loaded.codec, frames) if frames.shape[1] else None for frames in codes]
        for (job, row), row_codes, sound in zip(ready, codes, sounds, strict=True):
            job.elapsed_s += elapsed / len(ready)
            job.streams.append(row.stream)
            job.details |= {f"row_seed_{number}": str(row.seed), f"columns_{number}": row.stream.columns}
            if loaded.silent.note:
                job.details["silence_stop"] = loaded.silent.note
            if sound is None:
                job.error = f"the model ended after {row.stream.columns} columns, before its first frame"
            else:
                job.parts.append(sound)
                job.codes.append(AudioContent(sound, row_codes))

    def _take(self, loaded: _Loaded, job: Job) -> Take:
        error = job.error or ("" if job.parts else "nothing was generated")
        return Take(
            request=job.request,
            audio=None if error else joined(job.parts),
            stopped_by=job.stopped_by,
            provenance=self._provenance(),
            frames=sum(stream.frames for stream in job.streams),
            elapsed_s=job.elapsed_s,
            error=error,
            unconditioned=job.unconditioned,
            details=job.details,
        )

    def _provenance(self) -> Provenance:
        return Provenance(
            backend=self.name,
            model=self._model.name,
            revision=self.identity,
            codec_revision=self._codec.revision,
            device=self._device.description,
            dtype=self._dtype,
            attention=self._options.attention,
            cache=self._cache,
            weights=f"{self._model.weights_hash} codec {self._codec.weights_hash}",
            packages={name: version(name) for name in PACKAGES},
        )


def _whisper_features(model: Any, jobs: Sequence[Job]) -> dict[str, Any]:
    """Stacked over the rows, for a model that encodes them; the released one does not."""
    import torch

    rows = [reference.whisper_inputs(model.config, job.features) for job in jobs if job.features is not None]
    names = rows[0] if rows else {}
    return {name: torch.from_numpy(np.concatenate([row[name] for row in rows])).to(model.device) for name in names}


def _decoded(codec: Any, codes: np.ndarray[Any, np.dtype[np.int64]]) -> Audio:
    """The sound of codes of shape (codebooks, frames); stream marks inside it become the codebook's last code."""
    import torch

    clipped = torch.from_numpy(np.clip(codes, 0, codec.config.codebook_size - 1))[None].to(codec.device)
    with torch.inference_mode():
        samples = codec.decode(clipped).audio_values[0, 0].float().cpu().numpy()
    return Audio(np.ascontiguousarray(samples, np.float32), int(codec.config.sample_rate))


def _one_of(flag: str, given: str, known: Sequence[str]) -> str:
    if given not in known:
        raise UsageError(f"{flag} is {given!r}; one of {', '.join(known)} is needed")
    return given
