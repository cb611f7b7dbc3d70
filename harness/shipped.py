"""Where the data lies that travels with the package: suites with their gates, corpus and voices; accepted baselines."""

from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
SUITES = _ROOT / "suites"
GATES = SUITES / "gates.toml"
CORPUS = SUITES / "corpus"
VOICES = CORPUS / "voices"
GOLDEN = _ROOT / "golden"
POWER = GOLDEN / "power.json"
"""The kept table of what the gates find and miss."""
