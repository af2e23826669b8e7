"""compare.py: learners on the same tasks, beside the floor. Planted faults turn its answers."""

import numpy
import pytest
from helpers import refused
from numpy.testing import assert_allclose

from minimeta import compare as module
from minimeta.compare import compare, difference, median_interval, shares_won, table
from minimeta.embeddings import matching, siamese
from minimeta.exact import linear_gaussian
from minimeta.exact.families import gaussian_classes, gaussian_maps
from minimeta.initializations import maml
from minimeta.meta import Learner
from minimeta.nets import mlp
from minimeta.tasks import Family

NOISE = 0.5
FAMILY = gaussian_maps(0.0, numpy.eye(3), NOISE)
TIMID = linear_gaussian.learner(numpy.zeros((3, 1)), 0.1 * numpy.eye(3), NOISE)  # a wrong prior
BOLD = linear_gaussian.learner(numpy.zeros((3, 1)), 100.0 * numpy.eye(3), NOISE)
NEAR = linear_gaussian.learner(numpy.zeros((3, 1)), 3.0 * numpy.eye(3), NOISE)
BOTH = {"timid": (TIMID, {}), "bold": (BOLD, {})}


def rng(seed=0):
    return numpy.random.default_rng(seed)


def test_the_excess_of_a_wrong_prior_is_that_of_the_closed_form():
    """wrong_prior_risk - risk, averaged over the support inputs, is within the interval."""
    record = compare(BOTH, FAMILY, 5, rng(), tasks=4000)
    x = FAMILY.sample(rng(1), 4000, 5, 1).support.x
    true = (0.0, numpy.eye(3), NOISE)
    for row, variance in zip(record.rows, (0.1, 100.0)):
        believed = (0.0, variance * numpy.eye(3), NOISE)
        excess = linear_gaussian.wrong_prior_risk(x, believed, true) - linear_gaussian.risk(
            x, *true[1:]
        )
        allowed = 2.0 * (row.mean_interval[1] - row.mean)  # four standard errors
        assert abs(row.mean - excess.mean()) < allowed + 4.0 * excess.std() / 4000**0.5
    assert_allclose(record.floor, record.losses["Bayes"].mean())


def test_the_bayes_optimal_learner_itself_has_no_excess():
    (row,) = compare({"it": (FAMILY.bayes, {})}, FAMILY, 5, rng(), tasks=700).rows
    assert row.mean == row.median == 0.0 and row.won == 1.0


def test_paired_intervals_are_far_narrower_than_those_of_separate_tasks():
    """Planted: differences to the floor on *other* tasks have an interval several times wider."""
    record, other = (compare({"near": (NEAR, {})}, FAMILY, 8, rng(s), 1000) for s in (0, 1))
    (low, high), floor = record.rows[0].mean_interval, other.losses["Bayes"]
    _, (far_low, far_high), *_ = module.summary(record.losses["near"] - floor)
    assert far_high - far_low > 3.0 * (high - low)


def test_every_learner_is_given_the_same_tasks(monkeypatch):
    """Planted: a learner that is judged on other tasks no longer equals itself."""
    twins = {"one": (TIMID, {}), "other": (TIMID, {})}
    record = compare(twins, FAMILY, 5, rng(), tasks=300)
    assert difference(record, "one", "other") == (0.0, (0.0, 0.0))
    true = module.judge
    calls = []

    def judge(name, learner, meta, task, loss):
        calls.append(name)
        return true(name, learner, meta, FAMILY.sample(rng(len(calls)), 300, 5, 10), loss)

    monkeypatch.setattr(module, "judge", judge)
    assert difference(compare(twins, FAMILY, 5, rng(), tasks=300), "one", "other")[0] != 0.0


def test_tasks_in_parts_equal_tasks_at_once(monkeypatch):
    record = compare(BOTH, FAMILY, 5, rng(), tasks=70)
    monkeypatch.setattr(module, "AT_ONCE", 16)
    parts = compare(BOTH, FAMILY, 5, rng(), tasks=70)
    for name in record.losses:
        assert_allclose(parts.losses[name], record.losses[name], rtol=1e-12)


