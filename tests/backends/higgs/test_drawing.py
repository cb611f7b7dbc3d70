import pytest

from harness.backends.higgs.drawing import by_inverse_cdf, choose
from harness.take import Sampling

pytestmark = pytest.mark.slow  # imports torch and transformers


def test_draws_follow_the_distribution_of_transformers():
    import torch
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits = torch.randn(1, 1026, generator=torch.Generator().manual_seed(3)) * 2
    scores = logits
    for warper in (TemperatureLogitsWarper(0.7), TopKLogitsWarper(50), TopPLogitsWarper(0.9)):
        scores = warper(None, scores)
    wanted = scores.softmax(-1)[0]
    draws = 40_000
    uniforms = ((torch.arange(draws, dtype=torch.float64) + 0.5) / draws)[:, None]
    found = choose(logits.expand(draws, 1, 1026), uniforms, Sampling(temperature=0.7, top_p=0.9))[:, 0]
    shares = torch.bincount(found, minlength=1026) / draws
    assert set(found.tolist()) == set(wanted.nonzero()[:, 0].tolist())
    assert (shares - wanted).abs().max() < 1e-4


@pytest.mark.parametrize(("uniform", "index"), [(0.0, 1), (0.49, 1), (0.51, 3), (1 - 2**-53, 3)])
def test_a_code_without_probability_is_never_drawn(uniform, index):
    import torch

    shares = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0], dtype=torch.float64)
    assert by_inverse_cdf(shares[None], torch.tensor([uniform], dtype=torch.float64)).tolist() == [index]
