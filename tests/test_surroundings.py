"""Whatever a recorded function can read is watched, or the recording is refused in a sentence."""

import collections
import contextvars
import cProfile
import datetime
import enum
import functools
import importlib
import itertools
import logging
import os
import random
import sys
import threading
import time
import types
import uuid
import weakref
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

import numpy
import pytest
from autograd.extend import defvjp, primitive
from numpy.testing import assert_array_equal

from minimeta.core.backend import np
from minimeta.core.gradients import grad
from minimeta.core.replay import ReplayError, replay
from minimeta.core.replay.cache import is_same
from minimeta.core.replay.surroundings import is_same_value
from minimeta.initializations import maml
from minimeta.meta import Learner, meta_loss
from minimeta.nets import mlp
from minimeta.tasks.regression import sines
from minimeta.training import meta_train

ARRAYS = numpy.random.default_rng(0).normal(size=(12, 3))
NEW = 7.0  # what the changes below write in place of 1.0 or 2.0


# Everything that a function can read. Each case gives a function of x and a change that it notices.

WATCHED = {}


def watched(case):
    """Add a case, a function that returns (f, change)."""
    WATCHED[case.__name__.replace("_", " ")] = case
    return case


class Settings:
    alpha = 1.0

    def __init__(self):
        self.beta = 2.0

    def scale(self, x):
        return self.alpha * self.beta * x

    @property
    def rate(self):
        return self.beta / 2

    @staticmethod
    def twice(x):
        return 2 * x

    @classmethod
    def by_class(cls, x):
        return cls.alpha * x


ONE = Settings()


class Inherited(Settings):
    pass


class Slots:
    __slots__ = ("alpha", "beta")


@dataclass
class Record:
    alpha: float = 1.0
    table: dict = field(default_factory=lambda: {"beta": 1.0})


class Callable:
    factor = 1.0

    def __call__(self, x):
        return self.factor * x

    def __mul__(self, x):
        return self.factor + x


class Fallback:
    def __init__(self):
        self.table = {"alpha": 1.0}

    def __getattr__(self, name):
        return self.table[name]


class Cached:
    base = 1.0

    @functools.cached_property
    def alpha(self):
        return self.base


class Described:
    """A descriptor that keeps its value in itself."""

    value = 1.0

    def __get__(self, owner, kind):
        return self.value


class Mode(enum.Enum):
    SLOW = 1.0


class Point(NamedTuple):
    alpha: float
    rest: list


class Model:
    step = Described()
    partial = functools.partialmethod(lambda self, k, x: k * self.alpha * x, 2.0)
    alpha = 1.0


@watched
def an_attribute():
    me = Settings()
    return (lambda x: me.scale(x)), lambda: setattr(me, "beta", NEW)


@watched
def a_class_attribute():
    class Own(Settings):
        alpha = 1.0

    me = Own()
    return (lambda x: me.scale(x)), lambda: setattr(Own, "alpha", NEW)


@watched
def an_attribute_of_a_base_class():
    class Base:
        alpha = 1.0

    class Own(Base):
        pass

    me = Own()
    return (lambda x: me.alpha * x), lambda: setattr(Base, "alpha", NEW)


@watched
def an_attribute_that_hides_the_one_of_the_class():
    me = Settings()
    return (lambda x: me.scale(x)), lambda: setattr(me, "alpha", NEW)


@watched
def a_bound_method():
    me = Settings()
    return me.scale, lambda: setattr(me, "beta", NEW)


@watched
def a_property():
    me = Settings()
    return (lambda x: me.rate * x), lambda: setattr(me, "beta", NEW)


@watched
def another_property():
    class Own:
        rate = property(lambda self: 1.0)

    me = Own()
    change = lambda: setattr(Own, "rate", property(lambda self: NEW))
    return (lambda x: me.rate * x), change


@watched
def a_method_of_the_class():
    class Own:
        def scale(self, x):
            return x

    me = Own()
    return (lambda x: me.scale(x)), lambda: setattr(Own, "scale", lambda self, x: NEW * x)


