"""Runs that were recorded, to draw and to count."""

from tests.recorded import recorded_run

__all__ = ["recorded_run"]
