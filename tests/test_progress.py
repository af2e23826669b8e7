"""The progress line says the truth, keeps out of the way, and never ends the loop it describes."""

import io
import itertools
import math
import os
import subprocess
import sys
import time

import numpy
import pytest

from minimeta.core.runs.progress import bar, duration, report, track


class Terminal(io.StringIO):
    """A stream that says it is a terminal, of an encoding and (by `wide`) a width to choose."""

    def __init__(self, encoding="utf-8"):
        super().__init__()
        self.name = encoding

    encoding = property(lambda self: self.name)

    def isatty(self):
        return True

    def drawings(self):
        """What the line showed, one after another; what came after the last newline is checked."""
        *lines, rest = self.getvalue().split("\n")
        assert rest == "", "the cursor is not on a fresh line"
        return [drawing.rstrip() for line in lines for drawing in line.split("\r")[1:]]


@pytest.fixture(autouse=True)
def wanted(monkeypatch):
    monkeypatch.delenv("MINIMETA_PROGRESS", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves: clock[0] is the time in seconds."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


# ---- the loop is untouched


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize(
    "items", [range(0), range(7), "abc", [3, 1], {"a": 1, "b": 2}, iter("xyz")]
)
def test_the_items_come_through(stream, items):
    expected = list(items)
    items = iter(expected) if not hasattr(items, "__len__") else items
    assert list(track(items, "x", stream())) == expected


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_length_that_is_wrong_or_too_large_to_tell_does_no_harm(stream):
    class Liar(list):
        def __len__(self):
            return 2

    assert list(track(Liar(range(100)), "x", stream())) == list(range(100))
    assert list(itertools.islice(track(range(10**30), "x", stream()), 100)) == list(range(100))


def test_an_item_is_not_taken_before_it_is_needed():
    taken = []
    source = (taken.append(i) or i for i in range(5))
    for i in track(source, stream=io.StringIO()):
        assert taken == list(range(i + 1))


def test_a_loop_can_be_run_again():
    stream = Terminal()
    progress = track(range(4), "x", stream)
    assert list(progress) == list(progress) == [0, 1, 2, 3]
    assert stream.getvalue().count("\n") == 2


# ---- on a terminal: one line


def test_the_line_says_count_rate_time_left_and_the_last_loss(clock):
    stream = Terminal()
    for i in (progress := track(range(20), "", stream)):
        progress.log(2.0 / (i + 1))
        clock[0] += 0.5
    shown = [" ".join(drawing.split()[1:]) for drawing in stream.drawings()]
    assert "2/20 2/s 9.0s left loss 1" in shown and "10/20 2/s 5.0s left loss 0.2" in shown
    assert shown[-1] == "20/20 2/s in 10s loss 0.1"


def test_a_training_line_is_whole_at_60_columns(monkeypatch, clock):
    stream = Terminal()
    stream.fileno = lambda: 0
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: os.terminal_size((60, 24)))
    for _ in (progress := track(range(20_000), "meta-train", stream)):
        progress.log(0.01234)
        clock[0] += 0.001
    assert all(drawing.endswith("loss 0.01234") for drawing in stream.drawings()[2:])


def test_a_terminal_gets_one_line_rewritten_every_tenth_of_a_second(clock):
    stream = Terminal()
    for i in (progress := track(range(1000), "meta-train", stream)):
        progress.log(1000.0 - i)
        clock[0] += 0.001
    drawings = stream.drawings()
    assert stream.getvalue().count("\n") == 1 and stream.getvalue().startswith("\r")
    assert 10 <= len(drawings) <= 12  # one second
    assert drawings[0].split() == ["meta-train", "0/1000"]
    assert drawings[-1].endswith("1000/1000  1000/s  in 1.0s  loss 1")


def test_a_fast_loop_costs_a_terminal_two_drawings():
    stream = Terminal()
    for _ in track(range(1000), "work", stream):
        pass
    assert len(stream.drawings()) <= 3  # more only if this machine stalls for a tenth of a second


