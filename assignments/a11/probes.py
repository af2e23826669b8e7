"""What a11.py is asked; most functions are called with their arguments (the probe `call`)."""

import numpy


def fit(student, given):
    """The effective weights of answers x W + b + bend * sin(x W)."""

    def answer(x):
        line = x @ given["W"]
        return line + given["b"] + given["bend"] * numpy.sin(line)

    return student.effective_weights(answer, given["probes"])


def halves(student, given):
    """The half times, with -1 for those that never come."""
    times = numpy.asarray(student.half_time(given["times"], given["progress"]), float)
    return numpy.where(numpy.isinf(times), -1.0, times)


def rows(student, given):
    """The curve of the squared distances of three answers, one number for each mode."""

    def measure(answer, truth):
        return (answer - truth) ** 2

    return student.curve(measure, list(given["answers"]), given["truth"])
