"""Every learner of the package answers the questions of conformance.py, one row a learner."""

from functools import partial
from typing import NamedTuple

import numpy
import pytest
from faulty_learners import FAULTY, GOOD, HONEST
from numpy.testing import assert_allclose

from minimeta.agents import baselines, rl2
from minimeta.conformance import conform, inquire, one
from minimeta.core.backend import np
from minimeta.core.losses import cross_entropy
from minimeta.core.trees import leaves
from minimeta.embeddings import full_context, matching, prototypical, relation, siamese
from minimeta.exact import (
    bandit_dp,
    class_gaussians,
    finite_tasks,
    in_context,
    linear_gaussian,
    sequential_classes,
)
from minimeta.exact.families import (
    FAMILIES,
    gaussian_classes,
    gaussian_maps,
    named,
    shuffled_gaussian_classes,
)
from minimeta.initializations import anil, fine_tuning, fomaml, imaml, maml, meta_sgd, reptile
from minimeta.learned_optimizers import lstm_optimizer, meta_lstm
from minimeta.learning_rules import blur, vsml
from minimeta.memories import (
    binding,
    fast_recurrent,
    fast_weights,
    hypernetwork,
    interleaved,
    linear_attention,
    mann,
    plasticity,
    recurrent,
    tokens,
    transformer,
)
from minimeta.meta import Learner, meta_loss
from minimeta.nets import mlp
from minimeta.tasks import Family, recall

NOISE = 0.25
FAMILY = gaussian_maps(0.0, numpy.eye(2), NOISE)
NET = mlp([2, 8, 1], activation=np.tanh, gain=1.0)


POOL = numpy.array([[[1.0], [0.5]], [[-0.5], [1.0]], [[0.0], [-1.5]]])  # of three tasks
COVARIANCES = numpy.array([[2.0, 0.5], [0.5, 1.0]]), numpy.diag([0.5, 1.0])
CLASSES = gaussian_classes(3, *COVARIANCES)
EMBED = mlp([2, 8, 4], activation=np.tanh, gain=1.0)
WEIGHTS = blur.fresh(numpy.random.default_rng(0), [2, 4, 3])
COMPARE = mlp([8, 6, 1], activation=np.tanh, gain=1.0)


class Row(NamedTuple):
    """A learner of linear maps from two inputs to one output, or of classes in two inputs."""

    name: str
    learner: Learner
    first_order: bool = False  # its meta-gradient is not the meta-loss's, and is not meant to be


