"""Is it a voice that nobody asked for? The take beside background speakers, who are no reference of the run.

Conventions
    Cosines of speaker embeddings, as in `harness.metrics.speaker`. The background is a cohort of speakers, a vector
    each: the shipped one (`cohorts/README.md`), or those of `--background FOLDER`, where every folder is a speaker, and
    every sound file beside the folders. Speakers who resemble the reference so much that they may be its own are left
    out. Windows last 1 s and begin every half second of speech, pauses left out; around the most
    foreign one they begin every tenth, so that a foreign second is found wherever it begins.

Metrics: `background_margin`, `foreign_voice`.

Source: top-scoring cohort normalisation (adaptive S-norm, Matejka et al. 2017) with the mean alone, at half its weight:
with few speakers in the cohort a division by their spread costs more than it gains. Measured: see suites/gates.toml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import audio
from harness.audio import Audio
from harness.corpus import SOUND_FILES
from harness.errors import AudioError, UsageError
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.measuring import Models
from harness.metrics.speaker import Voices, cosine
from harness.metrics.speaker_encoder import Embeddings, SpeakerEncoder

COHORTS = Path(__file__).with_name("cohorts")
TOP = 5
WEIGHT = 0.25  # of the take's and of the reference's nearest background speakers, each
SAME_PERSON = 0.90
LEAST_SPEAKERS = 10
EVERY, FINE = (
    10,
    2,
)  # of the encoder's windows, 0.05 s apart: the distance of those heard throughout, and around the worst
AROUND = 4  # fine windows on either side of the worst
TOGETHER = 3  # fine windows, whose mean is one number
APART = 20  # of the encoder's windows: two so far apart share no sound
LEAST_WINDOWS = 3  # 2 s of speech
USUAL_WEIGHT = 0.5  # of what the windows of the take are usually nearer to somebody else than to itself


@dataclass(frozen=True, slots=True)
class Background:
    """Speakers of the cohort: unit vectors of shape (speakers, dimensions), and who they are."""

    embeddings: Embeddings
    speakers: tuple[str, ...]

    def without(self, reference: Embeddings) -> "Background":
        """Those who cannot be the reference's own speaker."""
        others = self.embeddings @ reference < SAME_PERSON
        return Background(
            self.embeddings[others], tuple(name for name, other in zip(self.speakers, others, strict=True) if other)
        )

    def nearest(self, voice: Embeddings) -> float:
        """Mean cosine of the `TOP` speakers nearest to a voice."""
        return float(np.sort(self.embeddings @ voice)[-TOP:].mean())


def shipped(encoder: SpeakerEncoder) -> Background:
    """The cohort that comes with the package, heard by the same encoder; none for another encoder.

    Raises:
        NotApplicable: It was heard by another encoder.
    """
    for path in sorted(COHORTS.glob("*.npz")):
        with np.load(path) as kept:
            if encoder.fingerprint.rsplit(" ", 1)[0] == str(kept["encoder"]):
                return Background(kept["embeddings"].astype(np.float32), tuple(str(name) for name in kept["speakers"]))
    raise NotApplicable(f"no background speakers were heard by {encoder.fingerprint}: give your own with --background")


def of_folder(folder: Path, encoder: SpeakerEncoder) -> Background:
    """A team's own background speakers.

    Raises:
        UsageError: The folder is missing, holds too few speakers, or a file without speech.
    """
    if not folder.is_dir():
        raise UsageError(f"--background {folder} is no folder: one is needed with a folder or a sound file a speaker")
    clips: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SOUND_FILES:
            own = path.relative_to(folder)
            clips.setdefault(own.parts[0] if len(own.parts) > 1 else own.stem, []).append(path)
    if len(clips) < LEAST_SPEAKERS:
        raise UsageError(
            f"--background {folder} holds {len(clips)} speakers; {LEAST_SPEAKERS} are needed, "
            "a folder or a sound file each"
        )
    rows = []
    for speaker, paths in clips.items():
        try:
            heard = encoder.embed([audio.load(path) for path in paths])
        except AudioError as error:
            raise UsageError(f"--background {folder}: {error}") from error
        mean = heard[~np.isnan(heard).any(axis=1)].mean(axis=0) if not np.isnan(heard).all() else np.full(1, np.nan)
        if np.isnan(mean).any():
            raise UsageError(f"--background {folder}: no speech was found in the clips of {speaker}")
        rows.append(mean / np.linalg.norm(mean))
    return Background(np.stack(rows).astype(np.float32), tuple(clips))


@analysis(once="run")
def background(models: Models, encoder: SpeakerEncoder) -> Background:
    """The cohort of the run."""
    return of_folder(Path(models.background), encoder) if models.background else shipped(encoder)


@analysis()
def others_of_run(own: str, voices: Voices) -> Mapping[str, Embeddings]:
    """The references of the run's other speakers."""
    return {name: row for name, row in voices.embeddings.items() if voices.speakers[name] != voices.speakers[own]}


