"""The ruler judged before any take is: what it says of sounds whose answer is known.

    sound        digital silence is silent, and a tone has its level
    encoder      a reference is more like itself than like other speakers, or than noise
    recogniser   at least one human reference is written down as it was said

Each control is run only where a metric that is wanted needs its instrument. An encoder that answers the same for
everything, or a recogniser that hears nothing, would otherwise pass a release that it cannot judge.
"""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from harness import registry
from harness.audio import Audio
from harness.corpus import Reference
from harness.errors import UsageError
from harness.metrics.declaration import Missing
from harness.metrics.intelligibility import floor_of, hear_references
from harness.metrics.measuring import Measuring
from harness.metrics.recognition import Recognizer, check_language
from harness.metrics.silence import pauses, silence_ratio
from harness.metrics.speaker import Voices, cosine
from harness.metrics.speaker_encoder import SpeakerEncoder

CLEARLY = 0.05  # by which a voice must be more like itself; the encoders that we know reach 0.2 and more
RATE_HZ = 24_000
LEVEL_DB = 0.1


def broken(
    measuring: Measuring, metrics: Iterable[str], references: Sequence[Reference], languages: Collection[str]
) -> list[str]:
    """What is wrong with the instruments that some metrics need, one line each; nothing where all is well.

    Args:
        measuring: Of the run.
        metrics: Names of those that will be measured.
        references: The voices of the run.
        languages: Of its texts.
    """
    known = registry.metrics()
    needed = {need for name in metrics if name in known for need in known[name].everything_needed}
    found = sound()
    if "voices" in needed:
        found += encoder(measuring.of_run("voices"), measuring.of_run("encoder"))
    for name, option in (("recognizer", "--asr"), ("second_recognizer", "--asr-2")):
        if name in needed:
            try:
                found += recogniser(measuring.of_run(name), option, references, languages)
            except Missing:  # none was given, and its metrics say so
                continue
    return found


def sound() -> list[str]:
    """Whether digital silence is silent and a tone has the level that it was made with."""
    silent = silence_ratio(pauses(Audio(np.zeros(RATE_HZ, np.float32), RATE_HZ))).value
    found = [] if silent == 1 else [f"digital silence is measured as {silent:.0%} silent; all of it is"]
    tone = (0.1 * np.sin(2 * np.pi * 200 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    level = float(registry.metrics()["speech_level"](pauses(Audio(tone, RATE_HZ))).value)
    right = 20 * np.log10(0.1 / np.sqrt(2))
    if not abs(level - right) <= LEVEL_DB:
        found.append(f"a tone of {right:.1f} dBFS is measured as {level:.1f} dBFS")
    return found


def encoder(voices: Voices, hears: SpeakerEncoder) -> list[str]:
    """Whether a voice is more like itself than like others; a run with one speaker is compared with noise."""
    own = [one for one in voices.halves.values() if np.isfinite(one)]
    same = float(np.mean(own)) if own else 1.0  # references too short to be cut: a clip is at least like itself
    names = list(voices.embeddings)
    others = [
        cosine(voices.embeddings[one], voices.embeddings[other])
        for place, one in enumerate(names)
        for other in names[place + 1 :]
        if voices.speakers[one] != voices.speakers[other]
    ]
    what = "other speakers"
    if not others and names:
        noise = np.random.default_rng(0).normal(0, 0.05, 3 * RATE_HZ).astype(np.float32)
        heard = hears.embed([Audio(noise, RATE_HZ)])[0]
        what, others = "noise", [] if np.isnan(heard).any() else [cosine(heard, voices.embeddings[names[0]])]
    if not others or same - float(np.mean(others)) >= CLEARLY:
        return []
    return [
        f"the speaker encoder {hears.fingerprint} cannot tell the references apart: with themselves they score "
        f"{same:.3f}, with {what} {np.mean(others):.3f}; at least {CLEARLY:g} less is needed"
    ]


def recogniser(
    hears: Recognizer, option: str, references: Sequence[Reference], languages: Collection[str]
) -> list[str]:
    """Whether a recogniser writes down at least one reference.

    Those in a language of the run are asked first. One that hears another language only is whole; that it is of no use
    here is then said of each take, by its floor.
    """
    wanted = {language.split("-")[0].lower() for language in languages}
    spoken = {one.sha256: one for one in references if not one.problem and one.transcript}.values()
    mine = [one for one in spoken if one.language.split("-")[0].lower() in wanted]
    others = [one for one in spoken if one not in mine and _knows(hears, one.language)]
    errors: list[str] = []
    for those in (mine, others) if mine else ():
        heard = zip(those, hear_references(those, hears), strict=True)
        floors = [floor_of([one], [text], one.language) for one, text in heard]
        if any(not one.error for one in floors):
            return []
        errors += [one.error for one in floors]
    if not errors:
        return []
    return [f"the recogniser of {option} ({hears.fingerprint}) hears none of the {len(errors)} references: {errors[0]}"]


def _knows(hears: Recognizer, language: str) -> bool:
    try:
        check_language(hears, language)
    except UsageError:
        return False
    return True
