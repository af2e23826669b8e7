"""How a21.py is judged: expectations as sums over all outcomes, gradients by finite differences."""

import itertools

import numpy

from minimeta.course.assignments import Case


def softmax(logits):
    """Probabilities of the last axis."""
    powers = numpy.exp(logits)
    return powers / powers.sum(axis=-1, keepdims=True)


def bandits(shape=(3, 4)):
    """Inputs: policies and mean rewards of some bandits."""

    def draw(rng):
        return {"policy": softmax(rng.normal(size=shape)), "rewards": rng.uniform(size=shape)}

    return draw


def noisy(rng):
    """Inputs of covariance: with a baseline and the rewards' variances."""
    given = bandits((4,))(rng)
    given["baseline"] = rng.uniform(0.2, 0.8)
    return {**given, "variances": given["rewards"] * (1 - given["rewards"])}


def sure(rng):
    """The same with rewards that never vary, and no baseline."""
    return {**noisy(rng), "baseline": 0.0, "variances": numpy.zeros(4)}


def earned(z):
    """The mean reward."""
    return numpy.einsum("ma,ma->m", z["policy"], z["rewards"])


def steepest(z, h=1e-4):
    """d J / d theta by central differences of fourth order."""
    logits, result = numpy.log(z["policy"]), numpy.zeros_like(z["policy"])
    for a in range(logits.shape[-1]):
        for step, weight in ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12)):
            moved = logits.copy()
            moved[..., a] += step * h
            result[..., a] += weight * (softmax(moved) * z["rewards"]).sum(axis=-1) / h
    return result


def estimates(z, baseline=None):
    """All outcomes of one pull, chances and g: each arm pays R = r + sqrt v or r - sqrt v."""
    pi, b = z["policy"], z["baseline"] if baseline is None else baseline
    for a, sign in itertools.product(range(len(pi)), (-1.0, 1.0)):
        R = z["rewards"][a] + sign * z["variances"][a] ** 0.5
        yield pi[a] / 2, (R - b) * (numpy.eye(len(pi))[a] - pi)


def spread(z, centred=True, baseline=None):
    """E g g' - E g E g', summed over all outcomes."""
    outcomes = list(estimates(z, baseline))
    mean = sum(p * g for p, g in outcomes)
    second = sum(p * numpy.outer(g, g) for p, g in outcomes)
    return second - centred * numpy.outer(mean, mean)


def least(z):
    """The least point of the parabola E |g|^2 in b, through three of its points."""
    z = {**z, "variances": numpy.zeros(4)}
    heights = [numpy.trace(spread(z, False, b)) for b in (-1.0, 0.0, 1.0)]
    square, linear, _ = numpy.polyfit([-1.0, 0.0, 1.0], heights, 2)
    return numpy.asarray(-linear / (2 * square))


def without_policy(z):
    """Rewards weighted by |e_a - pi|^2 alone."""
    weight = ((numpy.eye(4) - z["policy"]) ** 2).sum(axis=-1)
    return numpy.asarray(weight @ z["rewards"] / weight.sum())


def chances(rng):
    """Inputs of flow."""
    return {"J": rng.uniform(0.1, 0.9, size=(5, 2))}


def follow(z, shared=1.0, factor=1.0, sign=-1.0):
    """dJ/dt through the logits: two for each context, and a bias for each action that is shared.

    Context 1 is right with action 1, context 2 with action 2. logits of context k = w_k + b.
    """
    result = []
    for J in z["J"]:
        one, two = J[0] * (1 - J[0]), J[1] * (1 - J[1])
        in_logits = numpy.array(
            [
                [one, -one, 0, 0, shared * one, -shared * one],
                [0, 0, -two, two, sign * shared * two, -sign * shared * two],
            ]
        )
        result.append(factor * in_logits @ in_logits.sum(axis=0))
    return numpy.array(result)


def gains(rng):
    """Inputs of leave_one_out."""
    return {"gain": rng.normal(size=(2, 4, 3))}


def of_others(z, own=False):
    """The mean over the other episodes, one by one."""
    gain = z["gain"]
    keep = [[i for i in range(4) if own or i != n] for n in range(4)]
    return numpy.stack([gain[:, i].mean(axis=1) for i in keep], axis=1)


def rewards(rng):
    """Inputs of returns."""
    return {"reward": rng.normal(size=(2, 3, 5)), "discount": rng.uniform(0.6, 0.95)}


def ahead(z, discount=None, skip=0):
    """G_t by going backwards: G_t = r_t + discount G_t+1."""
    discount = z["discount"] if discount is None else discount
    total, result = numpy.zeros(z["reward"].shape[:-1]), []
    for t in reversed(range(z["reward"].shape[-1])):
        later = discount * total
        total = z["reward"][..., t] + later
        result.append(later if skip else total)
    return numpy.stack(result[::-1], axis=-1)


def from_the_start(z):
    """The whole return of the episode at every step."""
    return numpy.repeat(ahead(z)[..., :1], 5, axis=-1)


