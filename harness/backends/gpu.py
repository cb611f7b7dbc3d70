"""The GPUs of this machine: whether torch can use one and, if not, why; and which one a worker has to itself."""

import re
import subprocess
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import UsageError

_DRIVER_FILE = Path("/proc/driver/nvidia/version")


def refuse_without(workers: int) -> None:
    """Refuse a run that cannot have a GPU, or not one for each of its workers.

    Raises:
        UsageError: With the driver's and torch's CUDA, and what to install.
    """
    import torch

    devices = torch.cuda.device_count()
    if not torch.cuda.is_available():
        raise UsageError(f"--gpu: {why_not(torch.__version__, torch.version.cuda, devices, driver())}")
    if workers > devices:
        raise UsageError(
            f"--gpu: {workers} workers for {devices} CUDA devices; each worker needs one of its own: give -n {devices}"
        )


def why_not(torch_version: str, cuda: str | None, devices: int, driver: "tuple[str, str]") -> str:
    """Why torch sees no GPU, and what to do.

    Args:
        torch_version: Of the installed torch.
        cuda: What it was built for; None for a CPU build.
        devices: How many it sees.
        driver: The driver's version and the newest CUDA that it runs, each empty where unknown.
    """
    version, runs = driver
    has = f"torch {torch_version} has {f'CUDA {cuda}' if cuda else 'no CUDA'} and sees {devices} CUDA devices"
    if not version:
        return f"{has}, and no NVIDIA driver answers; run on a machine with an NVIDIA GPU, or leave --gpu out"
    there = f"the NVIDIA driver is {version}" + (f" and runs CUDA {runs} at most" if runs else "")
    if not cuda:
        return f"{has}, while {there}; install a CUDA build of torch, or leave --gpu out"
    if runs and _numbers(runs) < _numbers(cuda):
        return (
            f"{has}, while {there}, which is too old: update the driver to one for CUDA {cuda}, or install a torch "
            f"that was built for CUDA {runs}"
        )
    return f"{has}, while {there}; see what nvidia-smi and CUDA_VISIBLE_DEVICES say, or leave --gpu out"


def driver() -> tuple[str, str]:
    """Version of the NVIDIA driver and the newest CUDA that it runs; each empty where unknown."""
    try:
        said = subprocess.run(["nvidia-smi"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    kernel = _DRIVER_FILE.read_text(encoding="utf-8") if _DRIVER_FILE.exists() else ""
    version = re.search(r"Driver Version: *([\d.]+)", said) or re.search(r"Kernel Module\D*([\d.]+)", kernel)
    cuda = re.search(r"CUDA(?: UMD)? Version: *([\d.]+)", said)
    return version[1] if version else "", cuda[1] if cuda else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def claim(folder: Path, wanted: int, devices: int) -> tuple[int, FileLock]:
    """A device that no other worker of the run has; it is this process's own for as long as the lock lives.

    A worker that takes a dead one's place has a number of its own, and the dead one's device: the system frees the lock
    of a process that dies.

    Args:
        folder: Where the workers of a run find each other's locks.
        wanted: The number to begin with.
        devices: How many there are.

    Raises:
        UsageError: Other workers have them all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for step in range(devices):
        number = (wanted + step) % devices
        lock = FileLock(folder / f"cuda-{number}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        return number, lock
    raise UsageError(f"--gpu: other workers have all {devices} CUDA devices: give -n {devices}, or another --out")
