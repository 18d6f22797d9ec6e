from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rules.loader import Loaded, load, load_texts, stamp
from rules.source_text import MAX_BYTES
from tests.support.catalogues import catalogues

SHOP = "connector: {name}\nsource: none\ndedupe: off\notherwise: {{drop: nothing to do}}\n"


def write(directory: Path, *names: str) -> None:
    """Write a connector of its own into each file."""
    for number, name in enumerate(names):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SHOP.format(name=f"shop-{number}"), "utf-8")


def loaded(directory: Path) -> Loaded:
    return load(directory, catalogues(), display=Path("routes"))


def said(found: Loaded) -> list[str]:
    assert found.rule_set is None
    return [f"{p.span} {p.code} {p.message}" for p in found.problems]


def test_files_of_the_directory_and_below_are_read_in_the_order_of_their_paths(
    tmp_path: Path,
) -> None:
    write(tmp_path, "b.yaml", "team/a.yml", "a.yaml", "team/deep/er.yaml")

    found = loaded(tmp_path)

    assert found.files == [
        "routes/a.yaml",
        "routes/b.yaml",
        "routes/team/a.yml",
        "routes/team/deep/er.yaml",
    ]
    assert found.problems == []
    assert found.rule_set is not None
    assert list(found.rule_set.files) == found.files
    assert set(found.rule_set.connectors) == {"shop-0", "shop-1", "shop-2", "shop-3"}


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.yaml",
        ".git/a.yaml",
        "..data/a.yaml",
        ".#a.yaml",
        "#a.yaml#",
        "a.yaml~",
        "a.yaml.bak",
        ".a.yaml.swp",
        "#old/a.yaml",
        "a.YAML",
        "a.json",
        "README.md",
    ],
)
def test_hidden_files_backups_and_other_files_are_passed_over(tmp_path: Path, name: str) -> None:
    write(tmp_path, "shop.yaml", name)
    assert loaded(tmp_path).files == ["routes/shop.yaml"]


