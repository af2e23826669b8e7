"""The book: pages that need no network, in which a browser finds equations, figures and words."""

import importlib.util
import json
import re

import browser
import pytest

from minimeta.course import book, lessons, markdown, notebooks, reference, sheet

ADDRESS = re.compile(r"""(?:src|href|url|import)\s*[=(]\s*["']?(?:https?:)?//[^"')\s>]+""")
MISSING = [name for name in book.NEEDED if importlib.util.find_spec(name) is None]
PAGE = r"""(async () => {
    const MISTAKES = 'svg [data-mjx-error], svg [fill="red"]';  // bad syntax, unknown command
    if (window.MathJax) { await MathJax.startup.promise; }
    const text = document.querySelector("article").cloneNode(true);
    text.querySelectorAll("pre, code, mjx-container").forEach(part => part.remove());
    const images = [...document.images];
    images.forEach(image => image.loading = "eager");
    await Promise.all(images.map(image => image.decode().catch(() => null)));
    return { equations: document.querySelectorAll("article mjx-container").length,
             sources: document.querySelectorAll("article .math").length,
             errors: [...document.querySelectorAll(MISTAKES)].map(part => part.outerHTML),
             stray: text.textContent.match(/.{0,30}[$].{0,30}|\\[a-z]+/g) || [],
             images: images.length,
             broken: images.filter(image => !image.naturalWidth).map(image => image.src) }; })()"""
SEARCH = """new Promise(done => { const wait = () => {
    const found = document.querySelectorAll("ul.search li a");
    found.length ? done([...found].map(link => link.textContent)) : setTimeout(wait, 50); };
    wait(); setTimeout(() => done([]), 20000); })"""


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A folder with a small book: one lesson, one topic of theorems, two rooms of the package."""
    if MISSING:
        pytest.skip(f"needs the extra [book]: {', '.join(MISSING)} not installed")
    folder = tmp_path_factory.mktemp("out")
    lesson, theorems, rooms = (
        lessons.find("forgetting"),
        sheet.select("forgetting"),
        reference.rooms(),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lessons, "all_lessons", lambda: [lesson])
        patch.setattr(sheet, "select", lambda topic: theorems)
        patch.setattr(
            reference, "rooms", lambda: {key: rooms[key] for key in ("meta", "continual")}
        )
        assert book.build(folder, quick=True) == 0
        yield folder


@pytest.fixture(scope="module")
def look():
    """A browser's eyes."""
    if not browser.FOUND:
        pytest.skip("needs Chromium: apt install chromium, or a Chrome on the path")
    with browser.browser() as eyes:
        yield eyes


def test_no_page_and_no_style_names_an_address_outside_of_the_book(out):
    files = [
        path for path in (out / "book" / "html").rglob("*") if path.suffix in (".html", ".css")
    ]
    assert len(files) > 10
    assert not {match for path in files for match in ADDRESS.findall(path.read_text("utf-8"))}
    assert ADDRESS.search('<script src="https://example.org/a.js">')  # the test can fail


def test_equations_are_rendered_and_figures_load_on_every_page(out, look):
    seen = {}
    for path in (out / "book" / "source").rglob("*.md"):
        name = path.relative_to(out / "book" / "source").with_suffix(".html")
        seen[name.as_posix()] = look((out / "book" / "html" / name).as_uri(), PAGE)
    for name, page in seen.items():
        assert page["equations"] == page["sources"] and not page["errors"], (name, page)
        assert not page["stray"] and not page["broken"], (name, page)
    lesson = seen["lessons/25_forgetting.html"]
    text = (out / "book" / "source" / "lessons" / "25_forgetting.md").read_text("utf-8")
    assert lesson["equations"] > 20 and lesson["images"] == text.count("![") > 0


