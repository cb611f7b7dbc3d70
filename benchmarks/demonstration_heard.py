"""How well a recogniser understands the demonstration voice.

    python -m benchmarks.demonstration_heard MODEL [--out FOLDER]

The embedded voice says the Arabic texts of the corpus in voices of that language and of others, and eight English
sentences. espeak-ng, from which it is made, says the same texts unconverted, at the pace of each take and at its own.
MODEL hears all. Prints for each the share of letters that it gets wrong, where a phrase that MODEL repeats without end
counts as often as it writes it, and `text_support`, what the sound says for the text, in nats a letter.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median

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


def rows() -> dict[str, list[Utterance]]:
    """What is said, by whom."""
    arabic = [row for suite in ("short", "medium", "diacritized") for row in load_corpus(suite)]
    return {
        "Arabic in Arabic voices": arabic,
        "Arabic in voices of other languages": list(load_corpus("cross_lingual")),
        "English in English voices": gibberish.rows()["en"],
    }


def understood(recognizer: Recognizer, supports: Supports, said: Sequence[Utterance], sounds: Sequence[Audio]) -> str:
    """What a recogniser makes of some sounds, in words."""
    languages = [row.language for row in said]
    texts = [" ".join(hypotheses(row.readings, "", row.language).words) for row in said]
    pairs = zip(texts, recognizer.transcribe(sounds, languages), languages, strict=True)
    found = [compare(text, heard, language).letters for text, heard, language in pairs]
    wrong = sum(one.errors for one in found) / sum(one.target_length for one in found)
    values = [value for value in supports(sounds, languages, texts) if value is not None]
    return (
        f"{len(found)} takes, letters wrong {wrong:.0%} (median of a take {median(one.rate for one in found):.0%}); "
        f"text support {fmean(values):.2f} in the mean, {median(values):.2f} in the median, {min(values):.2f} at least"
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
        requests = [run.request(row, 0) for row in said]
        run.generate(requests)
        takes = [take for request in requests if (take := run.take(request).audio)]
        ways = {
            "the demonstration voice": takes,
            "espeak-ng unconverted, at that pace": [
                speak_for(row.text, row.language, "", take.duration_s) for row, take in zip(said, takes, strict=True)
            ],
            "espeak-ng unconverted, at its own pace": [
                speak(row.text, row.language, "", TRIAL_WORDS_PER_MINUTE) for row in said
            ],
        }
        for way, sounds in ways.items():
            print(f"{what}, {way}: {understood(recognizer, supports, said, sounds)}", flush=True)
    run.close()


if __name__ == "__main__":
    main()
