"""a05 by somebody with names and helpers of his own, who runs it as a script too."""

import numpy
from autograd import numpy as anp

import minimeta.core.trees as trees
from minimeta.core import gradients, losses


class Walk:
    """An inner loop that remembers where it was."""

    def __init__(self, start, objective, rate):
        self.where, self.objective, self.rate = start, objective, rate
        self.track = [start]

    def go(self):
        direction = gradients.grad(self.objective)(self.where)
        self.where = trees.tree_map(lambda a, b: a - self.rate * b, self.where, direction)
        self.track.append(self.where)


def summed(weights, examples, model, criterion):
    return anp.sum(criterion(model.apply(weights, examples.x), examples.y))


def walk(start, examples, model, criterion=losses.mse, rate=0.01, count=1):
    copies = trees.copies(start, len(examples.x))
    walker = Walk(copies, lambda w: summed(w, examples, model, criterion), rate)
    for _ in range(count):
        walker.go()
    return walker.track


def judged(learner, shared, batch, criterion=None):
    chosen = criterion if criterion is not None else learner.loss
    inner = learner.adapt(shared, batch.support)
    return chosen(learner.predict(shared, inner, batch.query.x), batch.query.y)


def shrink(H, rate, count):
    values, vectors = numpy.linalg.eigh(H)
    powers = (1 - rate * values) ** count
    return numpy.einsum("mij,mj,mkj->mik", vectors, powers, vectors)


def pulls(H, rate, count):
    values, vectors = numpy.linalg.eigh(H)
    scaled = values * (1 - rate * values) ** (2 * count)
    return numpy.einsum("mij,mj,mkj->mik", vectors, scaled, vectors)


def balance(W, minima):
    return numpy.linalg.solve(W.mean(axis=0), (W @ minima[:, :, None])[:, :, 0].mean(axis=0))


def outer(model, weights, criterion=losses.mse, rate=0.01):
    def value(start, batch):
        track = walk(start, batch.support, model, criterion, rate, len(weights) - 1)
        return sum(
            w * criterion(model.apply(p, batch.query.x), batch.query.y).mean()
            for w, p in zip(weights, track)
        )

    return value


total_loss, trajectory, task_losses, contraction = summed, walk, judged, shrink
maml_weights, fixed_point, multi_step_loss = pulls, balance, outer

if __name__ == "__main__":
    print(shrink(numpy.eye(2)[None], 0.1, 3))
