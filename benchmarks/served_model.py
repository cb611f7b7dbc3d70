"""How much sooner a served model is judged when it is asked several times at once: `python -m benchmarks.served_model`.

A stand-in server that needs half a second a take is asked for the shipped 70 takes one at a time and eight at a time,
through the whole of a run's generation: plan, locks, store. The proof before the first take counts.
"""

import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import shipped
from harness.backends import BackendOptions
from harness.corpus import load_corpus, suites_of
from harness.decision.gates import load_profile
from harness.run.plan import Run, Settings
from tests.stand_in import running

SECONDS = 0.5
LEAST_TIMES = 3.0


def seconds(url: str, at_once: int, out: Path) -> tuple[float, int]:
    """Wall-clock seconds of all takes, and how many there are."""
    options = BackendOptions(model=url, concurrency=at_once)
    run = Run(Settings("speech_server", options, load_profile("documented", "speech_server"), out))
    requests = [run.request(row, 0) for suite in suites_of(shipped.CORPUS) for row in load_corpus(suite)]
    began = time.monotonic()
    run.generate(requests)
    elapsed = time.monotonic() - began
    broken = [take.error for take in map(run.take, requests) if take.error]
    assert not broken, broken[0]
    return elapsed, len(requests)


def main() -> None:
    """Print both and their ratio."""
    found = {}
    with running("vllm-omni", "tone", SECONDS) as server, TemporaryDirectory() as folder:
        for at_once in (1, 8):
            out = Path(folder) / str(at_once)
            found[at_once], takes = seconds(server.url, at_once, out)
            print(f"{takes} takes, {at_once} at once: {found[at_once]:.1f} s")
            shutil.rmtree(out)
    times = found[1] / found[8]
    print(
        f"{times:.1f} times as fast; at least {LEAST_TIMES:g} is asked for: {'yes' if times >= LEAST_TIMES else 'NO'}"
    )


if __name__ == "__main__":
    main()
