"""What is to be spoken, and in whose voice.

A suite is a corpus file; its name is the file's. It may say what it is `about`, and that it is `cross_lingual`: its
texts are spoken in the voice of somebody who was recorded in another language. It holds `[[utterance]]` rows: `id`
(unique, ending in a number), `text`, `language`, `reference` (the id of a voice), and optionally `note`, `pair` (the
same word on both rows of a minimal pair) and `spoken` (what a recogniser should hear, where it is not as written:
abbreviations, units, foreign names; a list where several readings are right).

A voices folder holds for each voice a sound file `name.wav` (or .flac, .ogg, .mp3) and its transcript `name.txt`;
`name.lang` holds the language code and `name.speaker` says who speaks where several files are one person.
"""

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness import audio, shipped
from harness.documents import NotEmpty, read_text, read_toml, typed
from harness.errors import AudioError, CorpusError, VoicesError
from harness.text import reading_time_s, words

SOUND_FILES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
MIN_REFERENCE_S = 1.0
MAX_REFERENCE_S = 30.0
MIN_REFERENCE_DBFS = -60.0  # below this a recording holds no voice that a model could condition on


@dataclass(frozen=True, slots=True)
class _Row:
    """One `[[utterance]]` of a corpus file."""

    id: NotEmpty
    text: NotEmpty
    language: NotEmpty
    reference: NotEmpty
    note: str = ""
    pair: str = ""
    spoken: str | tuple[str, ...] = ""


