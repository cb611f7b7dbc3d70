"""A release gate for zero-shot voice cloning: may this checkpoint go out?

The rooms, and who may import whom, are listed in pyproject.toml under import-linter. Importing the package costs
nothing; it only makes torchaudio importable beside a torch that cannot load its compiled extension.
"""

from harness import torchaudio_import

torchaudio_import.install()
