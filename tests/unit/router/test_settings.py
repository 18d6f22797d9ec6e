from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from router.core import redaction
from router.core.errors import SecretMissingError, SettingsError
from router.core.settings import Secrets, Settings, environment, load_settings, parse_span


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in environment(tmp_path):
        if name.startswith("HOOKYARD_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    settings = load_settings()

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.data == Path(".hookyard")
    assert settings.redis_url is None
    assert settings.database == f"sqlite:///{tmp_path / '.hookyard' / 'hookyard.db'}"
    assert settings.retention == timedelta(days=30)
    assert settings.log_format is None
    assert settings.log_level == "info"
    assert settings.base_url == "http://127.0.0.1:8080"


def test_a_data_directory_may_have_any_name(tmp_path: Path) -> None:
    url = load_settings(data=tmp_path / "a b?%41").database

    assert url == f"sqlite:///{tmp_path}/a%20b%3F%2541/hookyard.db"


def test_routes_are_rules_routes_where_it_exists(tmp_path: Path) -> None:
    assert load_settings().routes_dir == Path("routes")

    (tmp_path / "rules" / "routes").mkdir(parents=True)

    assert load_settings().routes_dir == Path("rules/routes")
    assert load_settings(routes=Path("x")).routes_dir == Path("x")


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKYARD_PORT", "9000")
    monkeypatch.setenv("HOOKYARD_RETENTION", "7d")
    monkeypatch.setenv("HOOKYARD_PUBLIC_URL", "https://hooks.example.com/")
    monkeypatch.setenv("HOOKYARD_NOT_A_SETTING", "x")

    settings = load_settings()

    assert settings.port == 9000
    assert settings.retention == timedelta(days=7)
    assert settings.base_url == "https://hooks.example.com"


def test_an_argument_wins_over_the_environment_and_none_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOKYARD_PORT", "9000")

    assert load_settings(port=9001).port == 9001
    assert load_settings(port=None).port == 9000


def test_a_dotenv_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("HOOKYARD_PORT=9000\nHOOKYARD_HOST=0.0.0.0\nHOOKYARD_EMPTY\n")
    monkeypatch.setenv("HOOKYARD_PORT", "9001")

    settings = load_settings()

    assert (settings.host, settings.port) == ("0.0.0.0", 9001)  # noqa: S104  nothing is bound


def test_the_file_form_is_read_where_the_plain_one_is_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("canary-token\n")
    monkeypatch.setenv("HOOKYARD_ADMIN_TOKEN_FILE", str(tmp_path / "token"))

    assert load_settings().admin_token == SecretStr("canary-token")

    monkeypatch.setenv("HOOKYARD_ADMIN_TOKEN", "plain")
    assert load_settings().admin_token == SecretStr("plain")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKYARD_PORT", "")

    assert load_settings().port == 8080


def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOOKYARD_REDIS_URL_FILE", str(tmp_path / "missing"))

    with pytest.raises(SettingsError, match=r"HOOKYARD_REDIS_URL_FILE: .*missing cannot be read"):
        load_settings()


def test_a_missing_file_of_a_secret_does_not_stop_the_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOOKYARD_SECRET_SHOP_FILE", str(tmp_path / "missing"))

    assert load_settings().port == 8080


def test_all_wrong_settings_are_said_at_once_without_their_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOKYARD_PORT", "canary")
    monkeypatch.setenv("HOOKYARD_LOG_LEVEL", "loud")
    monkeypatch.setenv("HOOKYARD_RETENTION", "soon")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    text = str(caught.value)
    assert [line.split(":")[0] for line in text.splitlines()] == [
        "HOOKYARD_PORT",
        "HOOKYARD_LOG_LEVEL",
        "HOOKYARD_RETENTION",
    ]
    assert "canary" not in text


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("10.0.0.0/8", ["10.0.0.0/8"]),
        (" 10.0.0.0/8, 127.0.0.1 ,::1 ", ["10.0.0.0/8", "127.0.0.1/32", "::1/128"]),
        ("10.0.0.0/8\nfd00::/8\n", ["10.0.0.0/8", "fd00::/8"]),
        ("::ffff:10.0.0.0/104", ["10.0.0.0/8"]),
        (",", []),
    ],
)
def test_trusted_proxies_are_ranges_of_addresses(
    monkeypatch: pytest.MonkeyPatch, text: str, ranges: list[str]
) -> None:
    monkeypatch.setenv("HOOKYARD_TRUSTED_PROXIES", text)

    assert [str(each) for each in load_settings().trusted_proxies] == ranges


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10.0.0.1/8", "has host bits set"),
        ("proxy.internal", "does not appear to be"),
        ("0.0.0.0/0", "trusts every address"),
        ("10.0.0.0/8, ::/0", "trusts every address"),
        ("*", "does not appear to be"),
    ],
)
def test_proxies_that_cannot_be_trusted_are_refused(
    monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("HOOKYARD_TRUSTED_PROXIES", text)

    with pytest.raises(SettingsError, match=words) as error:
        load_settings()
    assert str(error.value).startswith("HOOKYARD_TRUSTED_PROXIES: ")


def test_a_repr_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKYARD_REDIS_URL", "redis://:canary@h")
    monkeypatch.setenv("HOOKYARD_DATABASE_URL", "postgresql://u:canary@h/d")
    monkeypatch.setenv("HOOKYARD_ADMIN_TOKEN", "canary")

    settings = load_settings()

    assert "canary" not in repr(settings)
    assert "canary" not in str(settings)
    assert settings.database == "postgresql://u:canary@h/d"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("5s", timedelta(seconds=5)),
        ("10m", timedelta(minutes=10)),
        ("48h", timedelta(hours=48)),
        (" 30 d ", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_spans(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "30", "d", "1.5h", "-1d", "3 months"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a number with ms, s, m, h, d or w"):
        parse_span(text)


def test_spans_that_are_spans_already_are_left() -> None:
    assert parse_span(timedelta(days=1)) == timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "secrets").mkdir()
    return load_settings(secrets_dir=tmp_path / "secrets")


def test_a_secret_is_found_in_the_environment_by_its_name_in_capitals(settings: Settings) -> None:
    secrets = Secrets(settings, {"HOOKYARD_SECRET_SHOP_WEB_HOOK": "value-1"})

    assert secrets.get("shop_web-hook") == "value-1"
    assert secrets.has("shop_web-hook")


def test_a_secret_is_found_in_the_file_a_variable_names(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("value-1\n")
    secrets = Secrets(settings, {"HOOKYARD_SECRET_SHOP_FILE": str(tmp_path / "one")})

    assert secrets.get("shop") == "value-1"


def test_a_secret_is_found_in_the_directory_and_seen_when_it_is_rotated(
    settings: Settings, tmp_path: Path
) -> None:
    secrets = Secrets(settings, {})
    file = tmp_path / "secrets" / "shop"
    file.write_text("value-1\n")
    assert secrets.get("shop") == "value-1"

    file.write_text("value-2\n")

    assert secrets.get("shop") == "value-2"


def test_a_missing_secret_says_where_it_was_looked_for(settings: Settings, tmp_path: Path) -> None:
    secrets = Secrets(settings, {})

    assert not secrets.has("shop")
    with pytest.raises(SecretMissingError) as caught:
        secrets.get("shop")

    assert str(caught.value) == (
        "secret 'shop' is not set; looked in HOOKYARD_SECRET_SHOP, HOOKYARD_SECRET_SHOP_FILE, "
        f"{tmp_path / 'secrets' / 'shop'}"
    )


def test_an_empty_secret_is_a_missing_one(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "secrets" / "shop").write_text("\n")

    assert not Secrets(settings, {"HOOKYARD_SECRET_SHOP": ""}).has("shop")


def test_a_secret_file_that_cannot_be_read_is_as_good_as_missing(
    settings: Settings, tmp_path: Path
) -> None:
    secrets = Secrets(settings, {"HOOKYARD_SECRET_SHOP_FILE": str(tmp_path / "missing")})

    assert not secrets.has("shop")


def test_without_a_directory_only_the_environment_is_asked() -> None:
    with pytest.raises(
        SecretMissingError, match=r"looked in HOOKYARD_SECRET_A, HOOKYARD_SECRET_A_FILE$"
    ):
        Secrets(load_settings(), {}).get("a")


def test_secrets_read_the_process_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKYARD_SECRET_SHOP", "value-1")

    assert Secrets(load_settings()).get("shop") == "value-1"


def test_a_secret_that_was_looked_up_is_scrubbed_from_then_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr(redaction, "_known_pattern", None)

    Secrets(settings, {"HOOKYARD_SECRET_SHOP": "canary-value"}).get("shop")

    assert redaction.scrub("it is canary-value") == "it is [redacted]"


def test_a_repr_of_secrets_shows_none(settings: Settings) -> None:
    assert "value" not in repr(Secrets(settings, {"HOOKYARD_SECRET_SHOP": "value"}))
