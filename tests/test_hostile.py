"""Hostile submissions: no points for tricks, and none of the forbidden effects."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest
from hostile import HARM, PREAMBLE, SPOILED, TRICKS

from minimeta.course import assignments, handout
from minimeta.course.blanking import PACKAGE
from minimeta.course.grading import desk
from minimeta.course.grading.grade import grade

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines a submission")
A05 = assignments.find("05")
KEY = 0x6D6D6574  # of System V objects
NAME = "mm-left-here"  # of processes and files
PLACES = ("/tmp", "/var/tmp", "/dev/shm", os.path.expanduser("~"), os.getcwd())


class Watch:
    """The manifest of forbidden effects: traps that are set before a run and looked at after it."""

    def __init__(self, folder):
        self.folder = folder
        self.outside, self.secret = folder / "outside", folder / "secret"
        self.results = folder / "results"
        self.secret.write_text("secret")
        os.chmod(self.secret, 0o600)
        self.before = self.secret.stat()
        self.tcp, self.udp = socket.create_server(("127.0.0.1", 0)), datagrams(socket.AF_INET)
        self.udp.bind(("127.0.0.1", 0))
        self.abstract = datagrams(socket.AF_UNIX)
        self.abstract.bind(f"\0{NAME}-{os.getpid()}-{id(self)}")
        self.tcp.settimeout(0.05)
        self.mine = sorted(folder.iterdir())

    def preamble(self):
        """The names that a program of hostile.py uses."""
        return PREAMBLE.format(
            outside=str(self.outside),
            secret=str(self.secret),
            results=str(self.results),
            reference={str(path): "" for path in PACKAGE.rglob("*.py") if "exact" in path.parts},
            tcp=self.tcp.getsockname(),
            udp=self.udp.getsockname(),
            abstract=self.abstract.getsockname().decode(),
            key=KEY,
            name=NAME,
        )

    def effects(self):
        """What happened that must not happen, as a set of words."""
        found = {f"file {path.name}" for path in sorted(self.folder.iterdir())} - {
            f"file {path.name}" for path in [*self.mine, self.results, self.folder / "work"]
        }
        found |= {f"file in {p}" for p in PLACES if os.path.lexists(os.path.join(p, NAME))}
        now = self.secret.stat() if self.secret.exists() else None
        kept = now and (now.st_mode, now.st_mtime, now.st_size, now.st_uid) == (
            *(self.before.st_mode, self.before.st_mtime, self.before.st_size),
            self.before.st_uid,
        )
        found |= set() if kept else {"secret changed"}
        found |= {name for name in ("tcp", "udp", "abstract") if self.heard(name)}
        found |= {f"System V {kind}" for kind in ("shm", "sem", "msg") if has_key(kind)}
        return found | {"process left" for path in Path("/proc").glob("[0-9]*/comm") if left(path)}

    def heard(self, name):
        """Whether somebody has spoken to one of our sockets."""
        try:
            if name == "tcp":
                self.tcp.accept()[0].close()
            else:
                getattr(self, name).recv(10)
        except (BlockingIOError, TimeoutError):
            return False
        return True

    def close(self):
        """Take the traps away, and what was caught."""
        for trap in (self.tcp, self.udp, self.abstract):
            trap.close()
        for place in PLACES:
            Path(place, NAME).unlink(missing_ok=True)


def datagrams(family):
    trap = socket.socket(family, socket.SOCK_DGRAM)
    trap.setblocking(False)
    return trap


def has_key(kind):
    rows = Path(f"/proc/sysvipc/{kind}")
    return rows.exists() and str(KEY) in rows.read_text().split()


def left(path):
    try:
        return path.read_text().strip() == NAME
    except OSError:
        return False


@pytest.fixture
def watch(tmp_path):
    traps = Watch(tmp_path)
    yield traps
    traps.close()


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory):
    """(traps, results by name) after all hostile programs were graded in one run."""
    traps = Watch(tmp_path_factory.mktemp("hostile"))
    work = traps.folder / "work"
    work.mkdir()
    solution, blank = handout.student_file(A05, solved=True), handout.student_file(A05)
    (work / "honest.py").write_text(solution)
    for name, text in HARM.items():
        (work / f"{name}.py").write_text(traps.preamble() + text + "\n" + solution)
    for name, text in TRICKS.items():
        trick = text.replace('"SOLUTION"', repr(solution))
        (work / f"{name}.py").write_text(blank + traps.preamble() + trick)
    odd_files(work, solution)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "SECONDS", 1)
        patch.setattr(desk, "PATIENCE", 3.0)
        results = grade("05", work, traps.results, seed=3, tell=lambda _: None)
    yield traps, {one["extra_data"]["submission"]: one for one in results}
    traps.close()


def odd_files(work, solution):
    """Submissions that are odd as files: a link, no notebook, no text, two files."""
    (work / "link.py").symlink_to(work / "honest.py")
    (work / "nested.ipynb").write_text('{"cells": ' + "[" * 100_000)
    (work / "number.ipynb").write_text('{"cells": 5}')
    (work / "latin.py").write_bytes(b"# \xe9\n" + solution.encode())
    (work / "huge.py").write_text(solution + "#" * (1 << 20))
    (work / "two").mkdir()
    for name in ("one.py", "other.py"):
        (work / "two" / name).write_text(solution)


ODD = ["link", "nested", "number", "latin", "huge", "two"]


@linux
def test_no_hostile_submission_leaves_an_effect(hostile_run):
    traps, results = hostile_run
    assert len(HARM) + len(TRICKS) >= 30
    assert traps.effects() == set()
    assert {path.name for path in traps.results.iterdir()} == {
        *(f"{name}.json" for name in [*HARM, *TRICKS, *ODD, "honest", "run", "statistics"]),
        *("grades.csv", "histogram.png"),
    }


@linux
def test_no_trick_gets_a_point(hostile_run):
    _, results = hostile_run
    assert {name: results[name]["score"] for name in [*TRICKS, *ODD]} == dict.fromkeys(
        [*TRICKS, *ODD], 0
    )


@linux
def test_honest_work_beside_them_keeps_its_points(hostile_run):
    """And so does an attack that fails: it shows that the attack was run, not only refused."""
    traps, results = hostile_run
    for name in ["honest", *HARM]:
        if name not in SPOILED:
            assert results[name]["score"] == 100, (name, results[name]["tests"][0]["output"])
    assert json.loads((traps.results / "honest.json").read_text()) == results["honest"]


@linux
def test_every_sentence_is_one_of_ours_and_tells_no_input(hostile_run):
    traps, _ = hostile_run
    for path in traps.results.iterdir():
        if path.suffix != ".png":
            text = path.read_text()
            for word in ("elltale", "Traceback", "runner.py", "File "):
                assert word not in text, (path.name, word)


@linux
@pytest.mark.parametrize(
    "name, sentence",
    [
        ("no_python", "cannot be read as Python in line "),
        ("sleeps", "did not come to an end within 4 seconds"),
        ("runs_on_deaf", "did not come to an end"),
        ("takes_memory", "2048 MB of memory"),
        ("ends_well", "ended before it gave an answer"),
        ("exits_well", "ends Python"),
        ("reads_reference", "closed while work is graded"),
        ("reads_relatives", "not there when work is graded"),
        ("imports_reference", "not solved yet"),
        ("recursion", ""),
        ("link", "a link"),
        ("latin", "UTF-8"),
        ("two", "2 files"),
    ],
)
def test_what_went_wrong_is_said_in_one_sentence(hostile_run, name, sentence):
    _, results = hostile_run
    told = results[name]["tests"][0]["output"]
    assert sentence in told and told.endswith(".") and "\n" not in told


@linux
def test_the_traps_work(watch, monkeypatch):
    """Without confinement the same programs do have their effects: the manifest can see them."""
    work = watch.folder / "work"
    work.mkdir()
    monkeypatch.setattr(desk, "SECONDS", 1)
    chosen = ("file_in_temporary_folders", "tcp", "udp", "abstract_socket", "secret_times")
    text = watch.preamble() + "\n".join(HARM[name] for name in (*chosen, "folder_made"))
    (work / "all.py").write_text(text)
    (one,) = grade("05", work, watch.results, unconfined=True, tell=lambda _: None)
    assert {"tcp", "udp", "abstract", "secret changed", "file outside"} <= watch.effects()
    assert one["extra_data"]["confinement"] == "none" and "without confinement" in one["output"]


@linux
@pytest.mark.parametrize(
    "file, old, new, sentence",
    [
        (
            "confinement.py",
            "    code = program(",
            "    return\n    code = program(",
            "does not hold",
        ),
        ("confinement.py", '    """From now on the rules', '    return\n    """x', "does not hold"),
        ("runner.py", 'walls += ["landlock"]', "pass", "report itself"),
        ("runner.py", '[*walls, "seccomp"]', "walls", "report itself"),
        ("runner.py", "say(answer, walls=walls)", "pass", "report itself"),
        ("confinement.py", "import struct", "import struct\nraise OSError", "does not start"),
    ],
)
def test_a_confinement_that_is_broken_grades_nothing(
    tmp_path, monkeypatch, file, old, new, sentence
):
    for path in desk.HERE.glob("*.py"):
        text = path.read_text()
        assert path.name != file or text.count(old) == 1
        (tmp_path / path.name).write_text(text.replace(old, new) if path.name == file else text)
    monkeypatch.setattr(desk, "HERE", tmp_path)
    with pytest.raises(desk.Refusal, match=sentence):
        with desk.desk(A05, walls=("landlock",), workers=1):
            pass


def test_without_a_wall_nothing_is_graded():
    with pytest.raises(desk.Refusal, match="--unconfined"):
        with desk.desk(A05, walls=()):
            pass
