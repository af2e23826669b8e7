"""A lesson's claims and checks: what they print, count, accept and refuse."""

import numpy
import pytest

from minimeta.course import claims
from minimeta.course.claims import check, claim, claim_equal, fingerprint, finish


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(claims, "MADE", {})
    monkeypatch.setattr(claims, "LINES", set())
    monkeypatch.setattr(claims, "QUICK", False)


def test_a_claim_prints_its_sentence_what_was_found_and_what_was_needed(capsys):
    assert claim(0.5 < 0.85, "ten examples are enough", 0.5, "< 0.85")
    assert not claim(0.9 < 0.85, "five are too", numpy.float32(0.9), "< 0.85")
    assert capsys.readouterr().out.splitlines() == [
        "ok    ten examples are enough  [0.5, needed: < 0.85]",
        "FAIL  five are too  [0.9, needed: < 0.85]",
    ]


def test_finish_counts_and_names_what_failed(capsys):
    claim(True, "one")
    claim(False, "two")
    with pytest.raises(AssertionError, match="1 of 2 claims fail: two."):
        finish()
    assert capsys.readouterr().out.endswith("1 claims hold, 1 FAIL\n")


def test_a_cell_run_again_makes_no_second_claim():
    for holds in (False, True):
        claim(holds, "the same sentence")
    finish()
    assert claims.MADE == {"the same sentence": "holds"}


def test_lines_that_made_claims_are_counted_once_each():
    for holds in (False, True):
        claim(holds, f"in a loop: {holds}")
        claim_equal(1.0, 1.0, 1e-9, f"equal: {holds}")
    assert len(claims.MADE) == 4 and len(claims.LINES) == 2


def test_equal_numbers_arrays_and_trees_and_those_that_are_not():
    a = numpy.ones((2, 3))
    assert claim_equal(1.0, 1.0 + 1e-14, 1e-13, "numbers")
    assert claim_equal([a, {"b": a}], [a, {"b": a + 1e-14}], 1e-13, "trees")
    assert not claim_equal(a, a + 1e-12, 1e-13, "too far apart")
    assert not claim_equal(a, a * numpy.nan, 1e-13, "not a number")


def test_trained_claims_are_skipped_in_quick_mode(monkeypatch):
    monkeypatch.setattr(claims, "QUICK", True)
    assert claim(False, "trained", 1.0, trained=True) and not claim(False, "exact", 1.0)
    assert claims.MADE == {"trained": "skipped", "exact": "fails"}


@pytest.mark.parametrize(
    "right, wrong",
    [
        (3.14159, 3.15),
        (0.0, 0.1),
        (-2.0, 2.0),
        ((3, 4), (4, 3)),
        ([1.0, "yes"], [1.0, "no"]),
        (True, False),
        ("MAML", "FOMAML"),
        (numpy.float32(1e-9), 1e-8),
        (12345, 12500),
        ([0.1, 0.2], [0.1]),
    ],
)
def test_a_check_accepts_the_right_answer_and_refuses_another(right, wrong):
    digest = fingerprint(right)
    check(right, digest)
    with pytest.raises(AssertionError, match="is not the answer yet"):
        check(wrong, digest)


@pytest.mark.parametrize("exact", [2.0995, 0.99949999, 1e-3 * 0.5555])
def test_a_last_digit_that_rounds_either_way_is_accepted(exact):
    for hair in (-1e-9, 0.0, 1e-9):
        check(exact * (1 + hair), fingerprint(exact))


def test_an_answer_of_another_type_counts_as_its_number():
    check(numpy.array([2.0]), fingerprint(2))
    check(2, fingerprint(2.0))
