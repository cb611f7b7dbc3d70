"""What hearing costs: `python -m benchmarks.recognisers MODEL [--converted FOLDER] [--speech FOLDER --language CODE]`.

Prints seconds of processor time for each second of sound, for takes of 5 s in batches of 8: Whisper of the transformers
library as it is usually called (every take padded to 30 s), the same as this project calls it, and the same weights as
CTranslate2 runs them, beside plain faster-whisper where that is installed. "asked too" is with the likelihood of the
target and of all texts that it is compared with, with the times of its words, with what is expected in silence, and
with the same of the target as a synthesiser says it, where each take has a text of its own.
Then how far the scores of the two libraries lie apart, in nats, and how many transcripts are the same.

MODEL is a folder that transformers saved. Without --converted it is converted here, with weights of 8 bits.
Without --speech the shipped voices are heard.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from harness import audio, shipped, torchaudio_import
from harness.audio import Audio
from harness.corpus import Reference, Utterance, load_voices
from harness.lab.speech import recordings
from harness.metrics import metrics_of, target_likelihood
from harness.metrics.intelligibility import Floor
from harness.metrics.measuring import Measuring
from harness.metrics.recognition import language_key
from harness.metrics.recognition.ctranslate2_folder import CTranslate2Whisper
from harness.metrics.recognition.whisper import Whisper
from harness.records.measurement import Measurement
from harness.take import Provenance, Request, Stop, Take
from harness.text.hypotheses import hypotheses

TAKES, TAKE_S, BATCH, RATE_HZ = 16, 5.0, 8, 16_000
WORDS = [name for name in metrics_of(target_likelihood) if not name.startswith("second_")]
MOST = {"as this project calls it": 0.35, "as CTranslate2 runs it": 0.2}


def clips(folder: Path | None, language: str) -> list[tuple[Audio, str]]:
    """Takes of 5 s with what is said in them: people's, cut or followed by silence."""
    if folder is None:
        heard = [
            (audio.load(one.path), one.transcript) for one in load_voices(shipped.VOICES) if one.language == language
        ]
    else:
        known = [one for one in recordings(folder, joined_s=0.0) if language_key(one.language) == language]
        known = [one for one in known if one.has_text and 4.0 <= one.sound.duration_s <= TAKE_S]
        heard = [(one.sound, one.transcript) for one in known]
    takes = [(np.resize(_cut(sound), round(TAKE_S * RATE_HZ)), text) for sound, text in heard[:TAKES]]
    return [(Audio(samples, RATE_HZ), text) for samples, text in takes]


def _cut(sound: Audio) -> np.ndarray:
    samples = audio.resample(sound, RATE_HZ).samples[: round(TAKE_S * RATE_HZ)]
    return np.pad(samples, (0, round(TAKE_S * RATE_HZ) - samples.size))


def seconds(action: Callable[[], object], sound_s: float) -> float:
    """Processor time of a call for each second of sound."""
    began = time.process_time()
    action()
    return (time.process_time() - began) / sound_s


def padded(recognizer: Whisper, sounds: list[Audio], language: str) -> list[str]:
    """What the library's own call hears."""
    import torch

    model, processor = recognizer._loaded
    texts: list[str] = []
    for start in range(0, len(sounds), BATCH):
        given = processor(
            [one.samples for one in sounds[start : start + BATCH]],
            sampling_rate=RATE_HZ,
            return_tensors="pt",
            return_attention_mask=True,
        )
        with torch.inference_mode():
            tokens = model.generate(**given, language=language, task="transcribe", num_beams=1, do_sample=False)
        texts += processor.tokenizer.batch_decode(tokens, skip_special_tokens=True)
    return texts


