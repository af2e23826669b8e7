"""Every theorem of the registry, and the judge that decides about them."""

import importlib
import inspect
import json
import re

import numpy
import pytest

from minimeta import theorems
from minimeta.course import sheet
from minimeta.course.lessons import all_lessons
from minimeta.theorems import LESSONS, REGISTRY, Claim, judge, theorem


@pytest.mark.parametrize("claimed", REGISTRY, ids=lambda t: f"{t.topic}.{t.name}")
def test_theorem(claimed):
    verdict = judge(claimed.prove())
    assert verdict.holds, f"{claimed.statement} {verdict}"


def test_statements_are_short_sentences_and_names_are_unique():
    assert len({(t.topic, t.name) for t in REGISTRY}) == len(REGISTRY)
    assert all(t.statement.endswith(".") and len(t.statement) <= 200 for t in REGISTRY)
    assert all(t.source for t in REGISTRY)


def test_the_first_paragraph_of_the_docstring_is_the_claim(monkeypatch):
    def sums():
        """One and one
        are two.

        Count your fingers.
        """

    monkeypatch.setattr(theorems, "REGISTRY", [])
    assert theorem(lesson="gradients", source="Peano 1889")(sums) is sums
    (registered,) = theorems.REGISTRY
    assert registered.statement == "One and one are two."
    assert registered[1:] == ("test_theorems", "sums", "gradients", "Peano 1889", sums)


def test_topics_do_not_import_each_other():
    """What two topics share is in tools.py."""
    for topic in {t.topic for t in REGISTRY}:
        lines = inspect.getsource(importlib.import_module(f"minimeta.theorems.{topic}"))
        assert set(re.findall(r"minimeta\.theorems\.(\w+)", lines)) <= {"tools"}


def test_a_theorem_without_lesson_or_claim_is_refused():
    with pytest.raises(ValueError, match="lesson is 'magic', but must be one of gradients, .*"):
        theorem(lesson="magic", source="folklore")
    with pytest.raises(ValueError, match="The theorem <lambda> must state its claim"):
        theorem(lesson="gradients", source="folklore")(lambda: Claim(0.0, 0.0, tolerance=0.0))


def test_every_lesson_is_in_the_syllabus():
    assert {lesson.name for lesson in all_lessons()} <= set(LESSONS)


@pytest.mark.parametrize(
    "claim, holds",
    [
        (Claim(1.0, 1.0, tolerance=0.0), True),
        (Claim([1.0, 2.0], [1.0, 2.1], tolerance=0.05), False),
        (Claim(numpy.nan, 1.0, tolerance=1.0), False),
        (Claim(1.0, numpy.inf, tolerance=1.0), False),
        (Claim(1.3, 1.0, standard_error=0.1, sigmas=4.0), True),
        (Claim(1.5, 1.0, standard_error=0.1, sigmas=4.0), False),
        (Claim([0.0, 0.5], [0.0, 0.0], standard_error=[1.0, 0.1]), False),
    ],
)
def test_the_judge_allows_what_was_claimed_and_no_more(claim, holds):
    assert judge(claim).holds == holds


@pytest.mark.parametrize(
    "claim",
    [
        Claim(1.0, 1.0),
        Claim(1.0, 1.0, tolerance=1.0, standard_error=1.0),
        Claim([1.0], [1.0, 1.0], tolerance=1.0),
        Claim([], [], tolerance=1.0),
    ],
)
def test_the_judge_refuses_a_claim_that_says_nothing(claim):
    with pytest.raises(ValueError, match="claim"):
        judge(claim)


def test_the_sheet_reports_failures_and_errors(monkeypatch, tmp_path, capsys):
    good = next(t for t in REGISTRY if t.topic == "gradients")
    bad = good._replace(name="bad", prove=lambda: Claim(1.0, 2.0, tolerance=0.5))
    broken = good._replace(name="broken", prove=lambda: 1 / 0)
    monkeypatch.setattr(sheet, "REGISTRY", [good, bad, broken])
    assert sheet.print_sheet(None, tmp_path / "sheet.json") == 1
    assert "3 theorems, 2 fail" in capsys.readouterr().out
    assert [r["holds"] for r in json.loads((tmp_path / "sheet.json").read_text())] == [1, 0, 0]


def test_an_unknown_topic_lists_the_known():
    with pytest.raises(ValueError, match="no topic 'magic'.*gradients"):
        sheet.print_sheet("magic")
