"""Are the references of a run fit to be cloned? Each is judged once, before anything is generated.

Conventions
    A reference is measured as a take of its own transcript, by the metrics that judge takes. What no model could be
    conditioned on is refused; what is doubtful is said beside the verdict, and the run goes on. Limits were set on the
    clips of people that `python -m benchmarks.references FOLDER` measures, with room beyond their extremes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf

import msgspec
import numpy as np

from harness import audio, registry
from harness.audio import Audio
from harness.cloning import reference as cloning
from harness.corpus import Reference, Utterance
from harness.errors import AudioError, VoicesError
from harness.metrics.declaration import Missing
from harness.metrics.duration import has_known_letters
from harness.metrics.measuring import Derived, Measuring
from harness.metrics.remembered import remembered
from harness.metrics.speaker import Voices, cosine
from harness.metrics.speaker_encoder import Embeddings
from harness.take import Provenance, Request, Stop, Take
from harness.text import words

INNER = (-inf, inf)
Complaint = tuple[str, bool]
"""What is wrong, and whether a reference is refused for it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Between which values of a metric a reference is sound, and beyond which it is refused."""

    metric: str
    says: str
    """What is wrong beyond it; with the value."""
    do: str
    doubtful: tuple[float, float]
    refused: tuple[float, float] = INNER
    of_text: bool = False
    """Whether it says something of the transcript too, where that is of known letters."""

    def complaint(self, value: float) -> Complaint:
        """What is wrong with a value, and whether it is refused; nothing where all is well or nothing was measured."""
        for (low, high), refuses in ((self.refused, True), (self.doubtful, False)):
            if value < low or value > high:
                return f"{self.says.format(value)}: {self.do}", refuses
        return "", False


LIMITS = (
    Limit("speech_level", "its speech has {:.0f} dBFS", "record it louder", (-45, inf), (-55, inf)),
    Limit(
        "silence_ratio",
        "{:.0%} of it is silent",
        "cut the silence off, or record more speech",
        (-inf, 0.6),
        (-inf, 0.8),
    ),
    Limit("downmix_loss", "its channels cancel each other by {:.1f} dB", "keep one of them", (-inf, 3.0), (-inf, 8.0)),
    Limit("clipping", "{:.2%} of its samples are clipped", "record it at a lower level", (-inf, 0.0004), (-inf, 0.02)),
    Limit(
        "noise_level",
        "its noise lies {:.0f} dB beside its speech",
        "record it in a quiet room",
        (-inf, -18),
        (-inf, -9),
    ),
    Limit(
        "steady_tone", "a tone of {:.0f} dB beside the speech never stops", "take the tone out", (-inf, -12), (-inf, -3)
    ),
    Limit(
        "voiced_share",
        "{:.0%} of it is voiced: a whisper, or no voice",
        "record a speaking voice",
        (0.2, inf),
    ),
    Limit("bandwidth", "it holds nothing above {:.0f} Hz", "a telephone gives telephone voices", (4400, inf)),
    Limit(
        "ending_level",
        "it ends at {:.0f} dB beside its loud sounds, in the middle of one",
        "cut it in a pause",
        (-inf, -6),
    ),
    Limit(
        "beginning_level",
        "it begins at {:.0f} dB beside its loud sounds, in the middle of one",
        "cut it in a pause",
        (-inf, -10),
    ),
    Limit("clicks", "it holds {:.0f} clicks", "record it again", (-inf, 0)),
    Limit("dropouts", "its sound drops out {:.0f} times", "record it again", (-inf, 0)),
    Limit(
        "speaking_rate",
        "its transcript would be read at {:.1f} letters a second",
        "write down what is said in it, no more and no less",
        (2.0, 20.0),
        (1.0, 25.0),
        of_text=True,
    ),
)
LEAST_SPEECH_S, ENOUGH_SPEECH_S = 1.0, 2.0
TWO_SPEAKERS, MAYBE_TWO_SPEAKERS = 0.75, 0.85  # see `one_voice`
EVERY = 5  # of the encoder's windows one every quarter of a second
APART = 4  # of those, two so far apart share no sound
LEAST_WINDOWS = 5  # 2 s of speech on either side of a change of speaker, and a quarter of the reference
ONE_PERSON = 0.88  # cosine of two references


def judge(
    references: Sequence[Reference], measuring: Measuring, metrics: Iterable[str], fallback: bool = False
) -> tuple[str, ...]:
    """What is doubtful about the references of a run, one line each.

    Args:
        references: Of the run; one that has a problem already is none.
        measuring: Of the run: its encoder, and where what was measured is kept.
        metrics: By which takes will be judged; the encoder is asked where one of them needs the voices.
        fallback: Whether the run goes on without a reference that cannot serve.

    Raises:
        VoicesError: References that no model can be conditioned on; one line each.
    """
    usable = [one for one in references if not one.problem]
    told = zip(usable, _told(usable, measuring.of_run("derived")), strict=True)
    found = [(f"reference {one.id!r}: {line}", refuses) for one, lines in told for line, refuses in lines]
    refused = [line for line, refuses in found if refuses]
    known = registry.metrics()
    if not refused and any("voices" in known[name].everything_needed for name in metrics if name in known):
        found += [*_of_two_speakers(usable, measuring), *of_one_person(usable, measuring.of_run("voices"))]
        refused = [line for line, refuses in found if refuses]
    if refused and not fallback:
        raise VoicesError("\n".join(refused))
    return tuple(line for line, _ in found)


def of_one_person(references: Sequence[Reference], voices: Voices) -> Iterator[Complaint]:
    """References that resemble each other as two recordings of one person do, and are said to be of two."""
    for one, other in combinations(references, 2):
        alike = cosine(voices.embeddings[one.id], voices.embeddings[other.id])
        if one.speaker != other.speaker and alike >= ONE_PERSON:
            said = f"references {one.id!r} and {other.id!r} resemble each other by {alike:.2f}, as one person's do"
            names = f"{one.id}.speaker and {other.id}.speaker"
            yield f"{said}: if so, write one name into {names}, or each fails the other's takes", False


def _of_two_speakers(references: Sequence[Reference], measuring: Measuring) -> Iterator[Complaint]:
    try:
        hears = measuring.of_run("window_encoder")
    except Missing:  # it hears no windows of a second
        return
    clips = [audio.load(one.path) for one in references]
    every = [slice(None, None, EVERY)] * len(clips)
    for one, windows in zip(references, hears.windows(clips, every), strict=True):
        alike = one_voice(windows)
        if alike < MAYBE_TWO_SPEAKERS:
            said = f"its parts resemble each other {alike:.2f} times as much as themselves, as two speakers do"
            yield f"reference {one.id!r}: {said}: keep one of them", alike < TWO_SPEAKERS


def one_voice(windows: Embeddings) -> float:
    """How much what is before a moment resembles what is after it, over how much either resembles itself.

    The least over all moments that leave a quarter on either side; 1 for a single voice, and for too little speech.

    Args:
        windows: Of one second each, every quarter of a second of speech: unit vectors of shape (windows, dimensions).
    """
    count = len(windows)
    least = max(LEAST_WINDOWS, count // 4)
    alike = windows @ windows.T
    apart = np.subtract.outer(np.arange(count), np.arange(count)) >= APART

    def within(first: int, last: int) -> float:
        return float(alike[first:last, first:last][apart[first:last, first:last]].mean())

    return min(
        (
            2 * float(alike[:at, at:].mean()) / (within(0, at) + within(at, count))
            for at in range(least, count - least + 1)
        ),
        default=1.0,
    )


def _told(references: Sequence[Reference], derived: Derived) -> list[list[Complaint]]:
    names = [limit.metric for limit in LIMITS]
    metrics = registry.metrics()
    ruler = " ".join(metrics[name].metric.signature for name in names)
    return remembered(
        derived,
        [f"reference\n{one.sha256}\n{one.transcript}\n{LIMITS}\n{ruler}" for one in references],
        lambda places: [list(complaints(references[place])) for place in places],
        msgspec.json.encode,
        lambda data: msgspec.json.decode(data, type=list[Complaint]),
    )


def complaints(reference: Reference) -> Iterator[Complaint]:
    """What is wrong with one reference, and whether it is refused for it."""
    if not words(reference.transcript):
        yield f"its transcript {reference.transcript!r} holds no words: write down what is said in it", True
    try:
        cloning.load(reference.path)
        sound = audio.load(reference.path)
    except AudioError as error:
        yield str(error), True
        return
    yield from _measured(reference, sound)


def measured(reference: Reference, sound: Audio) -> Mapping[str, float]:
    """What the metrics of `LIMITS` say of a reference as a take of its own transcript; NaN where they say nothing."""
    spoken = Utterance(reference.id, "references", 0, reference.transcript, reference.language, reference.id)
    request = Request(spoken, reference, 0, (), "reference")
    take = Take(request, sound, Stop.UNKNOWN, Provenance("reference", "recording", ""))
    (found,) = Measuring().measure([take], [limit.metric for limit in LIMITS])
    return {name: one.value for name, one in found.items()} | {
        "speech_s": found["speech_level"].components.get("speech_s", 0.0)
    }


def _measured(reference: Reference, sound: Audio) -> Iterator[Complaint]:
    found = measured(reference, sound)
    speech_s = found["speech_s"]
    if not speech_s >= ENOUGH_SPEECH_S:
        said = f"it holds {speech_s:.1f} s of speech; a voice is known by {ENOUGH_SPEECH_S:g} s and more: record more"
        yield said, not speech_s >= LEAST_SPEECH_S
    for limit in LIMITS:
        if limit.of_text and not (words(reference.transcript) and has_known_letters(reference.transcript)):
            continue
        said, refuses = limit.complaint(found[limit.metric])
        if said:
            yield said, refuses