def ask(recognizer: Whisper, sounds: list[Audio], texts: list[str], language: str) -> list[dict[str, Measurement]]:
    """All that a run asks about the words of takes."""
    reference = Reference("nobody", Path(), "", language, "nobody", "")
    takes = []
    for number, (sound, text) in enumerate(zip(sounds, texts, strict=True)):
        utterance = Utterance(f"benchmark-{number}", "benchmark", number, text, language, reference.id)
        request = Request(utterance, reference, 0, (), "benchmark")
        takes.append(Take(request, sound, Stop.EOS, Provenance("benchmark", "", "")))
    measuring = Measuring(recognizer=recognizer, floors={language_key(language): Floor(0.0, 0.0)})
    return measuring.measure(takes, WORDS)


def plain(folder: str, sounds: list[Audio], language: str, beams: int) -> Callable[[], object] | None:
    """What faster-whisper does when it is called alone, loaded already."""
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        return None
    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1)
    return lambda: [
        [part.text for part in model.transcribe(one.samples, language=language, beam_size=beams)[0]] for one in sounds
    ]


def apart(one: Whisper, other: Whisper, sounds: list[Audio], texts: list[str], language: str) -> str:
    """How far two recognisers' scores of the same texts lie apart."""
    languages = [language] * len(sounds)
    heard = [recognizer.transcribe(sounds, languages) for recognizer in (one, other)]
    asked = [hypotheses([text], said, language).texts for text, said in zip(texts, heard[0], strict=True)]
    scores = [recognizer.log_likelihoods(sounds, languages, asked) for recognizer in (one, other)]
    off = np.concatenate(
        [[b.total - a.total for a, b in zip(mine, theirs, strict=True)] for mine, theirs in zip(*scores, strict=True)]
    )
    same = sum(a == b for a, b in zip(*heard, strict=True))
    return (
        f"scores of {off.size} texts: mean {off.mean():+.2f}, standard deviation {off.std():.2f}, 95 % within "
        f"{np.quantile(np.abs(off), 0.95):.2f}, at most {np.abs(off).max():.2f} nats apart; {same} of {len(sounds)} "
        "transcripts the same"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--converted", type=Path)
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--language", default="en")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    with TemporaryDirectory() as work:
        folder = str(arguments.converted or Path(work) / "converted")
        if not arguments.converted:
            torchaudio_import.install()
            from ctranslate2.converters import TransformersConverter

            TransformersConverter(arguments.model, copy_files=["tokenizer.json"]).convert(folder, quantization="int8")
        takes = clips(arguments.speech, arguments.language)
        sounds, texts = [sound for sound, _ in takes], [text for _, text in takes]
        sound_s, language = TAKE_S * len(sounds), arguments.language
        languages = [language] * len(sounds)
        one, other = Whisper(arguments.model), CTranslate2Whisper(folder)
        for recognizer in (one, other):
            recognizer.transcribe(sounds[:1], languages[:1])
            recognizer._encoded.clear()
        rows: dict[str, Callable[[], object] | None] = {
            "transformers, padded to 30 s": lambda: padded(one, sounds, language),
            "as this project calls it": lambda: one.transcribe(sounds, languages),
            "as this project calls it, asked too": lambda: ask(one, sounds, texts, language),
            "as CTranslate2 runs it": lambda: other.transcribe(sounds, languages),
            "as CTranslate2 runs it, asked too": lambda: ask(other, sounds, texts, language),
            "plain faster-whisper, greedy": plain(folder, sounds, language, 1),
            "plain faster-whisper, 5 beams": plain(folder, sounds, language, 5),
        }
        print(f"{len(sounds)} takes of {TAKE_S:g} s; processor seconds a second of sound")
        for name, action in rows.items():
            one._encoded.clear()
            other._encoded.clear()
            cost = f"{seconds(action, sound_s):.3f}" if action else "not installed"
            promised = f" (promised: at most {MOST[name]:g})" if name in MOST else ""
            print(f"  {name:<38}{cost}{promised}", flush=True)
        print(apart(one, other, sounds, texts, language))


if __name__ == "__main__":
    main()
