"""Learned starts: each planted bug makes a theorem fail, and unusual calls work or are refused.

The equations themselves are theorems (theorems/initializations.py).
"""

import numpy
import pytest
from helpers import close, instead, one, refused, rng, times, turns_red
from helpers import waves as task
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import constant, grad, value_and_grad
from minimeta.core.losses import cross_entropy, mse
from minimeta.core.optim import adam, sgd
from minimeta.core.trees import copies, flatten, leaves, tree_map
from minimeta.embeddings import prototypical
from minimeta.exact import quadratics as exact
from minimeta.initializations import anil, fine_tuning, fomaml, imaml, maml, meta_sgd, reptile
from minimeta.meta import evaluate, meta_loss
from minimeta.nets import Net, mlp
from minimeta.tasks import Data, Task, episodes
from minimeta.tasks.quadratics import draw_quadratics, from_quadratics
from minimeta.theorems import initializations as theorems
from minimeta.theorems import relatives
from minimeta.training import meta_train, train

NET = mlp([1, 6, 1], activation=np.tanh)
LEARNERS = {
    "maml": maml.learner(NET, steps=2),
    "fomaml": fomaml.learner(NET, steps=2),
    "reptile": reptile.learner(NET, steps=2, batch=2),
    "anil": anil.learner(NET, steps=2),
    "meta_sgd": meta_sgd.learner(NET),
    "imaml": imaml.learner(NET, steps=3),
    "fine_tuning": fine_tuning.learner(NET, steps=2),
}
every = pytest.mark.parametrize("name", LEARNERS)


# ---- Planted bugs: each makes a named theorem fail ----

first_order, second_order = instead(fomaml.adapt), instead(maml.adapt)


def mean_for_sum(phi, data, net, loss):
    return np.mean(loss(net.apply(phi, data.x), data.y))


def one_more_step(adapt):
    return lambda *a, steps, **options: adapt(*a, steps=steps + 1, **options)


def constant_gradient(f):
    return lambda *a: constant(grad(f)(*a))


def not_solved(system, b, steps):
    return b


def constant_copies(net, params, data):
    return constant(copies(params, len(data.x)))


def doubled_copies(net, params, data, of):
    return copies(tree_map(lambda p: 2 * p, params), len(data.x))


BUGS = [
    (maml, "adapt", first_order, theorems.maml_meta_gradient),
    (maml, "adapt", one_more_step, theorems.maml_meta_gradient),
    (maml, "total_loss", instead(mean_for_sum), theorems.maml_meta_gradient),
    (maml, "adapt", first_order, theorems.maml_fixed_point),
    (fomaml, "adapt", second_order, theorems.fomaml_meta_gradient),
    (fomaml, "constant", instead(lambda tree: tree), theorems.what_first_order_leaves_out),
    (reptile, "total_loss", instead(mean_for_sum), theorems.reptile_direction),
    (meta_sgd, "grad", instead(constant_gradient), relatives.meta_sgd_gradient_of_step_sizes),
    (imaml, "conjugate_gradients", instead(not_solved), relatives.imaml_meta_gradient),
    (imaml, "hvp", instead(lambda f: lambda *a: a[-1]), relatives.imaml_meta_gradient),
    (anil, "task_copies", instead(constant_copies), relatives.anil_meta_gradient),
    (anil, "adapt", one_more_step, relatives.anil_step_from_zeros),
    (maml, "adapt", one_more_step, relatives.maml_step_from_zeros_is_anil),
    (prototypical, "inner_products", times(1.1), relatives.anil_step_is_prototypes),
    (fine_tuning, "task_copies", instead(doubled_copies), theorems.joint_gradient),
]


@pytest.mark.parametrize("module, name, bug, theorem", BUGS)
def test_a_planted_bug_turns_its_theorem_red(monkeypatch, module, name, bug, theorem):
    turns_red(monkeypatch, theorem, module, name, bug)


# ---- What users ask for at the edges ----


