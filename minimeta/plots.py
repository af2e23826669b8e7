"""Figures. The only module that imports Matplotlib; every function draws on the `ax` it is given.

A figure shows before, after and the Bayes-optimal line, in colours that the colour-blind tell apart
(Okabe & Ito 2008), with labelled axes, readable at page width.
"""

import itertools
import math
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]  # Okabe & Ito
BEFORE, AFTER, BAYES = "#7F7F7F", COLOURS[0], "#000000"


STYLE = {
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
}


def figure(columns=1, rows=1, height=3.2):
    """A figure at page width with rows x columns axes; return (fig, [ax, ...])."""
    plt.draw_if_interactive()  # loads the backend, which turns notebooks' display on for good
    with plt.rc_context(STYLE):
        size = (max(5.0, 4.2 * columns), height * rows)
        fig, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    return fig, list(grid.flat)


def save(fig, name):
    """Write the figure as a PNG file and return its path.

    It goes to $MINIMETA_OUT, by default out/ or, in quick mode, out/quick/. The figure stays open
    where it can be seen, so that a notebook shows it under the cell.
    """
    usual = "out/quick" if os.environ.get("MINIMETA_QUICK") == "1" else "out"
    folder = Path(os.environ.get("MINIMETA_OUT", usual))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    fig.savefig(path, dpi=150)
    fig.set_layout_engine("none")  # its places stay: a notebook need not find them thrice more
    if plt.get_backend().lower() == "agg":
        plt.close(fig)
    return path


def labels(ax, x, y, title=None, legend=True):
    """Name the axes, and the panel; show the legend if anything on it has a name."""
    ax.set(xlabel=x, ylabel=y)
    if title:
        ax.set_title(title, fontsize=11)
    if legend and ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize=9)
    return ax


def band(ax, x, middle, half_width, label=None, **style):
    """A line with a shaded band around it, such as a mean and two standard errors."""
    (line,) = ax.plot(x, middle, label=label, **style)
    ax.fill_between(x, middle - half_width, middle + half_width, color=line.get_color(), alpha=0.2)
    return ax


def floor(ax, x, y, label="Bayes-optimal"):
    """The exact answer, dashed: the line below which no learner can be, on average."""
    ax.plot(x, y, color=BAYES, linestyle="--", linewidth=1.5, label=label)
    return ax


def against(ax, x, measured, exact, names, label="exact"):
    """Wide lines for what was measured under dashed ones for the exact answer: columns (T, K)."""
    for column, name in zip(measured.T, names):
        ax.plot(x, column, linewidth=4, alpha=0.7, label=name)
    for i, column in enumerate(exact.T):
        floor(ax, x, column, "" if i else label)
    return ax


def sweep(ax, rows, x=None):
    """The curves (T,) of the rows of `minimeta.sweep.table`, a line each, +- 2 standard errors."""
    for row, colour in zip(rows, itertools.cycle(COLOURS)):
        where = numpy.arange(len(row.mean)) if x is None else x
        name = ", ".join(f"{key}={value}" for key, value in row.setting.items()) or row.leaf
        band(ax, where, row.mean, 2.0 * row.standard_error, name, color=colour)
    return ax


def compare(ax, inside, outside, colours=None, names=("inside", "outside")):
    """A row for each learner: its excess over Bayes inside its distribution (dot), outside (ring).

    inside and outside are records of `minimeta.compare`, the latter with the same learners. Bars
    are the 95 % intervals of the means. The axis is logarithmic; what is below it by its interval
    is drawn at the left edge. colours is {name: colour}.
    """
    lows = [row.mean_interval[1] for row in inside.rows + outside.rows]
    least = 10.0 ** math.floor(math.log10(max(1e-6, min(lows))))
    for at, (row, far) in enumerate(zip(inside.rows, outside.rows)):
        colour = (colours or {}).get(row.name, COLOURS[0])
        values = [max(one.mean, least) for one in (row, far)]
        ax.plot(values, [at, at], color=colour, linewidth=1.0, alpha=0.5)
        for one, value, fill in zip((row, far), values, (colour, "white")):
            low, high = (max(limit, least) for limit in one.mean_interval)
            ax.plot([low, high], [at, at], color=colour, linewidth=3.0, alpha=0.6)
            ax.plot(value, at, "o", color=colour, markerfacecolor=fill, markersize=5)
    for name, fill in zip(names, (BEFORE, "white")):
        ax.plot([], [], "o", color=BEFORE, markerfacecolor=fill, label=name)
    ax.set_yticks(range(len(inside.rows)), [row.name for row in inside.rows], fontsize=8)
    ax.set(xscale="log", ylim=(len(inside.rows) - 0.5, -0.5))
    return ax


def histogram(ax, values, edges):
    """How many of the values lie between each pair of edges; the last edge belongs to its bin."""
    ax.hist(values, bins=list(edges), color=AFTER, edgecolor="white")
    return ax
