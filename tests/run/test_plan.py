import threading
import time
from dataclasses import replace

import msgspec
import pytest

from harness.backends import BackendOptions
from harness.decision.gates import load_profile
from harness.errors import BackendError
from harness.metrics import diacritics, intelligibility, speaker
from harness.metrics.measuring import Models
from harness.records.gate import Outcome
from harness.run import judging, plan
from harness.run.plan import Run
from harness.run.settings import Settings
from harness.take import Provenance, Stop, Take
from tests.recognisers import Told
from tests.synthetic import draw, utterance, write_voice

WORDS = "واحد اثنان ثلاثة أربعة خمسة"


class Speaking:
    """A system under test that buzzes for 2.6 s, or does what the test tells it to."""

    name, sample_rate_hz, frame_rate_hz, note, reads, identity = "speaking", 24_000, 25, "", (), "speaking r1"

    def __init__(self, answer=None):
        self.batches, self.answer = [], answer

    def generate(self, requests):
        self.batches.append([request.utterance.id for request in requests])
        if self.answer is not None:
            return self.answer(requests)
        return [self.take(request) for request in requests]

    def take(self, request):
        return Take(request, draw("#" * 26), Stop.EOS, Provenance("speaking", "speaking", "r1"), frames=65)

    def close(self):
        self.batches.append("closed")


@pytest.fixture
def make(tmp_path, monkeypatch):
    for name in ("layla", "omar"):
        write_voice(tmp_path / "voices", name, draw("#" * 20))

    def made(backend, **changes):
        monkeypatch.setattr(plan, "open_backend", lambda *_: backend)
        settings = {
            "backend": "speaking",
            "options": BackendOptions(),
            "profile": load_profile("documented", "speaking"),
            "out": tmp_path / "out",
            "voices_folder": tmp_path / "voices",
        }
        return Run(Settings(**settings | changes))

    return made


def rows(count):
    return [
        utterance(id=f"short-{number:03d}", number=number, text=" ".join([WORDS] * number))
        for number in range(1, count + 1)
    ]


def test_takes_are_made_in_batches_of_similar_length_and_once(make):
    backend = Speaking()
    run = make(backend, batch_size=2)
    requests = [run.request(row, 0) for row in reversed(rows(3))]
    assert run.generate(requests + requests) == 3
    assert backend.batches == [["short-001", "short-002"], ["short-003"]]
    assert run.generate(requests) == 0


def test_a_second_run_makes_nothing_and_does_not_even_close_what_it_never_opened(make):
    first = make(Speaking())
    first.generate([first.request(row, 0) for row in rows(3)])
    backend = Speaking()
    second = make(backend)
    assert second.generate([second.request(row, 0) for row in rows(3)]) == 0
    assert backend.batches == []


def test_a_system_is_told_beforehand_of_what_is_not_there_yet(make):
    class Prefetching(Speaking):
        def prefetch(self, requests):
            self.batches.append(("prefetch", *(request.utterance.id for request in requests)))

    backend = Prefetching()
    run = make(backend)
    requests = [run.request(row, 0) for row in rows(3)]
    run.generate(requests[:2])
    run.prefetch(requests)
    run.prefetch(requests[:2])
    make(Speaking()).prefetch(requests)  # need not have it
    assert backend.batches[1:] == [("prefetch", "short-003")]


def test_each_batch_is_on_disk_before_the_next_begins(make):
    def answer(requests):
        kept.append(len(list((run.settings.out / "store" / "takes").rglob("*.wav"))))
        return [backend.take(request) for request in requests]

    kept, backend = [], Speaking(answer)
    run = make(backend, batch_size=1)
    run.generate([run.request(row, 0) for row in rows(3)])
    assert kept == [0, 1, 2]


def test_a_killed_run_goes_on_where_it_was(make):
    def answer(requests):
        if len(backend.batches) == 3:
            raise KeyboardInterrupt
        return [backend.take(request) for request in requests]

    backend = Speaking(answer)
    run = make(backend, batch_size=1)
    with pytest.raises(KeyboardInterrupt):
        run.generate([run.request(row, 0) for row in rows(5)])
    again = Speaking()
    run = make(again, batch_size=1)
    assert run.generate([run.request(row, 0) for row in rows(5)]) == 3
    assert again.batches == [["short-003"], ["short-004"], ["short-005"]]


