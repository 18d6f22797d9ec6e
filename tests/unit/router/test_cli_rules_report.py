from __future__ import annotations

import os
from pathlib import Path

import pytest

from router.cli.failures import CommandError
from router.cli.rules_check import Checked, check_paths
from router.cli.rules_report import count, report_rules
from router.core.settings import Secrets, Settings, load_settings

SHOP = """\
connector: shop
source: shopify
secrets: [shop_webhook, shop_old]
rules:
  - name: order
    task: {title: Order, labels: [urgent]}
"""
LABELS = "directory: {labels: {urgent: }}\n"
SECRETS = {"HOOKYARD_SECRET_SHOP_WEBHOOK": "canary-1", "HOOKYARD_SECRET_SHOP_OLD": "canary-2"}


@pytest.fixture(name="routes")
def _routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a routes directory, named from the working directory, that holds good files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKYARD_ROUTES", "routes")
    write(Path("routes/shop.yaml"), SHOP)
    write(Path("routes/z.yaml"), LABELS)
    return Path("routes")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def settings() -> Settings:
    return load_settings()


def check(*paths: str, secrets: dict[str, str] | None = None) -> Checked:
    known = Secrets(settings(), SECRETS if secrets is None else secrets)
    return check_paths([Path(path) for path in paths], Path("routes"), known)


def said(checked: Checked) -> list[str]:
    return [f"{one.span} {one.severity} {one.code}" for one in checked.problems]


def reported(
    capsys: pytest.CaptureFixture[str], secrets: dict[str, str] | None = None
) -> list[str]:
    report_rules(settings(), Secrets(settings(), SECRETS if secrets is None else secrets))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "canary" not in captured.err
    return captured.err.splitlines()


def test_a_good_directory_has_no_problems(routes: Path) -> None:
    checked = check("routes")
    assert (said(checked), checked.errors, checked.warnings) == ([], 0, 0)
    assert checked.files == ["routes/shop.yaml", "routes/z.yaml"]


def test_errors_and_warnings_are_counted_apart(routes: Path) -> None:
    checked = check("routes", secrets={})
    assert said(checked) == [
        "routes/shop.yaml:3:11 warning R033",
        "routes/shop.yaml:3:25 warning R033",
    ]
    assert (checked.errors, checked.warnings) == (0, 2)

    write(routes / "z.yaml", "directory: {labels: {other: }}\n")
    checked = check("routes", secrets={})
    assert said(checked) == ["routes/shop.yaml:6:35 error R023"]
    assert (checked.errors, checked.warnings) == (1, 0)


