"""The whole life of a baseline, played through pytest and the command line on audio that the test draws."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from harness import cli, shipped
from harness.audio import Audio, encode_wav, load
from harness.baseline import golden
from harness.decision.policy import Margin
from harness.errors import GoldenError
from harness.metrics.copies import landmarks_of
from harness.records.baseline import Baseline, Fingerprint
from harness.records.measurement import Metric
from harness.records.run_record import About
from harness.records.take_record import TakeKey, TakeRecord
from harness.take import Provenance
from tests import pages
from tests.accepted import accepted, take
from tests.synthetic import draw, write_voice
from tests.synthetic import take as made

SUITE = """
import pytest
pytestmark = pytest.mark.suite("short")

def test_length(require):
    require("finished", "duration_ratio")

def test_is_no_worse_than_the_accepted_release(not_worse):
    not_worse()
"""
GATES = """
[profile.documented]
about = "enough for a life"
[[profile.documented.gate]]
metric = "finished"
unit = "yes"
at_least = 1
why = "a cut take has lost its ending"
[[profile.documented.gate]]
metric = "duration_ratio"
unit = "ratio"
at_least = 1.2
at_most = 2.0
why = "as long as a reader would need"
[comparison]
accepted_takes = 2
[[margin]]
metric = "duration_ratio"
unit = "ratio"
margin = 0.05
lost = 0.12
relative = true
resolution = 0.005
why = "a tempo that changes by a twentieth is heard"
"""
ROW = '[[utterance]]\nid = "short-{0:03d}"\ntext = "واحد اثنان ثلاثة أربعة خمسة"\nlanguage = "ar"\nreference = "omar"\n'
COMMAND = ("suites", "--backend", "directory", "--voices", "voices")


@pytest.fixture
def gate(pytester):
    """A project of six utterances: `gate("good", 26)` has a model speak for 2.6 s each and judges it, twice a text."""
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")
    suites = pytester.mkdir("suites")
    (suites / "test_short.py").write_text(SUITE)
    for name in ("criteria.py", "test_release.py"):  # the life of a baseline brings its own tests
        (suites / name).touch()
    (suites / "corpus").mkdir()
    corpus = suites / "corpus" / "short.toml"
    corpus.write_text("\n".join(ROW.format(number) for number in range(1, 7)), encoding="utf-8")
    (suites / "gates.toml").write_text(GATES)
    write_voice(pytester.path / "voices", "omar", draw("###." * 8), transcript="هذا نص قصير")

    def judged(model, cells, *options, takes=2):
        folder = pytester.path / model
        folder.mkdir(exist_ok=True)
        for number in range(1, 7):
            for seed in range(takes):
                # Which take is the longer one differs from text to text: no seed strays alike in all of them.
                longer = number % 2 + (number // 2 + seed) % 2
                # And no system gives a take of another.
                sound = draw("#" * (cells + longer), pitch_hz=100 + number + sum(map(ord, model)) / 1000)
                (folder / f"short-{number:03d}_seed{seed}.wav").write_bytes(encode_wav(sound))
        lines = [f"short-{n:03d},short-{n:03d}_seed{s}.wav,{s},eos" for n in range(1, 7) for s in range(takes)]
        (folder / "manifest.csv").write_text("\n".join(["utterance,file,seed,stopped_by", *lines]))
        options = ("--model", model, "--takes", str(takes), "--golden", "golden", *options)
        return pytester.runpytest_inprocess(*COMMAND, *options)

    return judged


@pytest.fixture
def command(pytester, capsys):
    """`command("accept", …)` runs the command line in the project: its status and what it said."""

    def said(name, *options):
        options = (
            ()
            if name == "history"
            else (
                "short",
                "--golden",
                "golden",
                "--corpus",
                "suites/corpus",
                "--gates-file",
                "suites/gates.toml",
                *options,
            )
        )
        capsys.readouterr()
        status = cli.main([name, *options])
        told = capsys.readouterr()
        return status, told.out + told.err

    return said


@pytest.mark.slow
def test_the_life_of_a_baseline(gate, command, pytester):
    missing = gate("good", 26)
    missing.stdout.fnmatch_lines(["*golden/directory/short.json is missing, no release was*", "*accept short*"])
    said = " ".join(missing.stdout.str().split())  # the user's options are kept, the takes are as many as are needed
    assert "pytest suites --backend directory --voices voices --model good --golden golden --takes 3, then" in said
    assert "accept short --by NAME --golden golden" in said
    assert command("diff")[0] == 4

    status, said = command("accept", "--by", "Layla")
    assert (status, said) == (0, "signature: none\naccepted: golden/directory/short.json\n")

    again = gate("good", 26)
    assert again.ret == 0
    again.stdout.fnmatch_lines(["VERDICT       PASS"])
    assert command("diff")[1].rstrip().endswith("None is for the worse.")  # a change of +0 is none

    worse = gate("slow", 32, "--alluredir", "allure")
    assert worse.ret == 1
    page = (pytester.path / ".harness/report/index.html").read_text(encoding="utf-8")
    assert "1.35 → 1.65" in page
    tables = [path.read_text(encoding="utf-8") for path in (pytester.path / "allure").glob("*-attachment.html")]
    assert ["1.35 → 1.65" in table for table in tables if "changed most" in table] == [True]
    results = [
        json.loads(path.read_text(encoding="utf-8")) for path in (pytester.path / "allure").glob("*-result.json")
    ]
    (compared,) = [one for one in results if one["name"] == "short: no worse than the accepted release"]
    assert compared["description"] == "1 comparisons with the accepted release: 1 FAIL."
    assert [one["name"] for one in compared["attachments"]].count("comparison with the accepted release") == 1
    assert sum(one["name"].startswith("listen (short-00") for one in compared["attachments"]) == 3
    worse.stdout.fnmatch_lines(
        [
            "FAIL  change of duration_ratio -0.0488 to 0.0513 of the accepted value in suite short",
            "  observed  0.2* of the accepted value; 90% interval +0.2* to +0.2*, 6 utterances, worst short-00* +0.2*",
            "  why       a tempo that changes by a twentieth is heard",
            "  listen    .harness/takes/short/*arabic_generated_00*_omar.wav",
            "VERDICT       FAIL",
        ]
    )
    status, said = command("diff")
    assert status == 0
    assert "FAIL" in said
    assert said.index("short-002") < said.index("short-001")  # the shorter texts are slowed by more

    status, said = command("accept", "--by", "Layla")
    assert status == 4
    assert "was compared and found worse" in said
    status, said = command("accept", "--by", "Layla", "--override", "the old tempo was too fast")
    assert status == 0
    assert gate("slow", 32).ret == 0

    kept = json.loads((pytester.path / "golden/directory/short.json").read_text())["accepted"]
    assert kept["override"] == "the old tempo was too fast"
    assert [one["by"] for one in kept["before"]] == ["Layla"]
    status, told = command("history")
    assert told.count("accepted  short by Layla") == 2
    assert "although 1 comparisons failed: the old tempo was too fast" in told
    assert [line.split()[4] for line in told.splitlines() if "  run  " in line] == ["PASS", "PASS", "FAIL", "PASS"]


@pytest.mark.slow
def test_a_margin_on_preference_that_changes_after_the_run_is_another_rule(gate, command, pytester):
    file = pytester.path / "suites" / "gates.toml"
    margin = '[[margin]]\nmetric = "preference"\nunit = "share"\nmargin = 0.15\nrequired = true\nwhy = "a test"\n'
    asked = file.read_text() + margin
    file.write_text(asked)
    gate("good", 26)
    status, said = command("accept", "--by", "Layla")
    assert status == 4
    assert "nobody has listened to this run" in said
    for easier in (asked.replace("required = true\n", ""), asked.replace("0.15", "0.4"), asked.replace(margin, "")):
        file.write_text(easier)
        status, said = command("accept", "--by", "Layla")
        assert status == 4
        assert "by other rules than those that hold here: the margins of gates.toml are not what judged" in said
    assert not (pytester.path / "golden").exists()


@pytest.mark.slow
def test_other_voices_than_the_accepted_release_had_are_said_not_to_be_compared_everywhere(gate, command, pytester):
    gate("good", 26)
    assert command("accept", "--by", "Layla")[0] == 0
    write_voice(pytester.path / "others", "omar", draw("###." * 8, pitch_hz=180), transcript="هذا نص قصير")
    others = gate("good", 26, "--voices", "others", "--out", "second")
    assert others.ret == 1
    lines = others.stdout.lines
    why = "short-001: text, reference, chunks or sampling are not those of the baseline"
    begun = lines.index("INCONCLUSIVE  not compared with the accepted release")
    assert begun < lines.index("VERDICT       INCONCLUSIVE")
    said = " ".join(" ".join(lines[begun : begun + 8]).split())
    assert f"observed {why}: accept the released model anew: run pytest suites --backend directory" in said
    assert "--voices others --out second --takes 3, then python -m harness accept short --by NAME" in said
    summary = (pytester.path / "second" / "summary.md").read_text(encoding="utf-8")
    assert "## May it go out? INCONCLUSIVE" in summary
    assert summary.index("not compared with the accepted release") < summary.index("- INCONCLUSIVE, not compared:")
    page = (pytester.path / "second" / "report" / "index.html").read_text(encoding="utf-8")
    top, rest = page.split('<section id="takes">')
    assert "<b>not compared with the accepted release</b>" in top
    assert "Compared with the accepted release</summary>" in rest
    assert f"Not compared: suite short: {why}" in rest

    first = gate("good", 26, "--voices", "others", "--golden", "of_others", "--out", "third")
    assert first.ret == 0  # where nothing was accepted the voices are judged, and what is missing is said
    lines = first.stdout.lines
    said = " ".join(" ".join(lines[: lines.index("VERDICT       PASS")]).split())
    assert "not compared: of_others/directory/short.json is missing, no release was accepted" in said
    assert "- REFUSED, not compared:" in (pytester.path / "third" / "summary.md").read_text(encoding="utf-8")
    page = (pytester.path / "third" / "report" / "index.html").read_text(encoding="utf-8")
    assert "Not compared: suite short: of_others/directory/short.json is missing" in page
    told = pages.said()
    assert "So `--voices` ends with **not compared** above the verdict, INCONCLUSIVE, until a release was" in told


@pytest.mark.slow
def test_nine_bad_nights_leave_the_baseline_as_it_was(gate, command, pytester):
    gate("good", 26)
    assert command("accept", "--by", "Layla")[0] == 0
    kept = pytester.path / "golden/directory/short.json"
    accepted = kept.read_bytes()
    for night in range(9):
        assert gate(f"night{night}", 60 + night).ret == 1
        status, said = command("accept", "--by", "cron", "--override", "the night run is green")
        assert status == 4
        assert "12 verdicts are not PASS" in said
    assert kept.read_bytes() == accepted
    assert [path.name for path in kept.parent.iterdir()] == ["short.json"]


def heard(pytester):
    """Of short-001, seed 0, on the page: the role of each player, and what stands where nothing can be played."""
    page = (pytester.path / ".harness/report/index.html").read_text(encoding="utf-8")
    panel = page[page.index('id="short-short-001-seed0"') :].split("</details>")[0]
    assert re.findall(r'<figure data-role="(\w+)">', panel) == ["reference", "golden", "take"]
    return len(re.findall(r"<audio controls", panel)), "".join(re.findall(r'<p class="missing">([^<]*)', panel))


@pytest.mark.slow
def test_the_accepted_take_is_heard_beside_the_new_one_where_its_sound_was_kept(gate, command, pytester):
    gate("good", 26)
    before = (pytester.path / ".harness/report/index.html").read_text(encoding="utf-8")
    assert 'data-role="golden"' not in before  # nothing was accepted, so there is nothing to be heard
    assert command("accept", "--by", "Layla", "--golden-audio", "kept")[0] == 0
    (kept,) = [
        pytester.path / "kept" / f"{one['audio']}.wav"
        for one in json.loads((pytester.path / "golden/directory/short.json").read_text())["takes"]
        if (one["utterance"], one["seed"]) == ("short-001", 0)
    ]

    gate("good", 26)
    assert heard(pytester) == (
        2,
        f"not kept here: --golden-audio names the folder in which accept kept {kept.stem[:12]}….wav",
    )

    ini = pytester.path / "tox.ini"
    ini.write_text(ini.read_text() + "\nharness_golden_audio = kept\n")
    slower = gate("slow", 27, "--alluredir", "allure")
    assert slower.ret == 0
    assert heard(pytester) == (3, "")
    (noted,) = [
        one
        for one in json.loads((pytester.path / ".harness/run.json").read_text())["takes"]
        if (one["utterance"], one["seed"]) == ("short-001", 0)
    ]
    assert (pytester.path / ".harness" / noted["accepted_audio"]).samefile(kept)
    clips = list((pytester.path / ".harness/report/clips").iterdir())
    assert len(clips) == 1 + 6 * 4  # the reference once; of each text two takes and two accepted ones
    sheets = [path.read_text(encoding="utf-8") for path in (pytester.path / "allure").glob("*-attachment.html")]
    assert [sheet.count("<audio controls") for sheet in sheets if "Accepted release" in sheet] == [3] * 12

    kept.write_bytes(encode_wav(draw("#" * 5)))
    gate("slow", 27)
    said = f"not played: the sha256 of kept/{kept.name} is "
    assert heard(pytester)[0] == 2
    assert heard(pytester)[1].startswith(said)

    kept.unlink()
    gate("slow", 27, "--golden-audio", "nowhere")
    assert heard(pytester) == (2, f"not kept here: nowhere/{kept.name}: No such file or directory")


def voice(seed, seconds=4.0, rate=24_000):
    """A sound of its own for each seed: noise with a melody."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    return 0.2 * rng.standard_normal(time.size) * (1.1 + np.sin(5 * time)) + 0.1 * np.sin(700 * time * (1 + seed))


