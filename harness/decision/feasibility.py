"""Which gates no speech at all could pass, known before anything is generated.

The documented numbers contradict each other for some texts. Such a gate is refused for such a text, with the
arithmetic, and every other gate still judges.
"""

from collections.abc import Sequence
from pathlib import Path

from harness import shipped
from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import Utterance
from harness.decision.gates import load_profile
from harness.records.gate import INFINITY, Gate
from harness.take import Chunk
from harness.text import reading_time as reading_time_by
from harness.text import reading_time_s, words


def infeasible(
    utterance: Utterance,
    asked: Sequence[Chunk],
    gates: Sequence[Gate],
    config: BudgetConfig,
    reading_time: str = "words",
) -> dict[str, str]:
    """The gates that the documented numbers make unpassable for this text, by name, with the arithmetic.

    The duration band, the length bounds and the token budget each ask for a stretch of seconds. Where those stretches
    have nothing in common the band is refused, and with it the upper bound on length that speech inside the band would
    break. A lower bound on length stays: a model can keep it. Whether a take was cut by its budget is known when it is
    there: that gate is never refused.
    """
    band = next((gate for gate in gates if gate.metric == "duration_ratio" and gate.at_least > -INFINITY), None)
    if band is None:
        return {}
    read_s = reading_time_by(reading_time) or reading_time_s
    reading_s = read_s(utterance.text)
    shortest, longest = band.at_least * reading_s, band.at_most * reading_s
    wanted = (
        f"{len(words(utterance.text))} word(s) read in {reading_s:.2f} s must last {shortest:.2f} to {longest:.2f} s "
        f"({band.at_least:g} to {band.at_most:g} x)"
    )
    refused: dict[str, str] = {}
    for gate in gates:
        if gate.metric == "length" and longest < gate.at_least:
            refused[band.name] = f"{wanted}, but length asks for at least {gate.at_least:g} s"
        if gate.metric == "length" and shortest > gate.at_most:
            refused[band.name] = refused[gate.name] = f"{wanted}, but length allows at most {gate.at_most:g} s"
    for chunk in asked:
        chunk_s = reading_time_s(chunk.text, config.words_per_minute) if reading_time == "words" else read_s(chunk.text)
        frames = band.at_least * chunk_s * chunk.budget.frame_rate_hz
        if frames + config.closing_frames > chunk.budget.max_frames:
            why = (
                f"{wanted}: {frames:.0f} frames + {config.closing_frames} to close, "
                f"but the budget is {chunk.budget.max_frames} frames; "
                "--chunks sentence, or by_sentence in its corpus row, is the way out"
            )
            refused[band.name] = why
    return refused


def feasibility_map(path: Path = shipped.GATES, config: BudgetConfig | None = None) -> list[str]:
    """Which word counts the documented gates and the token budget can judge together, a line for each change.

    >>> print(feasibility_map()[0])
    1 word: not duration_ratio
    """
    config = config or BudgetConfig()
    gates = load_profile("documented", "", path).gates
    answers: list[tuple[int, str]] = []
    for n_words in range(1, 101):
        utterance = Utterance("map-1", "short", 1, "w " * n_words, "ar", "")
        asked = chunks(utterance.text, config)
        refused = infeasible(utterance, asked, gates, config)
        answer = f"not {', '.join(refused)}" if refused else "every gate"
        if not answers or answers[-1][1] != answer:
            answers.append((n_words, answer))
    ends = [start - 1 for start, _ in answers[1:]]
    spans = [
        f"{start} to {end} words" if end > start else f"{start} word"
        for (start, _), end in zip(answers, ends, strict=False)
    ]
    return [
        f"{span}: {answer}"
        for span, (_, answer) in zip([*spans, f"{answers[-1][0]} words and more"], answers, strict=True)
    ]
