"""How natural does it sound to a model that was taught listeners' opinions?

Conventions: a mean opinion score, 1 (bad) to 5 (excellent), of the whole take at 16 kHz. Such a score is bound to the
voice and the recording: clean human speech spreads over a whole point, so that no limit on it finds more than gross
damage. It is advisory, and most telling beside the accepted release's take of the same text and voice.
Only measured where a run asks for it (`--speech-quality`): it takes longer than all other metrics together.

Metrics: `speech_quality`.

Source: DistillMOS 0.9 (Stahl and Gamper, 2025; MIT, weights in the package), a distilled XLS-R predictor. Deviations:
none; takes are heard one by one, so that no score depends on what else is in the batch.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

from harness import audio
from harness.audio import Audio
from harness.errors import UsageError
from harness.metrics import guarded
from harness.records.measurement import Measurement, Metric
from harness.take import Take

SPEECH_QUALITY = Metric("speech_quality", unit="MOS", better="higher")

OFF, DISTILLMOS = "off", "distillmos"
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

    def __init__(self, gpu: bool = False) -> None:
        self._device = "cuda" if gpu else "cpu"
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
        return f"distillmos {version('distillmos')} {audio.content_hash(weights)[:16]} {self._device}"

    def predict(self, sound: Audio) -> float:
        import torch

        self._load()
        samples = audio.resample(audio.finite(sound), PREDICTOR_RATE_HZ).samples
        with torch.inference_mode():
            return float(self._model(torch.as_tensor(samples, device=self._device)[None]))

    def _load(self) -> None:
        if self._model is not None:
            return
        import contextlib
        import io
        import warnings

        import torch

        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            # Its import of torchaudio warns, and it prints the path of its weights.
            warnings.simplefilter("ignore")
            import distillmos

            model = distillmos.ConvTransformerSQAModel()
        if self._device == "cpu":
            torch.set_num_threads(1)
        self.loads += 1
        self._model = model.to(self._device).eval()


def open_predictor(name: str, gpu: bool = False) -> QualityPredictor | None:
    """The predictor of that name, or None where none was asked for.

    Raises:
        UsageError: There is none of that name, or its package is not installed.
    """
    from importlib.util import find_spec

    if name == OFF:
        return None
    if name != DISTILLMOS:
        raise UsageError(f"--speech-quality is {name!r}; {OFF} or {DISTILLMOS} is needed")
    if find_spec("distillmos") is None:
        raise UsageError("--speech-quality distillmos needs a package that is not there: pip install '.[quality]'")
    return DistillMos(gpu=gpu)


def measure_quality(takes: Sequence[Take], predictor: QualityPredictor | None) -> list[dict[str, Measurement]]:
    """The measurement of each take, in order, by metric name."""
    return [{SPEECH_QUALITY.name: _of_take(take, predictor)} for take in takes]


def _of_take(take: Take, predictor: QualityPredictor | None) -> Measurement:
    if predictor is None:
        return SPEECH_QUALITY.not_applicable("no speech-quality predictor was asked for (--speech-quality)")
    if take.audio is None:
        return SPEECH_QUALITY.missing(f"no audio: {take.error}")
    if audio.rms_dbfs(audio.finite(take.audio).samples) <= audio.SILENT_DBFS:
        return SPEECH_QUALITY.missing("no speech was found")  # it gives silence a score like any other
    return guarded(SPEECH_QUALITY, partial(_predicted, take.audio, predictor))


def _predicted(sound: Audio, predictor: QualityPredictor) -> Measurement:
    return SPEECH_QUALITY.measured(predictor.predict(sound))
