from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from router.cli.options import address_options, data_option, json_option, option, routes_option
from router.core.settings import environment


@click.group("hookyard")
def cli() -> None:
    pass


@cli.command("try-it")
@address_options
@data_option
@routes_option
@json_option
@option("--name", multiple=False, help="A name.")
def try_it(**flags: object) -> None:
    click.echo(repr({name: value for name, value in sorted(flags.items()) if value is not None}))


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in environment(tmp_path):
        if name.startswith("HOOKYARD_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["try-it", *arguments], prog_name="hookyard")
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    "twin",
    [
        "HOOKYARD_HOST",
        "HOOKYARD_PORT",
        "HOOKYARD_DATA",
        "HOOKYARD_ROUTES",
        "HOOKYARD_TRY_IT_JSON",
        "HOOKYARD_TRY_IT_NAME",
    ],
)
def test_help_shows_the_environment_twin_of_each_flag(twin: str) -> None:
    shown = " ".join(_run("--help").split())

    assert f"[env: {twin}]" in shown


def test_a_twin_is_read_from_the_environment_and_from_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("HOOKYARD_TRY_IT_NAME=of the file\n")
    assert "'name': 'of the file'" in _run()

    monkeypatch.setenv("HOOKYARD_TRY_IT_NAME", "of the environment")
    assert "'name': 'of the environment'" in _run()
    assert "'name': 'of the flag'" in _run("--name", "of the flag")


def test_a_twin_that_is_a_setting_is_left_to_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKYARD_PORT", "9000")

    assert "port" not in _run()
