"""What goes into an Allure report: labels, the sounds, the picture, the verdicts. The only importer of allure."""

from pathlib import Path

import allure

from harness.corpus import Utterance
from harness.metrics.silence import Pauses
from harness.report.manifest import Entry, four_lines, label
from harness.report.plots import waveform_png
from harness.take import Take

# allure-pytest lists no audio types of its own.
_MIME = {".wav": "audio/wav", ".flac": "audio/flac", ".ogg": "audio/ogg", ".mp3": "audio/mpeg"}


def describe(utterance: Utterance, take: Take, backend: str) -> None:
    """Label the running test so that the report can be sorted by suite, voice and language."""
    reference = take.request.reference
    allure.dynamic.epic("voice cloning")
    allure.dynamic.feature(utterance.suite)
    allure.dynamic.story(utterance.id)
    allure.dynamic.label("voice", reference.id)
    allure.dynamic.label("language", utterance.language)
    allure.dynamic.label("backend", backend)
    allure.dynamic.description(f"{utterance.text}\n\nvoice {reference.id}: {reference.transcript}")


def attach_verdicts(found: Entry) -> None:
    """One text with every verdict of the test."""
    lines = [f"{verdict['outcome']}  {verdict['gate']}: {verdict['observed']}" for verdict in found["verdicts"]]
    against = [four_lines(found, verdict) for verdict in found["verdicts"] if verdict["outcome"] != "PASS"]
    allure.attach("\n".join([*lines, "", *against]), f"verdicts ({label(found)})", allure.attachment_type.TEXT)


def attach_audio(take: Take, listen: Path | None) -> None:
    """The reference, the take and its picture; a take without audio says why."""
    reference = take.request.reference
    _attach_file(reference.path, f"reference {reference.id}")
    if take.audio is None or listen is None:
        allure.attach(take.error, "no take", allure.attachment_type.TEXT)
        return
    _attach_file(listen, f"take {take.request.utterance.id}")
    spans = Pauses.of(take.audio).spans
    allure.attach(waveform_png(take.audio, spans), "waveform and spectrogram", allure.attachment_type.PNG)


def _attach_file(path: Path, name: str) -> None:
    suffix = path.suffix.lower()
    allure.attach.file(str(path), name, attachment_type=_MIME[suffix], extension=suffix.lstrip("."))
