"""A download is the right file, or one sentence; archives cannot write anywhere."""

import hashlib
import http.server
import os
import random
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from minimeta.tasks import downloads
from minimeta.tasks.downloads import DatasetError, cache_folder, fetch, members

DATA = random.Random(0).randbytes(200_000)
MD5 = hashlib.md5(DATA).hexdigest()
FILES = {"file.bin": MD5}


class Server(http.server.BaseHTTPRequestHandler):
    """Serves DATA under /good/; every other first folder of an address names a fault."""

    asked = []  # (fault, Range) of every request

    def do_GET(self):
        fault = self.path.split("/")[1]
        Server.asked.append((fault, self.headers.get("Range")))
        getattr(self, fault)()

    def send(self, data, status=200, told=None, start=0, cut=None):
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        if told is not None:
            self.send_header("Content-Length", str(told))
        self.end_headers()
        self.wfile.write(data[:cut])

    def start(self):
        return int((self.headers.get("Range") or "bytes=0-")[6:-1])

    def good(self):
        start = self.start()
        if start >= len(DATA):
            self.send_error(416)
        else:
            self.send(DATA[start:], 206 if start else 200, len(DATA) - start, start)

    def drops(self):  # each answer ends after 50,000 bytes
        start = self.start()
        self.send(DATA[start:], 206 if start else 200, len(DATA) - start, start, cut=50_000)

    def drops_untold(self):
        self.send(DATA, cut=50_000)

    def ignores(self):  # a Range
        self.send(DATA, told=len(DATA))

    def ignores_and_drops(self):
        self.send(DATA, told=len(DATA), cut=50_000)

    def shifted(self):  # answers with another range than was asked for
        self.send(DATA[7:], 206, len(DATA) - 7, start=7)

    def wrong(self):
        self.send(b"<html>Log in first</html>", told=25)

    def untold(self):
        self.send(DATA)

    def empty(self):
        self.send(b"", told=0)

    def endless(self):
        self.send_response(200)
        self.end_headers()
        while not Server.closing.is_set():
            self.wfile.write(bytes(2**16))

    def drips(self):  # a byte now and then
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        while not Server.closing.wait(0.02):
            self.wfile.write(b"a")

    def halts(self):  # half way, but keeps the line open
        self.send(DATA, told=len(DATA), cut=100_000)
        Server.closing.wait(30)

    def silent(self):
        Server.closing.wait(30)

    def missing(self):
        self.send_error(404)

    def broken(self):
        self.send_error(500)

    def never(self):  # always 416
        self.send_error(416)

    def moved(self):
        self.send_response(302)
        self.send_header("Location", "/good/file.bin")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def circle(self):
        self.send_response(302)
        self.send_header("Location", "/circle/file.bin")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def babble(self):
        self.wfile.write(b"this is no HTTP\r\n\r\n")

    def chunked(self):  # and ends in the middle
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"1000\r\n" + DATA[:100])

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # the client has hung up, as it should on some faults

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    """The address of a server in a thread of this process."""
    Server.closing = threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    Server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIMETA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MINIMETA_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    Server.asked.clear()


@pytest.fixture
def get(address, tmp_path):
    """get(fault, ...) fetches FILES from mirrors with these faults into tmp_path / "home"."""

    def get(*faults, files=FILES):
        return fetch("set", files, [f"{address}/{f}/" for f in faults], tmp_path / "home")

    return get


def home(tmp_path):
    folder = tmp_path / "home"
    return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}


def failure(get, *faults):
    """The sentence with which get fails."""
    with pytest.raises(DatasetError) as caught:
        get(*faults)
    text = str(caught.value)
    assert text.startswith("Cannot download file.bin (127.0.0.1:") and "\n" not in text
    assert text.endswith(
        f"; without a network, put file.bin (md5 {MD5}) into a folder and name that folder in "
        "MINIMETA_DATA."
    )
    return text


# ---- downloads


@pytest.mark.parametrize("kind", ["good", "untold", "ignores", "moved"])
def test_a_file_is_downloaded_once(get, tmp_path, kind):
    assert get(kind) == [tmp_path / "home" / "file.bin"]
    assert home(tmp_path) == {"file.bin": DATA}
    asked = len(Server.asked)
    assert get(kind) == [tmp_path / "home" / "file.bin"] and len(Server.asked) == asked


