"""Ten ways in which a model gets worse, planted into the embedded voice and judged against its accepted release.

    python -m benchmarks.planted_regressions [--out FOLDER] [--seed N] [--only WORDS]

One take of every utterance is generated with a seed that the baseline has not seen; each regression then spoils these
takes, or asks the embedded voice for worse ones, and the whole comparison and every absolute gate judge them. The voice
as it is comes first. Takes are kept in FOLDER, so a second run is quick; who changes a regression takes another FOLDER.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np

from harness import shipped
from harness.audio import Audio
from harness.backends import BackendOptions
from harness.backends.embedded import EmbeddedBackend
from harness.corpus import load_corpus, load_voices, suites_of
from harness.decision.gates import load_profile
from harness.decision.policy import load_policy
from harness.decision.release import Asked
from harness.metrics.silence import Silences
from harness.records.gate import Outcome
from harness.run import plan
from harness.run.comparison import compare_release
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.take import Request, Take

Samples = np.ndarray[tuple[int], np.dtype[np.float32]]
RATE_HZ = EmbeddedBackend.sample_rate_hz
CORPUS = {suite: load_corpus(suite) for suite in suites_of()}
VOICES = {voice.id: voice for voice in load_voices(shipped.VOICES)}
WRONG = "هذا نص آخر لا علاقة له بما طلب منه"


def tape_speed(samples: Samples) -> Samples:
    """Ten per cent higher and faster: the voice of a smaller person.

    Over 36 texts (short and diacritized, one take) that loses 0.051 in similarity, two and a half margins, and FAILs.
    Six per cent lose 0.017, which is shown worse and lies inside the margin of 0.02: INCONCLUSIVE after one take, and
    no loss that the rule promises to find.
    """
    import soxr

    return np.asarray(soxr.resample(samples, RATE_HZ * 1.1, RATE_HZ), np.float32)


def longer_pauses(samples: Samples) -> Samples:
    """0.4 s more at the quietest inner moment of every two seconds."""
    levels = Silences.of(Audio(samples, RATE_HZ)).levels_dbfs
    hop, parts, begun = RATE_HZ // 50, [], 0
    for start in range(10, len(levels) - 10, 100):
        cut = (start + int(np.argmin(levels[start : min(start + 100, len(levels) - 10)]))) * hop
        parts += [samples[begun:cut], noise(round(0.4 * RATE_HZ), -80.0)]
        begun = cut
    return np.concatenate([*parts, samples[begun:]])


def noise(count: int, dbfs: float) -> Samples:
    """White noise, the same every time."""
    return (np.random.default_rng(1).standard_normal(count) * 10 ** (dbfs / 20)).astype(np.float32)


def band_limited(samples: Samples) -> Samples:
    """Nothing above 4 kHz."""
    from scipy.signal import butter, sosfiltfilt

    return np.asarray(sosfiltfilt(butter(8, 4000, fs=RATE_HZ, output="sos"), samples), np.float32)


@dataclass(frozen=True)
class Regression:
    """What a worse model does: to what it is asked, to its sound, and to which takes."""

    name: str
    sound: Callable[[Samples], Samples] = lambda samples: samples
    asked: Callable[[Request], Request] = lambda request: request
    hits: Callable[[Request], bool] = lambda request: True
    slower: float = 1.0


def swapped(request: Request) -> Request:
    """Omar's texts in Yusuf's voice."""
    return replace(request, reference=VOICES["yusuf"])


def wrong_words(request: Request) -> Request:
    """Another text, as long as the right one in words."""
    (chunk, *_), count = request.chunks, len(request.utterance.text.split())
    other = " ".join((WRONG.split() * count)[:count]) + "."
    return replace(request, chunks=(replace(chunk, text=other),))


REGRESSIONS = (
    Regression("less similar voice", tape_speed),
    Regression("10 % slower", slower=1.1),
    Regression("longer pauses", longer_pauses),
    Regression(
        "cut endings, 1 in 5",
        lambda samples: samples[: round(0.8 * samples.size)],
        hits=lambda request: request.utterance.number % 5 == 2,
    ),
    Regression("one voice swapped", asked=swapped, hits=lambda request: request.reference.id == "omar"),
    Regression("noise floor +10 dB", lambda samples: samples + noise(samples.size, -70.0)),
    Regression("louder clipping", lambda samples: np.clip(samples * np.float32(6.0), -1.0, 1.0)),
    Regression("band-limited", band_limited),
    Regression("wrong words", asked=wrong_words, hits=lambda request: request.utterance.suite == "diacritized"),
    Regression("one suite silent", np.zeros_like, hits=lambda request: request.utterance.suite == "short"),
)


class Worse:
    """The embedded voice with its quality turned down; nothing in the package knows of it."""

    name, sample_rate_hz, note = "embedded", RATE_HZ, ""
    frame_rate_hz = EmbeddedBackend.frame_rate_hz

    def __init__(self, regression: Regression, clean: Run) -> None:
        assert clean.backend is not None  # opened before `open_backend` is this one
        self._regression, self._clean = regression, clean
        self.identity = f"{clean.backend.identity} {regression.name}"

    def generate(self, requests: Sequence[Request]) -> list[Take]:
        good = [self._asked(request) for request in requests]
        self._clean.generate(good)
        return [self._spoilt(request, self._clean.take(asked)) for request, asked in zip(requests, good, strict=True)]

    def _asked(self, request: Request) -> Request:
        clean = replace(request, system=self._clean.backend.identity)
        return self._regression.asked(clean) if self._regression.hits(request) else clean

    def _spoilt(self, request: Request, take: Take) -> Take:
        assert take.audio is not None, take.error
        if not self._regression.hits(request):
            return replace(take, request=request)
        return replace(take, request=request, audio=Audio(self._regression.sound(take.audio.samples), RATE_HZ))

    def close(self) -> None:
        """Nothing of its own."""


def settings(out: Path, seed: int, slower: float = 1.0, folder: Path = shipped.GOLDEN) -> Settings:
    """A run of the embedded voice."""
    options = BackendOptions(words_per_minute=114.0 / slower if slower != 1.0 else None)
    profile = load_profile("documented", "embedded")
    return Settings("embedded", options, profile, out, first_seed=seed, batch_size=70, golden=folder)


@dataclass(frozen=True)
class Answer:
    """What the gate says of a release."""

    comparisons: Counter[str]
    """By outcome."""
    found: frozenset[str]
    """Metrics of which a comparison failed; `METRIC (lost)` by its lost utterances."""
    gates: Counter[str]
    """Absolute gates that failed, with the number of takes."""

    @property
    def blocked(self) -> bool:
        """Whether the release is found worse or broken."""
        return bool(self.found or self.gates)


def answer(run: Run, suites: Sequence[str] = tuple(CORPUS), judged: Sequence[str] | None = None) -> Answer:
    """Judge a run of one take of each utterance: the comparison of these suites, and absolute gates.

    Args:
        run: Of a release.
        suites: Whose takes are made and judged.
        judged: Metrics whose gates are asked; all where it is None.
    """
    policy, margins = load_policy()
    corpus = {suite: CORPUS[suite] for suite in suites}
    asked = Asked(tuple(suites), True, policy, margins, looks=(1,))
    compared = compare_release(run, corpus, asked, run.about())
    gates = Counter[str]()
    for suite, rows in corpus.items():
        there = dict.fromkeys(gate.metric for gate in run.profile.gates if gate.is_for(suite))
        metrics = [metric for metric in there if judged is None or metric in judged]
        for row in rows if metrics else ():
            verdicts = run.judge(run.take(run.request(row, run.settings.first_seed)), tuple(metrics))
            gates.update(one.gate.name for one in verdicts if one.outcome == Outcome.FAIL)
    return Answer(
        Counter(one.outcome for one in compared.comparisons),
        frozenset(
            f"{one.metric}{' (lost)' if one.question == 'lost' else ''}"
            for one in compared.comparisons
            if one.outcome == Outcome.FAIL
        ),
        gates,
    )


def worse(
    regression: Regression,
    out: Path,
    seed: int,
    suites: Sequence[str] = tuple(CORPUS),
    folder: Path = shipped.GOLDEN,
    judged: Sequence[str] | None = None,
) -> Answer:
    """Judge the embedded voice with this regression; arguments as in `settings` and `answer`."""
    clean = Run(settings(out, seed, regression.slower))
    with mock.patch.object(plan, "open_backend", return_value=Worse(regression, clean)):
        found = answer(Run(settings(out, seed, folder=folder)), suites, judged)
    clean.close()
    return found


def show(name: str, found: Answer) -> None:
    """One line: the answer, and what found it."""
    said = next((kind for kind in ("FAIL", "INCONCLUSIVE") if found.comparisons[kind]), "PASS")
    gates = ", ".join(f"{gate} {count}" for gate, count in found.gates.items())
    print(
        f"{name:<22}{said:<14}{found.comparisons['FAIL']:>3} FAIL {found.comparisons['INCONCLUSIVE']:>3} open  "
        f"{', '.join(sorted(found.found))}{f'; gates, by takes: {gates}' if gates else ''}",
        flush=True,
    )


def main() -> None:
    """Print a line for every regression."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(".harness"))
    parser.add_argument("--golden", type=Path, default=shipped.GOLDEN)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    if arguments.only in "unchanged":
        run = Run(settings(arguments.out, arguments.seed, folder=arguments.golden))
        show("unchanged", answer(run))
        run.close()
    for regression in REGRESSIONS:
        if arguments.only in regression.name:
            show(regression.name, worse(regression, arguments.out, arguments.seed, tuple(CORPUS), arguments.golden))


if __name__ == "__main__":
    main()
