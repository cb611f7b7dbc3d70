"""Runs that were recorded."""

from tests.recorded import recorded_run

__all__ = ["recorded_run"]
