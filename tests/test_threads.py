"""Threads that differentiate, record and replay at once give what each gives alone."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import autograd
import numpy
import pytest
from autograd.extend import defvjp
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import trace_stack
from numpy.testing import assert_allclose, assert_array_equal

from minimeta.core.backend import carry, current, np, primitive, use, using
from minimeta.core.gradients import grad, value_and_grad
from minimeta.core.replay import replay
from minimeta.core.trees import leaves
from minimeta.initializations import anil
from minimeta.meta import meta_loss
from minimeta.nets import mlp
from minimeta.tasks.regression import sines

X = numpy.array([0.3, -1.0, 2.0])
PATIENCE = 10.0  # seconds that a thread waits for another


@pytest.fixture
def short_turns():
    """Threads take turns every ten microseconds, so that they meet in the middle of everything."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(*jobs):
    """What the jobs return, each run in a thread of its own, all at once."""
    gate = threading.Barrier(len(jobs))
    start = lambda job: (gate.wait(PATIENCE), job())[1]
    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(start, job) for job in jobs]]


def meeting():
    """Two functions that return when both were called, each in its thread."""
    barrier = threading.Barrier(2)
    return lambda: barrier.wait(PATIENCE)


# ---- Gradients ----


def inner(a):
    """sum_i d/db (sin(a b) b) at b = X: a gradient that depends on another variable."""
    return np.sum(grad(lambda b: np.sum(np.sin(a * b) * b))(X))


def exact_inner(a):
    """d/da sum [a b cos(a b) + sin(a b)] = b (2 cos(a b) - a b sin(a b))."""
    return X * (2 * numpy.cos(a * X) - a * X * numpy.sin(a * X))


GRADIENTS = {"minimeta": grad, "autograd": autograd.grad}


@pytest.mark.parametrize("grad", GRADIENTS.values(), ids=GRADIENTS)
def test_a_trace_that_another_thread_closes_does_not_free_a_number(grad):
    """A opens a trace, B opens one, A closes, B opens an inner one, which is not B's outer one."""
    begun, both, over = meeting(), meeting(), meeting()

    def first():
        slope = grad(lambda w: (begun(), both(), np.sum(w * w))[-1])(X)
        over()
        return slope

    def second():
        begun()
        return grad(lambda a: (both(), over(), inner(a))[-1])(X)

    simple, nested = together(first, second)
    assert_array_equal(simple, 2 * X)
    assert_allclose(nested, exact_inner(X), rtol=1e-13)
    assert trace_stack.top == -1


def test_work_that_an_objective_hands_to_other_threads_is_differentiated():
    with ThreadPoolExecutor(2) as pool:
        total = lambda a: sum(pool.map(lambda k: inner(k * a), [1.0, 2.0]))
        slope = grad(total)(X)
    assert_allclose(slope, exact_inner(X) + 2 * exact_inner(2 * X), rtol=1e-13)


