"""DiCE: an inner objective of MAML on rewards whose second derivatives are right on average, too.

    box(x) = exp(x - constant(x))                     1, with the derivatives of exp
    reinforce   mean_{n,t} log pi(a_t) (G_t - b_t)
    dice        mean_{n,t} box(sum_{s <= t} log pi(a_s)) r_t + (1 - box(log pi(a_t))) b_t

The episodes are constants. The first derivatives of the two are the same, so an inner step is the
same. The meta-gradient differentiates this step, and so needs second derivatives. Those of
`reinforce` do not know that another policy would draw other actions; those of `dice` do, since the
box brings log pi along with every reward that an action made more likely.

In the meta-gradient this tells how the *mean* step depends on the start. It does not tell how the
spread of the step does, which costs something as well (exact/gaussian_bandit.py): the more episodes
there are, the less is missing.

Source: Foerster et al. 2018, arXiv:1802.05098.  Lesson maml_rl.
"""

from minimeta.core.backend import np
from minimeta.core.gradients import constant
from minimeta.tasks.environment import alive, returns


def box(x):
    """1, whose derivatives are those of exp(x) at any order."""
    return np.exp(x - constant(x))


def objective(policy, phi, episodes, baseline):
    """For `maml_rl.adapt`: what the inner step of each task climbs, (M,)."""
    chosen = policy.log_likelihood(phi, episodes.observation, episodes.action)  # (M, N, T)
    running = alive(episodes.done)
    chosen, expected = running * chosen, running * constant(baseline(returns(episodes.reward)))
    so_far = np.cumsum(chosen, axis=-1)
    return np.mean(box(so_far) * episodes.reward + (1.0 - box(chosen)) * expected, axis=(-2, -1))
