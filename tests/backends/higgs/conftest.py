"""What most tests here ask of the tiny checkpoint."""

from dataclasses import replace
from zlib import crc32

import pytest

from harness import shipped
from harness.backends import BackendOptions, open_backend
from harness.cloning.budget import BudgetConfig, chunks
from harness.corpus import load_voices
from harness.take import Sampling
from tests.synthetic import request, utterance

# Under the random weights and seed 0 some of these end by themselves and some are cut.
TEXTS = (
    "أقهوةً تفضّل أم شايًا في الصباح؟",
    "خذ قسطًا من الراحة بعد هذا الجهد.",
    "سنلتقي غدًا أمام باب المكتبة القديمة.",
    "وصلت الرسالة متأخرة فلم يقرأها أحد منا.",
)
GREEDY = Sampling(do_sample=False, ras_window=0)


@pytest.fixture(scope="session", autouse=True)
def remembered(tmp_path_factory):
    """The user's own cache is left alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def opened(tiny):
    """`opened(option=…)`: a higgs backend on the tiny checkpoint, loaded once for equal options."""
    backends = {}

    def open_(**options):
        key = tuple(sorted(options.items()))
        if key not in backends:
            given = {"model": str(tiny / "model"), "codec": str(tiny / "codec"), **options}
            backends[key] = open_backend("higgs", BackendOptions(**given))
        return backends[key]

    yield open_
    for backend in backends.values():
        backend.close()


@pytest.fixture(scope="session")
def voices():
    return {voice.id: voice for voice in load_voices(shipped.VOICES)}


@pytest.fixture(scope="session")
def asked(voices):
    """`asked(text, …)`: a request in a shipped voice."""

    def ask(text=TEXTS[0], voice="yusuf", by_sentence=False, **changes):
        row = utterance(text, id=f"short-{crc32(text.encode()) % 1000:03d}")
        parts = chunks(text, BudgetConfig(), by_sentence)
        return replace(request(), utterance=row, reference=voices[voice], chunks=parts, **changes)

    return ask
