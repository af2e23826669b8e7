"""Texts as the Markdown (MyST) that the book is made of."""

import inspect
import re
import textwrap

KEPT = re.compile(r"(`[^`]*`|(?<![\w*])\*[A-Za-z][A-Za-z ]*\*(?![\w*]))")  # code, stressed words
SPECIAL = re.compile(r"([\\*_\[\]<>$#|~{}&])")


def fence(kind: str, text: str, *options: str) -> str:
    """A fenced block, whose fence is longer than any inside of it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    mark = "`" * max(3, longest + 1)
    return "\n".join([mark + kind, *options, text.rstrip("\n"), mark])


def escape(text: str) -> str:
    """A plain text that shows as it is, but for `code` and *stressed* words."""
    parts = KEPT.split(text)  # every second one is kept
    parts[::2] = [SPECIAL.sub(r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def prose(docstring: str) -> str:
    """A docstring: its sentences as paragraphs, its equations and tables as they were set."""
    blocks = re.split(r"\n[ ]*\n", inspect.cleandoc(docstring))
    return "\n\n".join(map(_block, blocks))


def _block(text):
    """A paragraph, a list, or lines whose spaces matter."""
    if text.startswith("- ") and re.fullmatch(r"(- .*|  \S.*)(\n(- .*|  \S.*))*", text):
        items = re.split(r"\n(?=- )", text)
        return "\n".join("- " + escape(" ".join(item[2:].split())) for item in items)
    if re.search(r"^ |\S {2,}\S", text, re.MULTILINE):
        return fence("text", textwrap.dedent(text))
    return _calm(escape(" ".join(text.split())))


def _calm(line):
    """A line that begins no list, whatever its first letters are."""
    return re.sub(r"^(\d+)([.)])|^([-+=])", lambda m: f"{m[1] or ''}\\{m[2] or m[3]}", line)