def raises(requests):
    raise BackendError("out of memory")


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (raises, "out of memory"),
        (lambda requests: [], "gave no take for it"),
        (lambda requests: None, "raised TypeError: 'NoneType' object is not iterable"),
        (
            lambda requests: [
                Take(request, draw(""), Stop.EOS, Provenance("speaking", "speaking", "r1")) for request in requests
            ],
            "holds 0 samples",
        ),
    ],
)
def test_what_the_backend_fails_to_give_is_a_take_that_says_so(make, answer, complaint):
    run = make(Speaking(answer))
    requests = [run.request(row, 0) for row in rows(2)]
    run.generate(requests)
    for request in requests:
        take = run.take(request)
        assert complaint in take.error
        verdicts = {
            verdict.gate.name: verdict.outcome for verdict in run.judge(take, ["readable", "length", "finished"])
        }
        assert verdicts == {"readable": Outcome.FAIL, "length": Outcome.INCONCLUSIVE, "finished": Outcome.INCONCLUSIVE}


def test_model_free_metrics_never_open_the_speaker_encoder(make, monkeypatch):
    monkeypatch.setattr(speaker, "open_encoder", lambda *_, **__: pytest.fail("it was opened"))
    run = make(Speaking())
    take = run.take(run.request(rows(1)[0], 0))
    verdicts = run.judge(
        take, ["finished", "length", "duration_ratio", "silence_ratio", "longest_silence", "sample_rate"]
    )
    assert {verdict.outcome for verdict in verdicts} == {Outcome.PASS}


