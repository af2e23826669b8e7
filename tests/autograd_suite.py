"""Run autograd's own test-suite with this package's gradient rules installed.

    python tests/autograd_suite.py [pytest options]

A check for development: it needs the network once, because autograd's wheels carry no tests.  They
come from the source distribution of the version that is installed, into `build/`.
"""

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

RELEASE = f"autograd-{version('autograd')}"
NOW_POSSIBLE = ["tests/test_fft.py::test_rfftn_odd_not_implemented"]  # it wants an error
FOLDER = Path(__file__).resolve().parent.parent / "build" / "autograd-suite"


def fetch():
    """Download the sources with pip and unpack their tests; return False if pip cannot."""
    requirement = RELEASE.replace("-", "==")
    options = ["-q", "--no-deps", "--no-binary", "autograd", "--dest", str(FOLDER)]
    if subprocess.run([sys.executable, "-m", "pip", "download", *options, requirement]).returncode:
        return False
    with tarfile.open(FOLDER / f"{RELEASE}.tar.gz") as sources:
        wanted = [m for m in sources.getmembers() if m.name.startswith(f"{RELEASE}/tests/")]
        sources.extractall(FOLDER, members=wanted, filter="data")
    (FOLDER / RELEASE / "pytest.ini").write_text("[pytest]\n")  # ours would make warnings errors
    return True


def main(options):
    """Fetch the tests if they are not there yet, and run them; return pytest's exit status."""
    suite = FOLDER / RELEASE
    if not (suite / "pytest.ini").exists() and not fetch():
        print(f"autograd-suite: the sources of {RELEASE} could not be downloaded.")
        return 2
    plugins = ["-p", "no:cacheprovider", "-p", "minimeta.core.backend"]  # the import installs them
    arguments = ["-q", "-W", "ignore", *plugins, "-c", str(suite / "pytest.ini"), *options]
    for test in NOW_POSSIBLE:
        arguments += ["--deselect", test]
    return subprocess.run([sys.executable, "-m", "pytest", *arguments, str(suite)]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
