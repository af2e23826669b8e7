"""Rules shared by all synapses: training, other sizes, malformed calls, and planted bugs."""

import numpy
import pytest
from helpers import given, instead, is_single, refused, rng, single_precision, turns_red
from helpers import times as scaled
from numpy.testing import assert_allclose

from minimeta.core.losses import cross_entropy
from minimeta.core.optim import adam
from minimeta.core.trees import flatten
from minimeta.learning_rules import blur, evolution, ratio, symla, vsml
from minimeta.meta import along, evaluate, meta_loss
from minimeta.nets import lstm
from minimeta.tasks import Data, Task
from minimeta.theorems import REGISTRY
from minimeta.theorems import learning_rules as theorems
from minimeta.theorems.tools import differences, meta_gradient
from minimeta.training import sequence_train, train

SIZES = [4, 6, 3]


def separable(seed, tasks, T=10, inputs=4, classes=3):
    """Sequences of examples near well separated centres, one for each class of a task."""
    draw = rng(seed)
    centres = 2.0 * draw.normal(size=(tasks, classes, inputs))
    labels = draw.integers(classes, size=(tasks, T))
    noise = 0.3 * draw.normal(size=(tasks, T, inputs))
    x = numpy.take_along_axis(centres, labels[..., None], axis=1) + noise
    return Data(x, numpy.eye(classes)[labels])


def as_task(data):
    """The sequence as the query of a task without support."""
    return Task(Data(data.x[:, :0], data.y[:, :0]), data)


def test_a_rule_is_learned_and_fits_a_larger_problem():
    """After 150 updates VSML is below its start there and on more inputs and classes."""
    with single_precision():
        single = lambda data: Data(*(part.astype(numpy.float32) for part in data))
        learner = vsml.learner(3, hidden=6)
        start = learner.init(rng())
        sample = lambda rng: as_task(single(separable(rng.integers(1000), 8)))
        meta, _ = sequence_train(learner, sample, rng(), 150, optimizer=adam(0.02), label=None)
        assert is_single(meta)
        for inputs, classes in ((4, 3), (7, 5)):
            larger, data = vsml.learner(classes, hidden=6), single(separable(7, 50, 20, inputs))
            data = single(separable(7000, 50, 20, inputs, classes))
            before = cross_entropy(along(larger, start, data), data.y)
            after = cross_entropy(along(larger, meta, data), data.y)
            assert (after < before).mean() > 0.9


def test_vsml_learns_nothing_from_inputs_that_are_zero():
    """Without inputs the delta rule says 1 / C for ever; a trained rule stays finite."""
    data = separable(0, 2)._replace(x=numpy.zeros((2, 10, 4)))
    answers = along(vsml.learner(3, synapse=vsml.delta_rule(1.0)), {}, data)
    assert_allclose(answers, 0.0, rtol=0)
    learner = vsml.learner(3)
    assert numpy.isfinite(along(learner, learner.init(rng()), data)).all()


def test_one_class_only_is_learned_at_once():
    data = separable(0, 2)
    data = data._replace(y=numpy.broadcast_to(numpy.eye(3)[1], data.y.shape))
    answers = along(vsml.learner(3, synapse=vsml.delta_rule(2.0)), {}, data)
    assert (answers.argmax(axis=-1)[:, 3:] == 1).mean() > 0.8


def test_a_genome_is_learned_by_evolution_strategies():
    """From a tenth of a good rate, 60 steps of 16 pairs find a genome that learns faster."""
    data = separable(3, 16, 40)
    weights = blur.fresh(rng(1), SIZES)
    learner = blur.learner(SIZES, weights, batch=8, rate=0.05)

    def losses(genomes, task):
        return cross_entropy(
            learner.predict(genomes, learner.adapt(genomes, task.support), task.query.x),
            task.query.y,
        )

    task = Task(Data(data.x[:, :32], data.y[:, :32]), Data(data.x[:, 32:], data.y[:, 32:]))
    both = Task(*(Data(*(numpy.concatenate([a, a]) for a in part)) for part in task))
    sample = lambda rng: (evolution.draw(rng, 16, 18), both)
    follow = evolution.follow(losses)
    genome, _ = train(learner.init, follow, sample, rng(), 60, optimizer=adam(0.05), label=None)
    before, after = (evaluate(learner, g, task) for g in (learner.init(rng()), genome))
    assert after.mean() < 0.8 * before.mean()


def test_a_genome_that_explodes_is_reported():
    weights = blur.fresh(rng(), SIZES)
    learner = blur.learner(SIZES, weights, batch=1, rate=1e308)
    data = separable(0, 2, 20)
    with (
        pytest.raises(FloatingPointError, match="loss is not finite"),
        numpy.errstate(all="ignore"),
    ):
        evaluate(learner, learner.init(rng()), Task(data, data))


def test_a_genome_has_a_meta_gradient_too():
    """Genomes are Learners: gradients through the inner steps equal differences."""
    learner = blur.learner(SIZES, blur.fresh(rng(), SIZES), batch=5)
    data = separable(0, 2)
    task, meta = Task(data, data), learner.init(rng())
    exact = differences(lambda meta: meta_loss(learner, meta, task), meta, 1e-5)
    assert_allclose(flatten(meta_gradient(learner, meta, task)), exact, atol=1e-8)


# ---- Malformed calls ----

