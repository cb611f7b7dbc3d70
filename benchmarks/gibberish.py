"""Whether gibberish is rejected: `python -m benchmarks.gibberish MODEL --speech FOLDER [--out FOLDER]`.

The embedded voice says eight texts of the corpus and eight English sentences, once as they are and once with the
letters of each word reversed, and MODEL hears them. Both are judged as the texts themselves by the gates on the words
that gates.toml holds for MODEL. FOLDER (manifest.csv: file, language, speaker, transcript) holds the people by whom its
floors are known: those of the embedded voice's own references are too high for its words to be judged in a run.
Prints how many of each are rejected, and by which gates.
"""

import argparse
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.backends import BackendOptions
from harness.corpus import Utterance, load_corpus
from harness.decision.gates import load_profile
from harness.lab import beds
from harness.lab.hearing import Hearing, of_floors
from harness.lab.speech import relabelled
from harness.run.plan import Run
from harness.run.settings import Settings

PROFILE = "documented"
MANY = 8
ENGLISH = (
    "The children walked along the river until the sun went down.",
    "My neighbour bought a second hand bicycle at the market.",
    "We waited for the last train because the road was closed.",
    "She opened the window and listened to the rain.",
    "Every winter the farmers repair their wooden fences.",
    "Please leave the keys on the kitchen table before you go.",
    "The teacher wrote three long sentences on the board.",
    "A small boat was moving slowly across the quiet lake.",
)


def reversed_letters(text: str) -> str:
    """A text with the letters of each word the other way round, each with its marks.

    >>> reversed_letters("one two.")
    'eno .owt'
    """
    words = []
    for word in text.split():
        letters: list[str] = []
        for character in word:
            if letters and unicodedata.category(character) == "Mn":
                letters[-1] += character
            else:
                letters.append(character)
        words.append("".join(reversed(letters)))
    return " ".join(words)


def rows() -> dict[str, list[Utterance]]:
    """Eight texts of each language, in voices of that language."""
    arabic = [row for row in load_corpus("short") if len(row.text.split()) > 2][:MANY]
    english = [
        replace(
            arabic[0], id=f"english-{number}", number=number, text=text, language="en", spoken="", reference_id=voice
        )
        for number, (text, voice) in enumerate(zip(ENGLISH, ("emma", "james") * MANY, strict=False), start=1)
    ]
    return {"ar": arabic, "en": english}


def rejected(run: Run, asked: Iterable[tuple[Utterance, str]], hearing: Hearing) -> tuple[int, Counter[str]]:
    """How many of some texts, said as another, are rejected, and how often by which gate."""
    count, gates = 0, Counter[str]()
    for row, text in asked:
        request = run.request(replace(row, text=text, spoken=""), 0)
        run.generate([request])
        against = hearing.alarms(relabelled(run.take(request), row.text), [PROFILE])[PROFILE]
        count += bool(against)
        gates.update(against)
    return count, gates


def main() -> None:
    """Print both rates of each language."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(".harness"))
    arguments = parser.parse_args()
    with TemporaryDirectory() as work:
        people = beds.spoken(arguments.speech, Path(work))
        references = of_floors(one.take.request.reference for one in people if beds.bed_of(one) == "people")
        hearing = Hearing(arguments.model, references, arguments.out / "heard")
        run = Run(Settings("embedded", BackendOptions(), load_profile(PROFILE, "embedded"), arguments.out))
        for language, mine in rows().items():
            for what, change in (("as they are", str), ("letters of each word reversed", reversed_letters)):
                count, gates = rejected(run, [(row, change(row.text)) for row in mine], hearing)
                by = ", ".join(f"{name} {often}" for name, often in gates.most_common())
                print(f"{language}, {what}: {count} of {len(mine)} rejected{f' ({by})' if by else ''}", flush=True)
        run.close()


if __name__ == "__main__":
    main()
