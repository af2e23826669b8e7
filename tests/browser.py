"""A headless Chromium that is asked through two pipes; needs no driver and no port.

with browser() as look:
    look(path_of_a_page, "document.title")
"""

import contextlib
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOUND = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")
PATIENCE = 120  # seconds for a page to load on a busy machine
LOADED = 'location.href != "about:blank" && document.readyState == "complete"'


@contextlib.contextmanager
def browser():
    """A function (url, script) -> what the script's value is on the page, once that has loaded."""
    (their_in, ours_out), (ours_in, their_out) = os.pipe(), os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (their_in, their_out)]

    def connect():  # Chromium listens on 3 and answers on 4
        os.dup2(high[0], 3)
        os.dup2(high[1], 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        words = [FOUND, *FLAGS, f"--user-data-dir={home}", "about:blank"]
        process = subprocess.Popen(
            words, pass_fds=(3, 4), preexec_fn=connect, stderr=subprocess.DEVNULL
        )
        for end in (their_in, their_out, *high):
            os.close(end)
        with open(ours_out, "wb", buffering=0) as out, open(ours_in, "rb") as answers:
            try:
                yield asker(out, answers)
            finally:
                process.kill()
                process.wait()


def asker(out, answers):
    """The function that browser() yields."""
    numbers = itertools.count(1)

    def ask(method, session=None, **params):
        number = next(numbers)
        message = {"id": number, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(read_message(answers))
            if answer.get("id") == number:
                return answer.get("result", {})

    def look(url, script):
        target = ask("Target.createTarget", url=url)["targetId"]
        session = ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

        def value(expression):
            options = {"awaitPromise": True, "returnByValue": True}
            answer = ask("Runtime.evaluate", session, expression=expression, **options)
            assert "exceptionDetails" not in answer, answer
            return answer.get("result", {}).get("value")  # None while one page gives way to another

        end = time.monotonic() + PATIENCE
        while not value(LOADED):
            assert time.monotonic() < end, f"{url} does not load"
            time.sleep(0.02)
        shown = value(script)
        ask("Target.closeTarget", targetId=target)
        return shown

    return look


def read_message(answers):
    """The bytes up to the next zero."""
    message = b""
    while not message.endswith(b"\0"):
        byte = answers.read(1)
        assert byte, "the browser has ended"
        message += byte
    return message[:-1]
