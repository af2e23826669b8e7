"""Answers to the exercises of the lesson learning_rules."""

import numpy


def exercise_1():
    """4 H (2 + H) weights, 4 H biases, and H numbers in v: 4 H (H + 3) + H."""
    H = 16
    return 4 * H * (2 + H) + 4 * H + H


def exercise_2():
    """The answer is a mean over inputs. Twice as many inputs halve it, so the rate doubles."""
    return 2.0 * 16 / 8


def exercise_3():
    """At w = 0 both classes have the chance 1/2, so e_1 = -1/2, w_1 = r x / 2 = 1, z_1 = w_1 x."""
    x, rate = 2.0, 1.0
    error = 0.5 - 1.0
    return (0.0 - rate * error * x) * x


def exercise_4():
    """2 (64 32 + 32 32 + 32 5) learned numbers for 4 2^2 + 2 = 18 in the genome."""
    sizes = numpy.array([64, 32, 32, 5])
    return 2 * (sizes[:-1] * sizes[1:]).sum() / (4 * 2**2 + 2)


MISTAKES = {
    1: [1152, 1216, 1168],  # without biases and v; without v; without biases
    2: [2.0, 1.0, 8.0],
    3: [1.0, 0.5, 4.0],  # w_1 itself; the probability; the error taken as -1
    4: [3232 / 18, 6464 / 16, 18 / 6464],  # one copy; without rates; upside down
}
