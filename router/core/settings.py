"""Settings: the environment, read here and nowhere else.

Each setting `X` is `HOOKYARD_X`, or the contents of the file that `HOOKYARD_X_FILE` names
(how Docker and Kubernetes hand over secrets); a `.env` in the working directory is read too,
the environment wins. Values that may hold a password are `SecretStr`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, WithJsonSchema
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from router.core.errors import SecretMissingError, SettingsError
from router.core.networks import Network, parse_network
from router.core.redaction import forget_value

PREFIX = "HOOKYARD_"
DEFAULT_BODY_LIMIT = 1024 * 1024
"""Bytes."""
_SPAN = re.compile(r"(\d+)\s*(ms|s|m|h|d|w)")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def parse_span(value: Any) -> Any:
    """Return the time a text such as `48h` or `30d` spans; other values as they are."""
    if not isinstance(value, str):
        return value
    match = _SPAN.fullmatch(value.strip())
    if not match:
        raise ValueError(
            f"expected a number with ms, s, m, h, d or w, such as 30d; found {value!r}"
        )
    return timedelta(milliseconds=int(match[1]) * _UNIT_MS[match[2]])


SPAN_SCHEMA = WithJsonSchema(
    {"type": "string", "pattern": r"^\s*\d{1,12}\s*(ms|s|m|h|d|w)\s*$"}, mode="validation"
)
Span = Annotated[timedelta, BeforeValidator(parse_span), SPAN_SCHEMA]


def parse_networks(value: Any) -> Any:
    """Return the ranges of addresses in a text that lists them; other values as they are."""
    if not isinstance(value, str):
        return value
    ranges = tuple(parse_network(word) for word in value.replace(",", " ").split())
    if any(network.prefixlen == 0 for network in ranges):
        raise ValueError("trusts every address, so that everybody could claim to be anybody")
    return ranges


class Settings(BaseSettings):
    """All settings; docs/reference/settings.md describes each, and a test says so."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    routes: Path | None = Field(None, description="directory of rule files (YAML)")
    data: Path = Field(Path(".hookyard"), description="embedded Redis and SQLite")
    redis_url: SecretStr | None = Field(
        None, description="redis://, rediss://, unix:// or redis+sentinel://; embedded if not set"
    )
    database_url: SecretStr | None = Field(
        None, description="sqlite:///… or postgresql://…; SQLite in the data directory if not set"
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on")
    processes: int = Field(1, ge=1, le=64, description="receiver processes that share the port")
    share_port: bool = Field(
        False, description="share the port with other receivers; `serve --processes` sets it"
    )
    worker_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="port of a worker's /healthz and /metrics; none if not set",
    )
    secrets_dir: Path | None = Field(None, description="directory with one file a secret")
    admin_token: SecretStr | None = Field(None, description="API token with every scope")
    log_format: Literal["console", "json"] | None = Field(
        None, description="console on a terminal, else json"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level"
    )
    public_url: str | None = Field(None, description="address senders and people see; in links")
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(parse_networks)] = Field(
        (), description="addresses of proxies whose X-Forwarded-For or Forwarded is believed"
    )
    retention: Span = Field(timedelta(days=30), description="how long events and attempts are kept")
    body_limit: int = Field(
        DEFAULT_BODY_LIMIT, gt=0, description="largest body in bytes where the connector sets none"
    )
    intake_max_requests: int = Field(
        20_000, gt=0, description="requests that may wait to be stored; above it 503 at once"
    )
    intake_max_bytes: int = Field(
        64 * 1024 * 1024, gt=0, description="bytes that may wait to be stored; above it 503 at once"
    )

    @property
    def routes_dir(self) -> Path:
        """The directory of rule files: as set, else `rules/routes` if it exists, else `routes`."""
        if self.routes is not None:
            return self.routes
        default = Path("rules/routes")
        return default if default.is_dir() else Path("routes")

    @property
    def database(self) -> str:
        """The database's URL; it may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{quote(str(self.data.resolve() / 'hookyard.db'))}"

    @property
    def base_url(self) -> str:
        """Where people reach this Hookyard; no slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment through `environment()` alone: one search order for all settings."""
        del env_settings, dotenv_settings, file_secret_settings
        found = _values(environment(), settings_cls.model_fields)
        return (init_settings, InitSettingsSource(settings_cls, found))


def environment(directory: Path | None = None) -> dict[str, str]:
    """Return the process's environment over that of a `.env` in the directory (the working one)."""
    dotenv = dotenv_values((directory or Path.cwd()) / ".env")
    given = {name: value for name, value in dotenv.items() if value is not None}
    return given | dict(os.environ)  # noqa: TID251  the one reader


def _values(variables: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return settings by field name; the `_FILE` form is read where the plain one is not set."""
    found: dict[str, str] = {}
    for name in names:
        variable = f"{PREFIX}{name.upper()}"
        if value := variables.get(variable):
            found[name] = value
        elif file := variables.get(f"{variable}_FILE"):
            found[name] = _read(f"{variable}_FILE", Path(file))
    return found


def _read(variable: str, path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable}: {path} cannot be read: {error}") from error


def load_settings(**given: Any) -> Settings:
    """Return the settings; arguments that are not None win over the environment.

    Raises:
        SettingsError: One line for each setting that cannot be used; values are not shown.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        lines = [
            f"{PREFIX}{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise SettingsError("\n".join(lines)) from None


class Secrets:
    """Secrets by the names YAML uses: `HOOKYARD_SECRET_<NAME>` (or `…_FILE`), else a file `<name>`.

    `<NAME>` is the name in capitals, every sign but letters and digits as `_` (decision P14). Values
    are looked up at each call, so a secret that is rotated in its file is seen.
    """

    def __init__(self, settings: Settings, variables: Mapping[str, str] | None = None) -> None:
        self._directory = settings.secrets_dir
        self._variables = environment() if variables is None else variables

    def __repr__(self) -> str:
        return "Secrets(…)"

    @staticmethod
    def variable(name: str) -> str:
        """Return the environment variable that holds a secret of this name."""
        return f"{PREFIX}SECRET_{re.sub('[^A-Z0-9]', '_', name.upper())}"

    def get(self, name: str) -> str:
        """Return a secret's value.

        Raises:
            SecretMissingError: It is not set, or empty; the message says where it was looked for.
        """
        variable = self.variable(name)
        looked = [variable, f"{variable}_FILE"]
        value = self._variables.get(variable, "")
        if not value and (file := self._variables.get(f"{variable}_FILE")):
            value = _read(f"{variable}_FILE", Path(file))
        if not value and self._directory is not None:
            path = self._directory / name
            looked.append(str(path))
            value = _read("HOOKYARD_SECRETS_DIR", path) if path.is_file() else ""
        if not value:
            raise SecretMissingError(f"secret {name!r} is not set; looked in {', '.join(looked)}")
        forget_value(value)
        return value

    def has(self, name: str) -> bool:
        """Tell whether a secret is set and not empty."""
        try:
            self.get(name)
        except (SecretMissingError, SettingsError):
            return False
        return True
