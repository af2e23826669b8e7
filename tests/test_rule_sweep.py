"""Every function of np with a gradient rule is right in every form of its call, or refuses it."""

import inspect
import re

import numpy
import pytest
from autograd.builtins import SequenceBox
from autograd.core import VJPNode, primitive_vjps
from autograd.tracer import notrace_primitives

from minimeta.core.backend import current, np, refusals, use
from minimeta.core.gradients import grad
from minimeta.theorems import rule_sweep
from minimeta.theorems.rule_sweep import FORMS, KINKS, REFUSED, sweep, table

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
SENTENCE = re.compile(r"^[A-Z n][^\n]*\.$")
ROOMS = {"": np, "linalg.": np.linalg, "fft.": np.fft}
INSIDE = {  # functions whose forms go through a primitive of another name
    "__getitem__": ["untake"],
    "concatenate": ["concatenate_args"],
    "sort": ["permute"],
    "astype": ["cast"],
    "linalg.norm": ["linalg._primitive_norm"],
    "where": ["_original_where"],
    "fft.rfft": ["fft.truncate_pad"],
}
NOT_OURS = {"array_from_args", "make_diagonal"}  # autograd's own np.array; no function of NumPy


@pytest.mark.parametrize("name", FORMS)
def test_the_first_and_second_derivative_agree_with_differences(name):
    rows = [rule_sweep.row(name, form) for form in FORMS[name]]
    assert [row for row in rows if not row.holds] == []


@pytest.mark.parametrize("name", KINKS)
def test_ties_zeros_and_bounds_have_the_gradient_that_is_promised(name):
    for case in KINKS[name]:
        assert max(rule_sweep.kink_errors(*case)) < 1e-9, case


@pytest.mark.parametrize("form", [form for forms in REFUSED.values() for form in forms])
def test_a_form_without_a_gradient_says_so_in_one_sentence(form):
    f, arrays = sweep.function_of(form)
    if not any(word in form for word in ("[s, t]", "=s", "retstep")):
        f(arrays)  # the value is there
    with pytest.raises((NotImplementedError, TypeError)) as caught:
        grad(sweep.weigh(f))(arrays)
    assert SENTENCE.match(str(caught.value)), caught.value


def named_primitives():
    """(name in np, primitive) for every primitive of np, np.linalg and np.fft."""
    for prefix, room in ROOMS.items():
        for name, f in vars(room).items():
            if callable(f) and getattr(f, "_is_autograd_primitive", False):
                yield prefix + name, f


def test_no_function_with_a_rule_is_missing_from_the_sweep():
    tried = set(FORMS)
    functions = {}
    for name, f in named_primitives():
        if f in primitive_vjps and f not in refusals.REFUSED:
            functions.setdefault(f, []).append(name)
    tried |= {inner for names in INSIDE.values() for inner in names}
    missing = [names for names in functions.values() if not (tried | NOT_OURS) & set(names)]
    assert missing == []


def test_every_function_of_np_has_a_rule_or_refuses_or_is_constant():
    nothing = [
        name
        for name, f in named_primitives()
        if f not in primitive_vjps and f not in notrace_primitives[VJPNode]
    ]
    assert nothing == []


# ---- The sweep would notice a wrong rule ----


def rules_of(name):
    """The primitives of that name that have a rule."""
    found = {f for full, f in named_primitives() if full == name or full == f"_primitive_{name}"}
    inner = [name.split(".")[-1], *INSIDE.get(name, ())]
    found |= {f for f in primitive_vjps if getattr(f, "__name__", "") in inner}
    return [f for f in found if f in primitive_vjps and f not in refusals.REFUSED]


def scale_rule(maker):
    """The maker of a rule, with gradients one percent too large."""

    def wrong(*given):
        pull = maker(*given)
        return lambda g: [1.01 * part for part in pull(g)]

    return wrong


COMPOSED = """append array array_split asarray column_stack dsplit full full_like gradient hsplit
    hstack linspace row_stack select split stack vsplit vstack""".split()


