"""`hookyard keys`: API tokens, and keys that senders show. Each is shown once; only its hash is kept."""

from __future__ import annotations

from datetime import timedelta

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from router.cli.audit import done
from router.cli.failures import CommandError
from router.cli.options import Span, data_option, expiry_ms, json_option, option
from router.cli.output import result, result_json, status, table
from router.cli.parts import store_of
from router.cli.start import prepare, run_async
from router.cli.tokens import SCOPES, new_token
from router.core.clock import epoch_ms, from_epoch_ms, rfc3339, rfc3339_of_ms, utc_now
from router.core.ids import id_source
from router.core.settings import Settings
from router.core.store import audit
from router.core.store.api_keys import (
    HOOKS,
    create_key,
    list_keys,
    name_for_connector,
    revoke_key,
    revoke_later,
)
from router.core.store.engine import Row
from router.core.store.installation import stored_hash
from rules.names import CONNECTOR_FORM, SECRET_FORM, is_connector_name, is_secret_name

_OF_CONNECTORS = name_for_connector("")


@click.group("keys")
def keys() -> None:
    """Make, list, rotate and revoke keys."""


@keys.command("create")
@click.argument("name", required=False)
@option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What the token may do; may be given more than once.",
)
@option("--connector", metavar="CONNECTOR", help="Make a key for this one connector instead.")
@option(
    "--expires",
    "expires_ms",
    callback=expiry_ms,
    metavar="WHEN",
    help="Until when it is good: 90d for so long from now on, a day, or an instant; for ever.",
)
@data_option
@json_option
def create(
    name: str | None,
    scopes: tuple[str, ...],
    connector: str | None,
    expires_ms: int | None,
    *,
    as_json: bool,
    **flags: object,
) -> None:
    """Make a token called NAME and print it, this once.

    With --scope hooks it is a key for a sender that shows its secret (Bearer, Basic, a header): NAME is
    then the name that the connector has under `secrets:`. With --connector it is for that connector alone,
    whatever its secrets are called, and is itself called `connector:CONNECTOR`.
    """
    settings, _ = prepare(**flags)
    if connector is not None:
        name, scopes = _for_connector(connector, name, scopes), (HOOKS,)
    elif name is None:
        raise click.UsageError("Missing argument 'NAME', or option '--connector'.")
    elif not scopes:
        raise click.UsageError("Missing option '--scope', or '--connector'.")
    made = run_async(_create(settings, name, list(dict.fromkeys(scopes)), expires_ms))
    if as_json:
        result_json(made)
        return
    result(str(made["token"]))
    status(f"Token {name} ({', '.join(dict.fromkeys(scopes))}), id {made['id']}; not shown again.")


def _for_connector(connector: str, name: str | None, scopes: tuple[str, ...]) -> str:
    """Return how the key of a connector is called."""
    if name is not None or set(scopes) - {HOOKS}:
        raise CommandError(
            "a connector's key opens that connector and nothing else: leave the rest"
        )
    if not is_connector_name(connector):
        raise CommandError(f"no connector is called {connector}: {CONNECTOR_FORM}")
    return name_for_connector(connector)


async def _create(
    settings: Settings, name: str, scopes: list[str], expires_ms: int | None
) -> dict[str, object]:
    if not name.strip():
        raise CommandError("a token needs a name, so that it is known when it is to be revoked")
    if HOOKS in scopes and len(scopes) > 1:
        raise CommandError(f"a sender's key opens nothing else: --scope {HOOKS} stands alone")
    if HOOKS in scopes and not (is_secret_name(name) or name.startswith(_OF_CONNECTORS)):
        raise CommandError(f"a sender's key is called as its connector calls it: {SECRET_FORM}")
    async with store_of(settings) as store, store.begin() as conn:
        return await _make(conn, name, scopes, expires_ms)


async def _make(
    conn: AsyncConnection,
    name: str,
    scopes: list[str],
    expires_ms: int | None = None,
    *,
    action: audit.Action = "key-created",
    **detail: object,
) -> dict[str, object]:
    token, key_id = new_token(), id_source()()
    await create_key(
        conn,
        key_id=key_id,
        name=name,
        scopes=scopes,
        token_hash=await stored_hash(conn, token),
        now_ms=epoch_ms(utc_now()),
        expires_ms=expires_ms,
    )
    made: dict[str, object] = {"name": name, "scopes": scopes}
    if expires_ms is not None:
        detail["expires_at"] = rfc3339_of_ms(expires_ms)
    await audit.note(conn, done(action, key_id, **made, **detail))
    shown: dict[str, object] = {"id": key_id, **made, "token": token}
    return shown if expires_ms is None else {**shown, "expires_at": rfc3339_of_ms(expires_ms)}


