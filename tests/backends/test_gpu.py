import subprocess
import sys
import time

import pytest

from harness.backends import BackendOptions, gpu
from harness.errors import UsageError

SMI = """
| NVIDIA-SMI 470.82.01    Driver Version: 470.82.01    CUDA Version: 11.4     |
"""


@pytest.mark.parametrize(
    ("cuda", "found", "complaint"),
    [
        ("13.0", ("", ""), "has CUDA 13.0 and sees 0 .*no NVIDIA driver answers; run on a machine with an NVIDIA GPU"),
        (None, ("", ""), "has no CUDA and sees 0 .*no NVIDIA driver answers"),
        (None, ("580.1", "13.0"), "has no CUDA .*driver is 580.1 .*; install a CUDA build of torch"),
        (
            "13.0",
            ("470.82.01", "11.4"),
            "has CUDA 13.0 .*the NVIDIA driver is 470.82.01 and runs CUDA 11.4 at most, which is too old: update the "
            "driver to one for CUDA 13.0, or install a torch that was built for CUDA 11.4$",
        ),
        ("12.10", ("560.1", "12.9"), "which is too old"),  # versions are numbers, not words
        ("12.9", ("560.1", "12.10"), "see what nvidia-smi and CUDA_VISIBLE_DEVICES say"),
        ("13.0", ("580.1", ""), "driver is 580.1; see what nvidia-smi"),
    ],
)
def test_why_there_is_no_gpu_names_driver_and_cuda(cuda, found, complaint):
    from re import search

    assert search(complaint, gpu.why_not("2.13.0", cuda, 0, found))


def test_the_driver_is_asked_for_its_version_and_for_the_newest_cuda_that_it_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu, "_DRIVER_FILE", tmp_path / "version")

    def said(text):
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, text, ""))

    said(SMI)
    assert gpu.driver() == ("470.82.01", "11.4")
    said("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")
    assert gpu.driver() == ("", "")
    (tmp_path / "version").write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12\n")
    assert gpu.driver() == ("535.183.01", "")


def test_a_machine_without_the_command_has_no_driver_to_speak_of(monkeypatch, tmp_path):
    def missing(*_, **__):
        raise FileNotFoundError("nvidia-smi")

    monkeypatch.setattr(gpu, "_DRIVER_FILE", tmp_path / "version")
    monkeypatch.setattr(subprocess, "run", missing)
    assert gpu.driver() == ("", "")


def test_a_device_is_free_again_when_the_worker_that_had_it_dies(tmp_path):
    code = (
        "import pathlib, sys, time; from harness.backends import gpu;"
        "held = gpu.claim(pathlib.Path(sys.argv[1]), 0, 2); print(held[0], flush=True); time.sleep(60)"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout.readline() == "0\n"
    number, mine = gpu.claim(tmp_path, 2, 2)
    assert number == 1
    with pytest.raises(UsageError, match="other workers have all 2 CUDA devices"):
        gpu.claim(tmp_path, 3, 2)
    worker.kill()
    worker.wait()
    deadline = time.monotonic() + 5
    while True:
        try:
            number, other = gpu.claim(tmp_path, 3, 2)
            break
        except UsageError:
            assert time.monotonic() < deadline
    assert number == 0
    mine.release()
    other.release()


@pytest.mark.parametrize(("options", "device"), [({}, "cpu"), ({"gpu": True, "device_number": 3}, "cuda:3")])
def test_a_device_is_named_with_its_number(options, device):
    assert BackendOptions(**options).device == device


def test_what_listens_runs_on_this_processs_own_device_and_says_only_of_which_kind_it_is():
    from harness.metrics.quality import DistillMos
    from harness.metrics.speaker_encoder import Resemblyzer
    from harness.metrics.xvector import XVector

    for made in (Resemblyzer(device="cuda:3"), XVector("some/model", device="cuda:3"), DistillMos(device="cuda:3")):
        assert made._device == "cuda:3"
    assert Resemblyzer(device="cuda:3").fingerprint == Resemblyzer(device="cuda:0").fingerprint
    assert Resemblyzer(device="cuda:3").fingerprint.endswith(" cuda")
