"""How long it takes to judge a release: 1,000 utterances x 5 takes x 8 metrics against a baseline, on one core.

python benchmarks/judge_a_release.py
"""

import time

import numpy as np

from harness.decision.policy import Margin, Policy
from harness.decision.release import Asked, Decisions
from harness.records.baseline import BaselineTake
from harness.records.measurement import Metric

UTTERANCES, TAKES, METRICS = 1_000, 5, 8


def takes(first_seed: int, rng: np.random.Generator) -> list[BaselineTake]:
    """One side: every take of every utterance with all its metrics, ten speakers."""
    values = 0.8 + rng.normal(0, 0.03, (UTTERANCES, TAKES, METRICS))
    return [
        BaselineTake(
            utterance=f"short-{row:04d}",
            seed=first_seed + take,
            speaker=f"voice{row % 10}",
            question=f"{row} {take}",
            audio="",
            measurements={
                f"metric{number}": Metric(f"metric{number}", "cosine", "higher").measured(value)
                for number, value in enumerate(values[row, take])
            },
        )
        for row in range(UTTERANCES)
        for take in range(TAKES)
    ]


def main() -> None:
    """Print the seconds for a judgement with one look, and with `--takes auto`."""
    rng = np.random.default_rng(0)
    new, old = takes(0, rng), takes(100, rng)
    margins = tuple(Margin(f"metric{number}", "cosine", 0.02, 0.2, 0.001, "benchmark") for number in range(METRICS))
    for looks in ((5,), (1, 2, 3, 5)):
        began, spent = time.perf_counter(), time.process_time()
        decisions = Decisions(Asked(("short",), True, Policy(), margins, looks))
        for look in looks:
            decisions.look({"short": [one for one in new if one.seed < look]}, {"short": old})
        wall, cpu = time.perf_counter() - began, time.process_time() - spent
        print(
            f"{UTTERANCES} utterances x {TAKES} takes x {METRICS} metrics, looks {looks}: {cpu:.2f} s of one core, "
            f"{wall:.2f} s of wall time, {len(decisions.comparisons)} comparisons"
        )


if __name__ == "__main__":
    main()
