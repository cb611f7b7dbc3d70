"""The embedded voice as it is, judged again and again against its own accepted release: how often is it called worse?

    python -m benchmarks.unchanged_releases [--out FOLDER] [--runs N] [--seed N]

Each run speaks every utterance with seeds that neither the baseline nor another run has, and is judged twice: by one
take of each utterance, and as `--takes auto` does it. Takes are kept in FOLDER: a run that was stopped goes on where
it was, and a finished one is judged anew within a minute or two.
"""

import argparse
from collections import Counter
from pathlib import Path

from benchmarks.planted_regressions import CORPUS, settings
from harness import shipped
from harness.decision.policy import load_policy
from harness.decision.release import Asked
from harness.lab.audit import share
from harness.records.gate import AGAINST, Outcome
from harness.run.comparison import Compared, compare_release
from harness.run.plan import Run


def verdict(found: Compared) -> str:
    """The worst outcome of all comparisons."""
    outcomes = {one.outcome for one in (*found.comparisons, *found.not_compared)}
    return next(kind for kind in (*AGAINST, Outcome.PASS) if kind in outcomes)


def main() -> None:
    """Print a line for every run, then the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(".harness"))
    parser.add_argument("--golden", type=Path, default=shipped.GOLDEN)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1000)
    arguments = parser.parse_args()
    policy, margins = load_policy()
    designs = {"one take": (1,), "auto": policy.looks}
    counts = {name: Counter[str]() for name in designs}
    for number in range(arguments.runs):
        run = Run(settings(arguments.out, arguments.seed + number * policy.looks[-1], folder=arguments.golden))
        line = f"seeds from {run.settings.first_seed}"
        for name, looks in designs.items():
            asked = Asked(tuple(CORPUS), True, policy, margins, looks)
            found = compare_release(run, CORPUS, asked, run.about())
            counts[name][verdict(found)] += 1
            takes = sum(len(kept) for kept in found.takes.values()) / sum(map(len, CORPUS.values()))
            line += f"   {name}: {verdict(found)}, {takes:.2f} takes of a text"
            blocked = {f"{one.stratum} {one.metric}" for one in found.comparisons if one.stands_against}
            line += f" ({', '.join(sorted(blocked))})" if blocked else ""
        run.close()
        print(line, flush=True)
    for name, count in counts.items():
        shares = (f"{kind} {share(count[kind], arguments.runs)}" for kind in ("FAIL", "PASS", "INCONCLUSIVE"))
        print(f"{name:<9}{'   '.join(shares)}")


if __name__ == "__main__":
    main()