@watched
def a_static_method():
    class Own(Settings):
        pass

    return (lambda x: Own.twice(x)), lambda: setattr(Own, "twice", staticmethod(lambda x: NEW * x))


@watched
def a_class_method():
    class Own(Settings):
        alpha = 1.0

    return Own.by_class, lambda: setattr(Own, "alpha", NEW)


@watched
def the_class_of_an_object():
    class Other(Settings):
        alpha = NEW

    me = Settings()
    return (lambda x: me.scale(x)), lambda: setattr(me, "__class__", Other)


@watched
def the_bases_of_a_class():
    class Other(Settings):
        alpha = NEW

    class Own(Inherited):
        pass

    me = Own()
    return (lambda x: me.alpha * x), lambda: setattr(Own, "__bases__", (Other,))


@watched
def a_callable_object():
    me = Callable()
    return me, lambda: setattr(me, "factor", NEW)


@watched
def an_operator():
    class Own(Callable):
        pass

    me = Own()
    change = lambda: setattr(Own, "__mul__", lambda self, x: NEW * x)
    return (lambda x: me * x[0] + x), change


@watched
def an_attribute_through_getattr():
    me = Settings()
    return (lambda x: getattr(me, "".join("beta")) * x), lambda: setattr(me, "beta", NEW)


@watched
def an_attribute_that_may_be_absent():
    me = types.SimpleNamespace()
    return (lambda x: getattr(me, "alpha", 1.0) * x), lambda: setattr(me, "alpha", NEW)


@watched
def an_attribute_that_was_asked_for():
    me = types.SimpleNamespace()
    return (lambda x: x * (2.0 if hasattr(me, "alpha") else 1)), lambda: setattr(me, "alpha", NEW)


@watched
def an_attribute_through_vars():
    me = Settings()
    return (lambda x: sum(vars(me).values()) * x), lambda: setattr(me, "beta", NEW)


@watched
def all_attributes_at_once():
    me = Settings()
    return (lambda x: me.beta * x), lambda: setattr(me, "__dict__", {"beta": NEW})


@watched
def what_getattr_of_the_class_finds():
    me = Fallback()
    return (lambda x: me.alpha * x), lambda: me.table.update(alpha=NEW)


@watched
def a_cached_property():
    me = Cached()
    return (lambda x: me.alpha * x), lambda: me.__dict__.update(alpha=NEW)


@watched
def a_descriptor():
    me = Model()
    return (lambda x: me.step * x), lambda: setattr(vars(Model)["step"], "value", NEW)


@watched
def a_partial_method():
    me = Model()
    return (lambda x: me.partial(x)), lambda: setattr(me, "alpha", NEW)


@watched
def slots():
    me = Slots()
    me.alpha = 1.0
    return (lambda x: me.alpha * x), lambda: setattr(me, "alpha", NEW)


@watched
def a_dataclass():
    me = Record()
    return (lambda x: me.alpha * x), lambda: setattr(me, "alpha", NEW)


@watched
def a_dict_in_a_dataclass():
    me = Record()
    return (lambda x: asdict(me)["table"]["beta"] * x), lambda: me.table.update(beta=NEW)


@watched
def a_dataclass_in_another_form():
    me = Record()
    return (lambda x: replace(me, table={}).alpha * x), lambda: setattr(me, "alpha", NEW)


@watched
def a_namespace_in_a_namespace():
    me = types.SimpleNamespace(inner=types.SimpleNamespace(alpha=1.0))
    return (lambda x: me.inner.alpha * x), lambda: setattr(me.inner, "alpha", NEW)


@watched
def an_object_in_a_record():
    me = Point(1.0, [Settings()])
    return (lambda x: me.rest[0].scale(x)), lambda: setattr(me.rest[0], "beta", NEW)


@watched
def an_attribute_of_a_member_of_an_enum():
    Mode.SLOW.factor = 1.0
    return (lambda x: Mode.SLOW.factor * x), lambda: setattr(Mode.SLOW, "factor", NEW)


