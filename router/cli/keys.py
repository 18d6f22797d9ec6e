"""`hookyard keys`: API tokens. A token is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

import click

from router.cli.failures import CommandError
from router.cli.options import data_option, json_option, option
from router.cli.output import result, result_json, status, table
from router.cli.parts import store_of
from router.cli.start import prepare, run_async
from router.cli.tokens import SCOPES, new_token, token_hash
from router.core.clock import epoch_ms, from_epoch_ms, rfc3339, utc_now
from router.core.ids import id_source
from router.core.settings import Settings
from router.core.store.api_keys import create_key, list_keys, revoke_key
from router.core.store.engine import Row


@click.group("keys")
def keys() -> None:
    """Make, list and revoke API tokens."""


@keys.command("create")
@click.argument("name")
@option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What the token may do; may be given more than once.",
)
@data_option
@json_option
def create(name: str, scopes: tuple[str, ...], *, as_json: bool, **flags: object) -> None:
    """Make a token called NAME and print it, this once."""
    settings, _ = prepare(**flags)
    made = run_async(_create(settings, name, list(dict.fromkeys(scopes))))
    if as_json:
        result_json(made)
        return
    result(str(made["token"]))
    status(f"Token {name} ({', '.join(dict.fromkeys(scopes))}), id {made['id']}; not shown again.")


async def _create(settings: Settings, name: str, scopes: list[str]) -> dict[str, object]:
    if not name.strip():
        raise CommandError("a token needs a name, so that it is known when it is to be revoked")
    token, key_id = new_token(), id_source()()
    async with store_of(settings) as store, store.begin() as conn:
        await create_key(
            conn,
            key_id=key_id,
            name=name,
            scopes=scopes,
            token_hash=token_hash(token),
            now_ms=epoch_ms(utc_now()),
        )
    return {"id": key_id, "name": name, "scopes": scopes, "token": token}


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
        ("id", "name", "scopes", "created", "last used", "revoked"),
        (
            (
                row["id"],
                row["name"],
                " ".join(row["scopes"]),
                row["created_at"],
                row["last_used_at"] or "never",
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
            for what in ("created", "last_used", "revoked")
        },
    }


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
        return await revoke_key(conn, key_id, now_ms=epoch_ms(utc_now()))
