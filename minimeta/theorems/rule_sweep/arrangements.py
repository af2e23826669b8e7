"""Forms of the functions that move, repeat, join, split or pick elements."""

from minimeta.theorems.rule_sweep.text import read

FORMS = read("""
reshape: np.reshape(A, (2, 6)) | np.reshape(A, -1) | np.reshape(A, [4, 3]) | A.reshape(6, 2) |
    A.reshape((6, 2)) | A.reshape(-1) | np.reshape(A, (2, 6), order='F') | A.reshape(2, -1) |
    np.reshape(s, (1, 1)) | np.reshape(E, (0,)) | np.reshape(A, (2, 6), 'F') | np.reshape(u, ()) |
    A.reshape((2, 6), order='F') | A.reshape(2, 6, order='F') | np.reshape(A, (2, 6), order='A')
ravel: np.ravel(A) | A.ravel() | A.flatten() | np.ravel(A, 'F') | np.ravel(A, order='F') |
    np.ravel(s) | np.ravel(A.T) | np.ravel(A.T, 'K') | np.ravel(A.T, 'A') | A.flatten('F')
transpose: np.transpose(A) | A.T | np.transpose(B, (1, 2, 0)) | np.transpose(B, (-1, 0, 1)) |
    B.T | np.transpose(B, axes=[2, 0, 1]) | np.transpose(B) | np.transpose(s) | A.transpose() |
    B.transpose((1, 2, 0)) | B.transpose(1, 2, 0) | A.transpose(1, 0) | B.transpose(None)
permute_dims: np.permute_dims(B, (2, 0, 1))
swapaxes: np.swapaxes(A, 0, 1) | np.swapaxes(B, -1, 0) | B.swapaxes(0, 1)
moveaxis: np.moveaxis(B, 0, 2) | np.moveaxis(B, -1, 0) | np.moveaxis(B, (0, 1), (-1, 0)) |
    np.moveaxis(B, [0, 2], [1, 0]) | np.moveaxis(B, source=0, destination=1)
rollaxis: np.rollaxis(B, 2) | np.rollaxis(B, 1, 3) | np.rollaxis(B, 0, 2) | np.rollaxis(B, 2, 1) |
    np.rollaxis(B, -1) | np.rollaxis(B, -1, -2) | np.rollaxis(B, 1, -1)
expand_dims: np.expand_dims(A, 1) | np.expand_dims(A, -1) | np.expand_dims(A, (0, 2)) |
    np.expand_dims(s, 0) | np.expand_dims(A, axis=(0, -1))
squeeze: np.squeeze(row) | np.squeeze(col, 1) | np.squeeze(one) | np.squeeze(one, axis=(0, 1)) |
    col.squeeze(-1) | np.squeeze(A) | one.squeeze() | np.squeeze(s)
atleast_1d: np.atleast_1d(s) | np.atleast_1d(A)
atleast_2d: np.atleast_2d(s) | np.atleast_2d(v) | np.atleast_2d(B)
atleast_3d: np.atleast_3d(s) | np.atleast_3d(v) | np.atleast_3d(A) | np.atleast_3d(B)
flipud: np.flipud(A) | np.flipud(v)
fliplr: np.fliplr(A) | np.fliplr(B)
rot90: np.rot90(A) | np.rot90(A, 2) | np.rot90(A, -1) | np.rot90(A, k=3) | np.rot90(B, 1) |
    np.rot90(B, 1, (1, 2)) | np.rot90(B, k=1, axes=(2, 0)) | np.rot90(A, 1, (1, 0))
roll: np.roll(A, 1) | np.roll(A, -2, 0) | np.roll(A, 1, axis=1) |
    np.roll(A, (1, 2), axis=(0, 1)) | np.roll(v, 7) | np.roll(A, 2, axis=(0, 1)) |
    np.roll(A, [1, -1], (1, 0)) | np.roll(B, 5) | np.roll(A, (1, 2), axis=1) | np.roll(E, 1) |
    np.roll(s, 1)
repeat: np.repeat(A, 2) | np.repeat(A, 2, 0) | np.repeat(A, 3, axis=1) |
    np.repeat(A, 2, axis=-1) | np.repeat(v, 1) | np.repeat(s, 4) | np.repeat(row, 3, axis=0) |
    np.repeat(col, 2, axis=1) | np.repeat(A, [1, 0, 2], axis=0) | np.repeat(v, [1, 2, 0, 3]) |
    np.repeat(B, 2, axis=-2) | A.repeat(2) | A.repeat(2, axis=-1) | np.repeat(A, [2], axis=0) |
    np.repeat(A, 0, axis=0) | np.repeat(row, [3], axis=0) | np.repeat(v, numpy.array(2)) |
    np.repeat(A, repeats=2, axis=-1) | np.repeat(B, 3, -3) | np.repeat(E, 2, axis=1) |
    np.repeat(u, 3)
tile: np.tile(v, 2) | np.tile(A, 2) | np.tile(A, (2,)) | np.tile(A, (2, 1)) | np.tile(A, (1, 3)) |
    np.tile(A, (2, 3)) | np.tile(v, (2, 3)) | np.tile(A, (2, 1, 3)) | np.tile(B, 2) |
    np.tile(B, (2, 3)) | np.tile(s, 3) | np.tile(s, (2, 2)) | np.tile(A, 1) | np.tile(A, [2, 2]) |
    np.tile(v, numpy.array([2, 3])) | np.tile(A, 0) | np.tile(A, ()) | np.tile(A, reps=(3, 1)) |
    np.tile(E, 2) | np.tile(u, (3, 1, 2))
broadcast_to: np.broadcast_to(v, (3, 4)) | np.broadcast_to(A, (2, 3, 4)) |
    np.broadcast_to(s, (2,)) | np.broadcast_to(col, (3, 4)) | np.broadcast_to(A, (3, 4)) |
    np.broadcast_to(v, shape=(2, 4)) | np.broadcast_to(s, 3) | np.broadcast_to(row, [2, 3, 4]) |
    np.broadcast_to(v, (0, 4))
concatenate: np.concatenate([A, C]) | np.concatenate([A, C], 1) |
    np.concatenate((A, col), axis=-1) | np.concatenate([v, w, v]) | np.concatenate([A]) |
    np.concatenate([B, B * s], axis=-2) | np.concatenate([A, E], 0) |
    np.concatenate([A, integers]) | np.concatenate([A, C], axis=None) |
    np.concatenate([v, col], axis=None) | np.concat([A, C], axis=1) | np.concat([A, C])
stack: np.stack([A, C]) | np.stack([A, C], -1) | np.stack((v, v * s), axis=1) | np.stack([s, t]) |
    np.stack([A, numpy.ones((3, 4))]) | np.stack([s, 1.0]) | np.stack(B)
vstack: np.vstack([A, C]) | np.vstack([v, A]) | np.vstack([v, v]) | np.vstack([s, t])
row_stack: np.row_stack([A, v])
hstack: np.hstack([A, col]) | np.hstack([v, w]) | np.hstack([s, v]) | np.hstack([B, B])
column_stack: np.column_stack([v, v * s]) | np.column_stack([A, v3]) | np.column_stack([A, C])
append: np.append(A, C) | np.append(A, C, 0) | np.append(v, s) | np.append(A, col, axis=1) |
    np.append(v, [1.0, 2.0]) | np.append(v, values=w)
array: np.array([s, t]) | np.array([[s, t], [t, 1.0]]) | np.array([v, 2 * v]) | np.array(A) |
    np.array([A[0], A[1] * s]) | np.array([s, 2]) | np.array((s, t), dtype=float) |
    np.array([A]) | np.array(A, ndmin=3) | np.array(A, copy=True) | np.array([[v], [v * s]]) |
    np.array([s])
asarray: np.asarray(A) | np.asarray([s, t]) | np.asarray([v, w[:4]]) | np.asarray(A, float)
full: np.full((2, 3), s) | np.full(4, s) | np.full((2, 4), v) | np.full(shape=3, fill_value=s) |
    np.full((2, 3), s, float) | np.full((), s)
full_like: np.full_like(A, s) | np.full_like(numpy.ones((2, 4)), v) | np.full_like(A, 2.0) * A
linspace: np.linspace(s, t, 5) | np.linspace(0.0, s, num=4) |
    np.linspace(s, 1.0, 3, endpoint=False) | np.linspace(s, 2, 1) | np.linspace(v, 1.0, 3) |
    np.linspace(s, t) | np.linspace(s, v, 4) | np.linspace(v, v + s, 3, axis=-1) |
    np.linspace(s, t, num=3, endpoint=False)
split: np.split(A, 2, 1)[0] | np.split(v, 2)[1] | np.split(A, [1], axis=0)[1] |
    np.split(v, [1, 3])[1] | np.concatenate(np.split(A, [1, 3], axis=-1)[::-1], axis=1) |
    np.split(w, 5)[2] | np.split(A, 3)[1] * np.split(A, 3)[0] |
    np.split(v, indices_or_sections=2, axis=0)[0]
array_split: np.array_split(w, 2)[1] | np.array_split(A, 3, axis=1)[0] |
    np.array_split(w, [2])[0]
vsplit: np.vsplit(A, 3)[2] | np.vsplit(A, [1])[1]
hsplit: np.hsplit(A, 2)[1] | np.hsplit(v, 2)[1] | np.hsplit(A, [1, 2])[1]
dsplit: np.dsplit(B, 2)[1] | np.dsplit(B, [1])[0]
pad: np.pad(A, 1, 'constant') | np.pad(A, ((1, 2), (0, 3)), 'constant') |
    np.pad(v, (1, 2), 'constant') | np.pad(A, 1) | np.pad(A, (1, 2)) | np.pad(A, ((1, 2),)) |
    np.pad(A, [[0, 0], [1, 0]]) | np.pad(A, pad_width=1, mode='constant') |
    np.pad(A, 1, 'constant', constant_values=3.0) | np.pad(A, 0) | np.pad(v, [2, 0]) |
    np.pad(A, 1, constant_values=((1, 2), (3, 4))) | np.pad(A, (2,)) |
    np.pad(B, ((0, 0), (1, 1), (2, 0))) | np.pad(E, 1) | np.pad(v, 3)
diag: np.diag(v) | np.diag(S) | np.diag(v, 1) | np.diag(v, k=-2) | np.diag(S, 1) | np.diag(A) |
    np.diag(A, 1) | np.diag(A, -1) | np.diag(A.T) | np.diag(u) | np.diag(A, 3) | np.diag(one)
diagonal: np.diagonal(S) | np.diagonal(A) | np.diagonal(A, 1) | np.diagonal(A, -1) |
    np.diagonal(B) | np.diagonal(B, 0, 1, 2) | np.diagonal(B, offset=1, axis1=-1, axis2=-2) |
    np.diagonal(B, -1, 0, 2) | np.diagonal(Q, 0, -1, -2) | np.diagonal(Q, axis1=1, axis2=2) |
    S.diagonal() | A.diagonal(1) | np.diagonal(A, 4) | np.diagonal(B, axis1=2, axis2=0)
trace: np.trace(S) | np.trace(A) | np.trace(A, 1) | np.trace(A, offset=-1) | np.trace(B) |
    S.trace() | np.trace(Q, 0, 1, 2) | np.trace(Q, axis1=-2, axis2=-1) | np.trace(B, 1, 2, 0) |
    np.trace(A, 4) | np.trace(Q, offset=1, axis1=1, axis2=2) | np.trace(S, dtype=float)
triu: np.triu(S) | np.triu(A, 1) | np.triu(B, k=-1) | np.triu(v)
tril: np.tril(S) | np.tril(A, -1) | np.tril(B, k=1) | np.tril(v)
make_diagonal: np.make_diagonal(A, axis1=-1, axis2=-2) | np.make_diagonal(v, 0, -1, -2)
sort: np.sort(v) | np.sort(A) | np.sort(A, axis=0) | np.sort(A, axis=None) | np.sort(B, 1) |
    np.sort(u) | np.sort(v, kind='stable') | np.sort(B, -2) | np.sort(E) | np.sort(v)[::-1]
partition: np.partition(v, 2) | np.partition(A, 1) | np.partition(A, 1, axis=0) |
    np.partition(A, 3, None) | np.partition(v, [0, 2]) | np.partition(v, kth=1)
flip: np.flip(A) | np.flip(A, 0) | np.flip(B, axis=(0, -1)) | np.flip(s)
copy: np.copy(A) | A.copy() * s
__getitem__: A[0] | A[:, 1:3] | A[..., None] | A[::-1] | A[[0, 2, 2]] | A[rows] |
    A[rows, columns] | A[mask] | A[A > 0] | v[-1] | A[1, 2] | A[(0, 1), (2, 2)] | A[:, [0, 0]] |
    A[[True, False, True]] | A[numpy.int64(1)] | A[None] | A[...] | s[()] | s[None] | v[[]] |
    A[True] | B[:, [0, 0], 1] | A[rows[:, None], columns] | B[0, ..., [1, 1]] |
    v[numpy.array(2)] | v[rows.tolist()] | A[numpy.bool_(True)] | A[1:1] | v[::2] | A[-1, ::-2] |
    B[..., 0] | E[0:0] | A[mask, None] | sum(v) | sum(row for row in A) | [*v][2]
select: np.select([A > 0, A > -1], [A, C]) | np.select([mask], [A]) |
    np.select([mask, ~mask], [A, 2.0]) | np.select([mask], [A], s) |
    np.select([mask], [v], default=1.0)
""")
