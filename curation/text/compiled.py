"""Functions compiled by numba (numba.pydata.org), kept on disk between processes.

numba keeps a compiled function beside a stamp of its own file and does not see that a function it calls, in
another file, has changed. So the folder is named by the digest of all files of this package: any change
makes a new one. It lies in the user's cache folder, or, where that cannot be written, in the folder for
temporary files. What lies there is unpickled: a folder that another user owns, or may write to, is not used.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """`function` in machine code, without the GIL. Integers wrap, as in C, and indices are not checked."""
    return _compiled(function)


def uncounted(function: F) -> F:
    """`compiled`, for a function that makes no array: it counts no references to those it is given.

    The arrays are the caller's and outlive the call. To count them takes two atomic operations an array and
    call, which LLVM leaves in functions that have several ways out: in small ones they are most of the time.
    """
    return _compiled(function, _nrt=False)


def _compiled(function: F, **options: bool) -> F:
    config: Any = numba.config
    njit: Any = numba.njit  # its types leave `_nrt` out
    before = config.CACHE_DIR
    config.CACHE_DIR = cache_folder()  # read when a function is decorated; other users of numba keep theirs
    try:
        made = njit(cache=True, nogil=True, boundscheck=False, error_model="numpy", **options)(function)
    finally:
        config.CACHE_DIR = before
    return cast(F, made)


@cache
def cache_folder() -> str:
    """The folder of the compiled functions of this version of the package; it is made if need be."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    name = f"kernels-{digest.hexdigest()}"
    user = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111  may have no home
    for parent in (Path(user) / "curation", Path(tempfile.gettempdir()) / f"curation-{os.getuid()}"):
        folder = parent / name
        try:
            parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # of the last alone: not by the umask
            folder.mkdir(exist_ok=True, mode=0o700)
            if _is_ours(parent) and _is_ours(folder) and os.access(folder, os.W_OK):
                return str(folder)
        except OSError:
            continue
    return tempfile.mkdtemp(prefix="curation-")


def _is_ours(folder: Path) -> bool:
    """Whether this user alone can change what is in it; whoever writes to its parent could replace it."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
