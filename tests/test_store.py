import json
import os
from dataclasses import replace

import numpy as np
import pytest

from harness.audio import Audio, content_hash
from harness.store import DerivedValues, Store
from harness.take import Provenance, Stop
from tests.synthetic import draw, request, take, write_voice


def asked(tmp_path, **changes):
    return request(reference=write_voice(tmp_path / "voices", "layla", draw("#" * 20)), **changes)


def test_a_take_is_given_back_as_it_was_kept(tmp_path):
    store = Store(tmp_path)
    kept = store.put(take(draw("##..##"), Stop.SILENCE, asked=asked(tmp_path)))
    again = store.get(kept.request)
    assert (again.stopped_by, again.frames, again.provenance) == (Stop.SILENCE, 65, kept.provenance)
    np.testing.assert_array_equal(again.audio.samples, kept.audio.samples)
    assert kept.path.name == f"{kept.request.digest}.wav"


def test_what_is_judged_is_what_is_on_disk(tmp_path):
    sound = Audio(np.full(24_000, 1e-6, np.float32), 24_000)
    kept = Store(tmp_path).put(take(sound, asked=asked(tmp_path)))
    assert kept.audio.samples.max() == 0


def test_a_kept_take_with_another_sound_has_that_sound(tmp_path):
    made = take(draw("#" * 10))
    kept = Store(tmp_path).put(made)
    other = replace(kept, audio=draw("#" * 5))
    assert other.audio.duration_s == pytest.approx(0.5)
    assert (other.request, other.path, other.sha256) == (kept.request, kept.path, kept.sha256)


def test_a_take_that_was_never_made_is_not_there(tmp_path):
    assert Store(tmp_path).get(request()) is None


@pytest.mark.parametrize(
    "damage",
    ["audio", "sidecar", "half a sidecar", "no sidecar", "no audio", "another version", "edited", "another take's"],
)
def test_a_damaged_take_is_made_again(tmp_path, damage):
    store = Store(tmp_path)
    kept = store.put(take(asked=asked(tmp_path)))
    sidecar = kept.path.with_suffix(".json")
    match damage:
        case "audio":
            kept.path.write_bytes(kept.path.read_bytes()[:-2] + b"\1\1")
        case "sidecar":
            sidecar.write_text("{}")
        case "half a sidecar":
            sidecar.write_text(sidecar.read_text()[:100])
        case "no sidecar":
            sidecar.unlink()
        case "no audio":
            kept.path.unlink()
        case "another version":
            sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"schema": 1}))
        case "edited":
            sidecar.write_text(sidecar.read_text().replace('"stopped_by":"eos"', '"stopped_by":"budget"'))
        case "another take's":
            other = store.put(take(asked=replace(kept.request, seed=7)))
            sidecar.write_bytes(other.path.with_suffix(".json").read_bytes())
            kept.path.write_bytes(other.path.read_bytes())
    assert store.get(kept.request) is None


def test_a_take_without_audio_is_not_kept(tmp_path):
    store = Store(tmp_path)
    failed = take(error="out of memory", asked=asked(tmp_path))
    assert store.put(failed) is failed
    assert store.get(failed.request) is None
    assert store.export(failed) is None


def test_takes_and_references_get_the_documented_names(tmp_path):
    store = Store(tmp_path)
    kept = store.put(take(asked=asked(tmp_path)))
    path = store.export(kept)
    assert path == tmp_path / "takes" / "short" / "arabic_generated_001_layla.wav"
    assert path.read_bytes() == kept.path.read_bytes()
    beside = path.with_name("arabic_generated_001_layla_ref.wav")
    assert beside.read_bytes() == kept.request.reference.path.read_bytes()
    assert json.loads(path.with_suffix(".json").read_text())["digest"] == kept.request.digest


def test_further_seeds_have_a_folder_of_their_own(tmp_path):
    store = Store(tmp_path)
    assert store.export(store.put(take(asked=asked(tmp_path, seed=3)))).parent.name == "seed-3"


