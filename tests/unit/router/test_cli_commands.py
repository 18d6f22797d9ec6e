"""Commands that need no server, run as `hookyard` runs them: arguments in, exit code and texts out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from router.cli import main as cli_main
from router.cli.main import COMMANDS, run

ROOT = Path(__file__).resolve().parents[3]


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Hookyard = Callable[..., Ran]


@pytest.fixture
def hookyard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Hookyard:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ran:
        code = run(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_is_there_and_its_summary_is_its_own(name: str) -> None:
    context = click.Context(cli_main.cli, info_name="hookyard")

    command = cli_main.cli.get_command(context, name)

    assert command is not None
    assert command.name == name


def test_help_lists_all_commands(hookyard: Hookyard) -> None:
    ran = hookyard("--help")

    assert ran.code == 0
    assert [
        line.split()[0]
        for line in ran.out.split("Commands:\n")[1].splitlines()
        if line.startswith("  ") and line.split()
    ][: len(COMMANDS)] == list(COMMANDS)


def test_without_arguments_the_help_goes_to_stderr(hookyard: Hookyard) -> None:
    ran = hookyard()

    assert (ran.code, ran.out) == (2, "")
    assert "Commands:" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch"], "No such command 'nosuch'"),
        (["up", "--nosuch"], "No such option"),
        (["up", "--port", "99999"], "--port"),
        (["keys", "create", "x", "--scope", "all"], "'all' is not one of"),
        (["keys", "create", "x"], "Missing option '--scope'"),
        (["tasks", "list", "--limit", "0"], "--limit"),
        (["send", "shop", "--event", "missing.json"], "missing.json"),
        (["events", "list", "--since", "yesterday"], "such as 7d; found 'yesterday'"),
        (["events", "replay"], "name events by their IDs, or by --status"),
        (["events", "replay", "--connector", "shop"], "name events by their IDs, or by --status"),
        (["events", "replay", "1", "--status", "held"], "name events by their IDs, or by --status"),
        (["events", "replay", "1", "--limit", "1"], "name events by their IDs, or by --status"),
        (["events", "replay", "--status", "accepted"], "'accepted' is not one of"),
        (["events", "replay", "--status", "duplicate"], "with --force it acts"),
    ],
)
def test_bad_usage_is_exit_code_2(hookyard: Hookyard, arguments: Sequence[str], words: str) -> None:
    ran = hookyard(*arguments)

    assert ran.code == 2
    assert words in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_a_setting_that_cannot_be_used_is_exit_code_2(
    hookyard: Hookyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKYARD_PORT", "many")

    ran = hookyard("keys", "list")

    assert ran.code == 2
    assert ran.err.startswith("hookyard: HOOKYARD_PORT: ")


def test_interrupting_is_no_error(hookyard: Hookyard, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_main.cli, "main", interrupted)

    assert hookyard("up").code == 130


def test_main_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_main, "run", lambda _arguments: 1)

    with pytest.raises(SystemExit) as caught:
        cli_main.main([])

    assert caught.value.code == 1


def test_verbose_may_stand_anywhere(hookyard: Hookyard) -> None:
    for arguments in (["-v", "keys", "list"], ["keys", "list", "--verbose"]):
        ran = hookyard(*arguments)
        assert ran.code == 2
        assert "Traceback" in ran.err


def test_sources_and_destinations_are_listed(hookyard: Hookyard) -> None:
    assert "shopify" in hookyard("sources").out
    names = [source["name"] for source in hookyard("sources", "--json").json["data"]]
    assert {"shopify", "github", "stripe", "standard-webhooks", "alertmanager"} <= set(names)
    certainties = {one["certainty"] for one in hookyard("sources", "--json").json["data"]}
    assert certainties <= {"verified", "documented", "assumed"}
    assert "http" in hookyard("destinations").out
    assert hookyard("destinations", "--json").json["next_cursor"] is None


def test_a_source_is_shown_with_all_there_is_to_know_of_it(hookyard: Hookyard) -> None:
    shown = hookyard("sources", "show", "woocommerce")
    facts = hookyard("sources", "show", "woocommerce", "--json").json

    assert shown.code == 0
    for words in (
        "HMAC-SHA256 (base64) of {body} in X-WC-Webhook-Signature",
        "delivery id    none",
        "body | hash",
        "documented: built from",
        "waits          60 seconds",
        "It never tries again.",
        "  4. Set the status to Active",
    ):
        assert words in shown.out
    assert facts["methods"] == ["POST"]
    assert facts["options"] == []
    assert facts["certainty"] == "documented"
    assert facts["delivery_id"] == "none"
    assert len(facts["setup"]) == 4


def test_every_source_can_be_shown(hookyard: Hookyard) -> None:
    for one in hookyard("sources", "--json").json["data"]:
        assert one["proof"] in hookyard("sources", "show", one["name"]).out


def test_a_source_that_is_not_there_comes_with_one_that_could_be_meant(hookyard: Hookyard) -> None:
    near, far = hookyard("sources", "show", "gitlob"), hookyard("sources", "show", "xxxxxx")

    assert (near.code, far.code) == (2, 2)
    assert "did you mean `gitlab`?" in near.err
    assert "`hookyard sources` lists all" in far.err


def test_the_catalogue_lists_every_file_with_what_it_is_for_and_how_sure_we_are(
    hookyard: Hookyard,
) -> None:
    listed, data = hookyard("catalogue"), hookyard("catalogue", "--json").json["data"]
    names = sorted(file.stem for file in (ROOT / "rules" / "catalogue").glob("*.yaml"))

    assert [one["name"] for one in data] == names
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == names
    assert all(one["description"] in listed.out for one in data)
    assert "hookyard init --with" in listed.err
    (form,) = [one for one in data if one["name"] == "form"]
    assert (form["source"], form["certainty"], form["secrets"]) == ("form", "documented", [])
    (shopify,) = [one for one in data if one["name"] == "shopify"]
    assert shopify["secrets"] == ["HOOKYARD_SECRET_SHOPIFY_WEBHOOK"]
    assert hookyard(*shopify["command"].split()[1:]).code == 0


def test_init_says_which_secrets_the_new_files_need(
    hookyard: Hookyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKYARD_SECRET_GITHUB_WEBHOOK", "known")

    first = hookyard("init", "routes", "--with", "shopify,github,form").err
    again = hookyard("init", "routes", "--with", "shopify").err

    assert "  HOOKYARD_SECRET_SHOPIFY_WEBHOOK  routes/shopify.yaml\n" in first
    assert "  HOOKYARD_SECRET_GITHUB_WEBHOOK   routes/github.yaml (is set)\n" in first
    assert "known" not in first
    assert "HOOKYARD_SECRET_SHOPIFY_WEBHOOK" not in again
    assert "hookyard rules test routes" in again


def test_the_first_line_of_a_file_that_init_wrote_leads_to_its_schema(
    hookyard: Hookyard, tmp_path: Path
) -> None:
    hookyard("init", "deep/routes", "--with", "shopify")
    file = tmp_path / "deep" / "routes" / "shopify.yaml"
    first = file.read_text("utf-8").splitlines()[0]

    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)

    assert named is not None
    assert (file.parent / named[1]).is_file()


def test_init_copies_connectors_and_leaves_what_is_there(
    hookyard: Hookyard, tmp_path: Path
) -> None:
    first = hookyard("init", "routes", "--with", "shopify, github,shopify")
    (tmp_path / "routes" / "shopify.yaml").write_text("mine")
    second = hookyard("init", "routes", "--with", "shopify")

    assert first.code == second.code == 0
    assert first.out.split()[:2] == ["routes/shopify.yaml", "routes/github.yaml"]
    assert second.out == ""
    assert "exists and is left as it is" in second.err
    assert (tmp_path / "routes" / "shopify.yaml").read_text() == "mine"


def test_init_puts_the_schemas_for_editors_beside_the_routes(
    hookyard: Hookyard, tmp_path: Path
) -> None:
    ran = hookyard("init", "routes", "--with", "shopify")

    assert ran.out.split()[1:] == [
        f"schema/{kind}.schema.json" for kind in ("connector", "destinations", "directory")
    ]
    assert hookyard("rules", "schema", "--check").code == 0


def test_init_copies_what_the_tests_of_the_connectors_send(
    hookyard: Hookyard, tmp_path: Path
) -> None:
    hookyard("init", "routes", "--with", "github,shopify")
    payload = tmp_path / "routes" / "payloads" / "github" / "issues-labeled.json"
    whole = payload.read_bytes()
    payload.write_text("mine")
    hookyard("init", "routes", "--with", "github")

    assert json.loads(whole)["provider"] == "github"
    assert payload.read_text() == "mine"
    payload.write_bytes(whole)
    tested = hookyard("rules", "test", "routes")
    assert tested.code == 0
    assert "✓ github: " in tested.out
    assert "✓ shopify: " in tested.out


def test_init_makes_the_routes_of_the_settings_by_default(
    hookyard: Hookyard, tmp_path: Path
) -> None:
    hookyard("init")

    assert (tmp_path / "routes" / "standard-webhooks.yaml").is_file()


@pytest.mark.parametrize(
    ("name", "words"), [("shopfy", "did you mean shopify?"), ("zzz", "there are alertmanager")]
)
def test_init_suggests_what_was_meant(hookyard: Hookyard, name: str, words: str) -> None:
    ran = hookyard("init", "--with", name)

    assert ran.code == 2
    assert words in ran.err


def test_init_says_where_it_cannot_write(hookyard: Hookyard, tmp_path: Path) -> None:
    (tmp_path / "routes").write_text("a file")

    ran = hookyard("init", "routes/below")

    assert ran.code == 2
    assert "cannot be written" in ran.err


def test_the_database_is_made_once(hookyard: Hookyard, tmp_path: Path) -> None:
    first, second = hookyard("db", "upgrade"), hookyard("db", "upgrade")

    assert first.code == second.code == 0
    assert "was brought to this release" in first.err
    assert "has the tables of this release" in second.err
    assert (tmp_path / ".hookyard" / "hookyard.db").is_file()


@pytest.mark.parametrize(
    "arguments", [["keys", "list"], ["events", "list"], ["tasks", "list"], ["tasks", "show", "1"]]
)
def test_without_a_database_it_says_how_to_get_one(
    hookyard: Hookyard, arguments: Sequence[str]
) -> None:
    ran = hookyard(*arguments)

    assert ran.code == 2
    assert "`hookyard up` makes one" in ran.err


def test_a_database_of_another_release_is_not_touched(
    hookyard: Hookyard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKYARD_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")

    ran = hookyard("tasks", "list")

    assert ran.code == 2
    assert "hookyard db upgrade" in ran.err


def test_a_key_is_shown_once_and_stored_hashed(hookyard: Hookyard, tmp_path: Path) -> None:
    hookyard("db", "upgrade")

    made = hookyard("keys", "create", "board", "--scope", "tasks:read", "--scope", "tasks:read")
    token = made.out.strip()

    assert re.fullmatch(r"hky_[\w-]{43}", token)
    assert token not in made.err
    listed = hookyard("keys", "list")
    assert "board" in listed.out
    assert token not in listed.out + listed.err
    assert token.encode() not in (tmp_path / ".hookyard" / "hookyard.db").read_bytes()


def test_a_key_as_json_is_that_of_the_contract(hookyard: Hookyard) -> None:
    hookyard("db", "upgrade")

    made = hookyard("keys", "create", "x", "--scope", "admin", "--json").json
    listed = hookyard("keys", "list", "--json").json

    assert list(made) == ["id", "name", "scopes", "token"]
    assert (made["name"], made["scopes"]) == ("x", ["admin"])
    assert listed["next_cursor"] is None
    (row,) = listed["data"]
    assert row.pop("created_at").endswith("Z")
    assert row == {
        "id": made["id"],
        "name": "x",
        "scopes": ["admin"],
        "last_used_at": None,
        "expires_at": None,
        "revoked_at": None,
    }


@pytest.mark.parametrize("when", ["90d", "2999-01-01", "2999-01-01T10:00:00Z"])
def test_a_key_may_expire(hookyard: Hookyard, when: str) -> None:
    hookyard("db", "upgrade")

    made = hookyard("keys", "create", "x", "--scope", "admin", "--expires", when, "--json").json

    (row,) = hookyard("keys", "list", "--json").json["data"]
    assert row["expires_at"] == made["expires_at"] > row["created_at"]


@pytest.mark.parametrize("when", ["soon", "2020-01-01", "0d"])
def test_a_key_that_would_never_be_good_is_refused(hookyard: Hookyard, when: str) -> None:
    hookyard("db", "upgrade")

    ran = hookyard("keys", "create", "x", "--scope", "admin", "--expires", when)

    assert ran.code == 2
    assert "--expires" in ran.err


def test_a_task_is_made_found_and_completed(hookyard: Hookyard) -> None:
    hookyard("db", "upgrade")

    made = hookyard(
        "tasks", "create", "Call back", "--label", "phone", "--key", "k", "--due", "tomorrow"
    )
    again = hookyard("tasks", "create", "Other", "--key", "k", "--json").json
    done = hookyard("tasks", "complete", "#1", "--note", "They called", "--json").json

    number, task_id = made.out.split()
    assert (number, again["id"], again["title"]) == ("#1", task_id, "Call back")
    assert (done["status"], done["history"][-1]["note"]) == ("done", "They called")
    assert done["history"][-1]["actor"].startswith("cli:")
    for filters, count in (
        (["--label", "phone"], 1),
        (["--status-kind", "initial"], 0),
        (["--project", "p"], 0),
        (["--since", "1h", "--sort", "due"], 1),
        (["--until", "1h"], 0),
    ):
        assert len(hookyard("tasks", "list", *filters, "--json").json["data"]) == count


def test_a_task_that_is_not_valid_is_refused_with_all_that_is_wrong(hookyard: Hookyard) -> None:
    hookyard("db", "upgrade")

    ran = hookyard("tasks", "create", " ", "--due", "soonish", "--deliver", "nowhere")

    assert (ran.code, ran.out) == (1, "")
    assert all(field in ran.err for field in ("title", "due:", "deliver:"))
    assert "due: due" not in ran.err
    assert hookyard("tasks", "complete", "#9").code == 1
    assert hookyard("tasks", "list", "--json").json["data"] == []


def test_the_audit_log_says_who_made_and_revoked_keys(hookyard: Hookyard) -> None:
    hookyard("db", "upgrade")
    made = hookyard("keys", "create", "x", "--scope", "admin", "--json").json
    hookyard("keys", "revoke", made["id"])
    hookyard("keys", "revoke", made["id"])

    entries = hookyard("audit", "--json").json["data"]

    assert [one["action"] for one in entries] == ["key-revoked", "key-created"]
    assert {one["subject"] for one in entries} == {made["id"]}
    assert all(one["actor"].startswith("cli:") for one in entries)
    assert made["token"] not in hookyard("audit").out
    assert "key-created" in hookyard("audit").out


def test_a_key_without_a_name_is_refused(hookyard: Hookyard) -> None:
    hookyard("db", "upgrade")

    ran = hookyard("keys", "create", " ", "--scope", "admin")

    assert ran.code == 2
    assert "needs a name" in ran.err


def test_a_key_is_revoked_once(hookyard: Hookyard) -> None:
    hookyard("db", "upgrade")
    key_id = hookyard("keys", "create", "x", "--scope", "admin", "--json").json["id"]

    first, second = hookyard("keys", "revoke", key_id), hookyard("keys", "revoke", key_id)

    assert (first.code, second.code) == (0, 1)
    assert hookyard("keys", "list", "--json").json["data"][0]["revoked_at"] is not None


@pytest.mark.parametrize("command", ["events", "tasks"])
def test_an_empty_list_and_an_unknown_id(hookyard: Hookyard, command: str) -> None:
    hookyard("db", "upgrade")

    assert hookyard(command, "list", "--json").json == {"data": [], "next_cursor": None}
    assert hookyard(command, "list").code == 0
    for unknown in ("1", "#1", "x", "01930000-0000-7000-8000-000000000000", "9" * 30):
        ran = hookyard(command, "show", unknown)
        assert (ran.code, ran.out) == (1, "")


@pytest.mark.parametrize("command", ["events", "tasks"])
def test_a_bad_cursor_is_said_to_be_one(hookyard: Hookyard, command: str) -> None:
    hookyard("db", "upgrade")

    ran = hookyard(command, "list", "--cursor", "nonsense")

    assert ran.code == 2
    assert "cursor" in ran.err


@pytest.mark.parametrize("command", ["serve", "work"])
def test_serve_and_work_without_redis_say_what_to_set(hookyard: Hookyard, command: str) -> None:
    ran = hookyard(command)

    assert ran.code == 2
    assert "HOOKYARD_REDIS_URL is not set" in ran.err
