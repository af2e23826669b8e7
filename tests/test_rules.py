"""Every gradient rule is right to second order, keeps float32, and stays on its device."""

import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import standin
from autograd import grad, jacobian
from autograd.core import make_jvp, make_vjp, primitive_vjps
from autograd.test_util import check_grads
from leaks import float64_within
from numpy.testing import assert_allclose, assert_array_equal
from rule_cases import cases

from minimeta.core.backend import current, linalg_rules, np, rules, to_device, to_host, use

CASES = cases(np)


@pytest.fixture(autouse=True)
def as_before():
    before = current()
    yield
    use(*before)


def every(args):
    return tuple(range(len(args)))


@pytest.mark.parametrize("name", CASES)
def test_the_rule_agrees_with_finite_differences_to_second_order(name):
    f, args = CASES[name]
    check_grads(f, argnum=every(args), modes=["rev"], order=2)(*args)


FORWARD = ["tanh", "where", "where constant", "where swapped", "concatenate", "stack", "x[index]"]


@pytest.mark.parametrize("name", FORWARD)
def test_the_forward_rule_agrees_with_the_backward_rule(name):
    """w'(J v) = (J'w)'v for random v, w."""
    f, args = CASES[name]
    rng, f_of_list = numpy.random.default_rng(1), lambda args: f(*args)
    v = [rng.normal(size=a.shape) for a in args]
    _, forward = make_jvp(f_of_list, args)(v)
    w = rng.normal(size=forward.shape)
    backward = make_vjp(f_of_list, args)[0](w)
    assert_allclose(numpy.sum(w * forward), sum(numpy.sum(a * b) for a, b in zip(backward, v)))


# ---- float32 stays float32 ----


@pytest.mark.parametrize("name", CASES)
def test_no_float64_anywhere_in_first_and_second_derivatives_at_float32(name):
    use("numpy", "float32")
    assert float64_within(np, *cases(np)[name]) == []


def test_the_search_finds_the_leaks_of_autograd_alone():
    """... and the rules it lacks, in a process of its own: these and more need the rules here."""
    script = Path(__file__).with_name("leaks.py")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    known = """power, relu, abs, log2, where constant, mean, var axis, std, max axis, logsumexp,
        einsum summed, diagonal, trace, cholesky, where (fails), broadcast_to (fails)"""
    assert {name.strip() for name in known.split(",")} <= set(run.stdout.split("\n"))


def test_the_search_finds_one_numpy_scalar_in_one_rule(monkeypatch):
    right = primitive_vjps[np.tanh]

    def leaking(*given):
        pull = right(*given)
        return lambda g: pull(numpy.float64(1.0) * g)

    monkeypatch.setitem(primitive_vjps, np.tanh, leaking)
    assert "tanh" in float64_within(np, *CASES["tanh"])


# ---- on a device ----


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives_on_the_device_are_numpys_without_a_transfer(name):
    expected = first_and_second(*CASES[name])
    use(standin, "float64")
    f, args = cases(np)[name]
    args = to_device(args)
    with standin.forbid():
        found = first_and_second(f, args)
    for a, b in zip(found, expected):
        assert type(a) is standin.ndarray
        assert_allclose(to_host(a), b, rtol=1e-12, atol=1e-12)


def first_and_second(f, args):
    """f, its gradients under sum(f^2), and theirs under the sum of their squares."""
    total = lambda *args: np.sum(f(*args) ** 2)
    slopes = grad(total, every(args))
    steepness = lambda *args: sum(np.sum(slope**2) for slope in slopes(*args))
    return [f(*args), *slopes(*args), *grad(steepness, every(args))(*args)]


# ---- what each rule promises beyond that ----


def test_the_second_derivative_of_tanh_is_finite_however_large_x_is():
    """tanh'' = -2 tanh (1 - tanh^2), which vanishes; autograd's own rule overflows on the way."""
    x = np.asarray([-800.0, -20.0, 0.5, 800.0])
    second = grad(lambda x: np.sum(grad(lambda x: np.sum(np.tanh(x)))(x)))(x)
    assert_allclose(second, -2 * numpy.tanh(x) * (1 - numpy.tanh(x) ** 2))
    assert make_jvp(np.tanh, 800.0)(1.0)[1] == 0.0


@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_two_arguments_that_tie_share_the_gradient(f):
    tied = np.asarray([2.0, 0.0, 1.0])
    assert_array_equal(grad(lambda x: np.sum(f(x, tied)))(tied), [0.5, 0.5, 0.5])
    assert_array_equal(grad(lambda x: np.sum(f(tied, x)))(tied), [0.5, 0.5, 0.5])


def test_elements_that_tie_for_the_extremum_share_the_gradient():
    assert_allclose(grad(np.max)(np.asarray([1.0, 3.0, 3.0, 3.0])), [0, 1 / 3, 1 / 3, 1 / 3])
    assert_array_equal(grad(np.min)(np.zeros(2)), [0.5, 0.5])


