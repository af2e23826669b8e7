"""One task after another: what to carry along so that learning the next does not undo the last."""
