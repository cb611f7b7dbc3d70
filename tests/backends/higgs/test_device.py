"""A device by its name; these run on the CPU."""

import gc
import weakref

import numpy as np
import pytest

from harness.backends.higgs.device import Device


@pytest.mark.parametrize(
    ("name", "kind", "is_gpu"), [("cpu", "cpu", False), ("cuda:0", "cuda", True), ("cuda:3", "cuda", True)]
)
def test_its_kind_is_the_same_whichever_number_it_has(name, kind, is_gpu):
    assert Device(name).kind == kind
    assert Device(name).is_gpu is is_gpu


def test_what_refers_only_to_itself_is_given_back():
    class Held:
        pass

    held = Held()
    held.itself = held
    seen = weakref.ref(held)
    gc.disable()
    try:
        del held
        assert seen() is not None
        Device().free()
        assert seen() is None
    finally:
        gc.enable()


def test_the_peak_of_the_cpu_holds_what_was_once_allocated():
    device = Device()
    size = 1 << 26
    block = np.ones(size, np.uint8)
    assert device.peak_bytes() >= size
    peak = device.peak_bytes()
    del block
    device.forget_peak()  # of a process, the kernel does not forget it
    assert device.peak_bytes() >= peak


@pytest.mark.slow
def test_the_cpu_is_described_by_its_architecture_and_taken_without_a_driver():
    import platform

    Device().take()
    assert Device().description == f"cpu {platform.machine()}"
