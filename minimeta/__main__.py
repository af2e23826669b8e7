"""python -m minimeta COMMAND: what the Makefile does, on any system and from any folder."""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import minimeta


def main(words=None):
    """Run one command; return its exit status."""
    if sys.version_info < (3, 10):
        return complain(
            "minimeta needs Python 3.10 or newer; this is %d.%d." % sys.version_info[:2]
        )
    given = commands().parse_args(words)
    try:
        status = given.run(given)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # what a shell reports of a program that a closed pipe has ended
    except ModuleNotFoundError as error:
        return complain(
            f"{error.name} is not installed: run `make setup` or pip install -e '.[dev]'."
        )
    except KeyboardInterrupt as stop:
        return complain(str(stop) or "Interrupted.")
    except ValueError as error:  # an unknown lesson or topic, a folder without lessons
        return complain(str(error))


def commands():
    """The parser: one sub-command for each thing to do."""
    parser = argparse.ArgumentParser(prog="python -m minimeta", description=__doc__)
    parser.add_argument("--version", action="version", version=f"minimeta {minimeta.__version__}")
    parser.set_defaults(run=lambda _: parser.print_help() or 0)
    parts = parser.add_subparsers(metavar="COMMAND", title="commands")

    def command(name, run, purpose):
        part = parts.add_parser(name, help=purpose, description=purpose)
        part.set_defaults(run=run)
        return part

    command("help", lambda _: parser.print_help() or 0, "list the commands")
    reading(command)
    publishing(command)
    command("test", run_tests, "lint, tests, theorems, and every lesson in quick mode")
    sheet = command("verify", verify, "the proof sheet: every theorem, computed and exact")
    sheet.add_argument("topic", nargs="?", help="one topic, such as bayes")
    sheet.add_argument("--json", metavar="FILE", help="also write the sheet as JSON")
    add_certify(command("certify", certify, "ask a learner the questions that all should answer"))
    command("gpu-check", gpu_check, "run the device programs on a real GPU, beside NumPy")
    race = command("bench", bench, "minimeta beside JAX and PyTorch; writes out/bench.md")
    race.add_argument("workload", nargs="*", help="all by default")
    race.add_argument("--quick", action="store_true", help="few rounds, a tenth of the training")
    add_compare(command("compare", compare, "every learner on one chart; trains what it lacks"))
    add_course(command)
    command("clean", clean, "delete out/ and the caches")
    return parser


def add_certify(part):
    """Give the parser of `certify` its arguments."""
    part.add_argument("learner", help="module:name of a Learner, such as my_learner:learner")
    part.add_argument(
        "--family", default="linear", help="a name, or module:name of a Family; default: linear"
    )
    for name, default in (("shots", 4), ("queries", 5), ("seed", 0)):
        part.add_argument(f"--{name}", type=int, default=default, help=f"default: {default}")
    part.add_argument("--gradient", help="module:name of its rule (meta, task) -> value, gradient")
    part.add_argument("--reference", help="module:name of a Learner that should answer the same")
    for name, purpose in (
        ("first-order", "its gradient is meant to be another one than that of the meta-loss"),
        ("transductive", "the answer to a query may depend on the other queries"),
        ("order-of-examples", "ask whether the order of the support examples matters"),
        ("order-of-classes", "ask whether the order of the classes matters"),
    ):
        part.add_argument(f"--{name}", action="store_true", help=purpose)


def add_compare(part):
    """Give the parser of `compare` its arguments."""
    part.add_argument("--seed", type=int, default=0, help="of training and of the tasks")
    part.add_argument("--workers", type=int, help="processes that train; as many as cores if none")
    part.add_argument("--figure", metavar="FILE", help="the PNG file, by default in out/")


def add_course(command):
    """The commands for a class: hand out, check, grade."""
    out = command("handout", handout, "make the hand-out of an assignment: 05, a05 or maml")
    check = command("check", check_work, "check your own work: the first task that is not solved")
    grades = command("grade", grade, "grade the submissions in a folder, each of them confined")
    scope = command("gradescope", gradescope, "the autograder of an assignment, for Gradescope")
    for part in (out, grades, scope):
        part.add_argument("assignment")
    out.add_argument("--to", metavar="FOLDER", required=True)
    check.add_argument("file")
    check.add_argument("--assignment", help="if the file's name does not say it")
    grades.add_argument("submissions", help="a folder of files, notebooks and folders; or a file")
    grades.add_argument("--to", metavar="RESULTS", required=True)
    grades.add_argument("--seed", type=int, help="of the secret inputs, to grade again as before")
    grades.add_argument("--similarity", action="store_true", help="list pairs that share code")
    scope.add_argument("--to", metavar="ZIP", required=True)
    for part in (grades, scope):
        part.add_argument("--unconfined", action="store_true", help="run work that you trust")


def list_lessons(_):
    """Print number, name and title of every lesson."""
    from minimeta.course.lessons import all_lessons

    for lesson in all_lessons():
        print(f"{lesson.number}  {lesson.name:20} {lesson.title}")
    return 0


def run_lessons(given):
    """Run all lessons; the exit status is 1 if a claim failed."""
    from minimeta.course import report

    return report.lessons(given.quick or asked_for_quick(), given.seeds)


def run_lesson(given):
    """Run one lesson and show what it prints."""
    from minimeta.course import lessons

    lesson = lessons.find(given.lesson)
    outcome = lessons.run(lesson, given.quick or asked_for_quick(), echo=True)
    word = "finished" if outcome.passed else "FAILED"
    print(f"{lesson.path.name} {word} after {outcome.seconds:.1f} s")
    return 0 if outcome.passed else 1


