from dataclasses import replace

import pytest

from harness.take import Sampling
from tests.synthetic import reference, request, utterance


def test_a_request_has_one_name_wherever_it_is_asked():
    assert request().digest == request().digest
    assert len(request().digest) == 64


@pytest.mark.parametrize(
    "changed",
    [
        request(text="نص آخر"),
        request(utterance=utterance(id="short-002")),
        request(seed=1),
        request(system="test r2"),
        request(sampling=Sampling(temperature=1.0)),
        request(reference=reference(sha256="1" * 64)),
        request(reference=reference(transcript="أهلا")),
        request(utterance=utterance(language="en")),
    ],
)
def test_whatever_shapes_the_take_changes_the_name(changed):
    assert changed.digest != request().digest


def test_what_does_not_shape_the_take_does_not_change_the_name(tmp_path):
    elsewhere = replace(request(), reference=reference(path=tmp_path / "layla.wav"), utterance=utterance(note="x"))
    assert elsewhere.digest == request().digest


def test_the_documented_sampling_is_the_default():
    assert Sampling() == Sampling(temperature=0.3, top_k=50, top_p=0.95, do_sample=True, use_cache=True)


def test_a_request_may_use_what_its_chunks_may_use():
    assert request().max_frames == 75


def test_an_utterance_and_seed_draw_alike_from_every_system_and_unlike_all_others():
    draws = {request(utterance=utterance(id=name), seed=seed).entropy for name in ("a", "b") for seed in (0, 1)}
    assert len(draws) == 4
    assert request().entropy == request(system="test r2").entropy
    assert all(0 <= drawn < 2**63 for drawn in draws)
