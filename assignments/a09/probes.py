"""What a09.py is asked: each probe calls one function of the student and returns its numbers."""

import numpy


def class_means(student, given):
    """The prototypes."""
    return student.class_means(given["h"], given["y"])


def squared_distances(student, given):
    """How far each query is from each prototype."""
    return student.squared_distances(given["h"], given["others"])


def squared_error(student, given):
    """The loss of each task."""
    return student.squared_error(given["scores"], given["labels"])


def shrinkage(student, given):
    """The factor of Bayes."""
    return numpy.array(student.shrinkage(given["shots"], given["between"], given["within"]))


def coordinates(student, given):
    """What both covariances become, by rising variance, and the variances."""
    T, b = student.coordinates(given["B"], given["W"])
    T, b = numpy.asarray(T), numpy.asarray(b)
    T = T[numpy.argsort(b)]
    return numpy.concatenate(
        [(T @ given["W"] @ T.T).ravel(), (T @ given["B"] @ T.T).ravel(), numpy.sort(b)]
    )


def log_ratio(student, given):
    """The constant and the factor."""
    return numpy.array(
        student.log_ratio(given["inputs"], given["shots"], given["between"], given["within"])
    )


def same_class(student, given):
    """The chances that queries are of the class."""
    sizes = given["inputs"], given["shots"], given["between"], given["within"]
    return student.same_class(given["squares"], given["ways"], *sizes)


def symmetric_beta(student, given):
    """The incomplete beta function for three numbers of inputs."""
    return numpy.array([student.symmetric_beta(given["p"], int(D)) for D in given["inputs"]])