@every
def test_one_task_and_one_shot_are_enough(name):
    learner = reptile.learner(NET) if name == "reptile" else LEARNERS[name]  # no minibatch of two
    one = task(tasks=1, shots=1)
    assert evaluate(learner, learner.init(rng()), one).shape == (1,)


@pytest.mark.parametrize("make", [maml.learner, fomaml.learner, anil.learner, meta_sgd.learner])
def test_zero_inner_steps_predict_with_the_start_itself(make):
    learner = make(NET, steps=0)
    meta = learner.init(rng())
    theta = meta["theta"] if "theta" in meta else meta
    state = learner.adapt(meta, task().support)
    start = NET.apply(copies(theta, 3), task().query.x)
    assert_array_equal(learner.predict(meta, state, task().query.x), start)


@pytest.mark.parametrize("make", [maml.learner, fomaml.learner, anil.learner, imaml.learner])
@pytest.mark.parametrize(
    "bad", [{"step_size": 0.0}, {"step_size": "a"}, {"steps": -1}, {"steps": 1.5}]
)
def test_inner_loops_refuse_what_is_no_step(make, bad):
    refused(lambda: make(NET, **bad), f"{next(iter(bad))} must be")


def test_zero_shots_are_refused_by_those_who_need_examples():
    none = task()._replace(support=Data(numpy.zeros((3, 0, 1)), numpy.zeros((3, 0, 1))))
    learner = LEARNERS["maml"]
    refused(
        lambda: evaluate(learner, learner.init(rng()), none), "at least one example", ValueError
    )


def test_a_step_that_diverges_is_reported_with_the_last_good_parameters():
    wild = maml.learner(mlp([1, 1]), step_size=1e4, steps=100)  # a line: every step grows
    with numpy.errstate(all="ignore"):
        with pytest.raises(FloatingPointError, match="not finite"):
            evaluate(wild, wild.init(rng()), task())
        with pytest.raises(FloatingPointError, match="at step 0") as caught:
            meta_train(wild, lambda r: task(), rng(), 3)
    assert all(numpy.isfinite(leaf).all() for leaf in leaves(caught.value.meta))


def test_anil_changes_only_the_part_it_names():
    learner = anil.learner(NET, part=-1, steps=3, step_size=0.1)
    theta = learner.init(rng())
    head = learner.adapt(theta, task().support)
    assert head.keys() == theta[-1].keys() and head["W"].shape == (3, 6, 1)
    assert not numpy.allclose(head["W"], theta[-1]["W"])
    gradient = grad(lambda t: meta_loss(learner, t, task()))(theta)
    assert numpy.abs(gradient[0]["W"]).max() > 0  # the body learns, in the outer loop


@pytest.mark.parametrize("part", ["last", 2, -3, None])
def test_anil_names_the_parts_a_network_has(part):
    learner = anil.learner(NET, part=part)
    known = r"part is .*; the network's parameters have \[-2, -1, 0, 1\]"
    refused(lambda: learner.adapt(learner.init(rng()), task().support), known, ValueError)


def test_reptile_takes_adam_as_its_inner_optimizer_and_walks_through_minibatches():
    learner = reptile.learner(NET, inner=adam(0.01, decay_mean=0.0), steps=4, batch=2)
    assert evaluate(learner, learner.init(rng()), task()).shape == (3,)
    data = task(shots=6).support
    parts = [reptile.minibatch(data, step, 2).x for step in range(4)]
    assert_array_equal(numpy.concatenate(parts[:3], axis=1), data.x)
    assert_array_equal(parts[3], parts[0])


def test_an_inner_step_of_reptile_sees_as_many_examples_of_each_class():
    """As classes take turns in an episode, a minibatch of `ways` examples has one of each class.

    In a support sorted by class, it has three of one class, and the step forgets the others.
    """
    x, y = rng().normal(size=(40, 3)), numpy.repeat(numpy.arange(8), 5)
    support = episodes(rng(), x, y, tasks=6, ways=4, shots=3, queries=1).support
    order = numpy.argsort(support.y.argmax(axis=-1)[0], kind="stable")
    by_class = Data(support.x[:, order], support.y[:, order])
    seen = lambda data: [reptile.minibatch(data, step, 4).y.sum(axis=1) for step in range(3)]
    assert_array_equal(seen(support), numpy.ones((3, 6, 4)))
    assert numpy.max(seen(by_class)) == 3


