"""What this machine can run, and which texts the documented numbers can judge."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import shipped
from harness.backends import gpu
from harness.decision.feasibility import feasibility_map

PACKAGES = ("torch", "torchaudio", "transformers", "resemblyzer", "espeakng-loader", "pyworld-prebuilt")


def lines() -> Iterator[str]:
    """What there is, one line each."""
    import torch

    for name in PACKAGES:
        try:
            yield f"{name:<18}{version(name)}"
        except PackageNotFoundError:
            yield f"{name:<18}missing: python3 run.py test sets everything up"
    devices = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    why_not = "none; " + gpu.why_not(torch.__version__, torch.version.cuda, 0, gpu.driver())
    yield f"{'CUDA devices':<18}{', '.join(devices) or why_not}"
    yield f"{'suites':<18}{(shipped.suites_at(Path.cwd()) or shipped.SuitesFolder()).path}"
    yield f"{'shipped suites':<18}{shipped.SUITES}"
    yield ""
    yield "which texts the documented numbers can judge, by words:"
    yield from (f"  {line}" for line in feasibility_map())
