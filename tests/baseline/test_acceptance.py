"""Who may enter golden/: every refusal, one at a time. The whole way is played in test_golden.py."""

from dataclasses import replace

import pytest

from harness.baseline.acceptance import Acceptance, Finished, accept, difference
from harness.baseline.golden import read
from harness.decision.gates import Profile
from harness.decision.policy import Margin, Policy
from harness.errors import GoldenError
from harness.records.gate import Gate
from harness.store import Store

ROW = '[[utterance]]\nid = "short-{0:03d}"\ntext = "واحد اثنان"\nlanguage = "ar"\nreference = "omar"\n'
GATE = Gate("length", "length", "s", "w", at_least=1)
LENGTH = Margin("length", "s", 0.1, 1.0, 0.01, "w", better="higher")


class Kept(Store):
    """A store whose takes are all there, without sound."""

    def __init__(self, out):
        super().__init__(out)
        self.changed = {}

    def sidecar(self, digest):
        number, seed = digest.split()
        noted = {
            "chunks": [],
            "reference": {"sha256": "r"},
            "sampling": {"top_k": 50},
            "seed": int(seed),
            "utterance": {"id": f"short-{number}", "text": "t", "language": "ar"},
            "sha256": digest,
            "system": "m1",
            "batch": [digest],
            "provenance": {
                "device": "cpu",
                "dtype": "float32",
                "model": "m",
                "revision": "1",
                "codec_revision": "",
                "packages": {},
            },
        }
        changed = self.changed.get(digest, {})
        return None if changed is None else noted | changed


@pytest.fixture
def terms(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "short.toml").write_text("\n".join(map(ROW.format, (1, 2))), encoding="utf-8")
    return Acceptance(
        by="Layla",
        override="",
        profile=Profile("documented", (GATE,)),
        policy=Policy(accepted_takes=2),
        margins=(LENGTH,),
        folder=tmp_path / "golden",
        audio=None,
        corpus=corpus,
    )


@pytest.fixture
def run(tmp_path):
    def take(number, seed):
        return {
            "suite": "short",
            "utterance": f"short-{number:03d}",
            "seed": seed,
            "speaker": "omar",
            "digest": f"{number:03d} {seed}",
            "verdicts": [{"outcome": "PASS", "name": "length", "gate": str(GATE)}],
            "measurements": {
                "length": {
                    "value": 2.0 + seed / 100,
                    "unit": "s",
                    "version": 1,
                    "components": {},
                    "why_not": "",
                    "applicable": True,
                }
            },
        }

    manifest = {
        "takes": [take(number, seed) for number in (1, 2) for seed in (0, 1)],
        "comparisons": [],
        "refused": [],
        "about": {"backend": "higgs", "system": "m1", "encoder": "e1"},
    }
    return Finished(manifest, Kept(tmp_path / "out"))


def test_a_sound_run_is_accepted_and_says_all_about_itself(run, terms):
    accept(run, "short", terms)
    accepted = read(terms.folder, "higgs", "short").accepted
    assert accepted["by"] == "Layla"
    assert accepted["fingerprint"] == {"encoder": "e1", "device": "cpu", "dtype": "float32"}
    assert (accepted["system"], accepted["model"]["revision"], accepted["largest_batch"]) == ("m1", "1", 1)
    assert {"torch", "numpy"} <= accepted["packages"].keys()