@watched
def an_attribute_of_a_function():
    def helper(x):
        return helper.alpha * x

    helper.alpha = 1.0
    return (lambda x: helper(x)), lambda: setattr(helper, "alpha", NEW)


@watched
def an_attribute_of_a_function_through_its_dict():
    def helper(x):
        return helper.__dict__["alpha"] * x

    helper.alpha = 1.0
    return (lambda x: helper(x)), lambda: setattr(helper, "alpha", NEW)


@watched
def an_attribute_that_a_function_gets_later():
    def helper(x):
        return getattr(helper, "alpha", 1.0) * x

    return (lambda x: helper(x)), lambda: setattr(helper, "alpha", NEW)


@watched
def an_attribute_of_a_number():
    class Rate(float):
        pass

    rate = Rate(2.0)
    rate.decay = 1.0
    return (lambda x: rate * rate.decay * x), lambda: setattr(rate, "decay", NEW)


def _container(make, read, put):
    def case():
        box = make()
        return (lambda x: read(box) * x), lambda: put(box)

    return case


CONTAINERS = {
    "dict": (lambda: {"k": 1.0}, lambda b: b["k"], lambda b: b.update(k=NEW)),
    "keys of a dict": (lambda: {2: 0}, lambda b: sum(b), lambda b: b.update({3: 0})),
    "order of a dict": (
        lambda: {"a": 1.0, "b": 2.0},
        lambda b: [*b.values()][0],
        lambda b: b.update(a=b.pop("a")),
    ),
    "OrderedDict": (
        lambda: collections.OrderedDict(k=1.0),
        lambda b: b["k"],
        lambda b: b.update(k=NEW),
    ),
    "order of an OrderedDict": (
        lambda: collections.OrderedDict(a=1.0, b=2.0),
        lambda b: [*b.values()][0],
        lambda b: b.move_to_end("a"),
    ),
    "defaultdict": (
        lambda: collections.defaultdict(float, k=1.0),
        lambda b: b["k"],
        lambda b: b.update(k=NEW),
    ),
    "default of a defaultdict": (
        lambda: collections.defaultdict(lambda: 1.0),
        lambda b: b.default_factory(),
        lambda b: setattr(b, "default_factory", lambda: NEW),
    ),
    "Counter": (lambda: collections.Counter("aab"), lambda b: b["a"], lambda b: b.update("aa")),
    "ChainMap": (
        lambda: collections.ChainMap({}, {"k": 1.0}),
        lambda b: b["k"],
        lambda b: b.maps[1].update(k=NEW),
    ),
    "UserDict": (lambda: collections.UserDict(k=1.0), lambda b: b["k"], lambda b: b.update(k=NEW)),
    "mapping proxy": (
        lambda: (table := {"k": 1.0}, types.MappingProxyType(table)),
        lambda b: b[1]["k"],
        lambda b: b[0].update(k=NEW),
    ),
    "values of a dict": (
        lambda: (table := {"k": 1.0}, table.values()),
        lambda b: sum(b[1]),
        lambda b: b[0].update(k=NEW),
    ),
    "list": (lambda: [1.0], lambda b: b[0], lambda b: b.__setitem__(0, NEW)),
    "list in a list": (lambda: [[1.0]], lambda b: b[0][0], lambda b: b[0].__setitem__(0, NEW)),
    "list in a tuple": (
        lambda: ([1.0],),
        lambda b: b[0][0],
        lambda b: b[0].append(0.0) or b[0].reverse(),
    ),
    "deque": (lambda: collections.deque([1.0]), lambda b: b[0], lambda b: b.appendleft(NEW)),
    "set": (lambda: {1.0}, sum, lambda b: b.add(NEW)),
    "objects in a frozenset": (
        lambda: frozenset([Settings()]),
        lambda b: [*b][0].beta,
        lambda b: setattr([*b][0], "beta", NEW),
    ),
    "bytearray": (lambda: bytearray(b"a"), lambda b: b[0], lambda b: b.__setitem__(0, 9)),
    "class of lists": (lambda: type("Lists", (list,), {})([1.0]), sum, lambda b: b.append(NEW)),
    "array": (lambda: numpy.ones(3), lambda b: b, lambda b: b.__setitem__(1, NEW)),
    "array in a dict": (
        lambda: {"W": numpy.ones(3)},
        lambda b: b["W"],
        lambda b: b["W"].__setitem__(1, NEW),
    ),
    "array of objects": (
        lambda: numpy.array([1.0, Settings()], object),
        lambda b: b[1].beta,
        lambda b: setattr(b[1], "beta", NEW),
    ),
    "shape of an array": (
        lambda: numpy.ones((3, 1)),
        lambda b: b.shape[0],
        lambda b: b.resize((1, 3), refcheck=False),
    ),
    "array through a view": (
        lambda: (whole := numpy.ones(9), whole[::3]),
        lambda b: b[1],
        lambda b: b[0].__setitem__(3, NEW),
    ),
    "partial": (
        lambda: functools.partial(lambda k, scale: k[0] * scale, [1.0], scale=2.0),
        lambda b: b(),
        lambda b: b.args[0].__setitem__(0, NEW),
    ),
    "keywords of a partial": (
        lambda: functools.partial(lambda k: k, k=1.0),
        lambda b: b(),
        lambda b: b.keywords.update(k=NEW),
    ),
    "built-in method": (
        lambda: {"k": 1.0}.get,
        lambda b: b("k"),
        lambda b: b.__self__.update(k=NEW),
    ),
    "memo": (
        lambda: functools.lru_cache(lambda: ONE),
        lambda b: b().beta,
        lambda b: setattr(b(), "beta", NEW),
    ),
    "weak reference": (
        lambda: (me := Settings(), weakref.ref(me)),
        lambda b: b[1]().beta,
        lambda b: setattr(b[0], "beta", NEW),
    ),
    "context variable": (
        lambda: contextvars.ContextVar("rate", default=1.0),
        lambda b: b.get(),
        lambda b: b.set(NEW),
    ),
    "what a thread has for itself": (
        lambda: (mine := threading.local(), setattr(mine, "alpha", 1.0)),
        lambda b: b[0].alpha,
        lambda b: setattr(b[0], "alpha", NEW),
    ),
    "flag of threads": (
        threading.Event,
        lambda b: 2.0 if b.is_set() else 1.0,
        lambda b: b.set(),
    ),
}
WATCHED |= {f"a {name}": _container(*parts) for name, parts in CONTAINERS.items()}

