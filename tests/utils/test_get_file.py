"""get_file with files of this machine and a web server on it."""

import hashlib
import http.server
import threading
from pathlib import Path

import pytest

from convnet.utils import get_file
from convnet.utils.file_utils import cache_home, validate_file

CONTENT = b"some content" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.bin"
    path.write_bytes(CONTENT)
    return path


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/missing":
            self.send_error(404, "Not Found")
        else:
            self.send_response(200)
            if self.path != "/unknown-length":
                missing = 5 if self.path == "/cut" else 0
                self.send_header("Content-Length", str(len(CONTENT) + missing))
            self.end_headers()
            self.wfile.write(CONTENT)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with http.server.HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def left_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


class TestCacheHome:
    def test_keras_home_comes_first(self, monkeypatch):
        monkeypatch.setenv("KERAS_HOME", "~/mine")
        assert cache_home() == Path.home() / "mine"

    @pytest.mark.parametrize(
        ("platform", "variable", "otherwise"),
        [
            ("linux", "XDG_CACHE_HOME", "~/.cache/convnet"),
            ("win32", "LOCALAPPDATA", "~/AppData/Local/convnet"),
            ("darwin", None, "~/Library/Caches/convnet"),
        ],
    )
    def test_then_the_cache_folder_of_the_system(
        self, tmp_path, monkeypatch, platform, variable, otherwise
    ):
        monkeypatch.delenv("KERAS_HOME", raising=False)
        monkeypatch.setattr("sys.platform", platform)
        if variable:
            monkeypatch.setenv(variable, str(tmp_path))
            assert cache_home() == tmp_path / "convnet"
            monkeypatch.delenv(variable)
        assert cache_home() == Path(otherwise).expanduser()


class TestDownload:
    def test_goes_to_the_cache_under_the_name_in_the_url(self, cache, source, capsys):
        path = get_file(origin=source.as_uri())
        assert path == str(cache / "datasets" / "source.bin")
        assert Path(path).read_bytes() == CONTENT
        out = capsys.readouterr().out
        assert f"Downloading data from {source.as_uri()}" in out
        assert f"{len(CONTENT)}/{len(CONTENT)}" in out

    def test_or_where_the_arguments_say(self, tmp_path, source):
        path = get_file("a.bin", source.as_uri(), cache_dir=tmp_path / "other", cache_subdir="sub")
        assert path == str(tmp_path / "other" / "sub" / "a.bin")
        path = get_file("a.bin", source.as_uri(), cache_subdir=str(tmp_path / "absolute"))
        assert path == str(tmp_path / "absolute" / "a.bin")

    def test_happens_once(self, cache, source):
        get_file(origin=source.as_uri())
        source.unlink()
        assert Path(get_file(origin=source.as_uri())).read_bytes() == CONTENT

    def test_happens_again_when_forced(self, cache, source):
        get_file(origin=source.as_uri())
        source.write_bytes(b"new")
        path = get_file(origin=source.as_uri(), force_download=True)
        assert Path(path).read_bytes() == b"new"

    def test_happens_again_when_the_cached_hash_is_wrong(self, cache, source, capsys):
        path = Path(get_file(origin=source.as_uri()))
        path.write_bytes(b"damaged")
        get_file(origin=source.as_uri(), file_hash=SHA256)
        assert path.read_bytes() == CONTENT
        assert "seems to be incomplete or outdated" in capsys.readouterr().out

    def test_is_not_needed_to_use_a_cache_that_cannot_be_written(self, cache, source):
        get_file(origin=source.as_uri())
        cache.chmod(0o500)
        (cache / "datasets").chmod(0o500)
        assert Path(get_file(origin=source.as_uri(), file_hash=SHA256)).read_bytes() == CONTENT
        (cache / "datasets").chmod(0o700)
        cache.chmod(0o700)