def test_the_number_that_is_chosen_over_nan_gets_the_whole_gradient():
    slopes = grad(lambda x, y: np.sum(np.fmax(x, y)), (0, 1))(np.asarray([np.nan]), np.ones(1))
    assert_array_equal(slopes, [[0.0], [1.0]])


def test_powers_have_the_derivative_zero_where_their_formula_has_0_times_infinity():
    zero = np.zeros(2)
    assert_array_equal(grad(lambda x: np.sum(x**0))(zero), zero)
    assert_array_equal(grad(lambda y: np.sum(0.0**y))(np.ones(2)), zero)
    slopes = grad(lambda x, y: np.sum(x**y), (0, 1))(zero, np.asarray([0.0, 2.0]))
    assert_array_equal(slopes, [zero, zero])


def test_what_broadcasting_repeated_is_summed_again_for_every_pair_of_shapes():
    """<g, broadcast(x)> = <gather(g), x>, so gather is the adjoint of broadcasting."""
    rng = numpy.random.default_rng(2)
    full = (2, 1, 3)
    for shape in [(), (1,), (3,), (1, 3), (1, 1), (2, 1, 1), (1, 1, 3), (2, 1, 3)]:
        x, g = rng.normal(size=shape), rng.normal(size=full)
        gathered = rules.gather(g, x)
        assert gathered.shape == shape
        assert_allclose(numpy.sum(gathered * x), numpy.sum(g * numpy.broadcast_to(x, full)))


def test_what_a_sum_added_is_spread_again_for_every_set_of_axes():
    """<g, sum(x)> = <spread(g), x>, so spread is the adjoint of summing."""
    rng = numpy.random.default_rng(3)
    x = rng.normal(size=(2, 3, 4))
    for axis in [None, 0, 1, -1, (0,), (0, 2), (-1, -3), (0, 1, 2)]:
        g = rng.normal(size=numpy.shape(numpy.sum(x, axis=axis)))
        spread = rules.spread(g, x.shape, axis)
        assert spread.shape == x.shape
        assert_allclose(numpy.sum(spread * x), numpy.sum(g * numpy.sum(x, axis=axis)))
    assert rules.spread(numpy.float64(2.0), ()) == 2.0


def test_every_occurrence_of_an_element_adds_to_its_gradient():
    """x[[0, 0, 2]] takes x_0 twice; a boolean list takes elements, not positions 0 and 1."""
    x = np.asarray([1.0, 2.0, 3.0])
    weights = np.asarray([1.0, 10.0, 100.0])
    assert_array_equal(grad(lambda x: np.sum(x[[0, 0, 2]] * weights))(x), [11.0, 0.0, 100.0])
    assert_array_equal(grad(lambda x: np.sum(x[[False, True, True]]))(x), [0.0, 1.0, 1.0])
    assert_array_equal(grad(lambda x: np.sum(x[x > 1.5]))(x), [0.0, 1.0, 1.0])
    assert_array_equal(grad(lambda x: np.sum(x[[]]) + x[1])(x), [0.0, 1.0, 0.0])
    assert_array_equal(grad(lambda x: x[numpy.int64(2)] + x[-1])(x), [0.0, 0.0, 2.0])


def test_only_an_index_that_may_repeat_elements_is_scattered(monkeypatch):
    """On a GPU, and in NumPy, adding to a view takes less time."""
    use(standin, "float64")
    x, rows = np.ones((3, 4)), np.asarray([0, 0])
    monkeypatch.setattr(standin.add, "at", None)
    for index in (0, slice(1, 3), (Ellipsis, None, 2), (slice(None), -1)):
        grad(lambda x, index=index: np.sum(x[index]))(x)
    with pytest.raises(TypeError):
        grad(lambda x: np.sum(x[rows]))(x)


@pytest.mark.parametrize("name", ["x[index]", "x[:, 1:3]", "tanh", "where", "concatenate"])
def test_the_curvature_is_the_same_forward_over_backward(name):
    """(d/dt) gradient(x + t v) by the forward rules of the backward rules."""
    f, args = CASES[name]
    slopes = grad(lambda args: np.sum(f(*args) ** 2 / 2 + np.sin(f(*args))))
    v = [numpy.cos(a) for a in args]
    forward = make_jvp(slopes, args)(v)[1]
    backward = grad(lambda args: sum(np.sum(a * b) for a, b in zip(slopes(args), v)))(args)
    for a, b in zip(forward, backward):
        assert_allclose(a, b, atol=1e-12)


def test_a_gradient_is_no_view_that_a_second_use_changes():
    """d(sum(x) + x_0)/dx: the spread of the sum must not be written to when x_0 adds to it."""
    assert_array_equal(grad(lambda x: np.sum(x) + x[0])(np.zeros(3)), [2.0, 1.0, 1.0])
    assert_array_equal(grad(lambda x: x[0] + np.sum(x))(np.zeros(3)), [2.0, 1.0, 1.0])


