"""Where submissions run: a folder with the copy of the package, and processes that fork children.

A desk is tried before it is used: a program of our own attempts what must not be possible. If one
attempt succeeds, or the confinement does not report itself, nothing is graded.
"""

import json
import os
import queue
import selectors
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import autograd
import numpy

from minimeta.course.blanking import copy_package
from minimeta.course.lessons import THREADS, LessonError

HERE = Path(__file__).resolve().parent
SECONDS, MEGABYTES = 4, 2048  # of processor time, and of memory
PATIENCE = 2.5  # how much longer than its processor time a child may take by the clock
LARGEST = 4 << 20  # bytes of an answer
START = """import json, sys
paths = json.loads(sys.argv[1])["paths"]
sys.path[:] = [paths[0], *sys.path, *paths[1:]]
from minimeta.course.grading import runner
runner.main()"""
NEEDED = {"bubblewrap": {"limits", "seccomp"}, "landlock": {"limits", "seccomp", "landlock"}}
TRIAL = """
import os, socket, ctypes, tempfile
def possible(attempt):
    try:
        attempt()
        return 1.0
    except OSError:
        return 0.0
def memory():
    if ctypes.CDLL(None).shmget(0, 4096, 0o1600) < 0:
        raise OSError
def trial():
    return [possible(attempt) for attempt in (
        lambda: open(SECRET).read(),
        lambda: open(os.path.join(os.path.dirname(SECRET), "new"), "w"),
        lambda: os.chmod(SECRET, 0o600),
        lambda: socket.socket(),
        lambda: os.fork() or os._exit(0),
        lambda: os.kill(os.getppid(), 0),
        memory,
    )]
"""
ATTEMPTS = 7


class Answer(NamedTuple):
    """What came back from one check."""

    lines: list  # the JSON objects that the child wrote, at most the last one by a student's hand
    ending: str  # "done", "time", "memory", "flood" or "killed"
    walls: list  # what held the child


class Refusal(LessonError):
    """Submissions cannot be graded here, because nothing would hold them."""


@contextmanager
def desk(assignment, unconfined=False, workers=None, walls=("bubblewrap", "landlock")):
    """A pool of runners for an assignment, all behind the first of the walls that stands.

    Raises Refusal where none does, unless `unconfined`.
    """
    with tempfile.TemporaryDirectory(prefix="minimeta-desk-") as folder:
        folder = Path(folder)
        copy_package(assignment, folder)
        shutil.copy(assignment.folder / "probes.py", folder)
        copy_runner(folder / "minimeta" / "course" / "grading")
        first = Runner(folder, "none") if unconfined else choose(folder, walls)
        runners, pool = [first], queue.SimpleQueue()
        try:
            for _ in range((workers or os.cpu_count() or 1) - 1):
                runners.append(Runner(folder, first.walls))
            for runner in runners:
                pool.put(runner)
            yield Desk(pool, first.walls, len(runners))
        finally:
            for runner in runners:
                runner.close()


def copy_runner(folder):
    """Put the modules that run beside a submission into the copy of the package."""
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    (folder / "__init__.py").write_text("")
    for name in ("runner.py", "confinement.py", "asking.py"):
        shutil.copy(HERE / name, folder)


class Desk(NamedTuple):
    """Runners that wait for work, what confines them, and how many they are."""

    runners: queue.SimpleQueue
    walls: str
    workers: int

    def ask(self, request):
        """Have a check made by the next free runner; return its Answer."""
        runner = self.runners.get()
        try:
            return runner.ask(request)
        finally:
            self.runners.put(runner)


def choose(folder, walls):
    """A Runner behind the first of the walls that holds a trial; Refusal if none does."""
    reasons = []
    for wall in walls:
        try:
            return try_wall(folder, wall)
        except (OSError, ValueError) as error:
            reasons.append(f"{wall}: {error}")
    raise Refusal(
        f"Nothing confines the submissions here ({'; '.join(reasons) or 'no wall'}). Install "
        "bubblewrap, or grade on Linux 5.13 or later; --unconfined grades work that you trust."
    )


def try_wall(folder, wall):
    """A Runner behind a wall that stops every attempt of TRIAL; OSError where there is none."""
    if sys.platform != "linux":
        raise OSError("only Linux has it.")
    if wall == "bubblewrap" and not shutil.which("bwrap"):
        raise OSError("it is not installed.")
    runner = Runner(folder, wall)
    try:
        with tempfile.NamedTemporaryFile(prefix="minimeta-secret-") as secret:
            text = f"SECRET = {secret.name!r}\n{TRIAL}"
            answer = runner.ask(request([("trial.py", text)], "trial", "call", {}))
        done = answer.lines[-1].get("numbers") if answer.lines else None
        if done != [0.0] * ATTEMPTS:
            raise OSError(f"it does not hold: the trial ended with {answer.ending!r} and {done}.")
    except BaseException:
        runner.close()
        raise
    return runner


def request(cells, task, probe, inputs, given=None, lenient=False):
    """What a child is told: the student's text in pieces, and the question to which function."""
    numbers = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in inputs.items()}
    words = {"cells": cells, "task": task, "probe": probe, "inputs": numbers}
    return {**words, "given": given or {}, "lenient": lenient}