def test_without_a_file_there_are_no_rules_and_it_says_what_to_do(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert said(found) == ["routes:1:1 R005 there is no rule file in this directory"]
    assert found.problems[0].hint == "`hookyard init` writes some"
    assert found.files == []


def test_a_directory_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert said(loaded(tmp_path / "gone")) == ["routes:1:1 R001 there is no such directory"]
    write(tmp_path, "shop.yaml")
    assert said(loaded(tmp_path / "shop.yaml")) == ["routes:1:1 R001 there is no such directory"]


def test_one_bad_file_keeps_all_others_out(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "b.yaml")
    (tmp_path / "c.yaml").write_text("connector: [")

    found = loaded(tmp_path)

    assert [p.span.file for p in found.problems] == ["routes/c.yaml"]
    assert found.rule_set is None


def test_problems_of_all_files_are_shown_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("")
    (tmp_path / "b.yaml").write_bytes(b"\xff")
    (tmp_path / "c.yaml").write_text("connecter: shop")

    assert [(p.span.file, p.code) for p in loaded(tmp_path).problems] == [
        ("routes/a.yaml", "R005"),
        ("routes/b.yaml", "R001"),
        ("routes/c.yaml", "R010"),
    ]


@pytest.mark.parametrize("extra", [0, 1])
def test_a_file_may_be_a_mebibyte_and_no_larger(tmp_path: Path, extra: int) -> None:
    write(tmp_path, "a.yaml")
    text = (tmp_path / "a.yaml").read_text()
    (tmp_path / "a.yaml").write_text(f"{text}#{'x' * (MAX_BYTES + extra - len(text) - 1)}")

    found = loaded(tmp_path)

    assert [p.code for p in found.problems] == ["R006"] * extra
    assert (found.rule_set is None) is bool(extra)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    write(tmp_path, "folder.yaml/shop.yaml")

    assert said(loaded(tmp_path)) == ["routes/pipe.yaml:1:1 R001 this is no file"]


def test_a_link_is_read_and_a_broken_one_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", "shop")
    routes = tmp_path / "routes"
    routes.mkdir()
    (routes / "shop.yaml").symlink_to(tmp_path / "elsewhere" / "shop")
    assert loaded(routes).problems == []

    (routes / "gone.yaml").symlink_to(tmp_path / "gone")
    assert said(loaded(routes)) == [
        "routes/gone.yaml:1:1 R001 the file cannot be read: No such file or directory"
    ]


def test_files_and_directories_that_may_not_be_read_are_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.yaml", "team/b.yaml")

    def refuse(path: object, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    assert said(loaded(tmp_path)) == [
        "routes/a.yaml:1:1 R001 the file cannot be read: Permission denied",
        "routes/team/b.yaml:1:1 R001 the file cannot be read: Permission denied",
    ]

    monkeypatch.setattr(os, "scandir", refuse)
    assert said(loaded(tmp_path)) == [
        "routes:1:1 R001 the directory cannot be read: Permission denied"
    ]


def test_a_directory_below_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.yaml", "team/b.yaml")
    scandir = os.scandir

    def refuse_below(path: str) -> object:
        if path.endswith("team"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_below)
    assert said(loaded(tmp_path)) == [
        "routes/team:1:1 R001 the directory cannot be read: Permission denied"
    ]


@pytest.mark.parametrize(
    ("display", "file"),
    [
        ("routes", "routes/team/a.yaml"),
        ("./routes/", "routes/team/a.yaml"),
        (".", "team/a.yaml"),
        ("/srv/routes", "/srv/routes/team/a.yaml"),
        ("/", "/team/a.yaml"),
    ],
)
def test_files_are_named_as_the_directory_was_given(
    tmp_path: Path, display: str, file: str
) -> None:
    write(tmp_path, "team/a.yaml")
    assert load(tmp_path, catalogues(), display=Path(display)).files == [file]


def test_without_another_name_the_directory_is_named_as_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "routes", "a.yaml")
    monkeypatch.chdir(tmp_path)
    assert load(Path("routes"), catalogues()).files == ["routes/a.yaml"]


def test_a_file_name_that_is_no_text_is_shown_as_far_as_it_is(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "caf") + b"\xe9.yaml"
    try:
        with open(path, "wb") as opened:  # noqa: PTH123  the name is bytes
            opened.write(SHOP.format(name="shop").encode())
    except OSError:  # pragma: no cover  macOS has no such names
        pytest.skip("this file system has no such names")

    found = loaded(tmp_path)

    assert found.files == ["routes/caf?.yaml"]
    assert found.problems == []


def test_texts_that_were_read_before_are_compiled_in_the_order_of_their_paths() -> None:
    texts = {"routes/b.yaml": SHOP.format(name="b"), "routes/a.yaml": SHOP.format(name="a")}
    found = load_texts(texts, catalogues())

    assert found.files == ["routes/a.yaml", "routes/b.yaml"]
    assert found.rule_set is not None
    assert list(found.rule_set.connectors) == ["a", "b"]


def test_the_same_files_have_the_same_hash_loaded_from_disk_or_from_texts(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "team/b.yaml")
    from_disk = load(tmp_path, catalogues()).rule_set
    assert from_disk is not None

    from_texts = load_texts(from_disk.files, catalogues()).rule_set

    assert from_texts is not None
    assert from_texts.hash == from_disk.hash


def _changed(path: Path) -> None:
    """Write a file anew, of the same size, at another instant."""
    before = path.stat().st_mtime_ns
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def test_the_stamp_stays_while_nothing_that_is_loaded_changes(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "team/b.yaml")
    before = stamp(tmp_path)

    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".a.yaml.swp").write_text("x")
    (tmp_path / "a.yaml~").write_text("x")
    loaded(tmp_path)

    assert stamp(tmp_path) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda routes: _changed(routes / "a.yaml"),
        lambda routes: _changed(routes / "team" / "b.yaml"),
        lambda routes: write(routes, "c.yaml"),
        lambda routes: (routes / "a.yaml").unlink(),
        lambda routes: (routes / "a.yaml").rename(routes / "c.yaml"),
        lambda routes: (routes / "team").rename(routes / "crew"),
        lambda routes: (routes / "a.yaml").chmod(0o600),
        lambda routes: routes.rename(routes.parent / "away"),
    ],
    ids=["written", "below", "new", "gone", "renamed", "folder renamed", "rights", "all gone"],
)
def test_the_stamp_changes_with_whatever_loading_would_see(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    routes = tmp_path / "routes"
    write(routes, "a.yaml", "team/b.yaml")
    before = stamp(routes)

    change(routes)

    assert stamp(routes) != before


def test_the_stamp_changes_with_what_a_link_leads_to(tmp_path: Path) -> None:
    """As volumes of Kubernetes do it: the files lead through a hidden link, which is swapped."""
    write(tmp_path / "routes" / "..1", "a.yaml")
    write(tmp_path / "routes" / "..2", "a.yaml")
    data = tmp_path / "routes" / "..data"
    data.symlink_to("..1")
    (tmp_path / "routes" / "a.yaml").symlink_to("..data/a.yaml")
    before = stamp(tmp_path / "routes")

    other = tmp_path / "routes" / "..data_tmp"
    other.symlink_to("..2")
    other.rename(data)

    assert stamp(tmp_path / "routes") != before


def test_a_file_that_leads_nowhere_has_its_place_in_the_stamp(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml")
    before = stamp(tmp_path)
    (tmp_path / "b.yaml").symlink_to("nowhere")

    assert stamp(tmp_path) != before
    assert stamp(tmp_path) == stamp(tmp_path)


def test_a_directory_behind_one_that_may_not_be_entered_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)

    assert said(loaded(tmp_path)) == [
        "routes:1:1 R001 the directory cannot be read: Permission denied"
    ]
