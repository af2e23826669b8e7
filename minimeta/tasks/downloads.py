"""Files of public data sets: downloaded once, checked by a known md5 or sha256, kept in a cache.

MINIMETA_DATA names a folder with copies, which is searched first. MINIMETA_CACHE names the folder
for downloads, in place of the platform's own. A file gets its final name only after its check.
"""

import hashlib
import os
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT = 20.0  # seconds to wait for a server's next bytes
PATIENCE = 900.0  # seconds for one file; what has come by then stays, and the next call goes on
CHUNK = 2**16  # bytes read at once
LARGEST = 2**26  # bytes of a download, far above any file wanted here
ARCHIVE = 2**28  # bytes of all files in an archive


class DatasetError(OSError):
    """A data set that cannot be obtained, or is not what it should be."""


def fetch(dataset, files, mirrors, folder=None):
    """The paths of a data set's files, {name: md5 or sha256}, once each has the right checksum.

    A file is searched in the `places` of the data set. If it is nowhere, it is downloaded into
    `folder` or the cache, from the first of `mirrors` (addresses that end in "/") that has it. An
    interrupted download is continued by the next call. Raises DatasetError if a file is damaged or
    cannot be downloaded.
    """
    home = cache_folder() / dataset if folder is None else Path(folder)
    near = places(dataset, folder)
    return [_find(name, near, files) or _download(name, home, files, mirrors) for name in files]


def places(dataset, folder=None):
    """The folders in which a data set's files are searched, the first one first.

    They are `folder`, if given, MINIMETA_DATA and its sub-folder `dataset`, and, without `folder`,
    the cache.
    """
    copies = os.environ.get("MINIMETA_DATA")
    offline = [Path(copies).expanduser(), Path(copies).expanduser() / dataset] if copies else []
    return [*offline, cache_folder() / dataset] if folder is None else [Path(folder), *offline]


def cache_folder():
    """Where downloads are stored: MINIMETA_CACHE, or "minimeta" in the platform's cache folder."""
    if os.environ.get("MINIMETA_CACHE"):
        return Path(os.environ["MINIMETA_CACHE"]).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "minimeta"


def members(path, largest=ARCHIVE):
    """Yield (name, bytes) for every file in a zip archive, in its order, without unpacking to disk.

    Raises DatasetError if the archive is damaged, holds more than `largest` bytes, or names a file
    that would lie outside of the folder it is unpacked in.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(entries, path, largest)
            for entry in entries:
                if not entry.is_dir():
                    yield entry.filename, _unpack(archive, entry)
    except DatasetError:
        raise
    # Damage can surface as nearly any error of zipfile and zlib: here all mean the same.
    except Exception as error:
        raise DatasetError(
            f"{path} is no undamaged zip archive ({type(error).__name__})."
        ) from None


def _find(name, places, files):
    """The copy in the first place that has one, or None; raise if its checksum is wrong."""
    for place in places:
        if (place / name).is_file():
            kind, actual = _checksum(place / name, files[name])
            if actual != files[name]:
                raise DatasetError(
                    f"{place / name} is damaged or another file: its {kind} is {actual} in place "
                    f"of {files[name]}; move it away to have it downloaded afresh."
                )
            return place / name
    return None


def _download(name, home, files, mirrors):
    """Download the file from the first mirror that sends it undamaged."""
    # Imported here because only a download should cost the time, and need the sockets.
    from http.client import HTTPException

    failures = []
    for mirror in mirrors:
        part = home / f"{name}.part"
        try:
            home.mkdir(parents=True, exist_ok=True)
            if not part.exists() or _checksum(part, files[name])[1] != files[name]:
                _receive(mirror + name, part)
            return _accept(part, files[name], home / name)
        except (OSError, HTTPException) as error:
            reason = " ".join(str(getattr(error, "reason", None) or error).split())
            failures.append(f"{urlsplit(mirror).netloc}: {reason}")
    wanted = " and ".join(f"{name} ({_kind(known)} {known})" for name, known in files.items())
    raise DatasetError(
        f"Cannot download {name} ({'; '.join(failures)}); without a network, put {wanted} into a "
        "folder and name that folder in MINIMETA_DATA."
    )


def _receive(url, part):
    """Download the address to `part`, after the bytes that it has already if the server can."""
    deadline = time.monotonic() + PATIENCE
    have = part.stat().st_size if part.exists() else 0
    with _ask(url, have) as answer:
        resumed = answer.status == 206  # partial content
        if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise DatasetError("it sent other bytes than it was asked for")
        size, told = (have if resumed else 0), answer.length
        end = None if told is None else size + told
        with open(part, "ab" if resumed else "wb") as file:
            # read1 returns what has come, so that a slow drip of bytes cannot outlast the deadline
            while chunk := answer.read1(CHUNK):
                size += file.write(chunk)
                if size > LARGEST:
                    file.truncate(0)
                    raise DatasetError(f"it sent more than {LARGEST} bytes")
                if time.monotonic() > deadline:
                    raise DatasetError(f"it took more than {PATIENCE:.0f} seconds")
    if end is not None and size < end:
        raise DatasetError(f"the connection was lost after {size} of {end} bytes")


def _ask(url, have):
    """The server's answer to a request for the bytes from `have` on."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    headers = {"User-Agent": "minimeta", **({"Range": f"bytes={have}-"} if have else {})}
    try:
        return urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()  # the error is an answer too, and holds a connection
        if error.code == 416 and have:  # the file ends before `have`, so ours is another file
            return _ask(url, 0)
        raise


def _accept(part, known, path):
    """Give the complete download its final name if it has the right checksum."""
    kind, actual = _checksum(part, known)
    if actual != known:
        part.unlink()
        raise DatasetError(f"it sent another file ({kind} {actual} in place of {known})")
    os.replace(part, path)
    return path


def _kind(known):
    """The algorithm of a known checksum: 64 digits are a sha256, fewer an md5."""
    return "sha256" if len(known) == 64 else "md5"


def _checksum(path, known):
    """The algorithm of the known checksum, and the file's own checksum by it.

    An md5 protects against damage and mix-ups; only a sha256 protects against attackers too.
    """
    kind = _kind(known)
    digest = hashlib.new(kind, usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return kind, digest.hexdigest()


def _check_entries(entries, path, largest):
    """Raise if the archive is too large, names files outside, or has an unbounded compression."""
    size = sum(entry.file_size for entry in entries)
    if size > largest:
        raise DatasetError(f"{path} unpacks to {size} bytes; at most {largest} are expected.")
    for entry in entries:
        name = entry.orig_filename  # before zipfile has tidied it
        inside = ".." not in name.split("/") and not name.startswith("/")
        if not inside or any(sign in name for sign in "\\:\0"):
            raise DatasetError(f"{path} names a file outside of its folder: {name!r:.100}.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DatasetError(
                f"{path} is compressed by a method other than deflate: {name!r:.100}."
            )


def _unpack(archive, entry):
    """The bytes of an entry; an entry may hold more than it says, so their number is limited."""
    with archive.open(entry) as file:
        return file.read(entry.file_size + 1)  # one more: at the end, the checksum is compared
