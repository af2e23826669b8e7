"""Learning in context: each planted bug makes a theorem fail; unusual calls work or are refused.

What linear attention and the transformer compute is stated by theorems (theorems/in_context.py).
"""

import numpy
import pytest
from derivatives import EXACT, on_device, same
from helpers import close, instead, is_single, refused, rng, single_precision, times, turns_red
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import value_and_grad
from minimeta.core.losses import cross_entropy
from minimeta.core.optim import adam
from minimeta.core.replay import replay
from minimeta.exact import in_context as exact
from minimeta.exact import linear_gaussian
from minimeta.exact.families import gaussian_classes
from minimeta.memories import linear_attention, tokens, transformer
from minimeta.meta import along, evaluate, sequence_loss
from minimeta.nets import attention
from minimeta.tasks import Data
from minimeta.tasks.regression import linear, uniform
from minimeta.theorems import REGISTRY
from minimeta.training import meta_train, sequence_train


def tasks(count=4, shots=5, queries=3, inputs=2):
    return linear(rng(), count, shots, queries, numpy.eye(inputs), noise_variance=0.01)


# ---- Planted bugs: each makes a named theorem fail ----


def steps_on_old_tokens(meta, support):
    """adapt, but the tokens of the context stay as they are between layers."""
    data = np.concatenate(support, axis=-1)
    return [linear_attention.fast_weights(layer, data) for layer in meta]


def values_as_keys(f):
    return lambda layer, data: f({**layer, "K": layer["V"]}, data)


def last_only(f):
    return lambda layer, data: f(layer, data[:, -1:])


