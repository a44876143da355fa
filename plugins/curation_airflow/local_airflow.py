"""An Airflow of one's own on this machine: started in a folder, spoken to by REST, ended without remains.

SQLite, the local executor, one user. For the demonstration and the end-to-end tests; `docker-compose.yml` is
the form for more than one machine. It starts Airflow's four components itself rather than by `airflow
standalone`, whose end leaves orphans behind.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]

LOGIN = ("admin", "admin")
START_SECONDS = 240
_COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
# What tasks import, imported once by the process that they are forked from: without it every task of the
# demonstration spends five seconds and more on imports.
PRELOADED = (
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.anthropic.hooks.anthropic",
    "airflow.providers.standard.operators.python",
    "curation.run",
    "curation.text.minhash",
    "curation.text.rules",
    "datatrove.pipeline.filters",
    "fasttext",
    "pandas",
    "spacy.lang.en",
)
_ENDING_SECONDS = 15  # between asking politely and not


class LocalAirflowError(RuntimeError):
    """Airflow did not start, or did not do what it was asked; the message is for a person."""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Processes:
    """Processes that are started here and ended together with all that they have started.

    Each gets a session of its own. Airflow's tasks make themselves process groups, but stay in the session
    of the component that started them, by which they are found.
    """

    logs: Path
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as log:
            self.started[name] = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def fallen(self) -> list[str]:
        """Names of those that have ended by themselves."""
        return [name for name, process in self.started.items() if process.poll() is not None]

    def tail(self, name: str, lines: int = 15) -> str:
        found = self.log(name).read_text(errors="replace").splitlines()
        return "\n".join(found[-lines:])

    def living(self) -> list[psutil.Process]:
        """Every process in one of the sessions started here."""
        sessions = {process.pid for process in self.started.values()}
        return [p for p in psutil.process_iter() if p.pid in sessions or _session(p.pid) in sessions]

    def end(self) -> None:
        """Ask all to end, wait, and end those that do not."""
        for polite in (True, False):
            living = [p for p in self.living() if p.status() != psutil.STATUS_ZOMBIE]
            for process in living:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGTERM if polite else signal.SIGKILL)
            psutil.wait_procs(living, timeout=_ENDING_SECONDS)
        for process in self.started.values():
            process.wait(timeout=_ENDING_SECONDS)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


class LocalAirflow:
    """Airflow in the folder `home`, with this project's DAGs and plugins.

    `environment` is added to that of its components: the lake, the recipes, the connection.
    """

    def __init__(self, home: Path, project: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = Processes(home / "logs" / "components")
        self.environment = {**_settings(home, project, self.port), **environment}
        self._api = httpx.Client(base_url=self.url, timeout=30)

    def start(self) -> None:
        """Make the database and start every component; returns at once, `wait_healthy` waits."""
        self.home.mkdir(parents=True, exist_ok=True)
        user, password = LOGIN
        (self.home / "passwords.json").write_text(json.dumps({user: password}))
        self._migrate()
        for name, arguments in _COMPONENTS.items():
            self.processes.start(name, _airflow(arguments), self.environment)

    def _migrate(self) -> None:
        """Make or upgrade the database, unless this version of Airflow has done so (it takes ten seconds)."""
        from importlib.metadata import version

        mark, made = self.home / "migrated", self.home / "airflow.db"
        if made.exists() and mark.exists() and mark.read_text() == version("apache-airflow"):
            return
        self.processes.start("migrate", _airflow(["db", "migrate"]), self.environment)
        if self.processes.started.pop("migrate").wait(START_SECONDS):
            raise LocalAirflowError(f"the database could not be made:\n{self.processes.tail('migrate')}")
        mark.write_text(version("apache-airflow"))

    def wait_healthy(self, told: Callable[[str], None] = lambda what: None) -> None:
        """Wait until every component has reported; `told` hears which are still awaited."""
        wait(lambda: not self._unhealthy(told), START_SECONDS, "every component of Airflow is healthy", self)
        token = self._api.post("/auth/token", json=dict(zip(("username", "password"), LOGIN, strict=True)))
        token.raise_for_status()
        self._api.headers["Authorization"] = f"Bearer {token.json()['access_token']}"

    def _unhealthy(self, told: Callable[[str], None]) -> list[str]:
        parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        try:
            health = self._api.get("/api/v2/monitor/health").json()
        except (httpx.TransportError, ValueError):
            waiting = ["api_server", *parts]
        else:
            waiting = [part for part in parts if (health.get(part) or {}).get("status") != "healthy"]
        told(", ".join(waiting))
        return waiting

    def get(self, path: str, **query: Any) -> Any:
        """GET /api/v2/`path`; LocalAirflowError with the server's words if it refuses."""
        return _checked(self._api.get(f"/api/v2/{path}", params=query))

    def send(self, method: str, path: str, body: Any) -> Any:
        """POST, PATCH … /api/v2/`path`."""
        return _checked(self._api.request(method, f"/api/v2/{path}", json=body))

    def has_dag(self, dag_id: str) -> bool:
        return self._api.get(f"/api/v2/dags/{dag_id}").status_code == 200

    def check(self) -> None:
        """LocalAirflowError if a component has fallen, with the end of its log."""
        for name in self.processes.fallen():
            raise LocalAirflowError(f"Airflow's {name} has ended by itself:\n{self.processes.tail(name)}")

    def stop(self) -> None:
        """End every process that was started here, and those they have started."""
        self._api.close()
        self.processes.end()


def wait(done: Callable[[], bool], seconds: float, what: str, airflow: LocalAirflow) -> None:
    """Poll `done` until it is true; LocalAirflowError after `seconds`, or as soon as a component falls."""
    deadline = time.monotonic() + seconds
    while not done():
        airflow.check()
        if time.monotonic() > deadline:
            raise LocalAirflowError(f"after {seconds:.0f} s, not yet: {what}; logs: {airflow.home / 'logs'}")
        time.sleep(0.5)


def _checked(response: httpx.Response) -> Any:
    if response.is_error:
        raise LocalAirflowError(f"{response.request.url.path}: {response.status_code} {response.text[:500]}")
    return response.json() if response.content else None


def _airflow(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "airflow", *arguments]


def _settings(home: Path, project: Path, port: int) -> dict[str, str]:
    """Airflow's settings, as environment variables."""
    url = f"http://127.0.0.1:{port}"
    settings: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": project / "dags",
            "plugins_folder": project / "plugins",
            "load_examples": False,
            "executor": "LocalExecutor",
            "parallelism": 4,  # SQLite: with the default of 32, "database is locked" ends the scheduler
            "execution_api_server_url": f"{url}/execution/",
            "simple_auth_manager_users": "admin:admin",
            "simple_auth_manager_passwords_file": home / "passwords.json",
        },
        "api": {
            "base_url": url,
            "host": "127.0.0.1",
            "port": port,
            "workers": 1,
            "secret_key": secrets.token_hex(16),
        },
        "api_auth": {"jwt_secret": secrets.token_hex(32)},
        "scheduler": {"mp_start_method": "forkserver", "mp_forkserver_preload": ",".join(PRELOADED)},
        "dag_processor": {"parsing_processes": 1},
        "usage_data_collection": {"enabled": False},
        "logging": {"logging_level": "INFO"},
    }
    flat = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
        for section, values in settings.items()
        for name, value in values.items()
    }
    path = os.pathsep.join(filter(None, (str(project), os.environ.get("PYTHONPATH"))))
    return {"AIRFLOW_HOME": str(home), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **flat}