class TestHash:
    @pytest.mark.parametrize(
        "arguments",
        [
            {"file_hash": SHA256},
            {"file_hash": SHA256.upper()},
            {"file_hash": MD5},
            {"file_hash": SHA256, "hash_algorithm": "sha256"},
            {"file_hash": MD5, "hash_algorithm": "md5"},
            {"md5_hash": MD5},
        ],
    )
    def test_a_right_one_is_accepted(self, cache, source, arguments):
        assert Path(get_file(origin=source.as_uri(), **arguments)).read_bytes() == CONTENT

    @pytest.mark.parametrize(
        "arguments",
        [{"file_hash": "0" * 64}, {"md5_hash": "0" * 32}, {"file_hash": MD5 + "0"}],
    )
    def test_after_a_wrong_one_nothing_is_left(self, cache, source, arguments):
        with pytest.raises(ValueError, match="Incomplete or corrupted file detected"):
            get_file(origin=source.as_uri(), **arguments)
        assert left_in(cache) == []

    def test_a_wrong_one_never_replaces_a_good_file(self, cache, source):
        path = Path(get_file(origin=source.as_uri()))
        source.write_bytes(b"not the content")
        with pytest.raises(ValueError, match="Incomplete or corrupted"):
            get_file(origin=source.as_uri(), file_hash=SHA256, force_download=True)
        assert path.read_bytes() == CONTENT
        assert left_in(cache) == ["source.bin"]

    def test_validate_file(self, source):
        assert validate_file(source, SHA256)
        assert validate_file(source, MD5, "md5")
        assert not validate_file(source, MD5, "sha256")


class TestWeb:
    @pytest.mark.parametrize("path", ["/a.bin", "/unknown-length", "/to?/a.bin"])
    def test_http_is_accepted_with_a_hash(self, cache, server, path):
        result = get_file("a.bin", server + path, file_hash=SHA256)
        assert Path(result).read_bytes() == CONTENT

    def test_http_without_a_hash_is_refused(self, cache, server):
        with pytest.raises(
            ValueError, match=r"Invalid value for argument `origin`. Expected a URL"
        ):
            get_file("a.bin", f"{server}/a.bin")

    @pytest.mark.parametrize("target", ["ftp://127.0.0.1/a.bin", "file:///etc/hostname"])
    def test_a_redirect_away_from_the_web_is_refused(self, cache, server, target):
        with pytest.raises((ValueError, OSError), match=r"`origin`|URL fetch failure"):
            get_file("a.bin", f"{server}/to?{target}", file_hash=SHA256)
        assert left_in(cache) == []

    def test_a_failure_names_the_url_and_leaves_nothing(self, cache, server):
        with pytest.raises(OSError, match=f"URL fetch failure on {server}/missing: 404 -- Not F"):
            get_file("a.bin", f"{server}/missing", file_hash=SHA256)
        assert left_in(cache) == []

    def test_a_connection_that_breaks_off_leaves_nothing(self, cache, server):
        with pytest.raises(OSError, match="ended after 12,000 of 12,005 bytes"):
            get_file("a.bin", f"{server}/cut", file_hash=SHA256)
        assert left_in(cache) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, 'Please specify the "origin" argument'),
        ({"origin": "https://example.com/"}, "Can't parse the file name from the origin"),
        ({"origin": "https://example.com/.."}, "Paths are no longer accepted"),
        ({"origin": "https://a/b", "fname": "../b"}, "Paths are no longer accepted"),
        ({"origin": "https://a/b", "fname": "/etc/b"}, "Paths are no longer accepted"),
        ({"origin": "https://a/b", "fname": "c\\b"}, "Paths are no longer accepted"),
        ({"origin": "ftp://a/b"}, "Invalid value for argument `origin`.*Received: origin=ftp://a"),
        ({"origin": "example.com/b"}, "Invalid value for argument `origin`"),
        ({"origin": "https://a/b", "hash_algorithm": "sha1"}, "argument `hash_algorithm`.*sha1"),
    ],
)
def test_invalid_arguments_are_refused(cache, arguments, message):
    with pytest.raises(ValueError, match=message):
        get_file(**arguments)
