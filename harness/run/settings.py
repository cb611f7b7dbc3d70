"""What the command line says about a run."""

from dataclasses import dataclass, field
from pathlib import Path

from harness import shipped
from harness.backends import BackendOptions
from harness.cloning.budget import BudgetConfig
from harness.decision.gates import Profile
from harness.metrics.measuring import Models
from harness.take import Sampling


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says about a run."""

    backend: str
    options: BackendOptions
    profile: Profile
    out: Path
    voices_folder: Path = shipped.VOICES
    voices_language: str = ""
    first_seed: int = 0
    takes: int = 1
    by_sentence: bool = False
    batch_size: int = 8
    cluster: str = ""
    """Address of a Ray cluster on whose nodes the system speaks, or "local"; empty for this process."""
    models: Models = field(default_factory=Models)
    """Which models measure."""
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    sampling: Sampling = field(default_factory=Sampling)
    golden: Path = shipped.GOLDEN
    """Folder of the accepted baselines."""
    golden_audio: Path | None = None
    """Folder in which `accept` kept the sound of the accepted takes."""

    @property
    def seeds(self) -> range:
        """One seed for each take of an utterance."""
        return range(self.first_seed, self.first_seed + self.takes)