def test_the_intervals_hold_the_truth_in_19_of_20_samples():
    """Of an exponential variable: mean 1 and median ln 2; each interval misses 5 % of the time."""
    draws = rng().exponential(size=(2000, 200))
    answers = [module.summary(values) for values in draws]
    means = numpy.mean([low < 1.0 < high for _, (low, high), _, _ in answers])
    medians = numpy.mean([low < numpy.log(2.0) < high for *_, (low, high) in answers])
    assert 0.92 < means < 0.97 and 0.93 < medians < 0.98


def test_the_order_statistics_of_the_median_by_the_binomial():
    """P(value[a] < median < value[b]) for M = 100 is a sum of binomial coefficients."""
    from math import comb

    low, high = median_interval(numpy.arange(100.0))
    covered = sum(comb(100, k) for k in range(int(low) + 1, int(high) + 1)) / 2.0**100
    assert 0.95 < covered < 0.97


def test_equals_share_a_task_and_all_shares_add_up_to_one():
    losses = numpy.array([[1.0, 2.0, 3.0, 1.0], [1.0, 1.0, 4.0, 2.0], [5.0, 3.0, 3.0, 2.0]])
    assert_allclose(shares_won(losses), [0.5, 0.375, 0.125])


def test_numbers_of_meta_parameters_and_of_learned_variables():
    learner = maml.learner(mlp([3, 7, 1]), step_size=0.01)
    (row,) = compare({"maml": (learner, learner.init(rng()))}, FAMILY, 4, rng(), tasks=9).rows
    assert (row.meta, row.learned) == (36, 36)  # 3 * 7 + 7 + 7 + 1


def test_learners_with_a_loss_of_their_own_are_judged_by_the_floors():
    family = gaussian_classes(3, numpy.eye(2), 0.2 * numpy.eye(2))
    embed = mlp([2, 8, 4])
    known = {"matching": matching.learner(embed), "siamese": siamese.learner(embed, 4)}
    learners = {name: (one, one.init(rng())) for name, one in known.items()}
    record = compare(learners, family, 2, rng(), tasks=50)
    assert all(row.mean > 0.0 for row in record.rows)
    assert len(table(record).splitlines()) == 4


def diverge(meta, state, x):
    return x @ (numpy.inf * state[0])


REFUSED = {
    "no dict": (lambda: compare([TIMID], FAMILY, 5, rng()), "learners must be a dict"),
    "nobody": (lambda: compare({}, FAMILY, 5, rng()), "learners must be a dict"),
    "no pair": (lambda: compare({"a": TIMID}, FAMILY, 5, rng()), r"learners\['a'\] must be a pair"),
    "no learner": (lambda: compare({"a": (1, {})}, FAMILY, 5, rng()), r"learners\['a'\]\[0\]"),
    "the floor's name": (lambda: compare({"Bayes": (TIMID, {})}, FAMILY, 5, rng()), "'Bayes'"),
    "no floor": (
        lambda: compare(BOTH, Family(FAMILY.sample, None), 5, rng()),
        "family must have a Bayes-optimal learner",
    ),
    "no family": (lambda: compare(BOTH, FAMILY.sample, 5, rng()), "family"),
    "no generator": (lambda: compare(BOTH, FAMILY, 5, 0), "rng must be"),
    "one task": (lambda: compare(BOTH, FAMILY, 5, rng(), tasks=1), "tasks must be"),
    "no shots": (lambda: compare(BOTH, FAMILY, "five", rng()), "shots must be"),
    "a stranger": (
        lambda: difference(compare(BOTH, FAMILY, 5, rng(), 9), "timid", "shy"),
        "There is no 'shy'",
    ),
}


@pytest.mark.parametrize("call, sentence", REFUSED.values(), ids=REFUSED)
def test_a_malformed_call_is_refused_in_one_sentence(call, sentence):
    refused(call, sentence)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_who_diverges_is_named():
    wild = Learner(lambda rng: {}, TIMID.adapt, diverge)
    refused(
        lambda: compare({"wild": (wild, {})}, FAMILY, 5, rng(), 9), "wild: ", FloatingPointError
    )
