"""Every lesson runs as a notebook, each cell twice, and shows its figures whole."""

import base64
import struct

import pytest

from minimeta.course.lessons import all_lessons

jupytext = pytest.importorskip("jupytext")
nbclient = pytest.importorskip("nbclient")

LESSONS = [lesson for lesson in all_lessons() if lesson.claims]


def size(png):
    """Width and height of a PNG, which its header says."""
    return struct.unpack(">II", base64.b64decode(png)[16:24])


def run(lesson):
    """The lesson as a notebook, after every code cell has run twice."""
    book = jupytext.read(lesson.path)
    assert {cell.cell_type for cell in book.cells} == {"markdown", "code"}
    book.cells = [twin for cell in book.cells for twin in twins(cell)]
    options = dict(timeout=240, kernel_name="python3", shutdown_kernel="immediate")
    return nbclient.NotebookClient(book, **options).execute()


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory):
    """What the kernels are told: quick mode, a folder for figures, one BLAS thread."""
    with pytest.MonkeyPatch.context() as patch:
        out = str(tmp_path_factory.mktemp("out"))
        for name, value in {"QUICK": "1", "OUT": out, "PROGRESS": "1"}.items():
            patch.setenv(f"MINIMETA_{name}", value)
        patch.setenv("OPENBLAS_NUM_THREADS", "1")
        patch.delenv("MPLBACKEND", raising=False)  # the kernel's own shows figures inline
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
def test_a_lesson_is_a_notebook_whose_cells_can_be_run_twice(lesson):
    book = run(lesson)
    outputs = [out for cell in book.cells if cell.cell_type == "code" for out in cell.outputs]
    assert not [out.text for out in outputs if out.get("name") == "stderr"], "it litters its cells"
    figures = [size(out.data["image/png"]) for out in outputs if "image/png" in out.get("data", {})]
    assert len(figures) == 2 * lesson.path.read_text(encoding="utf-8").count("plots.save(")
    assert all(300 < width < 1400 and 150 < height < 1400 for width, height in figures), figures


def twins(cell):
    """A code cell and a copy of it; any other cell alone."""
    if cell.cell_type != "code":
        return [cell]
    twin = cell.copy()
    twin["id"] = f"{cell.get('id', 'cell')}-2"
    return [cell, twin]