class Runner:
    """A process that forks a child for each check."""

    def __init__(self, folder, walls):
        self.walls = walls
        self.control, theirs = socket.socketpair()
        self.words = self.control.makefile("rb")
        settings = {
            "socket": theirs.fileno(),
            "walls": walls,
            "paths": [str(folder), *libraries()],
            "readable": [str(folder), *readable()],
            "seconds": SECONDS,
            "megabytes": MEGABYTES,
        }
        python = os.path.realpath(sys.executable)
        words = [python, "-I", "-S", "-B", "-c", START, json.dumps(settings)]
        with theirs, tempfile.TemporaryFile() as log:
            self.process = subprocess.Popen(
                [*(bubblewrap(folder, python) if walls == "bubblewrap" else []), *words],
                pass_fds=[theirs.fileno()],
                cwd=folder,
                env={**dict.fromkeys(THREADS, "1"), "PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            theirs.close()
            if self.words.readline() != b"ready\n":
                self.close()
                log.seek(0)
                last = log.read()[-300:].decode(errors="replace").strip().splitlines()[-1:]
                raise OSError(f"it does not start ({' '.join(last)}).")

    def ask(self, asked):
        """Have one check made; return its Answer."""
        read, answer = os.pipe()
        request, write = os.pipe()
        socket.send_fds(self.control, [b"c"], [request, answer])
        os.close(request)
        os.close(answer)
        try:
            with open(write, "wb") as file:
                file.write(json.dumps(asked).encode())
        except BrokenPipeError:
            pass
        data, ending = read_all(read, SECONDS * PATIENCE)
        os.close(read)
        self.control.sendall(b"e")
        died, seconds = json.loads(self.words.readline())
        lines = parse(data)
        if ending == "done" and died and seconds > 0.5 * SECONDS:  # the kernel's limit counts ticks
            ending = "time"
        elif ending == "done" and died:
            ending = "killed" if len(lines) < 4 else ending
        walls = lines[0].get("walls", []) if lines else []
        walls = walls if isinstance(walls, list) else []
        if not NEEDED.get(self.walls, set()) <= set(walls):
            raise Refusal("The confinement of a check did not report itself; nothing is graded.")
        return Answer(lines[1:], ending, walls)

    def close(self):
        """End the process and everything in it."""
        self.words.close()
        self.control.close()
        self.process.kill()
        self.process.wait()


def read_all(pipe, seconds):
    """(bytes, "done") up to the end of a pipe; "time" or "flood" where there was no end."""
    end, data = time.monotonic() + seconds, bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            left = end - time.monotonic()
            if left <= 0 or not selector.select(left):
                return bytes(data), "time"
            piece = os.read(pipe, 1 << 16)
            if not piece:
                return bytes(data), "done"
            data += piece
            if len(data) > LARGEST:
                return b"".join(bytes(data).splitlines(True)[:3]), "flood"


def parse(data):
    """The first four lines as JSON objects, up to one that is none."""
    lines = []
    for line in data.split(b"\n", 4)[:4]:
        try:
            words = json.loads(line, parse_int=_whole)
        except (ValueError, RecursionError):
            break
        if not isinstance(words, dict):
            break
        lines.append(words)
    return lines


def _whole(digits):
    return int(digits) if len(digits) < 16 else float("nan")


def libraries():
    """The folders in which NumPy and autograd are found."""
    return sorted({str(Path(package.__file__).parents[1]) for package in (numpy, autograd)})


def readable():
    """Files and folders that Python, NumPy and autograd are made of, and no other package."""
    standard = Path(sysconfig.get_path("stdlib"))
    skip = ("site-packages", "dist-packages", "__pycache__")
    paths = [path for path in standard.iterdir() if path.name not in skip]
    for package in (numpy, autograd):
        folder = Path(package.__file__).parent
        paths += [folder, folder.with_name(f"{folder.name}.libs")]
    return [str(path) for path in paths if path.exists()]


def bubblewrap(folder, python):
    """The command that starts a program in a space with nothing but these files, read-only."""
    standard = sysconfig.get_path("stdlib")
    words = [
        shutil.which("bwrap"),
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
    ]
    for path in ("/lib", "/lib64", "/bin", "/usr/lib64"):
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
    words += _bind([python, *shared_objects(), standard])
    for hidden in ("site-packages", "dist-packages"):
        if os.path.isdir(os.path.join(standard, hidden)):
            words += ["--tmpfs", os.path.join(standard, hidden)]
    words += _bind([*(path for path in readable() if not path.startswith(standard + os.sep))])
    words += _bind([path for path in readable() if "-packages" in path and standard in path])
    return [*words, *_bind([folder]), "--dev", "/dev", "--remount-ro", "/", "--chdir", str(folder)]


def _bind(paths):
    return [word for path in paths for word in ("--ro-bind", str(path), str(path))]


def shared_objects():
    """The system libraries that this process has loaded, under all their names, and the loader."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        places = {line.split(maxsplit=5)[-1].strip() for line in file if ".so" in line}
    inside = tuple([sysconfig.get_path("stdlib"), *libraries()])
    places = {Path(place) for place in places if not place.startswith(inside)}
    names = {
        other
        for place in places
        for other in place.parent.glob(f"{place.name.split('.so')[0]}*")
        if other.resolve() == place.resolve()
    }
    loaders = [*Path("/lib64").glob("ld-linux*"), *Path("/lib").glob("ld-linux*")]
    names |= {path.parent.resolve() / path.name for path in loaders}
    return sorted(map(str, places | names))
