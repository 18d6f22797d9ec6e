"""Rule files are read once nothing is written any more, all as they were at one moment."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from router.cli.catalogues import catalogues
from rules import loader
from rules.loader import Stamp
from tests.support.routes import OPEN_DOOR, write_routes
from workers import rule_files as module
from workers.rule_files import RuleFiles

BROKEN = OPEN_DOOR.replace("rules:", "rulez:")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RuleFiles:
    monkeypatch.setattr(module, "QUIET_S", 0.005)
    write_routes(tmp_path / "routes", open=OPEN_DOOR)
    return RuleFiles(tmp_path / "routes", catalogues())


class Writer:
    """Writes to the directory each time its stamp is taken, so many times."""

    def __init__(self, files: RuleFiles, times: int, write: Callable[[int], None]) -> None:
        self._real = files.stamp
        self._left = times
        self._write = write

    async def stamp(self) -> Stamp:
        if self._left:
            self._left -= 1
            self._write(self._left)
        return await self._real()


async def test_good_files_are_found_with_the_stamp_of_their_moment(files: RuleFiles) -> None:
    found = await files.load(after_quiet=False)

    assert found.rule_set is not None
    assert list(found.rule_set.connectors) == ["open"]
    assert found.problems == ()
    assert found.stamp == await files.stamp()


async def test_files_that_cannot_be_used_are_found_with_each_problem(files: RuleFiles) -> None:
    write_routes(files.directory, open=BROKEN, shop="connector: [")

    found = await files.load(after_quiet=True)

    assert found.rule_set is None
    routes = files.directory
    assert len(found.problems) == 2
    assert found.problems[0] == (
        f"{routes}/open.yaml:4:1: R011 there is no key `rulez` here; did you mean `rules`?"
    )
    assert found.problems[1].startswith(f"{routes}/shop.yaml:1:13: R002 ")
    assert found.stamp == await files.stamp()


async def test_warnings_stop_nothing_and_are_not_told(files: RuleFiles) -> None:
    write_routes(files.directory, shop="connector: shop\nsource: none\nrules: []\n")

    found = await files.load(after_quiet=False)

    assert found.problems == ()


async def test_a_long_problem_is_cut(files: RuleFiles) -> None:
    write_routes(files.directory, open=f"{OPEN_DOOR}{'x' * 900}: 1\n")

    (problem,) = (await files.load(after_quiet=False)).problems

    assert len(problem) == 500


async def test_what_is_written_during_the_quiet_begins_it_anew(
    files: RuleFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(left: int) -> None:
        write_routes(files.directory, open=OPEN_DOOR if left == 0 else BROKEN + f"# {left}\n")

    loads = _counted(monkeypatch)
    monkeypatch.setattr(files, "stamp", Writer(files, 4, write).stamp)

    found = await files.load(after_quiet=True)

    assert found.rule_set is not None
    assert len(loads) == 1


async def test_what_is_written_while_the_files_are_read_has_them_read_again(
    files: RuleFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps = 0

    def write(_: int) -> None:
        nonlocal stamps
        stamps += 1
        if stamps == 2:  # the first is from before the files are read
            write_routes(files.directory, open=OPEN_DOOR.replace("open", "later"))

    loads = _counted(monkeypatch)
    monkeypatch.setattr(files, "stamp", Writer(files, 9, write).stamp)

    found = await files.load(after_quiet=False)

    assert found.rule_set is not None
    assert list(found.rule_set.connectors) == ["later"]
    assert len(loads) == 2


async def test_files_that_are_written_for_ever_are_a_problem_and_never_read(
    files: RuleFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = _counted(monkeypatch)

    def write(left: int) -> None:
        write_routes(files.directory, open=OPEN_DOOR + "#" * left)

    writer = Writer(files, 1000, write)
    monkeypatch.setattr(files, "stamp", writer.stamp)

    found = await files.load(after_quiet=True)

    assert (found.rule_set, found.stamp, loads) == (None, None, [])
    (problem,) = found.problems
    assert "written again and again" in problem


async def test_texts_that_were_kept_are_compiled(files: RuleFiles) -> None:
    good = await files.compile({"a.yaml": OPEN_DOOR})
    bad = await files.compile({"a.yaml": BROKEN})

    assert good.rule_set is not None
    assert bad.rule_set is None
    assert bad.problems[0].startswith("a.yaml:4:1: R011")


async def test_compiling_has_fair_turns_beside_a_busy_loop_and_only_then(
    files: RuleFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sys.getswitchinterval()
    seen: list[float] = []

    def noted(*_: object) -> loader.Loaded:
        seen.append(sys.getswitchinterval())
        return loader.Loaded(None)

    monkeypatch.setattr(loader, "load_texts", noted)

    await asyncio.gather(*(files.compile({}) for _ in range(3)))

    assert seen == [pytest.approx(module._TURN_S)] * 3
    assert sys.getswitchinterval() == before


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list that gets an entry each time the directory is loaded."""
    loads: list[Path] = []
    load = loader.load

    def counted(directory: Path, *given: object, **options: object) -> loader.Loaded:
        loads.append(directory)
        return load(directory, *given, **options)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(loader, "load", counted)
    return loads