def test_a_reduction_with_an_option_that_has_no_rule_is_refused():
    x = np.ones(3)
    with pytest.raises(NotImplementedError, match="np.sum has no gradient with where="):
        grad(lambda x: np.sum(x, where=np.asarray([True, False, True])))(x)
    with pytest.raises(NotImplementedError, match="np.max has no gradient with initial="):
        grad(lambda x: np.max(x, initial=5.0))(x)


@pytest.mark.parametrize("f", [np.var, np.std])
def test_the_spread_of_one_number_has_the_gradient_zero(f):
    assert_array_equal(grad(lambda x: np.sum(f(x, axis=0)))(np.ones((1, 2))), [[0.0, 0.0]])


def test_products_get_a_gradient_that_does_not_show_one_number_many_times(monkeypatch):
    """NumPy before 2.3 multiplies a matrix with zero strides element by element."""
    seen, solid = [], linalg_rules.solid
    monkeypatch.setattr(linalg_rules, "solid", lambda g: seen.append(solid(g)) or seen[-1])
    x, W = np.ones((3, 4)), np.ones((4, 2))
    slopes = grad(lambda x, W: np.sum(x @ W), (0, 1))(x, W)
    assert_array_equal(slopes[0], numpy.full((3, 4), 2.0))
    assert_array_equal(slopes[1], numpy.full((4, 2), 3.0))
    assert [0 in g.strides for g in seen] == [False, False]
    assert solid(x) is x


def test_a_matrix_that_many_share_gets_its_gradient_from_one_product(monkeypatch):
    seen, gather = [], linalg_rules.gather
    monkeypatch.setattr(linalg_rules, "gather", lambda g, x: seen.append(g.shape) or gather(g, x))
    grad(lambda W: np.sum(np.ones((5, 3, 4)) @ W))(np.ones((4, 2)))
    assert seen == [(4, 2)]


OTHER_PRODUCTS = {
    "dot of tensors": (np.dot, [(2, 3, 4), (4, 5)]),
    "dot with a scalar": (np.dot, [(2, 3), ()]),
    "einsum of lists": (lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]), [(2, 3), (3, 4)]),
    "tensordot": (np.tensordot, [(2, 3, 4), (3, 4, 2)]),
}


@pytest.mark.parametrize("name", OTHER_PRODUCTS)
def test_products_of_tensors_are_right(name):
    f, shapes = OTHER_PRODUCTS[name]
    rng = numpy.random.default_rng(6)
    check_grads(f, argnum=(0, 1), modes=["rev"], order=2)(*[rng.normal(size=s) for s in shapes])


def test_the_gradient_of_cholesky_is_symmetric_as_its_argument_is():
    rng = numpy.random.default_rng(7)
    weights = np.asarray(rng.normal(size=(3, 3)))
    slope = grad(lambda a: np.sum(weights * np.linalg.cholesky(a)))(np.eye(3) + 0.1)
    assert_allclose(slope, slope.T, rtol=1e-12)


def test_jacobians_and_complex_arrays_on_a_device():
    """A Jacobian is made of the device's own unit vectors; complex arrays are refused."""
    use(standin, "float64")
    x = np.asarray([0.3, -0.5])
    found = jacobian(lambda x: np.stack([x[0] * x[1], np.sin(x[0])]))(x)
    assert_allclose(to_host(found), [[-0.5, 0.3], [numpy.cos(0.3), 0.0]])
    with pytest.raises(TypeError, match="Complex arrays have gradients on NumPy only"):
        grad(lambda z: np.sum(z * 2.0))(standin.asarray(numpy.ones(2) * 1j))


def test_solve_gathers_the_gradient_of_a_matrix_that_all_right_sides_share():
    rng = numpy.random.default_rng(4)
    a, b = rng.normal(size=(3, 3)) + 4 * numpy.eye(3), rng.normal(size=(5, 3, 2))
    check_grads(np.linalg.solve, argnum=(0, 1), modes=["rev"], order=2)(a, b)


def test_deviations_of_complex_numbers_have_complex_gradients():
    rng = numpy.random.default_rng(5)
    z = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    for f in (np.var, np.std):
        check_grads(f, modes=["rev"], order=1)(z)


def test_real_arguments_of_a_complex_function_have_real_gradients():
    slope = grad(lambda x: np.real(np.sum((x * (1 + 2j)) ** 2)))(np.asarray([1.0, -0.5]))
    assert slope.dtype == "float64"
    assert_allclose(slope, 2 * np.asarray([1.0, -0.5]) * ((1 + 2j) ** 2).real)


def test_installing_the_rules_twice_changes_nothing():
    script = (
        "import importlib, numpy\n"
        "from autograd.test_util import check_grads\n"
        "from minimeta.core.backend import boxes, elementwise, linalg_rules, making, rules\n"
        "for m in (rules, elementwise, linalg_rules, boxes, making): importlib.reload(m)\n"
        "np = making.np\n"
        "f = lambda x: np.mean(np.stack([x, np.tanh(x)]) ** 3) + np.std(x[::2] @ x.T)\n"
        "check_grads(f, modes=['rev'], order=2)(numpy.linspace(0.1, 2.0, 9).reshape(3, 3) ** 2)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
