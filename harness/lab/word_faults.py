"""Wrong words in real speech: sound that was cut where one word ends and the next begins, with the text unchanged.

Conventions: where words lie is what the recogniser's attention says, moved to the quietest place within 80 ms; so some
cuts take a sound too much or too little, as a faulty generation would. Seams are faded over 5 ms. Words of fewer than
three letters are left alone. What comes from elsewhere is said by the same speaker.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.audio import Audio
from harness.text.alignment import align
from harness.text.hypotheses import plain
from harness.text.scoring import same_letter

NEAR_S = 0.08
STEP_S = 0.01
FADE_S = 0.005
LEAST_LETTERS = 3
UNLIKE = 0.6  # of the letters, that another word does not share

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clip whose words have places."""

    speaker: str
    words: tuple[str, ...]
    spans: tuple[tuple[float, float], ...]
    """Of each word, from and to, in seconds; empty where they are not known."""
    sound: Audio

    def cuts(self) -> list[int]:
        """The sample with which each word begins, and the one after the last."""
        edges = [start for start, _ in self.spans] + [self.spans[-1][1]]
        return [quietest(self.sound, edge) for edge in edges]

    @property
    def long_words(self) -> list[int]:
        """The places of words that are long enough."""
        return [place for place, word in enumerate(self.words) if letters(word) >= LEAST_LETTERS]


Plant = Callable[[Spoken, np.random.Generator, Sequence[Spoken]], Samples | None]
"""The sound of a clip with a fault, given other clips of its speaker; None where the clip has no place for it."""


def letters(word: str) -> int:
    """Letters without marks."""
    return sum(character.isalpha() for character in plain(word))


def unlike(one: str, other: str) -> bool:
    """Whether two words share few letters."""
    rows = [[((letter,),) for letter in plain(word) if letter.isalpha()] for word in (one, other)]
    return align(rows[0], rows[1], same_letter).errors >= UNLIKE * max(1, *map(len, rows))


def quietest(sound: Audio, at_s: float) -> int:
    """The quietest sample near a time, by the level of 20 ms around."""
    rate = sound.sample_rate_hz
    places = [
        round((at_s + step * STEP_S) * rate) for step in range(-round(NEAR_S / STEP_S), round(NEAR_S / STEP_S) + 1)
    ]
    places = [place for place in places if 0 <= place <= sound.samples.size] or [
        min(sound.samples.size, round(at_s * rate))
    ]
    half = round(STEP_S * rate)

    def level(place: int) -> float:
        around = sound.samples[max(0, place - half) : place + half].astype(np.float64)
        return float(np.mean(around**2)) if around.size else 0.0

    return min(places, key=level)


