"""The first-order meta-gradient of an LSTM optimizer, faster: as that of a supervised problem.

    d/dmeta  sum_t w_t f(theta_t)  =  d/dmeta  sum_s <step_s(meta; g_0 .. g_s), G_s>
    G_s = sum of w_t g_t over the later t of the same stretch, g_t = df/dtheta_t

Gradients count as constants here, so the LSTM reads a sequence that is known beforehand. Its step
at time s moves every later theta_t of the stretch by the same amount, which changes f(theta_t) by
the product of the step and g_t. A step is therefore good if it points against the gradients to
come, and their sum G_s serves as its label. The result equals that of `training.py`, which takes
any optimizer; it is faster because the optimizer first runs without any differentiation, and then
one call of the LSTM reads all stretches.

Source: the chain rule on Andrychowicz et al. 2016, figure 2, with its dropped edges.
Lesson learned_optimizers.
"""

from minimeta.core.backend import np
from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.trees import flatten, tree_map
from minimeta.learned_optimizers.lstm_optimizer import optimizer
from minimeta.learned_optimizers.preprocessing import log_and_sign
from minimeta.learned_optimizers.training import weights_of_steps
from minimeta.nets import lstm


def meta_gradient(
    optimizee, steps=100, stretch=20, weights=None, preprocess=log_and_sign, scale=0.1
):
    """For train: what training.meta_gradient(optimizee, lstm_optimizer.optimizer, ...) gives.

    Raises ValueError unless `stretch` divides `steps` and `weights`, if given, has one for each.
    """
    if steps % stretch:
        raise ValueError(f"stretch must divide the {steps} steps; it is {stretch}.")
    weights = weights_of_steps(weights, steps)

    def value_and_gradient(meta, task):
        losses, g, states = run(optimizer(meta, preprocess, scale), optimizee, task, steps)
        mean = [w / len(task.support.x) for w in weights]
        value = sum(w * loss for w, loss in zip(mean, losses[1:]))
        starts = tree_map(lambda *s: np.stack(s), states[0], *states[stretch::stretch])
        x = preprocess(np.expand_dims(by_stretch(g[:-1], stretch), -1))  # (.., P, stretch, inputs)
        terms = by_stretch([w * g for w, g in zip(mean, g[1:])], stretch)
        labels = np.cumsum(terms[..., ::-1], axis=-1)[..., ::-1]  # (.., P, stretch)
        product = lambda meta: np.sum(labels * lstm_steps(meta, x, starts, scale))
        return value, grad(product)(meta)

    return value_and_gradient


def run(optimizer, optimizee, task, steps):
    """Total losses and gradients (P,) at theta_0 .. theta_steps, and the state before each step."""
    total = value_and_grad(lambda theta, t: np.sum(optimizee.loss(theta, task.support, t)))
    theta = optimizee.start(task)
    pairs, states = [total(theta, 0)], [optimizer.init(theta)]
    for t in range(steps):
        theta, state = optimizer.update(pairs[-1][1], states[-1], theta)
        pairs.append(total(theta, t + 1))
        states.append(state)
    losses, gradients = zip(*pairs)
    return losses, [flatten(g) for g in gradients], states[:-1]


def by_stretch(rows, stretch):
    """A list of T rows (P,) -> (T / stretch, P, stretch)."""
    rows = np.stack(rows)
    return np.swapaxes(np.reshape(rows, (-1, stretch, rows.shape[-1])), 1, 2)


def lstm_steps(meta, x, starts, scale):
    """The steps of the LSTM when it reads x (..., T, inputs) from the states `starts`: (..., T)."""
    for params, start in zip(meta["layers"], starts):
        x, _ = lstm.lstm(params, x, start)
    return scale * np.matmul(x, meta["W"])[..., 0]
