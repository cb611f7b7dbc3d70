"""Missing words, found without a recogniser and with one: `python -m benchmarks.heard_defects MODEL FOLDER [KIND ...]`.

FOLDER as for `harness power --speech`. The takes are those that `harness power --spoilt 40` spoils, and so are the
defects; KIND names some of them. Each take is judged by the blocking gates of the calibrated profile twice: by those
that need no model, and by those and the gates on the words that gates.toml holds for this recogniser. The voice is
judged in neither. A defect counts as found only in takes that the same gates passed before. The floor of the letters
and words is what the recogniser gets wrong in the first `FLOOR_CLIPS` references of the language. False alarms are of
the takes before they are spoilt; the limits on the words were fitted on all of these clips, so that theirs flatter:
`calibrate --words` counts them by the limits of the other half of the speakers (words_ar.txt, words_en.txt). Rates have
95 % Clopper-Pearson intervals.
"""

import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from harness.corpus import Reference
from harness.decision.gates import for_recognisers, judge, load_profile
from harness.decision.rates import Rate
from harness.lab import beds, power
from harness.lab.calibration import shown
from harness.lab.defects import DEFECTS
from harness.lab.word_calibration import WHYS as WORDS
from harness.metrics.measuring import Measuring, Models, model_free
from harness.records.gate import Gate, Outcome
from harness.records.measurement import Measurement
from harness.run.recognisers import weights_by_metric
from harness.store import DerivedValues
from harness.take import Take

KINDS = ("beginning_lost", "lost_words", "lost_share", "lost_middle", "foreign_text")
SPOILT, FLOOR_CLIPS = 40, 8
PROFILE = load_profile("calibrated", "recorded")
ALARMS = {Outcome.FAIL, Outcome.INCONCLUSIVE}


def main(model: str, folder: Path, kinds: Sequence[str]) -> None:
    """Print the rates of each bed."""
    with tempfile.TemporaryDirectory() as work:
        takes = beds.spoken(folder, Path(work))
        of_beds: dict[str, list[beds.Spoken]] = {}
        for one in filter(power.is_spoilable, takes):
            of_beds.setdefault(beds.bed_of(one), []).append(one)
        chosen = {bed: beds.spread(mine, SPOILT) for bed, mine in of_beds.items()}
        heard = [one for mine in chosen.values() for one in mine]
        hears = Measuring(
            Models(recognizer=model), _of_floors([one.take.request.reference for one in heard]),
            derived=DerivedValues(Path(".harness")),
        )  # fmt: skip
        print(f"recogniser {hears.fingerprints()['recognizer']}; two rates: gates without it / with it", flush=True)
        before = {bed: [_alarms(hears, one.take) for one in mine] for bed, mine in chosen.items()}
        for bed, found in before.items():
            _tell(f"{bed}, sound: false alarms", found)
        for defect in (one for one in DEFECTS if one.name in kinds):
            for bed, mine in chosen.items():
                after = []
                for one, sound in zip(mine, before[bed], strict=True):
                    rng = np.random.default_rng([int(one.take.request.digest[:8], 16), defect.rejects])
                    other = power.foreign(one, takes, len(after))
                    spoilt = defect.inject(one.take, defect.amounts[defect.rejects], rng, other)
                    after.append([now and not was for now, was in zip(_alarms(hears, spoilt), sound, strict=True)])
                _tell(f"{bed}, {defect.name} {defect.severity(defect.rejects)}: found", after, before[bed])


def _of_floors(references: Iterable[Reference]) -> list[Reference]:
    by_language: dict[str, dict[str, Reference]] = {}
    for one in references:
        if one.transcript:
            by_language.setdefault(one.language, {})[one.id] = one
    return [one for mine in by_language.values() for one in list(mine.values())[:FLOOR_CLIPS]]


def _alarms(hears: Measuring, take: Take) -> list[bool]:
    """Whether a blocking gate alarms: of those that need no model, and of those and the gates on the words."""
    names = model_free()
    (found,) = hears.measure([take], [*names, *WORDS])
    utterance = take.request.utterance
    asked = [one for one in PROFILE.gates if one.reads(utterance.language) and one.is_for(utterance.suite)]
    alone = [one for one in asked if one.metric in names and not one.recognisers]
    on_words = for_recognisers(
        [one for one in asked if one.metric in WORDS and not one.recognisers],
        PROFILE,
        utterance.language,
        weights_by_metric(hears, WORDS),
    )
    return [_any(alone, found), _any([*alone, *on_words], found)]


def _any(gates: Sequence[Gate], found: Mapping[str, Measurement]) -> bool:
    return any(verdict.outcome in ALARMS for verdict in judge(gates, found, {}))


def _tell(what: str, alarms: Sequence[Sequence[bool]], spoilt_before: Sequence[Sequence[bool]] | None = None) -> None:
    rates = []
    for way in (0, 1):
        counted = [one[way] for number, one in enumerate(alarms) if not (spoilt_before and spoilt_before[number][way])]
        rates.append(shown(Rate(sum(counted), len(counted))))
    print(f"{what} {' / '.join(rates)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:] or KINDS)
