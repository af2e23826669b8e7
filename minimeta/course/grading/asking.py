"""Asks a student's function one question. Used where it runs confined, and in the self-check.

Standard library and NumPy only: this file is copied to where the children run.
"""

import numpy


def ask(student, probes, task, probe, inputs):
    """The answer to a question, as one array of floats; lists among the inputs become arrays.

    The probe "call" calls the function itself with the inputs as its arguments, in their order.
    Any other is a function (student, inputs) of the module `probes`.
    """
    given = {k: numpy.array(v) if isinstance(v, list) else v for k, v in inputs.items()}
    if probe == "call":
        answer = getattr(student, task)(*given.values())
    else:
        answer = getattr(probes, probe)(student, given)
    if isinstance(answer, (tuple, list)):
        answer = numpy.concatenate([numpy.ravel(numpy.asarray(part, float)) for part in answer])
    return numpy.asarray(answer, dtype=float)