SMALL = dict(width=8, heads=2, blocks=2)
SMALLEST = dict(width=4, heads=2, blocks=1)  # differences then step over no corner of a relu
ROWS = [
    Row("linear_gaussian", linear_gaussian.learner(numpy.zeros((2, 1)), numpy.eye(2), NOISE)),
    Row(
        "linear_gaussian, wrong prior",
        linear_gaussian.learner(numpy.ones((2, 1)), 0.1 * numpy.eye(2), NOISE),
    ),
    Row("finite_tasks", finite_tasks.learner(POOL, NOISE)),
    Row("finite_tasks, attention", finite_tasks.attention_learner(0.4 * numpy.eye(2))),
    Row("lstm_optimizer", lstm_optimizer.learner(NET, steps=3, layers=1), first_order=True),
    Row("meta_lstm", meta_lstm.learner(NET, steps=3), first_order=True),
    Row("recurrent", recurrent.learner(2, hidden=5)),
    Row("fast_weights, sum rule", fast_weights.learner(2, keys=4)),
    Row("fast_weights, delta rule", fast_weights.learner(2, keys=4, rule=fast_weights.DELTA)),
    Row("fast_weights, dpfp", fast_weights.learner(2, keys=3, features=fast_weights.dpfp(2))),
    Row("fast_weights, softmax", fast_weights.softmax_learner(2, keys=4)),
    Row("fast_recurrent", fast_recurrent.learner(2, hidden=5)),
    Row("hypernetwork", hypernetwork.learner(NET, 2, code=4, hidden=6)),
    Row("linear_attention", linear_attention.learner(2)),
    Row("linear_attention, three layers", linear_attention.learner(2, layers=3)),
    Row("one gradient step", in_context.learner(0.5 * numpy.eye(2))),
    Row("transformer", transformer.learner(2, **SMALLEST)),
    Row("transformer, chain", transformer.learner(2, **SMALLEST, tokens=tokens.chain)),
    Row("transformer, late labels", transformer.learner(2, **SMALL, tokens=tokens.late_labels)),
    Row("transformer, positions", transformer.learner(2, **SMALL, positions=18)),
    Row("interleaved", interleaved.learner(2, hidden=5)),
    Row("mann", mann.learner(2, hidden=5, slots=3, width=4)),
    Row("binding", binding.learner(2, 1, hidden=5, slots=3, width=4)),
    Row("maml", maml.learner(NET, step_size=0.1, steps=3)),
    Row("fomaml", fomaml.learner(NET, step_size=0.1, steps=3), first_order=True),
    Row("reptile", reptile.learner(NET, steps=3, batch=2)),
    Row("anil", anil.learner(NET, step_size=0.1, steps=3)),
    Row("meta_sgd", meta_sgd.learner(NET, step_size=0.1, steps=2)),
    Row("imaml", imaml.learner(NET, step_size=0.1, steps=5)),
    Row("fine_tuning", fine_tuning.learner(NET, step_size=0.1, steps=3)),
]
CLASS_ROWS = [
    Row("class_gaussians", class_gaussians.learner(*COVARIANCES)),
    Row("prototypical", prototypical.learner(EMBED)),
    Row("prototypical, sphere", prototypical.learner(prototypical.on_sphere(EMBED))),
    Row("prototypical, pixels", prototypical.learner(prototypical.pixels)),
    Row("matching", matching.learner(EMBED)),
    Row("matching, temperature 1", matching.learner(EMBED, temperature=1.0)),
    Row("full_context", full_context.learner(EMBED, 4, reads=2)),
    Row("nearest_neighbour", matching.nearest_neighbour()),
    Row("siamese", siamese.learner(EMBED, 4)),
    Row("siamese, absolute", siamese.learner(EMBED, 4, siamese.absolute_difference)),
    Row("relation", relation.learner(EMBED, COMPARE)),
    Row("vsml", vsml.learner(3, hidden=3)),
    Row("vsml, delta rule", vsml.learner(3, synapse=vsml.delta_rule(1.0))),
    Row(
        "blur", blur.learner([2, 4, 3], blur.fresh(numpy.random.default_rng(0), [2, 4, 3]), batch=3)
    ),
    Row("relation, squared error", relation.learner(EMBED, COMPARE, relation.squared_error)),
]
SEQUENCES = shuffled_gaussian_classes(3, *COVARIANCES, each=9)
SEQUENCE_ROWS = [
    Row("sequential_classes", sequential_classes.learner(3, *COVARIANCES, each=9)),
    Row("sequential_classes, any order", sequential_classes.learner(3, *COVARIANCES)),
    Row("recurrent", recurrent.learner(2, 3, hidden=5, loss=cross_entropy)),
    Row("interleaved", interleaved.learner(2, 3, hidden=5, loss=cross_entropy)),
    Row("mann", mann.learner(2, 3, hidden=5, slots=3, width=4, loss=cross_entropy)),
    Row("binding", binding.learner(2, 3, hidden=5, slots=5, width=4, loss=cross_entropy)),
    Row("transformer", transformer.learner(2, 3, **SMALL, loss=cross_entropy)),
    Row("binding, one slot", binding.learner(2, 3, hidden=5, slots=1, loss=cross_entropy)),
]
# Learners whose outer loop follows a rule of its own, and that rule.
IMAML = dict(step_size=0.1, steps=5)
RULES = {
    "fine_tuning": (maml.learner(NET, steps=0), fine_tuning.joint_gradient(NET)),
    "reptile": (
        reptile.learner(NET, steps=3, batch=2),
        reptile.meta_gradient(NET, steps=3, batch=2),
    ),
    "imaml": (imaml.learner(NET, **IMAML), imaml.meta_gradient(NET, **IMAML)),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_learner_conforms(row):
    for answer in conform(row.learner, FAMILY, first_order=row.first_order):
        assert answer.holds, answer


@pytest.mark.parametrize("trace", [plasticity.decaying, plasticity.oja])
def test_a_learner_of_patterns_conforms(trace):
    patterns = Family(partial(recall.patterns, bits=6, known=3), None)
    for answer in conform(plasticity.learner(6, trace), patterns):
        assert answer.holds, answer


@pytest.mark.parametrize("shots", [1, 4])
@pytest.mark.parametrize("row", CLASS_ROWS, ids=lambda row: row.name)
def test_a_learner_of_classes_conforms(row, shots):
    for answer in conform(row.learner, CLASSES, shots=shots):
        assert answer.holds, answer


@pytest.mark.parametrize("row", SEQUENCE_ROWS, ids=lambda row: row.name)
def test_a_learner_of_sequences_of_classes_conforms(row):
    for answer in conform(row.learner, SEQUENCES):
        assert answer.holds, answer


@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_its_own_reports_the_meta_loss_and_averages_over_tasks(name):
    learner, rule = RULES[name]
    meta = learner.init(numpy.random.default_rng(1))
    task = FAMILY.sample(numpy.random.default_rng(0), 6, 4, 5)
    value, direction = rule(meta, task)
    assert_allclose(value, meta_loss(learner, meta, task), rtol=1e-12)
    alone = [leaves(rule(meta, one(task, m))[1]) for m in range(6)]
    for whole, *parts in zip(leaves(direction), *alone):
        assert_allclose(whole, sum(parts) / 6, rtol=1e-9, atol=1e-13)


AGENTS = {
    "greedy": baselines.greedy(2),
    "thompson": baselines.thompson(2, 9),
    "the best": bandit_dp.learner(2, 9),
    "rl2": rl2.learner(1, 2, hidden=4),
}


@pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)
def test_an_agent_conforms_on_what_a_random_player_lives_through(agent):
    for answer in conform(agent, named("bandits")):
        assert answer.holds, answer


