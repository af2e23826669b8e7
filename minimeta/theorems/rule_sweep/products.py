"""Forms of products: dot, matmul, einsum, tensordot and the rest, and of Fourier transforms."""

from minimeta.theorems.rule_sweep.text import read

FORMS = read("""
matmul: A @ M | np.matmul(A, M) | A @ v | v3 @ A | v @ v | B @ M | A @ N | B @ v | B @ N |
    v3 @ B | N @ T | col @ row | one @ one | v @ (2 * v) | S @ S | B @ numpy.ones((4, 2)) |
    numpy.ones((5, 3)) @ A | E @ M | Q @ S | S @ Q | B5 @ M | B5 @ N | col @ u | u @ row |
    A @ [1.0, 2.0, 3.0, 4.0] | B1 @ N | A @ N1 | B5 @ v | v3 @ B5
dot: np.dot(A, M) | np.dot(A, v) | np.dot(v3, A) | np.dot(v, v) | np.dot(s, A) | np.dot(A, s) |
    np.dot(s, t) | np.dot(B, M) | np.dot(A, N) | np.dot(B, N) | np.dot(B, v) | np.dot(v, N) |
    np.dot(2.0, A) | np.dot(A, 2) | np.dot(E, M) | A.dot(M) | np.dot(v3, B) |
    np.dot(one, one) | np.dot(s, v) | np.dot(A, [1.0, 0.0, 2.0, 1.0]) | np.dot(B5, M)
inner: np.inner(v, v) | np.inner(A, v) | np.inner(v, A) | np.inner(A, C) | np.inner(B, A) |
    np.inner(s, A) | np.inner(A, s) | np.inner(B, B) | np.inner(s, t) | np.inner(A, 2.0)
outer: np.outer(v, w) | np.outer(A, v) | np.outer(v, A) | np.outer(A, C) | np.outer(s, v) |
    np.outer(v, s) | np.outer(s, t) | np.outer(v, v) | np.outer(v, [1.0, 2.0]) |
    np.outer(2.0, v) | np.outer(E, v)
tensordot: np.tensordot(A, M, 1) | np.tensordot(B, B, 3) | np.tensordot(A, C) |
    np.tensordot(A, C, axes=0) | np.tensordot(B, A, axes=([1, 2], [0, 1])) |
    np.tensordot(B, A, ((1, -1), (0, 1))) | np.tensordot(A, M, axes=(1, 0)) |
    np.tensordot(v, v, 1) | np.tensordot(A, C, axes=([0], [0])) |
    np.tensordot(A, C, axes=([1, 0], [1, 0])) | np.tensordot(s, A, 0) | np.tensordot(A, s, 0) |
    np.tensordot(B, N, axes=([0, 2], [0, 1])) | np.tensordot(A, S4, axes=(-1, -1)) |
    np.tensordot(B, N, axes=(numpy.array([2, 0]), [1, 0])) | np.tensordot(v, A, axes=([], [])) |
    np.tensordot(B, N, axes=([2, 0], [1, 0]))
kron: np.kron(A, M) | np.kron(v, w) | np.kron(s, A) | np.kron(A, s) | np.kron(v, A) |
    np.kron(A, v) | np.kron(s, t) | np.kron(B, A) | np.kron(A, B) | np.kron(B, v) |
    np.kron(numpy.eye(2), A) | np.kron(v, B) | np.kron(A, 2.0) | np.kron(S, S)
cross: np.cross(v3, v3b) | np.cross(A3, v3) | np.cross(v3, A3) | np.cross(A3, A3 * 2 + 1) |
    np.cross(A3.T, A3.T ** 2, axis=0) | np.cross(A3.T, A3, 0, 1) |
    np.cross(A3, A3 ** 2, axisc=0) | np.cross(A3, A3.T ** 2, axisb=0, axisc=0) |
    np.cross(B3, v3) | np.cross(B3, A3[:1]) | np.cross(v3, [1.0, 2.0, 3.0]) |
    np.cross(A3, A3 ** 2, -1, -1, -1, None)
einsum: np.einsum('ij,jk->ik', A, M) | np.einsum('ij,jk', A, M) | np.einsum('ij->ji', A) |
    np.einsum('ij', A) | np.einsum('ba', A) | np.einsum('ij->', A) | np.einsum('ij->j', A) |
    np.einsum('ii->', S) | np.einsum('ii', S) | np.einsum('ii->i', S) | np.einsum('bii->b', Q) |
    np.einsum('...ii->...', Q) | np.einsum('...ii->...i', Q) | np.einsum('ii,ij->j', S, S) |
    np.einsum('ij,ii->j', S, S) | np.einsum('iii->i', cube) | np.einsum('iij->j', cube) |
    np.einsum('iji->ij', cube) | np.einsum('iji->', cube) | np.einsum('ii,jj->ij', S, S) |
    np.einsum('...ij,...jk->...ik', B, M) | np.einsum('...ij,jk->...ik', B, M) |
    np.einsum('...,...', A, v) | np.einsum('...j,j->...', B, v) | np.einsum('i...->...', B) |
    np.einsum('i,j->ij', v, w) | np.einsum('i,i->', v, v) | np.einsum('i,i', v, v) |
    np.einsum('i->', v) | np.einsum(',i->i', s, v) | np.einsum(',->', s, t) | np.einsum('->', s) |
    np.einsum('ij,j->i', A, v) | np.einsum('ij,ij->', A, C) | np.einsum('mij,jk->k', B, M) |
    np.einsum('ij,jk,k->i', A, M, u2) | np.einsum('ij,ij,ij->i', A, C, A) |
    np.einsum(A, [0, 1], M, [1, 2], [0, 2]) | np.einsum(A, [0, 1], M, [1, 2]) |
    np.einsum(S, [0, 0]) | np.einsum(B, [Ellipsis, 0, 1], M, [1, 2], [Ellipsis, 0, 2]) |
    np.einsum(A, [0, 1], [1]) | np.einsum(S, [0, 0], [0]) | np.einsum(Q, [1, 0, 0], [1]) |
    np.einsum(A, [5, 2]) | np.einsum('ij,ij->ij', A, row) | np.einsum('ij,ij->j', col, A) |
    np.einsum('ij,jk->ik', A, one14) | np.einsum('ij,ij->i', row, col) | np.einsum('ii->i', one) |
    np.einsum('...j,...j->...', B, row) | np.einsum('i j , j k -> i k', A, M) |
    np.einsum('ij,jk->ik', A, M, optimize=True) |
    np.einsum('ij,jk,kl->il', A, M, M.T, optimize='greedy') | np.einsum('IJ->JI', A) |
    np.einsum('ij,kj->ik', A, numpy.ones((2, 4))) | np.einsum('ij,j->ij', numpy.ones((3, 4)), v) |
    np.einsum('ij,jk->ki', E, M) | np.einsum('...->...', A) |
    np.einsum('ij,i,j->', A, [1.0, 2.0, 3.0], v) | np.einsum('ii,i->i', S, v3) |
    np.einsum('iij->i', B22)
fft.fftshift: np.fft.fftshift(v) | np.fft.fftshift(w) | np.fft.fftshift(A) |
    np.fft.fftshift(A, 0) | np.fft.fftshift(A, axes=(1,)) | np.fft.fftshift(B, (0, 2))
fft.ifftshift: np.fft.ifftshift(v) | np.fft.ifftshift(w) | np.fft.ifftshift(A) |
    np.fft.ifftshift(A, 0) | np.fft.ifftshift(A, axes=(1,)) | np.fft.ifftshift(B, (0, 2))
""")
ONE = """v | w | A | A, 3 | A, 6 | A, n=5 | A, axis=0 | A, 2, 0 | B, axis=1 | v, norm='ortho'
    | v, norm='forward' | w, norm='backward' | A, 7, -2 | u3, n=4 | w, None, -1, 'ortho' | w, 8"""
TWO = """A | B | A, (2, 3) | A, s=(5, 6) | B, axes=(0, 1) | B, None, (2, 0) | A, norm='ortho'
    | A, (2, 6), norm='forward' | W"""
MANY = """B | v | W | B, axes=(0, 2) | B, s=(4, 3), axes=(1, 2) | B, axes=(1,) | A, norm='ortho'"""
for _end, _text in {"": ONE, "2": TWO, "n": MANY}.items():
    _real = [form.strip() for form in _text.split("|")]
    _complex = [form.replace("A", "(A + 1j * C)") for form in _real if "A" in form]
    for _name in ("fft", "ifft", "irfft", "rfft"):
        _forms = _real if _name == "rfft" else _real + _complex
        FORMS[f"fft.{_name}{_end}"] = [f"np.fft.{_name}{_end}({form})" for form in _forms]
