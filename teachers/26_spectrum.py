"""Answers to the exercises of the lesson spectrum."""

from minimeta.core.trees import leaves
from minimeta.memories import interleaved


def exercise_1():
    """Both are equally far from k* = p / (p + 1) if it is their middle, 3/4. So p = 3."""
    middle = (0.5 + 1.0) / 2
    return middle / (1 - middle)


def exercise_2():
    """4 H (D + C + H + 1) numbers of the LSTM and H + 1 of the answer, for 2 H of the state."""
    import numpy

    H, D, C = 48, 4, 1
    meta = 4 * H * (D + C + H + 1) + (H + 1) * C
    made = interleaved.learner(D, C, hidden=H).init(numpy.random.default_rng(0))
    assert meta == sum(leaf.size for leaf in leaves(made))
    return meta / (2 * H)


def exercise_3():
    """1.96 sd / sqrt(M) = 0.002, so M = (1.96 * 0.2 / 0.002)^2 = 38,416."""
    return (1.96 * 0.2 / 0.002) ** 2


def exercise_4():
    """Separate: sqrt(2 v). Paired: sqrt(2 v (1 - rho)). The ratio is 1 / sqrt(1 - 0.98)."""
    return (1 - 0.98) ** -0.5


MISTAKES = {
    1: [0.75, 9.0, 1.0],  # k*, not p; the variance outside; where the knowing learner is best
    2: [10417.0, 217.0, 107.0],  # not divided; one of h and c only; without the linear layer
    3: [196.0, 100.0, 9604.0],  # the root; without 1.96; the half width for the whole
    4: [1.43, 50.0, 1.02],  # 1 + rho in place of 1 - rho; the ratio of variances
}