RATE, RATES, ROWS = 1.0, {"alpha": 1.0}, numpy.ones(3)


def _reads_globals(x):
    return RATE * RATES["alpha"] * ROWS * x


@watched
def a_global():
    return (lambda x: _reads_globals(x)), lambda: globals().update(RATE=RATE + 1)


@watched
def a_global_by_a_name_that_is_computed():
    scope = {"RATE": 1.0}
    exec("def f(x): return x * globals()['RA' + 'TE']", scope)
    return scope["f"], lambda: scope.update(RATE=NEW)


@watched
def a_dict_in_a_global():
    return (lambda x: _reads_globals(x)), lambda: RATES.update(alpha=RATES["alpha"] + 1)


@watched
def an_array_in_a_global():
    return (lambda x: _reads_globals(x)), lambda: ROWS.__setitem__(1, ROWS[1] + 1)


@watched
def a_global_that_hides_a_builtin():
    scope = {}
    exec("def f(x): return x * sum([1.0, 2.0])", scope)
    return scope["f"], lambda: scope.update(sum=lambda numbers: NEW)


@watched
def a_name_in_evaluated_text():
    return (lambda x: eval("RATE * x")), lambda: globals().update(RATE=RATE + 1)


@watched
def a_closure_that_is_bound_again():
    scale = 1.0

    def change():
        nonlocal scale
        scale = NEW

    return (lambda x: scale * x), change


@watched
def a_closure_that_is_bound_later():
    def f(x):
        try:
            return scale * x
        except NameError:
            return x

    def change():
        nonlocal scale
        scale = NEW

    if False:
        scale = 1.0
    return f, change