@dataclass(frozen=True, slots=True)
class _File:
    """A corpus file."""

    utterance: tuple[dict[str, Any], ...] = ()
    about: str = ""
    cross_lingual: bool = False


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text to be spoken once, with the voice that the corpus gives it."""

    id: str
    suite: str
    number: int
    text: str
    language: str
    reference_id: str
    note: str = ""
    pair: str = ""
    spoken: str | tuple[str, ...] = ""
    cross_lingual: bool = False
    """Whether it is to be spoken in the voice of somebody who was recorded in another language."""

    def __str__(self) -> str:
        return self.id

    @property
    def readings(self) -> tuple[str, ...]:
        """What a recogniser may hear: the text, or the readings that stand in its place."""
        return (self.spoken or self.text,) if isinstance(self.spoken, str) else self.spoken or (self.text,)

    @property
    def reading_time_s(self) -> float:
        """Documented reading time in seconds."""
        return reading_time_s(self.text)


@dataclass(frozen=True, slots=True)
class Reference:
    """A voice clip that conditions the clone, and its transcript."""

    id: str
    path: Path
    transcript: str
    language: str
    speaker: str
    sha256: str
    """Hash of the file as it is, so that a re-recorded voice is another voice."""
    problem: str = ""
    """Why it cannot serve, where the run goes on without it."""


def suites_of(folder: Path = shipped.CORPUS) -> tuple[str, ...]:
    """The names of the suites of a corpus folder, sorted.

    Raises:
        CorpusError: It is no folder, or holds none.
    """
    if not folder.is_dir():
        raise CorpusError(
            f"corpus folder {str(folder)!r} does not exist: give a folder of SUITE.toml files with --corpus"
        )
    found = tuple(sorted(path.stem for path in folder.glob("*.toml") if not path.name.startswith(".")))
    if not found:
        raise CorpusError(f"corpus folder {str(folder)!r} holds no suite: put SUITE.toml with [[utterance]] rows there")
    return found


def load_corpus(suite: str, folder: Path = shipped.CORPUS) -> tuple[Utterance, ...]:
    """Read one suite's utterances in file order.

    Raises:
        CorpusError: The file is missing, is no TOML, or a row is malformed; names file, row and field.
    """
    path = folder / f"{suite}.toml"
    if not path.exists():
        there = ", ".join(sorted(one.stem for one in folder.glob("*.toml"))) or "none"
        raise CorpusError(f"{path} is missing: a suite needs its corpus file; the folder has {there}")
    file = typed(_File, read_toml(path, CorpusError), str(path), CorpusError)
    if not file.utterance:
        raise CorpusError(f"{path} holds no [[utterance]] rows: a suite needs at least one")
    utterances = tuple(
        _utterance(typed(_Row, row, f"{path} row {number}", CorpusError), suite, file, f"{path} row {number}")
        for number, row in enumerate(file.utterance, 1)
    )
    for field in ("id", "number"):
        seen: dict[object, int] = {}
        for number, utterance in enumerate(utterances, 1):
            value = getattr(utterance, field)
            if value in seen:
                raise CorpusError(
                    f"{path} row {number}: {field} {value!r} is that of row {seen[value]} already; give each its own"
                )
            seen[value] = number
    return utterances


def _utterance(row: _Row, suite: str, file: _File, where: str) -> Utterance:
    number = re.search(r"(\d{1,9})$", row.id)
    if not number or not re.fullmatch(r"[\w.-]{1,100}", row.id):
        raise CorpusError(
            f"{where}: field 'id' is {row.id[:120]!r}; up to 100 letters, digits and - ending in a number are needed"
        )
    if not words(row.text):
        raise CorpusError(f"{where}: field 'text' is {row.text!r}; at least one word is needed")
    if "<|" in row.text:
        raise CorpusError(f"{where}: field 'text' holds '<|', which models read as a control token; take it out")
    return Utterance(
        id=row.id,
        suite=suite,
        number=int(number[1]),
        text=row.text,
        language=row.language,
        reference_id=row.reference,
        note=row.note,
        pair=row.pair,
        spoken=row.spoken,
        cross_lingual=file.cross_lingual,
    )


def load_voices(folder: Path, language: str = "", fallback: bool = False) -> tuple[Reference, ...]:
    """Read a voices folder, sorted by name; `language` is for voices without a `.lang` file of their own.

    With `fallback` a voice whose sound cannot serve is kept, with its `problem`.

    Raises:
        VoicesError: The folder is missing or empty, or files in it cannot serve; one line for each bad file.
    """
    if not folder.is_dir():
        raise VoicesError(f"voices folder {str(folder)!r} does not exist: give a folder of name.wav + name.txt")
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    sounds = [path for path in files if path.suffix.lower() in SOUND_FILES and path.is_file()]
    if not sounds:
        kinds = ", ".join(SOUND_FILES)
        raise VoicesError(f"voices folder {str(folder)!r} holds no sound file ({kinds}): put name.wav + name.txt there")
    references, complaints, taken = [], [], set()
    for path in sounds:
        try:
            if path.stem in taken:
                raise VoicesError(f"a second sound file is called {path.stem!r}: keep one of them")
            references.append(_reference(path, language, fallback))
            taken.add(path.stem)
        except (VoicesError, AudioError) as error:
            complaints.append(f"{path.name}: {error}")
    transcripts = {path.stem for path in files if path.suffix.lower() == ".txt"}
    complaints += [
        f"{name}.txt: has no sound file beside it: add {name}.wav or take it away"
        for name in sorted(transcripts - {path.stem for path in sounds})
    ]
    if complaints:
        raise VoicesError(f"voices folder {str(folder)!r}: " + "\n".join(complaints))
    return tuple(references)


def _reference(path: Path, language: str, fallback: bool) -> Reference:
    transcript = _side_file(path, ".txt")
    if not transcript:
        raise VoicesError(f"has no transcript: write what is said into {path.with_suffix('.txt').name}")
    language = _side_file(path, ".lang") or language
    if not language:
        raise VoicesError(
            f"has no language: write its code into {path.with_suffix('.lang').name} or give --voices-language"
        )
    problem = ""
    try:
        _check_sound(path)
    except (VoicesError, AudioError) as error:
        if not fallback:
            raise
        problem = str(error)
    return Reference(
        id=path.stem,
        path=path,
        transcript=transcript,
        language=language,
        speaker=_side_file(path, ".speaker") or path.stem,
        sha256=audio.content_hash(path.read_bytes()),
        problem=problem,
    )


def _check_sound(path: Path) -> None:
    sound = audio.load(path)
    if not np.isfinite(sound.samples).all():
        raise VoicesError("holds samples that are not numbers: export it again")
    if not MIN_REFERENCE_S <= sound.duration_s <= MAX_REFERENCE_S:
        raise VoicesError(
            f"lasts {sound.duration_s:.2f} s; {MIN_REFERENCE_S:g} to {MAX_REFERENCE_S:g} s are needed: record again"
        )
    level = audio.rms_dbfs(sound.samples)
    if level < MIN_REFERENCE_DBFS:
        raise VoicesError(f"is silent ({level:.0f} dBFS); above {MIN_REFERENCE_DBFS:g} dBFS is needed: record again")


def _side_file(path: Path, suffix: str) -> str:
    sides = [one for one in path.parent.glob(f"{glob.escape(path.stem)}.*") if one.suffix.lower() == suffix]
    return " ".join(read_text(sides[0], VoicesError).split()) if sides else ""


def choose_reference(
    utterance: Utterance, voices: Sequence[Reference], shipped: Mapping[str, Reference] | None = None
) -> Reference:
    """The voice in which an utterance is spoken: the one its row names, or else one of the folder's, in rotation.

    A user's own folder need not hold the names of the corpus. Then voices of the language of the named (shipped) voice
    are rotated by the row's number, or by its pair's name, so that both rows of a minimal pair get one voice; where
    none has that language, all are. A cross-lingual row never gets a voice of its own language.

    Raises:
        VoicesError: A cross-lingual row, and every voice speaks its language.
    """
    candidates = list(voices)
    if utterance.cross_lingual:
        candidates = [voice for voice in voices if voice.language != utterance.language]
        if not candidates:
            raise VoicesError(
                f"utterance {utterance.id!r} is {utterance.language!r} in a voice of another language, but every voice "
                f"of the folder speaks {utterance.language!r}: add one, or leave the suite {utterance.suite!r} out"
            )
    for voice in candidates:
        if voice.id == utterance.reference_id:
            return voice
    meant = (shipped or {}).get(utterance.reference_id)
    alike = [voice for voice in candidates if meant is not None and voice.language == meant.language]
    pool = alike or candidates
    turn = sum(utterance.pair.encode()) if utterance.pair else utterance.number
    return pool[turn % len(pool)]