def unscaled(f):
    """Attention without the factor 1 / sqrt(D): its queries are that much larger."""

    def weights(qkv, heads, causal):
        factor = numpy.ones(qkv.shape[-1])
        factor[: qkv.shape[-1] // 3] = (qkv.shape[-1] // 3) ** 0.5
        return f(qkv * factor, heads, causal)

    return weights


def labels_beside_questions(x, y):
    return np.repeat(np.concatenate([x, y], axis=-1), 2, axis=1)


def label_not_late(x, y):
    return np.concatenate([x, y], axis=-1)


def example_not_before(x, y):
    return np.concatenate([x, x, y], axis=-1)


def first_answer(f):
    """The answers of a context of another length: its first example is lost."""
    return lambda way, state, x, outputs: f(way, Data(*(p[:, 1:] for p in state)), x, outputs)


def forgetful(meta, state, x, y):
    """observe, but the new example takes the place of all before it."""
    return [linear_attention.fast_weights(meta[0], np.concatenate([x, y], axis=-1)[:, None])]


def biased(f):
    """A floor that is none: its answers are 3 too large."""

    def learner(*prior):
        true = f(*prior)
        return true._replace(predict=lambda *arguments: true.predict(*arguments) + 3.0)

    return learner


BUGS = {
    "a_layer_is_a_gradient_step": (linear_attention, "fast_weights", times(2.0)),
    "layers_are_steps": (linear_attention, "adapt", instead(steps_on_old_tokens)),
    "attention_is_fast_weights": (linear_attention, "fast_weights", values_as_keys),
    "the_memory_is_written_one_example_at_a_time": (
        linear_attention,
        "observe",
        instead(forgetful),
    ),
    "softmax_attention_is_linear_where_scores_are_small": (
        attention,
        "attention_weights",
        unscaled,
    ),
    "the_risk_is_that_of_a_step": (exact, "bracket", times(1.1)),
    "the_plateau_of_the_authors": (exact, "bracket", times(1.1)),
    "no_matrix_is_better_than_a_step": (exact, "best_step_size", times(1.01)),
    "training_finds_the_step": (linear_attention, "fast_weights", last_only),
    "no_answer_sees_its_own_label": (tokens, "pairs", instead(labels_beside_questions)),
    "shots_are_positions": (tokens, "answer", first_answer),
    "the_order_of_a_context_does_not_matter": (linear_attention, "fast_weights", last_only),
    "nobody_beats_bayes": (linear_gaussian, "learner", biased),
}
THEOREMS = {t.name: t for t in REGISTRY if t.topic == "in_context"}


@pytest.mark.parametrize("theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, theorem):
    turns_red(monkeypatch, THEOREMS[theorem].prove, *BUGS[theorem])


@pytest.mark.parametrize(
    "way, bug", [("late_labels", label_not_late), ("chain", example_not_before)]
)
def test_a_label_that_is_not_late_is_seen_early(monkeypatch, way, bug):
    prove = THEOREMS["no_answer_sees_its_own_label"].prove
    turns_red(monkeypatch, prove, tokens, way, instead(bug))


def test_every_theorem_of_this_topic_has_its_bug():
    assert set(BUGS) == set(THEOREMS)


# ---- Tokens ----


def test_a_label_stands_beside_its_input_or_comes_one_input_late():
    x, y = numpy.array([[[1.0], [2.0], [3.0]]]), numpy.array([[[7.0], [8.0], [9.0]]])
    beside = [[1, 0], [1, 7], [2, 0], [2, 8], [3, 0], [3, 9]]
    assert_array_equal(tokens.pairs(x, y)[0], beside)
    assert_array_equal(tokens.chain(x, y)[0], [[1, 0, 0], [2, 1, 7], [3, 2, 8]])
    assert_array_equal(tokens.late_labels(x, y)[0], [[1, 0], [2, 7], [3, 8]])


def test_positions_make_the_order_matter_and_their_absence_does_not_make_it_up():
    """The first of two equal questions is answered as the second only without positions."""
    x = numpy.ones((1, 3, 2))
    data = Data(x, 0.0 * x[..., :1])
    for positions, differs in ((0, False), (6, True)):
        learner = transformer.learner(2, width=8, heads=2, blocks=1, positions=positions)
        answers = learner.along(learner.init(rng()), data)
        assert bool(abs(answers - answers[:, :1]).max() > 1e-6) == differs


def test_the_order_matters_to_a_transformer_of_two_blocks():
    """A deeper token has seen its own past, so that the theorem on the order needs one block."""
    learner, task = transformer.learner(2, width=8, heads=2, blocks=2), tasks()
    meta = learner.init(rng())
    turned = Data(*(part[:, ::-1] for part in task.support))
    there, back = (learner.predict(meta, state, task.query.x) for state in (task.support, turned))
    assert abs(there - back).max() > 1e-3


# ---- Closed forms ----


def test_the_published_plateau_is_that_of_the_code_and_not_of_the_text():
    """Half the squared error: 0.20623 for x in (-1/2, 1/2) and 0.82492 for x in (-1, 1)."""
    for half_width, size, half in ((0.5, 6.0606, 0.20623), (1.0, 1.5152, 0.82492)):
        moments = exact.uniform_moments(half_width)
        assert_allclose(exact.best_step_size(10, 10, *moments), size, atol=5e-5)
        assert_allclose(exact.plateau(10, 10, *moments) / 2, half, atol=5e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_risk_is_the_mean_over_random_problems_with_inputs_of_two_values(seed):
    """Inputs +-s with s^2 = v have E x^4 = v^2; every context of signs is enumerated."""
    random = rng(seed)
    v, size, noise = random.uniform(0.2, 2.0, 3)
    x = numpy.reshape(numpy.meshgrid(*[[-1.0, 1.0]] * 6), (6, -1)).T.reshape(-1, 3, 2) * v**0.5
    A = x.swapaxes(1, 2) @ x / 3
    left = numpy.eye(2) - size * A
    risk = v * (numpy.trace(left @ left, axis1=1, axis2=2)).mean()
    risk += noise + v * noise * size**2 * numpy.trace(A, axis1=1, axis2=2).mean() / 3
    assert_allclose(exact.risk(size, 3, 2, v, v**2, noise), risk, rtol=1e-9)
    best = exact.best_step_size(3, 2, v, v**2, noise)
    nearby = [exact.risk(best + step, 3, 2, v, v**2, noise) for step in (-0.01, 0.0, 0.01)]
    assert nearby[1] < min(nearby[0], nearby[2])


def test_with_endless_examples_one_step_is_enough():
    """Inputs of variance 1: the context's second moment is then the identity, and B is 1."""
    assert_allclose(exact.plateau(10**9, 4, 1.0, 3.0), 0.0, atol=1e-7)


# ---- Training ----


def test_training_a_layer_reaches_the_plateau():
    """Within 3 % after 400 short steps; the lesson has longer ones."""
    outer, learner = adam(lambda t: 0.02 * (1 - t / 400)), linear_attention.learner(3)
    sample = lambda rng: uniform(rng, 128, 5, 1, 3, half_width=1.0)
    meta, _ = meta_train(learner, sample, rng(), 400, optimizer=outer, label=None)
    moments, new = exact.uniform_moments(1.0), uniform(rng(1), 4000, 5, 1, 3, half_width=1.0)
    best = exact.learner(exact.best_step_size(5, 3, *moments) * numpy.eye(3))
    excess = evaluate(learner, meta, new) - evaluate(best, {}, new)
    assert excess.mean() < 0.03 * exact.plateau(5, 3, *moments)


@pytest.mark.parametrize("way", [tokens.pairs, tokens.chain, tokens.late_labels])
def test_training_a_transformer_lowers_the_loss_and_is_the_same_when_replayed(way):
    sample = lambda rng: linear(rng, 32, 5, 1, numpy.eye(1), noise_variance=0.01)
    learner = transformer.learner(1, width=8, heads=2, blocks=1, tokens=way)
    follow = value_and_grad(lambda meta, task: sequence_loss(learner, meta, task))
    meta, _ = sequence_train(learner, sample, rng(), 150, optimizer=adam(0.01), label=None)
    new = linear(rng(1), 500, 5, 1, numpy.eye(1), noise_variance=0.01)
    before, after = (sequence_loss(learner, m, new) for m in (learner.init(rng()), meta))
    assert after < 0.8 * before
    task, fast = sample(rng(2)), replay(follow)
    for _ in range(2):
        close(fast(meta, task), follow(meta, task))


def every_learner(positions=0):
    small = dict(width=8, heads=2, blocks=1, positions=positions)
    late = transformer.learner(2, **small, tokens=tokens.late_labels)
    return linear_attention.learner(2), transformer.learner(2, **small), late


def test_on_a_device_nothing_moves_and_the_numbers_are_the_same():
    for learner in every_learner(positions=16):

        def everything(meta, task, learner=learner):
            answers = learner.predict(meta, learner.adapt(meta, task.support), task.query.x)
            return answers, value_and_grad(lambda m: sequence_loss(learner, m, task))(meta)

        args = learner.init(rng()), tasks()
        same(on_device(everything, *args), everything(*args), EXACT)


def test_a_float32_program_stays_float32():
    with single_precision():
        for learner in every_learner(positions=16):
            task, meta = tasks(), learner.init(rng())
            value, gradient = value_and_grad(lambda m, a=learner, t=task: sequence_loss(a, m, t))(
                meta
            )
            state = learner.adapt(meta, task.support)
            none = learner.start(meta, task.support.x)
            answers = [learner.predict(meta, s, task.query.x) for s in (state, none)]
            assert is_single(meta, value, gradient, answers)


def test_classes_are_one_hot_rows_and_the_answers_their_logits():
    task = gaussian_classes(3, numpy.eye(2), 0.1 * numpy.eye(2)).sample(rng(), 4, 2, 1)
    learner = transformer.learner(2, 3, width=8, heads=2, blocks=1, loss=cross_entropy)
    meta = learner.init(rng())
    assert along(learner, meta, task.support).shape == (4, 6, 3)
    assert evaluate(learner, meta, task).shape == (4,)


# ---- What is refused ----


@pytest.mark.parametrize("bad", [{"inputs": 0}, {"outputs": 1.5}, {"positions": -1}])
def test_sizes_are_whole_numbers(bad):
    refused(lambda: transformer.learner(**{"inputs": 1, **bad}), f"{next(iter(bad))} must be")


@pytest.mark.parametrize("number", range(3))
def test_examples_of_another_size_are_refused_in_a_sentence(number):
    learner = every_learner()[number]
    meta = learner.init(rng())
    (x, y), query = tasks()
    sentence = r"x and y must be \(M, T, 2\) and \(M, T, 1\)"
    for wrong in (Data(x[..., :1], y), Data(x, x), Data(x[:, :3], y), Data(x[0], y[0])):
        refused(lambda wrong=wrong: learner.adapt(meta, wrong), sentence)
    state = learner.adapt(meta, Data(x, y))
    for asked in (query.x[..., :1], query.x[:2], query.x[0]):
        refused(lambda x=asked: learner.predict(meta, state, x), r"x must be \(4, Q, 2\)")
    refused(lambda: learner.observe(meta, state, x[:, 0], x[:, 0]), sentence)


def test_a_sequence_longer_than_the_positions_is_refused():
    learner, task = transformer.learner(2, width=8, heads=2, blocks=1, positions=6), tasks()
    meta = learner.init(rng())
    refused(lambda: along(learner, meta, task.support), "positions must be at least 10")
