"""What every learner owes its users, asked of any learner: yours or ours.

    for answer in conform(my_learner, family): print(answer)

`family` is a Family(sample, bayes): sample(rng, tasks, shots, queries) -> Task, and the learner
that no other is below on average, or None where nobody knows it. `minimeta.exact.families.named`
has some. Each question has an answer in numbers, and where it does not hold, the likely fault.

answers      what questions and answers are
calls        what comes back, what is left behind, which digits are computed
batches      other tasks and other queries do not matter, and no order
labels       no label is seen early, and nobody beats Bayes
gradients    the meta-gradient equals differences
references   the answers are those of another learner
causes       one fault makes several questions fail, and is their name

`python -m minimeta certify module:learner --family sines` prints the sheet.
"""

from functools import partial
from typing import NamedTuple

import numpy

from minimeta.conformance import batches, calls, gradients, labels, references
from minimeta.conformance.answers import Answer, ask, one, sentence
from minimeta.conformance.causes import name_by_cause
from minimeta.core import checks
from minimeta.core.trees import leaves
from minimeta.foreign import NoGradient

__all__ = ["Answer", "Options", "Sheet", "conform", "inquire", "one"]

TASKS, MANY = 6, 2000  # for exact questions, and for the one about a mean


class Options(NamedTuple):
    """What else can be said about a learner that is asked.

    meta               meta-parameters to ask with, such as trained ones; else those of learner.init
    gradient           (meta, task) -> (value, gradient), where the learner has a rule of its own;
                       else autograd's gradient of the meta-loss is asked about
    first_order        True where the gradient is meant to be another one, so that it is not asked
    transductive       True where the answer to a query may depend on the other queries
    order_of_examples  True asks whether the order of the support examples matters
    order_of_classes   True asks whether the order of the classes matters
    reference          a Learner that should give the same answers on equal meta-parameters
    """

    meta: object = None
    gradient: object = None
    first_order: bool = False
    transductive: bool = False
    order_of_examples: bool = False
    order_of_classes: bool = False
    reference: object = None


class Sheet(NamedTuple):
    """The Answers of a learner, and (question, reason) for each question that was not asked."""

    answers: list
    unasked: list


def conform(learner, family, shots=4, queries=5, seed=0, **options):
    """The Answers of a learner on a family, a list: the questions that apply; see `Options`."""
    return inquire(learner, family, shots, queries, seed, **options).answers


def inquire(learner, family, shots=4, queries=5, seed=0, **options):
    """The Sheet of a learner: its Answers, and why other questions were not asked.

    A learner that does not answer the first question gets no others.
    """
    checks.functions("learner", learner, "init", "adapt", "predict", "loss")
    checks.functions("family", family, "sample")
    checks.integer("seed", seed, at_least=0)
    options, rng = Options(**options), numpy.random.default_rng(seed)
    task, other = (family.sample(rng, TASKS, shots, queries) for _ in range(2))
    meta = options.meta
    if meta is None:
        meta = learner.init(numpy.random.default_rng(seed + 1))
    given = learner, meta, task, other
    many = partial(family.sample, rng, MANY, shots, queries)
    sheet = Sheet([ask(calls.answers_fit, *given)], [])
    for question, reason in choose(learner, family, meta, options, many):
        reason = reason or "the first one failed" * (not sheet.answers[0].holds)
        try:
            if not reason:
                sheet.answers.append(ask(question, *given))
        except NoGradient as error:
            reason = str(error).rstrip(".")
        if reason:
            sheet.unasked.append((sentence(question), reason))
    return sheet._replace(answers=name_by_cause(sheet.answers))


def choose(learner, family, meta, options, many):
    """(question, why it is not to be asked) for each question but the first; "" if it is."""
    no_floor = "" if family.bayes is not None else "the family has no floor"
    bayes = partial(labels.nobody_beats_bayes, bayes=family.bayes, many=many)
    return [
        *about_batches(options),
        (calls.nothing_is_changed, ""),
        (calls.one_seed_one_answer, ""),
        (calls.nothing_is_remembered, ""),
        (calls.all_digits_are_computed, ""),
        *about_training(meta, options),
        *about_sequences(learner),
        (labels.query_labels_are_not_seen, ""),
        (bayes, no_floor),
    ]


def about_batches(options):
    """The questions about other tasks, other queries and orders."""
    reason = "nobody asked whether it does"
    return [
        (batches.tasks_equal_the_loop, ""),
        (batches.other_tasks_do_not_matter, ""),
        (batches.order_of_tasks, ""),
        (batches.queries_do_not_matter, "the learner is transductive" * options.transductive),
        (batches.order_of_examples, "" if options.order_of_examples else reason),
        (batches.order_of_classes, "" if options.order_of_classes else reason),
    ]


def about_training(meta, options):
    """The questions about the gradient and about a reference."""
    none = "" if leaves(meta) else "the learner has no meta-parameters"
    reason = none or "its gradient is meant to be another one" * options.first_order
    alone = "" if options.reference is not None else "there is no reference"
    return [
        (calls.meta_is_used, none),
        (partial(gradients.meta_gradient_is_right, gradient=options.gradient), reason),
        (partial(references.equals_the_reference, reference=options.reference), alone),
    ]


def about_sequences(learner):
    """The questions about learners that see their examples one after another."""
    reason = "" if learner.observe else "the learner does not see examples one after another"
    return [
        (labels.adapt_is_the_fold, reason),
        (labels.along_is_the_fold, reason or "there is no along" * (not learner.along)),
        (labels.no_label_is_seen_early, reason),
        (labels.no_input_is_seen_early, reason),
    ]