@watched
def a_closure_of_a_closure():
    scale = [1.0]
    inner = lambda x: scale[0] * x
    middle = lambda x: inner(x)
    return grad(lambda x: np.sum(middle(x) ** 2)), lambda: scale.__setitem__(0, NEW)


@watched
def the_defaults_of_a_function():
    def f(x, scale=1.0):
        return scale * x

    return f, lambda: setattr(f, "__defaults__", (NEW,))


@watched
def a_list_in_a_default():
    def f(x, scale=[1.0]):  # noqa: B006
        return scale[0] * x

    return f, lambda: f.__defaults__[0].__setitem__(0, NEW)


@watched
def the_defaults_of_a_function_that_it_calls():
    def inner(x, *, scale=1.0):
        return scale * x

    return (lambda x: inner(x)), lambda: setattr(inner, "__kwdefaults__", {"scale": NEW})


@watched
def a_default_by_name():
    def inner(x, *, scale=1.0):
        return scale * x

    return (lambda x: inner(x)), lambda: inner.__kwdefaults__.update(scale=NEW)


@watched
def the_code_of_a_function():
    def inner(x):
        return x

    return (lambda x: inner(x)), lambda: setattr(inner, "__code__", (lambda x: 7.0 * x).__code__)


@primitive
def _scaled(x):
    return x * 1.0


def _rule(table):
    return lambda ans, x: lambda g: g * table["slope"]


@watched
def a_gradient_rule_that_only_autograd_holds():
    table = {"slope": 1.0}
    defvjp(_scaled, _rule(table))
    return grad(lambda x: np.sum(_scaled(x))), lambda: table.update(slope=NEW)


@watched
def an_environment_variable():
    os.environ["MINIMETA_TEST_RATE"] = "1.0"
    change = lambda: os.environ.update(MINIMETA_TEST_RATE="7.0")
    return (lambda x: float(os.environ["MINIMETA_TEST_RATE"]) * x), change


@watched
def an_environment_variable_that_is_not_there():
    os.environ.pop("MINIMETA_TEST_RATE", None)
    change = lambda: os.environ.update(MINIMETA_TEST_RATE="7.0")
    return (lambda x: float(os.getenv("MINIMETA_TEST_RATE", "1.0")) * x), change


@watched
def the_words_of_the_command():
    sys.argv.append("--rate=1")
    return (lambda x: len(sys.argv) * x), lambda: sys.argv.pop()


@watched
def an_array_that_is_an_argument_of_a_class():
    class Layer:
        def __init__(self, W):
            self.W = W

        def apply(self, x):
            return self.W * x

    W = numpy.ones(3)
    layers = [Layer(W), Layer(2 * W)]
    f = lambda x: functools.reduce(lambda h, layer: layer.apply(h), layers, x)
    return f, lambda: W.__setitem__(2, NEW)


@pytest.fixture(autouse=True)
def the_world_is_as_before():
    arguments, variables, scope = [*sys.argv], dict(os.environ), dict(globals())
    yield
    sys.argv[:] = arguments
    os.environ.clear()
    os.environ.update(variables)
    globals().update(scope)
    RATES.update(alpha=1.0)
    ROWS[:] = 1.0


def follows(f, *changes):
    """Whether the replayed f is f before and after the changes, and each change makes one."""
    replayed, arrays = replay(f), iter(ARRAYS)
    for change in (lambda: None, *changes):
        before = f(ARRAYS[0])
        change()
        assert change is not changes[0] or not is_same(f(ARRAYS[0]), before), "it changes nothing"
        for _ in range(3):  # the third call is not checked by itself
            x = next(arrays)
            assert_array_equal(replayed(x), f(x))
    return replayed


@pytest.mark.parametrize("case", WATCHED.values(), ids=WATCHED)
def test_what_a_function_reads_is_watched(case):
    f, change = case()
    follows(f, change)


