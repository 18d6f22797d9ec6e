"""What adapters are built from: the vendor's configuration, ids, markers, texts that fit (V13, V20, V22)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rules.directory import Directory, Person, Project, Status
from rules.ruleset import RuleSet
from workers.destinations.destination import Vendor
from workers.destinations.fitting import fit
from workers.destinations.request import BuildError, Copy, Ids, marker_of
from workers.destinations.templates import render_extra
from workers.in_force import InForce

DELIVERY = "0193573a-6e5c-7000-8000-0000000000c1"


def vendor(**given: Any) -> Vendor:
    return Vendor.model_validate({"base_url": "https://api.example", **given})


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://api.example", "https://api.example"),
        ("https://api.example/", "https://api.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_the_base_of_a_vendor_is_scheme_and_host(given: str, base: str) -> None:
    assert vendor(base_url=given).base_url == base


@pytest.mark.parametrize(
    "given",
    [
        "api.example",
        "ftp://api.example",
        "https://api.example/api/v2",
        "https://api.example?key=1",
        "https://user:secret@api.example",
        "https://api.example:port",
        "https://",
    ],
)
def test_anything_more_or_less_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="scheme and host alone"):
        vendor(base_url=given)


def test_extra_fields_are_rendered_for_each_task() -> None:
    config = vendor(extra={"cf_ref": "{{ task.id }}", "cf_fixed": 5})

    assert render_extra(config.extra, Copy(task={"id": "t1"}, key="k")) == {
        "cf_ref": "t1",
        "cf_fixed": 5,
    }
    with pytest.raises(BuildError, match=r"extra\.cf_ref"):
        render_extra(config.extra, Copy(task={}, key="k"))


def test_a_marker_is_short_always_the_same_and_nobody_elses() -> None:
    marker = marker_of(DELIVERY)

    assert marker == marker_of(DELIVERY) != marker_of(DELIVERY.replace("c1", "c2"))
    prefix, _, rest = marker.partition(":")
    assert (prefix, len(rest)) == ("hy", 12)
    assert rest.isalnum()
    assert rest == rest.lower()


def test_an_id_of_the_directory_is_found_by_its_name_and_a_missing_one_is_named() -> None:
    copy = Copy(task={}, key="k", destination="crm", ids=Ids(labels={"urgent": "l-1"}))

    assert copy.id_of("labels", "urgent") == "l-1"
    with pytest.raises(BuildError) as caught:
        copy.id_of("people", "jane")
    assert caught.value.code == "no-id"
    assert "the person `jane` has no id at crm: add `ids: {crm: …}`" in str(caught.value)


def test_each_destination_has_its_own_ids_of_the_directory() -> None:
    directory = Directory(
        people={"jane": Person(ids={"crm": "p-1", "desk": "9"}), "tom": Person()},
        projects={"shop": Project(ids={"crm": "pr-1"})},
        clients={"acme": {"crm": "c-1"}},
        labels={"urgent": {"desk": "l-9"}},
        statuses=(Status("done", "done", {"crm": "Listo"}),),
    )
    in_force = InForce(RuleSet("hash", {}, directory=directory))

    assert in_force.ids_of("crm") == Ids(
        people={"jane": "p-1"},
        projects={"shop": "pr-1"},
        clients={"acme": "c-1"},
        statuses={"done": "Listo"},
    )
    assert in_force.ids_of("desk") == Ids(people={"jane": "9"}, labels={"urgent": "l-9"})
    assert in_force.ids_of("other") == Ids()


@pytest.mark.parametrize(
    ("text", "limit", "tail", "fitted"),
    [
        ("short", 10, "", "short"),
        ("short", None, "", "short"),
        ("much too long", 8, "", "much to…"),
        ("ends in a blank", 10, "", "ends in a…"),
        ("text", 20, "hy:abc", "text\n\nhy:abc"),
        ("a text that is too long", 20, "hy:abc", "a text that…\n\nhy:abc"),
        ("", 20, "hy:abc", "hy:abc"),
        ("text", 6, "hy:abc", "hy:abc"),
        ("text", None, "hy:abc", "text\n\nhy:abc"),
    ],
)
def test_a_text_is_cut_with_a_mark_and_its_tail_is_kept(
    text: str, limit: int | None, tail: str, fitted: str
) -> None:
    assert fit(text, limit, tail=tail) == fitted
    assert limit is None or len(fitted) <= limit
