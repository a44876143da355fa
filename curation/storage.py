"""Opens files, on local disk and on `s3://`, and publishes them so that a kill leaves each whole or absent.

A URI here is a local path or `s3://bucket/key`. Two promises, the same on both:
`publish` puts a finished local file under a name, in one step; `create` does so only if the name is free.
Locally that is fsync, then link or rename within one directory; on S3 one PUT, with `If-None-Match: *` for
`create`.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import fsspec

from curation.errors import InputError

_CHUNK = 1 << 20  # bytes
_CREATE_ATTEMPTS = 6  # over 1.5 seconds
_AT_ONCE = 16  # requests to a store, each of which waits for an answer
SCRATCH = ".scratch-"  # how the folders of unfinished files begin

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Stored:
    """A file as it was when it was listed."""

    uri: str
    bytes: int
    modified: float  # seconds since 1970


def is_local(uri: str) -> bool:
    """Whether `uri` is a path on this machine."""
    return "://" not in uri or uri.startswith("file://")


def unabbreviated(uri: str) -> str:
    """A local `uri` as a plain path, without `file://` and `~`; any other as it is."""
    return str(Path(uri.removeprefix("file://")).expanduser()) if is_local(uri) else uri


def filesystem(uri: str) -> tuple[Any, str]:
    """The fsspec file system of `uri`, listings never cached, and the path in it."""
    if is_local(uri):
        fs, path = fsspec.core.url_to_fs(uri)
    else:
        try:
            fs, path = fsspec.core.url_to_fs(uri, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise InputError(f"{uri} cannot be opened: {error}. For s3:// install curation[s3].") from error
    return fs, path


def join(uri: str, *names: str) -> str:
    """`uri` and names below it, with single slashes."""
    return "/".join([uri.rstrip("/"), *names])


def open_input(uri: str) -> BinaryIO:
    """The bytes of `uri`, to be read; InputError if there is no such file."""
    fs, path = filesystem(uri)
    try:
        return cast(BinaryIO, fs.open(path, "rb"))
    except FileNotFoundError as error:
        raise InputError(f"{uri} does not exist") from error


def read_bytes(uri: str) -> bytes:
    """The whole of `uri`."""
    with open_input(uri) as file:
        return file.read()


def exists(uri: str) -> bool:
    """Whether a file or folder lies at `uri`."""
    fs, path = filesystem(uri)
    return bool(fs.exists(path))


def names(uri: str) -> list[str]:
    """The sorted names of what lies directly in the folder `uri`; none if there is no such folder."""
    fs, path = filesystem(uri)
    try:
        found = fs.ls(path, detail=False)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(p.rstrip("/").rsplit("/", 1)[-1] for p in found)


def glob(pattern: str) -> list[tuple[str, int]]:
    """The files that match `pattern` with their sizes in bytes, by name."""
    fs, path = filesystem(pattern)
    found = fs.glob(path, detail=True)
    prefix = pattern.split("://", 1)[0] + "://" if not is_local(pattern) else ""
    return sorted((prefix + p, int(info["size"])) for p, info in found.items() if info["type"] == "file")


def files(uri: str) -> list[Stored]:
    """Every file below the folder `uri`, hidden ones too, by name; none if there is no such folder.

    A folder that cannot be read is an error: who takes a list for the whole must not be given a part of it.
    """
    fs, path = filesystem(uri)
    if is_local(uri):
        found = list(_walk(path, uri.rstrip("/")))
    else:
        root = path.rstrip("/")
        listed = fs.find(root, detail=True).values()
        found = [_stored(join(uri, info["name"][len(root) + 1 :]), info) for info in listed]
    return sorted(found, key=lambda file: file.uri)


def remove(listed: Iterable[Stored]) -> list[Stored]:
    """Remove those files that are still as they were listed, in any order; what was removed.

    A file that was written anew since is somebody's: it stays. One that is gone already is passed over.
    """
    return [file for file, gone in in_parallel(_remove, list(listed)) if gone]


def remove_empty(uri: str) -> None:
    """Remove the folder `uri` and those below it as far as they are empty. A store has no empty folders."""
    if not is_local(uri):
        return
    for folder, _, _ in os.walk(filesystem(uri)[1], topdown=False):
        with contextlib.suppress(OSError):  # not empty, or removed by another
            Path(folder).rmdir()


def in_parallel(ask: Callable[[T], R], of: Iterable[T]) -> list[tuple[T, R]]:
    """Each of `of`, in order, with what `ask` gives of it; several at a time, as each waits for a store."""
    asked = list(of)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(zip(asked, pool.map(ask, asked), strict=True))


def digest(uri: str) -> str:
    """32 hex digits (128 bits of BLAKE2b) of the bytes of `uri`."""
    h = hashlib.blake2b(digest_size=16)
    with open_input(uri) as file:
        while chunk := file.read(_CHUNK):
            h.update(chunk)
    return h.hexdigest()


@contextlib.contextmanager
def scratch(directory: str) -> Iterator[Path]:
    """A temporary folder from which a file can be published into `directory` in one step; gone afterwards.

    Beside a local lake's files it is on their disk, so that publishing is a rename. What a killed process
    leaves of it has a name that begins with a dot, and no manifest: it does not exist.
    """
    if is_local(directory):
        beside = Path(filesystem(directory)[1])
        beside.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=beside))
    else:
        folder = Path(tempfile.mkdtemp(prefix="curation-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(local: Path, uri: str) -> None:
    """Put the finished file `local` at `uri`, whole or not at all; what lay there is replaced."""
    fs, path = filesystem(uri)
    if is_local(uri):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        _sync(local)
        local.replace(path)
        _sync(Path(path).parent)
    else:
        fs.put_file(str(local), path)


def write_bytes(uri: str, data: bytes) -> None:
    """Put `data` at `uri`, whole or not at all; what lay there is replaced."""
    with scratch(uri.rsplit("/", 1)[0] if "/" in uri else ".") as folder:
        (folder / "file").write_bytes(data)
        publish(folder / "file", uri)


def create(uri: str, data: bytes, *, private: bool = False) -> bool:
    """Put `data` at `uri` if nothing is there; False, and nothing written, if something is. A `private` file
    on this machine is for its owner alone; in a store that is the bucket's matter."""
    fs, path = filesystem(uri)
    if not is_local(uri):
        return _create_object(fs, path, data)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}-{uuid.uuid4().hex}"
    temporary.touch(mode=0o600 if private else 0o666)
    temporary.write_bytes(data)
    _sync(temporary)
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    _sync(target.parent)
    return True


