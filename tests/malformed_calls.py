"""Malformed calls by the thousand: a good call of each public function, one argument spoiled.

`calls()` lists the good calls; `spoiled(value)` is a good value in a dozen wrong forms, which its
kind decides. `judge` tells what came of a malformed call:

    sentence    an error of one line that names the argument
    same        no error, and the result that the equal good value gives: a list of numbers, say
    trace       any other error
    silent      no error, and another result, or none to compare with

`python tests/malformed_calls.py` counts them for each room of the package.
"""

import importlib
import inspect
import re
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy

from minimeta.core import losses, optim
from minimeta.core.trees import leaves, tree_map
from minimeta.embeddings.prototypical import inner_products
from minimeta.embeddings.relation import squared_error
from minimeta.embeddings.siamese import squared_difference
from minimeta.initializations import maml
from minimeta.meta import Learner
from minimeta.nets import Net, mlp
from minimeta.tasks import Data, Task
from minimeta.tasks.linear_systems import draw_systems
from minimeta.tasks.projections import Maps
from minimeta.tasks.tabular import grids

D, C, M, N, T, K, H = 3, 2, 4, 5, 3, 3, 2
DRAWS = numpy.random.default_rng(0)
PARTS = {  # what an argument is made of, which a sentence may name
    "task": ["support", "query"],
    "learner": ["net"],
    "meta": ["theta", "params"],
    "theta": ["params"],
    "data": ["x", "y"],
    "believed": ["mean", "covariance", "noise_variance"],
    "true": ["mean", "covariance", "noise_variance"],
}
NOTHING = object()  # what a value stands for that stands for nothing


class Call(NamedTuple):
    """A good call."""

    function: Any
    arguments: dict

    def __call__(self):
        return self.function(**self.arguments)


class Spoiled(NamedTuple):
    """A wrong value, and the good one that it is equal to, if there is one."""

    value: Any
    meaning: Any = NOTHING


# ---- Values of other libraries, as far as they look like arrays ----


class Tensor:
    """What looks like an array but is none: a tensor, a data frame or a sparse matrix."""

    def __init__(self, array):
        self.array, self.shape, self.ndim, self.dtype = array, array.shape, array.ndim, array.dtype

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        return Tensor(self.array[rows])

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __repr__(self):
        return f"Tensor(\n{self.array})"

    def __mul__(self, other):
        return Tensor(numpy.asarray(self.array) @ numpy.asarray(other))

    def __matmul__(self, other):
        return Tensor(self.array @ numpy.asarray(other))

    def __sub__(self, other):
        return Tensor(self.array - numpy.asarray(other))


class Frame(Tensor):
    """With types of its own, as in torch and pandas."""

    def __init__(self, array):
        super().__init__(array)
        self.dtype = "float_of_another_library"


# ---- Spoiling ----


def spoiled(value, optional=False):
    """The wrong forms of a good value; `optional` arguments may be None."""
    none = [] if optional else [Spoiled(None)]
    if isinstance(value, numpy.random.Generator):
        seeds = [0, "seed", numpy.random, numpy.random.RandomState(0), 1.5, [0]]
        return none + [Spoiled(seed) for seed in seeds]
    if isinstance(value, numpy.ndarray):
        return none + spoiled_array(value)
    if isinstance(value, (Data, Task)):
        return none + spoiled_data(value)
    if isinstance(value, bool) or isinstance(value, str):
        return none + [Spoiled(bad) for bad in (1.5, [], object())]
    if isinstance(value, int):
        wrong = ["3", 1.5, -1, True, [1], numpy.nan, numpy.array([value, value]), {}, object()]
        return none + [Spoiled(bad) for bad in wrong]
    if isinstance(value, float):
        wrong = ["0.5", [1.0], {}, object(), 1j, numpy.nan, numpy.inf, -numpy.inf]
        return none + [Spoiled(bad) for bad in [*wrong, numpy.array(["a"]), Tensor(numpy.ones(2))]]
    if isinstance(value, (Net, Learner)) or hasattr(value, "_fields"):
        wrong = ["net", 3, (), {}, object(), numpy.ones(3), type(value), lambda x: x]
        return none + [Spoiled(bad) for bad in [*wrong, type(value)(*[None] * len(value))]]
    if callable(value):
        wrong = ["mse", 3, 0.5, [], {}, object(), numpy.ones(3), (value,)]
        return none + [Spoiled(bad) for bad in wrong]
    if isinstance(value, (dict, list)) and all(isinstance(x, numpy.ndarray) for x in leaves(value)):
        return none + spoiled_tree(value)
    wrong = ["ab", 3.5, object(), {}, ["a"], [None, None], *([[]] if value else [])]
    return none + [Spoiled(bad) for bad in wrong]


def spoiled_array(good):
    """Lists, other libraries, masks, matrices, other types, other shapes, NaN and infinity."""
    wrong = [Spoiled(good.tolist(), good), Spoiled(Tensor(good), good), Spoiled(Frame(good), good)]
    wrong += [Spoiled(bad) for bad in ("x", {}, object(), numpy.ma.masked_array(good, good > 0.5))]
    if good.ndim == 2:
        with warnings.catch_warnings():  # NumPy does not like them either
            warnings.simplefilter("ignore")
            wrong.append(Spoiled(numpy.asmatrix(good), good))
    for kind in ("object", "str", "complex"):
        wrong.append(Spoiled(good.astype(kind), good if kind == "object" else NOTHING))
    wrong += [
        Spoiled(good[None][None], good),
        Spoiled(good[:0], good[:0] if good.ndim > 1 else good),
    ]
    if good.dtype.kind in "iu":
        return wrong + [Spoiled(good + 0.5), Spoiled(good - 1000)]
    bytes_ = numpy.round(good * 50).astype("uint8")
    nan, infinite = good.copy(), good.copy()
    nan.flat[0], infinite.flat[-1] = numpy.nan, -numpy.inf
    wrong += [Spoiled(bytes_, bytes_.astype(float)), Spoiled(nan), Spoiled(infinite)]
    return wrong + [Spoiled(good > 0.0, (good > 0.0).astype(float))]


