"""A Ray cluster of two nodes gives the takes of one process; dead actors and nodes cost nothing that was finished."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from harness import shipped
from harness.backends import BackendOptions, open_backend
from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import load_voices
from harness.errors import BackendError, UsageError
from harness.run import cluster
from harness.run.cluster import Cluster
from harness.take import Request
from tests.synthetic import utterance

VOICES = load_voices(shipped.VOICES)


def requests(count, system, voices=2):
    return [
        Request(row, VOICES[number % voices], 0, chunks(row.text, BudgetConfig()), system)
        for number in range(count)
        for row in [utterance(id=f"short-{number:03d}", number=number + 1, text="مرحبا بكم")]
    ]


@pytest.fixture
def nodes(monkeypatch):
    """A head and a second node, each with one core."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster as Nodes

    made = Nodes(initialize_head=True, head_node_args={"num_cpus": 1})
    made.second = made.add_node(num_cpus=1)
    yield made
    made.shutdown()


@pytest.fixture
def spoken(nodes):
    made = Cluster("embedded", BackendOptions(), nodes.address, batch_size=2)
    yield made
    made.close()


def same(takes, asked):
    alone = open_backend("embedded", BackendOptions())
    try:
        expected = {take.request.digest: take.audio.samples.tobytes() for take in alone.generate(asked)}
    finally:
        alone.close()
    got = {take.request.digest: take.audio.samples.tobytes() for take in takes}
    return got == expected


@pytest.mark.slow
@pytest.mark.usefixtures("spoken_here")
def test_takes_of_two_nodes_are_those_of_one_process(spoken):
    asked = requests(6, spoken.identity)
    takes = list(spoken.generate(asked))
    assert [take.error for take in takes] == [""] * 6
    assert {take.request.reference.path for take in takes} == {voice.path for voice in VOICES[:2]}
    assert same(takes, asked)


def processes_of_actors():
    """By the title that Ray gives them: its list of actors is served by a dashboard that may not be up."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # the process has ended since
            if path.read_bytes().startswith(b"ray::Actor"):
                found.append(int(path.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("spoken_here")
def test_a_killed_actor_and_a_lost_node_cost_no_take_and_none_twice(spoken, nodes):
    # One voice: each new actor prepares anew what it speaks in.
    asked, takes = requests(12, spoken.identity, voices=1), []
    for take in spoken.generate(asked):
        takes.append(take)
        if len(takes) == 2:
            os.kill(processes_of_actors()[0], signal.SIGKILL)
        if len(takes) == 5:
            nodes.remove_node(nodes.second)
    assert [take.error for take in takes] == [""] * 12
    assert len({take.request.digest for take in takes}) == 12
    assert same(takes, asked)


@pytest.mark.slow
def test_a_batch_that_kills_every_actor_becomes_takes_with_an_error(nodes, monkeypatch):
    made = Cluster("embedded", BackendOptions(), nodes.address, batch_size=1)
    monkeypatch.setattr(cluster, "Actor", Deadly)
    try:
        asked = requests(3, made.identity)
        takes = {take.request.utterance.id: take for take in made.generate(asked)}
    finally:
        made.close()
    assert [bool(takes[one.utterance.id].error) for one in asked] == [True, False, False]
    assert "3 actors died with it" in takes["short-000"].error


class Deadly(cluster.Actor):
    """Dies of one request."""

    def speak(self, parcels):
        if parcels[0].request.utterance.id == "short-000":
            os._exit(1)
        yield from super().speak(parcels)


@pytest.mark.slow
def test_a_node_with_another_system_is_refused_by_name(nodes, monkeypatch):
    made = Cluster("embedded", BackendOptions(), nodes.address, batch_size=1)
    monkeypatch.setattr(type(made), "identity", "embedded r0")
    try:
        with pytest.raises(BackendError, match="another system than the driver"):
            list(made.generate(requests(1, "embedded r0")))
    finally:
        made.close()


def test_without_ray_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"voice-clone-harness\[cluster\]"):
        Cluster("embedded", BackendOptions(), "local", 8)


def test_where_no_cluster_answers_the_command_was_wrong():
    made = Cluster("embedded", BackendOptions(), "127.0.0.1:1", 8)
    with pytest.raises(UsageError, match=r"no Ray cluster answers at '127\.0\.0\.1:1'"):
        list(made.generate(requests(1, made.identity)))