@pytest.mark.parametrize("name", [name for name in FORMS if name not in COMPOSED])
def test_a_rule_that_is_one_percent_off_is_caught(name, monkeypatch):
    constants = [f for n, f in named_primitives() if n == name and f in notrace_primitives[VJPNode]]
    if constants:
        pytest.skip("a constant function has no rule")
    for f in rules_of(name):
        monkeypatch.setitem(primitive_vjps, f, scale_rule(primitive_vjps[f]))
    wrong = False
    for form in FORMS[name]:
        try:
            wrong = wrong or not rule_sweep.row(name, form).holds
        except (AssertionError, TypeError):
            wrong = True
    assert wrong


def test_the_table_counts_the_forms_that_fail(monkeypatch, capsys):
    monkeypatch.setattr(table, "FORMS", {"tanh": FORMS["tanh"], "prod": ["np.prod(A)"]})
    assert table.print_table() == 0
    assert "2 functions" in capsys.readouterr().out
    monkeypatch.setitem(primitive_vjps, np.tanh, scale_rule(primitive_vjps[np.tanh]))
    assert table.print_table() > 0
    assert "FAIL np.tanh(A)" in capsys.readouterr().out


# ---- float32 stays float32 ----


@pytest.mark.parametrize("name", FORMS)
def test_gradients_of_float32_are_float32(name):
    """... wherever NumPy's answer is float32: with a float64 constant in the form it is not."""
    before = current()
    use("numpy", "float32")
    try:
        for form in FORMS[name]:
            f, arrays = sweep.function_of(form)
            total = lambda arrays, f=f: np.sum(np.real(f(arrays)) ** 2)
            arrays = [a.astype("float32") for a in arrays]
            if "numpy.float64" not in form and numpy.result_type(total(arrays)) == "float32":
                types = {numpy.result_type(g) for g in grad(total)(arrays)}
                assert types == {numpy.dtype("float32")}, form
    finally:
        use(*before)


# ---- Any function of np, called in any way ----


def draws():
    """A general matrix near a symmetric positive one, another, a vector and a number."""
    rng = numpy.random.default_rng(0)
    half = rng.normal(size=(3, 3))
    spd = half @ half.T + numpy.diag([1.0, 2.0, 4.0]) + 0.1 * rng.uniform(size=(3, 3))
    return [spd, 0.5 + rng.uniform(size=(3, 3)), 0.3 + rng.uniform(size=4), numpy.array(0.6)]


def by_name(k):
    """f(Y, .., name=X) with the (k + 1)-th argument given by its name."""

    def call(f, X, Y, v, s):
        names = [p.name for p in inspect.signature(f).parameters.values()]
        return f(*[numpy.ones((3, 3))] * k, **{names[k]: X})

    return call


LAST = numpy.array([0.2, 0.5, 0.6, 0.9])
CALLS = [
    *[lambda f, X, Y, v, s: f(X), lambda f, X, Y, v, s: f(v), lambda f, X, Y, v, s: f(s)],
    *[lambda f, X, Y, v, s: f(X, Y), lambda f, X, Y, v, s: f(v, 2 * v)],
    *[lambda f, X, Y, v, s: f([X, Y]), lambda f, X, Y, v, s: f([v, v * s])],
    *[lambda f, X, Y, v, s: f([s, s * s]), lambda f, X, Y, v, s: f(X, [s, s * s, 2 * s])],
    *[lambda f, X, Y, v, s: f([s, s * s, 2 * s], X), lambda f, X, Y, v, s: f(X, 2)],
    *[lambda f, X, Y, v, s: f(X, 0), lambda f, X, Y, v, s: f(2.0, X)],
    *[lambda f, X, Y, v, s: f(v, [1, 2]), lambda f, X, Y, v, s: f(X, (1, 0))],
    *[lambda f, X, Y, v, s: f(numpy.eye(3) == 0, X), lambda f, X, Y, v, s: f(LAST, LAST, v)],
    *[lambda f, X, Y, v, s: f(v, LAST, v * 2), lambda f, X, Y, v, s: f(X, Y, s)],
    *[lambda f, X, Y, v, s: f(X, axis=0), lambda f, X, Y, v, s: f(X, -1)],
    *[lambda f, X, Y, v, s: f(numpy.ones((3, 3)), s), lambda f, X, Y, v, s: f(3, s)],
    *[lambda f, X, Y, v, s: f((2, 3), s), lambda f, X, Y, v, s: f(s, 1.0, 5)],
    *[lambda f, X, Y, v, s: f(X, weights=Y), lambda f, X, Y, v, s: f(v, x=v * v)],
    *[lambda f, X, Y, v, s: f(X, where=numpy.eye(3) == 0), lambda f, X, Y, v, s: f(X, dtype=int)],
    *[lambda f, X, Y, v, s: f("ij->j", X), by_name(0), by_name(1), by_name(2)],
]
NO_MATHEMATICS = """copyto empty empty_like fill_diagonal fromfile fromregex genfromtxt info load
    loadtxt mintypecode nested_iters notrace_primitive place primitive printoptions put putmask
    put_along_axis save savetxt savez savez_compressed set_printoptions setbufsize seterr
    seterrcall show_config show_runtime test""".split()
