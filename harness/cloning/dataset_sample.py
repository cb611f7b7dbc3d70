"""The sample record of the ChatML layout, for models that were trained on it.

Conventions: audios are concatenated along time and found again by their starts, one start for each audio and none for
the end: with an end added the audios would be counted twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio
from harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class DatasetSample:
    """One conversation as arrays."""

    input_ids: NDArray[np.int64]
    """Shape (tokens,)."""
    audio_ids_concat: NDArray[np.int64]
    """Codec codes, shape (codebooks, frames of all audios)."""
    audio_ids_start: NDArray[np.int64]
    """First frame of each audio, shape (audios,)."""
    audio_waveforms_concat: NDArray[np.float32]
    """Shape (samples of all audios,)."""
    audio_waveforms_start: NDArray[np.int64]
    """First sample of each audio, shape (audios,)."""
    audio_sample_rate: NDArray[np.float32]
    """Hz, shape (audios,)."""
    audio_speaker_indices: NDArray[np.int64]
    """Shape (audios,); -1 for an unknown speaker."""

    def __post_init__(self) -> None:
        _shape("input_ids", self.input_ids, 1)
        _shape("audio_ids_concat", self.audio_ids_concat, 2)
        _shape("audio_waveforms_concat", self.audio_waveforms_concat, 1)
        audios = self.audio_ids_start.size
        for name in ("audio_ids_start", "audio_waveforms_start", "audio_sample_rate", "audio_speaker_indices"):
            _shape(name, getattr(self, name), 1)
            if getattr(self, name).size != audios:
                raise UsageError(
                    f"{name} has {getattr(self, name).size} entries for {audios} audios; one each is needed"
                )
        for name, of in (("audio_ids", self.audio_ids_concat), ("audio_waveforms", self.audio_waveforms_concat)):
            starts, total = getattr(self, f"{name}_start"), of.shape[-1]
            rising = (np.diff(starts, append=total) > 0).all()
            if audios and (starts[0] != 0 or not rising):
                raise UsageError(
                    f"{name}_start is {starts.tolist()} for {total} steps; starts only are needed, from 0, rising, "
                    f"each below {total}"
                )

    @property
    def audios(self) -> int:
        """How many audios the sample holds."""
        return int(self.audio_ids_start.size)


def _shape(name: str, array: NDArray[np.generic], dimensions: int) -> None:
    if array.ndim != dimensions:
        raise UsageError(f"{name} has shape {array.shape}; {dimensions} dimension(s) are needed")


def of(
    input_ids: Sequence[int],
    audios: Sequence[Audio],
    codes: Sequence[NDArray[np.int64]],
    speakers: Sequence[int] | None = None,
) -> DatasetSample:
    """Lay a conversation's tokens, waveforms and codes out as one record.

    Args:
        input_ids: The prompt.
        audios: Its audios in order, each with at least one sample.
        codes: Their codec codes, each of shape (codebooks, frames).
        speakers: Who speaks each; -1 for unknown, which is the default.

    Raises:
        UsageError: The lists do not belong together; names the field and the shapes.
    """
    if len(audios) != len(codes):
        raise UsageError(f"{len(audios)} audios came with the codes of {len(codes)}; one each is needed")
    codebooks = {part.shape[0] for part in codes}
    if len(codebooks) > 1:
        raise UsageError(f"codes have {sorted(codebooks)} codebooks; all audios need the same")
    return DatasetSample(
        input_ids=np.asarray(input_ids, np.int64),
        audio_ids_concat=np.concatenate(codes, axis=1) if codes else np.zeros((0, 0), np.int64),
        audio_ids_start=_starts([part.shape[1] for part in codes]),
        audio_waveforms_concat=np.concatenate([np.zeros(0, np.float32), *(sound.samples for sound in audios)]),
        audio_waveforms_start=_starts([sound.samples.size for sound in audios]),
        audio_sample_rate=np.asarray([sound.sample_rate_hz for sound in audios], np.float32),
        audio_speaker_indices=np.asarray([-1] * len(audios) if speakers is None else speakers, np.int64),
    )


def _starts(lengths: Sequence[int]) -> NDArray[np.int64]:
    """Where each part begins.

    >>> _starts([3, 4]).tolist()
    [0, 3]
    """
    return np.cumsum([0, *lengths], dtype=np.int64)[: len(lengths)]