def test_the_bar_draws_the_loss_of_each_part(clock):
    stream = Terminal()
    for i in (progress := track(range(160), "x", stream)):
        progress.log(7.0 - i // 20)
        clock[0] += 1.0
    steps = [7 - (8 * cell + 7) // 20 for cell in range(20)]  # the last loss of 8 is shown
    blocks = "".join("▁▂▃▄▅▆▇█"[step] for step in steps)
    assert stream.drawings()[-1].startswith(f"x {blocks} 160/160")
    half = "".join(
        {7: "█", 6: "▆", 5: "▃", 4: "▁"}[step] for step in steps[:10]
    )  # 4 to 7, in eighths
    assert stream.drawings()[80].startswith(f"x {half:<20} 80/160")


def test_without_a_loss_the_bar_is_plain(clock):
    stream = Terminal()
    for _ in track(range(20), "x", stream):
        clock[0] += 1.0
    assert stream.drawings()[5] == "x " + "█" * 5 + " " * 15 + " 5/20  1/s  15s left"


def test_without_a_length_the_bar_draws_the_latest_losses(clock):
    stream = Terminal()
    for i in (progress := track(itertools.count(), "x", stream)):
        progress.log(float(i < 50))
        clock[0] += 1.0
        if i == 59:
            break
    assert stream.drawings()[-1].startswith("x " + "█" * 10 + "▁" * 10 + " 59  0.98/s  in 1m00s")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_shown(clock, bad):
    stream = Terminal()
    for i in (progress := track(range(20), "x", stream)):
        progress.log(bad if i >= 10 else float(i))
        clock[0] += 1.0
    assert stream.drawings()[-1].endswith(f"loss {bad}")
    assert "█!!!!!!!!!!" in stream.getvalue()


@pytest.mark.parametrize("columns", [1, 2, 10, 40, 79, 200])
def test_a_line_never_reaches_the_last_column(monkeypatch, clock, columns):
    stream = Terminal()
    stream.fileno = lambda: 0
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: os.terminal_size((columns, 24)))
    for i in (progress := track(range(9), "a label of some length", stream)):
        progress.log(i)
        clock[0] += 1.0
    lengths = {len(text.strip("\n")) for text in stream.getvalue().split("\r")[1:]}
    assert lengths == {columns - 1}  # all the same: so each covers the one before


def test_a_terminal_that_reports_no_width_is_taken_for_80_columns(monkeypatch):
    for answer in (lambda fd: os.terminal_size((0, 0)), None):
        stream = Terminal()
        if answer:
            stream.fileno = lambda: 0
            monkeypatch.setattr(os, "get_terminal_size", answer)
        list(track(range(3), "x", stream))
        assert {len(text.strip("\n")) for text in stream.getvalue().split("\r")[1:]} == {79}


def test_a_label_takes_no_more_room_than_it_needs():
    bare, broken = Terminal(), Terminal()
    list(track(range(1), "", bare))
    list(track(range(1), " two\n lines ", broken))
    assert bare.drawings()[-1].startswith("█" * 20 + " 1/1 ")
    assert broken.drawings()[-1].startswith("two lines " + "█" * 20 + " 1/1 ")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437"])
def test_a_terminal_that_lacks_the_blocks_gets_ascii(clock, encoding):
    stream = Terminal(encoding)
    for i in (progress := track(range(20), "ключ", stream)):
        progress.log(float(i % 8))
        clock[0] += 1.0
    assert stream.drawings()[-1].startswith("???? _.-:=+*#_.-:=+*#_.-: 20/20")
    stream.getvalue().encode(encoding)


# ---- silence


def test_silence_on_request_in_a_log_and_on_a_dumb_terminal(monkeypatch):
    quiet, asked, dumb, log = Terminal(), Terminal(), Terminal(), io.StringIO()
    assert list(track(range(20), "x", quiet, quiet=True)) == list(range(20))
    list(track(range(20), "x", log))
    monkeypatch.setenv("TERM", "dumb")
    list(track(range(20), "x", dumb))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("MINIMETA_PROGRESS", "0")
    for i in (progress := track(range(20), "x", asked)):
        progress.log(i)
    assert [stream.getvalue() for stream in (quiet, asked, dumb, log)] == ["", "", "", ""]


def test_progress_goes_to_stderr_as_it_is_when_the_loop_begins(capsys, monkeypatch):
    progress = track(range(10), "x")
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    list(progress)
    assert "10/10" in stream.drawings()[-1] and capsys.readouterr() == ("", "")


@pytest.mark.parametrize("stderr", [None, "closed", "full"])
def test_a_stream_that_takes_nothing_does_not_end_the_loop(monkeypatch, stderr):
    def full(text):
        raise OSError(28, "No space left on device")

    stream = None if stderr is None else Terminal()
    if stderr == "closed":
        stream.close()
    if stderr == "full":
        stream.write = full
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(track(range(20))) == list(range(20))


def test_a_closed_file_does_not_end_the_loop(tmp_path):
    with open(tmp_path / "log", "w") as file:
        pass
    assert list(track(range(20), "x", file)) == list(range(20))


# ---- however the loop ends


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, None])
@pytest.mark.parametrize("label", ["work", ""])
def test_however_the_loop_ends_the_cursor_is_on_a_fresh_line(error, label):
    stream = Terminal()

    def run():
        for i in (progress := track(range(100), label, stream)):
            progress.log(1.0 / (i + 1))
            if i == 13 and error is None:
                break
            if i == 13:
                raise error("stop")

    if error is None:
        run()
    else:
        with pytest.raises(error):
            run()
    assert "13/100" in stream.drawings()[-1] and "left" not in stream.drawings()[-1]
    assert stream.getvalue().endswith("\n")


