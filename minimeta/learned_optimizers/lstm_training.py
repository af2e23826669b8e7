"""The first-order meta-gradient of an LSTM optimizer is that of a supervised problem.

    d/dmeta  sum_t w_t f(theta_t)  =  d/dmeta  sum_s <step_s(meta; g_0 .. g_s), G_s>
    G_s = sum of w_t g_t over the later t of the same stretch, g_t = df/dtheta_t

Slopes count as constants, so the LSTM reads a known sequence. What it writes at s moves every later
theta_t of the stretch by as much, and f(theta_t) by the product with the slope there. So a step is
good if it goes against the slopes to come: G_s is its label. This gives what `training.py` gives
for any optimizer, faster: run first, without a gradient; then read all stretches in one call.

Source: the chain rule on Andrychowicz et al. 2016, figure 2, with its dropped edges.  Lesson 09.
"""

from minimeta.core.backend import np
from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.trees import tree_map
from minimeta.learned_optimizers.coordinates import coordinates, log_and_sign
from minimeta.learned_optimizers.lstm_optimizer import optimizer
from minimeta.learned_optimizers.training import checked, equal_weights
from minimeta.nets import lstm


def meta_gradient(
    optimizee, steps=100, stretch=20, weights=None, preprocess=log_and_sign, scale=0.1
):
    """For train: training.meta_gradient(optimizee, lstm_optimizer.optimizer, ...), faster."""
    if steps % stretch:
        raise ValueError(f"stretch must divide the {steps} steps; it is {stretch}.")
    weights = equal_weights(steps) if weights is None else checked(weights, steps)

    def slope(meta, task):
        losses, g, states = run(optimizer(meta, preprocess, scale), optimizee, task, steps)
        mean = [w / len(task.support.x) for w in weights]
        value = sum(w * loss for w, loss in zip(mean, losses[1:]))
        starts = tree_map(lambda *s: np.stack(s), states[0], *states[stretch::stretch])
        seen = preprocess(np.expand_dims(by_stretch(g[:-1], stretch), -1))  # (.., P, stretch, .)
        weighted = by_stretch([w * g for w, g in zip(mean, g[1:])], stretch)
        to_come = np.cumsum(weighted[..., ::-1], axis=-1)[..., ::-1]  # (.., P, stretch)
        product = lambda meta: np.sum(to_come * written(meta, seen, starts, scale))
        return value, grad(product)(meta)

    return slope


def run(optimizer, optimizee, task, steps):
    """Total losses and slopes (P,) at theta_0 .. theta_steps, and the states before each step."""
    total = value_and_grad(lambda theta, t: np.sum(optimizee.loss(theta, task.support, t)))
    theta = optimizee.start(task)
    seen, states = [total(theta, 0)], [optimizer.init(theta)]
    for t in range(steps):
        theta, state = optimizer.update(seen[-1][1], states[-1], theta)
        seen.append(total(theta, t + 1))
        states.append(state)
    losses, slopes = zip(*seen)
    return losses, [coordinates(g)[:, 0] for g in slopes], states[:-1]


def by_stretch(rows, stretch):
    """A list of T rows (P,) -> (T / stretch, P, stretch)."""
    rows = np.stack(rows)
    return np.swapaxes(np.reshape(rows, (-1, stretch, rows.shape[-1])), 1, 2)


def written(meta, x, starts, scale):
    """The steps that the LSTM writes when it reads x (..., T, inputs): (..., T)."""
    for params, start in zip(meta["layers"], starts):
        x, _ = lstm.lstm(params, x, start)
    return scale * np.matmul(x, meta["W"])[..., 0]