def test_a_reference_that_is_no_wav_is_kept_beside_as_one(tmp_path):
    import soundfile

    from harness import audio

    voice = tmp_path / "voices" / "layla.flac"
    voice.parent.mkdir()
    soundfile.write(voice, draw("#" * 20).samples, 24_000)
    store = Store(tmp_path)
    kept = store.put(take(asked=request(reference=write_voice(tmp_path / "voices", "layla", draw("#" * 20)))))
    as_flac = kept.request.reference.__class__("layla", voice, "x", "ar", "layla", "0" * 64)
    path = store.export(store.put(take(asked=request(reference=as_flac))))
    assert audio.load(path.with_name(f"{path.stem}_ref.wav")).duration_s == pytest.approx(2.0)


def test_the_reference_keeps_the_times_of_the_file_as_given(tmp_path):
    store = Store(tmp_path)
    wanted = asked(tmp_path)
    os.utime(wanted.reference.path, ns=(1_600_000_000_000_000_000, 1_500_000_000_000_000_000))
    path = store.export(store.put(take(asked=wanted)))
    assert path.with_name(f"{path.stem}_ref.wav").stat().st_mtime_ns == 1_500_000_000_000_000_000


def test_what_another_run_left_under_a_name_is_moved_aside_and_not_overwritten(tmp_path):
    store = Store(tmp_path)
    wanted = asked(tmp_path)
    path = store.export(store.put(take(draw("#" * 26), asked=wanted)))
    before = path.read_bytes()
    again = store.export(store.put(take(draw("#" * 30), asked=replace(wanted, system="another model"))))
    assert again == path
    assert path.read_bytes() != before
    aside = path.with_name(f"{path.stem}.{content_hash(before)[:8]}.wav")
    assert aside.read_bytes() == before
    assert len(list(path.parent.glob("*.json"))) == 2


def test_putting_out_the_same_take_again_leaves_one_file(tmp_path):
    store = Store(tmp_path)
    kept = store.put(take(asked=asked(tmp_path)))
    path = store.export(kept)
    assert store.export(kept) == path
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "arabic_generated_001_layla.json",
        "arabic_generated_001_layla.wav",
        "arabic_generated_001_layla_ref.wav",
    ]


def test_a_take_without_its_reference_is_marked_on_disk(tmp_path):
    store = Store(tmp_path)
    wanted = asked(tmp_path)
    wanted.reference.path.write_bytes(b"no sound")
    broken = replace(wanted, reference=replace(wanted.reference, problem="is no sound file"))
    marked = replace(take(asked=broken), unconditioned="is no sound file", details={"columns_0": 74})
    kept = store.put(marked)
    assert store.get(broken).unconditioned == "is no sound file"
    assert store.get(broken).details == {"columns_0": 74}
    path = store.export(kept)
    assert json.loads(path.with_suffix(".json").read_text())["unconditioned"] == "is no sound file"
    assert not path.with_name(f"{path.stem}_ref.wav").exists()


def test_a_derived_value_is_given_back_and_only_under_its_own_key(tmp_path):
    kept = DerivedValues(tmp_path)
    kept.put("an encoder, a clip", b"\n\0 any bytes")
    assert DerivedValues(tmp_path).get("an encoder, a clip") == b"\n\0 any bytes"
    assert kept.get("an encoder, another clip") is None


def derived_files(tmp_path):
    return sorted(path for path in (tmp_path / "store" / "derived").rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:30], lambda _: b"", lambda data: data + b"x"]
)
def test_a_damaged_derived_value_is_none(tmp_path, damage):
    kept = DerivedValues(tmp_path)
    kept.put("key", b"value")
    (path,) = derived_files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert kept.get("key") is None


def test_the_value_of_another_key_is_no_value(tmp_path):
    kept = DerivedValues(tmp_path)
    kept.put("one", b"1")
    kept.put("other", b"2")
    one, other = derived_files(tmp_path)
    swapped = one.read_bytes(), other.read_bytes()
    other.write_bytes(swapped[0])
    one.write_bytes(swapped[1])
    assert kept.get("one") is kept.get("other") is None


def test_a_take_that_was_made_elsewhere_claims_no_settings(tmp_path):
    made = take(asked=asked(tmp_path))
    elsewhere = replace(made, provenance=Provenance("directory", "folder", "r1", elsewhere=True))
    store = Store(tmp_path)
    store.put(elsewhere)
    assert store.sidecar(made.request.digest).sampling is None
    assert b"temperature" not in store.path(made.request.digest).with_suffix(".json").read_bytes()
    store.put(made)
    assert store.sidecar(made.request.digest).sampling == made.request.sampling
