"""Points where differences say nothing: ties, zeros of a norm, bounds, infinities.

(form, x, gradient of its sum, Hessian of its sum times ones): what the rules promise there.
"""

INF, NAN = float("inf"), float("nan")
KINKS = {
    "abs": [("np.abs(x)", [0, -2, 3], [0, -1, 1], [0, 0, 0])],
    "fabs": [("np.fabs(x)", [0, -2, 3], [0, -1, 1], [0, 0, 0])],
    "maximum": [
        ("np.maximum(x, 0.0)", [0, -2, 3], [0.5, 0, 1], [0, 0, 0]),
        ("np.maximum(x, x)", [1, 2], [1, 1], [0, 0]),
        ("np.maximum(x, x[::-1])", [2, 2], [1, 1], [0, 0]),
    ],
    "minimum": [("np.minimum(x, 1.0)", [1, 2, 0], [0.5, 0, 1], [0, 0, 0])],
    "fmax": [("np.fmax(x, numpy.array([numpy.nan, 1.0]))", [3, 1], [1, 0.5], [0, 0])],
    "fmin": [("np.fmin(x, numpy.array([numpy.nan, 1.0]))", [3, 1], [1, 0.5], [0, 0])],
    "max": [
        ("np.max(x)", [1, 3, 3, 3], [0, 1 / 3, 1 / 3, 1 / 3], [0, 0, 0, 0]),
        ("np.max(x)", [-INF, -INF], [0.5, 0.5], [0, 0]),
    ],
    "min": [("np.min(x, axis=0)", [2, 2], [0.5, 0.5], [0, 0])],
    "amax": [("np.amax(x)", [3, 3], [0.5, 0.5], [0, 0])],
    "amin": [("np.amin(x)", [3, 3, 4], [0.5, 0.5, 0], [0, 0, 0])],
    "clip": [
        ("np.clip(x, 0.0, 1.0)", [0, 1, 0.5, -1, 2], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]),
        ("np.clip(5.0, x, 9.0)", [5, 6, 4], [0, 1, 0], [0, 0, 0]),
    ],
    "power": [
        ("x ** 0", [0, 2], [0, 0], [0, 0]),
        ("x ** numpy.array([0.0, 1.0, 2.0])", [0, 0, 0], [0, 1, 0], [0, 0, 2]),
        ("0.0 ** x", [1, 2], [0, 0], [0, 0]),
        ("numpy.zeros(2) ** x", [1, 2], [0, 0], [0, 0]),
        ("x ** 2.5", [0, 4], [0, 20], [0, 7.5]),
    ],
    "hypot": [("np.hypot(x, 0.0)", [0, -2], [0, -1], [0, 0])],
    "logaddexp": [
        ("np.logaddexp(x, x)", [-INF, 1], [1, 1], None),
        ("np.logaddexp(x, x)", [INF, 1], [1, 1], None),
        ("np.logaddexp(x, 3.0)", [-INF, INF], [0, 1], [0, 0]),
    ],
    "logaddexp2": [("np.logaddexp2(x, x)", [-INF, 1], [1, 1], None)],
    "mod": [("np.mod(x, 1.0)", [2, 0, -3], [1, 1, 1], [0, 0, 0])],
    "nan_to_num": [("np.nan_to_num(x)", [NAN, INF, -INF, 1], [0, 0, 0, 1], [0, 0, 0, 0])],
    "where": [("np.where(x > 0, x, 0.0)", [0, -1, NAN, 2], [0, 0, 0, 1], [0, 0, 0, 0])],
    "std": [
        ("np.std(x)", [2, 2, 2], [0, 0, 0], [0, 0, 0]),
        ("np.std(x, ddof=1)", [2, 2], [0, 0], [0, 0]),
        ("np.std(x)", [7], [0], [0]),
    ],
    "var": [("np.var(x)", [7], [0], [0]), ("np.var(x)", [2, 2], [0, 0], [0, 0])],
    "sort": [
        ("np.sort(x) * numpy.array([1.0, 2.0, 4.0])", [1, 1, 0], [2, 4, 1], [0, 0, 0]),
        ("np.sort(x)", [1, 1, 1], [1, 1, 1], [0, 0, 0]),
    ],
    "partition": [("np.partition(x, 1)", [1, 1, 0], [1, 1, 1], [0, 0, 0])],
    "prod": [("np.prod(x)", [0, 0, 3], [0, 0, 0], [3, 3, 0])],
    "angle": [("np.angle(x)", [0, -1, 2], [0, 0, 0], [0, 0, 0])],
    "sinc": [("np.sinc(x)", [0], [0], [-(3.141592653589793**2) / 3])],
    "tanh": [("np.tanh(x)", [-800, 800], [0, 0], [0, 0])],
    "linalg.norm": [
        ("np.linalg.norm(x)", [0, 0], [0, 0], [0, 0]),
        ("np.linalg.norm(x[None], axis=-1, keepdims=True)", [0, 0], [0, 0], [0, 0]),
        ("np.linalg.norm(x, 3)", [0, 0], [0, 0], None),
        ("np.linalg.norm(x, 3)", [0, 2], [0, 1], [0, 0]),
        ("np.linalg.norm(x, 1)", [0, -2], [0, -1], [0, 0]),
        ("np.linalg.norm(x, numpy.inf)", [1, -3, 3], [0, -0.5, 0.5], [0, 0, 0]),
        ("np.linalg.norm(x, numpy.inf)", [0, 0], [0, 0], [0, 0]),
        ("np.linalg.norm(x, 0)", [0, 2], [0, 0], [0, 0]),
        ("np.linalg.norm(np.reshape(x, (2, 2)), 1)", [1, 2, 3, 4], [0, 1, 0, 1], [0, 0, 0, 0]),
        ("np.linalg.norm(np.reshape(x, (2, 2)), numpy.inf)", [1, 2, 3, 4], [0, 0, 1, 1], [0] * 4),
        (
            "np.linalg.norm(np.reshape(x, (2, 2)), -1, (0, 1), True)",
            [1, 2, 3, 4],
            [1, 0, 1, 0],
            None,
        ),
        ("np.linalg.norm(np.diag(x), 2)", [1, -3], [0, -1], None),
        ("np.linalg.norm(np.diag(x), -2)", [1, -3], [1, 0], None),
    ],
    "linalg.det": [("np.linalg.det(np.diag(x))", [0, 0, 5], [0, 0, 0], [5, 5, 0])],
}
