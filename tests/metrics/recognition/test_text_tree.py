"""Many texts under one decoder: the same numbers as one by one, and words where the attention looks."""

import numpy as np
import pytest

from harness.metrics.recognition.text_tree import warped
from harness.metrics.recognition.whisper import Whisper
from tests.recognisers import noise, tiny_whisper

TEXTS = ["سلام", "سلام دار", "دار", "سلام سلام", ""]


def with_heads(folder):
    """A tiny Whisper that names its only layer's heads for alignment."""
    import json

    tiny_whisper(folder)
    path = folder / "generation_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(config | {"alignment_heads": [[0, 0], [0, 1]]}), encoding="utf-8")
    return Whisper(str(folder))


@pytest.mark.slow
def test_the_scores_are_those_of_the_library_text_by_text(tmp_path):
    import torch

    recognizer, clip = Whisper(str(tiny_whisper(tmp_path))), noise(2)
    (scores,) = recognizer.log_likelihoods([clip], ["ar"], [TEXTS])
    model, _ = recognizer._loaded
    states = next(iter(recognizer._encoded.values()))
    start = recognizer._start("ar")
    for text, score in zip(TEXTS, scores, strict=True):
        tokens = [*start, *recognizer._tokens(text), model.config.eos_token_id]
        with torch.inference_mode():
            hidden = model.model.decoder(
                input_ids=torch.tensor([tokens[:-1]]), encoder_hidden_states=states[None]
            ).last_hidden_state
            chances = model.proj_out(hidden)[0].log_softmax(dim=-1)
        said = [float(chances[place, tokens[place + 1]]) for place in range(len(start) - 1, len(tokens) - 1)]
        assert score.total == pytest.approx(sum(said), abs=1e-3)
        assert score.words == pytest.approx([sum(part) for part in _by_word(text, said, recognizer)], abs=1e-3)


def _by_word(text, said, recognizer):
    words = text.split()
    ends = [len(recognizer._tokens(" ".join(words[: place + 1]))) for place in range(len(words))]
    return [said[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.slow
def test_every_word_has_its_time_one_after_the_other_within_the_sound(tmp_path):
    recognizer, clip = with_heads(tmp_path), noise(3)
    (times,) = recognizer.word_times([clip], ["ar"], ["سلام دار سلام"])
    assert len(times) == 3
    edges = [edge for span in times for edge in span]
    assert edges == sorted(edges)
    assert 0 <= edges[0] < edges[-1] <= clip.duration_s + 0.02


@pytest.mark.slow
def test_a_model_that_names_no_heads_gives_no_times(tmp_path):
    assert Whisper(str(tiny_whisper(tmp_path))).word_times([noise(2)], ["ar"], ["سلام"]) == [[]]


def test_tokens_follow_where_they_look():
    looks = np.zeros((4, 20), np.float32)
    for token, (start, end) in enumerate([(0, 3), (3, 11), (11, 12), (12, 20)]):
        looks[token, start:end] = 1
    assert warped(looks) == [(0, 3), (3, 11), (11, 12), (12, 20)]