@pytest.fixture
def sketched():
    """The accepted release of another system, of twelve takes that are known again."""
    takes = [
        take(f"short-{n:03d}", sketch=golden.sketch_of(landmarks_of(Audio(voice(n).astype(np.float32), 24_000))))
        for n in range(12)
    ]
    return Baseline(backend="higgs", suite="short", accepted=accepted(system="another"), takes=tuple(takes))


@pytest.mark.parametrize(
    ("changed", "is_said"),
    [
        (lambda sound: sound[24_000:], True),
        (lambda sound: sound[12_000:36_000], True),
        (lambda sound: np.concatenate([np.zeros(5000), sound, np.zeros(9000)]), True),
        (lambda sound: 0.4 * sound, True),
        (lambda sound: -sound, True),
        (lambda sound: sound + 0.3 * voice(99), False),
        (lambda sound: voice(77), False),
    ],
    ids=["cut", "a quarter of it", "padded", "quieter", "turned around", "under noise: another sound", "another take"],
)
def test_accepted_takes_of_another_system_are_known_again_cut_padded_or_scaled(sketched, changed, is_said, tmp_path):
    heard = {}
    for n in range(12):
        file = tmp_path / f"{n}.wav"  # which rounds to 16 bit
        file.write_bytes(encode_wav(Audio(changed(voice(n)).astype(np.float32), 24_000)))
        heard[TakeKey("short", f"short-{n:03d}", 5)] = landmarks_of(load(file))
    said = golden.nearly_replayed("short", heard, [None, sketched], "m1")
    if is_said:
        assert said == [
            "12 of 12 takes of short have the samples of accepted takes of 'another', cut, padded or at another level "
            "(the first short-000, seed 5: short-000, seed 0), and this run says that 'm1' spoke them: have it speak "
            "with other seeds (--seed), or name the system as it was accepted"
        ]
    else:
        assert said == []
    assert golden.nearly_replayed("short", heard, [sketched], "another") == []


