"""How well a recogniser understands the demonstration voice.

    python -m benchmarks.demonstration_heard MODEL [--out FOLDER]

The embedded voice says the Arabic texts of the corpus in voices of that language and of others, and eight English
sentences, three times each. espeak-ng, from which it is made, says the same texts unconverted, at the pace of each take
and at its own. MODEL hears all. Prints for each the share of letters that it gets wrong, where a phrase that MODEL
repeats without end counts as often as it writes it, and `text_support`, what the sound says for the text, in nats a
letter; with espeak-ng also what the demonstration voice has above it, by text, with its standard error.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, stdev

from benchmarks import gibberish
from harness.audio import Audio
from harness.backends import BackendOptions
from harness.backends.embedded.voice import TRIAL_WORDS_PER_MINUTE, speak_for
from harness.corpus import Utterance, load_corpus
from harness.decision.gates import load_profile
from harness.espeak import speak
from harness.metrics.recognition import Recognizer, TextScorer, WordExpecter, open_recognizer
from harness.metrics.text_support import Supports
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.text.hypotheses import hypotheses
from harness.text.scoring import compare

TAKES = 3


@dataclass(frozen=True, slots=True)
class Understood:
    """What a recogniser makes of some takes."""

    takes: int
    letters_wrong: float
    """Share of all letters."""
    median_wrong: float
    """Share of the letters of a take, in the median."""
    supports: dict[str, float]
    """`text_support` by utterance, the mean of its takes."""
    least: float
    """`text_support` of the take with the least."""

    def __str__(self) -> str:
        values = list(self.supports.values())
        return (
            f"{self.takes} takes, letters wrong {self.letters_wrong:.0%} (median of a take {self.median_wrong:.0%}); "
            f"text support {fmean(values):.2f} in the mean, {median(values):.2f} in the median of {len(values)} texts, "
            f"{self.least:.2f} at least"
        )

    def difference_from(self, other: "Understood") -> str:
        """What this sound says for the texts above what another does, in the mean of the texts."""
        pairs = [value - other.supports[name] for name, value in self.supports.items()]
        return f"{fmean(pairs):+.3f} of pairs, standard error {stdev(pairs) / len(pairs) ** 0.5:.3f}"


def rows() -> dict[str, list[Utterance]]:
    """What is said, by whom."""
    arabic = [row for suite in ("short", "medium", "diacritized") for row in load_corpus(suite)]
    return {
        "Arabic in Arabic voices": arabic,
        "Arabic in voices of other languages": list(load_corpus("cross_lingual")),
        "English in English voices": gibberish.rows()["en"],
    }


def understood(
    recognizer: Recognizer, supports: Supports, said: Sequence[Utterance], sounds: Sequence[Audio]
) -> Understood:
    """Hear some sounds, each of which says an utterance."""
    languages = [row.language for row in said]
    texts = [" ".join(hypotheses(row.readings, "", row.language).words) for row in said]
    pairs = zip(texts, recognizer.transcribe(sounds, languages), languages, strict=True)
    found = [compare(text, heard, language).letters for text, heard, language in pairs]
    values: dict[str, list[float]] = {}
    for row, value in zip(said, supports(sounds, languages, texts), strict=True):
        if value is not None:
            values.setdefault(row.id, []).append(value)
    return Understood(
        len(found),
        sum(one.errors for one in found) / sum(one.target_length for one in found),
        median(one.rate for one in found),
        {name: fmean(of_text) for name, of_text in values.items()},
        min(min(of_text) for of_text in values.values()),
    )


def main() -> None:
    """Print what is understood of each voice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--out", type=Path, default=Path(".harness"))
    arguments = parser.parse_args()
    recognizer = open_recognizer(arguments.model)
    assert isinstance(recognizer, TextScorer)
    assert isinstance(recognizer, WordExpecter)
    supports = Supports(recognizer, recognizer)
    run = Run(Settings("embedded", BackendOptions(), load_profile("documented", "embedded"), arguments.out))
    for what, said in rows().items():
        requests = [run.request(row, seed) for seed in range(TAKES) for row in said]
        run.generate(requests)
        takes = [take for request in requests if (take := run.take(request).audio)]
        converted = understood(recognizer, supports, [*said] * TAKES, takes)
        print(f"{what}, the demonstration voice: {converted}", flush=True)
        paced = [speak_for(row.text, row.language, "", take.duration_s) for row, take in zip(said, takes, strict=False)]
        own = [speak(row.text, row.language, "", TRIAL_WORDS_PER_MINUTE) for row in said]
        for way, sounds in (("at that pace", paced), ("at its own pace", own)):
            plain = understood(recognizer, supports, said, sounds)
            print(f"{what}, espeak-ng unconverted, {way}: {plain}; {converted.difference_from(plain)}", flush=True)
    run.close()


if __name__ == "__main__":
    main()