def test_a_page_with_a_wrong_equation_or_figure_is_noticed(out, look):
    page = out / "book" / "html" / "lessons" / "25_forgetting.html"
    broken = page.with_name("broken.html")
    wrong = r"</h1><p>$x$</p><p>thirty letters stand between these</p><p>\frac</p>"
    wrong += r"<img src='no.png'><span class='math'>\(\nonsense\)</span>"
    wrong += r"<span class='math'>\(\frac{1}\)</span>"
    broken.write_text(page.read_text("utf-8").replace("</h1>", wrong, 1), "utf-8")
    seen = look(broken.as_uri(), PAGE)
    broken.unlink()
    assert len(seen["stray"]) == 2 and len(seen["errors"]) == 2 and len(seen["broken"]) == 1


def test_the_search_finds_fisher(out, look):
    page = (out / "book" / "html" / "search.html").as_uri()
    titles = look(f"{page}?q=Fisher", SEARCH)
    assert any("Forgetting" in title for title in titles), titles
    assert any("minimeta.continual" in title for title in titles) or len(titles) > 1


def test_every_theorem_of_the_sheet_links_to_its_code(out):
    rows = json.loads((out / "book" / "proofs.json").read_text("utf-8"))["rows"]
    sheet_page = (out / "book" / "html" / "proofs.html").read_text("utf-8")
    for row in rows:
        target = f"theorems/{row['topic']}.html#{reference.label(row)}"
        assert f'href="{target}"' in sheet_page
        page = (out / "book" / "html" / "theorems" / f"{row['topic']}.html").read_text("utf-8")
        assert f'id="{reference.label(row)}"' in page
        assert re.sub("<[^>]*>", "", page).count(f"def {row['name']}(") == 1


def test_a_lesson_has_its_time_its_notebook_and_a_thumbnail(out):
    html = out / "book" / "html"
    page = (html / "lessons" / "25_forgetting.html").read_text("utf-8")
    assert re.search(r"It ran in \d+\.\d s", page) and ".ipynb" in page
    assert list((html / "_downloads").rglob("25_forgetting.ipynb"))
    assert "sd-card-img-top" in (html / "index.html").read_text("utf-8")


def test_a_book_of_which_nothing_changed_is_not_built_again(out, monkeypatch):
    first = out / "book" / "html" / "index.html"
    before = first.stat().st_mtime_ns
    monkeypatch.setattr(notebooks, "run", None)  # no lesson runs
    monkeypatch.setattr(sheet, "prove", None)  # no theorem is proved
    monkeypatch.setattr(book.subprocess, "run", None)  # no Sphinx
    assert book.build(out, quick=True) == 0 and first.stat().st_mtime_ns == before


def test_pages_are_written_where_they_changed_and_the_list_of_contents_is_watched(tmp_path):
    pages = {"a.md": "# A\ntext", "b.png": b"1"}
    assert [book.write(pages, tmp_path) for _ in "ab"] == ["all", None]
    assert book.write({**pages, "a.md": "# A\nother", "b.png": b"2"}, tmp_path) == "some"
    assert book.write({**pages, "a.md": "# B\ntext"}, tmp_path) == "all"
    assert (
        book.write({"a.md": "# B\ntext"}, tmp_path) == "some" and not (tmp_path / "b.png").exists()
    )
    assert book.write({"c.md": "# B"}, tmp_path) == "all" and not (tmp_path / "a.md").exists()


def test_a_missing_tool_is_named_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "NEEDED", ("sphinx_of_thebes",))
    with pytest.raises(ValueError, match=r"^sphinx_of_thebes.* not installed: pip install"):
        book.build(tmp_path)


def test_a_docstring_shows_as_it_was_meant():
    shown = markdown.prose(
        """The loss of `f_x` is a*b_c < 1, *not* |x|.

    f(x)   the value
    g      the other

2. is no list
- nor this

- one
  goes on
- two
"""
    )
    first, table, second, items = shown.split("\n\n")
    assert first == r"The loss of `f_x` is a\*b\_c \< 1, *not* \|x\|."
    assert table == "```text\nf(x)   the value\ng      the other\n```"
    assert second == r"2\. is no list - nor this" and items == "- one goes on\n- two"
    assert markdown.fence("text", "a ``` b").startswith("````text\n")
