"""Threads are limited while we compute and as they were afterwards."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from harness.threads import give_back_memory, one_thread

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="how large a process is can be read on Linux only")
def test_memory_that_was_freed_goes_back_to_the_system():
    def pages():
        return int(Path("/proc/self/statm").read_text().split()[1])

    held = [np.ones(8_000) for _ in range(1_600)]  # 100 MB in pieces that the C library keeps for itself
    above = np.ones(8_000)
    del held
    before = pages()
    give_back_memory()
    assert (before - pages()) * os.sysconf("SC_PAGE_SIZE") > 50_000_000
    assert above.sum() == 8_000


def blas_threads():
    assert np.ones(1).sum() == 1
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_linear_algebra_keeps_to_one_thread_inside_only():
    before = blas_threads()
    with one_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_libraries_that_come_later_keep_to_one_thread_too():
    code = (
        "import sys; from tests.test_threads import blas_threads; from harness.threads import one_thread\n"
        "with one_thread(): pass\n"
        "assert 'scipy.special' not in sys.modules; import scipy.special\n"
        "with one_thread(): print(blas_threads())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{1}"


@pytest.mark.slow
def test_torch_is_left_as_it_was_even_where_something_raises():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ZeroDivisionError, match="1"), one_thread(torch_too=True):
            raise ZeroDivisionError(torch.get_num_threads())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
