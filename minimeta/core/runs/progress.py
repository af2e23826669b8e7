"""How far a loop is, on stderr, so that what a lesson prints is the same in every run.

    for step in (progress := track(range(steps), "meta-train")):
        progress.log(loss)

On a terminal it rewrites one line ten times a second; its bar draws the loss in each part so far:

    meta-train █▆▅▃▂▂▁▁▁            450/1000  812/s  0.7s left  loss 0.0312

The line fits a terminal of 60 columns. Elsewhere, in a notebook or a log, it is silent, and
MINIMETA_PROGRESS=0 silences it everywhere.
"""

import contextlib
import math
import os
import sys
import time

from minimeta.core.backend import to_host

CELLS = 20  # in the bar, where there is room for them
FEWEST = 4  # cells that make a bar
PERIOD = 0.1  # seconds between two drawings on a terminal
COLUMNS = 80  # of a terminal that does not tell
BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-:=+*#"


def track(items, label="", stream=None, quiet=False):
    """The items, to be looped over, with the progress shown on `stream` (None: stderr).

    Its `log(loss)` notes a scalar to be shown. Items without a length get no time left. However the
    loop ends (break, exception, Ctrl-C), the cursor is on a fresh line. Raises TypeError for an
    array of losses.
    """
    return Track(items, " ".join(label.split()), stream, quiet)


class Track:
    """A class, not a record: a loop and the `log` called in its body share the last loss."""

    def __init__(self, items, label, stream, quiet):
        self.items, self.label, self.stream, self.quiet = items, label, stream, quiet
        self.loss = None

    def __iter__(self):
        stream = sys.stderr if self.stream is None else self.stream
        silent = self.quiet or os.environ.get("MINIMETA_PROGRESS") == "0"
        return iter(self.items) if silent or not _is_terminal(stream) else _draw_line(self, stream)

    def log(self, loss):
        if getattr(loss, "shape", ()) != ():
            raise TypeError(f"loss must be a scalar; its shape is {loss.shape}.")
        self.loss = loss  # as it is: to fetch it from a device now would make every step wait


def _draw_line(track, stream):
    """Yield the items; redraw the line when that is due, and once more at the end."""
    start = time.perf_counter()
    losses = _redraw(track, stream, [], 0, 0.0)
    count, due = 0, start + PERIOD
    try:
        for item in track.items:
            yield item
            count += 1
            now = time.perf_counter()
            if now >= due:
                due = now + PERIOD
                losses = _redraw(track, stream, losses, count, now - start)
    finally:
        _redraw(track, stream, losses, count, time.perf_counter() - start, ended=True)
        _write(stream, "\n")


def _redraw(track, stream, losses, count, seconds, ended=False):
    """Write over the line; return the losses that its bar shows, one for each cell reached."""
    total, loss = _length(track.items), _number(track.loss)
    reached = math.ceil(CELLS * count / total) if total else len(losses) + (count > 0)
    kept = losses[: max(reached - 1, 0)]
    losses = [*kept, *[loss] * (reached - len(kept))][-CELLS:]
    words = [track.label] if track.label else []
    words.append(report(count, total, seconds, loss, ended))
    width = _columns(stream) - 1  # a full line would wrap, and then not be rewritten
    cells = min(CELLS, width - len(" ".join(words)) - 1)
    if cells >= FEWEST:
        words.insert(-1, bar(losses, _marks(stream), cells))
    _write(stream, "\r" + " ".join(words)[:width].ljust(width))
    return losses


def report(count, total, seconds, loss, ended):
    """The progress in words: "450/1000  812/s  0.7s left  loss 0.0312"."""
    parts = [f"{count}" if total is None else f"{count}/{total}"]
    if count and seconds:
        rate = count / seconds
        parts.append(f"{rate:.0f}/s" if rate >= 9.95 else f"{rate:.2g}/s")  # two digits at least
    if total and count and not ended:
        parts.append(f"{duration(seconds / count * max(total - count, 0))} left")
    elif count:
        parts.append(f"in {duration(seconds)}")
    return "  ".join(parts if loss is None else [*parts, f"loss {loss:.4g}"])


def duration(seconds):
    """A time in its two largest units: "0.7s", "42s", "3m05s", "2h07m", "5d03h"."""
    if seconds < 9.95:  # what a tenth still says something about
        return f"{seconds:.1f}s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours:02d}h"
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{seconds:02d}s" if minutes else f"{seconds}s"


def bar(losses, marks, cells=CELLS):
    """A mark for each loss, the larger the higher; "!" where it is not finite.

    There is one for each of CELLS losses, or for every second, third, ... where there are fewer
    `cells`.
    """
    losses = losses[:: -(-CELLS // cells)]
    finite = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    half = high / 2 - low / 2  # halves, because the difference itself could overflow

    def mark(loss):
        if loss is None:  # nothing was logged: a plain bar
            return marks[-1]
        if not math.isfinite(loss):
            return "!"
        return marks[round((loss / 2 - low / 2) / half * (len(marks) - 1))] if half else marks[0]

    return "".join(map(mark, losses)).ljust(cells)


def _number(loss):
    return None if loss is None else float(to_host(loss))


def _length(items):
    try:
        return len(items)
    except (TypeError, OverflowError):  # none, or one that len cannot give
        return None


def _is_terminal(stream):
    with contextlib.suppress(AttributeError, ValueError):  # no such method, or a closed file
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    return False


def _columns(stream):
    with contextlib.suppress(AttributeError, OSError, ValueError):  # not a real terminal
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS
    return COLUMNS


def _sayable(stream, text):
    """The text with "?" for what the stream's encoding lacks."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _marks(stream):
    """Blocks, or ASCII where the stream's encoding lacks some (Windows' cp1252, cp437)."""
    return BLOCKS if _sayable(stream, BLOCKS) == BLOCKS else ASCII


def _write(stream, text):
    """Write at once; a stream that is full or closed must not end the loop."""
    with contextlib.suppress(OSError, ValueError):
        stream.write(_sayable(stream, text))
        stream.flush()
