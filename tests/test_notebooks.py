"""Every lesson runs as a notebook, each cell twice, and shows its figures whole."""

import asyncio
import base64
import os
import struct
from concurrent.futures import ThreadPoolExecutor

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
    client = nbclient.NotebookClient(book, timeout=240, kernel_name="python3")
    return asyncio.run(client.async_execute())  # in a thread, with a loop of its own


@pytest.fixture(scope="module")
def books(request, tmp_path_factory):
    """The notebooks of the lessons that are asked for, as futures: as many run at once as cores."""
    asked = [item.callspec.params["lesson"] for item in request.session.items if here(item)]
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(os.cpu_count()) as pool:
        out = str(tmp_path_factory.mktemp("out"))
        for name, value in {"QUICK": "1", "OUT": out, "PROGRESS": "1"}.items():
            patch.setenv(f"MINIMETA_{name}", value)
        patch.setenv("OPENBLAS_NUM_THREADS", "1")
        patch.delenv("MPLBACKEND", raising=False)  # the kernel's own shows figures inline
        yield {lesson.path: pool.submit(run, lesson) for lesson in asked}


def here(item):
    """Whether a test is one of this module's."""
    return item.path.name == "test_notebooks.py"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.path.stem)
def test_a_lesson_is_a_notebook_whose_cells_can_be_run_twice(lesson, books):
    book = books[lesson.path].result()
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
