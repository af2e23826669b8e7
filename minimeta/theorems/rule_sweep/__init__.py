"""A sweep over every function of `np` that has a gradient rule: many forms of its call, two orders.

    first     (d/dt) F(x + t d)                      against   <gradient of F at x, d>
    second    (d/dt) <gradient of F at x + t d, e>   against   <Hessian of F at x times d, e>
    forward   the first again, by the forward rules

F is a weighted sum of what the form returns and of its square, the derivatives on the left are
differences of order six, and d and e are random.  Differences say nothing at a kink: there the
forms are listed with the gradient that the rule promises.  The tests demand that no function with a
rule is missing here, and `python -m minimeta verify gradients` prints the table.

elementwise, reductions, arrangements, products, linalg     the forms, written as `text`
kinks       ties, zeros and bounds, each with its promised gradient
refused     forms that have no gradient, and say so in one sentence
sweep       what a form is called with, and how it is checked
table       what `verify gradients` prints
"""

from minimeta.theorems.rule_sweep.kinks import KINKS
from minimeta.theorems.rule_sweep.refused import REFUSED
from minimeta.theorems.rule_sweep.sweep import FORMS, kink_errors, row
from minimeta.theorems.rule_sweep.table import print_table

__all__ = ["FORMS", "KINKS", "REFUSED", "kink_errors", "print_table", "row"]
