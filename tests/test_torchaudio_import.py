import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from harness import torchaudio_import


def fall_back(error):
    def run(module):
        raise error

    module = ModuleType("torchaudio._extension")
    loader = torchaudio_import._FallBack(SimpleNamespace(exec_module=run, create_module=lambda spec: None))
    return loader, module


@pytest.mark.parametrize("error", [OSError("libcudart.so.13: cannot open"), RuntimeError("CUDA 13.2 against 13.0")])
def test_an_extension_that_does_not_load_counts_as_absent(error):
    loader, module = fall_back(error)
    with pytest.warns(RuntimeWarning, match="without its compiled extension"):
        loader.exec_module(module)
    assert module._IS_TORCHAUDIO_EXT_AVAILABLE is False
    with pytest.raises(RuntimeError, match="align needs torchaudio's compiled extension"):
        module.fail_if_no_align(SimpleNamespace(__name__="align"))()


def test_other_errors_are_not_swallowed():
    loader, module = fall_back(SyntaxError("broken file"))
    with pytest.raises(SyntaxError):
        loader.exec_module(module)


def test_the_hook_is_installed_once():
    torchaudio_import.install()
    assert sum(isinstance(finder, torchaudio_import._Finder) for finder in sys.meta_path) == 1


@pytest.mark.slow
def test_torchaudio_and_the_audio_classes_of_transformers_import_here():
    code = (
        "from harness import torchaudio_import; torchaudio_import.install(); import torchaudio; "
        "from transformers import DacModel; print(torchaudio.functional.resample.__name__)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "resample\n", done.stderr
