"""How many frames a text may use: the documented token budget, and sentence chunks for texts beyond it.

Conventions: words as `harness.text.words` counts them, frames of one codec step, 25 a second unless the system under
test says otherwise. The documented formula
is words / 150 x 60 s x 1.5 x 25 frames, clamped to 64-512; with the defaults that is exactly 15 frames a word.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from harness.errors import UsageError
from harness.take import Chunk, TokenBudget
from harness.text import ReadingRate, reading_rate, sentences


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """Every constant of the token budget, with the documented defaults."""

    words_per_minute: float = 150
    buffer: float = 1.5
    """How much longer than a reader a model may take."""
    frame_rate_hz: float = 25
    min_frames: int = 64
    max_frames: int = 512
    adaptive: bool = True
    """Off: every text gets `max_frames`."""
    closing_frames: int = 9
    """Columns that a delay-pattern codec model spends on opening and closing its streams; they carry no audio."""
    unit: str = "words"
    """What `words_per_minute` counts: words, or letters where words are not set apart."""

    def __post_init__(self) -> None:
        for name in ("words_per_minute", "buffer", "frame_rate_hz", "min_frames", "max_frames"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise UsageError(f"token budget: {name} is {value!r}; a positive number is needed")
        if self.min_frames > self.max_frames:
            raise UsageError(f"token budget: min_frames {self.min_frames} is above max_frames {self.max_frames}")

    def at_rate(self, frame_rate_hz: float) -> "BudgetConfig":
        """The same seconds for a codec of another frame rate: the clamp is documented for 25 frames a second.

        >>> BudgetConfig().at_rate(12.5).max_frames
        256
        """
        if frame_rate_hz == self.frame_rate_hz:
            return self
        scale = Fraction(str(frame_rate_hz)) / Fraction(str(self.frame_rate_hz))
        return replace(
            self,
            frame_rate_hz=frame_rate_hz,
            min_frames=ceil(self.min_frames * scale),
            max_frames=max(1, int(self.max_frames * scale)),
        )

    def for_reading_time(self, name: str) -> "BudgetConfig":
        """The same budget for texts whose language has a reading rate of its own, as gates.toml names it.

        >>> BudgetConfig().for_reading_time("255 letters a minute").of("早上好，很高兴再次见到您。").expected_frames
        98
        """
        rate = reading_rate(name)
        return replace(self, words_per_minute=rate.per_minute, unit=rate.unit) if rate else self

    def count(self, text: str) -> int:
        """What of a text the budget counts."""
        return ReadingRate(self.words_per_minute, self.unit).count(text)

    def expected_frames(self, n_words: int) -> int:
        """Frames that n words need at the reading rate with the buffer, unclamped; rounded up, never down.

        Fractions, because 6 words in floating point come out as 89.99999 frames.

        >>> BudgetConfig().expected_frames(6)
        90
        """
        seconds = Fraction(n_words) * 60 / Fraction(str(self.words_per_minute)) * Fraction(str(self.buffer))
        return ceil(seconds * Fraction(str(self.frame_rate_hz)))

    def of(self, text: str) -> TokenBudget:
        """The budget of a text, whatever it holds: total on arbitrary Unicode, at least `min_frames`."""
        expected = self.expected_frames(self.count(text))
        wanted = expected if self.adaptive else self.max_frames
        return TokenBudget(
            expected_frames=expected,
            max_frames=min(max(wanted, self.min_frames), self.max_frames),
            frame_rate_hz=self.frame_rate_hz,
        )

    def columns(self, budget: TokenBudget) -> int:
        """What the model may generate (`max_new_tokens`) so that the budget means frames of audio.

        T frames take one column that opens the eight streams, T + 7 because each codebook lags the one before it by a
        column, and one that closes them all: T + 9 for a generation that ends by itself.

        >>> BudgetConfig().columns(TokenBudget(64, 64, 25))
        73
        """
        return budget.max_frames + self.closing_frames

    @property
    def words_within_cap(self) -> int:
        """The most words whose unclamped budget still fits under `max_frames`.

        >>> BudgetConfig().words_within_cap
        34
        """
        per_word = (
            60 / Fraction(str(self.words_per_minute)) * Fraction(str(self.buffer)) * Fraction(str(self.frame_rate_hz))
        )
        return int(self.max_frames / per_word)


def chunks(text: str, config: BudgetConfig, by_sentence: bool = False) -> tuple[Chunk, ...]:
    """What is generated in one go: the whole text, or runs of whole sentences that each fit their budget.

    A single sentence beyond the cap stays whole: cutting inside it would change how it is spoken.
    """
    parts = list(_within_cap(sentences(text), config)) if by_sentence else []
    return tuple(Chunk(part, config.of(part)) for part in parts or [text])


def _within_cap(parts: list[str], config: BudgetConfig) -> Iterator[str]:
    held: list[str] = []
    for part in parts:
        if held and config.count(" ".join([*held, part])) > config.words_within_cap:
            yield " ".join(held)
            held = []
        held.append(part)
    if held:
        yield " ".join(held)
