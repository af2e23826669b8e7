"""Submissions that try to cheat or to do harm: {name: program}, and what must not come of them.

A program may use the names below, which the test puts in front of it. Those of HARM run when the
file is read, before the solution. Those of TRICKS have no solution and want the points without one.
"""

PREAMBLE = """
import os, sys, time, ctypes, signal, socket, threading, struct
OUTSIDE, SECRET, REFERENCE, RESULTS = {outside!r}, {secret!r}, {reference!r}, {results!r}
TCP, UDP, ABSTRACT, KEY, NAME = {tcp!r}, {udp!r}, {abstract!r}, {key!r}, {name!r}
libc = ctypes.CDLL(None, use_errno=True)
def attempt(f, *given):
    try:
        return f(*given)
    except BaseException:
        return None
def write(path, text="was here"):
    with open(path, "w") as file:
        file.write(text)
def leave():
    "A process that stays, if one can be started."
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            libc.prctl(15, NAME.encode(), 0, 0, 0)
            time.sleep(20)
        os._exit(0)
"""

# Harm: each runs beside the solution, whose points it keeps; nothing may come of it.
HARM = {
    "file_outside": "attempt(write, OUTSIDE)",
    "file_in_temporary_folders": """
for folder in ("/tmp", "/var/tmp", "/dev/shm", os.path.expanduser("~"), os.getcwd()):
    attempt(write, folder + "/" + NAME)""",
    "result_overwritten": """
for name in ("honest.json", "grades.csv", "run.json", NAME + ".json"):
    attempt(write, os.path.join(RESULTS, name), '{"score": 100}')""",
    "secret_deleted": "attempt(os.unlink, SECRET)",
    "secret_renamed": "attempt(os.rename, SECRET, SECRET + NAME)",
    "secret_linked": "attempt(os.link, SECRET, OUTSIDE); attempt(os.symlink, SECRET, OUTSIDE)",
    "secret_emptied": "attempt(os.truncate, SECRET, 0)",
    "secret_mode": "attempt(os.chmod, SECRET, 0o777); attempt(os.chown, SECRET, 1, 1)",
    "secret_times": "attempt(os.utime, SECRET, (1, 1))",
    "folder_made": "attempt(os.mkdir, OUTSIDE)",
    "pipe_made": "attempt(os.mkfifo, OUTSIDE)",
    "tcp": "attempt(socket.create_connection, TCP, 1)",
    "udp": """
def send():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", UDP)
attempt(send)""",
    "abstract_socket": """
def send():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", ABSTRACT)
attempt(send)""",
    "shared_memory": "libc.shmget(KEY, 4096, 0o1666)",
    "semaphores": "libc.semget(KEY, 1, 0o1666)",
    "message_queue": "libc.msgget(KEY, 0o1666)",
    "memory_file": "attempt(os.memfd_create, 'x')",
    "process_left": "attempt(leave)",
    "process_by_exec": "attempt(os.execv, '/bin/sh', ['sh', '-c', 'echo > ' + OUTSIDE])",
    "process_by_spawn": """
import subprocess
attempt(subprocess.run, ["/bin/sh", "-c", "echo > " + OUTSIDE])""",
    "process_by_system_call": """
if libc.syscall(57) == 0 or libc.syscall(58) == 0:
    attempt(write, OUTSIDE)
    os._exit(0)""",
    "multiprocessing": """
import multiprocessing
if __name__ == "submission":
    process = multiprocessing.get_context("fork").Process(target=write, args=(OUTSIDE,))
    attempt(process.start)""",
    "grader_killed": """
for stop in (signal.SIGTERM, signal.SIGKILL):
    for process in (os.getppid(), -1, 0):
        attempt(os.kill, process, stop)
attempt(lambda: os.killpg(os.getpgid(os.getppid()), 9))""",
    "grader_killed_by_number": """
for process in range(2, 40000, 7):
    libc.kill(process, 0) == 0 and process != os.getpid() and libc.kill(process, 9)""",
    "grader_traced": "libc.ptrace(16, os.getppid(), 0, 0)",
    "grader_starved": """
attempt(os.nice, -20); attempt(os.sched_setaffinity, os.getppid(), [0])
import resource
attempt(resource.prlimit, os.getppid(), resource.RLIMIT_CPU, (1, 1))""",
    "limits_raised": """
import resource
attempt(resource.setrlimit, resource.RLIMIT_FSIZE, (-1, -1))
attempt(write, OUTSIDE)""",
    "space_unshared": """
attempt(lambda: libc.unshare(0x10020000)); libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, 0)
libc.chroot(b"/")""",
    "all_pipes_written": """
for number in range(64):
    attempt(os.write, number, b'{"shape": [], "numbers": [1.0]}\\n')""",
    "desk_changed": """
for folder in sys.path[:3]:
    for name in ("probes.py", "minimeta/course/grading/runner.py"):
        attempt(write, os.path.join(folder, name), "")""",
}
SPOILED = {"all_pipes_written", "process_by_exec"}  # these may well lose their own points