def fetch(uri: str, folder: Path) -> Path:
    """A local path to the file `uri`: itself, or a copy in `folder`."""
    fs, path = filesystem(uri)
    if is_local(uri):
        return Path(path)
    local = folder / path.rsplit("/", 1)[-1]
    fs.get_file(path, str(local))
    return local


def _walk(folder: str, uri: str) -> Iterator[Stored]:
    """The files below a local folder, whose URI is `uri`."""

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for where, _, names in os.walk(folder, onerror=refuse):
        below = join(uri, *Path(where).relative_to(folder).parts)
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # gone since
                status = (Path(where) / name).lstat()
                yield Stored(join(below, name), status.st_size, status.st_mtime)


def _stored(uri: str, info: dict[str, Any]) -> Stored:
    return Stored(uri, int(info["size"]), info["LastModified"].timestamp())


def _remove(listed: Stored) -> bool:
    fs, path = filesystem(listed.uri)
    try:
        if is_local(listed.uri):
            modified = Path(path).lstat().st_mtime
        else:
            modified = _stored(listed.uri, fs.info(path)).modified
        # Some stores say fractions of a second when they list and none when they are asked for one file.
        if modified >= listed.modified + 1:
            return False
        fs.rm_file(path)
    except FileNotFoundError:
        return False
    return True


def _create_object(fs: Any, path: str, data: bytes) -> bool:
    """`create` on an object store. A store may answer that another write is under way: then ask again."""
    for attempt in range(_CREATE_ATTEMPTS):
        try:
            fs.pipe_file(path, data, mode="create")
            return True
        except FileExistsError:
            return False
        except OSError as error:
            # s3fs raises FileExistsError only if the answer names the condition; not every store does.
            code = getattr(error.__cause__, "response", {}).get("Error", {}).get("Code")
            if code == "PreconditionFailed":
                return False
            if code != "ConditionalRequestConflict" or attempt == _CREATE_ATTEMPTS - 1:
                raise
        time.sleep(0.05 * 2**attempt)
    return False


def _sync(path: Path) -> None:
    """fsync a file or a folder, so that what is published survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
