"""A blind session: which takes are heard against which, in what order, and the folder that plays them.

Conventions
    A trial plays two sounds at one level: active speech at -26 dBFS, P.808's level, lower where that would clip.
    Pairs are drawn from every suite and voice in turn, so that a small session hears some of each. One pair in five is
    asked again with its sides changed. For each voice heard there is a check: the reference against itself low-passed
    at 3.5 kHz (the low anchor of ITU-R BS.1534). The order and the sides are drawn anew for each session.

Left out of BS.1534 and P.808: the scale of 0 to 100 and several systems a trial, a training phase, the calibration of
equipment and room, crowd workers' qualification. What remains is their paired comparison with hidden reference, low
anchor and repeats.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness import audio
from harness.audio import Audio, write_atomically
from harness.errors import AudioError, UsageError
from harness.metrics.artifacts import speech_level
from harness.metrics.silence import Silences
from harness.records.listening import Kind, Role, Session, Trial

LEVEL_DBFS = -26.0  # active speech level, ITU-T P.808
ANCHOR_HZ = 3500.0  # ITU-R BS.1534, low anchor
REPEAT_EVERY = 5
FOLDER = "listening"
PAGE = "page"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Pair:
    """An utterance of which both releases have a take that can be played."""

    suite: str
    utterance: str
    seed: int
    speaker: str
    language: str
    text: str
    accepted: Path
    new: Path
    reference: Path

    def sound(self, role: Role) -> Audio:
        """What stands behind a letter, at the level of all trials.

        Raises:
            AudioError: The file cannot be read.
        """
        if role == Role.ACCEPTED:
            return levelled(audio.load(self.accepted))
        if role == Role.NEW:
            return levelled(audio.load(self.new))
        reference = audio.load(self.reference)
        return levelled(low_anchor(reference) if role == Role.ANCHOR else reference)


def low_anchor(sound: Audio) -> Audio:
    """The same sound without what lies above 3.5 kHz."""
    from scipy.signal import butter, sosfiltfilt

    half = sound.sample_rate_hz / 2
    if half <= ANCHOR_HZ:
        raise AudioError(f"a sound of {sound.sample_rate_hz} Hz has nothing above {ANCHOR_HZ:g} Hz to take away")
    sections = butter(8, ANCHOR_HZ / half, output="sos")
    return Audio(sosfiltfilt(sections, audio.finite(sound).samples).astype(np.float32), sound.sample_rate_hz)


def levelled(sound: Audio) -> Audio:
    """The same sound with its active speech at -26 dBFS, or as near to that as its peak allows."""
    finite = audio.finite(sound)
    level = speech_level(Silences.of(finite)).value
    peak = float(np.abs(finite.samples).max(initial=0.0))
    if peak == 0.0:
        return finite
    gain = min(10 ** ((LEVEL_DBFS - level) / 20), 0.99 / peak)
    return Audio((finite.samples * np.float32(gain)).astype(np.float32), finite.sample_rate_hz)


def stratified(pairs: Iterable[Pair], wanted: int, draw: np.random.Generator) -> list[Pair]:
    """So many pairs, from every suite and voice in turn; all where there are fewer."""
    strata: dict[tuple[str, str], list[Pair]] = {}
    for pair in sorted(pairs, key=lambda pair: (pair.suite, pair.speaker, pair.utterance, pair.seed)):
        strata.setdefault((pair.suite, pair.speaker), []).append(pair)
    queues = [list(draw.permutation(len(members))) for members in strata.values()]
    members = list(strata.values())
    chosen: list[Pair] = []
    while len(chosen) < wanted and any(queues):
        for at in draw.permutation(len(queues)):
            if queues[at] and len(chosen) < wanted:
                chosen.append(members[at][queues[at].pop()])
    return chosen


def plan(pairs: Sequence[Pair], wanted: int, run: str, entropy: int) -> tuple[Session, list[Pair]]:
    """The trials of a session and, for each trial, the pair that it plays.

    Args:
        pairs: Utterances with a take of both releases.
        wanted: Pairs to be heard; repeats and checks come on top.
        run: sha256 of the run's record.
        entropy: What order and sides are drawn from.

    Raises:
        UsageError: There is no pair, or fewer than one is wanted.
    """
    if wanted < 1:
        raise UsageError(f"a session of {wanted} pairs hears nothing: give --pairs 1 or more")
    if not pairs:
        raise UsageError(
            "no utterance has a take of both releases to play: give --golden-audio the folder that accept wrote"
        )
    draw = np.random.default_rng(entropy)
    heard = stratified(pairs, wanted, draw)
    voices = {pair.speaker: pair for pair in heard}
    asked: list[tuple[Kind, Pair]] = [(Kind.PAIR, pair) for pair in heard]
    asked += [(Kind.CHECK, pair) for pair in voices.values()]
    order = [asked[at] for at in draw.permutation(len(asked))]
    order += [(Kind.REPEAT, heard[at]) for at in draw.permutation(len(heard))[: max(1, len(heard) // REPEAT_EVERY)]]
    first = {id(pair): number for number, (kind, pair) in enumerate(order) if kind == Kind.PAIR}
    sides: dict[int, bool] = {}
    trials = []
    for number, (kind, pair) in enumerate(order):
        repeats = first[id(pair)] if kind == Kind.REPEAT else None
        swapped = not sides[repeats] if repeats is not None else bool(draw.integers(2))
        sides[number] = swapped
        roles = (Role.REFERENCE, Role.ANCHOR) if kind == Kind.CHECK else (Role.ACCEPTED, Role.NEW)
        a, b = reversed(roles) if swapped else roles
        trials.append(Trial(number, kind, pair.suite, pair.utterance, pair.seed, pair.speaker, a, b, repeats))
    name = hashlib.sha256(f"{run} {entropy} {wanted}".encode()).hexdigest()[:16]
    return Session(id=name, run=run, trials=tuple(trials)), [pair for _, pair in order]


def write_page(session: Session, pairs: Sequence[Pair], folder: Path) -> Path:
    """Write the page and its sounds, which say nothing of what is which; the path of its index.html.

    Raises:
        AudioError: A sound cannot be read.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    trials = []
    for trial, pair in zip(session.trials, pairs, strict=True):
        clips = {
            name: _clip(pair.sound(role), folder)
            for name, role in (("reference", Role.REFERENCE), ("a", trial.a), ("b", trial.b))
        }
        trials.append({"trial": trial.number, "text": pair.text, "language": pair.language, **clips})
    page = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined).get_template(
        "page.html"
    )
    data = json.dumps({"session": session.id, "trials": trials}, ensure_ascii=False).replace("<", "\\u003c")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    write_atomically(folder / "index.html", page.render(data=data, script=script, style=style).encode())
    return folder / "index.html"


def _clip(sound: Audio, folder: Path) -> str:
    """Write a sound once, under its hash; its address from the page."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, sound.samples, sound.sample_rate_hz, format="FLAC", subtype="PCM_16")
    data = buffer.getvalue()
    name = f"clips/{audio.content_hash(data)[:32]}.flac"
    if not (folder / name).exists():
        write_atomically(folder / name, data)
    return name
