"""The speech that the gates are tried on: people, neural clones, and the voice of the demonstration.

Conventions
    A bed is speech of one kind: `people`, `clones` or `demonstration voice`. A folder of recordings holds a
    `manifest.csv`: file, language, speaker and transcript (or `text`), and for clones `system` and `reference`. A
    transcript in brackets is a label and no text.

    A person's take is judged in the voice of that person's other clips, joined until they last 4 s, never of the clip
    itself; a clone's in the voice of the clip that it was made from. A speaker whose name begins with `dialogue`, or
    who has no 3 s of other clips, has no voice to be judged by (`Spoken.voice` is false).

    Every sound is brought to the codec's rate, as a cloning system's takes are.

    Halves: every other speaker of a bed and language; a limit is set on one half, and its errors are counted on the
    other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness import audio
from harness.audio import Audio
from harness.cloning.reference import CODEC_RATE_HZ
from harness.corpus import Reference, Utterance
from harness.lab.resynthesis import stretched
from harness.lab.speech import embedded, joined, manifests, rows_of
from harness.take import Provenance, Request, Stop, Take

PEOPLE, CLONES, DEMONSTRATION = "people", "clones", "demonstration voice"
REFERENCE_S, LEAST_REFERENCE_S = 4.0, 3.0
LONGEST_REFERENCE_S = 12.0
JOINED_WORDS = 7  # of a speaker whose clips are single words
HUMAN_TEMPI = (0.75, 1.5)  # times as slow as the embedded voice, which speaks at 1.3 x the reading time
UNPROVEN = "dialogue"
HUMAN, REFERENCES = "human", "reference"


@dataclass(frozen=True, slots=True)
class Spoken:
    """Sound speech as a take."""

    take: Take
    source: str
    """Where it was recorded, or the system that made it."""
    voice: bool
    """Whether the reference is known to be the speaker's."""

    @property
    def speaker(self) -> str:
        """Who speaks."""
        return self.take.request.reference.speaker


@dataclass(frozen=True, slots=True)
class _Clip:
    source: str
    speaker: str
    language: str
    text: str
    path: Path
    reference: Path | None

    def sound(self) -> Audio:
        return audio.resample(audio.load(self.path), CODEC_RATE_HZ)


def spoken(folder: Path, work: Path) -> list[Spoken]:
    """All takes of a folder of recordings, or of the folders in it that hold a manifest.

    Args:
        folder: With a `manifest.csv`, or folders with one.
        work: Where references are written.

    Raises:
        UsageError: There is no manifest, or a column is missing.
    """
    return [one for path in manifests(folder) for one in _of_manifest(path, work)]


def demonstration(n_texts: int) -> list[Spoken]:
    """Takes of the embedded voice at the tempi of people; alone it speaks every text at one.

    The tempi of human readers, from fluent to slow, lie evenly on a logarithmic scale: a take is made so much slower.
    """
    takes = embedded(n_texts)
    factors = np.geomspace(*HUMAN_TEMPI, len(takes))
    order = np.random.default_rng(0).permutation(len(takes))
    found = []
    for take, place in zip(takes, order, strict=True):
        if take.audio is not None:
            take = replace(take, audio=stretched(take.audio, float(factors[place]), 1.0))
        found.append(Spoken(take, DEMONSTRATION, True))
    return found


def bed_of(one: Spoken) -> str:
    """People, clones, or the demonstration."""
    if one.take.provenance.backend == "embedded":
        return DEMONSTRATION
    return CLONES if one.source.startswith("system ") else PEOPLE


