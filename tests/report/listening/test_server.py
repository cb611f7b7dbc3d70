"""Answers that come over loopback are kept; nothing else is taken, and the key is not given away."""

import threading
import urllib.error
import urllib.request

import msgspec
import pytest

from harness.records import schema
from harness.records.listening import Choice, Kind, Rating, Ratings, Role, Session, Trial
from harness.report.listening import server

SESSION = Session(
    id="s1",
    run="run",
    trials=(
        Trial(0, Kind.PAIR, "short", "short-001", 0, "layla", Role.NEW, Role.ACCEPTED),
        Trial(1, Kind.CHECK, "short", "short-001", 0, "layla", Role.REFERENCE, Role.ANCHOR),
    ),
)
ANSWERS = Ratings(session="s1", listener="Dana K.", ratings=(Rating(0, Choice.A, 3), Rating(1, Choice.B, 2)))


@pytest.fixture
def address(tmp_path):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("hear", encoding="utf-8")
    (tmp_path / "session.json").write_text("the key", encoding="utf-8")
    running = server.serve(SESSION, tmp_path, tmp_path / "page")
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


def post(address, data, path="/ratings"):
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


def test_answers_are_kept_under_the_listeners_name(address, tmp_path):
    assert "Dana_K_.json" in post(address, msgspec.json.encode(ANSWERS))
    kept = (tmp_path / "ratings" / "Dana_K_.json").read_bytes()
    assert server.read_ratings(kept, SESSION) == schema.stamped(ANSWERS)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        msgspec.json.encode(Ratings(session="other", listener="Dana", ratings=())),
        msgspec.json.encode(Ratings(session="s1", listener=" ", ratings=())),
        msgspec.json.encode(Ratings(session="s1", listener="Dana", ratings=(Rating(7, Choice.A, 1),))),
        msgspec.json.encode(
            Ratings(session="s1", listener="Dana", ratings=(Rating(0, Choice.A, 1), Rating(0, Choice.B, 1)))
        ),
        b'{"session":"s1","listener":"x","ratings":[],"extra":1}',
    ],
)
def test_anything_else_is_refused_and_nothing_is_written(address, tmp_path, data):
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post(address, data)
    assert not (tmp_path / "ratings").exists()


def test_only_the_page_is_served(address):
    with urllib.request.urlopen(f"{address}/index.html", timeout=5) as answer:
        assert answer.read() == b"hear"
    for path in ("/session.json", "/../session.json", "/%2e%2e/session.json"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address + path, timeout=5)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post(address, msgspec.json.encode(ANSWERS), "/index.html")