def test_files_come_in_the_order_asked_for(address, tmp_path):
    files = {name: MD5 for name in ("z", "a", "m")}
    paths = fetch("set", files, [f"{address}/good/"])
    assert paths == [cache_folder() / "set" / name for name in files]
    assert cache_folder() == tmp_path / "cache"


FAULTS = {
    "drops": "the connection was lost after 50000 of 200000 bytes",
    "drops_untold": "it sent another file",
    "wrong": "it sent another file",
    "empty": "it sent another file",
    "missing": "Not Found",
    "broken": "Internal Server Error",
    "never": "Range Not Satisfiable",
    "circle": "infinite loop",
    "babble": "this is no HTTP",
    "chunked": "IncompleteRead",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_download_is_one_sentence_and_no_file(get, tmp_path, fault):
    assert FAULTS[fault] in failure(get, fault)
    assert "file.bin" not in home(tmp_path)


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_failed_mirror_the_next_is_asked(get, tmp_path, fault):
    get(fault, "good")
    assert home(tmp_path) == {"file.bin": DATA}


def test_the_sentence_names_every_mirror_and_its_fault(get):
    text = failure(get, "missing", "broken", "wrong")
    assert text.count("127.0.0.1") == 3
    assert text.index("Not Found") < text.index("Server Error") < text.index("another file")


def test_the_sentence_names_every_file_of_the_set(get):
    with pytest.raises(DatasetError, match=rf"put a \(md5 0\) and b \(md5 {MD5}\) into a folder"):
        get("good", files={"a": "0", "b": MD5})


def test_no_server_is_one_sentence(tmp_path):
    started = time.monotonic()
    with pytest.raises(DatasetError, match=r"\(127.0.0.1:9: \[?[EW]\w+ \d+\] [^<>]*refused"):
        fetch("set", FILES, ["http://127.0.0.1:9/"], tmp_path)
    with pytest.raises(DatasetError, match=r"Cannot download file.bin \(\); without"):
        fetch("set", FILES, [], tmp_path)
    assert time.monotonic() - started < 10 and list(tmp_path.iterdir()) == []


# ---- going on


def test_a_broken_download_goes_on_where_it_broke(get, tmp_path):
    for size in (50_000, 100_000, 150_000):
        assert f"lost after {size} of 200000" in failure(get, "drops")
        assert home(tmp_path) == {"file.bin.part": DATA[:size]}
    get("drops")
    assert home(tmp_path) == {"file.bin": DATA}
    assert [wanted for _, wanted in Server.asked] == [
        None,
        "bytes=50000-",
        "bytes=100000-",
        "bytes=150000-",
    ]


def test_another_mirror_goes_on_where_the_first_broke(get, tmp_path):
    get("drops", "good")
    assert home(tmp_path) == {"file.bin": DATA}
    assert Server.asked == [("drops", None), ("good", "bytes=50000-")]


def test_a_server_that_cannot_go_on_starts_again(get, tmp_path):
    failure(get, "drops")
    failure(get, "ignores_and_drops")
    assert home(tmp_path) == {"file.bin.part": DATA[:50_000]}
    get("ignores")
    assert home(tmp_path) == {"file.bin": DATA}


def test_a_server_that_goes_on_elsewhere_is_not_believed(get, tmp_path):
    failure(get, "drops")
    assert "other bytes" in failure(get, "shifted")
    assert home(tmp_path) == {}
    get("good")
    assert home(tmp_path) == {"file.bin": DATA}


@pytest.mark.parametrize("size", [1, 1000, 200_000, 300_000])
def test_a_beginning_that_is_none_costs_an_attempt_not_the_file(get, tmp_path, size):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "file.bin.part").write_bytes(b"x" * size)
    if size < len(DATA):  # only the checksum can tell
        assert "another file" in failure(get, "good")
        assert home(tmp_path) == {}
    get("good")
    assert home(tmp_path) == {"file.bin": DATA}


def test_a_download_that_is_complete_only_wants_its_name(get, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "file.bin.part").write_bytes(DATA)
    get("broken")
    assert home(tmp_path) == {"file.bin": DATA} and Server.asked == []


