from __future__ import annotations

import pytest

from rules.document import Document, Node, parse
from rules.problems import Report, Span

TEXT = """\
name: shop
rules:
  - title: "Order {{ body.id }}"
    labels: [a, b]
  - text: |
      first line
      second {{ line }}
"""


@pytest.fixture(name="document")
def _document() -> Document:
    found = parse(TEXT, "a.yaml", Report())
    assert found is not None
    return found


def written(span: Span) -> str:
    """Return what stands at a place on one line of the text."""
    assert span.line == span.end_line
    return TEXT.splitlines()[span.line - 1][span.column - 1 : span.end_column - 1]


def test_paths_lead_to_values_and_their_keys(document: Document) -> None:
    assert document.data["rules"][0]["labels"] == ["a", "b"]
    assert document.node(["rules", 0, "labels", 1]).value == "b"
    assert written(document.span(["rules", 0, "labels"])) == "[a, b]"
    assert written(document.key_span(["rules", 0, "labels"])) == "labels"
    assert written(document.key_span(["rules", 0, "labels", 1])) == "b"
    assert document.key_span([]) == document.span([])


@pytest.mark.parametrize("path", [["gone"], ["rules", 2], ["name", "x"], ["rules", "x"]])
def test_a_path_that_leads_nowhere_is_an_error(document: Document, path: list[str | int]) -> None:
    with pytest.raises(LookupError):
        document.span(path)


def test_a_part_of_a_text_is_found_in_the_file(document: Document) -> None:
    title = document.node(["rules", 0, "title"])
    assert written(title.locate(6, 19)) == "{{ body.id }}"
    text = document.node(["rules", 1, "text"])
    start = str(text.value).index("{{")
    assert written(text.locate(start, start + 10)) == "{{ line }}"
    assert text.locate(start, start + 10).line == 7


def test_a_place_beyond_a_text_is_at_its_end(document: Document) -> None:
    name = document.node(["name"])
    assert written(name.locate(2, 99)) == "op"
    assert written(name.locate(99, 99)) == ""
    assert name.locate(99, 99).column == name.span.end_column - 1
    assert written(name.locate(-5, 1)) == "s"


def test_what_is_no_text_is_located_as_a_whole(document: Document) -> None:
    labels = document.node(["rules", 0, "labels"])
    assert labels.locate(1, 2) == labels.span


def test_mappings_are_asked_by_key(document: Document) -> None:
    rule = document.node(["rules", 0])
    assert [name for name, _ in rule.pairs()] == ["title", "labels"]
    assert rule.get("gone") is None
    assert document.node(["name"]).get("x") is None
    with pytest.raises(KeyError):
        rule.key("gone")


def test_parts_know_how_deep_and_how_many_they_are(document: Document) -> None:
    def measure(node: Node) -> tuple[int, int]:
        return node.depth, node.size

    assert measure(document.node(["name"])) == (0, 1)
    assert measure(document.node(["rules", 0, "labels"])) == (1, 3)
    assert measure(document.node(["rules"])) == (3, 8)


def test_parts_say_what_they_are(document: Document) -> None:
    assert repr(document.node(["rules", 0])) == "Node(mapping at a.yaml:3:5)"
    assert repr(document.node(["name"])) == "Node(scalar at a.yaml:1:7)"
