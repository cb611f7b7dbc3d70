import json
import subprocess
import sys

import numpy as np
import pytest

from harness.errors import UsageError

pytestmark = pytest.mark.slow  # imports torch and transformers


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_has_the_layout_of_the_released_repositories(tiny):
    assert set(files(tiny)) == {
        "codec/config.json",
        "codec/model.safetensors",
        "codec/preprocessor_config.json",
        "model/chat_template.jinja",
        "model/config.json",
        "model/generation_config.json",
        "model/model.safetensors",
        "model/processor_config.json",
        "model/tokenizer.json",
        "model/tokenizer_config.json",
    }


def test_it_is_small(tmp_path):
    from harness.backends.higgs import tiny

    tiny.write(tmp_path)
    assert sum(map(len, files(tmp_path).values())) < 10_000_000


def test_the_same_seed_builds_the_same_weights_and_another_seed_others(tiny, tmp_path):
    from harness.backends.higgs import tiny as builder

    for seed in (0, 1):
        builder.write(tmp_path / str(seed), seed)
    for name in ("model/model.safetensors", "codec/model.safetensors"):
        assert files(tmp_path / "0")[name] == files(tiny)[name]
        assert files(tmp_path / "1")[name] != files(tiny)[name]


def test_it_has_the_released_numbers_where_they_matter(tiny):
    config = json.loads((tiny / "model" / "config.json").read_text())
    assert (config["num_codebooks"], config["codebook_size"]) == (8, 1026)
    assert (config["audio_stream_bos_id"], config["audio_stream_eos_id"]) == (1024, 1025)
    defaults = json.loads((tiny / "model" / "generation_config.json").read_text())
    assert (defaults["ras_win_len"], defaults["ras_win_max_num_repeat"]) == (7, 2)
    assert defaults["_from_model_config"] is False


def test_special_tokens_stand_in_the_released_order(opened):
    tokenizer = opened()._load().prompter.processor.tokenizer
    named = {"<|eot_id|>": 128_009, "<|audio_out_bos|>": 128_013, "<|AUDIO_OUT|>": 128_016}
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in named}
    assert {name: found - ids["<|eot_id|>"] for name, found in ids.items()} == {
        name: released - 128_009 for name, released in named.items()
    }


def test_silence_comes_back_silent_and_speech_comes_back_loud(opened, voices):
    import torch

    from harness import audio

    codec = opened()._load().codec

    def there_and_back(samples):
        with torch.inference_mode():
            codes = codec.encode(torch.from_numpy(samples)[None, None]).audio_codes
            return codes, audio.rms_dbfs(codec.decode(codes).audio_values.numpy())

    codes, level = there_and_back(np.zeros(48_000, np.float32))
    assert (codes == 0).all()
    assert level < -100
    codes, level = there_and_back(audio.load(voices["layla"].path).samples)
    assert codes.shape == (1, 8, 130)
    assert all(len(book.unique()) >= 5 for book in codes[0])
    assert -45 < level < -10


def test_what_is_there_is_not_overwritten(tiny):
    from harness.backends.higgs import tiny as builder

    with pytest.raises(UsageError, match="holds model and codec already: give another folder"):
        builder.write(tiny)


def test_the_command_builds_it_and_says_how_to_run_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "harness", "tiny-higgs", str(tmp_path / "T")], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        f"pytest suites/ --backend higgs --model {tmp_path / 'T' / 'model'} --codec {tmp_path / 'T' / 'codec'}\n"
    )
