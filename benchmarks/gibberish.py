"""Whether gibberish is rejected: `python -m benchmarks.gibberish MODEL --speech FOLDER [--out FOLDER]`.

The embedded voice says eight texts of the corpus and eight English sentences, once as they are and once with the
letters of each word reversed, and MODEL hears them. Both are judged as the texts themselves by the gates on the words
that gates.toml holds for MODEL: as in a run, where its floors are known by the voices' own references, and by those of
the people in FOLDER (manifest.csv: file, language, speaker, transcript).
Prints how many of each FAIL, by which gates, and how many are INCONCLUSIVE.
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
from harness.lab.hearing import of_floors, on_words
from harness.lab.speech import relabelled
from harness.metrics.measuring import Measuring, Models
from harness.records.gate import Outcome
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.store import DerivedValues

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


def judged(
    run: Run, asked: Iterable[tuple[Utterance, str]], measuring: Measuring
) -> tuple[Counter[Outcome], Counter[str]]:
    """What some texts, said as another, get, and how often which metric is the reason of a FAIL."""
    outcomes, reasons = Counter[Outcome](), Counter[str]()
    for row, text in asked:
        request = run.request(replace(row, text=text, spoken=""), 0)
        run.generate([request])
        verdicts = on_words(relabelled(run.take(request), row.text), measuring, [PROFILE])[PROFILE]
        failed = [one.gate.metric for one in verdicts if one.outcome == Outcome.FAIL]
        unknown = any(one.outcome == Outcome.INCONCLUSIVE for one in verdicts)
        outcomes[Outcome.FAIL if failed else Outcome.INCONCLUSIVE if unknown else Outcome.PASS] += 1
        reasons.update(failed)
    return outcomes, reasons


def main() -> None:
    """Print both rates of each language."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(".harness"))
    arguments = parser.parse_args()
    with TemporaryDirectory() as work:
        people = beds.spoken(arguments.speech, Path(work))
        run = Run(Settings("embedded", BackendOptions(), load_profile(PROFILE, "embedded"), arguments.out))
        texts = rows()
        own = [run.request(row, 0).reference for mine in texts.values() for row in mine]
        floors = {
            "as in a run": list({one.id: one for one in own}.values()),
            "by the floor of people": of_floors(
                one.take.request.reference for one in people if beds.bed_of(one) == "people"
            ),
        }
        for by, references in floors.items():
            model = Models(recognizer=arguments.model)
            measuring = Measuring(model, references, derived=DerivedValues(arguments.out / "heard"))
            for language, mine in texts.items():
                for what, change in (("as they are", str), ("letters of each word reversed", reversed_letters)):
                    outcomes, reasons = judged(run, [(row, change(row.text)) for row in mine], measuring)
                    why = ", ".join(f"{name} {often}" for name, often in reasons.most_common())
                    print(
                        f"{by}, {language}, {what}: FAIL {outcomes[Outcome.FAIL]} of {len(mine)}"
                        f"{f' ({why})' if why else ''}, INCONCLUSIVE {outcomes[Outcome.INCONCLUSIVE]}",
                        flush=True,
                    )
        run.close()


if __name__ == "__main__":
    main()