@pytest.mark.parametrize("how", ["import", "from", "in a function", "relative", "by name"])
def test_globals_of_another_module_are_watched(tmp_path, monkeypatch, how):
    """Modules of the user's, a package of them, and a chain of names through both."""
    package = tmp_path / f"settings_{how.replace(' ', '_')}"
    package.mkdir()
    lines = {
        "import": f"import {package.name}.rates\ndef f(x): return {package.name}.rates.alpha * x",
        "from": f"from {package.name} import rates\ndef f(x): return rates.alpha * x",
        "in a function": f"def f(x):\n from {package.name}.rates import alpha\n return alpha * x",
        "by name": "from importlib import import_module\n"
        f"def f(x): return import_module('{package.name}.rates').alpha * x",
        "relative": "def f(x):\n from . import rates\n return rates.alpha * x",
    }
    (package / "__init__.py").write_text("")
    (package / "rates.py").write_text("alpha = 1.0")
    (package / "model.py").write_text(lines[how])
    monkeypatch.syspath_prepend(tmp_path)
    rates = importlib.import_module(f"{package.name}.rates")
    model = importlib.import_module(f"{package.name}.model")
    follows(lambda x: model.f(x), lambda: setattr(rates, "alpha", NEW))


def test_a_module_may_hold_what_a_function_names_later():
    config = types.ModuleType("config")
    config.table, config.alpha = {"beta": 1.0}, 1.0
    f = lambda x: config.alpha * config.table["beta"] * x
    follows(f, lambda: config.table.update(beta=NEW))
    follows(f, lambda: setattr(config, "alpha", NEW))
    follows(f, lambda: setattr(config, "table", {"beta": 3.0}))


@pytest.mark.parametrize("number", [0.5, 3, "a", b"a", None, True, 2j])
def test_an_equal_number_in_another_object_is_no_change(number):
    again = eval(repr(number))
    assert is_same_value(number, again) and not is_same_value(number, [number])
    assert not is_same_value(0.0, -0.0) and not is_same_value(1, 1.0)
    me = types.SimpleNamespace(alpha=0.1)
    replayed = replay(lambda x: me.alpha * x)
    replayed(ARRAYS[0])
    program, me.alpha = replayed.program, float("0.1")
    replayed(ARRAYS[1])
    assert replayed.program is program


# What does not count.


def test_what_the_code_does_not_name_or_did_not_run_is_no_reason_to_record_again():
    class Trainer:
        alpha, steps = 1.0, 0

        def __init__(self):
            self.history, self.rng = [], numpy.random.default_rng(0)

        def loss(self, x):
            return np.sum(self.alpha * x)

        def sample(self):
            self.steps += 1
            self.history.append(time.time())
            return self.rng.normal(size=3)

        def load(self, path):
            return open(path).read()

    me = Trainer()
    replayed = replay(grad(me.loss))
    replayed(me.sample())
    program = replayed.program
    for _ in range(6):
        assert_array_equal(replayed(me.sample()), numpy.ones(3))
    assert replayed.program is program


LOG = logging.getLogger("a test of replay")


@dataclass(frozen=True)
class Hyper:
    rate: float = 0.1
    sizes: tuple = (1, 2)


def _normal_functions():
    """Functions as users write them, none of which may lose its speed."""
    hyper, weights, net = Hyper(), {"W": numpy.eye(3), "b": [numpy.ones(3)]}, mlp([3, 4, 1])
    theta, lock, pattern = net.init(numpy.random.default_rng(0)), threading.Lock(), Mode.SLOW

    def logs(x):
        LOG.debug("a value of shape %s", x.shape)
        print(end="", file=sys.stderr)
        return x

    def locked(x):
        with lock:
            return 2 * x

    def draws_anew(x):
        return x * numpy.random.default_rng(0).normal(size=3)

    def matched(x):
        return x * {Mode.SLOW: 2.0}[pattern]

    yield from (logs, locked, draws_anew, matched)
    yield lambda x: hyper.rate * len(hyper.sizes) * (weights["W"] @ x + weights["b"][0])
    yield lambda x: net.apply(theta, x[None])[0]
    yield grad(lambda x: np.sum(net.apply(theta, x[None]) ** 2))
    yield lambda x: x * numpy.linalg.norm(numpy.ones(3)) * np.pi * numpy.float32(2)
    yield functools.partial(lambda k, x: k * x, 3.0)
    yield lambda x: x.astype(numpy.float32) if x.dtype == numpy.float64 else x
    yield lambda x: sum(k * x for k in range(3)) + [a for a in map(np.sin, [x])][0]
    yield functools.lru_cache(lambda: lambda x: 2 * x)()
    yield lambda x: x * datetime.timedelta(days=2).days * functools.reduce(max, [1, 2])


