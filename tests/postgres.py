"""A Postgres for tests: the one that CURATION_TEST_POSTGRES names, else one started and stopped here."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def running_postgres() -> Iterator[str]:
    """Its URL. Skips, saying why, where there is neither a URL nor a server to start."""
    named = os.environ.get("CURATION_TEST_POSTGRES")
    if named:
        yield named
        return
    found = shutil.which("initdb") or next(
        iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
    )
    # The server refuses to run as root: it is started as the user that its package made.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if not found or (user and subprocess.run([*user, "true"], check=False, capture_output=True).returncode):
        pytest.skip("needs a Postgres: set CURATION_TEST_POSTGRES to its URL, or install its server")
    with tempfile.TemporaryDirectory(prefix="curation-postgres-") as folder:
        Path(folder).chmod(0o777)
        data, binaries, port = f"{folder}/data", Path(found).parent, _free_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        _run([*user, str(found), "-D", data, "-A", "trust", "-U", "curation"], folder)
        control = [*user, str(binaries / "pg_ctl"), "-D", data, "-w"]
        _run([*control, "-o", options, "-l", f"{folder}/log", "start"], folder)
        try:
            yield f"postgresql+psycopg://curation@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"], folder)
            _run([*user, "rm", "-rf", data], folder)


def _run(command: list[str], folder: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
