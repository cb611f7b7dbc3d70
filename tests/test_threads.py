"""Threads are limited while we compute and as they were afterwards."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from harness.threads import one_thread


def blas_threads():
    assert np.ones(1).sum() == 1
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_linear_algebra_keeps_to_one_thread_inside_only():
    before = blas_threads()
    with one_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before


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
