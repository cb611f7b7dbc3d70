"""One sound measured on its own, without a run: for a notebook, a script, another tool."""

from collections.abc import Iterable
from pathlib import Path

from harness.audio import Audio, content_hash, load
from harness.corpus import Reference, Utterance
from harness.metrics.declaration import NotApplicable
from harness.metrics.measuring import Measuring, Models, model_free
from harness.records.measurement import Measurement
from harness.take import Provenance, Request, Stop, Take


class Measurements(dict[str, Measurement]):
    """Measurements by metric name; printed as a table."""

    def __repr__(self) -> str:
        width = max((len(name) for name in self), default=0)
        return "\n".join(f"{name:<{width}}  {_told(one)}" for name, one in self.items())


def _told(one: Measurement) -> str:
    if one.why_not:
        return f"-  ({one.why_not})"
    value = f"{one.value:.0f}" if 1e4 <= abs(one.value) < 1e9 else f"{one.value:.4g}"
    return f"{value} {one.metric.unit}" + (f"  ({one.detail})" if one.detail else "")


def measure(
    sound: str | Path | Audio,
    text: str = "",
    reference: str | Path | None = None,
    *,
    transcript: str = "",
    language: str = "ar",
    reading_time: str = "words",
    metrics: Iterable[str] | None = None,
    models: Models | None = None,
) -> Measurements:
    """Measure one sound.

    Args:
        sound: A sound file, or samples with their rate.
        text: What was to be spoken; without it what needs a text does not apply.
        reference: A sound file of the voice that was to be cloned; without it what needs one does not apply.
        transcript: What is said in the reference.
        language: ISO code of the text.
        reading_time: How the reading time of the text is counted, `words` or `letters`.
        metrics: Names; without them everything that needs no model.
        models: Which models listen, for metrics that need one, e.g. `Models(recognizer="openai/whisper-base")`.

    Raises:
        AudioError: A file is missing or no sound.
        UsageError: No metric of that name, or a model cannot be opened.
    """
    if not isinstance(sound, str | Path | Audio):
        raise TypeError(f"measure() takes a sound file or an Audio, not {type(sound).__name__}")
    heard = sound if isinstance(sound, Audio) else load(Path(sound))
    voice = Reference("", Path(), "", language, "", "")
    absent: dict[str, NotApplicable] = {}
    if reference is None:
        absent["reference"] = NotApplicable("no reference was given")
    else:
        path = Path(reference)
        load(path)  # a file that is no sound is a mistake of the caller, and no property of the take
        voice = Reference(path.stem, path, transcript, language, path.stem, content_hash(path.read_bytes()))
        if not transcript:
            absent["transcript"] = NotApplicable("no transcript of the reference was given")
    if not text:
        absent["text"] = NotApplicable("no text was given")
    spoken = Utterance("sound", "", 1, text, language, voice.id)
    take = Take(Request(spoken, voice, 0, (), ""), heard, Stop.UNKNOWN, Provenance("sound-file", "", ""))
    measuring = Measuring(models, [voice] if reference else [], reading_time)
    return Measurements(measuring.measure_one(take, model_free() if metrics is None else list(metrics), absent))
