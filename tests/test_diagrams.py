"""Diagrams stay inside their sheet, and an ellipse is the level set it says."""

import matplotlib
import numpy
import pytest
from numpy.testing import assert_allclose

matplotlib.use("Agg")

from minimeta import diagrams, plots  # noqa: E402  (after the choice of a backend)


def test_an_ellipse_is_a_level_set():
    """(t - m)' A (t - m) = level at every point drawn."""
    matrix, centre = numpy.array([[2.0, 1.6], [1.6, 3.0]]), numpy.array([0.5, -1.0])
    fig, (ax,) = plots.figure()
    diagrams.ellipse(ax, matrix, centre, level=2.5)
    away = ax.lines[0].get_xydata() - centre
    assert_allclose(numpy.einsum("ni,ij,nj->n", away, matrix, away), 2.5, rtol=1e-12)
    plots.plt.close(fig)


def test_an_ellipse_needs_a_symmetric_matrix():
    with pytest.raises(ValueError, match="matrix must be symmetric"):
        diagrams.ellipse(plots.figure()[1][0], [[1.0, 2.0], [0.0, 1.0]])


@pytest.mark.parametrize("draw", [diagrams.loops, diagrams.tape, diagrams.lstm_cell])
def test_no_two_boxes_of_a_diagram_overlap(draw):
    fig, (ax,) = plots.figure(height=3.4)
    draw(ax)
    fig.canvas.draw()
    boxes = [t.get_bbox_patch() for t in ax.texts if t.get_bbox_patch() is not None]
    extents = [patch.get_window_extent() for patch in boxes]
    assert len(extents) >= 4
    for i, one in enumerate(extents):
        assert not any(one.overlaps(other) for other in extents[i + 1 :])
        assert ax.figure.bbox.contains(*one.min) and ax.figure.bbox.contains(*one.max)
    plots.plt.close(fig)
