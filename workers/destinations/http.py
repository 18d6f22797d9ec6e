"""Any HTTP API that takes tasks: the request is what the configuration says.

docs/destinations/http.md describes it. Signing follows https://www.standardwebhooks.com (checked
2026-11-23); nothing else of it depends on a vendor.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from router.core import jsonio
from rules.names import SecretName
from rules.scope import Scope
from rules.values import text
from workers.destinations.destination import Common, Destination
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.reading import answer_path, created, id_at
from workers.destinations.request import Ask, BuildError, Change, Copy, Request
from workers.destinations.templates import (
    AnyTemplate,
    TextTemplate,
    scope_of,
    template,
    url_scope_of,
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect"})
_USES_EXTERNAL_ID = re.compile(r"\bexternal_id\b")
_NO_ADDRESS = "the address is no http:// or https:// URL"
_WHOLE_TASK = template("{{ task }}")


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header")
    if name.lower() in _OURS:
        raise ValueError(f"the header {name} is set by Hookyard itself")
    return name


Method = Literal["POST", "PUT", "PATCH", "DELETE"]
HeaderName = Annotated[str, AfterValidator(_header_name)]


class SecretHeader(BaseModel):
    """A header whose value is a secret, after a `prefix` if one is given (`Bearer `)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: SecretName
    prefix: str = ""


class Sign(BaseModel):
    """How requests are signed, each way with the name of its secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    standard_webhooks: SecretName


class Call(BaseModel):
    """The request for a change of a copy; what it leaves out is as for creating one (Q2)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method = "PATCH"
    url: TextTemplate
    body: AnyTemplate | None = None


