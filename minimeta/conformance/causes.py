"""One fault makes several questions fail: what is learned from one of them names the others.

A learner that draws random numbers seems to leak between tasks too, because no call equals another.
So where the question of a cause does not hold, its fault is that of the questions it spoils.
"""

from minimeta.conformance.answers import sentence
from minimeta.conformance.batches import (
    order_of_classes,
    order_of_examples,
    order_of_tasks,
    other_tasks_do_not_matter,
    queries_do_not_matter,
    tasks_equal_the_loop,
)
from minimeta.conformance.calls import (
    all_digits_are_computed,
    nothing_is_changed,
    nothing_is_remembered,
    one_seed_one_answer,
)
from minimeta.conformance.gradients import meta_gradient_is_right
from minimeta.conformance.labels import (
    SEEN_AND_GIVEN,
    adapt_is_the_fold,
    along_is_the_fold,
    no_input_is_seen_early,
    no_label_is_seen_early,
    query_labels_are_not_seen,
)

REPEATED = (one_seed_one_answer, nothing_is_remembered)
COMPARED = (
    tasks_equal_the_loop,
    other_tasks_do_not_matter,
    order_of_tasks,
    queries_do_not_matter,
    order_of_examples,
    order_of_classes,
    all_digits_are_computed,
)
SEQUENCES = (
    adapt_is_the_fold,
    along_is_the_fold,
    no_label_is_seen_early,
    no_input_is_seen_early,
)
GRADIENT = (meta_gradient_is_right,)
UNSTEADY = (*COMPARED, *SEQUENCES, *GRADIENT, query_labels_are_not_seen)
GIVEN = [(query_labels_are_not_seen, (*REPEATED, *COMPARED, *SEQUENCES))]
CAUSES = [  # in this order: a cause, and what it spoils
    (nothing_is_changed, (*REPEATED, *GRADIENT, *SEQUENCES[:2], query_labels_are_not_seen)),
    (one_seed_one_answer, (nothing_is_remembered, *UNSTEADY)),
    (nothing_is_remembered, UNSTEADY),
    (query_labels_are_not_seen, COMPARED),
    (all_digits_are_computed, GRADIENT),
]


def name_by_cause(answers):
    """The same Answers, where those that fail have the fault of their cause."""
    answers = {answer.question: answer for answer in answers}
    given = failure(answers, query_labels_are_not_seen) == SEEN_AND_GIVEN
    for cause, spoiled in GIVEN if given else CAUSES:
        fault = failure(answers, cause)
        for question in map(sentence, spoiled):
            if fault and question in answers and not answers[question].holds:
                answers[question] = answers[question]._replace(fault=fault)
    return list(answers.values())


def failure(answers, question):
    """The fault of a question that does not hold, unless the learner has only raised; or ""."""
    answer = answers.get(sentence(question))
    failed = answer and not answer.holds and not answer.fault.startswith("it raises")
    return answer.fault if failed else ""
