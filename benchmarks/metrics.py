"""How fast the ruler is: `python -m benchmarks.metrics`.

Prints milliseconds of all model-free metrics for a take of 10 s, metric by metric, and how many times faster than real
time the speaker encoder hears a batch: medians of processor time, which is time on one core with OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1, whatever else the machine is doing.
"""

import time
from statistics import median

import numpy as np

from harness import audio, shipped
from harness.audio import Audio
from harness.corpus import load_corpus, load_voices
from harness.metrics import measure_waveform
from harness.metrics.measuring import Measuring, model_free
from harness.metrics.speaker_encoder import Resemblyzer
from harness.take import Provenance, Request, Stop, Take

SECONDS = 10.0
REPEATS = 15
BATCH = 16
MOST_MS = 60.0
LEAST_TIMES_REAL_TIME = 30.0


def example() -> Take:
    """Ten seconds of two shipped voices."""
    voices = load_voices(shipped.VOICES)
    clips = [audio.resample(audio.load(voice.path), 24_000).samples for voice in voices[:2]]
    sound = Audio(np.resize(np.concatenate(clips), round(SECONDS * 24_000)), 24_000)
    request = Request(load_corpus("short")[0], voices[2], 0, (), "benchmark")
    return Take(request, sound, Stop.EOS, Provenance("benchmark", "", ""))


def milliseconds(action: object, repeats: int = REPEATS) -> float:
    """Median processor time of a call."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        action()  # type: ignore[operator]
        times.append(time.process_time() - began)
    return 1000 * median(times)


def main() -> None:
    """Print the table."""
    take = example()
    measure_waveform(take)  # what is computed once for a reference
    total = milliseconds(lambda: measure_waveform(take))
    print(f"all model-free metrics of {SECONDS:g} s: {total:.1f} ms (promised: at most {MOST_MS:g} ms)")
    for name in model_free():
        alone = milliseconds(lambda name=name: Measuring().measure([take], [name]), 5)  # type: ignore[misc]
        print(f"  {name:<22}{alone:8.2f} ms, with what it needs")
    encoder = Resemblyzer()
    assert take.audio is not None
    encoder.embed([take.audio])
    clips = [Audio(np.roll(take.audio.samples, shift), 24_000) for shift in range(BATCH)]
    spent = milliseconds(lambda: encoder.embed(clips), 3) / 1000
    speed = BATCH * SECONDS / spent
    print(f"similarity, {BATCH} takes at once: {speed:.0f} x real time (promised: {LEAST_TIMES_REAL_TIME:g})")


if __name__ == "__main__":
    main()