def since(z):
    """The sum of the rewards up to each step, discounted backwards."""
    flipped = {**z, "reward": z["reward"][..., ::-1]}
    return ahead(flipped)[..., ::-1]


def episodes(rng):
    """Inputs of advantages: episodes that end after 2, 3 and 5 steps."""
    done = numpy.zeros((2, 3, 5))
    done[:, 0, 1:], done[:, 1, 2:], done[:, 2, 4:] = 1.0, 1.0, 1.0
    alive = numpy.concatenate([numpy.ones((2, 3, 1)), 1 - done[..., :-1]], axis=-1)
    return {
        **rewards(rng),
        "reward": alive * rng.normal(size=(2, 3, 5)),
        "done": done,
        "baseline": rng.uniform(0.3, 0.7),
    }


def better(z, weight=True, dead=0.0, baseline=1.0, early=False):
    """discount^t (G_t - b), step by step, while the episode runs."""
    result = ahead(z) - baseline * z["baseline"]
    for t in range(5):
        result[..., t] *= z["discount"] ** t if weight else 1.0
        over = z["done"][..., t if early else max(t - 1, 0)] * (early or t > 0)
        result[..., t] *= numpy.where(over > 0, dead, 1.0)
    return result


CASES = [
    Case(
        "value",
        "three bandits",
        bandits(),
        "call",
        earned,
        {
            "It is the mean over the arms; they are not pulled equally often.": (
                lambda z: z["rewards"].mean(axis=-1)
            ),
            "It is the reward of the likeliest arm.": (
                lambda z: numpy.take_along_axis(
                    z["rewards"], z["policy"].argmax(axis=-1)[:, None], axis=-1
                )[:, 0]
            ),
        },
    ),
    Case(
        "gradient",
        "three bandits",
        bandits(),
        "call",
        steepest,
        {
            "It is pi r: the value that is subtracted from each reward is missing.": (
                lambda z: z["policy"] * z["rewards"]
            ),
            "It is the gradient in the probabilities; the logits are asked.": (
                lambda z: z["rewards"]
            ),
            "The sign is wrong.": lambda z: -steepest(z),
            "The factor pi is missing.": lambda z: z["rewards"] - earned(z)[:, None],
        },
        1e-7,
    ),
    *(
        Case(
            "covariance",
            name,
            draw,
            "covariance",
            spread,
            {
                "It is E g g': the product of the means is to be subtracted.": (
                    lambda z: spread(z, centred=False)
                ),
                "The rewards' own variance is missing.": (
                    lambda z: spread({**z, "variances": numpy.zeros(4)})
                ),
                "The baseline is missing.": lambda z: spread({**z, "baseline": 0.0}),
                "The rewards' standard deviations stand where their variances belong.": (
                    lambda z: spread({**z, "variances": z["variances"] ** 0.5})
                ),
            },
        )
        for name, draw in (("sure rewards", sure), ("noisy rewards with a baseline", noisy))
    ),
    Case(
        "best_baseline",
        "four arms",
        bandits((4,)),
        "call",
        least,
        {
            "It is the value J; arms count with |e_a - pi|^2 too.": (
                lambda z: numpy.asarray(z["policy"] @ z["rewards"])
            ),
            "It is the mean reward over the arms.": lambda z: numpy.asarray(z["rewards"].mean()),
            "The weights lack the policy.": without_policy,
        },
    ),
    Case(
        "flow",
        "two contexts",
        chances,
        "call",
        follow,
        {
            "The contexts do not interfere: the bias is left out.": lambda z: follow(z, shared=0.0),
            "It is half as fast: a difference of two logits moves with both.": (
                lambda z: follow(z, factor=0.5)
            ),
            "The other context helps; the right actions differ, so it must hinder.": (
                lambda z: follow(z, sign=1.0)
            ),
        },
    ),
    Case(
        "leave_one_out",
        "four episodes",
        gains,
        "call",
        of_others,
        {
            "The episode's own return is in its baseline; that makes the gradient smaller.": (
                lambda z: of_others(z, own=True)
            ),
            "The sum over the others is divided by N, not by N - 1.": (
                lambda z: of_others(z) * 3 / 4
            ),
        },
    ),
    Case(
        "returns",
        "five steps",
        rewards,
        "call",
        ahead,
        {
            "The discount is left out.": lambda z: ahead(z, discount=1.0),
            "It is the same at all steps: rewards before step t count too.": from_the_start,
            "It adds up what came before; an action can only change what comes after.": since,
            "The reward of the step itself is missing.": lambda z: ahead(z, skip=1),
        },
    ),
    Case(
        "advantages",
        "a discount",
        episodes,
        "advantages",
        better,
        {
            "The factor discount^t is missing: that is the gradient of nothing.": (
                lambda z: better(z, weight=False)
            ),
            "It goes on after the end of the episode.": lambda z: better(z, dead=1.0),
            "The baseline is missing.": lambda z: better(z, baseline=0.0),
            "The baseline has the wrong sign.": lambda z: better(z, baseline=-1.0),
            "The episode's last step counts as if the episode were over.": (
                lambda z: better(z, early=True)
            ),
        },
    ),
]