X, Y = separable(0, 2)
MALFORMED = {
    "no output": (lambda: vsml.learner(0), "outputs must be at least 1"),
    "no hidden unit": (lambda: vsml.learner(3, hidden=0), "hidden must be at least 1"),
    "no synapse": (lambda: vsml.learner(3, synapse=3.0), "synapse must have init"),
    "a negative rate": (lambda: vsml.delta_rule(-1.0), "rate must be above 0"),
    "no epsilon": (lambda: vsml.descent(1.0, 0.0), "epsilon must be above 0"),
    "inputs without tasks": (
        lambda: vsml.learner(3).start({}, X[0]),
        r"x must have shape \(M, N, D\)",
    ),
    "one state": (lambda: blur.backpropagation(1), "states must be at least 2"),
    "one layer of neurons": (lambda: blur.fresh(rng(), [4]), "sizes must list at least 2"),
    "other weights": (
        lambda: blur.learner([4, 3], blur.fresh(rng(), SIZES)),
        r"weights must be those of sizes \[4, 3\]",
    ),
    "half a batch": (
        lambda: blur.learner(SIZES, blur.fresh(rng(), SIZES), batch=4).adapt(
            blur.backpropagation(), Data(X, Y)
        ),
        "must be whole batches of 4; it has 10",
    ),
    "one arm": (lambda: symla.learner(1), "arms must be at least 2"),
    "labels of other arms": (
        lambda: symla.learner(3).observe(
            symla.init(rng()), symla.learner(3).start(symla.init(rng()), X), X[:, 0], Y[:, 0]
        ),
        r"y must be \[action, reward, done\] of 3 arms",
    ),
    "no pairs": (lambda: evolution.draw(rng(), 0, 3), "pairs must be at least 1"),
    "no scale": (lambda: evolution.follow(len, 0.0), "scale must be above 0"),
    "no losses": (lambda: evolution.follow(3), "losses must be a function"),
    "no data": (lambda: ratio.count(vsml.learner(3), {}, X), "support must be Data"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_calls_get_one_sentence(name):
    refused(*MALFORMED[name])


# ---- Planted bugs ----

first_input = lambda f: lambda meta, state, x, e, s: f(meta, state, x * FIRST[: x.shape[-1]], e, s)
first_class = lambda f: lambda meta, state, x, e, s: f(meta, state, x, e * FIRST[: e.shape[-1]], s)
FIRST = numpy.array([2.0, 1.0, 1.0, 1.0])
one_unit = lambda f: lambda z: f(z * FIRST[0] ** (numpy.arange(z.shape[-1]) == 0))
no_derivative = lambda f: lambda genome, a, after, w: f(genome, numpy.ones_like(a), after, w)
counted = lambda f: lambda *a: f(*a)._replace(meta=f(*a).meta + 1)
by_place = lambda f: lambda meta, state, x: f(meta, state, x) + numpy.arange(3.0)
BUGS = {
    "the_delta_rule_in_every_synapse_is_gradient_descent": (vsml, "softmax", scaled(0.99)),
    "an_lstm_in_every_synapse_can_be_gradient_descent": (vsml, "softmax", scaled(0.99)),
    "the_order_of_inputs_does_not_matter_to_vsml": (vsml, "tick", first_input),
    "the_order_of_classes_does_not_matter_to_vsml": (vsml, "tick", first_class),
    "an_input_that_is_always_zero_teaches_the_delta_rule_nothing": (
        vsml,
        "tick",
        given(2, lambda x: x + 0.1),
    ),
    "one_rule_fits_all_sizes": (ratio, "count", counted),
    "backpropagation_is_a_genome": (blur, "backward", no_derivative),
    "hidden_units_have_no_order": (blur, "activate", one_unit),
    "inputs_have_no_order": (
        blur,
        "forward",
        given(2, lambda x: x * FIRST[: x.shape[-1]]),
    ),
    "backpropagation_has_a_symmetric_jacobian": (blur, "backward", no_derivative),
    "most_genomes_are_no_gradient": (
        theorems,
        "random_genome",
        instead(lambda seed: blur.backpropagation(2, 0.4)),
    ),
    "a_genome_is_a_few_numbers": (ratio, "count", counted),
    "pairs_of_trials_find_the_gradient_of_a_quadratic": (
        evolution,
        "like",
        lambda f: lambda tree, v: f(tree, v) if v.ndim > 1 else f(tree, 0.5 * v),
    ),
    "evolution_strategies_follow_the_smoothed_loss": (evolution, "draw", scaled(1.5)),
    "the_order_of_arms_does_not_matter_to_symla": (
        symla,
        "predict",
        by_place,
    ),
    "symla_begins_without_a_preference": (symla, "predict", by_place),
    "symla_fits_any_number_of_arms": (ratio, "count", counted),
    "a_rule_can_be_trained_by_its_gradient": (
        theorems,
        "grad",
        lambda f: lambda g: lambda at: 1.01 * f(g)(at),
    ),
}
THEOREMS = {t.name: t.prove for t in REGISTRY if t.topic == "learning_rules"}


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_turns_the_theorem_red(name, monkeypatch):
    turns_red(monkeypatch, THEOREMS[name], *BUGS[name])


def test_every_theorem_of_the_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)


def test_the_gates_of_a_fresh_rule_are_nearly_closed_to_what_is_new():
    cell = vsml.lstm_synapse(4).init(rng())["cell"]
    assert_allclose(cell["b"], numpy.repeat([-1.0, 3.0, 0.0, 0.0], 4))
    assert cell["W_h"].shape == lstm.init(rng(), 2, 4)["W_h"].shape