def test_an_error_in_the_items_ends_the_line_too():
    def items():
        yield 1
        raise RuntimeError("no more")

    stream = Terminal()
    with pytest.raises(RuntimeError, match="no more"):
        list(track(items(), "x", stream))
    assert stream.getvalue().endswith("\n")


# ---- what is logged


@pytest.mark.parametrize(
    "loss", [1, 0.5, True, numpy.float32(0.5), numpy.array(0.5), numpy.array(3)], ids=repr
)
def test_any_scalar_can_be_logged(loss):
    stream = Terminal()
    for _ in (progress := track(range(1), "x", stream)):
        progress.log(loss)
    assert stream.drawings()[-1].endswith(f"loss {float(loss):g}")


def test_a_loss_stays_on_its_device_until_it_is_shown(clock):
    class Device:
        """A scalar on a device that counts how often it is fetched."""

        shape, fetched = (), 0

        def get(self):
            Device.fetched += 1
            return numpy.array(0.25)

    stream = Terminal()
    for _ in (progress := track(range(1000), "x", stream)):
        progress.log(Device())
    assert Device.fetched == 1 and stream.drawings()[-1].endswith("loss 0.25")


@pytest.mark.parametrize("loss", [numpy.ones(1), numpy.ones((2, 3))])
def test_an_array_of_losses_is_refused_at_once(loss):
    with pytest.raises(
        TypeError, match=rf"^loss must be a scalar; its shape is \({loss.shape[0]},"
    ):
        track(range(3)).log(loss)


# ---- its parts


def test_the_bar_spans_the_losses_from_lowest_to_highest():
    assert bar([0.0, 1.0, 2.0, 7.0, 3.5], "01234567") == "01274" + " " * 15
    assert bar([2.0, 2.0], "01234567") == "00" + " " * 18
    assert bar([], "01") == " " * 20
    assert bar([None, 1.0, math.nan, 2.0], "01").rstrip() == "10!1"
    assert bar([-1.7e308, 1.7e308, 0.0], "012").rstrip() == "021"
    assert bar([5e-324, 0.0], "01").rstrip() in ("10", "00")
    assert bar([math.nan] * 20, "01") == "!" * 20
    assert bar([float(i) for i in range(20)], "0123456789", 10) == "0123456789"


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0.0s"),
        (0.04, "0.0s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (185, "3m05s"),
        (3599.6, "1h00m"),
        (7620, "2h07m"),
        (86399.9, "1d00h"),
        (5 * 86400 + 3 * 3600, "5d03h"),
    ],
)
def test_times_have_two_units(seconds, text):
    assert duration(seconds) == text


def test_reports_leave_out_what_is_unknown():
    assert report(0, 10, 0.0, None, False) == "0/10"
    assert report(0, None, 5.0, None, False) == "0"
    assert report(5, None, 10.0, None, False) == "5  0.5/s  in 10s"
    assert report(5, 10, 10.0, math.nan, False) == "5/10  0.5/s  10s left  loss nan"
    assert report(12, 10, 1.0, 1e-12, False) == "12/10  12/s  0.0s left  loss 1e-12"


# ---- for real

LOOP = """
import sys
from minimeta.core.runs.progress import track
for i in (progress := track(range(50), "real")):
    progress.log(1.0 / (i + 1))
print("done")
"""


def test_in_a_pipe_the_output_of_the_program_stays_its_own():
    run = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True)
    assert run.stdout == "done\n" and run.stderr == ""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_on_a_real_terminal_of_30_columns_the_line_fits():
    import fcntl
    import struct
    import termios

    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    subprocess.run(
        [sys.executable, "-c", LOOP], stderr=terminal, stdout=subprocess.DEVNULL, check=True
    )
    os.close(terminal)
    text = os.read(controller, 100_000).decode()
    os.close(controller)
    assert text.endswith("\r\n") and text.count("\n") == 1
    assert {len(drawing) for drawing in text.strip("\r\n").split("\r")} == {29}


def test_the_cost_of_an_iteration_is_less_than_a_microsecond():
    def seconds(items):
        start = time.perf_counter()
        for _ in items:
            pass
        return time.perf_counter() - start

    count = 50_000
    for stream in (Terminal, io.StringIO):
        cost = min(seconds(track(range(count), "x", stream())) for _ in range(5)) / count
        assert cost < 1e-6  # measured: 0.1 to 0.2e-6 on a free machine
