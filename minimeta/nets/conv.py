"""Convolutional network for few-shot images: convolve, normalise, relu and pool, a few times over.

    each block:  x <- pool(relu(normalise(conv2d(x, W)) + b))          then one linear layer

The four-block form with 64 filters is the standard few-shot network (Vinyals et al. 2016). Images
are channels-last, (..., N, height, width, channels); filters are (3, 3, inputs, outputs).
"""

from minimeta.core import checks
from minimeta.core.backend import np, to_device
from minimeta.nets.convolution import conv2d
from minimeta.nets.layers import linear, relu
from minimeta.nets.net import Net
from minimeta.nets.pooling import pool_normalised

SIDE = 3  # every filter is 3x3


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
        checks.generator("rng", rng)
        blocks = [block(rng, D, C) for D, C in zip(depths[:-1], depths[1:])]
        W = rng.normal(scale=features**-0.5, size=(features, outputs))
        return to_device({"blocks": blocks, "last": {"W": W, "b": np.zeros(outputs)}})

    def apply(params, x):
        check_images(x, image_shape)
        for p in params["blocks"]:
            x = block_output(x, **p)
        x = np.reshape(x, (*np.shape(x)[:-3], features))  # (..., N, features)
        return linear(x, **params["last"])

    return Net(init, apply)


def block(rng, depth, filters):
    """Fresh parameters of one block, He et al. 2015: N(0, 2 / inputs of a filter)."""
    scale = (2 / (SIDE**2 * depth)) ** 0.5
    return {"W": rng.normal(scale=scale, size=(SIDE, SIDE, depth, filters)), "b": np.zeros(filters)}


def block_output(x, W, b):
    """One block: (..., N, h, w, D) -> (..., N, h/2, w/2, C), rounded down.

    Normalising, adding b and relu are increasing, so the largest of a square stays the largest:
    pooling first gives the same and leaves them a quarter of the pixels.
    """
    checks.floats("b", b)
    return relu(pool_normalised(conv2d(x, W)) + _over_images(b))


def check_blocks(image_shape, filters):
    """Height and width after all blocks; raise if the image is too small for that many."""
    checks.widths("image_shape", image_shape, at_least=3)
    checks.widths("filters", filters, at_least=1)
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels); it is {image_shape}.")
    height, width = (side // 2 ** len(filters) for side in image_shape[:2])
    if min(height, width) < 1:
        raise ValueError(
            f"{len(filters)} blocks halve {image_shape[0]}x{image_shape[1]} pixels to nothing; "
            "use fewer filters or larger images."
        )
    return height, width


def check_images(x, image_shape):
    """Raise unless x is (..., N, height, width, channels), of the sizes the network is made for."""
    checks.floats("x", x)
    if np.ndim(x) < 4 or tuple(np.shape(x)[-3:]) != tuple(image_shape):
        raise ValueError(f"x must be images (..., N, {image_shape}); its shape is {np.shape(x)}.")


def _over_images(b):
    """A bias (..., C) with axes to broadcast over (..., N, h, w, C)."""
    return np.reshape(b, (*b.shape[:-1], 1, 1, 1, b.shape[-1]))