def spoiled_tree(good):
    """Leaves of another type, a missing leaf, another structure."""
    wrong = [Spoiled(bad) for bad in ("x", 3, object(), [], {}, numpy.ones(3))]
    for change in (
        lambda a: a.tolist(),
        lambda a: a.astype(int),
        lambda a: Tensor(a),
        lambda a: "w",
    ):
        wrong.append(Spoiled(tree_map(change, good)))
    return wrong + [Spoiled(tree_map(lambda a: numpy.ma.masked_array(a, a > 0.1), good))]


def spoiled_data(good):
    """No Data, and Data of wrong parts."""
    wrong = [Spoiled(bad) for bad in ("data", 3, object(), [], {}, numpy.ones((M, N, D)))]
    if isinstance(good, Task):
        some = [good._replace(support=bad.value) for bad in spoiled_data(good.support)]
        return wrong + [Spoiled(bad) for bad in some]
    wrong.append(
        Spoiled(Data(good.x, good.y[..., :-1])) if good.y.ndim == 2 and 0 else Spoiled(None)
    )
    for change in (
        lambda a: a.tolist(),
        Tensor,
        Frame,
        lambda a: numpy.ma.masked_array(a, a > 0.5),
    ):
        wrong += [Spoiled(Data(change(good.x), good.y)), Spoiled(Data(good.x, change(good.y)))]
    bytes_ = numpy.round(abs(good.x) * 50).astype("uint8")
    wrong.append(Spoiled(Data(bytes_, good.y), Data(bytes_.astype(float), good.y)))
    return wrong + [Spoiled(Data(good.x[:-1], good.y)), Spoiled(Data(good.x[:, :-1], good.y))]


# ---- The good calls ----


def normal(*shape):
    return numpy.random.default_rng(len(shape)).normal(size=shape)


def positive(*shape):
    return numpy.random.default_rng(len(shape)).uniform(0.5, 1.5, size=shape)


def labels(*shape):
    return numpy.arange(numpy.prod(shape)).reshape(shape) % C


def spd(size=D):
    return numpy.diag(1.0 + numpy.arange(size))


def pairs():
    """(M, N) x and y for regression."""
    return Data(normal(M, N, D), normal(M, N, C))


NET = mlp([D, 4, C])
THETA = NET.init(numpy.random.default_rng(0))


