"""What the gates say of sound human speech: the false-reject rates that stand in suites/gates.toml.

    python -m benchmarks.human_speech FOLDER

FOLDER holds recordings and a `manifest.csv` with the columns file, language, speaker and transcript. Clips under 2 s
are joined, speaker by speaker, until they last 5 s. Every clip is judged as a take in the voice of its speaker's next
clip, never its own, beside all clips of the other speakers; gates on the text are refused where a transcript is only a
label. The speakers are split in halves, every other one of each language: a limit at the edge of human speech is set
on the first half, and how often it is wrong is counted on the second. Printed are, for each gate, the extremes of both
halves, and the false rejects of the second and of all, with 95 % Clopper-Pearson intervals.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from harness import audio
from harness.cloning.budget import BudgetConfig
from harness.decision.feasibility import infeasible
from harness.decision.gates import Profile, judge, load_profile
from harness.decision.rates import Rate
from harness.lab.calibration import shown
from harness.lab.power import PROFILES, TEXT_METRICS
from harness.lab.speech import recorded, without_text
from harness.metrics import Measurement, known_metrics, metrics_of, speaker
from harness.metrics.measuring import Measuring, model_free
from harness.metrics.speaker import Voices
from harness.metrics.speaker_encoder import Resemblyzer
from harness.records.gate import Gate, Outcome
from harness.take import Take

Measured = Mapping[str, Measurement]


def measure(takes: Sequence[Take]) -> list[Measured]:
    """Everything that needs no recogniser."""
    references = {take.request.reference.id: take.request.reference for take in takes}
    encoder = Resemblyzer()
    voices = Voices.of(
        {name: audio.load(one.path) for name, one in references.items()},
        {name: one.speaker for name, one in references.items()},
        encoder,
    )
    found = []
    names = [*model_free(), *metrics_of(speaker)]
    known = known_metrics()
    for take, measured in zip(takes, Measuring(voices=voices, encoder=encoder).measure(takes, names), strict=True):
        if without_text(take):
            measured |= {name: known[name].not_applicable("nobody wrote down what is said") for name in TEXT_METRICS}
        found.append(measured)
    return found


def first_half(takes: Sequence[Take]) -> set[str]:
    """The speakers on whom limits are set: every other one of each language."""
    languages = {take.request.reference.speaker: take.request.reference.language for take in takes}
    return set(sorted(languages, key=lambda speaker: (languages[speaker], speaker))[::2])


def outcomes(profile: Profile, takes: Sequence[Take], found: Sequence[Measured]) -> list[dict[str, Outcome]]:
    """What every gate of a profile answers, take by take."""
    answers = []
    for take, measured in zip(takes, found, strict=True):
        suite = take.request.utterance.suite
        gates = [gate for gate in profile.gates if gate.is_for(suite) and gate.metric in measured]
        refused = infeasible(take.request.utterance, take.request.chunks, gates, BudgetConfig())
        answers.append({one.gate.name: one.outcome for one in judge(gates, measured, refused)})
    return answers


def rejected(answers: Sequence[Outcome]) -> Rate:
    """Alarms among those that were judged."""
    judged = [one for one in answers if one is not Outcome.REFUSED]
    return Rate(sum(one is not Outcome.PASS for one in judged), len(judged))


def _extremes(gate: Gate, found: Sequence[Measured]) -> str:
    values = np.array([one[gate.metric].value for one in found if not one[gate.metric].why_not])
    return f"{values.min():.4g} to {values.max():.4g} in {values.size}" if values.size else "nothing measured"


def main(folder: Path) -> None:
    """Measure, then print two lines for each gate and one for all of them together."""
    with tempfile.TemporaryDirectory() as work:
        takes = recorded(folder, Path(work))
        found = measure(takes)
    set_on = [take.request.reference.speaker in first_half(takes) for take in takes]
    halves = [[one for one, first in zip(found, set_on, strict=True) if first is half] for half in (True, False)]
    print(f"{len(takes)} clips, {len(halves[0])} of {len(first_half(takes))} speakers in the first half")
    for name in PROFILES:
        profile = load_profile(name, "")
        answers = outcomes(profile, takes, found)
        second = [one for one, first in zip(answers, set_on, strict=True) if not first]
        for gate in profile.gates:
            if gate.name in answers[0]:
                print(f"{name} {gate}")
                all_of_it, held_out = (rejected([one[gate.name] for one in part]) for part in (answers, second))
                print(f"    first half {_extremes(gate, halves[0])}; second half {_extremes(gate, halves[1])}")
                print(f"    rejects of the second half {shown(held_out)}, of all {shown(all_of_it)}")
        blocking = {gate.name for gate in profile.gates if not gate.advisory}
        alarms = {Outcome.FAIL, Outcome.INCONCLUSIVE}
        for part, about in ((second, "the second half"), (answers, "all")):
            count = sum(any(one[gate] in alarms for gate in blocking & one.keys()) for one in part)
            print(f"{name} any blocking gate: rejects of {about} {shown(Rate(count, len(part)))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
