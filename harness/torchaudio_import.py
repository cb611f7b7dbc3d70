"""Make torchaudio importable where its compiled extension does not load.

The Linux wheel of torchaudio is linked against CUDA. Beside a CPU build of torch its extension raises OSError, beside
a torch of another CUDA version RuntimeError, and every audio class of transformers, which imports torchaudio, fails
with it. torchaudio has a pure PyTorch path for installations without the extension; this hook selects that path when
the extension is there but unusable. Lost: forced alignment, RNN-T loss, the CUDA CTC decoder; recursive filters get
slow (use scipy.signal). Nothing is imported until something imports torchaudio.
"""

import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_EXTENSION = "torchaudio._extension"


class _FallBack(Loader):
    """Runs the real module; where its library does not load, marks the extension as absent instead."""

    def __init__(self, real: Loader) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        try:
            self._real.exec_module(module)
        except (OSError, RuntimeError) as error:
            warnings.warn(f"torchaudio runs without its compiled extension: {error}", RuntimeWarning, stacklevel=2)
            # The four names that torchaudio's own modules read from this one.
            vars(module).update(
                _IS_TORCHAUDIO_EXT_AVAILABLE=False,
                _IS_ALIGN_AVAILABLE=False,
                fail_if_no_align=_refuses_alignment,
                _check_cuda_version=lambda: None,
            )


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _EXTENSION:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _FallBack(spec.loader)
        return spec


def _refuses_alignment(function: Any) -> Any:
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError(f"{function.__name__} needs torchaudio's compiled extension, which does not load here")

    return refuse


def install() -> None:
    """Put the hook in front of Python's own finders, once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
