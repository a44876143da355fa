"""Files on both stores: whole or absent, and created once however many ask."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import s3fs

from curation import storage
from curation.errors import InputError

RACER = """
import json, sys
from curation import storage
uri, name = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps([storage.create(f"{uri}/{n}", f"{name} {n}".encode()) for n in range(15)]))
"""


def test_what_is_written_is_read_listed_and_replaced(store: str) -> None:
    uri = storage.join(store, "folder", "name")
    assert not storage.exists(uri)
    assert storage.names(storage.join(store, "folder")) == []
    for data in (b"first", b"", b"second" * 100_000):
        storage.write_bytes(uri, data)
        assert storage.read_bytes(uri) == data
    assert storage.exists(uri)
    assert storage.names(storage.join(store, "folder")) == ["name"]


def test_a_listing_is_never_stale(store: str) -> None:
    seen = []
    for name in ("a", "b", "c"):
        storage.write_bytes(storage.join(store, name), b"x")
        seen.append(storage.names(store))
    assert seen == [["a"], ["a", "b"], ["a", "b", "c"]]


def test_a_pattern_finds_files_with_their_sizes_in_the_order_of_their_names(store: str) -> None:
    for name, size in (("b 2.gz", 2), ("a.gz", 1), ("c.txt", 3)):
        storage.write_bytes(storage.join(store, "day", name), b"x" * size)
    storage.write_bytes(storage.join(store, "other", "d.gz"), b"x")
    found = storage.glob(storage.join(store, "day", "*.gz"))
    assert found == [(storage.join(store, "day", "a.gz"), 1), (storage.join(store, "day", "b 2.gz"), 2)]
    assert storage.read_bytes(found[1][0]) == b"xx"
    assert storage.glob(storage.join(store, "no such day", "*.gz")) == []


def test_a_missing_file_is_the_users_error_and_is_named(store: str) -> None:
    uri = storage.join(store, "nothing")
    with pytest.raises(InputError, match="nothing does not exist"):
        storage.read_bytes(uri)


def test_a_store_that_is_not_installed_is_named_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"nostore://x/y.*curation\[s3\]"):
        storage.read_bytes("nostore://x/y")


def test_a_digest_is_of_the_bytes_wherever_they_lie(store: str, tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000  # more than one chunk
    (tmp_path / "plain").write_bytes(data)
    storage.write_bytes(storage.join(store, "same"), data)
    storage.write_bytes(storage.join(store, "other"), data + b"x")
    assert storage.digest(storage.join(store, "same")) == storage.digest(str(tmp_path / "plain"))
    assert storage.digest(storage.join(store, "other")) != storage.digest(str(tmp_path / "plain"))


def test_fetch_gives_a_local_file_with_the_same_bytes(store: str, tmp_path: Path) -> None:
    storage.write_bytes(storage.join(store, "model.bin"), b"weights")
    (tmp_path / "here").mkdir()
    assert storage.fetch(storage.join(store, "model.bin"), tmp_path / "here").read_bytes() == b"weights"


def test_scratch_is_gone_after_an_error_and_leaves_no_file_behind(store: str) -> None:
    def fail() -> None:
        with storage.scratch(store) as folder:
            (folder / "half").write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert storage.names(store) == []


def test_a_file_uri_is_written_where_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    storage.write_bytes(f"file://{tmp_path}/lake/name", b"x")
    assert storage.create(f"file://{tmp_path}/lake/once", b"x")
    assert (tmp_path / "lake" / "name").read_bytes() == b"x"
    assert storage.names(str(tmp_path / "lake")) == ["name", "once"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_bare_name_is_written_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage.write_bytes("name", b"x")
    assert storage.read_bytes("name") == b"x"
    assert storage.names(".") == ["name"]


def test_create_leaves_what_is_there(store: str) -> None:
    uri = storage.join(store, "manifest")
    assert storage.create(uri, b"first")
    assert not storage.create(uri, b"second")
    assert storage.read_bytes(uri) == b"first"
    assert storage.names(store) == ["manifest"]


def test_of_threads_that_create_one_name_exactly_one_wins(store: str) -> None:
    for n in range(10):
        uri = storage.join(store, str(n))
        start = threading.Barrier(4)

        def racer(name: int, uri: str = uri, start: threading.Barrier = start) -> bool:
            start.wait()
            return storage.create(uri, str(name).encode())

        with ThreadPoolExecutor(4) as pool:
            won = list(pool.map(racer, range(4)))
        assert won.count(True) == 1
        assert storage.read_bytes(uri) == str(won.index(True)).encode()


def test_of_processes_that_create_one_name_exactly_one_wins(store: str) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, store, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for name in ("a", "b")
    ]
    assert [r.stdout.readline() for r in racers if r.stdout] == ["ready\n", "ready\n"]
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won_a, won_b = (json.loads(r.communicate(timeout=60)[0]) for r in racers)
    for n, (a, b) in enumerate(zip(won_a, won_b, strict=True)):
        assert a != b
        assert storage.read_bytes(storage.join(store, str(n))) == f"{'a' if a else 'b'} {n}".encode()


@contextmanager
def answers(*codes: str) -> Iterator[str]:
    """A server that refuses with `codes`, in turn, and then accepts."""
    left = list(codes)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # which answers the client's `Expect: 100-continue`

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            code = left.pop(0) if left else None
            body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode() if code else b""
            status = {None: 200, "PreconditionFailed": 412, "AccessDenied": 403}.get(code, 409)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def created_at(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    s3fs.S3FileSystem.clear_instance_cache()
    return storage.create("s3://bucket/name", b"x")


@pytest.mark.usefixtures("s3")
def test_a_store_that_is_busy_with_the_same_name_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with answers("ConditionalRequestConflict", "ConditionalRequestConflict") as endpoint:
        assert created_at(endpoint, monkeypatch)
    with answers("ConditionalRequestConflict", "PreconditionFailed") as endpoint:
        assert not created_at(endpoint, monkeypatch)


@pytest.mark.usefixtures("s3")
def test_a_store_that_does_not_say_which_condition_failed_is_understood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with answers("PreconditionFailed") as endpoint:
        assert not created_at(endpoint, monkeypatch)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("codes", [["AccessDenied"], ["ConditionalRequestConflict"] * 6])
def test_a_store_that_refuses_for_another_reason_is_not_taken_for_a_lost_race(
    codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with answers(*codes) as endpoint, pytest.raises(OSError, match="no"):
        created_at(endpoint, monkeypatch)


def test_a_reader_sees_old_bytes_or_new_never_a_part(tmp_path: Path) -> None:
    uri, size = str(tmp_path / "file"), 3_000_000
    done = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not done.is_set():
            if storage.exists(uri):
                data = storage.read_bytes(uri)
                assert len(data) == size
                seen.add(data[:1])

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            for n in range(20):
                storage.write_bytes(uri, bytes([n]) * size)
        finally:
            done.set()
        reader.result()
    assert seen


def test_files_are_listed_however_deep_and_removed_if_they_are_as_listed(store: str) -> None:
    uris = [storage.join(store, name) for name in ("a/b [1]/c.json", "a/.scratch-x/d", "a/e")]
    for uri in uris:
        storage.write_bytes(uri, b"four")
    listed = storage.files(storage.join(store, "a"))
    assert [(file.uri, file.bytes) for file in listed] == sorted((uri, 4) for uri in uris)
    assert all(abs(file.modified - time.time()) < 60 for file in listed)
    old = [replace(file, modified=file.modified - 100) for file in listed if file.uri == uris[2]]
    assert storage.remove(old) == []  # it was written after it was listed
    assert storage.remove(listed[:1]) == listed[:1]
    assert storage.remove(listed[:1]) == []
    assert storage.files(store) == listed[1:]
    assert storage.files(storage.join(store, "nowhere")) == []


def test_empty_folders_go_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "lake" / "a" / "b").mkdir(parents=True)
    (tmp_path / "lake" / "c").mkdir()
    (tmp_path / "lake" / "c" / "file").touch()
    storage.remove_empty(str(tmp_path / "lake"))
    assert [path.name for path in (tmp_path / "lake").rglob("*")] == ["c", "file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(PermissionError):
        storage.files(str(tmp_path))
