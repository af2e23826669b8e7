"""Forms of linear algebra; H is symmetric positive definite, G general and invertible."""

from minimeta.theorems.rule_sweep.text import read

ORDERS = "None 2 1 3 1.5 numpy.inf -numpy.inf 2.5 -1 -2 4".split()
MATRIX = "None 'fro' 'nuc' 1 -1 2 -2 numpy.inf -numpy.inf".split()
NORMS = [f"np.linalg.norm({form.format(o)})" for o in ORDERS for form in (
    "v, {}", "A, {}, 1", "B, ord={}, axis=-2, keepdims=True", "C, {}, 0, True",
)]  # fmt: skip
NORMS += [f"np.linalg.norm({form.format(o)})" for o in MATRIX for form in (
    "A, {}", "B, {}, (0, 1)", "B, {}, axis=(2, 0), keepdims=True", "B, {}, (-1, -2), True",
)]  # fmt: skip

FORMS = read("""
linalg.inv: np.linalg.inv(G) | np.linalg.inv(Gb) | np.linalg.inv(one + 2) | np.linalg.inv(H)
linalg.det: np.linalg.det(G) | np.linalg.det(Gb) | np.linalg.det(one) | np.linalg.det(singular) |
    np.linalg.det(z3) | np.linalg.det(rank_one) | np.linalg.det(two)
linalg.slogdet: np.linalg.slogdet(G)[1] | np.linalg.slogdet(Gb)[1] |
    np.linalg.slogdet(H).logabsdet | np.linalg.slogdet(-H)[1] |
    np.linalg.slogdet(G)[0] * np.linalg.slogdet(G)[1]
linalg.solve: np.linalg.solve(G, v3) | np.linalg.solve(G, A) | np.linalg.solve(Gb, v3) |
    np.linalg.solve(Gb, A) | np.linalg.solve(G, B) | np.linalg.solve(Gb, B) |
    np.linalg.solve(G, G) | np.linalg.solve(H, [1.0, 2.0, 3.0]) | np.linalg.solve(G[None], B) |
    np.linalg.solve(one + 2, one)
linalg.cholesky: np.linalg.cholesky(sym(H)) | np.linalg.cholesky(sym(Hb)) |
    np.linalg.cholesky(one + 2)
linalg.eigh: np.linalg.eigh(sym(H))[0] | np.linalg.eigh(sym(Hb))[0] |
    np.linalg.eigh(sym(H)).eigenvalues | np.linalg.eigh(sym(H))[1] ** 2 |
    np.linalg.eigh(sym(Hb))[1] ** 2 | np.linalg.eigh(sym(H), 'U')[0] |
    np.linalg.eigh(sym(H), UPLO='U')[1] ** 2 | np.linalg.eigh(one)[0] | np.linalg.eigh(H)[0] |
    np.linalg.eigh(H, 'U')[1] ** 2 | np.sum(np.linalg.eigh(identity + 0 * H)[0])
linalg.eig: np.sum(np.real(np.linalg.eig(H)[0])) | np.sum(np.abs(np.linalg.eig(G)[0]) ** 2)
linalg.svd: np.linalg.svd(A, full_matrices=False)[1] | np.linalg.svd(A, False)[0] ** 2 |
    np.linalg.svd(A, False)[2] ** 2 | np.linalg.svd(A.T, full_matrices=False)[2] ** 2 |
    np.linalg.svd(B, full_matrices=False)[1] | np.linalg.svd(A, compute_uv=False) |
    np.linalg.svd(G, False).S | np.linalg.svd(A, True, False) |
    np.linalg.svd(B.T, False)[0] ** 2 | np.linalg.svd(A, False, True)[1] |
    np.linalg.svd(one, False)[1]
linalg.pinv: np.linalg.pinv(A) | np.linalg.pinv(A.T) | np.linalg.pinv(G) | np.linalg.pinv(B) |
    np.linalg.pinv(v3[:, None])
linalg.norm: np.linalg.norm(v) | np.linalg.norm(A) | np.linalg.norm(B) | np.linalg.norm(s) |
    np.linalg.norm(u) | np.linalg.norm(A, axis=1) | np.linalg.norm(A, axis=-1, keepdims=True) |
    np.linalg.norm(A, None, (0, 1), True) | np.linalg.norm(A, keepdims=True) |
    np.linalg.norm([s, t]) | np.linalg.norm(A, axis=(0,)) |
    A / np.linalg.norm(A, axis=-1, keepdims=True) | np.linalg.norm(x=v) |
    np.linalg.norm(B, keepdims=True) | np.linalg.norm(one_zero) |
    np.linalg.norm(v, keepdims=True) | np.linalg.norm(zeros_in_A, 4, axis=0) |
    np.linalg.norm(v, 2, 0, keepdims=True) | np.linalg.norm(A + 1j * C) |
    np.linalg.norm(A + 1j * C, 3, axis=0)
""")
FORMS["linalg.norm"] += NORMS
