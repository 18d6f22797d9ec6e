from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from router.cli.address import free_port, local_address, shared_port
from router.cli.checks.clock import check_skew
from router.cli.checks.packages import check_packages
from router.cli.envelope import Envelope, read_envelope
from router.cli.failures import CommandError
from router.cli.output import plain, status, table
from router.cli.tokens import new_token


def test_port_0_becomes_a_free_one() -> None:
    assert 0 < free_port("127.0.0.1", 0) < 65536


def test_a_taken_port_is_said_to_be_taken() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]

        with pytest.raises(CommandError, match=f"port {port} of 127.0.0.1 is taken"):
            free_port("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_said_to_be_none() -> None:
    with pytest.raises(CommandError, match=r"203\.0\.113\.1"):
        free_port("203.0.113.1", 8080)
    with pytest.raises(CommandError, match="is no address to listen on"):
        free_port("no such host", 8080)


def test_a_port_without_the_rights_for_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, _address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)

    with pytest.raises(CommandError, match="needs rights"):
        free_port("127.0.0.1", 80)


def test_a_shared_port_can_be_listened_on_by_several() -> None:
    with shared_port("127.0.0.1", 0) as port:
        listeners = []
        for _ in range(2):
            listener = socket.create_server(("127.0.0.1", port), reuse_port=True)
            listeners.append(listener)
        with closing(socket.create_connection(("127.0.0.1", port), timeout=5)):
            pass
        for listener in listeners:
            listener.close()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104  nothing is bound
        ("::", "http://[::1]:80"),
        ("hooks.example.com", "http://hooks.example.com:80"),
    ],
)
def test_how_this_machine_reaches_itself(host: str, url: str) -> None:
    assert local_address(host, 80) == url


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        (5, "5"),
        ({"a": None}, '{"a":null}'),
        ("é 日本", "é 日本"),
    ],
)
def test_nothing_that_steers_a_terminal_is_printed(value: object, shown: str) -> None:
    assert plain(value) == shown


def test_status_goes_to_stderr_without_control_characters_or_credentials(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status("one\x1b\ntwo redis://:pw@h")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "one\\x1b\ntwo redis://:[redacted]@h\n"


def test_a_table_in_a_pipe_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    table(("id", "title"), [("1", "x" * 300), ("2", "[bold]no markup[/bold] :smile:")])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["id", "title"]
    assert "x" * 300 in lines[1]
    assert "[bold]no markup[/bold] :smile:" in lines[2]


def test_tokens_are_long_all_different_and_known_for_what_they_are() -> None:
    made = {new_token() for _ in range(100)}

    assert len(made) == 100
    assert all(token.startswith("hky_") and len(token) > 40 for token in made)


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "event.json"
    path.write_bytes(content)
    return path


def test_an_envelope_gives_body_headers_and_query(tmp_path: Path) -> None:
    content = b"""{"provider": "shopify", "source": {"repo": "x"}, "headers_origin": "captured",
        "headers": {"X-Shopify-Topic": "orders/create", "Content-Length": "5", "Host": "x"},
        "query": {"a": "1"}, "body": {"price": 19.90, "id": 820982911946154508123}}"""

    assert read_envelope(_file(tmp_path, content)) == Envelope(
        body=b'{"price":19.90,"id":820982911946154508123}',
        headers={"x-shopify-topic": "orders/create"},
        query={"a": "1"},
    )


def test_a_raw_body_is_sent_byte_for_byte(tmp_path: Path) -> None:
    assert read_envelope(_file(tmp_path, b'{"raw_body": "a=1&b= 2"}')).body == b"a=1&b= 2"


def test_a_body_that_is_a_text_is_sent_as_that_text(tmp_path: Path) -> None:
    assert read_envelope(_file(tmp_path, b'{"headers": {}, "body": "hello"}')).body == b"hello"


@pytest.mark.parametrize(
    "content",
    [
        b'{ "body": 1, "total": 2 }',
        b'{"body": 1, "raw_body": "x"}',
        b'{"headers": {}}',
        b"[1, 2]",
        b"a=1&b=2",
        b"\xff\x00",
        b"",
    ],
)
def test_anything_else_is_the_body_itself(tmp_path: Path, content: bytes) -> None:
    assert read_envelope(_file(tmp_path, content)) == Envelope(content)


def test_odd_headers_of_an_envelope_are_none(tmp_path: Path) -> None:
    assert read_envelope(_file(tmp_path, b'{"headers": [1], "body": {}}')).headers == {}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="missing cannot be read: No such file"):
        read_envelope(tmp_path / "missing")


@pytest.mark.parametrize(
    ("before", "theirs", "after", "level", "words"),
    [
        (1_000_000, 1_000_010, 1_000_020, "ok", "within 5 s of Redis"),
        (1_000_000, 1_004_999, 1_000_020, "ok", "within"),
        (1_000_000, 1_060_000, 1_000_000, "problem", "60 s behind Redis"),
        (1_060_000, 1_000_000, 1_060_000, "problem", "60 s ahead of Redis"),
    ],
)
def test_clocks_are_compared_between_two_readings(
    before: int, theirs: int, after: int, level: str, words: str
) -> None:
    finding = check_skew("Redis", before, theirs, after)

    assert finding.level == level
    assert words in finding.text


def test_the_packages_that_were_imported_are_ours() -> None:
    assert [finding.level for finding in check_packages()] == ["ok"]
