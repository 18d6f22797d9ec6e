from __future__ import annotations

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from rules.names import (
    SecretName,
    is_connector_name,
    is_destination_name,
    is_secret_name,
    is_variable_name,
)


class Holder(BaseModel):
    secret: SecretName


@pytest.mark.parametrize("name", ["shop", "a", "0", "shop-2", "a" * 63])
def test_names_of_connectors_are_parts_of_an_address(name: str) -> None:
    assert is_connector_name(name)


@pytest.mark.parametrize(
    "name", ["", "Shop", "-shop", "shop_2", "shop/2", "sh op", "größe", "a" * 64, "shop\n"]
)
def test_other_names_are_no_connectors(name: str) -> None:
    assert not is_connector_name(name)


def test_destinations_may_have_a_low_line() -> None:
    assert is_destination_name("crm_2-main")
    assert not any(map(is_destination_name, ["", "_crm", "Crm", "a" * 64, "crm\n"]))


def test_variables_are_parts_of_a_path() -> None:
    assert all(map(is_variable_name, ["total", "Total_2", "_x"]))
    assert not any(map(is_variable_name, ["", "2x", "a-b", "a.b", "größe", "a" * 64, "x\n"]))


@pytest.mark.parametrize("name", ["shop_webhook", "a", "key2", "a_very_long_name_of_a_secret_2026"])
def test_names_of_secrets_look_like_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Shop",
        "2shop",
        "shop-webhook",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "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",
        "a1b2c3d4e5f6a7b8",
        "a" * 64,
    ],
)
def test_values_of_secrets_are_seen_through(value: str) -> None:
    assert not is_secret_name(value)


def test_a_model_takes_the_name_of_a_secret() -> None:
    found = Holder.model_validate({"secret": "crm_token"}).secret
    assert type(found) is SecretName
    assert found == "crm_token"


@pytest.mark.parametrize(("value", "code"), [(5, "R013"), (None, "R013"), ("Hunter2!", "R022")])
def test_a_model_refuses_what_may_be_the_secret_itself_without_showing_it(
    value: object, code: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"secret": value})
    (error,) = caught.value.errors()
    assert error["type"] == code
    assert str(value) not in error["msg"]
    assert str(value) not in str(error["ctx"])


def test_editors_are_told_the_form_of_a_secret_name() -> None:
    schema = TypeAdapter(SecretName).json_schema()
    assert schema == {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}