LENGTH = Margin("length", "s", 0.1, 1.0, 0.01, "w", better="neither")


@pytest.fixture
def baseline(tmp_path):
    kept = Baseline(backend="higgs", suite="short", accepted=accepted(), takes=(take(), take(seed=1)))
    golden.write(tmp_path, kept)
    return kept


def test_a_baseline_is_read_as_it_was_written_one_take_a_line(baseline, tmp_path):
    read = golden.read(tmp_path, "higgs", "short")
    assert structs.replace(read, schema=0, sha256="") == baseline
    assert read.seeds == (0, 1)
    lines = (tmp_path / "higgs" / "short.json").read_text().splitlines()
    assert sum('"utterance"' in line for line in lines) == 2


def test_a_missing_baseline_is_none(tmp_path):
    assert golden.read(tmp_path, "higgs", "short") is None


@pytest.mark.parametrize(("old", "new"), [("2.0", "1.0"), ("Layla", "Omar"), ('"seed":1', '"seed":2')])
def test_a_baseline_that_was_edited_by_hand_is_refused(baseline, tmp_path, old, new):
    path = tmp_path / "higgs" / "short.json"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(GoldenError, match=r"changed by hand.*accept short --by NAME"):
        golden.read(tmp_path, "higgs", "short")


@pytest.mark.parametrize("damage", ["", "{", '{"schema": 3, "takes": []}', "[]"])
def test_a_damaged_baseline_is_refused(baseline, tmp_path, damage):
    (tmp_path / "higgs" / "short.json").write_text(damage)
    with pytest.raises(GoldenError, match="is damaged"):
        golden.read(tmp_path, "higgs", "short")


