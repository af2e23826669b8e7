"""What `pip install minimeta` brings: the wheel alone, in a bare environment, in another folder."""

import importlib
import os
import pkgutil
import subprocess
import sys
import sysconfig
import tarfile
import typing
import zipfile

import pytest

import minimeta
from minimeta import (
    embeddings,
    exact,
    initializations,
    learned_optimizers,
    learning_rules,
    memories,
    meta,
    training,
)
from minimeta.course.lessons import PACKAGE, all_lessons

ROOT = PACKAGE.parent
JUDGES = ("meta_loss", "evaluate", "learning_curve", "along", "sequence_loss")
PRIVATE = (
    "teachers",
    "tests/",
    "solution",
    "__pycache__",
)  # parts of paths that nothing shipped has


def execute(*words, **options):
    """The finished process, which saw nothing of this one's Python path."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env.pop("MINIMETA_OUT", None)
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, env=env, **options)


def run(*words, **options):
    """What a process printed that must succeed."""
    done = execute(*words, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The folder with the wheel and the source archive. Neither needs the network."""
    pytest.importorskip("hatchling", reason="needs hatchling, of the extra [dev], to pack")
    folder = tmp_path_factory.mktemp("dist")
    words = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def installed(packed, tmp_path_factory):
    """The commands' folder of an environment with the wheel; it shares the NumPy that runs here."""
    home = tmp_path_factory.mktemp("home")
    run(sys.executable, "-m", "venv", "--without-pip", home)
    scheme = "nt" if os.name == "nt" else "posix_prefix"
    paths = sysconfig.get_paths(scheme, {"base": str(home), "platbase": str(home)})
    (wheel,) = packed.glob("*.whl")
    options = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    python = home.joinpath(paths["scripts"], "python")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel)
    with open(f"{paths['purelib']}/lent.pth", "w", encoding="utf-8") as file:
        file.write("\n".join(path for path in sys.path if path.endswith("site-packages")))
    return python.parent


def test_the_commands_run_from_any_folder_and_figures_go_to_out(installed, tmp_path):
    def command(*words):
        return run(installed / "minimeta", *words, cwd=tmp_path)

    where = run(installed / "python", "-c", "import minimeta as m; print(m.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where, "it is the clone that was imported"
    assert command("--version") == f"minimeta {minimeta.__version__}\n"
    assert len(command("list").splitlines()) == len(all_lessons())
    assert "theorems, all hold" in command("verify", "optimizers")
    assert "claims hold" in command("lesson", "01", "--quick")
    assert list((tmp_path / "out" / "quick").glob("01_*.png"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "a file was left elsewhere"


def test_a_student_needs_no_clone(installed, tmp_path):
    """The hand-out and its check, and the command that draws the chart of all learners."""
    minimeta = installed / "minimeta"
    assert "--workers" in run(minimeta, "compare", "--help", cwd=tmp_path)
    assert "a05.py" in run(minimeta, "handout", "05", "--to", "mine", cwd=tmp_path)
    file = tmp_path / "mine" / "a05.py"
    checked = execute(minimeta, "check", file, cwd=tmp_path)
    assert checked.returncode == 1 and "next  task 1" in checked.stdout and not checked.stderr
    blank = 'raise NotImplementedError("Task 1, total_loss, is not solved yet.")'
    for solution, said in (("mean", "It is the mean over the tasks"), ("sum", "ok    task 1")):
        text = file.read_text(encoding="utf-8")
        line = f"return np.{solution}(loss(net.apply(phi, data.x), data.y))"
        assert blank in text
        file.write_text(text.replace(blank, line), encoding="utf-8")
        assert said in execute(minimeta, "check", file, cwd=tmp_path).stdout
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("command", ["test", "bench", "clean", "teachers"])
def test_what_needs_a_clone_says_so_in_one_sentence(installed, tmp_path, command):
    done = execute(installed / "minimeta", command, cwd=tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "repository" in done.stderr


def test_the_hints_of_what_users_call_can_be_read():
    """py.typed is in the wheel: the contract, what judges and trains, and every learner(...)."""
    called = [*(getattr(meta, name) for name in JUDGES), training.train, training.meta_train]
    rooms = (initializations, embeddings, memories, learned_optimizers, learning_rules, exact)
    for room in rooms:
        for part in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            module = importlib.import_module(part.name)
            called += [module.learner] if hasattr(module, "learner") else []
    hints = [typing.get_type_hints(function) for function in called]
    assert len(hints) > 30 and all(hint.get("return") is not None for hint in hints)


def test_the_wheel_has_the_lessons_and_nothing_of_the_teachers(packed):
    (wheel,) = packed.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    lessons = {f"minimeta/shipped/lessons/{lesson.path.name}" for lesson in all_lessons()}
    assert lessons <= set(names) and "minimeta/py.typed" in names
    shipped = [name for name in names if name.startswith("minimeta/shipped/")]
    assert not [name for name in shipped if any(part in name for part in PRIVATE)]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"minimeta"}


def test_the_source_archive_has_tests_and_citation(packed):
    (archive,) = packed.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"tests/test_wheel.py", "lessons/00_gradients.py", "CITATION.cff"} <= names