def calls():
    """Every good call, with fresh values: [(room, Call)]."""
    rng = lambda: numpy.random.default_rng(0)
    family = lambda: dict(rng=rng(), tasks=2, shots=2, queries=2)
    gaussian = dict(mean=normal(D, C), covariance=spd(), noise_variance=0.5)
    problem = dict(x=normal(M, N, D), y=normal(M, N, C), **gaussian)
    letters = dict(x=normal(12, D), y=labels(12))
    maps = Maps(normal(M, D, 2), labels(M, 2))
    waves = dict(amplitudes=positive(K), noise_variance=0.5)
    angles = dict(x=normal(M, N, 1), y=normal(M, N, C))
    bowls = dict(A=numpy.stack([spd()] * M), c=normal(M, D))
    steps = dict(step_size=0.1, steps=3)
    modes = dict(spectrum=positive(K), weights=positive(K))
    squares = numpy.stack([spd(2)] * M)
    regulator = dict(system=draw_systems(rng(), M), gain=0.1 * normal(M, 1, 2))
    step_of_a_bandit = dict(
        theta=normal(M, D), goal=normal(M, D), deviation=0.5, step_size=0.1, episodes=3
    )
    mazes = grids(rng(), 2, side=2)
    tabular = dict(problem=mazes, policy=numpy.full((2, 4, 4), 0.25), steps=2, discount=0.5)
    bayes = dict(A=numpy.stack([spd()] * T), b=normal(T, D, C))
    prior = dict(mean=normal(D, C), precision=spd())
    task, one = Task(pairs(), pairs()), Data(normal(N, D), labels(N))
    classes, variances = dict(between=spd(), within=2 * spd()), dict(between=0.5, within=1.5)
    one_hot = Data(normal(M, N, D), numpy.eye(C)[labels(M, N)])
    scores = dict(scores=normal(M, N, C), labels=one_hot.y)
    policy = numpy.full((M, K), 1 / K)
    images = dict(source=(positive(12, 4, 4, 1), labels(12)))
    learner = dict(net=NET, loss=losses.mse)
    adapting = dict(theta=THETA, support=pairs(), net=NET, loss=losses.mse)
    lstm = dict(params=dict(W_x=normal(D, 4 * H), W_h=normal(H, 4 * H), b=normal(4 * H)))
    qkv = dict(qkv=normal(M, T, 12), heads=2)
    layer = {"gain": positive(D), "shift": normal(D)}
    moments = dict(examples=3, inputs=D, second=0.5, fourth=0.5, noise_variance=0.1)
    f = lambda theta, t: losses.mse(NET.apply(theta, task.support.x), task.support.y)
    many = [numpy.stack([leaf] * M) for leaf in leaves(THETA)]
    phi = [dict(W=many[0], b=many[1]), dict(W=many[2], b=many[3])]
    rows = {
        "core.losses": {
            "mse": dict(prediction=normal(M, N, C), target=normal(M, N, C)),
            "cross_entropy": dict(logits=normal(M, N, C), labels=labels(M, N)),
            "accuracy": dict(logits=normal(M, N, C), labels=labels(M, N)),
        },
        "core.optim": {
            "sgd": dict(step_size=0.1),
            "momentum": dict(step_size=0.1, mass=0.9),
            "rmsprop": dict(step_size=0.1, decay=0.9, epsilon=1e-8),
            "adam": dict(step_size=0.1, decay_mean=0.9, decay_square=0.9, epsilon=1e-8),
            "linear_decay": dict(step_size=0.1, steps=2),
        },
        "meta": {
            "meta_loss": dict(learner=maml.learner(NET), meta=THETA, task=task),
            "evaluate": dict(learner=maml.learner(NET), meta=THETA, task=task, loss=losses.mse),
            "learning_curve": dict(learner=maml.learner(NET), meta=THETA, task=task, shots=[1, 2]),
        },
        "nets.mlp": {"mlp": dict(sizes=[3, 4, 1], activation=numpy.tanh, gain=1.0)},
        "nets.normalisation": {"standardise": dict(x=normal(M, T, D))},
        "nets.conv": {
            "conv": dict(image_shape=(8, 8, 1), filters=(4, 4), outputs=3),
            "block_output": dict(x=normal(M, 4, 4, 2), W=normal(3, 3, 2, 2), b=normal(2)),
        },
        "nets.convolution": {"conv2d": dict(x=normal(M, 4, 4, 2), W=normal(3, 3, 2, 2))},
        "nets.layers": {"linear": dict(x=normal(M, N, D), W=normal(D, C), b=normal(C))},
        "nets.learner": {"network_learner": dict(net=NET, adapt=maml.adapt, loss=losses.mse)},
        "nets.lstm": {
            "init": dict(rng=rng(), inputs=D, hidden=H),
            "lstm": dict(**lstm, x=normal(M, T, D)),
            "plain_lstm": dict(**lstm, x=normal(M, T, D)),
            "cell": dict(**lstm, state=(normal(M, H), normal(M, H)), x=normal(M, D)),
        },
        "nets.attention": {
            "transformer": dict(inputs=D, outputs=C, width=4, heads=2, blocks=1),
            "attend": qkv,
            "plain_attention": qkv,
            "layer_norm": dict(x=normal(M, T, D), **layer),
        },
        "exact.factors": {
            "orthonormal_basis": dict(columns=normal(N, D)),
            "covariance_root": dict(covariance=spd()),
        },
        "exact.associative": {
            "sum_floor": dict(keys=5, dimension=2),
            "random_keys_error": dict(keys=5, dimension=2),
            "rewritten_sum_error": dict(keys=5, writes=4),
            "rewritten_softmax_error": dict(keys=5, writes=4),
            "delta_error_by_age": dict(writes=4, dimension=3),
            "pattern_error": dict(known=5, patterns=3),
            "fading_error": dict(known=5, patterns=3, rate=0.1),
            "hopfield_error": dict(known=5, patterns=3),
        },
        "exact.class_gaussians": {
            "sample": dict(**family(), ways=2, **classes),
            "learner": classes,
            "coordinates": classes,
            "metric": dict(shots=2, **classes),
            "shrinkage": dict(shots=2, **variances),
            "accuracy": dict(inputs=4, shots=2, **variances, factor=0.5),
            "log_ratio": dict(inputs=4, shots=2, **variances),
            "same_class": dict(
                squared_distance=positive(M), ways=3, inputs=4, shots=2, **variances
            ),
        },
        "exact.sequential_classes": {
            "sample": dict(**family(), ways=2, **classes),
            "learner": dict(ways=2, **classes, each=4),
            "first_presentation_bound": dict(ways=2),
        },
        "exact.families": {
            "finite_maps": dict(weights=normal(M, D, C), noise_variance=0.5),
            "gaussian_classes": dict(ways=2, **classes),
            "gaussian_maps": dict(**gaussian, outputs=C),
            "shuffled_gaussian_classes": dict(ways=2, **classes, each=4),
            "gaussian_waves": waves,
            "matrix_normal_maps": dict(
                row_covariance=spd(), column_covariance=spd(C), noise_variance=0.5
            ),
            "gaussian_blocks": dict(scales=positive(2, D), covariance=spd(), noise_variance=0.5),
            "bandit_histories": dict(arms=2),
            "named": dict(name="linear", shots=3, queries=2),
        },
        "exact.stored_patterns": {
            "complete": dict(stored=normal(M, 3, D), cue=normal(M, 2, D)),
        },
        "exact.shifts": {
            "map_shifts": dict(covariance=spd(), noise_variance=0.5, shots=2, factor=3.0),
            "class_shifts": dict(ways=2, **classes, shots=2, factor=3.0),
            "opposite": dict(covariance=spd()),
        },
        "exact.finite_tasks": {
            "learner": dict(weights=normal(M, D, C), noise_variance=0.5),
            "second_moment": dict(weights=normal(M, D, C)),
            "best_attention": dict(moment=spd(), examples=4, noise_variance=0.5),
            "attention_risk": dict(G=spd(), moment=spd(), examples=4, noise_variance=0.5),
            "gradient_moment": dict(moment=spd(), examples=4, noise_variance=0.5),
            "attention_learner": dict(G=spd()),
            "label_bound": dict(ways=3, examples=4),
        },
        "exact.fisher_information": {
            "one_layer": dict(x=normal(N, D), information=numpy.stack([spd(C)] * N)),
            "softmax_information": dict(outputs=normal(N, C)),
            "one_hidden_layer": dict(params=THETA, x=normal(N, D)),
            "divergence": dict(outputs=normal(N, C), moved=positive(N, C)),
        },
        "exact.fourier_gp": {
            "posterior": {**angles, **waves},
            "predictive": dict(
                x=normal(M, N, 1), mean=normal(2 * K, C), covariance=spd(2 * K), noise_variance=0.5
            ),
            "kernel": dict(x=normal(N, 1), other=positive(N, 1), amplitudes=positive(K)),
            "function_space": dict(new=positive(M, 4, 1), **angles, **waves),
            "progress": dict(x=normal(M, N, 1), **waves),
            "learner": waves,
        },
        "exact.linear_gaussian": {
            "posterior": problem,
            "sequential": problem,
            "evidence": problem,
            "predictive": dict(x=normal(M, N, D), **gaussian),
            "risk": dict(x=normal(N, D), covariance=spd(), noise_variance=0.5),
            "wrong_prior_risk": dict(
                x=normal(N, D), believed=(normal(D, C), spd(), 0.5), true=(normal(D, C), spd(), 0.1)
            ),
            "learner": gaussian,
        },
        "exact.linear_networks": {
            "shallow_modes": dict(strength=positive(K), **steps, curvature=1.0, start=0.5),
            "shallow_weights": dict(
                input_covariance=spd(), correlation=normal(D, C), start=normal(D, C), **steps
            ),
            "deep_modes": dict(strength=positive(K), start=0.1, **steps, layers=2),
            "mode_velocity": dict(mode=positive(K), strength=positive(K), layers=2),
            "two_layer_flow": dict(strength=positive(K), start=0.1, time=0.5),
            "two_layer_time": dict(level=0.4, strength=positive(K), start=0.1),
            "half_time": dict(strength=positive(K), start=0.1),
            "balanced_layers": dict(correlation=normal(D, C), start=0.5, layers=2),
        },
        "exact.matrix_normal": {
            "posterior": dict(
                x=normal(M, N, D),
                y=normal(M, N, C),
                mean=normal(D, C),
                row_covariance=spd(),
                column_covariance=spd(C),
                noise_variance=0.5,
            ),
            "learner": dict(
                mean=normal(D, C),
                row_covariance=spd(),
                column_covariance=spd(C),
                noise_variance=0.5,
            ),
            "expected_progress": dict(inputs=2, examples=3, noise_variance=0.5, prior_variance=1.0),
        },
        "exact.pattern_memory": {
            "consolidating_steps": dict(n=5, patterns=4),
            "memory": dict(n=5, steps=positive(T)),
        },
        "exact.policy_gradient": {
            "value": dict(policy=policy, rewards=normal(M, K)),
            "gradient": dict(policy=policy, rewards=normal(M, K)),
            "covariance": dict(policy=policy, rewards=normal(M, K), baseline=0.5, variances=0.5),
            "best_baseline": dict(policy=policy, rewards=normal(M, K)),
        },
        "exact.quadratics": {
            "loss": dict(theta=normal(D), **bowls),
            "gradient": dict(theta=normal(D), **bowls),
            "joint_optimum": bowls,
            "contraction": dict(A=bowls["A"], **steps),
            "gradient_descent": dict(theta=normal(D), **bowls, **steps),
            "loss_after": dict(theta=normal(D), **bowls, **steps),
            "stability_limit": dict(A=bowls["A"]),
            "maml_weights": dict(A=bowls["A"], **steps),
            "fomaml_weights": dict(A=bowls["A"], **steps),
            "reptile_weights": dict(A=bowls["A"], **steps),
            "imaml_weights": dict(A=bowls["A"], strength=2.0),
            "multi_step_weights": dict(A=bowls["A"], step_size=0.1, weights=[0.5, 0.5]),
            "anil_weights": dict(A=bowls["A"], **steps, adapted=numpy.array([1.0, 0.0, 1.0])),
            "meta_gradient": dict(theta=normal(D), W=bowls["A"], c=bowls["c"]),
            "fixed_point": dict(W=bowls["A"], c=bowls["c"]),
            "expansion": dict(method="maml", **steps),
            "best_step": dict(dimension=3, shots=5, noise_variance=0.5, variance=1.0),
            "risk_after_step": dict(
                step_size=0.1, dimension=3, shots=5, noise_variance=0.5, variance=1.0
            ),
            "best_step_per_coordinate": dict(curvature=positive(M, D), variance=positive(M, D)),
            "shared_subspace_risk": dict(covariance=spd(), features=2),
        },
        "exact.schedules": {
            "modes": dict(x=normal(N, D), residual=normal(N, 1)),
            "residual": dict(step_sizes=positive(T), spectrum=positive(K)),
            "expected_loss": dict(step_sizes=positive(T), **modes),
            "best_step": modes,
            "best_schedule": dict(**modes, steps=2),
            "krylov_bound": dict(**modes, steps=2),
            "chebyshev": dict(low=0.5, high=2.0, steps=3),
            "chebyshev_bound": dict(low=0.5, high=2.0, steps=3),
            "heavy_ball": dict(low=0.5, high=2.0),
            "gradient_descent": dict(low=0.5, high=2.0),
        },
        "exact.gaussian_bandit": {
            "value": dict(theta=normal(M, D), goal=normal(M, D), deviation=0.5),
            "exact_step": dict(theta=normal(M, D), goal=normal(M, D), step_size=0.1),
            "spread": dict(theta=normal(M, D), goal=normal(M, D), deviation=0.5, episodes=3),
            "value_after_step": step_of_a_bandit,
            "meta_gradient": step_of_a_bandit,
            "pathwise_gradient": step_of_a_bandit,
            "dice_gradient": step_of_a_bandit,
        },
        "exact.tabular_rl2": {
            "states": dict(arms=2, steps=3),
            "values": dict(theta=normal(15, 2), steps=3),
            "learner": dict(arms=2, steps=3),
        },
        "exact.lqr": {
            "closed_loop": regulator,
            "state_cost": dict(**regulator, discount=0.5),
            "best_gain": dict(system=regulator["system"], discount=0.5),
            "greedy_gain": dict(system=regulator["system"], P=squares, discount=0.5),
            "action_cost": dict(system=regulator["system"], P=squares, discount=0.5),
            "constant": dict(P=squares, discount=0.5, push=0.1),
            "score": dict(**regulator, discount=0.5),
            "relative_regret": dict(**regulator, first=numpy.zeros((M, 1, 2)), discount=0.5),
            "policy_gradient": dict(**regulator, discount=0.5),
            "critic_gradient": dict(**regulator, moments=squares, discount=0.5),
            "reinforce_gradient": dict(**regulator, moments=squares, deviation=0.5, discount=0.5),
        },
        "exact.navigation": {
            "best_return": dict(goal=normal(M, 2), steps=3, unit=0.1),
            "linear_return": dict(
                W=normal(2, 2), b=normal(2), goal=normal(2), deviation=0.5, steps=3, unit=0.1
            ),
        },
        "exact.tabular": {
            "state_values": tabular,
            "expected_return": tabular,
            "occupancy": tabular,
            "policy_gradient": tabular,
            "normalised": tabular,
            "best_values": dict(problem=tabular["problem"], steps=2, discount=0.5),
            "best_return": dict(problem=tabular["problem"], steps=2, discount=0.5),
            "uniform": dict(problem=tabular["problem"]),
        },
        "exact.sequential_bayes": {
            "statistics": dict(x=normal(T, N, D), y=normal(T, N, C), noise_variance=0.5),
            "posteriors": {**bayes, **prior},
            "diagonal_optima": {**bayes, **prior},
            "separate_optima": {**bayes, **prior},
            "separate_error": dict(A=bayes["A"], precision=spd(), optima=normal(T, D, C)),
            "diagonal_error": dict(A=bayes["A"], **prior, means=normal(T, D, C)),
        },
        "exact.sines": {
            "joint_predictor": dict(x=normal(N, 1), amplitude=(0.1, 5.0), phase=(0.0, 1.0)),
            "joint_risk": dict(amplitude=(0.1, 5.0), phase=(0.0, 1.0), x_range=(-1.0, 1.0)),
            "zero_risk": dict(amplitude=(0.1, 5.0), phase=(0.0, 1.0), x_range=(-1.0, 1.0)),
            "fit": dict(x=normal(M, N, 1), y=normal(M, N, 1)),
        },
        "tasks.bandits": {
            "draw": dict(rng=rng(), tasks=2, episodes=2, steps=2, arms=2),
            "draw_noise": dict(rng=rng(), tasks=2, episodes=2, steps=2),
            "begin": dict(problem=numpy.full((M, K), 0.5), noise=numpy.full((M, N), 0.5)),
        },
        "tasks.linear_systems": {
            "draw": dict(rng=rng(), tasks=2, episodes=2, steps=2, batches=2, states=2, actions=2),
            "draw_systems": dict(rng=rng(), tasks=2, states=2, actions=2, radius=(0.5, 1.0)),
            "draw_noise": dict(rng=rng(), tasks=2, episodes=2, steps=2, states=2, actions=2),
            "environment": dict(push=0.1),
        },
        "tasks.contextual": {
            "draw": dict(rng=rng(), tasks=2, episodes=2, steps=2, contexts=2, actions=3),
            "draw_noise": dict(rng=rng(), tasks=2, episodes=2, steps=2, contexts=2),
        },
        "exact.bandit_dp": {
            "solve": dict(arms=2, steps=3, prior=(1.0, 2.0)),
            "learner": dict(arms=2, steps=3, prior=(1.0, 2.0)),
        },
        "exact.contextual": {
            "chance_right": dict(steps=3, contexts=2, actions=3),
            "learner": dict(contexts=2, actions=3),
        },
        "exact.dependent_arms": {
            "regret": dict(high=0.9, steps=3),
            "regret_in_the_long_run": dict(high=0.9),
        },
        "agents.baselines": {
            "greedy": dict(arms=2),
            "epsilon_greedy": dict(arms=2, epsilon=0.1),
            "thompson": dict(arms=2, steps=3),
            "ucb": dict(arms=2, width=0.5),
            "uniform": dict(arms=2),
        },
        "tasks.informative": {
            "draw": dict(rng=rng(), tasks=2, episodes=2, steps=2, arms=3),
            "begin": dict(problem=numpy.eye(K), noise=numpy.full((K, N), 0.5)),
            "payments": dict(problem=numpy.eye(K)),
        },
        "tasks.two_step": {
            "draw": dict(rng=rng(), tasks=2, episodes=2, steps=2, high=0.8),
            "begin": dict(problem=numpy.full((M, 2), 0.5), noise=numpy.full((M, N), 0.5)),
            "environment": dict(common=0.75),
        },
        "tasks.corridor": {
            "draw": dict(rng=rng(), tasks=2, episodes=2, steps=2),
            "environment": dict(length=3, slip=0.1),
        },
        "tasks.restless": {
            "draw": dict(rng=rng(), tasks=2, episodes=2, steps=2, arms=2),
            "draw_noise": dict(rng=rng(), tasks=2, episodes=2, steps=2, arms=2),
            "environment": dict(high=0.9, low=0.1, turn=0.1),
        },
        "exact.informative": {
            "value": dict(arms=4, steps=3),
            "value_without_asking": dict(arms=4, steps=3),
            "learner": dict(arms=4, steps=3),
        },
        "exact.two_step": {
            "best_trial": dict(high=0.9, common=0.7),
            "regret": dict(trials=3, high=0.9, common=0.7),
            "regret_in_the_long_run": dict(high=0.9, common=0.7),
            "value": dict(trials=3, high=0.9, common=0.7),
        },
        "exact.corridor": {
            "solve": dict(steps=3, length=2, slip=0.1),
            "value": dict(steps=3, length=2, slip=0.1),
            "value_without_slips": dict(steps=3, length=2),
            "learner": dict(steps=3, length=2, slip=0.1),
        },
        "exact.restless": {
            "solve": dict(arms=2, steps=3, high=0.9, low=0.1, turn=0.1),
            "value": dict(arms=2, steps=3, high=0.9, low=0.1, turn=0.1),
            "learner": dict(arms=2, steps=3, high=0.9, low=0.1, turn=0.1),
            "greedy": dict(arms=2, high=0.9, low=0.1, turn=0.1),
        },
        "exact.gittins": {
            "indices": dict(discount=0.5, depth=3, prior=(1.0, 2.0)),
            "index": dict(discount=0.5, depth=3, prior=(1.0, 2.0)),
            "learner": dict(arms=2, discount=0.5, depth=3, prior=(1.0, 2.0)),
        },
        "tasks.navigation": {
            "draw": dict(rng=rng(), tasks=2, episodes=2, steps=2, batches=2),
            "draw_noise": dict(rng=rng(), tasks=2, episodes=2, steps=2),
            "environment": dict(unit=0.1),
            "begin": dict(problem=normal(M, 2), noise=normal(M, N, 2)),
        },
        "tasks.tabular": {
            "random_mdps": dict(rng=rng(), tasks=2, states=3, actions=2),
            "chains": dict(rng=rng(), tasks=2, states=3),
            "grids": dict(rng=rng(), tasks=2, side=2),
            "bandits": dict(rng=rng(), tasks=2, arms=2),
            "draw": dict(rng=rng(), tasks=2, episodes=2, steps=2, batches=2, family=grids),
            "draw_noise": dict(rng=rng(), tasks=2, episodes=2, steps=2),
        },
        "tasks.datasets": {"split": dict(rng=rng(), x=normal(N, D), y=labels(N), test=2)},
        "tasks.environment": {
            "returns": dict(reward=normal(M, N, T), discount=0.5),
            "alive": dict(done=numpy.zeros((M, N, T))),
        },
        "tasks.episodes": {
            "episodes": dict(
                rng=rng(), x=normal(12, D), y=labels(12), tasks=2, ways=2, shots=1, queries=1
            ),
            "split_classes": dict(rng=rng(), y=labels(12), counts=[1, 1]),
            "select": dict(x=normal(12, D), y=labels(12), classes=numpy.array([1])),
            "quarter_turns": dict(x=normal(12, 4, 4, 1), y=labels(12)),
        },
        "tasks.fourier": {
            "fourier": dict(**family(), **waves),
            "band": dict(lowest=1, highest=2, frequencies=3, power=1.0),
            "draw_phases": dict(rng=rng(), tasks=2, amplitudes=positive(K)),
            "from_weights": dict(
                rng=rng(), weights=normal(M, 2 * K, 1), shots=2, queries=2, noise_variance=0.5
            ),
            "features": dict(x=normal(M, N, 1), frequencies=3),
            "prior_covariance": dict(amplitudes=positive(K)),
        },
        "tasks.linear_maps": {
            "draw_spectrum": dict(rng=rng(), tasks=2, spectrum=positive(2), inputs=3, outputs=2),
            "draw_matrix_normal": dict(
                rng=rng(), tasks=2, row_covariance=spd(), column_covariance=spd(C)
            ),
            "usual_spectra": dict(weights=normal(M, D, C), share=0.5),
        },
        "tasks.optimizees": {
            "gaussian_quadratics": dict(problems=2, dimension=2),
            "uniform_quadratics": dict(problems=2, dimension=2),
            "quadratics": dict(
                problems=2, dimension=2, draw=lambda rng, size: rng.normal(size=size)
            ),
            "diagonal": modes,
            "logistic": dict(problems=2, inputs=2, examples=3),
            "classifier": dict(images=normal(8, D), labels=labels(8), net=NET, problems=2, batch=4),
        },
        "tasks.projections": {
            "projections": dict(**family(), **letters, ways=2, inputs=2),
            "draw_maps": dict(rng=rng(), **letters, tasks=2, ways=2, inputs=2),
            "choose": dict(rng=rng(), maps=maps, tasks=2),
            "from_maps": dict(rng=rng(), **letters, maps=maps, shots=1, queries=1),
            "standardise": dict(x=normal(12, 4, 4)),
            "clusters": dict(rng=rng(), classes=2, each=3, inputs=2, deviation=0.5),
        },
        "tasks.presentations": {
            "shuffle": dict(rng=rng(), task=Task(pairs(), pairs())),
            "numbers": dict(y=numpy.eye(C)[numpy.arange(M * N).reshape(M, N) % C]),
            "by_presentation": dict(
                values=normal(M, N), y=numpy.eye(C)[numpy.arange(M * N).reshape(M, N) % C]
            ),
        },
        "tasks.quadratics": {
            "quadratics": dict(rng=rng(), tasks=2, dimension=2, curvature=(0.1, 1.0)),
            "from_quadratics": bowls,
        },
        "tasks.recall": {
            "pairs": dict(**family(), keys=5, values=2),
            "rewritten": dict(**family(), keys=5, values=2),
            "unit_keys": dict(**family(), dimension=3, values=2),
            "patterns": dict(**family(), bits=6, known=3),
        },
        "tasks.regression": {
            "linear": dict(
                **family(), covariance=spd(), mean=normal(D, C), noise_variance=0.5, outputs=C
            ),
            "draw_weights": dict(
                rng=rng(), tasks=2, covariance=spd(), mean=normal(D, C), outputs=C
            ),
            "from_weights": dict(
                rng=rng(), weights=normal(M, D, C), shots=2, queries=2, noise_variance=0.5
            ),
            "uniform": dict(**family(), inputs=D, half_width=0.5, noise_variance=0.5),
            "random_covariance": dict(rng=rng(), spectrum=positive(K)),
            "sines": dict(**family(), amplitude=(0.1, 5.0), phase=(0.0, 1.0), x_range=(-1.0, 1.0)),
            "draw_sines": dict(rng=rng(), tasks=2, amplitude=(0.1, 5.0), phase=(0.0, 1.0)),
            "from_sines": dict(
                rng=rng(), amplitudes=positive(M), phases=positive(M), shots=2, queries=2
            ),
        },
        "tasks.sequences": {
            "permuted_images": dict(**family(), **images),
            "rotated_images": dict(**family(), **images, largest=1.0),
            "split_classes": dict(**family(), **images),
            "linear": dict(**family(), dimension=2, noise_variance=0.5, spread=(0.1, 2.0)),
            "halve": dict(images=positive(3, 4, 4, 1)),
            "turn": dict(images=positive(3, 4, 4, 1), angle=0.5),
        },
        "tasks.task": {"take": dict(data=pairs(), shots=2)},
        "initializations.maml": {
            "learner": dict(**learner, **steps),
            "adapt": dict(**adapting, **steps),
            "trajectory": dict(**adapting, **steps),
            "multi_step_loss": dict(net=NET, weights=[0.5, 0.5], loss=losses.mse, step_size=0.1),
        },
        "initializations.fomaml": {
            "learner": dict(**learner, **steps),
            "adapt": dict(**adapting, **steps),
        },
        "initializations.anil": {
            "learner": dict(**learner, **steps),
            "adapt": dict(**adapting, **steps),
        },
        "initializations.meta_sgd": {"learner": dict(**learner, **steps)},
        "initializations.imaml": {
            "learner": dict(**learner, strength=1.0, **steps),
            "adapt": dict(**adapting, strength=1.0, **steps),
            "inner_gradient_norm": dict(
                theta=THETA, phi=phi, support=pairs(), net=NET, loss=losses.mse, strength=1.0
            ),
            "meta_gradient": dict(**learner, strength=1.0, **steps, cg_steps=2),
        },
        "initializations.reptile": {
            "learner": dict(**learner, inner=optim.sgd(0.1), steps=2, batch=1),
            "meta_gradient": dict(**learner, inner=optim.sgd(0.1), steps=2, batch=1),
            "adapt": dict(**adapting, inner=optim.sgd(0.1), steps=2, batch=1),
        },
        "initializations.fine_tuning": {
            "joint_loss": dict(theta=THETA, task=task, net=NET, loss=losses.mse),
            "joint_gradient": learner,
        },
        "embeddings.prototypical": {
            "learner": dict(net=NET),
            "adapt": dict(meta=THETA, support=one_hot, net=NET),
            "on_sphere": dict(net=NET, radius=2.0),
        },
        "embeddings.matching": {
            "learner": dict(net=NET, temperature=0.5),
            "kernel_learner": dict(net=NET, similarity=inner_products),
            "nearest_neighbour": dict(net=NET),
            "adapt": dict(meta=THETA, support=one_hot, net=NET),
            "cosine_bound": dict(ways=5, temperature=0.5),
        },
        "embeddings.full_context": {"learner": dict(net=NET, width=C, reads=2)},
        "embeddings.siamese": {
            "learner": dict(net=NET, width=C, difference=squared_difference),
            "balanced_cross_entropy": scores,
        },
        "embeddings.relation": {
            "learner": dict(net=NET, compare=mlp([2 * C, 1]), loss=squared_error),
            "binary_cross_entropy": scores,
            "squared_error": scores,
        },
        "learned_optimizers.lstm_optimizer": {
            "init": dict(rng=rng(), layers=1, hidden=2, inputs=2, memory=20.0),
            "optimizer": dict(meta=lstm_meta(), scale=0.1),
            "learner": dict(**learner, steps=2, scale=0.1),
        },
        "learned_optimizers.meta_lstm": {
            "learner": dict(**learner, steps=2),
            "init": dict(rng=rng(), net=NET),
        },
        "learned_optimizers.schedule": {
            "init": dict(rng=rng(), steps=3, step_size=0.1),
            "optimizer": dict(meta={"step_sizes": positive(T)}),
        },
        "learned_optimizers.training": {
            "trajectory": dict(optimizer=optim.sgd(0.1), theta=phi, f=f, steps=2),
            "losses_along": dict(optimizer=optim.sgd(0.1), theta=phi, f=f, steps=2),
            "clip_gradient": dict(optimizer=optim.sgd(0.1), longest=1.0),
        },
        "learned_optimizers.preprocessing": {"log_and_sign": dict(g=normal(N, 1), p=10.0)},
        "memories.recurrent": {
            "learner": dict(inputs=D, outputs=C, hidden=H, loss=losses.mse),
            "init": dict(rng=rng(), inputs=D, outputs=C, hidden=H),
        },
        "memories.fast_weights": {
            "learner": dict(inputs=D, outputs=C, keys=H, loss=losses.mse),
            "softmax_learner": dict(inputs=D, keys=H, loss=losses.mse),
            "init": dict(rng=rng(), inputs=D, keys=H),
            "dpfp": dict(shifts=2),
        },
        "memories.fast_recurrent": {
            "learner": dict(inputs=D, outputs=C, hidden=H, inner=1, decay=0.9, rate=0.5),
            "init": dict(rng=rng(), inputs=D, outputs=C, hidden=H),
        },
        "memories.plasticity": {
            "learner": dict(units=D, loss=losses.mse),
            "plain_hebb": dict(loss=losses.mse),
            "init": dict(rng=rng(), units=D),
            "bit_error": dict(prediction=normal(M, N, D), target=positive(M, N, D)),
        },
        "memories.hypernetwork": {
            "learner": dict(net=NET, inputs=D, outputs=C, code=4, hidden=5, loss=losses.mse),
            "fit_linear": dict(codes=normal(N, K), x=normal(N, D), y=normal(N, C)),
        },
        "memories.tokens": {
            "learner": dict(net=NET, inputs=D, outputs=C, loss=losses.mse),
        },
        "memories.transformer": {
            "learner": dict(
                inputs=D, outputs=C, width=8, heads=2, blocks=1, loss=losses.mse, positions=4
            ),
        },
        "memories.linear_attention": {
            "learner": dict(inputs=D, outputs=C, layers=2, loss=losses.mse, scale=0.1),
        },
        "exact.in_context": {
            "risk": dict(step_size=0.1, **moments),
            "best_step_size": moments,
            "plateau": moments,
            "uniform_moments": dict(half_width=0.5),
            "learner": dict(matrix=normal(D, D)),
        },
        "memories.interleaved": {
            "learner": dict(inputs=D, outputs=C, hidden=H, loss=losses.mse),
        },
        "memories.binding": {
            "learner": dict(inputs=D, outputs=C, hidden=H, slots=4, width=3, loss=losses.mse),
            "init": dict(rng=rng(), inputs=D, outputs=C, hidden=H, width=3),
        },
        "memories.mann": {
            "learner": dict(inputs=D, outputs=C, hidden=H, slots=4, width=3, loss=losses.mse),
            "init": dict(rng=rng(), inputs=D, outputs=C, hidden=H, width=3),
        },
        "continual.ewc": {
            "consolidate": dict(params=learned()[0], data=learned()[1], net=NET),
            "penalised_loss": dict(params=THETA, data=one, net=NET, penalties=[], strength=1.0),
        },
        "continual.fisher": {
            "exact": dict(params=THETA, data=one, net=NET),
            "empirical": dict(params=THETA, data=one, net=NET),
            "monte_carlo": dict(rng=rng(), params=THETA, data=one, net=NET),
            "minibatch": dict(
                batches=numpy.arange(4).reshape(2, 2), params=THETA, data=one, net=NET
            ),
        },
        "continual.likelihoods": {"gaussian": dict(noise_variance=0.5)},
        "continual.strategies": {
            "rehearsal": dict(count=2),
            "one_penalty": dict(net=NET),
            "penalties": dict(net=NET),
            "learn": dict(
                rng=rng(),
                params=THETA,
                data=one,
                net=NET,
                strength=1.0,
                steps=2,
                batch=2,
                step_size=0.1,
            ),
        },
    }
    for room, functions in rows.items():
        module = importlib.import_module(f"minimeta.{room}")
        for name, arguments in functions.items():
            yield room, Call(getattr(module, name), arguments)


