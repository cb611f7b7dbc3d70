"""How natural does it sound to a model that was taught listeners' opinions?

Conventions: a mean opinion score, 1 (bad) to 5 (excellent), of the whole take at 16 kHz. Such a score is bound to the
voice and the recording: clean human speech spreads over a whole point, so that no limit on it finds more than gross
damage. It is advisory, and most telling beside the accepted release's take of the same text and voice.
Only measured where a run asks for it (`--speech-quality`): it takes longer than all other metrics together.

Metrics: `speech_quality`.

Source: DistillMOS 0.9 (Stahl and Gamper, 2025; MIT, weights in the package), a distilled XLS-R predictor. Deviations:
none; takes are heard one by one, so that no score depends on what else is in the batch.
"""

from typing import Any, Protocol

from harness import audio, registry, torchaudio_import
from harness.audio import Audio
from harness.errors import UsageError
from harness.metrics.declaration import Finding, NotApplicable, analysis, measured, metric
from harness.metrics.measuring import Models
from harness.threads import one_thread

OFF = "off"
PREDICTOR_RATE_HZ = 16_000


class QualityPredictor(Protocol):
    """Says what listeners would."""

    @property
    def fingerprint(self) -> str:
        """Name, version and hash of the weights; scores of one fingerprint compare."""

    def predict(self, sound: Audio) -> float:
        """A mean opinion score, 1 to 5."""


class DistillMos:
    """The predictor of the package `distillmos`, loaded once, on the CPU or a GPU."""

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self.loads = 0
        self._model: Any = None

    @property
    def fingerprint(self) -> str:
        from importlib.metadata import version
        from importlib.util import find_spec
        from pathlib import Path

        home = find_spec("distillmos")
        assert home is not None
        assert home.origin is not None
        weights = b"".join(path.read_bytes() for path in sorted((Path(home.origin).parent / "weights").iterdir()))
        return f"distillmos {version('distillmos')} {audio.content_hash(weights)[:16]} {self._device.partition(':')[0]}"

    def predict(self, sound: Audio) -> float:
        import torch

        self._load()
        samples = audio.resample(audio.finite(sound), PREDICTOR_RATE_HZ).samples
        with torch.inference_mode(), one_thread(torch_too=self._device == "cpu"):
            return float(self._model(torch.as_tensor(samples, device=self._device)[None]))

    def _load(self) -> None:
        if self._model is not None:
            return
        import contextlib
        import io
        import warnings

        torchaudio_import.install()
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            # Its import of torchaudio warns, and it prints the path of its weights.
            warnings.simplefilter("ignore")
            import distillmos

            model = distillmos.ConvTransformerSQAModel()
        self.loads += 1
        self._model = model.to(self._device).eval()


def open_predictor(name: str, device: str = "cpu") -> QualityPredictor:
    """The predictor of that name.

    Raises:
        NotApplicable: None was asked for.
        UsageError: There is none of that name, or its package is not installed.
    """
    from importlib.util import find_spec

    if name == OFF:
        raise NotApplicable("no speech-quality predictor was asked for (--speech-quality)")
    kind = registry.find(registry.PREDICTOR, name)
    if kind is None:
        known = ", ".join((OFF, *registry.names(registry.PREDICTOR)))
        raise UsageError(f"--speech-quality is {name!r}; one of {known}, or module:Class is needed")
    if kind is DistillMos and find_spec("distillmos") is None:
        raise UsageError("--speech-quality distillmos needs a package that is not there: pip install '.[quality]'")
    opened: QualityPredictor = kind(device=device)
    return opened


@analysis(once="run", is_instrument=True)
def predictor(models: Models) -> QualityPredictor:
    """What predicts listeners' opinions."""
    return open_predictor(models.predictor, models.device)


@metric("speech_quality", unit="MOS", better="higher")
def speech_quality(sound: Audio, predictor: QualityPredictor) -> Finding:
    """The mean opinion score that listeners would give, 1 to 5, as the predictor says."""
    return measured(predictor.predict(sound))