class Removal(BaseModel):
    """The request that removes a copy; without `body` it has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method = "DELETE"
    url: TextTemplate
    body: AnyTemplate | None = None


class Config(Common):
    """A destination of type `http`, as it is written in YAML."""

    type: Literal["http"] = "http"
    url: TextTemplate
    method: Method = "POST"
    headers: dict[HeaderName, SecretHeader | TextTemplate] = Field(default_factory=dict)
    sign: Sign | None = None
    body: AnyTemplate | None = Field(None, description="the whole task if left out")
    id_at: Annotated[str, AfterValidator(answer_path)] | None = Field(
        None, description="where the answer to a creation has the id of the copy"
    )
    idempotency_header: HeaderName | None = None
    update: Call | None = None
    complete: Call | None = None
    cancel: Call | None = Field(None, description="as `complete` if left out")
    delete: Removal | None = Field(None, description="with `on_delete: delete`")
    on_uncertain: Literal["hold", "retry"] = Field(
        "hold", description="what becomes of a creation that may have worked"
    )

    @property
    def calls(self) -> dict[Change, Call | Removal]:
        """The requests for changes that are there, by name."""
        known: dict[Change, Call | Removal | None] = {
            "update": self.update,
            "complete": self.complete,
            "cancel": self.cancel,
            "delete": self.delete,
        }
        return {name: call for name, call in known.items() if call is not None}

    @model_validator(mode="after")
    def _addresses_are_addresses(self) -> Self:
        urls = {"url": self.url, **{f"{name}.url": call.url for name, call in self.calls.items()}}
        for name, url in urls.items():
            if url.is_fixed() and not _is_address(url.texts().strip()):
                raise ValueError(f"{name}: {_NO_ADDRESS}")
        return self

    @model_validator(mode="after")
    def _no_header_is_set_twice(self) -> Self:
        ours = [] if self.idempotency_header is None else [self.idempotency_header]
        seen = Counter(name.lower() for name in [*self.headers, *ours])
        if twice := [name for name, count in seen.items() if count > 1]:
            raise ValueError(f"a header is set twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _ids_come_from_somewhere(self) -> Self:
        """Refuse an address that needs an id which no answer gives."""
        for name, call in self.calls.items():
            texts = call.url.texts() + ("" if call.body is None else call.body.texts())
            if self.id_at is None and _USES_EXTERNAL_ID.search(texts):
                raise ValueError(f"{name} needs external_id, so id_at must say where it comes from")
        return self

    @model_validator(mode="after")
    def _a_deletion_has_its_request(self) -> Self:
        if self.on_delete == "delete" and self.delete is None:
            raise ValueError("on_delete: delete needs `delete`, which says how a copy is removed")
        return self


def build(config: Config, change: Change, copy: Copy) -> Request | None:
    """Return the request for a change, None where the configuration has none for it.

    Raises:
        BuildError: A template cannot be rendered for this task, or what it gives is no request.
    """
    call = _call_for(config, change)
    if call is None:
        return None
    method, url_template, body_template = call
    scope = scope_of(copy)
    headers = _plain_headers(config, scope)
    content = b""
    if body_template is not None:
        content, content_type = _content(body_template.render(scope, "body"))
        if not any(name.lower() == "content-type" for name in config.headers):
            headers["Content-Type"] = content_type
    if config.idempotency_header is not None:
        headers[config.idempotency_header] = copy.key
    return Request(
        method=method,
        url=_address(url_template, copy),
        headers=headers,
        body=content,
        secret_headers={
            name: (value.prefix, value.secret)
            for name, value in config.headers.items()
            if isinstance(value, SecretHeader)
        },
        sign_with=None if config.sign is None else config.sign.standard_webhooks,
        message_id=copy.key,
    )


def classify(config: Config, change: Ask, answer: Answer, now_s: float) -> Outcome:
    """Return what an answer means; a creation must bring the id of the copy where `id_at` says so."""
    outcome = Outcome.from_status(answer, now_s=now_s, changing=change not in {"create", "look"})
    if outcome.kind is not Kind.DELIVERED or change != "create" or config.id_at is None:
        return outcome
    return created(answer, id_at(config.id_at, answer), config.id_at)


def _call_for(
    config: Config, change: Change
) -> tuple[str, TextTemplate, AnyTemplate | None] | None:
    if change == "create":
        return config.method, config.url, config.body or _WHOLE_TASK
    call = config.calls.get(change)
    if call is None:
        return None
    shared = None if isinstance(call, Removal) else config.body or _WHOLE_TASK
    return call.method, call.url, call.body or shared


def _content(value: Any) -> tuple[bytes, str]:
    if isinstance(value, str):
        return value.encode("utf-8", "replace"), "text/plain; charset=utf-8"
    return jsonio.dump_bytes(value), "application/json"


def _plain_headers(config: Config, scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in config.headers.items():
        if isinstance(value, SecretHeader):
            continue
        words = text(value.render(scope, f"header {name}"))
        if not words.isprintable():
            raise BuildError(
                "header", f"header {name} would hold a line break or a control character"
            )
        headers[name] = words
    return headers


def _address(url_template: TextTemplate, copy: Copy) -> str:
    if url_template.is_fixed():
        url = str(url_template.raw).strip()
    else:
        url = text(url_template.render(url_scope_of(copy), "url")).strip()
    if not _is_address(url):
        raise BuildError("address", _NO_ADDRESS)
    return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable()


def _secrets(config: Config) -> frozenset[str]:
    named = {value.secret for value in config.headers.values() if isinstance(value, SecretHeader)}
    return frozenset(named if config.sign is None else named | {config.sign.standard_webhooks})


def _counts(config: Config) -> bool:
    bodies = [config.body] + [call.body or config.body for call in (config.update,) if call]
    return config.update is not None and any(body is None or body.shows_count() for body in bodies)


def _on_uncertain(config: Config) -> Literal["hold", "repeat"]:
    """A creation that may have worked is repeated where that cannot make a second copy (V3-V5, Q4)."""
    if config.idempotency_header is not None or config.on_uncertain == "retry":
        return "repeat"
    return "hold"


DESTINATION = Destination(
    name="http",
    title="Any HTTP API",
    certainty="verified",
    idempotency="header",
    config=Config,
    build=build,
    classify=classify,
    secrets=_secrets,
    on_uncertain=_on_uncertain,
    counts=_counts,
    changes=frozenset({"create", "update", "complete", "cancel", "delete"}),
    changes_of=lambda config: frozenset({"create", *config.calls}),
    is_keyed=lambda config: config.idempotency_header is not None,
)