def test_the_order_of_the_support_is_nothing_to_reptile_without_minibatches():
    learner, data = reptile.learner(NET, inner=sgd(0.3), steps=5), task(shots=6)
    theta, order = learner.init(rng()), rng(1).permutation(6)
    phi = learner.adapt(theta, data.support)
    other = learner.adapt(theta, Data(data.support.x[:, order], data.support.y[:, order]))
    close(flatten(phi), flatten(other), 1e-12)


def test_reptile_refuses_minibatches_that_do_not_divide_the_support():
    learner = reptile.learner(NET, batch=3)
    call = lambda: learner.adapt(learner.init(rng()), task().support)
    refused(call, "batch must divide the 4 support examples; it is 3", ValueError)


def test_maml_classifies_with_integer_labels():
    """Inner steps on cross-entropy: the same module, another loss."""
    x = rng(1).normal(size=(3, 8, 2))
    labels = (x[..., 0] > 0).astype(int)
    episode = Task(*2 * [Data(x, labels)])
    net = mlp([2, 8, 2], activation=np.tanh, gain=1.0)
    learner = maml.learner(net, cross_entropy, step_size=1.0, steps=20)
    theta = net.init(rng())
    before = cross_entropy(net.apply(copies(theta, 3), x), labels)
    assert (evaluate(learner, theta, episode) < 0.5 * before).all()


def test_the_multi_step_loss_trains_in_the_common_loop():
    follow = value_and_grad(maml.multi_step_loss(NET, [0.0, 0.5, 0.5]))
    _, history = train(NET.init, follow, lambda r: task(), rng(), 30)
    assert history[-1] < history[0]


def test_adapting_to_a_batch_is_adapting_to_each_task():
    whole, theta = task(), NET.init(rng())
    for learner in (LEARNERS["maml"], LEARNERS["imaml"]):
        state = learner.adapt(theta, whole.support)
        for m in range(3):
            alone = learner.adapt(theta, one(whole, m).support)
            close(one(state, m), alone, rtol=1e-12)


# ---- Random families: the code, the exact module, and plain linear algebra, all three ----


def plain_weights(name, A, a, k):
    """The weight of one quadratic, from numpy.linalg alone."""
    eye = numpy.eye(len(A))
    left = numpy.linalg.matrix_power(eye - a * A, k)
    solution = numpy.linalg.inv(eye + A / 2.0)
    return {
        "maml": left @ A @ left,
        "fomaml": A @ left,
        "reptile": eye - left,
        "imaml": solution @ A @ solution,
        "fine_tuning": A,
    }[name]


def direction(name, net, a, k, meta, task):
    """The direction that the method's outer loop follows."""
    follow = {
        "reptile": reptile.meta_gradient(net, mse, sgd(a), k),
        "imaml": imaml.meta_gradient(net, mse, 2.0, 0.5 * a, 400, cg_steps=len(meta["w"])),
        "fine_tuning": fine_tuning.joint_gradient(net),
    }
    if name in follow:
        return follow[name](meta, task)[1]
    learner = {"maml": maml, "fomaml": fomaml}[name].learner(net, mse, a, k)
    return grad(lambda m: meta_loss(learner, m, task))(meta)


