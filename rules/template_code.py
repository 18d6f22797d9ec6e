"""Generates the Python code of templates: like Jinja's, with calls of the environment in some places.

Paths are followed as a whole, fractions are exact, `~` and comparisons go by the rules' own sense of
values (see `rules.template_env`).
"""

from __future__ import annotations

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

from rules.paths import Key, path_text


def static_path(node: nodes.Node) -> tuple[nodes.Name, tuple[Key, ...]] | None:
    """Return root and keys of an expression that is nothing but a path, else None."""
    keys: list[Key] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            keys.append(node.attr)
        elif isinstance(node, nodes.Getitem):
            key = _constant_key(node.arg)
            if key is None:
                return None
            keys.append(key)
        else:
            return None
        node = node.node
    return node, tuple(reversed(keys))


def _constant_key(node: nodes.Node) -> Key | None:
    if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const):
        return -node.node.value if type(node.node.value) is int else None
    if isinstance(node, nodes.Const) and type(node.value) in {int, str}:
        key: Key = node.value
        return key
    return None


class Generator(CodeGenerator):
    """Writes calls of the environment where Jinja would write plain Python."""

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:  # noqa: N802  Jinja's name
        """Write a constant; a fraction as an exact one."""
        if isinstance(node.value, float):
            self.write(f"environment.exact({str(node.value)!r})")
        else:
            super().visit_Const(node, frame)

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802  Jinja's name
        """Write a path as one call."""
        if not self._walk(node, frame):
            super().visit_Getattr(node, frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802  Jinja's name
        """Write a path as one call."""
        if not self._walk(node, frame):
            super().visit_Getitem(node, frame)

    def _walk(self, node: nodes.Expr, frame: Frame) -> bool:
        found = static_path(node)
        if found is None:
            return False
        root, keys = found
        self.write("environment.walk(")
        self.visit(root, frame)
        self.write(f", {keys!r}, {path_text(root.name, keys)!r})")
        return True

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802  Jinja's name
        """Write what `~` joins."""
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:  # noqa: N802  Jinja's name
        """Write an inline `if`; without `else` it is null where it does not hold."""
        if node.expr2 is None:
            node.expr2 = nodes.Const(None)
        super().visit_CondExpr(node, frame)

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802  Jinja's name
        """Write a comparison; a chain is true if each of its links is."""
        left = node.expr
        self.write("(")
        for number, operand in enumerate(node.ops):
            if number:
                self.write(" and ")
            self.write(f"environment.compare({operand.op!r}, ")
            self.visit(left, frame)
            self.write(", ")
            self.visit(operand.expr, frame)
            self.write(")")
            left = operand.expr
        self.write(")")
