"""What the command line says about the system under test, from text to values.

Everything is read before anything is generated, so that a mistake is one line.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.backends import BackendOptions
from harness.cloning.budget import BudgetConfig
from harness.errors import UsageError
from harness.take import Sampling


@dataclass(frozen=True, slots=True)
class Option:
    """One option with a value; the name of its ini entry is `harness_` and the flag."""

    flag: str
    default: str
    help: str
    metavar: str = "NAME"

    @property
    def name(self) -> str:
        """Where pytest keeps it."""
        return "harness_" + self.flag.removeprefix("--").replace("-", "_")


@dataclass(frozen=True, slots=True)
class Switch:
    """One option that is on or off."""

    flag: str
    help: str

    @property
    def name(self) -> str:
        """Where pytest keeps it."""
        return self.flag.removeprefix("--").replace("-", "_")


OPTIONS = (
    Option(
        "--backend",
        "",
        "system under test: embedded, higgs or directory; when left out, higgs for --gpu with --model, else embedded",
    ),
    Option("--model", "", "the system under test: a folder or a hub id; for the directory backend, its audio", "MODEL"),
    Option(
        "--codec", "", "the model's codec: a folder or a hub id; when left out, what the model's config names", "CODEC"
    ),
    Option("--revision", "", "hub revision of the model", "COMMIT"),
    Option("--codec-revision", "", "hub revision of the codec, which is not the model's", "COMMIT"),
    Option("--dtype", "", "of the model: bfloat16, float16 or float32; when left out, bfloat16 on a GPU, else float32"),
    Option("--attn", "sdpa", "attention: eager, sdpa, flex_attention or flash_attention_2"),
    Option("--generation-timeout", "600", "seconds after which a batch that still generates is stopped", "SECONDS"),
    Option("--sampling", "sampled", "how codes are drawn: sampled or greedy; greedy needs --ras off"),
    Option("--temperature", "0.3", "of the draw", "T"),
    Option("--top-k", "50", "most likely codes that a draw is from", "N"),
    Option("--top-p", "0.95", "share of the probability that a draw is from", "P"),
    Option("--ras", "7/2", "draw again what stood REPEATS times in the last WINDOW columns, or off", "WINDOW/REPEATS"),
    Option("--system-text", "instruction", "text of the system turn: instruction, short, or your own", "TEXT"),
    Option("--scene", "", "where the recording is made, in words", "TEXT"),
    Option("--reference-window", "30", "seconds of a reference that condition a take; the rest is cut", "SECONDS"),
    Option(
        "--budget", "adaptive", "frames a text may use: adaptive, by its words, or fixed, --max-frames for all", "HOW"
    ),
    Option("--budget-wpm", "150", "words a minute that the budget reckons with", "WPM"),
    Option("--budget-buffer", "1.5", "how much longer than a reader the budget lets a model take", "FACTOR"),
    Option("--min-frames", "64", "least frames of any budget", "N"),
    Option("--max-frames", "512", "most frames of any budget", "N"),
    Option("--speaking-rate", "", "words a minute, where the backend takes a rate", "WPM"),
    Option("--batch-size", "8", "takes generated in one go", "N"),
    Option("--sample-rate", "", "rate of the takes, where the backend cannot know it (default there: 24000)", "HZ"),
    Option("--frame-rate", "", "codec steps a second, where the backend cannot know it (default there: 25)", "HZ"),
    Option("--dialect", "", "of a speech server: openai, vllm-omni, sglang-omni or chat; when left out, it is asked"),
    Option("--served-model", "", "which model a speech server is asked for, where it has several"),
    Option("--concurrency", "", "takes made at once: 8 when left out for a speech server, 1 for a command", "N"),
)

FOR_EVERY_BACKEND = (
    *("--backend", "--batch-size", "--gpu", "--generation-timeout"),
    *("--budget", "--budget-wpm", "--budget-buffer", "--min-frames", "--max-frames"),
)
"""What shapes the requests, whoever answers them; how long they may take; where encoder and recognisers run."""

SWITCHES = (
    Switch("--outside-files", "let a manifest of the directory backend name files outside its folder"),
    Switch("--stream", "ask a speech server for its sound as it comes"),
    Switch("--gpu", "run on a CUDA GPU; without one the command is refused"),
    Switch(
        "--static-cache", "always --batch-size rows a step, as on a GPU and in half precision, where it is so anyway"
    ),
    Switch("--compile", "compile the model's step, with a fixed number of rows"),
    Switch(
        "--reference-fallback",
        "speak without conditioning where a reference cannot be used; such takes are marked and never pass similarity",
    ),
)


def backend_name(value: Callable[[str], str], gpu: bool) -> str:
    """The backend that was asked for, or the one that the other options mean."""
    return value("--backend") or ("higgs" if gpu and value("--model") else "embedded")


def read(value: Callable[[str], str], is_on: Callable[[str], bool], here: Path, device_number: int) -> BackendOptions:
    """The options of the system under test.

    Args:
        value: Gives the text of an option.
        is_on: Whether a switch was given.
        here: Where relative paths start.
        device_number: Which CUDA device this process has.

    Raises:
        UsageError: A value is no number, or out of range.
    """
    rate, sample_rate, frame_rate = value("--speaking-rate"), value("--sample-rate"), value("--frame-rate")
    at_once = value("--concurrency")
    return BackendOptions(
        model=_found(here, value("--model")),
        codec=_found(here, value("--codec")),
        revision=value("--revision"),
        codec_revision=value("--codec-revision"),
        dtype=value("--dtype"),
        attention=value("--attn"),
        batch_size=int(number("--batch-size", value("--batch-size"), whole=True)),
        static_cache=is_on("--static-cache"),
        compile=is_on("--compile"),
        timeout_s=number("--generation-timeout", value("--generation-timeout")),
        system_text=value("--system-text"),
        scene=value("--scene"),
        reference_window_s=number("--reference-window", value("--reference-window")),
        reference_fallback=is_on("--reference-fallback"),
        gpu=is_on("--gpu"),
        device_number=device_number,
        words_per_minute=number("--speaking-rate", rate) if rate else None,
        sample_rate_hz=int(number("--sample-rate", sample_rate, least=1000, whole=True)) if sample_rate else 0,
        frame_rate_hz=number("--frame-rate", frame_rate) if frame_rate else 0,
        dialect=value("--dialect"),
        served_model=value("--served-model"),
        concurrency=int(number("--concurrency", at_once, whole=True)) if at_once else 0,
        stream=is_on("--stream"),
        outside_files=is_on("--outside-files"),
    )


def refuse_unread(backend: str, reads: Sequence[str], given: Iterable[str]) -> None:
    """Refuse options that a backend would ignore: whoever gives one believes that it matters.

    Args:
        backend: Its name.
        reads: What it declares.
        given: Flags of `OPTIONS` and `SWITCHES` that somebody gave.

    Raises:
        UsageError: Some are not read; names them.
    """
    ignored = sorted(set(given) - set(reads) - set(FOR_EVERY_BACKEND))
    if ignored:
        raise UsageError(
            f"the {backend} backend does not read {', '.join(ignored)}: leave "
            f"{'it' if len(ignored) == 1 else 'them'} out, or choose another system with --backend"
        )


def sampling(value: Callable[[str], str]) -> Sampling:
    """How the model draws its codes.

    Raises:
        UsageError: A value is malformed, or greedy is asked for with a repetition window.
    """
    how, window = value("--sampling"), value("--ras")
    if how not in {"sampled", "greedy"}:
        raise UsageError(f"--sampling is {how!r}; sampled or greedy is needed")
    columns, slash, repeats = window.partition("/")
    if window != "off" and not (slash and columns.isdecimal() and repeats.isdecimal() and int(columns)):
        raise UsageError(f"--ras is {window!r}; off, or WINDOW/REPEATS such as 7/2 is needed")
    return Sampling(
        temperature=number("--temperature", value("--temperature"), least=0),
        top_k=int(number("--top-k", value("--top-k"), whole=True)),
        top_p=number("--top-p", value("--top-p"), least=0),
        do_sample=how == "sampled",
        ras_window=0 if window == "off" else int(columns),
        ras_repeats=2 if window == "off" else int(repeats),
    )


def budget(value: Callable[[str], str]) -> BudgetConfig:
    """How many frames a text may use.

    Raises:
        UsageError: A value is malformed, or the least is above the most.
    """
    if value("--budget") not in {"adaptive", "fixed"}:
        raise UsageError(f"--budget is {value('--budget')!r}; adaptive or fixed is needed")
    return BudgetConfig(
        words_per_minute=number("--budget-wpm", value("--budget-wpm")),
        buffer=number("--budget-buffer", value("--budget-buffer"), least=0),
        min_frames=int(number("--min-frames", value("--min-frames"), whole=True)),
        max_frames=int(number("--max-frames", value("--max-frames"), whole=True)),
        adaptive=value("--budget") == "adaptive",
    )


def number(flag: str, given: str, least: float = 1, whole: bool = False) -> float:
    """The number that an option holds.

    Raises:
        UsageError: It is none, or below `least`.
    """
    kind = "a whole number" if whole else "a number"
    try:
        value = int(given) if whole else float(given)
    except ValueError:
        raise UsageError(f"{flag} is {given!r}; {kind} of at least {least:g} is needed") from None
    if not least <= value < float("inf"):
        raise UsageError(f"{flag} is {given!r}; {kind} of at least {least:g} is needed")
    return value


def _found(here: Path, given: str) -> str:
    """A path from where the command was typed; a hub id, an address or a command line stays as it is."""
    try:
        return str(here / given) if given and (here / given).exists() else given
    except OSError:  # too long for a path
        return given
