"""Pictures of ideas: boxes and arrows on an axis, and ellipses of quadratic forms.

Every function draws on the `ax` it is given, as in plots.py, which makes the figure and saves it.
"""

import numpy

from minimeta.core import checks

BOX = {"boxstyle": "round,pad=0.4", "linewidth": 1.2}
OUTER, INNER, PLAIN, EDGE = "#D6E6F2", "#FBE3D4", "#F2F2F2", "#444444"


def box(ax, x, y, text, colour=PLAIN, size=9):
    """A rounded box with a text, centred at (x, y)."""
    style = {**BOX, "facecolor": colour, "edgecolor": EDGE}
    return ax.text(x, y, text, ha="center", va="center", fontsize=size, bbox=style, zorder=3)


def arrow(ax, start, end, text="", bend=0.0, colour=EDGE, shift=(0.0, 0.0), style="-"):
    """An arrow from one point to another, with a text beside its middle.

    bend curves it, as a share of its length; shift moves the text.
    """
    line = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.4, "linestyle": style}
    line |= {"connectionstyle": f"arc3,rad={bend}", "shrinkA": 2, "shrinkB": 2}
    ax.annotate("", end, start, arrowprops=line, zorder=2)
    middle = (numpy.add(start, end) / 2) + numpy.asarray(shift)
    ax.text(*middle, text, ha="center", va="center", fontsize=8, color=colour, zorder=4)


def blank(ax, width, height, title=""):
    """An axis without scales: a sheet of paper from (0, 0) to (width, height)."""
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    ax.set_title(title, fontsize=11)
    return ax


def loops(ax, title="one meta-training step"):
    """The inner loop inside the outer loop: what learns from what, and what the state is."""
    blank(ax, 10, 5.4, title)
    box(ax, 1.2, 3.2, "meta\n" + r"$\theta$", OUTER)
    box(ax, 5.0, 3.2, "adapt\n" + r"$\phi=\theta-\alpha\nabla L(\theta)$", INNER)
    box(ax, 8.9, 3.2, "query loss\n" + r"$L(\phi)$", OUTER)
    box(ax, 5.0, 1.0, "support of one task", INNER)
    box(ax, 8.9, 1.0, "query of the\nsame task", OUTER)
    arrow(ax, (1.8, 3.2), (3.5, 3.2))
    arrow(ax, (6.5, 3.2), (7.8, 3.2), r"$\phi$", shift=(0, 0.3))
    arrow(ax, (5.0, 1.4), (5.0, 2.6), "inner loop", shift=(-1.1, 0))
    arrow(ax, (8.9, 1.6), (8.9, 2.6))
    back = "outer loop: the gradient of the query loss, back through the inner step"
    ax.plot([8.9, 8.9, 1.2], [3.9, 4.7, 4.7], color=EDGE, linewidth=1.4, linestyle="--")
    arrow(ax, (1.2, 4.7), (1.2, 3.8), style="--")
    ax.text(5.0, 4.95, back, ha="center", fontsize=8, color=EDGE)
    return ax


def tape(ax, title="what grad records, and how it goes back"):
    """A tape: the calls of y = tanh(w x)^2 forwards, and the gradient that comes back."""
    blank(ax, 10, 4.6, title)
    places = [(1.0, "w"), (3.6, "times x"), (6.2, "tanh"), (8.8, "square")]
    values = ["", "\n" + r"$u=wx$", "\n" + r"$v=\tanh u$", "\n" + r"$y=v^2$"]
    for (x, name), value in zip(places, values):
        box(ax, x, 3.2, name + value, OUTER)
    for (left, _), (right, _) in zip(places, places[1:]):
        arrow(ax, (left + 0.5, 3.2), (right - 1.0, 3.2))
    factors = [r"$\times\,x$", r"$\times\,(1-v^2)$", r"$\times\,2v$"]
    for (left, _), (right, _), factor in zip(places, places[1:], factors):
        arrow(ax, (right, 2.5), (left, 2.5), factor, bend=-0.35, colour="#D55E00", shift=(0, -0.75))
    ax.text(5.0, 0.5, "forwards: values        back: gradients", ha="center", fontsize=8)
    return ax


def lstm_cell(ax, title="one step of an LSTM"):
    """An LSTM cell: what is kept of the cell state, what is written to it, and what is shown."""
    blank(ax, 10, 6.4, title)
    arrow(ax, (0.0, 5.4), (1.5, 5.4), r"$c_{t-1}$", shift=(-0.2, 0.4))
    box(ax, 1.9, 5.4, r"$\times$", INNER, 11)
    arrow(ax, (2.3, 5.4), (5.1, 5.4))
    box(ax, 5.5, 5.4, r"$+$", INNER, 11)
    arrow(ax, (5.9, 5.4), (10.0, 5.4), r"$c_t$", shift=(1.6, 0.4))
    gates = [
        (1.9, "forget gate\n" + r"$f=\sigma(\cdot)$"),
        (4.3, "input gate\n" + r"$i=\sigma(\cdot)$"),
    ]
    gates += [
        (6.7, "candidate\n" + r"$g=\tanh(\cdot)$"),
        (9.0, "output gate\n" + r"$o=\sigma(\cdot)$"),
    ]
    for x, text in gates:
        box(ax, x, 2.3, text, OUTER, 8)
        arrow(ax, (5.5, 0.95), (x, 1.7))
    arrow(ax, (1.9, 2.95), (1.9, 5.0))
    box(ax, 5.5, 4.0, r"$\times$", INNER, 11)
    arrow(ax, (4.3, 2.95), (5.2, 3.75))
    arrow(ax, (6.7, 2.95), (5.8, 3.75))
    arrow(ax, (5.5, 4.35), (5.5, 5.0))
    box(ax, 9.0, 4.0, r"$\times\,\tanh c_t$", INNER)
    arrow(ax, (9.0, 2.95), (9.0, 3.6))
    arrow(ax, (9.0, 5.4), (9.0, 4.4))
    arrow(ax, (8.1, 4.0), (7.2, 4.0), r"$h_t$", shift=(0, 0.35))
    box(ax, 5.5, 0.6, r"$[\,x_t,\ h_{t-1},\ 1\,]$")
    return ax


def ellipse(ax, matrix, centre=(0.0, 0.0), level=1.0, label=None, **style):
    """The points (t - centre)' matrix (t - centre) = level of a positive definite (2, 2) matrix."""
    checks.covariance("matrix", numpy.asarray(matrix, dtype=float))
    turn = numpy.linspace(0.0, 2.0 * numpy.pi, 181)
    circle = numpy.stack([numpy.cos(turn), numpy.sin(turn)])
    half = numpy.linalg.cholesky(numpy.asarray(matrix, dtype=float))
    ring = numpy.linalg.solve(half.T, circle) * level**0.5
    ax.plot(ring[0] + centre[0], ring[1] + centre[1], label=label, **style)
    return ax


def fisher_beside_diagonal(ax, fisher, centre=(0.0, 0.0)):
    """A Fisher ellipse and the one that its diagonal alone draws."""
    ellipse(ax, fisher, centre, label="full Fisher", color="#0072B2", linewidth=2)
    alone = numpy.diag(numpy.diag(fisher))
    ellipse(ax, alone, centre, label="its diagonal", color="#D55E00", linewidth=2, linestyle="--")
    ax.plot(*centre, "k+", markersize=9)
    ax.set_aspect("equal", adjustable="datalim")
    return ax