def test_an_address_that_is_signed_should_be_known(
    routes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "connector: texts\nsource: twilio\nsecrets: [shop_old]\n"
    write(routes / "texts.yaml", text)
    write(routes / "till.yaml", text.replace("texts", "till") + "public_url: https://x.example\n")
    known = Secrets(settings(), SECRETS)

    assert said(check("routes")) == ["routes/texts.yaml:2:9 warning R036"]
    assert said(check_paths([routes], routes, known, public_url="https://x.example")) == []
    (_, line) = reported(capsys)
    assert "twilio signs the address it sends to, which is not known here" in line
    assert "HOOKYARD_PUBLIC_URL" in line


def test_warnings_of_secrets_stand_among_the_others_in_the_order_of_their_places(
    routes: Path,
) -> None:
    write(routes / "a.yaml", "destinations: {x: {type: http, url: 'https://x.example/'}}\n")
    write(routes / "b.yaml", SHOP.replace("connector: shop", "connector: other\ndeliver: [x]"))
    spans = [one.span for one in check("routes", secrets={}).problems]
    assert spans == sorted(spans)
    assert len(spans) == 2


def test_of_one_file_only_its_own_problems_and_notes_are_shown(routes: Path) -> None:
    write(routes / "bad.yaml", "connector: [")
    write(routes / "form.yaml", "connector: form\nsource: none\n")

    checked = check("routes/shop.yaml", secrets={})
    assert (said(checked), checked.notes, checked.files) == ([], [], ["routes/shop.yaml"])
    assert said(check("routes/bad.yaml")) == ["routes/bad.yaml:1:13 error R002"]
    assert [note.code for note in check("routes/form.yaml").notes] == ["R090"]


def test_the_rest_of_the_directory_is_read_for_the_names_of_one_file(routes: Path) -> None:
    assert said(check("routes/shop.yaml")) == []
    (routes / "z.yaml").write_text(LABELS.replace("urgent", "other"))
    assert said(check("routes/shop.yaml")) == ["routes/shop.yaml:6:35 error R023"]


def test_a_file_of_a_team_is_read_with_the_whole_routes_directory(routes: Path) -> None:
    write(routes / "team" / "shop.yaml", SHOP.replace("shop", "team-shop", 1))
    write(routes / "z.yaml", LABELS.replace("urgent", "other"))
    assert said(check("routes/team/shop.yaml")) == ["routes/team/shop.yaml:6:35 error R023"]


def test_a_directory_of_a_team_is_read_with_the_whole_routes_directory(
    routes: Path, tmp_path: Path
) -> None:
    write(routes / "team" / "shop.yaml", SHOP.replace("shop", "team-shop", 1))
    write(routes / "teams" / "bad.yaml", "connector: [")
    write(routes / "form.yaml", "connector: form\nsource: none\n")
    write(routes / "z.yaml", LABELS.replace("urgent", "other"))

    for name in ("routes/team", "./routes/team/", str(tmp_path / "routes/team")):
        checked = check(name)
        assert said(checked) == ["routes/team/shop.yaml:6:35 error R023"]
        assert (checked.notes, checked.files) == ([], ["routes/team/shop.yaml"])
        assert checked.elsewhere == {Path("routes"): 2}

    write(routes / "z.yaml", LABELS)
    (routes / "teams" / "bad.yaml").unlink()
    assert said(check("routes/team")) == []


def test_errors_of_the_others_are_counted_but_for_those_that_were_asked_for_too(
    routes: Path,
) -> None:
    write(routes / "a.yaml", "connector: [")
    write(routes / "b.yaml", "connector: [")

    assert check("routes/shop.yaml").elsewhere == {Path("routes"): 2}
    assert check("routes/shop.yaml", "routes/b.yaml").elsewhere == {Path("routes"): 1}
    assert check("routes/shop.yaml", "routes").elsewhere == {}


def test_a_directory_of_a_team_without_files_says_so(routes: Path) -> None:
    (routes / "team").mkdir()
    assert said(check("routes/team")) == ["routes/team:1:1 error R005"]


def test_a_hidden_directory_is_read_alone_as_the_rest_passes_it_over(routes: Path) -> None:
    write(routes / ".drafts" / "shop.yaml", "connector: [")
    assert said(check("routes/.drafts")) == ["routes/.drafts/shop.yaml:1:13 error R002"]


def test_a_link_in_a_directory_of_a_team_is_its_file(routes: Path) -> None:
    write(Path("elsewhere/shop.yaml"), "connector: [")
    (routes / "team").mkdir()
    (routes / "team" / "shop.yaml").symlink_to(Path("elsewhere/shop.yaml").resolve())
    assert said(check("routes/team")) == ["routes/team/shop.yaml:1:13 error R002"]


def test_a_part_of_a_teams_directory_that_may_not_be_read_is_a_problem_of_it(
    routes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(routes / "team" / "shop.yaml", SHOP.replace("shop", "team-shop", 1))
    write(routes / "team" / "inner" / "shop.yaml", SHOP)
    scandir = os.scandir

    def refuse_inner(path: str) -> object:
        if path.endswith("inner"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_inner)
    assert said(check("routes/team")) == ["routes/team/inner:1:1 error R001"]


def test_a_file_is_found_by_whatever_name(routes: Path, tmp_path: Path) -> None:
    for name in (
        "./routes/shop.yaml",
        "routes/../routes/shop.yaml",
        str(tmp_path / "routes/shop.yaml"),
    ):
        assert check(name).files == ["routes/shop.yaml"]


def test_a_file_elsewhere_is_read_with_what_stands_beside_it(routes: Path) -> None:
    write(Path("elsewhere/shop.yaml"), SHOP)
    write(Path("elsewhere/z.yaml"), LABELS.replace("urgent", "other"))
    assert said(check("elsewhere/shop.yaml")) == ["elsewhere/shop.yaml:6:35 error R023"]


def test_several_paths_are_checked_one_by_one_and_each_once(routes: Path) -> None:
    write(Path("elsewhere/bad.yaml"), "connector: [")
    checked = check("elsewhere", "routes/shop.yaml", "elsewhere")
    assert checked.files == ["elsewhere/bad.yaml", "routes/shop.yaml"]
    assert said(checked) == ["elsewhere/bad.yaml:1:13 error R002"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("gone", "there is no directory gone; `hookyard init gone` makes one"),
        ("notes.txt", "notes.txt is no rule file: their names end in .yaml or .yml"),
        ("routes/.hidden.yaml", "routes/.hidden.yaml is no rule file"),
    ],
)
def test_what_cannot_be_checked_is_an_error_of_the_command(
    routes: Path, path: str, words: str
) -> None:
    write(Path("notes.txt"), "no rules")
    write(Path("routes/.hidden.yaml"), SHOP)
    with pytest.raises(CommandError, match=words):
        check(path)


def test_at_the_start_good_rules_are_told_in_a_line(
    routes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reported(capsys) == ["Rules: 1 connector in routes."]


def test_at_the_start_each_secret_that_is_not_set_is_named(
    routes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = reported(capsys, {"HOOKYARD_SECRET_SHOP_OLD": "canary-2"})
    assert first == "Rules: 1 connector in routes."
    (line,) = others
    assert line == (
        "  routes/shop.yaml:3:11: secret shop_webhook is not set here; "
        "set HOOKYARD_SECRET_SHOP_WEBHOOK, or put it into HOOKYARD_SECRETS_DIR"
    )


def test_at_the_start_warnings_are_counted_and_stop_nothing(
    routes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(routes / "shop.yaml", SHOP + "otherwise: {drop: none}\n")
    assert reported(capsys) == [
        "Rules: 1 connector in routes, 1 warning (`hookyard rules check routes` shows them)."
    ]


def test_at_the_start_rules_that_cannot_be_used_are_told_with_their_problems(
    routes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(routes / "z.yaml", "connector: [x")
    assert reported(capsys) == [
        "The rules in routes cannot be used (1 problem):",
        "  routes/z.yaml:1:14: a list in [ ] is not closed; it began on line 1; expected , or ]",
        "If good ones were in force before, they stay; `hookyard rules check` shows all.",
    ]


def test_at_the_start_ten_problems_are_shown_and_the_others_counted(
    routes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        routes / "z.yaml", "connector: z\nsource: none\n" + "".join(f"k{n}: 1\n" for n in range(12))
    )
    lines = reported(capsys)
    assert lines[0] == "The rules in routes cannot be used (12 problems):"
    assert len(lines) == 1 + 10 + 1 + 1
    assert lines[-3].startswith("  routes/z.yaml:12:1: there is no key `k9` here")
    assert lines[-2] == "  and 2 more"


def test_at_the_start_a_directory_that_is_not_there_is_told(
    routes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    routes.rename("other")
    assert reported(capsys) == ["There is no directory routes: `hookyard init routes` makes one."]


def test_things_are_counted_in_words() -> None:
    assert [count(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