LOADER = """
import sys
from minimeta.tasks import downloads
downloads.fetch("set", {"file.bin": sys.argv[1]}, [sys.argv[2] + "/halts/"], sys.argv[3])
"""


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_download_leaves_its_beginning_for_the_next(address, get, tmp_path):
    part, started = tmp_path / "home" / "file.bin.part", time.monotonic()
    with subprocess.Popen([sys.executable, "-c", LOADER, MD5, address, str(part.parent)]) as run:
        while not (part.exists() and part.stat().st_size) and time.monotonic() - started < 10:
            time.sleep(0.01)
        run.kill()
    size = part.stat().st_size
    assert 0 < size < len(DATA) and home(tmp_path) == {"file.bin.part": DATA[:size]}
    get("good")
    assert home(tmp_path) == {"file.bin": DATA}
    assert Server.asked[-1] == ("good", f"bytes={size}-")


# ---- never forever


def test_a_server_that_says_nothing_is_left(get, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", 0.2)
    started = time.monotonic()
    assert "timed out" in failure(get, "silent")
    assert time.monotonic() - started < 5


def test_a_server_that_drips_is_left(get, monkeypatch, tmp_path):
    monkeypatch.setattr(downloads, "PATIENCE", 0.2)
    started = time.monotonic()
    assert "it took more than 0 seconds" in failure(get, "drips")
    assert time.monotonic() - started < 5


def test_a_server_that_sends_too_much_is_left(get, monkeypatch, tmp_path):
    monkeypatch.setattr(downloads, "LARGEST", 10**6)
    assert "it sent more than 1000000 bytes" in failure(get, "endless")
    assert sum(map(len, home(tmp_path).values())) == 0


# ---- what is there already


@pytest.mark.parametrize("place", ["data", "data/set", "home", "cache/set"])
def test_a_copy_is_used_from_wherever_it_lies(get, monkeypatch, tmp_path, place):
    monkeypatch.setenv("MINIMETA_DATA", str(tmp_path / "data"))
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "file.bin").write_bytes(DATA)
    if place.startswith("cache"):
        assert fetch("set", FILES, []) == [tmp_path / place / "file.bin"]
    else:
        assert get("broken") == [tmp_path / place / "file.bin"]
    assert Server.asked == []


@pytest.mark.parametrize("damaged", [b"", DATA[:-1], DATA + b"\0", b"\0" + DATA[1:], b"other"])
@pytest.mark.parametrize("place", ["data", "data/set", "home"])
def test_a_damaged_copy_is_refused_and_left_where_it_is(get, monkeypatch, tmp_path, place, damaged):
    monkeypatch.setenv("MINIMETA_DATA", str(tmp_path / "data"))
    (tmp_path / place).mkdir(parents=True)
    path = tmp_path / place / "file.bin"
    path.write_bytes(damaged)
    with pytest.raises(DatasetError) as caught:
        get("good")
    found = hashlib.md5(damaged).hexdigest()
    assert str(caught.value).startswith(f"{path} is damaged or another file: its md5 is {found} in")
    assert MD5 in str(caught.value) and str(caught.value).endswith(".")
    assert path.read_bytes() == damaged and Server.asked == []


def test_a_folder_that_cannot_be_made_is_one_sentence(address, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match=r"^Cannot download file.bin \(.*MINIMETA_DATA\.$"):
        fetch("set", FILES, [f"{address}/good/"], tmp_path / "file")


def test_offline_copies_may_be_named_from_the_home_folder(monkeypatch, tmp_path):
    (tmp_path / "file.bin").write_bytes(DATA)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("MINIMETA_DATA", "~")
    assert fetch("set", FILES, []) == [tmp_path / "file.bin"]


