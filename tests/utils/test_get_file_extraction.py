"""get_file with archives: where they are unpacked, and which ones are refused."""

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from convnet.utils import archive, get_file
from convnet.utils.archive import extract_archive

FILES = {"inner/a.txt": b"a", "inner/deeper/b.txt": b"b" * 5000, "c.txt": b""}


def tar_bytes(members, mode="w:gz"):
    """A tar archive of (name or TarInfo, content) pairs."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for info, content in members:
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_bytes(members, compression=zipfile.ZIP_DEFLATED):
    """A zip archive of (name or ZipInfo, content) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for info, content in members:
            archive.writestr(info, content)
    return buffer.getvalue()


PACKED = {
    "tar": tar_bytes(FILES.items(), "w"),
    "tar.gz": tar_bytes(FILES.items(), "w:gz"),
    "tar.bz2": tar_bytes(FILES.items(), "w:bz2"),
    "tar.xz": tar_bytes(FILES.items(), "w:xz"),
    "zip": zip_bytes(FILES.items()),
}


def assert_unpacked(folder):
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }
    assert found == FILES


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "files.tar.gz"
    path.write_bytes(PACKED["tar.gz"])
    return path


class TestPlaces:
    @pytest.mark.parametrize(
        ("fname", "downloaded", "unpacked"),
        [
            (None, "files.tar.gz_archive", "files.tar.gz"),
            ("my.tgz", "my.tgz", "my_extracted"),
            ("folder", "folder_archive", "folder"),
        ],
    )
    def test_are_those_of_keras(self, cache, source, fname, downloaded, unpacked):
        path = get_file(fname, source.as_uri(), extract=True)
        assert path == str(cache / unpacked)
        assert_unpacked(path)
        assert entries(cache) == sorted([downloaded, unpacked])

    def test_untar_is_extract(self, cache, source):
        assert_unpacked(get_file("folder", source.as_uri(), untar=True))

    def test_unpacking_happens_once(self, cache, source):
        path = Path(get_file("folder", source.as_uri(), extract=True))
        (path / "c.txt").write_bytes(b"mine")
        get_file("folder", source.as_uri(), extract=True)
        assert (path / "c.txt").read_bytes() == b"mine"

    def test_a_new_download_replaces_the_folder(self, cache, source):
        path = Path(get_file("folder", source.as_uri(), extract=True))
        (path / "old.txt").touch()
        get_file("folder", source.as_uri(), extract=True, force_download=True)
        assert_unpacked(path)
        assert entries(cache) == ["folder", "folder_archive"]

    def test_a_file_that_is_no_archive_is_an_error(self, cache, source):
        source.write_bytes(b"no archive")
        with pytest.raises(ValueError, match=r"Could not extract archive. .* is not a tar or zip"):
            get_file("folder", source.as_uri(), extract=True)
        assert entries(cache) == ["folder_archive"]


class TestFormats:
    @pytest.mark.parametrize("kind", PACKED)
    def test_are_recognised_by_content(self, tmp_path, kind):
        (tmp_path / "a").write_bytes(PACKED[kind])
        assert extract_archive(tmp_path / "a", tmp_path / "out")
        assert_unpacked(tmp_path / "out")

    @pytest.mark.parametrize(
        ("kind", "archive_format", "unpacked"),
        [
            ("zip", "zip", True),
            ("zip", "tar", False),
            ("zip", ["tar", "zip"], True),
            ("tar.gz", "tar", True),
            ("tar.gz", ["zip"], False),
            ("tar.gz", None, False),
            ("tar.gz", [], False),
        ],
    )
    def test_can_be_restricted(self, tmp_path, kind, archive_format, unpacked):
        (tmp_path / "a").write_bytes(PACKED[kind])
        assert extract_archive(tmp_path / "a", tmp_path / "out", archive_format) is unpacked
        assert (tmp_path / "out").exists() is unpacked

    def test_an_unknown_one_is_an_error(self, tmp_path):
        with pytest.raises(ValueError, match=r"argument `archive_format`.*Received.*rar"):
            extract_archive(tmp_path / "a", tmp_path / "out", "rar")


