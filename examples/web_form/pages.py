"""The pages of the form, as people get them: they work without a script, and with whatever reads them aloud."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

_PAGE: Final = Template((Path(__file__).parent / "page.html").read_text("utf-8"))
_HEADING: Final = "Ask our support"


class Field(NamedTuple):
    """A field of the form: which field of the task it is, and how it looks."""

    name: str
    of_task: str
    label: str
    markup: str
    hint: str = ""
    needed: str = ""


FIELDS: Final = (
    Field(
        "title",
        "title",
        "What is it about?",
        '<input id="title" name="title" maxlength="200" value="{value}" {more}>',
        needed="Say in a few words what it is about.",
    ),
    Field(
        "message",
        "description",
        "What happened? (optional)",
        '<textarea id="message" name="message" rows="6" {more}>\n{value}</textarea>',
    ),
    Field(
        "name",
        "contact.name",
        "Your name (optional)",
        '<input id="name" name="name" autocomplete="name" value="{value}" {more}>',
    ),
    Field(
        "email",
        "contact.email",
        "Your e-mail address",
        '<input id="email" name="email" type="email" autocomplete="email" spellcheck="false" value="{value}" {more}>',
        hint="We answer there, and write of nothing else.",
        needed="Give an e-mail address, so that we can answer.",
    ),
)
WORDS: Final = {
    "not-an-address": "This is no e-mail address. It should look like ada@example.com.",
    "unknown-contact": "We do not know this address. Take the one that you are registered with.",
}
"""What people are told in place of Hookyard's own sentence, which is for those who write programs."""


def form(given: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    """Return the page of the form, with what was written, and what is wrong with it by field.

    `given` holds the `key` of the task that it will make. What is under no field is said at the top alone.
    """
    content = f"<h1>{_HEADING}</h1>\n"
    if wrong:
        said = "\n".join(
            f'<li><a href="#{name}">{escape(text)}</a></li>' if name else f"<li>{text}</li>"
            for name, text in wrong.items()
        )
        content += (
            '<div class="summary" role="alert" tabindex="-1" autofocus>\n'
            f"<h2>Please look at this again</h2>\n<ul>\n{said}\n</ul>\n</div>\n"
        )
    content += '<form method="post" action="/" novalidate>\n'
    content += f'<input type="hidden" name="key" value="{escape(given["key"])}">\n'
    content += "".join(
        _field(each, given.get(each.name, ""), wrong.get(each.name)) for each in FIELDS
    )
    content += "<button>Send</button>\n</form>"
    return _PAGE.substitute(title=f"{'Error: ' if wrong else ''}{_HEADING}", content=content)


def _field(field: Field, value: str, wrong: str | None) -> str:
    notes = {f"{field.name}-hint": field.hint, f"{field.name}-error": wrong}
    described = " ".join(name for name, text in notes.items() if text)
    more = " ".join(
        (
            *(["required"] if field.needed else []),
            *([f'aria-describedby="{described}"'] if described else []),
            *(['aria-invalid="true"'] if wrong else []),
        )
    )
    hint = f'<p class="hint" id="{field.name}-hint">{field.hint}</p>\n' if field.hint else ""
    error = (
        f'<p class="error" id="{field.name}-error">Error: {escape(wrong)}</p>\n' if wrong else ""
    )
    return (
        f'<div class="field{" wrong" if wrong else ""}">\n'
        f'<label for="{field.name}">{field.label}</label>\n{hint}{error}'
        f"{field.markup.format(value=escape(value), more=more)}\n</div>\n"
    )


def thanks(number: str) -> str:
    """Return the page that people see when it is done."""
    which = f"Your request is number {number}." if number else "We have your request."
    content = f'<h1>Thank you</h1>\n<p>{which}</p>\n<p><a href="/">Ask something else</a></p>'
    return _PAGE.substitute(title="Thank you", content=content)


def note(text: str) -> str:
    """Return a page that says one thing."""
    return _PAGE.substitute(title=text, content=f"<h1>{text}</h1>")