def test_a_baseline_of_an_earlier_version_is_refused_by_its_schema(baseline, tmp_path):
    (tmp_path / "higgs" / "short.json").write_text('{"accepted": {"by": "Layla"}, "takes": [], "sha256": "0"}')
    with pytest.raises(GoldenError, match=r"has schema 1, .* reads schema 3: restore it, or run pytest"):
        golden.read(tmp_path, "higgs", "short")


def test_a_baseline_in_the_place_of_another_is_refused(baseline, tmp_path):
    (tmp_path / "higgs" / "medium.json").write_bytes((tmp_path / "higgs" / "short.json").read_bytes())
    with pytest.raises(GoldenError, match="another backend or suite"):
        golden.read(tmp_path, "higgs", "medium")


def test_every_shipped_baseline_can_be_read():
    shipped_suites = [path.stem for path in (shipped.GOLDEN / "embedded").glob("*.json")]
    assert len(shipped_suites) >= 5
    assert all(golden.read(shipped.GOLDEN, "embedded", suite).takes for suite in shipped_suites)


SAME = Fingerprint(instruments={"encoder": "e1"}, device="cpu")
OLDER = Metric("length", "s", "neither", version=2)


@pytest.mark.parametrize(
    ("takes", "made", "complaint"),
    [
        (
            [take()],
            Fingerprint(instruments={"encoder": "e2"}, device="cpu"),
            "accepted with encoder 'e1', this run has 'e2'",
        ),
        ([take()], Fingerprint(instruments={"encoder": "e1"}), "accepted with device 'cpu', this run has ''"),
        ([take("short-002"), take()], SAME, "short-002 is in the run and not in the baseline"),
        ([take("short-002")], SAME, "short-001 is in the baseline and not in the run"),
        ([take(question="other")], SAME, "text, reference, chunks or sampling are not those of the baseline"),
        ([take(measurements={})], SAME, "accepted with length v1, this run has no measurement"),
        ([take(measurements={"length": OLDER.measured(2.0)})], SAME, "accepted with length v1, this run has v2"),
    ],
)
def test_what_cannot_be_compared_says_why_and_what_to_run(baseline, takes, made, complaint):
    complaints = golden.mismatches("short", takes, [made], baseline, [LENGTH])
    assert any(complaint in line and "python -m harness accept short" in line for line in complaints)


