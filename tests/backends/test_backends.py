import pytest

from harness import registry
from harness.backends import BackendOptions, open_backend
from harness.errors import UsageError


def test_an_unknown_backend_is_refused_with_the_choice():
    with pytest.raises(
        UsageError,
        match="--backend 'tortoise' is no backend; there are command, directory, embedded, higgs, speech_server",
    ):
        open_backend("tortoise", BackendOptions())


@pytest.mark.parametrize("name", registry.names(registry.BACKEND))
def test_every_backend_answers_to_its_name(name, tmp_path):
    # The least that every kind of folder must hold to be named: a config, and weights without a tensor.
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    model = {"command": "sh {text} {reference} {out}"}.get(name, str(tmp_path))
    if name == "speech_server":
        with pytest.raises(UsageError, match="the address of a server is needed"):
            open_backend(name, BackendOptions(model=model))
        return
    assert open_backend(name, BackendOptions(model=model, codec=str(tmp_path))).name == name


@pytest.mark.parametrize(("model", "complaint"), [("", "needs a folder"), ("nowhere", "'nowhere' is no folder")])
def test_a_folder_that_is_not_there_is_said(model, complaint):
    with pytest.raises(UsageError, match=complaint):
        open_backend("directory", BackendOptions(model=model))


class Half:
    name = "half"

    def __init__(self, options):
        self.note = ""

    @property
    def identity(self):
        raise AssertionError("it takes long")


def test_a_class_that_is_no_whole_backend_is_one_line():
    with pytest.raises(UsageError, match=r"lacks sample_rate_hz, frame_rate_hz, reads, generate, close: a backend has"):
        open_backend(f"{__name__}:Half", BackendOptions())