# Tricks: no solution; the points are to come from somewhere else.
TRICKS = {
    "ends_well": "os._exit(0)",
    "exits_well": "sys.exit(0)",
    "interrupts": "raise KeyboardInterrupt",
    "crashes": "ctypes.string_at(0)",
    "reads_reference": """
from importlib.machinery import SourceFileLoader
for name, module in REFERENCE.items():
    source = open(name).read()
    exec(source)""",
    "imports_reference": """
from minimeta.initializations.maml import *
from minimeta.meta import *
from minimeta.exact.quadratics import *""",
    "imports_from_elsewhere": """
for name in list(sys.modules):
    if name.startswith("minimeta"):
        del sys.modules[name]
for name in REFERENCE:
    sys.path.insert(0, name.split("/minimeta/")[0])
from minimeta.initializations.maml import *
from minimeta.meta import *
from minimeta.exact.quadratics import *""",
    "reads_relatives": """
from minimeta.initializations.meta_sgd import adapt
from minimeta.theorems import inner_steps""",
    "reads_memory_of_the_grader": """
open(f"/proc/{os.getppid()}/mem", "rb").read(1)""",
    "reads_environment_of_the_grader": """
open(f"/proc/{os.getppid()}/environ", "rb").read(1)""",
    "reads_other_work": """
exec(open(os.path.join(os.path.dirname(OUTSIDE), "work", "honest.py")).read())""",
    "sleeps": "time.sleep(1000)",
    "sleeps_deaf": """
for number in range(1, 64):
    attempt(signal.signal, number, signal.SIG_IGN)
while True:
    attempt(time.sleep, 1000)""",
    "runs_on_deaf": """
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True:
    pass""",
    "takes_memory": """
import numpy
held = []
while True:
    held.append(numpy.empty(1 << 25))""",
    "takes_threads": """
def spin():
    time.sleep(1000)
while True:
    threading.Thread(target=spin).start()""",
    "recursion": """
def down(n):
    return down(n + 1)
sys.setrecursionlimit(10**9)
down(0)""",
    "forks_on": """
while True:
    os.fork()""",
    "floods_output": """
while True:
    print("x" * 100000)""",
    "floods_answer": """
line = b'{"shape": [1], "numbers": [' + b"1, " * 30000
while True:
    for number in range(3, 64):
        try:
            os.write(number, line)
        except OSError:
            pass""",
    "nested_text": "x = " + "(" * 5000 + ")" * 5000,
    "text_with_null": "x = 1\0",
    "no_python": "def total_loss(:",
    "huge_number": "x = 10 ** 10 ** 9",
    "patches_numpy": """
import numpy
for name in ("allclose", "isclose", "array_equal", "max", "abs"):
    setattr(numpy, name, lambda *a, **k: True)
numpy.testing.assert_allclose = lambda *a, **k: None""",
    "patches_json": """
import json
json.dumps = lambda *a, **k: '{"shape": [], "numbers": [1.0], "score": 100}'""",
    "patches_runner": """
runner = sys.modules["minimeta.course.grading.runner"]
runner.asking.ask = lambda *a: runner.say(64, score=100)
runner.kind = lambda e: "Right."
""",
    "forges_lines": """
def forge():
    for number in range(3, 64):
        try:
            os.write(number, b'{"read": true}\\n{"score": 100, "right": true, "points": 100}\\n')
        except OSError:
            pass
forge()
os._exit(0)""",
    "searches_memory": """
import gc
def search():
    for thing in gc.get_objects():
        if isinstance(thing, dict) and "exact" in thing and callable(thing["exact"]):
            return thing["exact"]
SOLUTION = search() or open(SECRET).read()""",
    "walks_frames": """
frame = sys._getframe()
while frame:
    for name, value in list(frame.f_locals.items()):
        if name in ("case", "exact", "verdict", "points"):
            exact = value
    frame = frame.f_back
exact""",
    "is_equal_to_all": """
import numpy
class Equal(numpy.ndarray):
    def __eq__(self, other): return True
    def __le__(self, other): return True
    def __sub__(self, other): return numpy.zeros(())
def give(*a, **k):
    return numpy.ones((4, 3, 3)).view(Equal)
contraction = maml_weights = fixed_point = task_losses = give""",
    "gives_nan": """
import numpy
def give(*a, **k):
    return numpy.full((4, 3, 3), numpy.nan)
contraction = maml_weights = give
def fixed_point(W, c):
    return numpy.full(3, numpy.inf)""",
    "gives_a_scalar": """
def give(*a, **k):
    return 1.0
contraction = maml_weights = fixed_point = task_losses = give""",
    "gives_too_much": """
import numpy
def give(*a, **k):
    return numpy.zeros((1000, 1000, 100))
contraction = maml_weights = fixed_point = task_losses = give""",
    "gives_code": """
class Bomb:
    def __array__(self, *a, **k):
        write(OUTSIDE)
        return None
    def __reduce__(self):
        return (write, (OUTSIDE,))
def give(*a, **k):
    return Bomb()
contraction = maml_weights = fixed_point = task_losses = give""",
    "tells_inputs": """
def contraction(A, step_size, steps):
    raise ValueError("telltale %r" % A.tolist())
def maml_weights(A, step_size, steps):
    raise type("Telltale%d" % (1000 * A[0, 0, 0]), (Exception,), {})("telltale")
def fixed_point(W, c):
    print("telltale", W)
    sys.exit("telltale %r" % W.tolist())
""",
    "sends": """
text = "SOLUTION"
import fcntl
attempt(write, "/tmp/" + NAME, text); attempt(write, "/dev/shm/" + NAME, text)
attempt(write, os.path.join(os.getcwd(), NAME), text)
attempt(fcntl.flock, open(os.__file__), fcntl.LOCK_EX)
os.environ["MESSAGE"] = text
sys.modules["message"] = text""",
    "receives": """
import fcntl
for name in ("/tmp/" + NAME, "/dev/shm/" + NAME, os.path.join(os.getcwd(), NAME)):
    attempt(lambda: exec(open(name).read()))
assert "MESSAGE" not in os.environ and "message" not in sys.modules""",
}
