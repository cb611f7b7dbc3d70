"""Is it the voice that was to be cloned?

Conventions
    Similarity is the cosine of speaker embeddings (`harness.metrics.speaker_encoder`), -1 to 1.

Metrics: `speaker_similarity`, `nearest_reference`, `rate_ratio`, `voice_drift`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness import audio
from harness.audio import Audio
from harness.corpus import Reference
from harness.errors import AudioError
from harness.metrics.declaration import Finding, Missing, NotApplicable, analysis, measured, metric
from harness.metrics.measuring import Derived, Models
from harness.metrics.remembered import RememberedEncoder
from harness.metrics.silence import Silences
from harness.metrics.speaker_encoder import Embeddings, SpeakerEncoder, open_encoder
from harness.take import Take

# A take that resembles its reference less than this is also tried at other sample rates.
SUSPICIOUS_SIMILARITY = 0.75
TIE = 1e-6  # what float32 leaves of equal cosines
COMMON_RATES_HZ = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
# At a wrong rate the whole voice is transposed; at the right one it must come back, and this clearly. Measured on eight
# voices: another speaker's take reaches 0.77 at some rate, a mislabelled one of the own speaker's at least 0.80.
RATE_FOUND_SIMILARITY = 0.79
RATE_GAIN = 0.15

DRIFT_PARTS = 3
DRIFT_LEAST_PART_S = 2.0  # of speech: a stretch with less of the same voice moves by up to 0.38 on its own


@dataclass(frozen=True, slots=True)
class Voices:
    """The references of a run as the encoder hears them, by reference id, and who speaks each."""

    embeddings: Mapping[str, Embeddings]
    speakers: Mapping[str, str]
    halves: Mapping[str, float] = field(default_factory=dict)
    """Similarity of the two halves of a reference: what the same speaker scores in clips of that length."""
    speech_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds of speech in each reference."""

    @classmethod
    def of(cls, clips: Mapping[str, Audio], speakers: Mapping[str, str], encoder: SpeakerEncoder) -> "Voices":
        """Hear references, whole and in halves, in one batch.

        Raises:
            AudioError: A reference without speech: nothing could be compared with it.
        """
        if not clips:
            return cls({}, {})
        rows = encoder.embed([*clips.values(), *(half for clip in clips.values() for half in _parts(clip, 2))])
        whole = dict(zip(clips, rows, strict=False))
        silent = [name for name, row in whole.items() if np.isnan(row).any()]
        if silent:
            raise AudioError(f"no speech was found in the reference {', '.join(silent)}: record it again")
        first, second = rows[len(clips) :: 2], rows[len(clips) + 1 :: 2]
        halves = {name: cosine(one, other) for name, one, other in zip(clips, first, second, strict=True)}
        return cls(whole, speakers, halves, {name: Silences.of(clip).speech_s for name, clip in clips.items()})


@analysis(once="run", is_instrument=True)
def encoder(models: Models, derived: Derived) -> SpeakerEncoder:
    """The run's speaker encoder, which looks first at what was kept."""
    return RememberedEncoder(open_encoder(models.encoder, models.device), derived)


@analysis(once="run")
def voices(references: Sequence[Reference], encoder: SpeakerEncoder) -> Voices:
    """The references of the run that can be used, as the encoder hears them."""
    usable = [reference for reference in references if not reference.problem]
    return Voices.of(
        {reference.id: audio.load(reference.path) for reference in usable},
        {reference.id: reference.speaker for reference in usable},
        encoder,
    )


@analysis()
def conditioned(sound: Audio, take: Take) -> Audio:
    """The sound of a take in which its reference had a part: any other is nobody's clone."""
    lost = take.unconditioned or take.request.reference.problem
    if lost:
        raise Missing(f"generated without its reference: {lost}")
    return sound


@analysis(once="batch", what="the speaker encoder")
def embedding(encoder: SpeakerEncoder, conditioned: Sequence[Audio]) -> list[Embeddings]:
    """Each take as the encoder hears it; NaN where it hears no speech."""
    return list(encoder.embed(conditioned))


@analysis(once="batch", what="the speaker encoder")
def third_embeddings(encoder: SpeakerEncoder, conditioned: Sequence[Audio]) -> list[list[Embeddings]]:
    """The thirds of each take; none where they are too short to hold a voice."""
    parts = [thirds(sound) for sound in conditioned]
    clips = [clip for those in parts for clip in those]
    rows = iter(encoder.embed(clips)) if clips else iter(())
    return [[next(rows) for _ in those] for those in parts]


@analysis()
def own(reference: Reference) -> str:
    """The name of the voice that was to be cloned."""
    return reference.id


@analysis()
def own_embedding(conditioned: Audio, own: str, voices: Voices) -> Embeddings:
    """The take's own reference as the encoder hears it."""
    return voices.embeddings[own]


def cosine(one: Embeddings, other: Embeddings) -> float:
    """Cosine of two unit vectors, clipped to -1..1 (rounding gives 1.0000001); NaN where either is NaN."""
    return float(np.clip(np.dot(one, other), -1.0, 1.0))