SYMMETRIC = {"linalg.cholesky"}  # its gradient is that along symmetric changes


def scalar(call, f):
    """A weighted sum of every float in what the call returns."""

    def total(arrays):
        parts = [*pieces(call(f, *arrays))]
        return sum((sweep.weighted_sum(p, 1.0 + k) for k, p in enumerate(parts)), 0.0)

    return total


def pieces(y):
    """The real float arrays in a result, which may be a tuple of arrays."""
    if isinstance(y, SequenceBox | list | tuple):
        for i in range(len(y)):
            yield from pieces(y[i])
    elif getattr(y, "dtype", None) is not None and y.dtype.kind in "fc":
        yield from [np.real(y), np.imag(y)] if y.dtype.kind == "c" else [y]


def outcome(call, f, arrays, direction):
    """'value' where the call itself fails, 'smooth' where differences agree, or what went wrong."""
    total = scalar(call, f)
    at = lambda t: float(total([numpy.asarray(a + t * d) for a, d in zip(arrays, direction)]))
    slope = lambda h: (8 * (at(h) - at(-h)) - at(2 * h) + at(-2 * h)) / (12 * h)
    try:
        wanted, nearer = slope(1e-3), slope(7e-4)
    except Exception:  # no call of this function
        return "value"
    if not abs(wanted - nearer) < 1e-6 * (1 + abs(wanted)):  # no derivative here
        return "value"
    try:
        gradient = grad(total)([a.copy() for a in arrays])  # np.exp(x, y) writes into y
    except Exception as error:
        return "refused" if SENTENCE.match(str(error)) else f"{type(error).__name__}: {error}"
    found = sum(float(numpy.sum(g * d)) for g, d in zip(gradient, direction))
    return "smooth" if abs(found - wanted) < 1e-5 * (1 + abs(wanted)) else f"{found} for {wanted}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("room", ROOMS)
def test_no_function_of_np_called_in_any_way_is_wrong_in_silence(room):
    arrays, rng, found = draws(), numpy.random.default_rng(1), {}
    direction = [0.3 + rng.uniform(size=a.shape) for a in arrays]
    public = vars({"": numpy, "linalg.": numpy.linalg, "fft.": numpy.fft}[room])
    for name, f in vars(ROOMS[room]).items():
        known = name in public and name not in NO_MATHEMATICS and room + name not in SYMMETRIC
        if known and name[0] != "_" and callable(f) and not isinstance(f, type):
            for k, call in enumerate(CALLS):
                found[name, k] = outcome(call, f, arrays, direction)
    kinds = [*found.values()]
    assert {key: kind for key, kind in found.items() if kind not in FINE} == {}
    assert min(kinds.count("smooth"), kinds.count("refused")) > 20  # the calls reach something


FINE = ("value", "smooth", "refused")


# ---- What arrays can do and traced arrays cannot ----


def set_in_place(x):
    x[0] = 1.0
    return x


def add_in_place(x):
    y = numpy.ones(3)
    y += x
    return y


@pytest.mark.parametrize(
    "f, words",
    [
        (set_in_place, "changed in place"),
        (add_in_place, "in place by a traced one"),
        (lambda x: float(x[0]), "Python number"),
        (lambda x: int(x[0]), "Python number"),
        (lambda x: numpy.array([x[0], x[1]]), "np.stack"),
        (lambda x: numpy.ones(3) * [x[0], x[1], 2.0], "np.stack"),
        (lambda x: x * [x[0], x[1], 2.0], "np.stack"),
        (lambda x: np.tanh([x[0], x[1]]), "np.stack"),
        (lambda x: x.sort(), "has no 'sort'"),
        (lambda x: x.tolist(), "has no 'tolist'"),
        (lambda x: np.arange(x[0]), "np.arange"),
        (lambda x: np.ptp(x), "write np.max"),
        (lambda x: numpy.median(x), "np.sort"),
        (lambda x: np.meshgrid(x, x)[0], "np.broadcast_to"),
        (lambda x: np.linalg.qr(np.outer(x, x))[0], "np.linalg.cholesky"),
    ],
)
def test_what_a_traced_array_cannot_do_is_said_in_one_sentence(f, words):
    with pytest.raises((TypeError, NotImplementedError, AttributeError), match=words) as caught:
        grad(lambda x: np.sum(f(x)))(numpy.ones(3))
    assert SENTENCE.match(str(caught.value)), caught.value


