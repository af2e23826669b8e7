"""RL2: a recurrent policy that is told what it did and what came back, and so learns as it acts.

    h, c <- LSTM(h, c; [x_t, a_t-1, r_t-1, done_t-1])        a_t ~ softmax(h_t W + b)

Its weights, *meta*, change across problems, by any policy gradient. Within one problem only h and c
change. They are kept from episode to episode for as long as the problem stays the same, so that a
policy that earns much in the whole trial has to explore at first.

The LSTM is that of memories/recurrent.py, which answers with as many numbers as its labels have,
A + 2. The first A of them are the logits. In `actor_critic` the next one is the critic's value,
which `critics.meta_gradient` trains; the last one is not used.

`with_time` tells the policy the step, too. An actor and critic with the time is the form of Wang et
al.; the policy alone is that of Duan et al., whose GRU the LSTM replaces.

Sources: Duan et al. 2016, arXiv:1611.02779; Wang et al. 2016, arXiv:1611.05763. The sizes are this
project's.  Lesson rl2.
"""

from minimeta.agents import critics
from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.core.learner import Learner, fold
from minimeta.core.losses import cross_entropy
from minimeta.memories import recurrent
from minimeta.tasks import Data


def learner(observations, actions, hidden=32) -> Learner:
    """The policy of A actions on observations of O numbers; labels are [action, reward, done]."""
    return critics.actor(actor_critic(observations, actions, hidden))


def actor_critic(observations, actions, hidden=32):
    """The same with the critic's value as one more answer: A logits, and what is still to come."""
    checks.integer("observations", observations, at_least=1)
    checks.integer("actions", actions, at_least=2)
    memory = recurrent.learner(observations, actions + 2, hidden, cross_entropy)
    used = lambda answers: answers[..., : actions + 1]
    return memory._replace(
        init=lambda rng: init(rng, observations, actions, hidden),
        predict=lambda meta, state, x: used(memory.predict(meta, state, x)),
        along=lambda meta, data: used(memory.along(meta, data)),
    )


def init(rng, observations, actions, hidden):
    """A fresh LSTM with input weights N(0, 1), and its read-out.

    A step gives the LSTM few ones among zeros. Input weights as small as for full inputs leave it
    nearly deaf to them: then training stays at one arm for long.
    """
    meta = recurrent.init(rng, observations, actions + 2, hidden)
    W_x = to_device(rng.normal(size=np.shape(meta["cell"]["W_x"])))
    return {**meta, "cell": {**meta["cell"], "W_x": W_x}}


def with_time(learner, steps):
    """The learner, told at each step which part of the trial is over: t / steps, from t = 0.

    It reads one number more than is observed: learner(O + 1, A) acts on observations of O numbers.
    """
    checks.integer("steps", steps, at_least=1)
    told = lambda x, t: np.concatenate([x, t / steps + np.zeros_like(x[..., :1])], axis=-1)

    def start(meta, x):
        time = np.zeros((len(x), 1), dtype=x.dtype)
        return {"memory": learner.start(meta, told(x, 0.0)), "time": time}

    def observe(meta, state, x, y):
        memory = learner.observe(meta, state["memory"], told(x, state["time"]), y)
        return {"memory": memory, "time": state["time"] + 1.0}

    def predict(meta, state, x):
        return learner.predict(meta, state["memory"], told(x, np.expand_dims(state["time"], 1)))

    def along(meta, data):
        time = np.arange(np.shape(data.x)[1], dtype=data.x.dtype)
        return learner.along(meta, Data(told(data.x, time[:, None]), data.y))

    return learner._replace(
        adapt=fold(start, observe),
        predict=predict,
        start=start,
        observe=observe,
        along=along if learner.along else None,
    )
