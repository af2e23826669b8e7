"""Examples as tokens: how any causal net over a sequence becomes a learner.

    adapt:    the context: all examples so far, as they are
    predict:  net(tokens(context and the query))      the answer at the query's token
    learn:    min  E_task  mean_t loss(answer_t, y_t)   every example is a query first

A net over tokens maps (M, T, D + C) to (M, T, C), and its answer at a token may depend on that
token and those before it only. There are three ways to write examples as tokens:

    pairs         [x_1, 0] [x_1, y_1] [x_2, 0] [x_2, y_2] ...   a label stands beside its input
    chain         [x_1, 0, 0] [x_2, x_1, y_1] [x_3, x_2, y_2]   a question and the example before it
    late_labels   [x_1, 0] [x_2, y_1] [x_3, y_2] ...            a label comes one input late

Pairs are twice as many tokens. In a chain, too, each label stands beside its input. Late labels
make a net first learn to bring every label back to the input before it, so that attention
learns more slowly, and most slowly without positions (measured in experiments/in_context.py).

Sources: Garg et al. 2022, arXiv:2208.01066 (tokens of examples); Santoro et al. 2016,
arXiv:1605.06065 (late labels).  Lesson `in_context`.
"""

from minimeta.core import checks
from minimeta.core.backend import np
from minimeta.core.learner import Learner
from minimeta.core.losses import mse
from minimeta.tasks.task import Data


def pairs(x, y):
    """Tokens (M, 2 T, D + C): each input x (M, T, D) without its label, then with its y (M, T, C).

    The answers stand at the even tokens: a question comes before its label.
    """
    questions, examples = (np.concatenate([x, label], axis=-1) for label in (0.0 * y, y))
    M, T, width = np.shape(examples)
    return np.reshape(np.stack([questions, examples], axis=2), (M, 2 * T, width))


def chain(x, y):
    """Tokens (M, T, 2 D + C): each input x (M, T, D) with the example before it, the first with 0.

    The token of a question is the token of the example before it: half as many as `pairs`.
    """
    examples = np.concatenate([x, y], axis=-1)
    before = np.concatenate([0.0 * examples[:, :1], examples[:, :-1]], axis=1)
    return np.concatenate([x, before], axis=-1)


def late_labels(x, y):
    """Tokens (M, T, D + C): each input x (M, T, D) with the label before it, the first with 0."""
    label = np.concatenate([0.0 * y[:, :1], y[:, :-1]], axis=1)
    return np.concatenate([x, label], axis=-1)


def learner(net, inputs, outputs=1, tokens=pairs, loss=mse) -> Learner:
    """The Learner whose answers are those of a causal net over the tokens of D inputs, C outputs.

    Its state is the context, Data(x (M, S, D), y (M, S, C)): nothing is computed before a question.
    """
    checks.functions("net", net, "init", "apply")
    checks.integer("inputs", inputs, at_least=1)
    checks.integer("outputs", outputs, at_least=1)
    checks.function("tokens", tokens)
    checks.function("loss", loss)

    def along(meta, data):
        x, y = check_context(data, inputs, outputs)
        sequence = tokens(x, y)
        each = np.shape(sequence)[1] // np.shape(x)[1]  # tokens an example; its answer is the first
        return net.apply(meta, sequence)[:, ::each]

    def start(meta, x):
        return Data(x[:, :0], np.zeros((len(x), 0, outputs), dtype=x.dtype))

    def adapt(meta, support):
        return check_context(support, inputs, outputs)

    def add(meta, state, x, y):
        return observe(state, *check_context(Data(x[:, None], y[:, None]), inputs, outputs))

    def predict(meta, state, x):
        check_queries(x, len(state.x), inputs)
        return answer(lambda data: along(meta, data), state, x, outputs)

    return Learner(net.init, adapt, predict, loss, start, add, along)


def observe(state, x, y):
    """The context (M, S + 1, ...) after one more example of each task, x (M, 1, D), y (M, 1, C)."""
    return Data(*(np.concatenate(parts, axis=1) for parts in zip(state, (x, y))))


def answer(along, state, x, outputs):
    """Answers (M, Q, C) to queries x (M, Q, D): each is the last answer along context and query.

    No query sees another one. A query's own label is not known, and 0 stands in its place.
    """
    M, Q, D = np.shape(x)
    query = np.reshape(x, (M * Q, 1, D)), np.zeros((M * Q, 1, outputs), dtype=x.dtype)
    parts = zip([np.repeat(part, Q, axis=0) for part in state], query)  # (M Q, S, .), (M Q, 1, .)
    data = Data(*(np.concatenate(part, axis=1) for part in parts))
    return np.reshape(along(data)[:, -1], (M, Q, outputs))


def check_context(data, inputs, outputs):
    """The examples; raise ValueError unless they are x (M, T, inputs) and y (M, T, outputs)."""
    shapes = [np.shape(part) for part in data]
    if [shape[2:] for shape in shapes] != [(inputs,), (outputs,)] or shapes[0][:2] != shapes[1][:2]:
        raise ValueError(
            f"x and y must be (M, T, {inputs}) and (M, T, {outputs}), as this learner was made "
            f"for; they are {shapes[0]} and {shapes[1]}."
        )
    return data


def check_queries(x, tasks, inputs):
    """Raise ValueError unless x is (tasks, Q, inputs)."""
    if np.ndim(x) != 3 or (np.shape(x)[0], np.shape(x)[2]) != (tasks, inputs):
        raise ValueError(
            f"x must be ({tasks}, Q, {inputs}), queries to the {tasks} tasks of the state; "
            f"its shape is {np.shape(x)}."
        )
