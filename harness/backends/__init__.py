"""The systems under test, behind one narrow protocol.

A backend is cheap to open and loads its model on the first `generate`, so that a run whose takes are all on disk loads
nothing. What a backend cannot do becomes a Take with an error; only a wrong command is raised.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness import registry
from harness.cloning.reference import CODEC_RATE_HZ
from harness.errors import UsageError
from harness.take import Request, Take

HIGGS_SAMPLE_RATE_HZ = CODEC_RATE_HZ
"""The rate at which the released Higgs Audio models speak: what is expected where nobody says otherwise."""
HIGGS_FRAME_RATE_HZ = 25.0
"""Their codec's steps a second."""


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """What the command line says about the system under test."""

    model: str = ""
    gpu: bool = False
    words_per_minute: float | None = None
    """Speaking rate, where the system takes one."""
    codec: str = ""
    """Folder or hub id of the codec, where the model has one of its own."""
    revision: str = ""
    codec_revision: str = ""
    dtype: str = ""
    """Of the model's weights; empty for bfloat16 on a GPU and float32 on the CPU."""
    attention: str = "sdpa"
    batch_size: int = 8
    """Takes that are asked for in one go."""
    static_cache: bool = False
    """Always as many rows a step as the batch size; so it is on a GPU and in half precision in any case."""
    compile: bool = False
    timeout_s: float = 600.0
    """Wall-clock seconds after which a batch that is still generating is stopped."""
    system_text: str = "instruction"
    scene: str = ""
    reference_window_s: float = 30.0
    reference_fallback: bool = False
    """Speak without conditioning where a reference cannot be used, and mark the take so."""
    outside_files: bool = False
    """Whether a manifest of given audio may name files outside its folder."""
    device_number: int = 0
    """Which CUDA device this process has."""
    sample_rate_hz: int = 0
    """Of the takes, where nothing but the user knows it; 0 for what the backend takes for granted."""
    frame_rate_hz: float = 0
    """Codec steps a second, likewise."""
    dialect: str = ""
    """What a speech server understands; empty for what it says of itself."""
    served_model: str = ""
    """Which of a server's models is asked; empty where it has one."""
    concurrency: int = 0
    """Takes that are asked for at once; 0 for the backend's own choice."""
    stream: bool = False
    """Ask a server for its sound as it comes."""

    @property
    def device(self) -> str:
        """The name that torch has for this process's device."""
        return f"cuda:{self.device_number}" if self.gpu else "cpu"


class Interrupted(KeyboardInterrupt):
    """Somebody ended the run in the middle of a batch; `finished` holds the takes that were done by then."""

    def __init__(self, finished: Sequence[Take]) -> None:
        super().__init__("interrupted")
        self.finished = tuple(finished)


class Backend(Protocol):
    """A system that speaks.

    One whose seed changes nothing may say so: `deterministic = True`. One that takes long to begin may have a method
    `prefetch(requests)`: it is told what will probably be asked while the references are still judged, generates
    nothing yet, and gives back at once.
    """

    name: str
    sample_rate_hz: int
    """The rate that its takes should have; another is a FAIL."""
    frame_rate_hz: float
    """Codec steps a second, in which the token budget counts."""
    note: str
    """What every report must say about this system; empty for nothing."""
    reads: Sequence[str]
    """Options of `harness.backends.options` that shape its takes; giving any other is a wrong command."""

    @property
    def identity(self) -> str:
        """Name and revision of everything that shapes a take; takes of one identity and request are interchangeable."""

    def generate(self, requests: Sequence[Request]) -> Iterable[Take]:
        """Speak the requests: one take for each, given back as soon as it is there, in any order; a list will do.

        Raises:
            BackendError: The system cannot be used at all; every request fails with that.
            Interrupted: Somebody ended the run.
        """

    def close(self) -> None:
        """Free what `generate` holds."""


_PARTS = ("name", "sample_rate_hz", "frame_rate_hz", "note", "reads", "identity", "generate", "close")
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
"""Its baselines lie in a folder of this name."""


def open_backend(name: str, options: BackendOptions) -> Backend:
    """Open a backend: one of this package, one of an installed package, or a class as `module:Class`.

    Raises:
        UsageError: No such backend, options it cannot work with, or a class that is no backend.
    """
    backend: Backend = registry.get(registry.BACKEND, name)(options)
    # Not with hasattr, which would compute the identity.
    lacking = [part for part in _PARTS if part not in vars(backend) and not hasattr(type(backend), part)]
    if lacking:
        raise UsageError(
            f"--backend {name!r} lacks {', '.join(lacking)}: a backend has {', '.join(_PARTS)} "
            "(harness.backends.Backend says what each is)"
        )
    if not NAME.fullmatch(str(backend.name)):
        raise UsageError(f"--backend {name!r} calls itself {backend.name!r}; letters, digits and _ . - are needed")
    return backend


def existing_folder(path: str, what: str) -> Path:
    """The folder a user named, or one clear line."""
    if not path:
        raise UsageError(f"{what} needs a folder: give --model FOLDER")
    folder = Path(path)
    if not folder.is_dir():
        raise UsageError(f"{what}: {path!r} is no folder: give --model FOLDER")
    return folder
