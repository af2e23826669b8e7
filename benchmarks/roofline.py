"""What bounds a step of minimeta on one core: products, memory, and the calls themselves.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.roofline             about a minute
    OPENBLAS_NUM_THREADS=1 python -m benchmarks.roofline fisher lstm_small

A row is a workload of `make bench`; all times are milliseconds, the least of several steps.

    step      one replayed step: value and gradient, float32
    products  of it inside numpy.matmul, and at how many GFLOP/s
    peak      what the same products take at the rate of one of 1024 x 1024 matrices
    rest      step less products
    memory    what reading and writing every argument and result of the program once takes, at the
              rate of adding two arrays that a core's cache holds
    calls     what so many calls of functions take if each is one of NumPy on a single number;
              operators such as + are not counted
    bound     peak + memory + calls: no step that makes these calls on these arrays is faster. What
              is between it and the step: exp and tanh, steps inside a primitive, small products
"""

import argparse
import sys
import time

import numpy

from benchmarks import workloads
from benchmarks.worker import cast
from minimeta.core.backend import using
from minimeta.core.replay import replay
from minimeta.core.trees import leaves

STEPS = 10
HEAD = ["step", "products", "GFLOP/s", "peak", "rest", "memory", "calls", "bound"]


def least(f, count=STEPS):
    """The least seconds that f() takes."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return min(times)


def rates():
    """FLOP/s of a large product, bytes/s of a sum in the cache, seconds of a call, on this core."""
    a, b, one = (numpy.ones(shape, "float32") for shape in ((1024, 1024), 2**15, 1))
    flops = 2 * 1024**3 / least(lambda: numpy.matmul(a, a), 50)
    total = numpy.empty_like(b)
    bandwidth = 3 * b.nbytes / least(lambda: numpy.add(b, b, out=total), 1000)
    return flops, bandwidth, least(lambda: numpy.multiply(one, one, out=one), 1000)


class Products:
    """numpy.matmul, with the seconds and the FLOPs of its calls added up."""

    def __init__(self):
        self.seconds, self.flops, self.plain = 0.0, 0, numpy.matmul

    def instead_of(self, f):
        """This, for numpy.matmul; any other f as it is."""
        return self if f is self.plain else f

    def __call__(self, a, b, *args, **kwargs):
        start = time.perf_counter()
        result = self.plain(a, b, *args, **kwargs)
        self.seconds += time.perf_counter() - start
        self.flops += 2 * result.size * a.shape[-1]
        return result


def recorded(name):
    """The program of a workload's step, its arrays, and the step's least seconds."""
    module = workloads()[name]
    sizes, rng = module.SIZES[name], numpy.random.default_rng(0)
    draw = lambda: cast((module.init(rng, sizes), module.sample(rng, sizes)), "float32")
    step, args = replay(module.in_minimeta(sizes)), draw()
    step(*draw())
    step(*args)
    step(*args)
    return step.program, leaves(args), least(lambda: step(*args))


def products(program, arrays):
    """The least seconds inside numpy.matmul among several runs, and the FLOPs of one."""
    found = []
    for _ in range(STEPS):
        counted = Products()
        run = with_functions(program, counted.instead_of)
        numpy.matmul = counted  # for the calls inside primitives
        try:
            run(arrays)
        finally:
            numpy.matmul = counted.plain
        found.append((counted.seconds, counted.flops))
    return min(found)


def with_functions(program, exchange):
    """The program's function, with exchange(f) in the place of every function f that it calls."""
    scope = {k: exchange(f) if callable(f) else f for k, f in program.run.__globals__.items()}
    exec(compile(program.text, "<roofline>", "exec"), scope)
    return scope["program"]


def touched(program, arrays):
    """Bytes of all arguments and results of the program's calls, and how many functions it calls
    that are written in C, inside its primitives too."""
    total, calls = 0, 0

    def watched(f):
        def call(*args, **kwargs):
            nonlocal total
            result = f(*args, **kwargs)
            total += sum(getattr(x, "nbytes", 0) for x in (*args, result))
            return result

        return call

    def count(frame, event, function):
        nonlocal calls
        calls += event == "c_call"

    with_functions(program, watched)(arrays)
    sys.setprofile(count)
    try:
        program.run(arrays)
    finally:
        sys.setprofile(None)
    return total, calls


def row(name, flop_rate, bandwidth, call):
    """The numbers of HEAD for one workload."""
    program, arrays, step = recorded(name)
    seconds, flops = products(program, arrays)
    memory, calls = touched(program, arrays)
    peak, memory, calls = flops / flop_rate, memory / bandwidth, calls * call
    times = [step, seconds, 0.0, peak, step - seconds, memory, calls, peak + memory + calls]
    cells = [1e3 * t for t in times]
    cells[2] = flops / seconds / 1e9
    return cells


def main(words=None):
    """Print a row for each workload named, all by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", nargs="*", help=f"of: {', '.join(workloads())}")
    given = parser.parse_args(words)
    if unknown := [name for name in given.workload if name not in workloads()]:
        parser.error(f"There is no workload {unknown[0]!r}; there are {', '.join(workloads())}.")
    machine = rates()
    print("{:.0f} GFLOP/s, {:.0f} GB/s, {:.2f} us a call".format(
        machine[0] / 1e9, machine[1] / 1e9, 1e6 * machine[2]
    ))  # fmt: skip
    print(f"{'':20s}" + "".join(f"{word:>10s}" for word in HEAD))
    with using(dtype="float32"):
        for name in given.workload or workloads():
            print(f"{name:20s}" + "".join(f"{x:10.2f}" for x in row(name, *machine)), flush=True)


if __name__ == "__main__":
    main()
