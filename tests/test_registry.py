"""Every part is found by name, built in or of a team, and what is not there is said in one line with what is."""

import sys
from importlib.metadata import EntryPoint

import pytest

from harness import registry
from harness.errors import UsageError
from harness.metrics import measure_waveform
from tests.synthetic import take

MINE = """
from harness.metrics.declaration import measured, metric

@metric("loudest", unit="full scale", better="neither")
def loudest(sound):
    return measured(abs(sound.samples).max(), "the loudest sample")

class Loud:
    name = "loud"
"""


@pytest.fixture
def team(own_metrics, tmp_path, monkeypatch):
    """A module of a team, in the folder that the command is typed in."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team_metrics.py").write_text(MINE)
    yield tmp_path
    sys.modules.pop("team_metrics", None)


def test_a_metric_of_a_team_is_named_by_its_module_and_measured_with_the_rest(team):
    registry.add_metrics(["team_metrics"], "metrics")
    assert registry.metrics()["loudest"].metric.unit == "full scale"
    assert measure_waveform(take())["loudest"].detail == "the loudest sample"


def test_a_metric_of_an_installed_package_is_found_by_its_entry_point(team, monkeypatch):
    entry = EntryPoint("anything", "team_metrics", "harness.metrics")
    monkeypatch.setattr(registry, "entry_points", lambda group, **_: [entry] if group == "harness.metrics" else [])
    monkeypatch.setattr(registry, "_looked", [])
    assert "loudest" in registry.metrics()


@pytest.mark.parametrize(
    ("module", "complaint"),
    [
        ("no_such_module", "--metrics 'no_such_module' cannot be imported .ModuleNotFoundError"),
        ("broken", "--metrics 'broken' cannot be imported .ZeroDivisionError"),
    ],
)
def test_a_module_that_cannot_be_imported_is_said_in_one_line(team, module, complaint):
    (team / "broken.py").write_text("1 / 0")
    with pytest.raises(UsageError, match=complaint):
        registry.add_metrics([module], "--metrics")


def test_a_class_of_a_team_is_found_by_module_and_name(team):
    assert registry.get(registry.BACKEND, "team_metrics:Loud").name == "loud"
    with pytest.raises(
        UsageError, match=r"--backend 'team_metrics:Quiet': module .* has no Quiet; its classes are Loud"
    ):
        registry.get(registry.BACKEND, "team_metrics:Quiet")


def test_a_part_of_an_installed_package_has_a_short_name(team, monkeypatch):
    entry = EntryPoint("loud", "team_metrics:Loud", "harness.backends")

    def there(group, name="loud"):
        return [entry] if (group, name) == ("harness.backends", "loud") else []

    monkeypatch.setattr(registry, "entry_points", there)
    assert registry.get(registry.BACKEND, "loud").name == "loud"
    assert registry.names(registry.BACKEND)[-1] == "loud"


def test_what_is_not_there_is_said_with_what_is():
    with pytest.raises(
        UsageError,
        match=r"--backend 'tortoise' is no backend; there are command, directory, embedded, higgs, speech_server",
    ):
        registry.get(registry.BACKEND, "tortoise")
    assert registry.find(registry.RECOGNIZER, "openai/whisper-base") is None