@pytest.mark.parametrize("f", [*_normal_functions()])
def test_functions_in_a_usual_style_are_recorded_once(f):
    replayed = replay(f)
    programs = set()
    for x in ARRAYS:
        assert_array_equal(replayed(x), f(x))
        programs.add(id(replayed.program))
    assert len(programs) == 1


@pytest.mark.parametrize("kind", [None, cProfile.Profile, lambda: lambda *event: None])
def test_a_recording_gives_the_profiler_back(kind):
    profiler = kind and kind()
    getattr(profiler, "enable", lambda: sys.setprofile(profiler))()
    try:
        during = sys.getprofile()
        y = replay(lambda x: 2 * x)(ARRAYS[0])
        after = sys.getprofile()
    finally:
        getattr(profiler, "disable", lambda: sys.setprofile(None))()
    assert_array_equal(y, 2 * ARRAYS[0])
    assert after is during


# What cannot be watched.

DICE, NUMBERS = numpy.random.default_rng(3), itertools.cycle([1.0, 1.0])
DRAW, SEEDED, HIDDEN = DICE.random, random.Random(0), memoryview(bytearray(b"a"))
REFUSED = {}


def refused(case):
    """Add a function of x that no recording may stand for."""
    REFUSED[case.__name__.replace("_", " ")] = case
    return case


@refused
def a_generator_of_random_numbers(x):
    return x if DICE.random() < 2 else -x


@refused
def a_bound_method_of_a_generator(x):
    return x if DRAW() < 2 else -x


@refused
def the_global_generator(x):
    return x if numpy.random.uniform() < 2 else -x  # noqa: NPY002


@refused
def a_generator_without_a_seed(x):
    return x if numpy.random.default_rng().random() < 2 else -x


@refused
def the_generator_of_Python(x):
    return x if random.random() < 2 else -x


@refused
def another_generator_of_Python(x):
    return x if SEEDED.gauss(0, 1) < 1e9 else -x


@refused
def a_clock(x):
    return x if time.time() > 0 else -x


@refused
def a_date(x):
    return x * (datetime.datetime.now().year > 0)


@refused
def a_number_of_the_system(x):
    return x if uuid.uuid4() else -x


@refused
def a_file(x):
    with open(os.devnull) as file:
        return x * (1 + len(file.read()))


@refused
def a_file_that_NumPy_reads(x):
    return x * (1 + len(numpy.fromfile(os.devnull)))


@refused
def a_setting_of_NumPy(x):
    return x if numpy.geterr() else -x


@refused
def whether_a_file_is_there(x):
    return x if os.path.exists(os.devnull) else -x


@refused
def an_iterator(x):
    return x * next(NUMBERS)


@refused
def an_object_of_unknown_make(x):
    return x * HIDDEN[0]


