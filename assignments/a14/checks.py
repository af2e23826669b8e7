"""How a14.py is judged: slots one by one, sequences position by position, orders all of them."""

from itertools import permutations

import numpy

from minimeta.course.assignments import Case


def sequence(rng):
    """Inputs: labels of two sequences of eight examples of three classes, and inputs z."""
    labels = numpy.array([[0, 1, 1, 0, 2, 1, 0, 0], [2, 2, 0, 1, 2, 1, 1, 2]])
    for row in labels:
        rng.shuffle(row)
    return {"y": numpy.eye(3)[labels], "z": rng.normal(size=(2, 8, 2))}


def counted(z, first=1):
    """The number of each presentation, counted one after another."""
    result = numpy.zeros((2, 8))
    for m, labels in enumerate(z["y"].argmax(axis=-1)):
        for t, label in enumerate(labels):
            result[m, t] = list(labels[:t]).count(label) + first
    return result


def before(z, own=0, counts=1.0):
    """Counts and sums of the examples before each position, as one vector."""
    numbers, sums = numpy.zeros((2, 8, 3)), numpy.zeros((2, 8, 3, 2))
    for m, t in numpy.ndindex(2, 8):
        for earlier in range(t + own):
            k = z["y"][m, earlier].argmax()
            numbers[m, t, k] += 1.0
            sums[m, t, k] += z["z"][m, earlier]
    if not counts:
        sums = sums / numpy.maximum(numbers, 1.0)[..., None]
    return numpy.concatenate([numbers.ravel(), sums.ravel()])


def memory(rng):
    """Inputs: a memory of four slots for each of three tasks, and what is read and written."""
    weights = rng.uniform(0.1, 1.0, size=(3, 4))
    usage = rng.uniform(0.5, 1.0, size=(3, 4))
    for row in usage:
        row[rng.choice(4, size=2, replace=False)] = 0.25  # two slots are used equally little
    return {
        "key": rng.normal(size=(3, 2)),
        "memory": rng.normal(size=(3, 4, 2)),
        "sharpness": float(rng.uniform(1.0, 3.0)),
        "weights": weights / weights.sum(axis=-1, keepdims=True),
        "usage": usage,
        "emptied": numpy.eye(4)[rng.integers(4, size=3)],
        "row": rng.normal(size=(3, 2)),
    }


def weights_read(z, cosine=True, sharpness=None):
    """exp(sharpness cos) over their sum, slot by slot."""
    sharpness = z["sharpness"] if sharpness is None else sharpness
    result = numpy.zeros((3, 4))
    for m, i in numpy.ndindex(3, 4):
        key, slot = z["key"][m], z["memory"][m, i]
        length = ((key @ key + 1e-6) * (slot @ slot + 1e-6)) ** 0.5 if cosine else 1.0
        result[m, i] = numpy.exp(sharpness * (key @ slot) / length)
    return result / result.sum(axis=-1, keepdims=True)


def mixed(z):
    """The sum of the slots by their weights, slot by slot."""
    return sum(z["weights"][:, i, None] * z["memory"][:, i] for i in range(4))


def least(z, pick=min, all_equals=False):
    """The first place of the least usage, by looking for it."""
    result = numpy.zeros((3, 4))
    for m, row in enumerate(z["usage"].tolist()):
        places = [i for i, used in enumerate(row) if used == pick(row)]
        for i in places if all_equals else places[:1]:
            result[m, i] = 1.0
    return result


def written(z, empty=True, weighted=True, first=False):
    """Slot by slot: emptied or kept, then the row by its weight; and a second part of zeros."""
    after = numpy.zeros((3, 4, 2))
    for m, i in numpy.ndindex(3, 4):
        keep = 1.0 - z["emptied"][m, i] if empty else 1.0
        row = (z["weights"][m, i] if weighted else 1.0) * z["row"][m]
        after[m, i] = keep * (z["memory"][m, i] + row) if first else keep * z["memory"][m, i] + row
    return numpy.stack([after, 0.0 * after])


