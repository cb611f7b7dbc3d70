"""Sentences whose words are tones, and a recogniser that hears them."""

import numpy as np

from harness.audio import Audio
from harness.lab.speech import Recording
from harness.metrics.recognition import TextScore
from harness.text.alignment import align

RATE_HZ, WORD_S, GAP_S = 24_000, 0.3, 0.1
WORDS = ("abcd", "efgh", "ijkl", "mnop", "qrst", "uvwx", "yzab")
HZ = {word: 300.0 + 150.0 * number for number, word in enumerate(WORDS)}


def spoken(words):
    """Each word a tone of its own, with a pause after it."""
    times = np.arange(round(WORD_S * RATE_HZ)) / RATE_HZ
    gap = np.zeros(round(GAP_S * RATE_HZ))
    pieces = [piece for word in words for piece in (0.3 * np.sin(2 * np.pi * HZ[word] * times), gap)]
    return Audio(np.concatenate([gap, *pieces]).astype(np.float32), RATE_HZ)


class ByTone:
    """Writes the word of every tone it hears; every letter more or less costs a text 3 nats."""

    fingerprint, weights = "by tone", "feedfacefeedface"

    def __init__(self, device="cpu", deaf=False):
        self.deaf, self.heard = deaf, 0

    def tones(self, clip):
        hop = RATE_HZ // 100
        loud = [bool(np.abs(clip.samples[at : at + hop]).max() > 0.05) for at in range(0, clip.samples.size - hop, hop)]
        edges = np.flatnonzero(np.diff([0, *loud, 0]))
        return [
            (int(one * hop), int(two * hop)) for one, two in zip(edges[::2], edges[1::2], strict=True) if two - one > 3
        ]

    def words(self, clip):
        if self.deaf:
            return list(WORDS[:4])
        found = []
        for start, end in self.tones(clip):
            power = np.abs(np.fft.rfft(clip.samples[start:end], 1 << 16))
            hz = np.fft.rfftfreq(1 << 16, 1 / RATE_HZ)[power.argmax()]
            found.append(min(WORDS, key=lambda word: abs(HZ[word] - hz)))
        return found

    def transcribe(self, clips, languages):
        self.heard += len(clips)
        return [" ".join(self.words(clip)) for clip in clips]

    def log_likelihoods(self, clips, languages, texts):
        return [
            [TextScore(-3.0 * distance(text, " ".join(self.words(clip)))) for text in wanted]
            for clip, wanted in zip(clips, texts, strict=True)
        ]

    def word_times(self, clips, languages, texts):
        if self.deaf:
            return [
                [(clip.duration_s * place / many, clip.duration_s * (place + 1) / many) for place in range(many)]
                for clip, many in zip(clips, (len(text.split()) for text in texts), strict=True)
            ]
        return [[(start / RATE_HZ, end / RATE_HZ) for start, end in self.tones(clip)] for clip in clips]


def distance(one, other):
    return 4 * align(*([((word,),) for word in text.split()] for text in (one, other))).errors


def sentences(many=20):
    rng = np.random.default_rng(3)
    drawn = [[WORDS[n] for n in rng.permutation(len(WORDS))[: 4 + number % 3]] for number in range(many)]
    return [Recording(f"s{number % 6}", "en", " ".join(words), spoken(words)) for number, words in enumerate(drawn)]
