"""A release gate for zero-shot voice cloning: may this checkpoint go out?

    from harness import measure

    measure("take.wav", text="مرحبا يا صديقي", reference="speaker.wav")

The rooms, and who may import whom, are listed in pyproject.toml under import-linter. Importing the package does nothing
else: it loads no library and changes no setting of the process.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.metrics.alone import measure

__all__ = ["measure"]


def __getattr__(name: str) -> Any:
    if name == "measure":
        from harness.metrics.alone import measure

        return measure
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