def spread(takes: Sequence[Spoken], count: int) -> list[Spoken]:
    """So many of some takes, as many of every source as there are, evenly over its takes.

    Each source begins at another of its takes: systems that speak the same texts are not asked for the same ones.
    """
    by_source: dict[str, list[Spoken]] = {}
    for one in takes:
        by_source.setdefault(one.source, []).append(one)
    found: list[Spoken] = []
    left = count
    for number, mine in enumerate(sorted(by_source.values(), key=len)):
        share = min(len(mine), left // (len(by_source) - number))
        begin = (number + 0.5) / len(by_source)
        found += [mine[int((place + begin) * len(mine) / share)] for place in range(share)]
        left = count - len(found)
    return found


def halves(takes: Iterable[Spoken]) -> tuple[list[Spoken], list[Spoken]]:
    """The takes of every other speaker of each source, and the rest."""
    by_source: dict[str, dict[str, list[Spoken]]] = {}
    for one in takes:
        by_source.setdefault(one.source, {}).setdefault(one.speaker, []).append(one)
    parts: tuple[list[Spoken], list[Spoken]] = ([], [])
    for speakers in by_source.values():
        if len(speakers) == 1:  # one narrator: every other text
            (clips,) = speakers.values()
            for number, clip in enumerate(clips):
                parts[number % 2].append(clip)
            continue
        for number, speaker in enumerate(sorted(speakers)):
            parts[number % 2].extend(speakers[speaker])
    return parts


def _of_manifest(path: Path, work: Path) -> Iterator[Spoken]:
    clips: dict[str, list[_Clip]] = {}
    for row in rows_of(path):
        clip = _clip(path.parent, row)
        if row.get("system") != REFERENCES:
            clips.setdefault(clip.source, []).append(clip)
    for source, mine in clips.items():
        by_speaker: dict[str, list[_Clip]] = {}
        for clip in mine:
            by_speaker.setdefault(clip.speaker, []).append(clip)
        for speaker, clips_of_one in by_speaker.items():
            stranger = next((clip for clip in mine if clip.speaker != speaker), clips_of_one[0])
            yield from _of_speaker(source, clips_of_one, stranger, work)


def _clip(folder: Path, row: dict[str, str]) -> _Clip:
    system = row.get("system", "")
    first = Path(row["file"]).parts[0] if len(Path(row["file"]).parts) > 1 else folder.name
    source = folder.name if system == HUMAN else f"system {system}" if system else first
    reference = folder / row["reference"] if row.get("reference") else None
    return _Clip(source, row["speaker"], row["language"], row["transcript"], folder / row["file"], reference)


def _of_speaker(source: str, clips: Sequence[_Clip], stranger: _Clip, work: Path) -> Iterator[Spoken]:
    """The takes of one speaker; who has no other clip gets a stranger's as reference, and no verdict on the voice."""
    if clips[0].reference:
        for number, clip in enumerate(clips):
            assert clip.reference is not None
            voice = _reference(clip.reference, "", clip)
            yield Spoken(_take(f"{source}-{clip.speaker}-{number}", clip.sound(), clip.text, voice), source, True)
        return
    if all(clip.text.startswith("[") for clip in clips):
        yield from _of_words(source, clips, work)
        return
    for number, clip in enumerate(clips):
        others = [*clips[number + 1 :], *clips[:number]]
        parts: list[_Clip] = []
        length_s = 0.0
        for other in others:
            if length_s >= REFERENCE_S:
                break
            parts.append(other)
            length_s += other.sound().duration_s
        known = length_s >= LEAST_REFERENCE_S and not clip.speaker.startswith(UNPROVEN)
        sounds = [part.sound() for part in (parts if known else [stranger])]
        heard = _cut(sounds[0] if len(sounds) == 1 else joined(sounds), LONGEST_REFERENCE_S)
        whole = known and (len(sounds) > 1 or heard.duration_s == sounds[0].duration_s)
        transcript = " ".join(part.text for part in parts) if whole else ""
        name = f"{source}-{clip.speaker}-{number}"
        yield Spoken(
            _take(
                name,
                clip.sound(),
                clip.text,
                _written(name, heard, transcript, clip, work),
            ),
            source,
            known,
        )


def _of_words(source: str, clips: Sequence[_Clip], work: Path) -> Iterator[Spoken]:
    """Single words of one speaker, joined; each stretch is judged in the voice of the next."""
    groups = [clips[start : start + JOINED_WORDS] for start in range(0, len(clips), JOINED_WORDS)]
    groups = [group for group in groups if len(group) > JOINED_WORDS // 2]
    sounds = [joined([clip.sound() for clip in group]) for group in groups]
    for number, group in enumerate(groups):
        after = (number + 1) % len(groups)
        name, text = f"{source}-{group[0].speaker}-{number}", " ".join(clip.text for clip in group)
        voice = _written(name, sounds[after], "", group[0], work)
        yield Spoken(_take(name, sounds[number], text, voice), source, len(groups) > 1)


def _cut(sound: Audio, longest_s: float) -> Audio:
    return Audio(sound.samples[: round(longest_s * sound.sample_rate_hz)], sound.sample_rate_hz)


def _written(name: str, sound: Audio, transcript: str, clip: _Clip, work: Path) -> Reference:
    path = work / f"{name.replace('/', '-').replace(' ', '-')}.wav"
    audio.write_atomically(path, audio.encode_wav(sound))
    return _reference(path, transcript, clip)


def _reference(path: Path, transcript: str, clip: _Clip) -> Reference:
    return Reference(str(path), path, transcript, clip.language, clip.speaker, audio.content_hash(str(path).encode()))


def _take(name: str, sound: Audio, text: str, voice: Reference) -> Take:
    utterance = Utterance(name, "short", 1, text, voice.language, voice.id)
    return Take(Request(utterance, voice, 0, (), "recorded"), sound, Stop.EOS, Provenance("recorded", "speech", ""))