def lstm_meta():
    from minimeta.learned_optimizers import lstm_optimizer

    return lstm_optimizer.init(numpy.random.default_rng(0), layers=1, hidden=2)


def learned():
    """Parameters and a task that they have learned."""
    x = normal(N, D)
    return THETA, Data(x, NET.apply(THETA, x).argmax(-1))


# ---- Judging ----


def malformed():
    """(room, the good call, the argument's name, its wrong value) of all malformed calls."""
    for room, call in calls():
        parameters = inspect.signature(call.function).parameters
        for name, value in call.arguments.items():
            optional = name in parameters and parameters[name].default is None
            for bad in spoiled(value, optional):
                yield room, call, name, bad


def fresh(arguments):
    """The arguments with a generator of the same seed, whatever was drawn before."""
    renew = lambda v: numpy.random.default_rng(0) if type(v) is numpy.random.Generator else v
    return {name: renew(value) for name, value in arguments.items()}


def judge(call, name, bad):
    """("sentence" or "same" or "trace" or "silent", what was said)."""
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = call.function(**fresh({**call.arguments, name: bad.value}))
        except Exception as error:
            return ("sentence" if is_sentence(error, name) else "trace"), repr(error)[:200]
        if not is_finite(bad.value) and not is_finite(result):
            return "same", ""  # a NaN among the data gives a NaN
        if bad.meaning is not NOTHING:
            try:
                good = call.function(**fresh({**call.arguments, name: bad.meaning}))
                if is_same(result, good):
                    return "same", ""
            except Exception as error:
                return "silent", f"but the good value raises {error!r:.80}"
        return "silent", repr(result)[:80]


