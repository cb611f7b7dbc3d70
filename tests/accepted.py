"""The smallest accepted release."""

from harness.records.baseline import Accepted, BaselineTake, Fingerprint, Model
from harness.records.measurement import Metric
from harness.take import Sampling

LENGTH = Metric("length", "s", "neither")


def accepted(**changes):
    known = {
        "by": "Layla",
        "on": "2026-01-02 03:04 UTC",
        "system": "m1",
        "model": Model("m", "1"),
        "fingerprint": Fingerprint(instruments={"encoder": "e1"}, device="cpu"),
        "sampling": Sampling(),
    }
    return Accepted(**known | changes)


def take(utterance="short-001", seed=0, value=2.0, **changes):
    known = {
        "utterance": utterance,
        "seed": seed,
        "speaker": "omar",
        "question": f"q{seed}",
        "audio": "a",
        "measurements": {"length": LENGTH.measured(value)},
    }
    return BaselineTake(**known | changes)