@metric("speaker_similarity", unit="cosine", better="higher", of="sound")
def speaker_similarity(embedding: Embeddings, own: str, voices: Voices) -> Finding:
    """Cosine between the take and its own reference, shown between what the run's controls score.

    The controls: the two halves of the reference (same speaker, `same`), and the take against the other speakers of the
    run, on average (`different`).
    """
    if np.isnan(embedding).any():
        raise Missing("no speech was found in the take")
    others = [
        cosine(embedding, row)
        for name, row in voices.embeddings.items()
        if voices.speakers[name] != voices.speakers[own]
    ]
    controls: dict[str, float] = {}
    if others:
        controls["different"] = float(np.mean(others))
    if np.isfinite(voices.halves.get(own, np.nan)):
        controls["same"] = voices.halves[own]
    if own in voices.speech_s:
        controls["reference_s"] = voices.speech_s[own]
    shown = {"same": "the reference with itself {:.3f}", "different": "other speakers {:.3f} on average"}
    detail = ", ".join(shown[name].format(controls[name]) for name in shown if name in controls)
    return measured(cosine(embedding, voices.embeddings[own]), detail, (), "", **controls)


@metric("nearest_reference", unit="cosine", better="higher", of="sound")
def nearest_reference(embedding: Embeddings, own: str, voices: Voices) -> Finding:
    """How much nearer the take is to its own reference than to the nearest other speaker's; negative: another voice.

    It needs no limit from a paper: language and channel shift all references alike.
    """
    if np.isnan(embedding).any():
        raise Missing("no speech was found in the take")
    others = {
        name: cosine(embedding, row)
        for name, row in voices.embeddings.items()
        if voices.speakers[name] != voices.speakers[own]
    }
    if not others:
        raise NotApplicable("the run has one speaker only; two are needed to compare")
    mine, nearest = cosine(embedding, voices.embeddings[own]), max(others, key=lambda name: others[name])
    if abs(mine - others[nearest]) < TIE:
        raise Missing(f"the take is as near to {nearest} as to {own} ({mine:.3f}): that is nobody's voice")
    return measured(
        mine - others[nearest],
        f"{own} {mine:.3f}, nearest other {nearest} {others[nearest]:.3f}",
        own=mine,
        other=others[nearest],
        voices=len(voices.embeddings),
    )


def thirds(sound: Audio) -> list[Audio]:
    """The take in three equal stretches, or none where they would hold too little of a voice."""
    if sound.duration_s < DRIFT_PARTS * DRIFT_LEAST_PART_S:
        return []
    parts = _parts(sound, DRIFT_PARTS)
    return parts if min(Silences.of(part).speech_s for part in parts) >= DRIFT_LEAST_PART_S else []


def _parts(sound: Audio, count: int) -> list[Audio]:
    return [Audio(part, sound.sample_rate_hz) for part in np.array_split(sound.samples, count)]


@metric("voice_drift", unit="cosine", better="lower", of="sound")
def voice_drift(sound: Audio, third_embeddings: Sequence[Embeddings], own_embedding: Embeddings) -> Finding:
    """How far the similarity to the reference lies apart between the thirds of the take, best less worst."""
    if not third_embeddings:
        raise NotApplicable(f"a third of {sound.duration_s:.2f} s holds less than {DRIFT_LEAST_PART_S:g} s of speech")
    scores = [cosine(part, own_embedding) for part in third_embeddings]
    if not np.isfinite(scores).all():
        raise Missing("no speech was found in a third of the take")
    worst = int(np.argmin(scores))
    step = sound.duration_s / DRIFT_PARTS
    return measured(
        max(scores) - min(scores),
        " / ".join(f"{score:.3f}" for score in scores),
        spans=((worst * step, (worst + 1) * step),),
    )


@metric("rate_ratio", unit="ratio", better="neither", of="sound")
def rate_ratio(sound: Audio, embedding: Embeddings, own_embedding: Embeddings, encoder: SpeakerEncoder) -> Finding:
    """The rate at which the take sounds like its reference over the rate that it is labelled with; 1 when they agree.

    Samples of 16 kHz in a file that says 24 kHz play half as fast again and half an octave up. A take that does not
    resemble its reference is therefore also heard at the other common rates.
    """
    if np.isnan(embedding).any():
        raise Missing("no speech was found in the take")
    labelled, rate = cosine(embedding, own_embedding), sound.sample_rate_hz
    if labelled >= SUSPICIOUS_SIMILARITY:
        return measured(1.0)
    rates = [other for other in COMMON_RATES_HZ if 0.5 <= other / rate <= 2.0 and other != rate]
    rows = encoder.embed([Audio(sound.samples, other) for other in rates])
    tried = {
        other: cosine(row, own_embedding) for other, row in zip(rates, rows, strict=True) if not np.isnan(row).any()
    }
    best = max(tried, key=lambda other: tried[other], default=rate)
    if best == rate or tried[best] < max(labelled + RATE_GAIN, RATE_FOUND_SIMILARITY):
        return measured(1.0)
    return measured(
        best / rate,
        f"labelled {rate} Hz, sounds like its reference at {best} Hz ({tried[best]:.3f} against {labelled:.3f})",
        apparent_rate_hz=best,
        labelled_rate_hz=rate,
    )