def counts(rng):
    """Inputs: how many of four examples of each class there were, one of them all."""
    counts = numpy.stack([rng.permutation([0.0, 1.0, 2.0, 4.0]) for _ in range(3)])
    return {"counts": counts, "each": 4}


def left(z, seen=False):
    """How many are still to come, and 1 for each class where nobody knows."""
    known = z["counts"] if seen else z["each"] - z["counts"]
    return numpy.stack([known, numpy.ones((3, 4))])


def some_ways(rng):
    """Inputs: three numbers of classes."""
    return {"ways": rng.choice([2, 3, 4, 5, 6], size=3, replace=False)}


def guesses(z):
    """The mean over all orders of the labels of how often naming the first label left is right.

    Who can tell which labels are left names the first of these in the alphabet.
    """
    bounds = []
    for ways in z["ways"]:
        orders = list(permutations(range(int(ways))))
        right = sum(label == min(order[t:]) for order in orders for t, label in enumerate(order))
        bounds.append(right / len(orders) / ways)
    return numpy.array(bounds)


CASES = [
    Case(
        "numbers",
        "random labels",
        sequence,
        "numbers",
        counted,
        {
            "It counts from 0; the first presentation has the number 1.": (
                lambda z: counted(z, first=0)
            ),
            "It is the position in the sequence, whatever the class.": (
                lambda z: numpy.ones((2, 1)) * numpy.arange(1.0, 9.0)
            ),
        },
    ),
    Case(
        "read_weights",
        "some slots",
        memory,
        "read_weights",
        weights_read,
        {
            "It is the inner product, not the cosine: long slots are read more.": (
                lambda z: weights_read(z, cosine=False)
            ),
            "The sharpness is missing.": lambda z: weights_read(z, sharpness=1.0),
            "It has the wrong sign: the least similar slot is read most.": (
                lambda z: weights_read(z, sharpness=-z["sharpness"])
            ),
        },
        tolerance=1e-4,  # far above what TINY changes
    ),
    Case(
        "read",
        "some slots",
        memory,
        "read",
        mixed,
        {
            "It is the sum of the slots without their weights.": lambda z: z["memory"].sum(axis=1),
            "It is the mean of the slots by their weights; the weights add up to 1 already.": (
                lambda z: mixed(z) / 4.0
            ),
        },
    ),
    Case(
        "least_used",
        "with equals",
        memory,
        "least_used",
        least,
        {
            "It is the slot that is used most.": lambda z: least(z, pick=max),
            "Of equals only the first is chosen; here there is a one for each.": (
                lambda z: least(z, all_equals=True)
            ),
        },
    ),
    Case(
        "write",
        "one slot is emptied",
        memory,
        "write",
        written,
        {
            "The slot is not emptied before it is written to.": lambda z: written(z, empty=False),
            "The row is not weighted: every slot gets all of it.": (
                lambda z: written(z, weighted=False)
            ),
            "The slot is emptied after writing, so the row is lost there.": (
                lambda z: written(z, first=True)
            ),
        },
    ),
    Case(
        "sums_before",
        "a sequence",
        sequence,
        "sums_before",
        before,
        {
            "The label at a position is seen too early: it is in its own sum.": (
                lambda z: before(z, own=1)
            ),
            "These are means; sums are asked for.": lambda z: before(z, counts=0.0),
        },
    ),
    Case(
        "log_left",
        "some left",
        counts,
        "log_left",
        left,
        {
            "It counts what has come; what is still to come counts.": (
                lambda z: left(z, seen=True)
            ),
        },
    ),
    Case(
        "first_presentation_bound",
        "some classes",
        some_ways,
        "first_presentation_bound",
        guesses,
        {
            "It is 1/C: who remembers which labels have come guesses among fewer and fewer.": (
                lambda z: 1.0 / z["ways"]
            ),
            "It is the sum over the classes; the share of all cases is their mean.": (
                lambda z: guesses(z) * z["ways"]
            ),
        },
    ),
]
