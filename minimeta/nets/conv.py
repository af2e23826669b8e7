"""Convolutional network for few-shot images: blocks of convolution, normalisation, relu and pooling.

    each block:  x <- pool(relu(normalise(conv3x3(x, W)) + b))          then one linear layer

The four-block form with 64 filters is the standard few-shot network (Vinyals et al. 2016). Images are
channels-last, (..., N, height, width, channels); filters are (3, 3, inputs, outputs).
"""

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.nets.layers import linear, relu
from minimeta.nets.net import Net

SIDE = 3  # every filter is 3x3
STABLE = 1e-5  # added to the variance; the value of Ioffe & Szegedy's reference code


def conv(image_shape, filters=(64, 64, 64, 64), outputs=5):
    """A convolutional network: images (..., N, height, width, channels) -> (..., N, outputs).

    Each block halves height and width, rounding down. Every channel is normalised over the N images
    of its task, at test time too: a query set is normalised jointly, which is the "transductive"
    setting of the published MAML code.
    """
    height, width = check_blocks(image_shape, filters)
    depths = [image_shape[-1], *filters]
    features = height * width * depths[-1]
    checks.integer("outputs", outputs, at_least=1)

    def init(rng):
        blocks = [block(rng, D, C) for D, C in zip(depths[:-1], depths[1:])]
        W = rng.normal(scale=features**-0.5, size=(features, outputs))
        return to_device({"blocks": blocks, "last": {"W": W, "b": np.zeros(outputs)}})

    def apply(params, x):
        check_images(x, image_shape)
        for p in params["blocks"]:
            x = max_pool(relu(normalise(convolve(x, p["W"])) + _over_images(p["b"])))
        x = np.reshape(x, (*np.shape(x)[:-3], features))  # (..., N, features)
        return linear(x, **params["last"])

    return Net(init, apply)


def block(rng, depth, filters):
    """Fresh parameters of one block, He et al. 2015: N(0, 2 / inputs of a filter)."""
    scale = (2 / (SIDE**2 * depth)) ** 0.5
    return {"W": rng.normal(scale=scale, size=(SIDE, SIDE, depth, filters)), "b": np.zeros(filters)}


def convolve(x, W):
    """3x3 convolution with zeros outside the image: (..., N, h, w, D), (..., 3, 3, D, C)."""
    *images, height, width, depth = np.shape(x)
    patches = windows(x)  # (..., N, h, w, 9 D)
    flat = np.reshape(patches, (*images[:-1], -1, SIDE**2 * depth))  # (..., N h w, 9 D)
    W = np.reshape(W, (*np.shape(W)[:-4], SIDE**2 * depth, np.shape(W)[-1]))
    return np.reshape(np.matmul(flat, W), (*images, height, width, np.shape(W)[-1]))


def windows(x):
    """Every pixel with its eight neighbours: (..., h, w, D) -> (..., h, w, 9 D)."""
    height, width = np.shape(x)[-3:-1]
    around = [(0, 0)] * (np.ndim(x) - 3) + [(1, 1), (1, 1), (0, 0)]
    padded = np.pad(x, around, "constant")
    shifts = [(i, j) for i in range(SIDE) for j in range(SIDE)]
    return np.concatenate([padded[..., i : i + height, j : j + width, :] for i, j in shifts], axis=-1)


def normalise(x):
    """Zero mean and unit variance for every channel over the images of a task and their pixels."""
    axes = (-4, -3, -2)
    centred = x - np.mean(x, axis=axes, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=axes, keepdims=True) + STABLE)


def max_pool(x):
    """The largest of each 2x2 square; an odd last row or column is dropped."""
    *images, height, width, depth = np.shape(x)
    even = x[..., : height // 2 * 2, : width // 2 * 2, :]
    squares = np.reshape(even, (*images, height // 2, 2, width // 2, 2, depth))
    return np.max(squares, axis=(-4, -2))


def check_blocks(image_shape, filters):
    """Height and width after all blocks; raise if the image is too small for that many."""
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels); it is {image_shape}.")
    for name, value in [("image_shape", n) for n in image_shape] + [("filters", n) for n in filters]:
        checks.integer(name, value, at_least=1)
    height, width = (side // 2 ** len(filters) for side in image_shape[:2])
    if min(height, width) < 1:
        raise ValueError(
            f"{len(filters)} blocks halve {image_shape[0]}x{image_shape[1]} pixels to nothing; "
            "use fewer filters or larger images."
        )
    return height, width


def check_images(x, image_shape):
    """Raise unless x is (..., N, height, width, channels) with the sizes the network was made for."""
    if np.ndim(x) < 4 or tuple(np.shape(x)[-3:]) != tuple(image_shape):
        raise ValueError(f"x must be images (..., N, {image_shape}); its shape is {np.shape(x)}.")


def _over_images(b):
    """A bias (..., C) with axes to broadcast over (..., N, h, w, C)."""
    return b[..., None, None, None, :]