def test_two_processes_share_the_work(make):
    """Threads stand in for processes: file locks hold between both."""

    def slowly(requests):
        time.sleep(0.05)
        return [Speaking().take(request) for request in requests]

    backends = [Speaking(slowly), Speaking(slowly)]
    runs = []
    for backend in backends:
        runs.append(make(backend, batch_size=1))
        assert runs[-1].backend is backend
    requests = [runs[0].request(row, 0) for row in rows(6)]
    threads = [threading.Thread(target=run.generate, args=(requests,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    made = [name for backend in backends for batch in backend.batches for name in batch]
    assert sorted(made) == [row.id for row in rows(6)]
    assert all(backend.batches for backend in backends)
    assert all(run.take(request).audio is not None for run in runs for request in requests)


def test_progress_counts_to_the_end(make):
    run = make(Speaking(), batch_size=2)
    seen = []
    run.generate([run.request(row, 0) for row in rows(3)], lambda done, of, take: seen.append((done, of)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_passed_is_known_before_anything_is_made(make):
    backend = Speaking()
    run = make(backend)
    assert run.infeasible(run.request(utterance("كلمة"), 0)).keys() == {"duration_ratio"}
    assert backend.batches == []


@pytest.mark.parametrize(("language", "refused"), [("ar", "spoken_share_english"), ("en", "spoken_share")])
def test_a_gate_for_another_language_is_refused_with_the_reason_and_its_own_judges(make, language, refused):
    run = make(Speaking())
    asked = run.request(utterance(WORDS, language=language), 0)
    verdicts = {verdict.gate.name: verdict for verdict in run.judge(run.take(asked), ["spoken_share"])}
    assert verdicts.keys() == {"spoken_share", "spoken_share_english"}
    assert verdicts[refused].outcome is Outcome.REFUSED
    assert verdicts[refused].reason.endswith(f"the text is {language}")
    (own,) = verdicts.keys() - {refused}
    assert verdicts[own].outcome in {Outcome.PASS, Outcome.FAIL}, verdicts[own].reason


def test_the_limits_of_another_language_refuse_nothing(make):
    profile = load_profile("documented", "speaking")
    wide = [in_english_only(gate) if gate.metric == "length" else gate for gate in profile.gates]
    run = make(Speaking(), profile=replace(profile, gates=tuple(wide)))
    asked = {code: run.request(utterance(WORDS, language=code), 0) for code in ("ar", "en")}
    assert run.infeasible(asked["ar"]) == {}
    assert "allows at most 0.1 s" in run.infeasible(asked["en"])["duration_ratio"]


def in_english_only(gate):
    """For English texts of a tenth of a second."""
    return msgspec.structs.replace(gate, languages=("en",), at_least=0.0, at_most=0.1)


def test_chunks_are_asked_for_by_name(make):
    long = utterance(" ".join(["كلمة " * 9 + "نهاية."] * 5))
    assert len(make(Speaking()).request(long, 0).chunks) == 1
    assert len(make(Speaking(), by_sentence=True).request(long, 0).chunks) == 2


def test_closing_frees_the_backend_only_where_it_was_opened(make):
    backend = Speaking()
    make(backend).close()
    assert backend.batches == []
    run = make(backend)
    run.generate([run.request(rows(1)[0], 0)])
    run.close()
    assert backend.batches[-1] == "closed"


WORD_GATES = ["cer_above_floor", "wer_above_floor"]
TAKE, VOICE = 26 * 2400, 20 * 2400


def hearing(monkeypatch, told):
    monkeypatch.setattr(intelligibility, "open_recognizer", lambda name, gpu: told)


def outcomes(run, take, metrics=WORD_GATES):
    return {verdict.outcome for verdict in run.judge(take, metrics)}


def test_all_takes_are_heard_together_and_once(make, monkeypatch):
    told = Told({TAKE: WORDS, VOICE: "نص"})
    hearing(monkeypatch, told)
    run = make(Speaking(), models=Models(recognizer="folder"))
    run.generate([run.request(row, 0) for row in rows(3)])
    takes = [run.take(run.request(row, 0)) for row in rows(3)]
    assert outcomes(run, takes[0]) == {Outcome.PASS}
    assert outcomes(run, takes[1]) == {Outcome.WARN}  # nobody calibrated this recogniser
    assert told.batches == [[TAKE], [VOICE]]  # the takes are one sound, so that one is heard
    again = make(Speaking(), models=Models(recognizer="folder"))
    assert outcomes(again, again.take(again.request(rows(1)[0], 0))) == {Outcome.PASS}
    assert len(told.batches) == 2


def test_a_run_that_is_killed_while_it_hears_keeps_what_it_heard_and_says_how_far_it_is(make, monkeypatch):
    """Five takes of a sound each, heard two at a time; the third batch is never heard."""
    monkeypatch.setattr(judging, "BATCH", 2)
    backend = Speaking()
    backend.take = lambda request: replace(
        Speaking.take(backend, request), audio=draw("#" * (26 + request.utterance.number))
    )
    sizes = {number: (26 + number) * 2400 for number in range(1, 6)}
    texts = {size: WORDS for size in sizes.values()}
    killed = Told(texts | {sizes[5]: KeyboardInterrupt(), VOICE: "نص"})
    hearing(monkeypatch, killed)
    asked = {row.number: plan.Wanted(tuple(WORD_GATES)) for row in rows(5)}

    def carry_out(said):
        run = make(backend, models=Models(recognizer="folder"))
        requests = {run.request(row, 0): asked[row.number] for row in rows(5)}
        run.generate(requests)
        run.carry_out(requests, judged=lambda *told: said.append(told))

    said = []
    with pytest.raises(KeyboardInterrupt):
        carry_out(said)
    assert said[0][1] == 5
    assert 2 <= said[-1][0] < 5
    again = Told(texts | {VOICE: "نص"})
    hearing(monkeypatch, again)
    carry_out(said)
    heard = [size for batch in again.batches for size in batch]
    assert 1 <= len([size for size in heard if size != VOICE]) <= 2, "only the batch that was killed is heard again"
    assert said[-1] == (5, 5)


def test_without_a_recogniser_words_are_refused_and_none_is_opened(make):
    run = make(Speaking())
    take = run.take(run.request(rows(1)[0], 0))
    assert outcomes(run, take, [*WORD_GATES, "second_cer_above_floor"]) == {Outcome.REFUSED}
    assert "no speech recogniser" in run.measurements(take, ["cer"])["cer"].why_not


def test_a_recogniser_that_raises_blocks_the_release(make, monkeypatch):
    hearing(monkeypatch, Told({TAKE: RuntimeError("broken"), VOICE: RuntimeError("broken")}))
    run = make(Speaking(), models=Models(recognizer="folder", second_recognizer="folder"))
    take = run.take(run.request(rows(1)[0], 0))
    assert outcomes(run, take, [*WORD_GATES, "second_cer_above_floor"]) == {Outcome.INCONCLUSIVE}


def test_scores_of_words_do_not_depend_on_company(make, monkeypatch, tmp_path):
    def heard(name, groups):
        hearing(monkeypatch, Told({TAKE: "واحد ثلاثة", VOICE: "نص"}))
        run = make(Speaking(), models=Models(recognizer="folder"), out=tmp_path / name)
        for group in groups:
            requests = [run.request(rows(4)[place], 0) for place in group]
            run.generate(requests)
            run.judge(run.take(requests[0]), WORD_GATES)
        takes = [run.take(run.request(row, 0)) for row in rows(4)]
        return [run.measurements(take, ["cer"])["cer"].value for take in takes], [outcomes(run, take) for take in takes]

    together, alone = heard("together", [[3, 1, 0, 2]]), heard("alone", [[0], [1], [2], [3]])
    assert together[0] == pytest.approx(alone[0], abs=1e-3)
    assert together[1] == alone[1]


def test_the_rows_of_a_pair_find_each_other_by_seed(make):
    run = make(Speaking())
    pair = [
        utterance(text, id=f"diacritized-{n:03d}", number=n, suite="diacritized", pair="p")
        for n, text in enumerate(("هذا عِلم نافع جدا", "هذا عَلَم نافع جدا"), 1)
    ]
    run.generate([run.request(row, seed) for row in pair for seed in (0, 1)])
    take = run.take(run.request(pair[0], 1))
    partner = diacritics.partner(take, run._takes.values).request
    assert (partner.utterance.id, partner.seed) == ("diacritized-002", 1)
    assert outcomes(run, take, ["pair_contrast"]) == {Outcome.FAIL}  # one buzz for both rows
    alone = make(Speaking())
    assert outcomes(alone, alone.take(alone.request(pair[0], 5)), ["pair_contrast"]) == {Outcome.REFUSED}


def test_a_profile_chooses_how_reading_time_is_counted(make):
    run = make(Speaking())
    row = utterance("1987654")
    asked = run.request(row, 0)
    assert run.infeasible(asked).keys() == {"duration_ratio"}  # one word
    documented = run.measurements(run.take(asked))["duration_ratio"]
    by_letters = make(Speaking(), profile=replace(load_profile("documented", ""), reading_time="letters"))
    found = by_letters.measurements(by_letters.take(asked))["duration_ratio"]
    assert documented.components["reading_time_s"] == 0.4
    assert found.components["reading_time_s"] > 5
    assert "letters" in found.detail
    assert "duration_ratio" in by_letters.infeasible(asked)  # 64 frames cannot hold it, and now that is known
    assert "64 frames" in by_letters.infeasible(asked)["duration_ratio"]


@pytest.mark.parametrize(("frame_rate", "most"), [(12.5, 38), (25, 75), (50, 150)])
def test_budget_and_rate_gate_are_those_of_the_system(make, frame_rate, most):
    backend = Speaking()
    backend.sample_rate_hz, backend.frame_rate_hz = 44_100, frame_rate
    run = make(backend)
    (row,) = rows(1)
    assert run.request(row, 0).max_frames == most
    (verdict,) = run.judge(run.take(run.request(row, 0)), ["sample_rate"])
    assert str(verdict.gate) == "sample_rate = 44100 Hz"
    assert verdict.outcome == "FAIL"  # it says 44.1 kHz and speaks at 24
