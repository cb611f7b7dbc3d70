"""Each way in which the hub fails, against a server that speaks its protocol."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.backends.higgs import hub
from harness.backends.higgs.checkpoint import find
from harness.errors import UsageError

pytestmark = pytest.mark.slow

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        server, parts = self.server, self.path.partition("?")[0].strip("/").split("/")
        kind = parts[3] if parts[0] == "api" else parts[1]
        if kind == "proxy":
            return self.answer(200, b"<html>Please log in to the network</html>", {"Content-Type": "text/html"})
        if kind == "down":
            return self.answer(503, b"", {})
        refusals = {"missing": (404, "RepoNotFound"), "secret": (401, "RepoNotFound"), "gated": (403, "GatedRepo")}
        if kind in refusals and not (kind == "gated" and parts[0] == "api"):
            status, code = refusals[kind]
            return self.answer(status, b"", {"X-Error-Code": code, "X-Error-Message": "no\nand a page more"})
        if parts[0] == "api" and parts[4] == "revision":
            if parts[5] not in {"main", COMMIT}:
                return self.answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return self.json({"id": f"owner/{kind}", "sha": COMMIT, "siblings": []})
        if parts[0] == "api":
            rows = [self.entry(path, data) for path, data in server.files.items()]
            return self.json(rows)
        path = "/".join(parts[4:])
        data = server.files[path]
        server.served.append((self.command, path))
        oid = hashlib.sha256(data).hexdigest() if path.endswith(".safetensors") else hashlib.sha1(data).hexdigest()
        headers = {"ETag": f'"{oid}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        begin = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        cut = kind == "cut" and path.endswith(".safetensors")
        return self.answer(206 if begin else 200, data[begin:], headers, cut)

    def entry(self, path, data):
        row = {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        if path.endswith(".safetensors"):
            row["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 1}
        return row

    def json(self, value):
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def answer(self, status, body, headers, cut=False):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value.replace("\n", " "))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True


@pytest.fixture
def server(tiny, tmp_path, monkeypatch):
    from huggingface_hub import constants

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files = {path.name: path.read_bytes() for path in (tiny / "model").iterdir()}
    server.files |= {f"audio_tokenizer/{path.name}": path.read_bytes() for path in (tiny / "codec").iterdir()}
    server.files |= {"pytorch_model.bin": b"a pickle"}
    server.served = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", constants.ENDPOINT + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    yield server
    server.shutdown()
    server.server_close()


def test_a_checkpoint_comes_whole_is_named_by_its_commit_and_is_fetched_once(server, tiny):
    found = find("model", "owner/whole", "")
    assert found.revision == COMMIT
    assert found.weights_hash == find("model", str(tiny / "model"), "").weights_hash
    assert (found.folder / "model.safetensors").resolve().name == hashlib.sha256(
        (tiny / "model" / "model.safetensors").read_bytes()
    ).hexdigest()
    fetched = {path for method, path in server.served if method == "GET"}
    assert "pytorch_model.bin" not in fetched
    assert {"config.json", "model.safetensors", "chat_template.jinja"} <= fetched
    server.served.clear()
    assert find("model", "owner/whole", COMMIT).folder == found.folder
    assert server.served == []


def test_of_a_codec_in_a_folder_of_its_repository_only_that_folder_is_fetched(server, tiny):
    found = find("codec", "owner/whole/audio_tokenizer", "")
    assert found.revision == COMMIT
    assert found.weights_hash == find("codec", str(tiny / "codec"), "").weights_hash
    assert {path.partition("/")[0] for _, path in server.served} == {"audio_tokenizer"}
    with pytest.raises(UsageError, match=r"holds no config.json"):
        find("codec", "owner/whole/somewhere_else", "")


@pytest.mark.parametrize(
    ("repository", "revision", "complaint"),
    [
        ("gated", "", "is gated, .* accept its terms at .*log in with 'hf auth login' or set HF_TOKEN$"),
        ("missing", "", "the hub has no such repository, or it is private: check the name given with --model"),
        ("secret", "", "the hub has no such repository, or it is private: .* set HF_TOKEN$"),
        ("whole", "v9", "has no revision 'v9': choose .* and give it with --revision$"),
        ("proxy", "", "what answers is not the hub .*proxy.* set HF_ENDPOINT to your mirror$"),
        ("down", "", "the hub answers with HTTP 503: try again later, or give a folder$"),
        ("cut", "", "the download broke off .*run 'hf download owner/cut' and start again"),
    ],
)
def test_each_failure_of_the_hub_has_one_remedy_in_one_line(server, monkeypatch, repository, revision, complaint):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client waits between its attempts
    with pytest.raises(UsageError, match=f"^--model owner/{repository}: {complaint}") as caught:
        find("model", f"owner/{repository}", revision)
    assert "\n" not in str(caught.value)


def test_without_a_network_what_is_in_the_cache_is_found_and_else_the_way_to_bring_it_is_told(server, monkeypatch):
    from huggingface_hub import constants

    found = find("model", "owner/whole", "")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert find("model", "owner/whole", "").folder == found.folder
    with pytest.raises(UsageError, match="the hub is not reached: check the path, or run 'hf download owner/other'"):
        find("model", "owner/other", "")


def test_a_full_disk_is_called_one(monkeypatch):
    import huggingface_hub

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    with pytest.raises(UsageError, match="the disk is full: free 15 GB"):
        hub.download("--model", "owner/name", "", ["*"])


def test_a_download_that_stands_still_is_given_up_and_a_slow_one_is_not(monkeypatch, tmp_path):
    import huggingface_hub
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "STANDSTILL_S", 0.4)
    blobs = tmp_path / "models--owner--name" / "blobs"
    blobs.mkdir(parents=True)
    stop = threading.Event()

    def slow(*_, **__):
        for number in range(12):  # three times as long as it may stand still
            stop.wait(0.1)
            (blobs / "weights.incomplete").write_bytes(b"x" * number)
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", slow)
    assert hub.download("--model", "owner/name", "", ["*"]) == tmp_path
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: stop.wait(60))
    with pytest.raises(
        UsageError, match=r"stands still at 0.00 GB since 0.4 s: .*'hf download owner/name --revision v1'"
    ):
        hub.download("--model", "owner/name", "v1", ["*"])
    stop.set()