def spoil(run, what):
    takes, about = run.manifest["takes"], run.manifest["about"]
    {
        "missing utterance": lambda: takes.__delitem__(slice(2, None)),
        "missing take": lambda: takes.pop(),
        "killed run": lambda: run.manifest.update(incomplete="the run has not ended"),
        "harness error": lambda: run.manifest.update(harness_errors={"test_voice": "out of memory"}),
        "fewer seeds": lambda: takes.__setitem__(slice(None), [one for one in takes if one["seed"] == 0]),
        "foreign utterance": lambda: takes[0].update(utterance="short-009"),
        "refused take": lambda: run.manifest["refused"].append({"utterance": "short-001", "seed": 0, "why": "crash"}),
        "failing gate": lambda: takes[0]["verdicts"][0].update(outcome="FAIL"),
        "undecided gate": lambda: takes[0]["verdicts"][0].update(outcome="INCONCLUSIVE"),
        "gate not asked": lambda: takes[0].update(verdicts=[]),
        "no number": lambda: takes[0]["measurements"]["length"].update(value=None, why_not="no speech"),
        "no metric": lambda: takes[0].update(measurements={}),
        "damaged audio": lambda: run.store.changed.update({"001 0": None}),
        "mixed systems": lambda: run.store.changed.update({"001 0": {"system": "m2"}}),
        "mixed sampling": lambda: run.store.changed.update({"001 0": {"sampling": {"top_k": 9}}}),
        "another system": lambda: about.update(system="m3"),
        "found worse": lambda: run.manifest["comparisons"].append(
            {"outcome": "FAIL", "suite": "short", "stratum": "suite short", "gate": "g", "observed": "-1"}
        ),
        "voice found worse": lambda: run.manifest["comparisons"].append(
            {"outcome": "FAIL", "suite": "voice omar", "stratum": "voice omar", "gate": "g", "observed": "-1"}
        ),
    }[what]()


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        ("missing utterance", "2 takes are missing: short-002, seed 0"),
        ("killed run", "the run is not sound: the run has not ended"),
        ("harness error", "the run is not sound: test_voice: out of memory"),
        ("missing take", "1 takes are missing: short-002, seed 1"),
        ("fewer seeds", "1 takes of each utterance; 2 are needed: run pytest suites/ --takes 2"),
        ("foreign utterance", "1 takes are not in the corpus: short-009"),
        ("refused take", "1 takes were not judged: short-001, seed 0 (crash)"),
        ("failing gate", "1 verdicts are not PASS: short-001, seed 0: FAIL length"),
        ("undecided gate", "1 verdicts are not PASS: short-001, seed 0: INCONCLUSIVE length"),
        ("gate not asked", "1 takes were not asked every gate: short-001, seed 0: length"),
        ("no number", "1 numbers are missing: short-001, seed 0: length"),
        ("no metric", "1 numbers are missing"),
        ("damaged audio", "the audio of 1 takes is missing or not what was judged"),
        ("mixed systems", "takes of 2 systems are mixed: m1; m2"),
        ("mixed sampling", "takes of 2 samplings are mixed"),
        ("another system", "not those of the system that the run describes"),
        ("found worse", "was compared and found worse: g (suite short): -1; --override"),
        ("voice found worse", "was compared and found worse: g (voice omar): -1"),
    ],
)
def test_what_is_wrong_with_a_run_is_named_and_nothing_is_written(run, terms, what, complaint):
    spoil(run, what)
    with pytest.raises(GoldenError) as caught:
        accept(run, "short", terms)
    assert complaint in str(caught.value)
    assert not terms.folder.exists()


def test_nobody_accepts_without_a_name(run, terms):
    with pytest.raises(GoldenError, match="give --by NAME"):
        accept(run, "short", replace(terms, by=" "))


def test_only_being_worse_can_be_overridden(run, terms):
    overriding = replace(terms, override="we want this tempo")
    spoil(run, "found worse")
    accept(run, "short", overriding)
    accepted = read(terms.folder, "higgs", "short").accepted
    assert (accepted["override"], accepted["found_worse"]) == ("we want this tempo", ["g (suite short): -1"])
    spoil(run, "failing gate")
    with pytest.raises(GoldenError, match="are not PASS"):
        accept(run, "short", overriding)


def test_a_run_is_shown_beside_the_accepted_release(run, terms):
    accept(run, "short", terms)
    run.manifest["takes"][3]["measurements"]["length"]["value"] = 0.5
    lines = difference(run, "short", terms)
    assert "accepted by Layla" in lines[0]
    assert any(line.startswith("length ") and "INCONCLUSIVE" in line for line in lines)
    assert next(line for line in lines if line.startswith("  short-")).startswith("  short-002")


def test_nothing_to_show_beside_is_said(run, terms):
    with pytest.raises(GoldenError, match="no release was accepted in suite 'short'"):
        difference(run, "short", terms)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(GoldenError, match=r"run\.json is missing: run pytest"):
        Finished.read(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(GoldenError, match="is damaged"):
        Finished.read(tmp_path)