@pytest.mark.parametrize(
    "platform, variables, expected",
    [
        ("linux", {}, "~/.cache/minimeta"),
        ("linux", {"XDG_CACHE_HOME": "/c"}, "/c/minimeta"),
        ("darwin", {"XDG_CACHE_HOME": "/c"}, "~/Library/Caches/minimeta"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/minimeta"),
        ("win32", {}, "~/AppData/Local/minimeta"),
        ("linux", {"MINIMETA_CACHE": "~/mine"}, "~/mine"),
    ],
)
def test_downloads_are_kept_where_the_platform_keeps_them(
    monkeypatch, platform, variables, expected
):
    for name in ("MINIMETA_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path(expected).expanduser()


def test_importing_opens_no_network():
    code = (
        "import sys, minimeta.tasks.datasets\n"
        "print([m for m in ('http.client', 'urllib.request', 'ssl', 'socket') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


# ---- archives


def archive(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


CONTENT = {
    "b/": b"",
    "b/2.png": DATA[:3000],
    "a.txt": b"text" * 1000,
    "b/c/ключ": b"",
    "..a/b..": b"x",
}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_s_files_come_in_order_and_nothing_is_written(tmp_path, method, monkeypatch):
    path = archive(tmp_path / "a.zip", CONTENT, method)
    monkeypatch.chdir(tmp_path)
    assert list(members(path)) == [(k, v) for k, v in CONTENT.items() if not k.endswith("/")]
    assert os.listdir(tmp_path) == ["a.zip"]


ESCAPES = [
    "../a",
    "/a",
    "a/../../b",
    "..",
    "a/..",
    "C:/a",
    "c:a",
    "..\\a",
    "a\\..\\..\\b",
    "\\\\host\\a",
    "a\0b",
]


@pytest.mark.parametrize("name", ESCAPES)
def test_an_archive_that_names_a_file_outside_is_refused_before_any_is_read(tmp_path, name):
    path = tmp_path / "a.zip"
    plain = "\0" not in name
    archive(path, {"good": b"1", name if plain else "a?b": b"2"})
    if not plain:  # zipfile itself writes no such name
        path.write_bytes(path.read_bytes().replace(b"a?b", name.encode()))
    with pytest.raises(
        DatasetError, match=r"^[^\n]*a\.zip names a file outside of its folder: .*\.$"
    ):
        next(members(path))


def test_an_archive_of_more_bytes_than_expected_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", {"a": bytes(600), "b": bytes(401)})
    assert len(list(members(path, largest=1001))) == 2
    with pytest.raises(DatasetError, match=r"unpacks to 1001 bytes; at most 1000 are expected\.$"):
        next(members(path, largest=1000))


@pytest.mark.parametrize("claim", [0, 10])
def test_an_archive_that_holds_more_than_it_says_is_refused_without_unpacking_it(tmp_path, claim):
    """Ten million zeros that claim to be a few."""
    path = archive(tmp_path / "a.zip", {"a": bytes(10**7)})
    data = path.read_bytes()
    path.write_bytes(data.replace((10**7).to_bytes(4, "little"), claim.to_bytes(4, "little")))
    tracemalloc.start()
    with pytest.raises(DatasetError, match="no undamaged zip archive"):
        list(members(path, largest=1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_of_another_method_is_refused(tmp_path, method):
    path = archive(tmp_path / "a.zip", {"a": b"1"}, method)
    with pytest.raises(DatasetError, match="method other than deflate"):
        next(members(path))


@pytest.mark.parametrize("data", [b"", b"text", DATA, bytes(1000)])
def test_a_file_that_is_no_archive_is_refused(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    for path in (tmp_path / "a.zip", tmp_path, tmp_path / "none"):
        with pytest.raises(DatasetError, match=r"^[^\n]* is no undamaged zip archive \(\w+\)\.$"):
            list(members(path))


def test_a_damaged_archive_is_refused_or_gives_the_same_bytes(tmp_path):
    good = {"a": b"text" * 20, "b/c": DATA[:50]}
    data = archive(tmp_path / "a.zip", good).read_bytes()
    changed = [data[:size] for size in range(0, len(data), 2)]
    for place in range(len(data)):
        flipped = data[place] ^ (0x01, 0x80, 0xFF)[place % 3]
        changed.append(data[:place] + bytes([flipped]) + data[place + 1 :])
    for damaged in changed:
        (tmp_path / "a.zip").write_bytes(damaged)
        try:
            found = list(members(tmp_path / "a.zip"))
        except DatasetError as error:
            assert str(error).endswith(".") and "\n" not in str(error)
        else:  # names have no checksum in a zip file
            assert {content for _, content in found} <= set(good.values())


@pytest.mark.parametrize("name", ["images_background_small1.zip", "images_background_small2.zip"])
def test_omniglot_s_published_archives_are_read(name):
    copies = [os.environ.get("MINIMETA_DATA"), Path(__file__).parents[2] / "shared" / "data"]
    paths = [Path(c) / "omniglot" / name for c in copies if c]
    path = next(filter(Path.is_file, paths), None)
    if path is None:
        pytest.skip("needs MINIMETA_DATA with Omniglot's small sets")
    images = [data for name, data in members(path) if name.endswith(".png")]
    assert len(images) == {"1": 136, "2": 156}[path.stem[-1]] * 20
    assert all(data.startswith(b"\x89PNG") for data in images)
