import threading
import time

import pytest

from harness import plan
from harness.backends import BackendOptions
from harness.errors import BackendError
from harness.gates import Outcome, load_profile
from harness.plan import Run, Settings
from harness.take import Provenance, Stop, Take
from tests.synthetic import draw, utterance, write_voice

WORDS = "واحد اثنان ثلاثة أربعة خمسة"


class Speaking:
    """A system under test that buzzes for 2.6 s, or does what the test tells it to."""

    name, sample_rate_hz, note, identity = "speaking", 24_000, "", "speaking r1"

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
        return Run(
            Settings(
                backend="speaking",
                options=BackendOptions(),
                profile=load_profile("documented", "speaking"),
                out=tmp_path / "out",
                voices_folder=tmp_path / "voices",
                **changes,
            )
        )

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
        (lambda requests: [], "gave 0 takes for 2 requests"),
        (lambda requests: [Speaking().take(request) for request in reversed(requests)], "in another order"),
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


def test_model_free_metrics_never_open_the_speaker_encoder(make):
    run = make(Speaking())
    take = run.take(run.request(rows(1)[0], 0))
    verdicts = run.judge(
        take, ["finished", "length", "duration_ratio", "silence_ratio", "longest_silence", "sample_rate"]
    )
    assert {verdict.outcome for verdict in verdicts} == {Outcome.PASS}
    assert run.encoder.loads == 0


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