def joined(pieces: Sequence[Samples], rate_hz: int) -> Samples:
    """Pieces one after the other, each faded at its edges."""
    faded = []
    for piece in pieces:
        if piece.size:
            whole = piece.copy()
            size = min(round(FADE_S * rate_hz), whole.size // 2)
            ramp = np.linspace(0.0, 1.0, size, dtype=np.float32)
            whole[:size] *= ramp
            whole[whole.size - size :] *= ramp[::-1]
            faded.append(whole)
    return np.concatenate(faded) if faded else np.zeros(0, np.float32)


def missing_inner(clip: Spoken, rng: np.random.Generator, _: Sequence[Spoken]) -> Samples | None:
    """A word that is neither the first nor the last is not said."""
    return _around(clip, rng, inner=True, put=lambda _: [])


def repeated(clip: Spoken, rng: np.random.Generator, _: Sequence[Spoken]) -> Samples | None:
    """A word is said twice."""
    return _around(clip, rng, inner=False, put=lambda word: [word, word])


def replaced(clip: Spoken, rng: np.random.Generator, others: Sequence[Spoken]) -> Samples | None:
    """Another word of the speaker is said in the place of one."""
    return _around(clip, rng, inner=False, put=lambda _: [], foreign=others, keep=False)


def added(clip: Spoken, rng: np.random.Generator, others: Sequence[Spoken]) -> Samples | None:
    """Another word of the speaker is said after one."""
    return _around(clip, rng, inner=True, put=lambda word: [word], foreign=others, keep=True)


def missing_last(clip: Spoken, _: np.random.Generator, __: Sequence[Spoken], count: int = 1) -> Samples | None:
    """So many last words are not said."""
    if len(clip.words) < count + 2 or max(map(letters, clip.words[-count:])) < LEAST_LETTERS:
        return None
    return joined([clip.sound.samples[: clip.cuts()[-1 - count]]], clip.sound.sample_rate_hz)


def exchanged(clip: Spoken, rng: np.random.Generator, _: Sequence[Spoken]) -> Samples | None:
    """Two neighbouring words change places."""
    long = clip.long_words
    pairs = [place for place in long if place + 1 in long and unlike(*clip.words[place : place + 2])]
    if not pairs:
        return None
    place, cuts, samples = int(rng.choice(pairs)), clip.cuts(), clip.sound.samples
    first, second = (samples[cuts[at] : cuts[at + 1]] for at in (place, place + 1))
    pieces = [samples[: cuts[place]], second, first, samples[cuts[place + 2] :]]
    return joined(pieces, clip.sound.sample_rate_hz)


def _around(
    clip: Spoken,
    rng: np.random.Generator,
    inner: bool,
    put: Callable[[Samples], list[Samples]],
    foreign: Sequence[Spoken] | None = None,
    keep: bool = True,
) -> Samples | None:
    """A clip with something else in the place of one of its words."""
    ends = {0, len(clip.words) - 1} if inner else set()
    places = [place for place in clip.long_words if place not in ends]
    if len(clip.words) < 3 or not places:
        return None
    place, cuts, samples = int(rng.choice(places)), clip.cuts(), clip.sound.samples
    inside = put(samples[cuts[place] : cuts[place + 1]])
    if foreign is not None:
        near = clip.words[place : place + 2] if keep else clip.words[place : place + 1]
        word = _word_of(foreign, rng, near)
        if word is None:
            return None
        inside = [*inside, word] if keep else [word]
    return joined([samples[: cuts[place]], *inside, samples[cuts[place + 1] :]], clip.sound.sample_rate_hz)


def _word_of(others: Sequence[Spoken], rng: np.random.Generator, near: Sequence[str]) -> Samples | None:
    """The sound of a word that is unlike some others."""
    found = [
        (clip, place)
        for clip in others
        for place in clip.long_words
        if all(unlike(clip.words[place], one) for one in near)
    ]
    if not found:
        return None
    clip, place = found[int(rng.integers(len(found)))]
    cuts = clip.cuts()
    return clip.sound.samples[cuts[place] : cuts[place + 1]]


FAULTS: dict[str, Plant] = {
    "missing inner word": missing_inner,
    "missing last word": missing_last,
    "two missing last words": partial(missing_last, count=2),
    "exchanged words": exchanged,
    "replaced word": replaced,
    "repeated word": repeated,
    "added word": added,
}


def planted(clips: Sequence[Spoken], fault: str, most: int, seed: int = 0) -> Iterator[tuple[int, Audio]]:
    """Up to so many clips with a fault, each with its number; clips of many speakers come first."""
    rng = np.random.default_rng([seed, *fault.encode()])
    turns: dict[str, int] = {}
    order: list[tuple[int, int, int]] = []
    for number in rng.permutation(len(clips)).tolist():
        turns[clips[number].speaker] = turns.get(clips[number].speaker, -1) + 1
        order.append((turns[clips[number].speaker], len(order), number))
    count = 0
    for _, _, number in sorted(order):
        if count == most:
            return
        mine = clips[number]
        if not mine.spans:
            continue
        others = [
            one for other, one in enumerate(clips) if one.speaker == mine.speaker and other != number and one.spans
        ]
        samples = FAULTS[fault](mine, rng, others)
        if samples is not None:
            count += 1
            yield number, Audio(samples, mine.sound.sample_rate_hz)
