"""docker-compose.yml, Dockerfile and .dockerignore, as far as they can be checked without an engine."""

from __future__ import annotations

import re
import shlex
import subprocess
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "serve", "work")

_KEYS = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "deploy",
    "environment",
    "healthcheck",
    "image",
    "init",
    "networks",
    "ports",
    "read_only",
    "restart",
    "secrets",
    "security_opt",
    "shm_size",
    "stop_grace_period",
    "tmpfs",
    "volumes",
}
_HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
_CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
_DURATION = re.compile(r"(\d+(us|ms|s|m|h))+")


@pytest.fixture(params=list(SERVICES))
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    return SERVICES[request.param]


def test_the_file_holds_only_what_compose_knows() -> None:
    known = {"name", "services", "networks", "volumes", "secrets"}

    assert {key for key in COMPOSE if not key.startswith("x-")} <= known
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", COMPOSE["name"])
    assert set(SERVICES) == {"redis", "postgres", "migrate", "serve", "work"}


def test_a_service_holds_only_what_compose_knows(service: dict[str, Any]) -> None:
    assert set(service) <= _KEYS
    assert "image" in service or "build" in service


def test_everything_that_is_referred_to_is_there(service: dict[str, Any]) -> None:
    assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    for other, how in service.get("depends_on", {}).items():
        assert how["condition"] in _CONDITIONS
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if how["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] != "unless-stopped"
    for volume in service.get("volumes", []):
        source, target, *mode = volume.split(":")
        assert source in COMPOSE["volumes"] or source.startswith("./")
        assert target.startswith("/")
        assert mode in ([], ["ro"])


def test_everything_that_is_declared_is_used() -> None:
    used_volumes = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}
    used_secrets = {name for s in SERVICES.values() for name in s.get("secrets", [])}
    used_networks = {name for s in SERVICES.values() for name in s.get("networks", [])}

    assert set(COMPOSE["volumes"]) <= used_volumes
    assert set(COMPOSE["secrets"]) == used_secrets
    assert set(COMPOSE["networks"]) == used_networks


def test_nothing_depends_on_itself_in_a_ring() -> None:
    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above, name))
        for other in SERVICES[name].get("depends_on", {}):
            visit(other, (*above, name))

    for name in SERVICES:
        visit(name, ())


def test_durations_and_sizes_are_written_as_compose_reads_them(service: dict[str, Any]) -> None:
    health = service.get("healthcheck", {})
    for value in (health.get("interval"), health.get("timeout"), service.get("stop_grace_period")):
        assert value is None or _DURATION.fullmatch(value)
    assert isinstance(health.get("retries", 1), int)
    assert re.fullmatch(r"\d+(b|k|kb|m|mb|g|gb)", service.get("shm_size", "1mb"))


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "migrate"])
def test_everything_that_stays_has_a_health_check(name: str) -> None:
    health = SERVICES[name]["healthcheck"]

    assert set(health) <= _HEALTH_KEYS
    assert health["test"][0] in {"CMD", "CMD-SHELL"}
    assert all(isinstance(word, str) for word in health["test"])
    if health["test"][0] == "CMD-SHELL":
        assert len(health["test"]) == 2


@pytest.mark.parametrize("name", ["serve", "work"])
def test_a_health_check_in_python_is_python(name: str) -> None:
    kind, program, flag, code = SERVICES[name]["healthcheck"]["test"]

    assert (kind, program, flag) == ("CMD", "python", "-c")
    compile(code, "healthcheck", "exec")


def test_commands_and_environments_are_texts(service: dict[str, Any]) -> None:
    assert all(isinstance(word, str) for word in service.get("command", []))
    for name, value in service.get("environment", {}).items():
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", name)
        assert isinstance(value, str)


def test_no_secret_is_written_into_the_file(service: dict[str, Any]) -> None:
    for name, value in service.get("environment", {}).items():
        if re.search("PASSWORD|TOKEN|SECRET|DATABASE_URL|KEY", name):
            assert name.endswith(("_FILE", "_DIR")), name
            assert value.startswith(("/run/secrets/", "/etc/hookyard/secrets")), value
    for secret in COMPOSE["secrets"].values():
        assert set(secret) == {"file"}
        assert secret["file"].startswith("./secrets/")


def test_a_secret_that_a_variable_names_is_given_to_the_service(service: dict[str, Any]) -> None:
    for value in service.get("environment", {}).values():
        if value.startswith("/run/secrets/"):
            assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_redis_keeps_what_it_is_given() -> None:
    command = " ".join(SERVICES["redis"]["command"])

    assert "--appendonly yes" in command
    assert "--appendfsync always" in command
    assert "--maxmemory-policy noeviction" in command
    assert SERVICES["redis"]["volumes"]


def test_there_are_two_workers_and_receivers_that_share_a_port() -> None:
    assert SERVICES["work"]["deploy"]["replicas"] == 2
    assert SERVICES["serve"]["command"] == ["serve", "--processes", "2"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights_to_spare(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    grace = _DURATION.fullmatch(service["stop_grace_period"])
    assert grace is not None
    assert int(service["stop_grace_period"].removesuffix("s")) > 25


def test_only_the_receiver_is_published_and_only_on_loopback() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}

    assert published == {"serve": ["127.0.0.1:8080:8080"]}
    assert COMPOSE["networks"]["inner"] == {"internal": True}
    assert SERVICES["redis"]["networks"] == SERVICES["postgres"]["networks"] == ["inner"]


DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_the_image_runs_as_a_user_without_rights() -> None:
    final = DOCKERFILE.split("\nFROM ")[-1]

    assert re.search(r"^USER 10001", final, re.MULTILINE)
    assert 'ENTRYPOINT ["hookyard"]' in final


def test_every_package_of_the_image_is_pinned_and_hash_checked() -> None:
    joined = DOCKERFILE.replace("\\\n", " ")
    installs = re.findall(r"\bpip (?:install|wheel) [^\n&]+", joined)

    assert len(installs) == 4
    for install in installs:
        words = shlex.split(install)
        assert "--require-hashes" in words or {"--no-index", "--no-build-isolation"} & set(words)
        assert "--no-deps" in words


def test_the_build_back_end_comes_with_all_it_needs() -> None:
    program = re.search(r"awk '(.*?)'", DOCKERFILE, re.DOTALL)
    assert program is not None
    shown = subprocess.run(
        ["awk", program[1], "constraints-dev.txt"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pinned = set(re.findall(r"^([a-z0-9-]+)==", shown, re.MULTILINE))
    needed = {
        re.split(r"[^A-Za-z0-9-]", text)[0]
        for text in requires("hatchling") or ()
        if ";" not in text
    }

    assert pinned == needed | {"hatchling"}
    assert shown.count("--hash=sha256:") >= len(pinned)


def test_what_the_image_is_built_from_reaches_the_builder_and_secrets_do_not() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    ]

    assert rules[0] == "*"
    assert {f"!{word}" for word in copied} <= set(rules)
    assert "!secrets" not in rules
    assert all((ROOT / word).exists() for word in copied)
