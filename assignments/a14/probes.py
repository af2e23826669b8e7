"""What a14.py is asked: each probe calls one function of the student and returns its numbers."""

import numpy


def numbers(student, given):
    """The number of each presentation."""
    return student.numbers(given["y"])


def read_weights(student, given):
    """How much is read of each slot."""
    return student.read_weights(given["key"], given["memory"], given["sharpness"])


def read(student, given):
    """What is read."""
    return student.read(given["weights"], given["memory"])


def least_used(student, given):
    """The slot to be written to."""
    return student.least_used(given["usage"])


def write(student, given):
    """The memory after writing, and what was given, which must not change."""
    before = given["memory"].copy()
    after = student.write(given["memory"], given["emptied"], given["weights"], given["row"])
    return numpy.stack([after, given["memory"] - before])


def sums_before(student, given):
    """Counts and sums before each position."""
    counts, sums = student.sums_before(given["z"], given["y"])
    return numpy.concatenate([numpy.ravel(counts), numpy.ravel(sums)])


def log_left(student, given):
    """The chances of the next class, and what is said where nobody knows."""
    known = numpy.exp(student.log_left(given["counts"], given["each"]))
    return numpy.stack([known, numpy.exp(student.log_left(given["counts"], None))])


def first_presentation_bound(student, given):
    """The bound for some numbers of classes."""
    return numpy.array([student.first_presentation_bound(int(n)) for n in given["ways"]])