def test_plain_numpy_on_traced_arrays_is_differentiated_or_refused():
    x = numpy.array([0.5, 2.0])
    assert grad(lambda x: numpy.sum(numpy.concatenate([x, x * x])))(x).tolist() == [2.0, 5.0]
    assert grad(lambda x: numpy.sum(numpy.where(x > 1, x, 0.0)))(x).tolist() == [0.0, 1.0]
    assert grad(lambda x: numpy.linalg.norm(x, axis=0))(numpy.array([3.0, 4.0])).tolist() == [
        0.6,
        0.8,
    ]
    assert grad(lambda x: np.concat([x, x])[3])(x).tolist() == [0.0, 1.0]


def test_results_with_names_keep_their_names():
    a = numpy.array([[2.0, 0.3], [0.3, 1.0]])
    by_place = grad(lambda a: np.linalg.slogdet(a)[1])(a)
    assert (grad(lambda a: np.linalg.slogdet(a).logabsdet)(a) == by_place).all()
    with pytest.raises(AttributeError, match="no attribute 'determinant'"):
        grad(lambda a: np.linalg.slogdet(a).determinant)(a)


def test_a_determinant_of_any_size_has_its_gradient_also_where_it_is_zero():
    """d det = cofactors; at a singular matrix they are what differences give."""
    rng = numpy.random.default_rng(0)
    for n in (1, 2, 4, 5, 7):
        a = rng.normal(size=(n, n))
        if n in (2, 4):
            a[0] = a[1]
        inverse = lambda a: numpy.linalg.det(a) * numpy.linalg.inv(a).T
        near = (inverse(a + 1e-4 * numpy.eye(n)) + inverse(a - 1e-4 * numpy.eye(n))) / 2
        assert abs(grad(np.linalg.det)(a) - near).max() < 1e-5 * (1 + abs(near).max())


def test_arrays_are_made_with_numpys_arguments_by_position():
    assert np.zeros(3, int).dtype == int and np.ones((2, 2), "float32").dtype == "float32"
    assert np.eye(2, 3, 1, "float32").tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    assert np.arange(0, 3, 1, float).dtype == float
    assert np.linspace(0, 1, 3, False, False, "float32").dtype == "float32"
    assert np.array([1, 2], float, ndmin=2).shape == (1, 2)
    assert np.full_like(np.zeros(2, "float32"), 3.0).dtype == "float32"
    assert np.where([True, False], [1, 2], 0.0).tolist() == [1.0, 0.0]


def test_numbers_in_a_list_take_the_type_of_the_traced_arrays_beside_them():
    x = numpy.ones((), "float32")
    assert grad(lambda x: np.sum(np.array([x, 2, 3.0]) ** 2))(x).dtype == "float32"


def test_a_choice_wants_conditions_that_are_booleans():
    with pytest.raises(TypeError, match="np.select: condlist must hold arrays of booleans"):
        np.select([numpy.ones(2)], [numpy.ones(2)])
    with pytest.raises(ValueError, match="they are 1 and 2 long"):
        np.select([numpy.ones(2) > 0], [numpy.ones(2), numpy.ones(2)])


def test_a_border_may_be_given_by_axis():
    """{axis: width}, where NumPy knows it, is the list of widths."""
    x = numpy.arange(6.0).reshape(2, 3)
    try:
        numpy.pad(x, {1: (2, 1)})
    except TypeError:
        pytest.skip("this NumPy does not know it")
    by_list = grad(lambda x: np.sum(np.pad(x, [(3, 3), (2, 1)]) ** 2))(x)
    assert (grad(lambda x: np.sum(np.pad(x, {1: (2, 1), 0: 3}) ** 2))(x) == by_list).all()
