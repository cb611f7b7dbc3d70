"""Where a model lives: one CUDA device of this process's own, or the CPU."""

import gc
import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Device:
    """A device by the name that torch has for it, always with its number."""

    name: str = "cpu"

    @property
    def is_gpu(self) -> bool:
        return self.name != "cpu"

    @property
    def kind(self) -> str:
        """`cuda` or `cpu`: what a take depends on, whichever number the device has."""
        return self.name.partition(":")[0]

    @property
    def description(self) -> str:
        """Of the hardware."""
        import torch

        return torch.cuda.get_device_name(self.name) if self.is_gpu else f"cpu {platform.machine()}"

    def take(self) -> None:
        """Make it this thread's own."""
        import torch

        if self.is_gpu:
            torch.cuda.set_device(self.name)

    def free(self) -> None:
        """Give back what nothing refers to any more; any thread may ask for it."""
        gc.collect()
        if self.is_gpu:
            import torch

            with torch.cuda.device(self.name):
                torch.cuda.empty_cache()

    def forget_peak(self) -> None:
        """Begin to measure anew."""
        if self.is_gpu:
            import torch

            torch.cuda.reset_peak_memory_stats(self.name)

    def peak_bytes(self) -> int:
        """Most device memory since `forget_peak`; on the CPU the most that this process ever held."""
        if self.is_gpu:
            import torch

            return int(torch.cuda.max_memory_allocated(self.name))
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