@pytest.mark.parametrize("f", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_watched_is_refused_in_a_sentence(f):
    """Each gives the same here at every call, so that no comparison could tell."""
    with pytest.raises(ReplayError, match=f"replay cannot record {f.__name__}: it ") as error:
        replay(f)(ARRAYS[0])
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


def test_a_kept_array_of_a_recording_is_found():
    kept = {}

    def f(x):
        kept["last"] = 2 * x
        return x

    with pytest.raises(ReplayError, match="it keeps an array of the recording after its end"):
        replay(f)(ARRAYS[0])


# Arguments that are changed.


def _alias(batch):
    x = batch["x"]
    x -= 5.0
    return batch


def _view(batch):
    x = batch["x"][1:]
    x *= 2.0
    return batch["x"]


def _unrelated(batch):
    batch["x"] += 1.0
    return np.sum(batch["y"])


def _key(batch):
    batch["x"] = batch["x"] - 1.0
    return batch["x"]


def _order(batch):
    batch["x"] = batch.pop("x")
    return batch["y"]


def _appended(batch):
    batch["list"].append(batch["x"])
    return batch["x"]


@pytest.mark.parametrize("f", [_alias, _view, _unrelated, _key, _order, _appended])
def test_a_function_that_changes_its_arguments_is_refused_and_they_are_as_before(f):
    replayed = replay(f)
    for x in ARRAYS:
        batch = {"x": x.copy(), "y": x[::-1].copy(), "list": [x]}
        with pytest.raises(ReplayError, match="it changes its argument args.0."):
            replayed(batch)
        assert_array_equal(batch["x"], x)
        assert [*batch] == ["x", "y", "list"] and len(batch["list"]) == 1


def test_a_change_of_an_argument_that_comes_later_is_found_at_the_check():
    """Adding zero changes no number, so the first call cannot tell."""

    def f(x):
        y = x
        y += numpy.zeros(3)
        y -= np.where(y > 100, 1.0, 0.0)
        return x

    replayed = replay(f)
    assert_array_equal(replayed(ARRAYS[0].copy()), ARRAYS[0])
    x = numpy.full(3, 200.0)
    with pytest.raises(ReplayError, match="it changes its argument"):
        replayed(x)  # the first other array is compared
    assert_array_equal(x, 200.0)


def test_a_result_that_is_changed_later_is_found():
    total = numpy.ones(3)

    def f(x):
        nonlocal total
        total *= 2.0
        return total

    with pytest.raises(ReplayError, match="it changes what it has returned"):
        replay(f)(ARRAYS[0])


def test_a_function_that_changes_what_it_reads_is_refused_at_the_first_check():
    """A replay would leave the counter where it is."""
    me = types.SimpleNamespace(calls=0)

    def f(x):
        me.calls += 1
        return 2 * x

    replayed = replay(f)
    assert_array_equal(replayed(ARRAYS[0]), 2 * ARRAYS[0])
    with pytest.raises(ReplayError, match="replay cannot stand for f: it changes what it reads"):
        replayed(ARRAYS[1])


# Training.


class Annealed:
    """MAML++ lowers the inner step size while it trains."""

    inner = 0.01

    def __init__(self):
        self.net = mlp([1, 5, 1])

    def adapt(self, meta, support):
        return maml.adapt(meta, support, self.net, step_size=self.inner)

    def predict(self, meta, phi, x):
        return self.net.apply(phi, x)


def _sample(me, steps):
    def sample(rng):
        steps.append(1)
        me.inner = 0.01 if len(steps) < 11 else 0.005
        return sines(rng, 4, 3, 3)

    return sample


def test_training_follows_a_step_size_that_is_kept_in_an_object(monkeypatch):
    histories = []
    for wrap in (replay, lambda f: f):
        monkeypatch.setattr("minimeta.training.replay", wrap)
        me = Annealed()
        learner = Learner(me.net.init, me.adapt, me.predict)
        rng = numpy.random.default_rng(0)
        _, history = meta_train(learner, _sample(me, []), rng, 20, label=None)
        histories.append(history)
    assert_array_equal(*histories)


def test_training_goes_on_without_replay_where_that_is_refused(capsys):
    net, dice = mlp([1, 5, 1]), numpy.random.default_rng(0)

    def adapt(meta, support):
        return meta if dice.random() < 2 else None

    learner = Learner(net.init, adapt, lambda meta, phi, x: net.apply(phi, x))
    sample = lambda rng: sines(rng, 4, 3, 3)
    _, history = meta_train(learner, sample, numpy.random.default_rng(0), 5, label=None)
    said = capsys.readouterr().err
    assert said.count("Training goes on without replay") == 1 and "it reads a Generator" in said
    rng = numpy.random.default_rng(0)
    assert history[0] == meta_loss(learner, net.init(rng), sample(rng))
