"""Forms that have no gradient, and say so in a sentence: of functions that have one otherwise."""

REFUSED = {
    "sum": ["np.sum(A, where=mask)", "np.sum(A, dtype=int)"],
    "mean": ["np.mean(A, where=mask)", "np.mean(A, dtype=int)"],
    "prod": ["np.prod(P, where=mask)", "np.prod(P, initial=2.0)"],
    "var": ["np.var(A, where=mask)", "np.var(A, mean=0.0)"],
    "std": ["np.std(A, where=mask)"],
    "max": ["np.max(A, initial=5.0)", "np.max(A, where=mask, initial=0.0)"],
    "min": ["np.min(A, initial=5.0)"],
    "amax": ["np.amax(A, initial=5.0)"],
    "amin": ["np.amin(A, initial=5.0)"],
    "cumsum": ["np.cumsum(A, 0, None, numpy.zeros((3, 4)))"],
    "exp": ["np.exp(A, dtype='float32')", "np.exp(A, numpy.zeros((3, 4)))"],
    "add": ["np.add(A, C, dtype=float)", "numpy.add.reduce(A)", "numpy.add.outer(v, w)"],
    "multiply": ["np.multiply(A, C, out=numpy.zeros((3, 4)))", "numpy.multiply.accumulate(v)"],
    "diff": ["np.diff(v, prepend=0.0)", "np.diff(v, append=s)"],
    "gradient": ["np.gradient(w, 2.0)", "np.gradient(w, edge_order=2)"],
    "pad": [
        f"np.pad(A, 1, '{mode}')" for mode in ("edge", "reflect", "wrap", "mean", "linear_ramp")
    ]
    + ["np.pad(A, 1, mode='symmetric')"],
    "repeat": ["np.repeat([s, t], 2)"],
    "ravel": ["np.ravel([s, t])", "np.ravel(np.transpose(B, (1, 0, 2)), 'K')"],
    "einsum": [
        "np.einsum('ij->i', A, dtype='float64')",
        "np.einsum('ij->i', A, out=numpy.zeros(3))",
    ],
    "dot": ["np.dot([s, t], u2)", "np.dot(u2, [s, t])"],
    "outer": ["np.outer([s, t], v)"],
    "clip": ["np.clip(A, 0.0, 1.0, numpy.zeros((3, 4)))"],
    "nan_to_num": ["np.nan_to_num(A, nan=s)"],
    "linspace": ["np.linspace(s, t, 5, retstep=True)[0]"],
    "linalg.svd": ["np.linalg.svd(A)[1]", "np.linalg.svd(A, full_matrices=True)[1]"],
    "linalg.pinv": ["np.linalg.pinv(A, 1e-3)", "np.linalg.pinv(H, hermitian=True)"],
    "linalg.cholesky": ["np.linalg.cholesky(H, upper=True)"],
    "fft.fftn": ["np.fft.fftn(A, axes=(0, 0))"],
}
