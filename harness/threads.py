"""How many threads NumPy's linear algebra and torch may use while we compute, and nobody else.

On matrices as small as ours a second thread waits for the first, which takes twice the time; the numbers are the same.
"""

import ctypes
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_BRING_THEIR_OWN = frozenset({"numpy", "scipy.linalg", "scipy.special", "torch"})
_SET_BY_THREADPOOLCTL = "KMP_DUPLICATE_LIB_OK"


@contextmanager
def one_thread(torch_too: bool = False) -> Generator[None]:
    """Linear algebra keeps to one thread inside; afterwards everything is as it was.

    Args:
        torch_too: Torch on the CPU too; it must be imported already.
    """
    torch = sys.modules["torch"] if torch_too else None
    before = torch.get_num_threads() if torch else 0
    with _controller().limit(limits=1, user_api="blas"):
        if torch:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


def keep_to_one_thread() -> None:
    """For good, in a worker process of our own."""
    import numpy  # noqa: F401 -- its library must be loaded to be limited

    _controller().limit(limits=1, user_api="blas")


def _controller() -> "ThreadpoolController":
    """The libraries of linear algebra that are loaded by now."""
    return _controller_of(frozenset(_BRING_THEIR_OWN & sys.modules.keys()))


@lru_cache(maxsize=8)
def _controller_of(loaded: frozenset[str]) -> "ThreadpoolController":
    """The libraries of these packages; finding them takes a millisecond."""
    before = os.environ.get(_SET_BY_THREADPOOLCTL)
    from threadpoolctl import ThreadpoolController

    if before is None:
        os.environ.pop(_SET_BY_THREADPOOLCTL, None)  # it is set on import, for everything that comes later
    return ThreadpoolController()


def give_back_memory() -> None:
    """Give back to the system what was freed, where the C library can: threads that come later get it else anew."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
