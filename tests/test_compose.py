"""The distributed form: a file that compose accepts, whose settings exist and whose services can be watched.

It is not run here: that takes a container engine.
"""

import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
SECRETS = {"CURATION_JWT_SECRET": "a" * 64, "CURATION_API_SECRET": "b" * 64, "CURATION_ADMIN_PASSWORD": "c"}
ENDS_BY_ITSELF = {"init"}  # services without a health check: whoever needs them waits for their end
REACHED_FROM_THE_HOST = {"apiserver"}


def compose_command() -> list[str]:
    """`docker compose` or `docker-compose`, or a skip that says what is not tested."""
    if shutil.which("docker"):
        found = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if found.returncode == 0:
            return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("NOT TESTED: docker-compose.yml is not checked, for there is no docker-compose on the path")


def config(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CURATION_", "AWS_"))}
    return subprocess.run(
        [*compose_command(), "-f", str(PROJECT / "docker-compose.yml"), "config"],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """The file as it is written, its anchors resolved."""
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services as compose understands them."""
    found = config(SECRETS)
    assert found.returncode == 0, found.stderr
    return yaml.safe_load(found.stdout)["services"]


def environments(written: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for service in written["services"].values():
        yield from (service.get("environment") or {}).items()


def test_every_part_of_the_distributed_form_is_there(services: dict[str, Any]) -> None:
    assert set(services) == {
        "postgres",
        "ledger",
        "redis",
        "init",
        "apiserver",
        "scheduler",
        "dag-processor",
        "triggerer",
        "worker",
        "stand-in",
    }


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_without_a_secret_nothing_starts_and_the_secret_is_named(missing: str) -> None:
    found = config({name: value for name, value in SECRETS.items() if name != missing})
    assert found.returncode != 0
    assert missing in found.stderr or "make one with" in found.stderr or "choose one" in found.stderr


def test_the_file_has_no_obsolete_version_key(written: dict[str, Any]) -> None:
    assert "version" not in written


def test_every_service_has_a_health_check_or_ends_by_itself(services: dict[str, Any]) -> None:
    without = {name for name, service in services.items() if "test" not in service.get("healthcheck", {})}
    assert without == ENDS_BY_ITSELF
    for name in without:
        assert services[name]["restart"] == "no"


def test_what_a_service_waits_for_can_become_true(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, awaited in service.get("depends_on", {}).items():
            ends = awaited["condition"] == "service_completed_successfully"
            assert ends == (other in ENDS_BY_ITSELF), f"{name} waits for {other}: {awaited}"


def test_every_image_is_pinned_to_a_full_version(services: dict[str, Any]) -> None:
    bases = re.findall(r"^FROM (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    images = {service["image"] for service in services.values()} | set(bases)
    assert bases
    for image in images:
        assert re.search(r":\d+\.\d+(\.\d+)?(-[a-z-]+)?$", image), f"{image} can change under its users"


def test_only_the_ui_is_reached_from_outside_and_by_default_from_this_host_alone(
    services: dict[str, Any],
) -> None:
    assert {name for name, service in services.items() if service.get("ports")} == REACHED_FROM_THE_HOST
    published = json.dumps(services["apiserver"]["ports"])
    assert "127.0.0.1" in published


def test_every_volume_is_declared_and_used(written: dict[str, Any]) -> None:
    mounts = [m for s in written["services"].values() for m in s.get("volumes", [])]
    named = {re.sub(r"^\$\{\w+:-(\w+)\}", r"\1", m).split(":")[0] for m in mounts}
    assert named == set(written["volumes"])


def test_what_is_mounted_belongs_to_the_user_of_the_image(written: dict[str, Any]) -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    owned = re.search(r"chown -R curation: (.+?)\n", dockerfile)
    assert owned
    for service in written["services"].values():
        if service["image"].startswith("curation"):
            for mount in service["volumes"]:
                target = mount.removesuffix(":ro").rsplit(":", 1)[-1]
                assert any(target.startswith(folder) for folder in owned[1].split()), target


def airflow_settings() -> set[str]:
    """AIRFLOW__SECTION__NAME of every setting of Airflow and its Celery provider, as installed."""
    core = importlib.util.find_spec("airflow")
    if core is None or not core.origin:
        pytest.skip("NOT TESTED: the settings in docker-compose.yml, for Airflow is not installed")
    folder = Path(core.origin).parent
    sections = yaml.safe_load((folder / "config_templates" / "config.yml").read_text())
    celery = runpy.run_path(str(folder / "providers" / "celery" / "get_provider_info.py"))
    sections |= celery["get_provider_info"]()["config"]
    return {
        f"AIRFLOW__{section.upper()}__{name.upper()}"
        for section, settings in sections.items()
        for name in settings["options"]
    }


def test_every_setting_of_airflow_exists_in_the_installed_version(written: dict[str, Any]) -> None:
    in_image = re.findall(r"\b(AIRFLOW__\w+)=", (PROJECT / "Dockerfile").read_text())
    used = {name for name, _ in environments(written) if name.startswith("AIRFLOW__")} | set(in_image)
    assert len(used) > 15
    assert used <= airflow_settings()


def test_every_variable_of_ours_is_explained_or_read_by_the_code(written: dict[str, Any]) -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    head = text[: text.index("x-curation:")]
    for name in set(re.findall(r"\$\{(\w+)", text)):
        assert f"#   {name} " in head, f"{name} is not explained at the top"
    code = "".join(
        p.read_text() for d in ("curation", "dags", "plugins") for p in (PROJECT / d).rglob("*.py")
    )
    passed = {name for name, _ in environments(written) if name.startswith("CURATION_")}
    for name in passed - {"CURATION_ADMIN_PASSWORD"}:  # which `init` itself reads
        assert f'"{name}"' in code, f"nothing reads {name}"


def test_the_connection_leads_to_the_stand_in(services: dict[str, Any]) -> None:
    from urllib.parse import unquote, urlsplit

    uri = urlsplit(services["worker"]["environment"]["AIRFLOW_CONN_ANTHROPIC"])
    assert (uri.scheme, unquote(uri.hostname or "")) == ("anthropic", "http://stand-in:8020")
    asked = services["stand-in"]["command"]
    assert asked[asked.index("--port") + 1] == "8020"


def test_the_image_is_built_from_files_that_are_sent_to_the_builder() -> None:
    ignore = (PROJECT / ".dockerignore").read_text().splitlines()
    sent = {line[1:] for line in ignore if line.startswith("!")}
    copied = re.findall(r"^COPY (.+) \S+$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    for source in (name for line in copied for name in line.split()):
        assert source.split("/")[0] in sent, f"{source} is not sent to the builder"
        assert (PROJECT / source).exists()


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)[-1] != "root"