@keys.command("list")
@data_option
@json_option
def list_command(*, as_json: bool, **flags: object) -> None:
    """List tokens: names, scopes and use, never the tokens."""
    settings, _ = prepare(**flags)
    rows = [_shown(row) for row in run_async(_list(settings))]
    if as_json:
        result_json({"data": rows, "next_cursor": None})
        return
    table(
        ("id", "name", "scopes", "created", "last used", "expires", "revoked"),
        (
            (
                row["id"],
                row["name"],
                " ".join(row["scopes"]),
                row["created_at"],
                row["last_used_at"] or "never",
                row["expires_at"] or "",
                row["revoked_at"] or "",
            )
            for row in rows
        ),
    )


async def _list(settings: Settings) -> list[Row]:
    async with store_of(settings) as store, store.connect() as conn:
        return await list_keys(conn)


def _shown(row: Row) -> Row:
    return {
        "id": row["id"],
        "name": row["name"],
        "scopes": row["scopes"],
        **{
            f"{what}_at": None
            if row[f"{what}_ms"] is None
            else rfc3339(from_epoch_ms(row[f"{what}_ms"]))
            for what in ("created", "last_used", "expires", "revoked")
        },
    }


@keys.command("rotate")
@click.argument("key", metavar="NAME|ID")
@option(
    "--overlap",
    type=Span(),
    default="24h",
    show_default=True,
    metavar="SPAN",
    help="How long those before stay in force.",
)
@data_option
@json_option
def rotate(key: str, *, overlap: timedelta, as_json: bool, **flags: object) -> None:
    """Make another key of the same name and scopes, and let those before end after the overlap.

    Prints the new key, this once. Give it to whoever has the old one before that ends.
    """
    settings, _ = prepare(**flags)
    made = run_async(_rotate(settings, key, overlap))
    if as_json:
        result_json(made)
        return
    result(str(made["token"]))
    status(
        f"Key {made['name']}, id {made['id']}; not shown again. Before it: in force until {made['ends_at']}."
    )


async def _rotate(settings: Settings, key: str, overlap: timedelta) -> dict[str, object]:
    now_ms = epoch_ms(utc_now())
    ends_ms = epoch_ms(utc_now() + overlap)
    async with store_of(settings) as store, store.begin() as conn:
        found = [row for row in await list_keys(conn) if _is_in_force(row, now_ms)]
        before = [row for row in found if key in {row["id"], row["name"]}]
        if not before:
            raise CommandError(
                f"no key in force is called {key} or has that id; `hookyard keys list` shows them",
                exit_code=1,
            )
        if any(row["scopes"] != before[0]["scopes"] for row in before):
            raise CommandError(f"several keys with different scopes are called {key}: give an id")
        replaced, ends_at = [row["id"] for row in before], rfc3339_of_ms(ends_ms)
        made = await _make(
            conn,
            before[0]["name"],
            before[0]["scopes"],
            action="key-rotated",
            replaces=replaced,
            ends_at=ends_at,
        )
        await revoke_later(conn, replaced, at_ms=ends_ms, now_ms=now_ms)
    return {**made, "replaces": replaced, "ends_at": ends_at}


def _is_in_force(row: Row, now_ms: int) -> bool:
    return all(row[end] is None or row[end] > now_ms for end in ("revoked_ms", "expires_ms"))


@keys.command("revoke")
@click.argument("key_id", metavar="ID")
@data_option
def revoke(key_id: str, **flags: object) -> None:
    """Revoke the token with this ID; it is refused from then on."""
    settings, _ = prepare(**flags)
    if not run_async(_revoke(settings, key_id)):
        raise CommandError(
            f"no token in force has the id {key_id}; `hookyard keys list` shows them", exit_code=1
        )
    status(f"Token {key_id} is revoked.")


async def _revoke(settings: Settings, key_id: str) -> bool:
    async with store_of(settings) as store, store.begin() as conn:
        is_revoked = await revoke_key(conn, key_id, now_ms=epoch_ms(utc_now()))
        if is_revoked:
            name = next(row["name"] for row in await list_keys(conn) if row["id"] == key_id)
            await audit.note(conn, done("key-revoked", key_id, name=name))
    return is_revoked