@metric("background_margin", unit="cosine", better="higher", of="sound")
def background_margin(embedding: Embeddings, own_embedding: Embeddings, background: Background) -> Finding:
    """Cosine of take and reference, less what any voice would score: half the mean over their nearest strangers.

    A stranger who is nobody's reference passes a fixed limit where all voices of a language resemble each other; the
    background speakers tell how much they do.
    """
    if np.isnan(embedding).any():
        raise Missing("no speech was found in the take")
    cohort = background.without(own_embedding)
    if len(cohort.speakers) < LEAST_SPEAKERS:
        raise NotApplicable(
            f"{len(cohort.speakers)} background speakers beside the reference; {LEAST_SPEAKERS} are needed"
        )
    alike, take, reference = cosine(embedding, own_embedding), cohort.nearest(embedding), cohort.nearest(own_embedding)
    return measured(
        alike - WEIGHT * (take + reference),
        f"to the reference {alike:.3f}, to the nearest {TOP} of {len(cohort.speakers)} background speakers {take:.3f}",
        own=alike,
        take_background=take,
        reference_background=reference,
    )


@analysis(once="run")
def window_encoder(encoder: SpeakerEncoder) -> SpeakerEncoder:
    """The run's encoder, where it can hear as little as a second."""
    if not hasattr(getattr(encoder, "encoder", encoder), "windows"):
        raise NotApplicable(f"{encoder.fingerprint} does not hear windows of a second")
    return encoder


@dataclass(frozen=True, slots=True)
class Seconds:
    """Windows of 1 s of a take, unit vectors: every half second, and every tenth around the most foreign of those."""

    regular: Embeddings
    fine: Embeddings
    first_fine: int
    """Which of the encoder's windows the first of the fine ones is."""

    def foreign(self, own: Embeddings, strangers: Background) -> tuple[Embeddings, Embeddings]:
        """By how much each window, regular and fine, is nearer to a stranger than to the reference and the rest."""
        return (
            _foreign(self.regular, EVERY * np.arange(len(self.regular)), self.regular, own, strangers),
            _foreign(self.fine, self.first_fine + FINE * np.arange(len(self.fine)), self.regular, own, strangers),
        )


def _foreign(
    windows: Embeddings, places: NDArray[np.int_], regular: Embeddings, own: Embeddings, strangers: Background
) -> Embeddings:
    theirs = (windows @ strangers.embeddings.T).max(axis=1)
    # The rest of the take: windows that share no sound with this one; all where none is left.
    apart = np.abs(places[:, None] - EVERY * np.arange(len(regular))) >= APART
    apart |= ~apart.any(axis=1, keepdims=True)
    rest = apart.astype(np.float32) @ regular
    alike = (windows * rest).sum(axis=1) / np.linalg.norm(rest, axis=1)
    return np.asarray(theirs - (windows @ own + alike) / 2)


@analysis()
def strangers(own_embedding: Embeddings, background: Background, others_of_run: Mapping[str, Embeddings]) -> Background:
    """Everybody who is not the reference's speaker: of the background, and of the run."""
    cohort = background.without(own_embedding)
    return Background(np.stack([*cohort.embeddings, *others_of_run.values()]), (*cohort.speakers, *others_of_run))


@analysis(once="batch", what="the speaker encoder")
def seconds(
    window_encoder: Any,
    conditioned: Sequence[Audio],
    own_embedding: Sequence[Embeddings],
    strangers: Sequence[Background],
) -> list[Seconds]:
    """Windows of each take, heard in two rounds: which are fine depends on what was heard in the first."""
    regular = window_encoder.windows(conditioned, [slice(None, None, EVERY)] * len(conditioned))
    around = []
    for rows, own, others in zip(regular, own_embedding, strangers, strict=True):
        worst = 0
        if len(rows):
            worst = EVERY * int(_foreign(rows, EVERY * np.arange(len(rows)), rows, own, others).argmax())
        places = range(worst - AROUND * FINE, worst + AROUND * FINE + 1, FINE)
        around.append(tuple(place for place in places if place >= 0))
    fine = window_encoder.windows(conditioned, around)
    return [Seconds(rows, near, places[0]) for rows, near, places in zip(regular, fine, around, strict=True)]


@metric("foreign_voice", unit="cosine", better="lower", of="sound", version=2)
def foreign_voice(sound: Audio, seconds: Seconds, own_embedding: Embeddings, strangers: Background) -> Finding:
    """By how much the most foreign second is nearer to somebody else than to the reference and the rest of the take.

    Neighbouring windows are averaged: a voice that is foreign for one moment only is chance. Half of what is usual in
    the take is taken off: a voice that strangers resemble throughout has no more of somebody else in its worst second.
    """
    count = len(seconds.regular)
    if count < LEAST_WINDOWS:
        raise NotApplicable(f"{count} windows of 1 s; {LEAST_WINDOWS} are needed to know one from the others")
    regular, fine = seconds.foreign(own_embedding, strangers)
    means = np.convolve(fine, np.ones(TOGETHER) / TOGETHER, "valid")
    worst = int(means.argmax()) + TOGETHER // 2
    nearest = strangers.speakers[int((strangers.embeddings @ seconds.fine[worst]).argmax())]
    # Where it lies is known up to the pauses, which the windows leave out.
    share = ((seconds.first_fine + FINE * worst) / EVERY + 0.5) / count
    middle = min(share, 1.0) * sound.duration_s
    return measured(
        float(means.max() - USUAL_WEIGHT * np.median(regular)),
        f"about {middle:.1f} s nearest to {nearest}",
        spans=((max(0.0, middle - 0.5), min(sound.duration_s, middle + 0.5)),),
        windows=count,
    )