@pytest.mark.parametrize("name", ["maml", "fomaml", "reptile", "imaml", "fine_tuning"])
@pytest.mark.parametrize("seed", range(12))
def test_on_random_quadratics_the_code_is_the_closed_form(name, seed):
    r = rng(seed)
    D, M, k = int(r.integers(1, 9)), int(r.integers(2, 21)), int(r.integers(1, 6))
    A, c = draw_quadratics(r, M, D, curvature=(0.05, 3.0))
    a, theta = 0.9 * exact.stability_limit(A).min(), r.normal(size=D)
    net, meta = Net(None, lambda p, x: x @ p["w"]), {"w": theta[:, None]}
    computed = direction(name, net, a, k, meta, from_quadratics(A, c))["w"][:, 0]
    plain = numpy.mean([plain_weights(name, A[i], a, k) @ (theta - c[i]) for i in range(M)], axis=0)
    assert_allclose(computed, plain, rtol=1e-9, atol=1e-11)


def test_the_exact_weights_are_what_plain_linear_algebra_says():
    A, _ = draw_quadratics(rng(), 4, 3)
    for name, weights in {
        "maml": exact.maml_weights(A, 0.7, 3),
        "fomaml": exact.fomaml_weights(A, 0.7, 3),
        "reptile": exact.reptile_weights(A, 0.7, 3),
        "imaml": exact.imaml_weights(A, 2.0),
    }.items():
        assert_allclose(weights, [plain_weights(name, each, 0.7, 3) for each in A], atol=1e-13)
    with pytest.raises(ValueError, match="method must be one of maml, fomaml, reptile"):
        exact.expansion("anil", 0.1, 1)


# ---- On a network, where curvature changes along the way ----


def test_fomaml_follows_the_query_loss_with_the_steps_taken_for_a_shift():
    """d/dtheta mean_i L(theta + shift_i; query), where shift_i = phi_i - theta stands still."""
    whole, theta, net = task(), NET.init(rng()), NET
    phi = maml.adapt(theta, whole.support, net, step_size=0.1, steps=3)
    shift = tree_map(lambda p, t: p - t, phi, copies(theta, 3))

    def shifted(theta):
        moved = tree_map(lambda t, s: t + s, copies(theta, 3), shift)
        return np.mean(mse(net.apply(moved, whole.query.x), whole.query.y))

    learner = fomaml.learner(net, step_size=0.1, steps=3)
    computed = grad(lambda theta: meta_loss(learner, theta, whole))(theta)
    close(computed, grad(shifted)(theta), rtol=1e-10, atol=1e-13)


def test_the_implicit_gradient_of_a_network_is_the_one_through_a_long_descent():
    """Where the inner problem is solved, the whole path may be differentiated instead."""
    whole, theta = task(), NET.init(rng())
    inner = {"strength": 10.0, "step_size": 0.02, "steps": 400}
    unrolled = imaml.learner(NET, **inner)
    exactly = grad(lambda theta: meta_loss(unrolled, theta, whole))(theta)
    follow = imaml.meta_gradient(NET, cg_steps=25, **inner)
    close(follow(theta, whole)[1], exactly, rtol=1e-8, atol=1e-10)


def test_imaml_says_how_far_its_inner_problem_is_from_solved():
    """On quadratics k steps of size a leave (I - a (A + lam I))^k of the first gradient."""
    A, c = draw_quadratics(rng(3), tasks=4, dimension=3)
    task, net = from_quadratics(A, c), Net(None, lambda theta, x: x @ theta)
    theta, lam, a = rng(4).normal(size=(3, 1)), 2.0, 0.1
    first = A @ (theta - c[..., None])
    shrink = numpy.eye(3) - a * (A + lam * numpy.eye(3))
    for k in (0, 1, 5):
        phi = imaml.adapt(theta, task.support, net, mse, lam, a, k)
        left = numpy.linalg.matrix_power(shrink, k) @ first
        computed = imaml.inner_gradient_norm(theta, phi, task.support, net, mse, lam)
        assert_allclose(computed, numpy.linalg.norm(left[..., 0], axis=-1), rtol=1e-12)
    phi = imaml.adapt(theta, task.support, net, mse, lam, a, 200)
    assert imaml.inner_gradient_norm(theta, phi, task.support, net, mse, lam).max() < 1e-12