@pytest.mark.parametrize("row", HONEST.values(), ids=HONEST)
def test_an_honest_learner_conforms_however_unusual(row):
    for answer in conform(row.learner, row.family, **row.options):
        assert answer.holds, answer


@pytest.mark.parametrize("row", FAULTY.values(), ids=FAULTY)
def test_a_planted_fault_is_caught_and_named(row):
    failed = [str(a) for a in conform(row.learner, row.family, **row.options) if not a.holds]
    assert any(row.fault in answer for answer in failed), failed


def test_what_is_left_out_has_a_reason():
    """A learner that fails the first question gets no others, and says so."""
    sheet = inquire(GOOD._replace(loss=lambda p, y: 0.0), FAMILY)
    assert [answer.holds for answer in sheet.answers] == [False]
    reasons = dict(sheet.unasked)
    assert reasons["Nobody beats Bayes."] == "the first one failed"
    good = inquire(GOOD, FAMILY)
    assert 1 + len(reasons) == len(good.answers) + len(good.unasked)


@pytest.mark.parametrize("name", [name for name in FAMILIES if named(name).bayes])
def test_the_floor_of_every_named_family_conforms(name):
    for answer in conform(named(name).bayes, named(name)):
        assert answer.holds, answer


def test_an_option_that_is_not_there_is_refused():
    with pytest.raises(TypeError, match="transductiv"):
        conform(GOOD, FAMILY, transductiv=True)


def test_trained_parameters_can_be_given():
    meta = GOOD.init(numpy.random.default_rng(5))
    assert all(answer.holds for answer in conform(GOOD, FAMILY, meta=meta))


def test_who_is_below_the_floor_is_named():
    """A Bayes-optimal learner told too much noise is beaten by one that knows the noise."""
    wrong = FAMILY._replace(bayes=linear_gaussian.learner(numpy.ones((2, 1)), numpy.eye(2), 9.0))
    answers = conform(FAMILY.bayes, wrong)
    assert [str(a)[:4] for a in answers if "Bayes" in a.question] == ["FAIL"]
