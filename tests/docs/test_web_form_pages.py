"""The form of the example is for everybody, and says what people can correct."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from examples.web_form.pages import FIELDS, form, thanks
from examples.web_form.server import LATER, Answer, task_of, wrong_in

KEY = "0" * 32


class Page(HTMLParser):
    """What of a page those need to know who do not see it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str, attribute: str) -> list[str | None]:
        return [given[attribute] for name, given in self.tags if name == tag and attribute in given]

    @property
    def ids(self) -> list[str | None]:
        return [given["id"] for _, given in self.tags if "id" in given]


@pytest.mark.parametrize(
    "wrong",
    [{}, {field.name: "Write something." for field in FIELDS}, {"": LATER}],
    ids=["new", "all wrong", "not now"],
)
def test_every_field_has_a_label_and_is_joined_to_its_hint_and_error(
    wrong: dict[str, str],
) -> None:
    page = Page(form({"key": KEY}, wrong))
    fields = [field.name for field in FIELDS]

    assert page.all("html", "lang") == ["en"]
    assert page.all("label", "for") == fields
    assert len(page.ids) == len(set(page.ids))
    assert set(fields) <= set(page.ids)
    described = [
        name
        for tag in ("input", "textarea")
        for names in page.all(tag, "aria-describedby")
        for name in (names or "").split()
    ]
    assert set(described) <= set(page.ids)
    in_error = [name for name in fields if f"{name}-error" in page.ids]
    assert in_error == [name for name in fields if wrong.get(name)]
    assert {f"{name}-error" for name in in_error} <= set(described)
    assert len(page.all("input", "aria-invalid") + page.all("textarea", "aria-invalid")) == len(
        in_error
    )
    assert not page.all("script", "src")
    assert "script" not in {tag for tag, _ in page.tags}


def test_what_is_wrong_is_said_at_the_top_which_has_the_focus_and_leads_to_each_field() -> None:
    wrong = {"title": "Say what.", "email": "This is no e-mail address."}
    text = form({"key": KEY, "email": "ada"}, wrong)
    page = Page(text)

    (summary,) = [given for _, given in page.tags if given.get("role") == "alert"]
    assert "autofocus" in summary
    assert summary["tabindex"] == "-1"
    assert page.all("a", "href") == ["#title", "#email"]
    assert "<title>Error: " in text
    assert 'value="ada"' in text


def test_what_people_write_is_shown_to_them_as_text() -> None:
    odd = "\"><script>alert(1)</script>'&$content{value}</textarea>"
    given = {"key": KEY} | {field.name: odd for field in FIELDS}
    text = form(given, {"title": odd})

    assert "<script" not in text
    assert text.count("</textarea>") == 1
    page = Page(text)
    assert page.all("input", "value") == [KEY, odd, odd, odd]
    assert "script" not in {tag for tag, _ in page.tags}


def test_a_task_holds_what_was_filled_in_and_a_key_of_its_own() -> None:
    given = {"key": KEY, "title": " The lamp ", "email": "ada@example.com", "name": " ", "due": "x"}

    assert task_of(given) == {
        "key": f"form-{KEY}",
        "title": "The lamp",
        "contact": {"email": "ada@example.com"},
    }


def test_what_is_not_for_people_to_correct_is_said_without_details() -> None:
    errors = [
        {"field": "due", "code": "fixed", "message": "due is fixed by the connector"},
        {"field": "contact.email", "code": "not-an-address", "message": "x"},
        {"field": "title", "code": "too-long", "message": "a title has at most 5 characters"},
    ]
    wrong = wrong_in(Answer(422, {"errors": errors}))

    assert list(wrong) == ["", "title", "email"]
    assert wrong[""] == LATER
    assert wrong["title"] == "a title has at most 5 characters"
    assert wrong_in(Answer(0, {})) == wrong_in(Answer(401, {"code": "not-proven"})) == {"": LATER}
    assert "fixed" not in form({"key": KEY}, wrong)


def test_the_number_of_a_request_is_shown_where_there_is_one_already() -> None:
    assert "number 7." in thanks("7")
    assert "number" not in thanks("")
