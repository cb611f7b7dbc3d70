"""A release gate for zero-shot voice cloning: may this checkpoint go out?

The rooms, and who may import whom, are listed in pyproject.toml under import-linter. Importing the package costs
nothing; it makes torchaudio importable beside a torch that cannot load its compiled extension, and keeps NumPy's linear
algebra to one thread.
"""

import os

from harness import torchaudio_import

# On matrices as small as ours its threads wait for each other, which takes twice the time; the numbers are the same.
# Worker processes inherit it; it counts where NumPy is not loaded yet.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
torchaudio_import.install()
