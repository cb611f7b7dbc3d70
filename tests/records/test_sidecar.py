import re

import pytest

from harness.errors import RecordError
from harness.records import schema
from harness.records.sidecar import Sidecar, SidecarReference
from harness.take import Provenance
from tests.synthetic import request


def test_what_is_known_of_a_take_is_kept_whole_and_shows_a_change(tmp_path):
    asked = request()
    sidecar = Sidecar(
        digest=asked.digest,
        audio="a" * 64,
        utterance=asked.utterance,
        reference=SidecarReference("layla", "0" * 64, "مرحبا", "ar"),
        chunks=asked.chunks,
        sampling=asked.sampling,
        seed=0,
        system="test r1",
        sample_rate_hz=24_000,
        stopped_by="eos",
        details={"columns_0": 74.0, "device": "cpu"},
        provenance=Provenance("test", "test", "r1", packages={"numpy": "2"}),
        batch=(asked.digest,),
    )
    schema.write(tmp_path / "a.json", sidecar)
    assert schema.read(tmp_path / "a.json", Sidecar, "run again") == schema.stamped(sidecar)


@pytest.mark.parametrize("wrong", ['"frames":-5', '"elapsed_s":-1.0', '"elapsed_s":NaN', '"elapsed_s":Infinity'])
def test_a_number_that_no_generation_has_is_refused(tmp_path, wrong):
    asked = request()
    whole = Sidecar(
        digest=asked.digest,
        audio="a" * 64,
        utterance=asked.utterance,
        reference=SidecarReference("layla", "0" * 64, "مرحبا", "ar"),
        chunks=asked.chunks,
        seed=0,
        system="test r1",
        sample_rate_hz=24_000,
        stopped_by="eos",
        frames=7,
        elapsed_s=1.0,
        provenance=Provenance("test", "test", "r1"),
    )
    text = schema.encode(schema.stamped(whole)).decode()
    name, _ = wrong.split(":")
    edited = re.sub(rf"{name}:[\d.]+", wrong, text)
    assert edited != text
    (tmp_path / "a.json").write_text(edited)
    with pytest.raises(RecordError, match="damaged"):
        schema.read(tmp_path / "a.json", Sidecar, "run again")
