"""Runs in a process of its own: forks a child for each check, and ends it on order.

The grader sends two pipes over a socket: one to read the request from, one to write the answer to.
The child confines itself, says so, and only then runs the student's code. Nothing is decided here:
the answer is a list of numbers. This process never reads a request, so no child can find the one
before it in its memory.

The lines that a child writes, each of them JSON:

    {"walls": ["seccomp", ...]}        what holds it; the grader believes nothing that comes without
    {"syntax": text, "line": n}        the student's text is no Python; or
    {"text": true}                     it is
    {"read": true}                     its definitions have run
    {"shape": [...], "numbers": [...]} the answer; or
    {"error": kind, "line": n}         the name of an exception, or "missing": no such function

Standard library and NumPy only: this file is copied to where the children run.
"""

import builtins
import importlib
import json
import os
import resource
import signal
import socket
import sys
import types

from minimeta.course.grading import asking, confinement

MOST = 100_000  # numbers in an answer
PRELOAD = """minimeta.meta minimeta.nets minimeta.tasks minimeta.core.gradients minimeta.core.optim
    minimeta.training hashlib random dataclasses functools itertools math ctypes""".split()


def main():
    """Serve checks until the grader closes the socket. argv[1]: the settings."""
    settings = json.loads(sys.argv[1])
    confinement_of_runner(settings)
    for name in PRELOAD:
        importlib.import_module(name)
    probes = importlib.import_module("probes")
    if settings["walls"] == "landlock":
        settings["rules"] = confinement.file_rules(settings["readable"])
    serve(socket.socket(fileno=settings["socket"]), settings, probes)


def confinement_of_runner(settings):
    """Die with the grader; where the kernel lets us, go on as process 1 of a space of our own."""
    if sys.platform != "linux":
        return
    confinement.die_with_parent()
    if settings["walls"] == "landlock" and confinement.separate():
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            os._exit(0)
        confinement.die_with_parent()


def serve(control, settings, probes):
    """One check after another: fork, wait for the grader's word, end the child, report."""
    control.sendall(b"ready\n")
    while True:
        word, pipes, *_ = socket.recv_fds(control, 1, 2)
        if not word:
            return
        child = os.fork()
        if not child:
            control.close()
            check(*pipes, settings, probes)
        for pipe in pipes:
            os.close(pipe)
        control.recv(1)
        control.sendall(json.dumps(end(child)).encode() + b"\n")


def end(child):
    """Kill a child and all that it started; return the signal that ended it, and its seconds."""
    for stop in (os.kill, os.killpg):
        try:
            stop(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    _, status, used = os.wait4(child, 0)
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    while True:  # what it had started is ours now
        for other in children():
            os.kill(other, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return ended, used.ru_utime + used.ru_stime


def children():
    """The processes whose parent this one is, as far as the system tells."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def check(request, answer, settings, probes):
    """The child: confine, run the student's text, answer; never returns."""
    try:
        os.setsid()
        with open(request, "rb") as file:
            asked = json.load(file)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        walls = confine(settings)
        close_all_but(answer)
        say(answer, walls=walls)
        run(answer, asked, probes)
    finally:
        os._exit(0)


def close_all_but(kept):
    """Close every file above the first three except one."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, kept)
    os.closerange(kept + 1, min(most, 65536))


def confine(settings):
    """Give up what the settings say, and return the names of the walls that stand."""
    limits, walls = (settings["seconds"], settings["megabytes"]), ["limits"]
    if settings["walls"] == "none":
        confinement.limit(*limits)
        return walls
    confinement.drop_powers()
    if settings["walls"] == "landlock":
        confinement.close_files(settings["rules"])
        walls += ["landlock"]
    confinement.limit(*limits)
    confinement.close_calls()
    return [*walls, "seccomp"]


def run(answer, asked, probes):
    """Compile and run the student's text, then ask the probe."""
    module = types.ModuleType("submission")
    sys.modules["submission"] = module
    try:
        codes = [compile(text, name, "exec") for name, text in asked["cells"]]
    except SyntaxError as error:
        return say(answer, syntax=str(error.msg), line=error.lineno, cell=error.filename)
    except BaseException as error:  # text that is nested too deep, or has a null in it
        return say(answer, syntax=type(error).__name__, line=0, cell="")
    say(answer, text=True)
    try:
        for code in codes:
            run_cell(code, module, asked["lenient"])
        say(answer, read=True)
        if not hasattr(module, asked["task"]):
            return say(answer, error="missing", line=0, cell="")
        replace(module, asked["given"])
        numbers = asking.ask(module, probes, asked["task"], asked["probe"], asked["inputs"])
        if numbers.size > MOST:
            raise MemoryError
        say(answer, shape=list(numbers.shape), numbers=numbers.ravel().tolist())
    except BaseException as error:
        line, cell = last_line(error, {name for name, _ in asked["cells"]})
        say(answer, error=kind(error), line=line, cell=cell)


def replace(module, given):
    """Put functions of ours, {name: text}, in the place of the student's."""
    space = {}
    for name, text in given.items():
        exec(compile(text, f"<given {name}>", "exec"), space)
        setattr(module, name, space[name])


def run_cell(code, module, lenient):
    """Run a piece of the student's text; a notebook goes on after a cell that fails."""
    try:
        exec(code, module.__dict__)
    except Exception:
        if not lenient:
            raise


def kind(error):
    """The name of a built-in exception that the error is one of."""
    known = [c.__name__ for c in type(error).__mro__ if getattr(builtins, c.__name__, None) is c]
    return known[0] if known else "Exception"


def last_line(error, names):
    """The last line of the student's text in the traceback, and its cell; 0 if there is none."""
    place, trace = (0, ""), error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename in names:
            place = trace.tb_lineno, trace.tb_frame.f_code.co_filename
        trace = trace.tb_next
    return place


def say(answer, **words):
    """Write one line to the grader."""
    data = json.dumps(words).encode() + b"\n"
    while data:
        data = data[os.write(answer, data) :]