def publishing(command):
    """The sub-commands that make something of the lessons to hand on."""
    notebooks = command("notebooks", write_notebooks, "every lesson, run, as out/notebooks/*.ipynb")
    book = command("book", build_book, "the lessons as a book that needs no network, in out/book/")
    command("teachers", pack_for_teachers, "answers, a plan and a rubric, in out/teachers/")
    for part in (notebooks, book):
        part.add_argument("--quick", action="store_true", help="short loops, exact claims only")


def write_notebooks(given):
    """Write the lessons as notebooks; the exit status is 1 if a lesson failed."""
    from minimeta.course import lessons, notebooks

    quick = given.quick or asked_for_quick()
    return notebooks.write_all(lessons.folder(quick) / "notebooks", quick)


def build_book(given):
    """Build the book; the exit status is 1 if a lesson, a theorem or a page is wrong."""
    from minimeta.course import book, lessons

    quick = given.quick or asked_for_quick()
    return book.build(lessons.folder(quick), quick)


def pack_for_teachers(_):
    """Write the teachers' pack."""
    from minimeta.course import lessons, teachers

    return teachers.pack(lessons.folder() / "teachers")


def reading(command):
    """The sub-commands that show and run lessons."""
    command("list", list_lessons, "the syllabus")
    every = command("lessons", run_lessons, "run every lesson in order; figures go to out/")
    every.add_argument("--seeds", type=int, nargs="+", default=[None], help="once with each seed")
    one = command("lesson", run_lesson, "run one lesson: a number (5, 05) or a name (maml)")
    one.add_argument("lesson")
    for part in (every, one):
        part.add_argument("--quick", action="store_true", help="short loops, exact claims only")


def asked_for_quick():
    """Whether the environment asks for quick mode, as it may where no option can be given."""
    return os.environ.get("MINIMETA_QUICK") == "1"


def run_tests(_):
    """Lint, tests with theorems, and all lessons in quick mode, up to the first that fails.

    With pytest-xdist, as many tests at once as there are cores: each process takes a stretch of
    the files, whose fixtures it then makes once, and who is done takes half of what another has.
    """
    from minimeta.course import report
    from minimeta.course.lessons import ROOT, environment, folder

    if not (ROOT / "tests").is_dir():
        raise ValueError(f"There are no tests in {ROOT}: they come with the repository.")
    missing = [tool for tool in ("ruff", "pytest") if importlib.util.find_spec(tool) is None]
    if missing:
        raise ValueError(f"{' and '.join(missing)} is not installed: pip install -e '.[dev]'")
    env = environment(quick=True, out=folder(quick=True))
    many = f"-n {os.cpu_count()} --dist worksteal" if importlib.util.find_spec("xdist") else ""
    for tool in ("ruff check .", "ruff format --check .", f"pytest {many}"):
        if subprocess.run([sys.executable, "-m", *tool.split()], cwd=ROOT, env=env).returncode:
            return complain(f"{tool.strip()} failed.")
    return report.lessons(quick=True)


def verify(given):
    """Print the proof sheet, of one topic or of all."""
    from minimeta.course import sheet

    return sheet.print_sheet(given.topic, given.json)


def certify(given):
    """Print the certificate of a learner; the exit status is 1 if it does not pass."""
    from minimeta.course import certificate

    return certificate.print_certificate(**{k: v for k, v in vars(given).items() if k != "run"})


def gpu_check(_):
    """Run the device programs on a GPU beside NumPy."""
    from minimeta import gpu_check

    return gpu_check.main()


def bench(given):
    """Run the benchmarks; ValueError outside a checkout, where there are none."""
    from minimeta.course.lessons import ROOT

    if not (ROOT / "benchmarks").is_dir():
        raise ValueError(f"There are no benchmarks in {ROOT}: they come with the repository.")
    words = [*given.workload, *["--quick"] * given.quick]
    return subprocess.run([sys.executable, "-m", "benchmarks", *words], cwd=ROOT).returncode


def compare(given):
    """Train the learners of lesson spectrum, print their tables and draw the chart."""
    from minimeta.course import spectrum

    return spectrum.main(given.seed, given.workers, given.figure)


def handout(given):
    """Make a hand-out and say where it is."""
    from minimeta.course import assignments, handout

    print(handout.write(assignments.find(given.assignment), Path(given.to)))
    return 0


def check_work(given):
    """Check a student's file; the exit status is 1 if a task is not solved."""
    from minimeta.course import selfcheck

    return 0 if selfcheck.check(given.file, given.assignment) else 1


def grade(given):
    """Grade submissions and write the results."""
    from minimeta.course.grading import similarity
    from minimeta.course.grading.grade import grade

    os.environ.setdefault("MPLBACKEND", "Agg")
    if given.unconfined:
        complain("Unconfined: a submission can read your files, use the network, change results.")
    if given.similarity:
        similarity.require()
    grade(given.assignment, given.submissions, given.to, given.seed, given.unconfined)
    if given.similarity:
        similarity.report(given.assignment, given.submissions, given.to)
    return 0


def gradescope(given):
    """Build the zip for Gradescope."""
    from minimeta.course import assignments
    from minimeta.course.grading import gradescope

    print(gradescope.build(assignments.find(given.assignment), given.to, given.unconfined))
    return 0


def clean(_):
    """Delete what the commands write, and the caches."""
    from minimeta.course.lessons import ROOT

    if not (ROOT / "pyproject.toml").is_file():  # an installed package: what is there is not ours
        raise ValueError(f"There is nothing to clean in {ROOT}: it is no clone of the repository.")
    for name in ("out", "build", "dist", ".pytest_cache", ".ruff_cache"):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    return 0


def complain(sentence):
    """One sentence on standard error; the exit status of a command that did not succeed."""
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
