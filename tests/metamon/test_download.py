"""Downloads, against a hub of our own on this machine."""

import hashlib
import http.server
import re
import threading

import pytest

from pokespiel.metamon import assets, download
from pokespiel.metamon.checkpoint import save_checkpoint
from tests.metamon.conftest import new_network

FILE = "synthetic-rl-v2/ckpts/policy_weights/policy_epoch_48.pt"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WORDS = b'{"<gen1ou>": 0}'


class Hub(http.server.ThreadingHTTPServer):
    """Answers like the hub: files are announced by the headers of a redirect to their storage."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.break_after = None
        self.announced = hashlib.sha256(content).hexdigest()
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        hub = self.server
        hub.requests.append((self.command, self.path, self.headers.get("Range")))
        if self.path == "/words.json":
            self.send_file(WORDS)
        elif re.fullmatch(rf"/jakegrigsby/metamon/resolve/(main|{COMMIT})/{FILE}", self.path):
            self.send_response(302)
            self.send_header("Location", "/storage")
            self.send_header("X-Linked-Etag", f'"{hub.announced}"')
            self.send_header("X-Linked-Size", str(len(hub.content)))
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/storage":
            self.send_file(hub.content)
        else:
            self.send_error(404)

    def send_file(self, content):
        start = 0
        if self.headers.get("Range"):
            start = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        part = content[start:]
        if self.server.break_after is not None and self.path == "/storage":
            part = part[: self.server.break_after]
        self.wfile.write(part)


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "policy_epoch_48.pt"
    save_checkpoint(path, new_network())
    return path.read_bytes()


@pytest.fixture
def hub(content):
    with Hub(content) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, and a vocabulary that is not metamon's."""
    monkeypatch.setenv("POKESPIEL_CACHE", str(tmp_path))
    checksum = hashlib.sha256(WORDS).hexdigest()
    for module in (assets, download):
        monkeypatch.setattr(module, "VOCABULARY_SHA256", checksum)
    return tmp_path / "metamon"


def fetch(hub, **options):
    return download.download(
        "SyntheticRLV2", hub=hub.url, vocabulary_url=f"{hub.url}/words.json", **options
    )


def test_files_come_from_the_announced_commit_and_are_noted(hub, cache, content):
    path = fetch(hub)
    assert path == cache / FILE
    assert path.read_bytes() == content
    assert (cache / "allreplays-v3.json").read_bytes() == WORDS
    assert COMMIT in path.with_suffix(".json").read_text()
    assert hub.requests[-2][1].startswith(f"/jakegrigsby/metamon/resolve/{COMMIT}/")
    assert assets.checkpoint_path("SyntheticRLV2") == path
    assert assets.load_vocabulary() == {"<gen1ou>": 0}


def test_what_is_there_is_not_fetched_again(hub):
    fetch(hub)
    hub.requests.clear()
    fetch(hub)
    assert hub.requests == []


def test_a_broken_download_goes_on_where_it_ended(hub, cache, content):
    hub.break_after = len(content) // 3 + 1
    seen = []
    path = fetch(hub, progress=lambda there, total: seen.append((there, total)))
    assert path.read_bytes() == content
    ranges = [asked for method, path, asked in hub.requests if path == "/storage"]
    assert ranges[0] is None
    assert all(asked.startswith("bytes=") for asked in ranges[1:])
    assert len(ranges) == 3
    assert seen[-1][0] == len(content)
    assert not list(cache.rglob("*.part"))


def test_a_kill_leaves_a_part_that_the_next_download_continues(hub, cache, content):
    hub.break_after = 10
    with pytest.raises(assets.AssetError):
        fetch(hub)
    assert not (cache / FILE).exists()
    hub.break_after = None
    hub.requests.clear()
    assert fetch(hub).read_bytes() == content
    assert ("GET", "/storage", "bytes=50-") in hub.requests


def test_other_content_than_announced_is_not_kept(hub, cache):
    hub.announced = "0" * 64
    with pytest.raises(assets.AssetError, match=r"not the expected .* sha256 0000"):
        fetch(hub)
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["allreplays-v3.json"]


def test_without_a_network_one_message_says_what_to_place_where(cache):
    with pytest.raises(assets.AssetError) as error:
        download.download(
            "SyntheticRLV2", hub="http://127.0.0.1:1", vocabulary_url="http://127.0.0.1:1/words"
        )
    message = str(error.value)
    assert message.startswith("cannot fetch metamon's files: ")
    assert "http://127.0.0.1:1/words" in message
    assert f"http://127.0.0.1:1/jakegrigsby/metamon/resolve/main/{FILE}" in message
    for name in ("allreplays-v3.json", FILE):
        assert str(cache / name) in message
    assert "--from FOLDER" in message


@pytest.mark.parametrize(
    "layout",
    [FILE, "policy_epoch_48.pt", f"models--jakegrigsby--metamon/snapshots/{COMMIT}/{FILE}"],
)
def test_a_local_folder_is_a_source(tmp_path, cache, content, layout):
    folder = tmp_path / "mine"
    (folder / layout).parent.mkdir(parents=True, exist_ok=True)
    (folder / layout).write_bytes(content)
    (folder / "allreplaysv3.json").write_bytes(WORDS)
    assert download.download("SyntheticRLV2", source=folder) == cache / FILE
    assert (cache / FILE).read_bytes() == content


def test_a_folder_without_the_file(tmp_path):
    with pytest.raises(assets.AssetError, match=r"holds no policy_epoch_48\.pt"):
        download.download("SyntheticRLV2", source=tmp_path)


def test_a_file_that_is_no_checkpoint(tmp_path, cache):
    (tmp_path / "policy_epoch_48.pt").write_bytes(b"<html>not found</html>")
    (tmp_path / "allreplaysv3.json").write_bytes(WORDS)
    with pytest.raises(assets.AssetError, match="download it again"):
        download.download("SyntheticRLV2", source=tmp_path)


def test_unknown_agents_are_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no agent 'Mewtwo'; available: .*SyntheticRLV2"):
        assets.checkpoint_path("Mewtwo")


def test_what_is_not_downloaded_says_how():
    with pytest.raises(assets.AssetError, match="pokespiel metamon download SyntheticRLV2"):
        assets.checkpoint_path("SyntheticRLV2")
    with pytest.raises(assets.AssetError, match="vocabulary is not downloaded"):
        assets.load_vocabulary()


def test_another_vocabulary_is_refused(tmp_path):
    path = tmp_path / "words.json"
    path.write_bytes(b'{"<gen9ou>": 0}')
    with pytest.raises(assets.AssetError, match="is not the vocabulary"):
        assets.load_vocabulary(path)


@pytest.mark.metamon
def test_metamons_vocabulary_has_the_checksum_of_this_package(monkeypatch, request):
    monkeypatch.undo()
    path = request.getfixturevalue("assets") / "allreplays-v3.json"
    assert len(assets.load_vocabulary(path)) == 1407
