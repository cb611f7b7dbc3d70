"""The page of a listening session over loopback; every listener's answers become a file beside the run."""

import re
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness.errors import RecordError, UsageError
from harness.records import schema
from harness.records.listening import RATINGS_FOLDER, Ratings, Session

ADDRESS = "127.0.0.1"
LARGEST_ANSWER_BYTES = 1_000_000


def read_ratings(data: bytes, session: Session) -> Ratings:
    """Answers as the page writes them.

    Raises:
        RecordError: They are no answers.
        UsageError: They are not to this session.
    """
    ratings = schema.decode(data, Ratings, "the ratings", "save them from the session's page again")
    if ratings.session != session.id:
        raise UsageError(f"these ratings are of session {ratings.session!r}; {session.id!r} is needed")
    if not ratings.listener.strip():
        raise UsageError("these ratings name no listener")
    asked = {trial.number for trial in session.trials}
    answered = [rating.trial for rating in ratings.ratings]
    if len(set(answered)) < len(answered) or not set(answered) <= asked:
        raise UsageError("these ratings answer a question twice, or one that was not asked")
    return ratings


def keep(ratings: Ratings, folder: Path) -> Path:
    """Write a listener's answers under their name, replacing what they said before; the path of the file."""
    name = re.sub(r"[^\w-]+", "_", ratings.listener.strip())[:64]
    path = folder / RATINGS_FOLDER / f"{name}.json"
    schema.write(path, ratings)
    return path


class _Handler(SimpleHTTPRequestHandler):
    """Files of the page, and one address that takes answers."""

    def __init__(self, *arguments: object, session: Session, folder: Path, directory: str) -> None:
        self._session = session
        self._folder = folder
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        """Keep what a listener answered."""
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/ratings" or not 0 < length <= LARGEST_ANSWER_BYTES:
            self._say(HTTPStatus.BAD_REQUEST, f"answers of 1 to {LARGEST_ANSWER_BYTES} bytes go to /ratings")
            return
        try:
            path = keep(read_ratings(self.rfile.read(length), self._session), self._folder)
        except (RecordError, UsageError) as error:
            self._say(HTTPStatus.BAD_REQUEST, str(error))
        else:
            self._say(HTTPStatus.OK, f"Saved as {path.name} beside the run. You may close this page.")

    def _say(self, status: HTTPStatus, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal shows the address and who has answered."""


def serve(session: Session, folder: Path, page: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of the page, not yet running; `server_port` is the port, `serve_forever` runs it.

    Args:
        session: The key, which is not served.
        folder: Where the answers go.
        page: The folder of the page, the only one that is served.
        port: 0 takes a free one.
    """
    return ThreadingHTTPServer((ADDRESS, port), partial(_Handler, session=session, folder=folder, directory=str(page)))