def tar_member(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


HOSTILE = {
    "outside": tar_bytes([("../evil.txt", b"x")]),
    "outside, deeper": tar_bytes([("a/../../evil.txt", b"x")]),
    "absolute": tar_bytes([("/tmp/evil.txt", b"x")]),
    "symbolic link": tar_bytes([(tar_member("l", tarfile.SYMTYPE, "/etc"), b"")]),
    "symbolic link inside": tar_bytes([(tar_member("l", tarfile.SYMTYPE, "a"), b"")]),
    "hard link": tar_bytes([(tar_member("l", tarfile.LNKTYPE, "/etc/hostname"), b"")]),
    "device": tar_bytes([(tar_member("d", tarfile.CHRTYPE), b"")]),
    "pipe": tar_bytes([(tar_member("p", tarfile.FIFOTYPE), b"")]),
    "twice": tar_bytes([("a", b"x"), ("a", b"y")]),
    "twice, one a folder": tar_bytes([("a", b"x"), ("a/b", b"y")]),
    "the folder itself": tar_bytes([(".", b"x")]),
    "zip outside": zip_bytes([("../evil.txt", b"x")]),
    "zip absolute": zip_bytes([("/tmp/evil.txt", b"x")]),
    "zip symbolic link": zip_bytes([(zip_link("l"), b"/etc")]),
    "zip twice": zip_bytes([("a", b"x"), ("./a", b"y")]),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_by_name_and_leaves_nothing(tmp_path, content):
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(ValueError, match=r"archive has a member|archive names"):
        extract_archive(tmp_path / "archive", tmp_path / "out")
    assert entries(tmp_path) == ["archive"]
    assert not (tmp_path.parent / "evil.txt").exists()


def test_a_link_at_the_destination_is_replaced_not_followed(tmp_path):
    (tmp_path / "archive").write_bytes(PACKED["zip"])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    extract_archive(tmp_path / "archive", tmp_path / "out")
    assert entries(tmp_path / "elsewhere") == []
    assert_unpacked(tmp_path / "out")


class TestBombs:
    @pytest.fixture(autouse=True)
    def small_limit(self, monkeypatch):
        monkeypatch.setattr(archive, "_SMALL", 1 << 20)

    def refuse(self, tmp_path, content):
        (tmp_path / "archive").write_bytes(content)
        with pytest.raises(ValueError, match=r"archive unpacks to more than [\d,]+ bytes"):
            extract_archive(tmp_path / "archive", tmp_path / "out")
        assert entries(tmp_path) == ["archive"]

    def test_a_tar_of_zeros(self, tmp_path):
        self.refuse(tmp_path, tar_bytes([("zeros", bytes(20 << 20))]))

    def test_a_zip_of_zeros(self, tmp_path):
        self.refuse(tmp_path, zip_bytes([("zeros", bytes(20 << 20))]))

    def test_many_members_together(self, tmp_path):
        self.refuse(tmp_path, zip_bytes([(str(i), bytes(1 << 19)) for i in range(9)]))

    def test_a_long_name_in_the_first_header(self, tmp_path):
        info = tar_member("././@LongLink", tarfile.GNUTYPE_LONGNAME)
        info.size = 40 << 20
        content = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(41 << 20))
        self.refuse(tmp_path, content)

    def test_a_sparse_file_in_a_tar(self, tmp_path):
        info = tarfile.TarInfo("sparse")
        info.pax_headers = {
            "GNU.sparse.major": "0",
            "GNU.sparse.minor": "1",
            "GNU.sparse.map": "0,0",
            "GNU.sparse.size": str(1 << 40),
        }
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            tar.addfile(info)
        self.refuse(tmp_path, buffer.getvalue())


class TestDamage:
    @pytest.mark.parametrize("kind", PACKED)
    def test_an_archive_cut_off_never_passes_for_whole(self, tmp_path, kind):
        content = PACKED[kind]
        end = content.rstrip(b"\0")  # a tar archive ends with zeros that nobody reads
        for length in range(0, len(end) - 1, 97):
            (tmp_path / "archive").write_bytes(content[:length])
            try:
                unpacked = extract_archive(tmp_path / "archive", tmp_path / "out")
            except ValueError as error:
                assert "archive is damaged" in str(error)
                unpacked = False
            if unpacked:
                assert_whole_members_only(tmp_path / "out", kind)
            assert set(entries(tmp_path)) <= {"archive", "out"}

    def test_an_encrypted_zip_is_refused(self, tmp_path):
        content = bytearray(zip_bytes([("a", b"x")]))
        for header in (b"PK\x03\x04", b"PK\x01\x02"):
            content[content.index(header) + (6 if header[2] == 3 else 8)] |= 1
        (tmp_path / "archive").write_bytes(content)
        with pytest.raises(ValueError, match=r"archive is damaged: .*encrypted"):
            extract_archive(tmp_path / "archive", tmp_path / "out")


def assert_whole_members_only(folder, kind):
    """A plain tar cut between two members is a shorter, valid tar; nothing else may pass."""
    assert kind == "tar"
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == FILES[path.relative_to(folder).as_posix()]