def is_finite(tree):
    """Whether no array of a tree has a number that is not finite."""
    arrays = [a for a in leaves(tree) if type(a) is numpy.ndarray and a.dtype.kind == "f"]
    return all(numpy.isfinite(a).all() for a in arrays)


def is_sentence(error, name):
    """Whether the package itself says, in one line, which argument is wrong."""
    text, last = str(error), traceback.extract_tb(error.__traceback__)[-1].filename
    ours = "minimeta" in Path(last).parts
    names = "|".join([name, *PARTS.get(name, [])])
    named = re.search(rf"\b({names})\b", text)
    return bool(ours and named and "\n" not in text and 10 < len(text) < 300)


def is_same(a, b):
    """Whether two results are the same trees of the same numbers."""
    a, b = leaves(a), leaves(b)
    comparable = len(a) == len(b) and all(type(x) is type(y) for x, y in zip(a, b))
    numbers = all(isinstance(x, (numpy.ndarray, numpy.generic, float)) for x in a)
    return comparable and numbers and all(map(lambda x, y: close(x, y), a, b))


def close(x, y):
    """Whether x and y are equal, but for axes of length 1 in front."""
    x, y = (
        numpy.asarray(a).reshape(numpy.shape(a)[-2:] if numpy.size(a) == 0 else -1) for a in (x, y)
    )
    return x.size == y.size and numpy.allclose(x, y, rtol=1e-6, equal_nan=True)


if __name__ == "__main__":
    import sys

    counts, rooms = Counter(), {}
    for room, call, name, bad in malformed():
        verdict, said = judge(call, name, bad)
        counts[verdict] += 1
        rooms.setdefault(room, Counter())[verdict] += 1
        if verdict in sys.argv[1:]:
            kind = f"{type(bad.value).__name__} {' '.join(repr(bad.value).split()):.40}"
            print(f"{verdict} {room}.{call.function.__name__}({name}={kind}): {said}")
    for room, each in rooms.items():
        print(f"{room:40} {dict(each)}")
    print(sum(counts.values()), dict(counts))