def test_a_recogniser_that_only_one_side_has_does_not_forbid_to_compare_the_rest(baseline):
    listened = Fingerprint(instruments={"encoder": "e1", "recognizer": "w1"}, device="cpu")
    assert golden.mismatches("short", [take()], [listened], baseline, [LENGTH]) == []
    about = About(instruments={"encoder": "e1", "second_recognizer": "w2"})
    assert golden.fingerprint(about, Provenance("b", "m", "1", device="cpu", dtype="f")) == Fingerprint(
        instruments={"encoder": "e1", "second_recognizer": "w2"}, device="cpu", dtype="f"
    )


def test_the_version_of_a_metric_of_which_there_is_no_number_does_not_matter(baseline):
    silent = {"length": OLDER.not_applicable("no recogniser")}
    assert golden.mismatches("short", [take(measurements=silent)], [SAME], baseline, [LENGTH]) == []


def test_a_run_of_the_same_kind_is_comparable(baseline):
    assert golden.mismatches("short", [take(seed=7)], [SAME], baseline, [LENGTH]) == []


def test_a_baseline_keeps_six_digits_and_nothing_that_only_a_reviewer_reads():
    measured = structs.replace(OLDER.measured(1 / 3, "a third", spans=((0, 1),), words=2 / 3), heard="نص")
    noted = TakeRecord.of(made(), {"length": measured}, [], None, Path())
    assert golden.kept_of(noted).measurements == {"length": OLDER.measured(0.333333, words=0.666667)}


SIGNED = Metric("length", "s", "neither", signature="v1.aaaaaaaa")


def signed(baseline, signature):
    old = take(measurements={"length": structs.replace(SIGNED, signature=signature).measured(2.0)})
    return structs.replace(baseline, takes=(golden.kept_of(old) if hasattr(old, "digest") else old,))


def test_another_signature_is_another_ruler_and_no_worse_model(baseline):
    now = [take(measurements={"length": SIGNED.measured(2.0)})]
    assert golden.mismatches("short", now, [SAME], signed(baseline, "v1.aaaaaaaa"), [LENGTH]) == []
    (complaint,) = golden.mismatches("short", now, [SAME], signed(baseline, "v1.bbbbbbbb"), [LENGTH])
    assert "the ruler changed: short was accepted with length v1.bbbbbbbb, this run has v1.aaaaaaaa" in complaint
    # What was accepted before there were signatures is known by its version.
    assert golden.mismatches("short", now, [SAME], signed(baseline, ""), [LENGTH]) == []