@pytest.mark.parametrize("grad", GRADIENTS.values(), ids=GRADIENTS)
def test_an_exception_in_a_gradient_leaves_the_stack_of_every_thread_as_it_was(grad):
    def fail():
        with pytest.raises(ZeroDivisionError):
            grad(lambda x: grad(lambda y: y * (1 // 0))(x))(1.0)
        return trace_stack.top

    def inside(x):
        outer = trace_stack.top
        fail_inside(x)
        assert trace_stack.top == outer > -1
        return x

    def fail_inside(x):
        with pytest.raises(ZeroDivisionError):
            grad(lambda y: x * y * (1 // 0))(1.0)

    assert together(fail, fail) == [-1, -1] and fail() == -1
    nested = lambda: grad(inside)(1.0)
    assert together(nested, nested) == [1.0, 1.0] and trace_stack.top == -1


def anil_gradients(count):
    """A function that computes that many ANIL meta-gradients, and the step that it calls."""
    net = mlp([1, 5, 1], np.tanh)
    learner = anil.learner(net, step_size=0.1)
    theta = net.init(numpy.random.default_rng(0))
    tasks = [sines(numpy.random.default_rng(seed), 2, 3, 3) for seed in range(5)]
    step = value_and_grad(lambda theta, task: meta_loss(learner, theta, task))
    return step, lambda step: [
        number for i in range(count) for number in leaves(step(theta, tasks[i % len(tasks)]))
    ]


def same(numbers, others):
    return all(numpy.array_equal(a, b) for a, b in zip(numbers, others, strict=True))


def test_eight_threads_of_anil_gradients_equal_the_serial_ones_bit_for_bit(short_turns):
    step, gradients = anil_gradients(60)
    serial = gradients(step)
    assert all(same(serial, result) for result in together(*[lambda: gradients(step)] * 8))
    fast = replay(step)
    assert same(serial, gradients(fast)) and fast.program


def test_eight_threads_share_what_was_recorded(short_turns):
    step, gradients = anil_gradients(40)
    serial, fast = gradients(step), replay(step)
    assert all(same(serial, result) for result in together(*[lambda: gradients(fast)] * 8))


def test_threads_record_replay_and_differentiate_at_once(short_turns):
    step, gradients = anil_gradients(20)
    serial = gradients(step)
    jobs = [lambda: gradients(replay(step))] * 4 + [lambda: gradients(step)] * 4
    assert all(same(serial, result) for result in together(*jobs))


# ---- Recording ----


def power_rule(x):
    """A gradient that sums parts in place, and a power that np.power would round otherwise."""
    return np.sum(grad(lambda x: np.sum(x**2 * x + x[:1] * x))(x) ** 2)


def test_a_recording_goes_on_as_it_began_when_another_ends():
    """A begins to record, B begins, A ends, B goes on."""
    both, over, boxes = meeting(), meeting(), dict(vars(ArrayBox))
    arrays = numpy.random.default_rng(0).normal(size=(6, 4))

    def waits(*meetings):
        def f(x):
            if trace_stack.top > -1:  # it records
                for meet in meetings:
                    meet()
            return power_rule(x)

        return replay(f)

    def first():
        result = [waits(both)(arrays[0])]
        over()
        return result

    def second():
        step = waits(both, over)
        return [step(x) for x in arrays]

    exact = [power_rule(x) for x in arrays]
    assert together(first, second) == [exact[:1], exact]
    assert dict(vars(ArrayBox)) == boxes, "autograd's boxes are what they were"


@primitive
def slow(x, wait):
    """x, after others had time to do something."""
    wait()
    return 1.0 * x


defvjp(slow, lambda ans, x, wait: lambda g: g)


def test_a_primitive_at_work_in_one_recording_is_no_error_in_another():
    begun, done, calls = threading.Event(), threading.Event(), []

    def wait():
        calls.append(1)
        if len(calls) == 2:  # the first call is eager, the second records
            begun.set()
            assert done.wait(PATIENCE)

    def second():
        assert begun.wait(PATIENCE)
        result = replay(lambda x: np.sum(x * x))(X)
        done.set()
        return result

    first = lambda: replay(lambda x: np.sum(slow(x, wait)))(X)
    assert together(first, second) == [numpy.sum(X), numpy.sum(X * X)]


def test_a_recording_holds_what_other_threads_did_for_it(short_turns):
    parts = lambda pool, x: list(pool.map(lambda k: np.sum(np.sin(k * x) ** 2), range(1, 30)))
    with ThreadPoolExecutor(8) as pool:
        fast = replay(lambda x: sum(parts(pool, x)))
        for x in numpy.random.default_rng(0).normal(size=(9, 5)):
            assert fast(x) == sum(parts(pool, x))


# ---- The float type ----


@pytest.fixture(autouse=True)
def as_before():
    """Every test leaves the switch as it result it."""
    before = current()
    yield
    use(*before)


def dtype():
    return np.zeros(1).dtype.name


def test_a_using_block_is_over_at_its_end_however_it_ends():
    with using(dtype="float32"):
        with using("numpy"):
            assert dtype() == "float64"
        assert dtype() == "float32"
        with pytest.raises(ValueError, match="dtype must be"), using(dtype="float16"):
            pass
        assert dtype() == "float32"
    with pytest.raises(ZeroDivisionError), using(dtype="float32"):
        raise ZeroDivisionError
    assert dtype() == "float64"


def test_use_inside_a_block_ends_with_the_block():
    with using(dtype="float32"):
        use(dtype="float64")
        assert dtype() == "float64"
    use(dtype="float32")
    with using(dtype="float64"):
        use(dtype="float64")
    assert dtype() == "float32"


def test_a_block_is_its_threads_own():
    inside, over = meeting(), meeting()

    def narrow():
        with using(dtype="float32"):
            inside()
            result = dtype()
            over()
        return result

    def plain():
        inside()
        result = dtype()
        over()
        return result

    assert together(narrow, plain) == ["float32", "float64"]


def test_use_is_seen_by_threads_that_run_already_and_by_those_that_start_later():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(dtype).result() == "float64"
        use(dtype="float32")
        assert pool.submit(dtype).result() == "float32"
    assert together(dtype) == ["float32"]


def test_a_worker_thread_is_told_of_a_block_by_carry():
    with ThreadPoolExecutor(1) as pool, using(dtype="float32"):
        assert pool.submit(dtype).result() == "float64"
        assert pool.submit(carry(dtype)).result() == "float32"
        assert pool.submit(dtype).result() == "float64", "the next job has the setting of `use`"
