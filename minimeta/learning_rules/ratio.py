"""The variable ratio: how many numbers the outer loop sets, and how many the inner loop sets.

    ratio = learned variables / meta-variables

Meta-variables are the numbers of *meta*. Learned variables are those that one task changes: the
learner's state after a support set. A learner with many meta-variables and few learned ones can
store its training tasks in the former; it has to be shown many tasks before it learns to learn.

Source: Kirsch & Schmidhuber 2020, arXiv:2012.14905, section 2.  Lesson learning_rules.
"""

from typing import NamedTuple

from minimeta.core import checks
from minimeta.core.trees import leaves
from minimeta.tasks.task import check_data


class Count(NamedTuple):
    """Numbers of meta-variables and of learned variables of one task."""

    meta: int
    learned: int

    @property
    def ratio(self):
        """Learned variables for each meta-variable; infinite if there is nothing to meta-learn."""
        return self.learned / self.meta if self.meta else float("inf")


def count(learner, meta, support):
    """The Count of a learner with these meta-parameters, on the tasks of this support."""
    checks.functions("learner", learner, "adapt")
    check_data("support", support)
    state = learner.adapt(meta, support)
    size = lambda tree: sum(leaf.size for leaf in leaves(tree))
    return Count(size(meta), size(state) // len(support.x))
