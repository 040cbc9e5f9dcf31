"""The small changes of a module: which node of its syntax tree is replaced by what."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

#: What each operator is swapped with.
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_PAIRS = [("any", "all"), ("min", "max"), ("minimum", "maximum"), ("floor", "ceil"), ("left", "right")]
NAMES = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where it stands, what it reads before and after, and where in the tree it is made."""

    path: str
    scope: str
    lines: tuple[int, int]
    line: int
    before: str
    after: str
    node: int
    choice: int
    in_function: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.scope or 'module'}: {self.before} → {self.after}"


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield from (ast.Constant(value + 1), ast.Constant(value - 1))
    elif isinstance(value, str):
        yield ast.Constant(NAMES.get(value, "" if value else "XX"))


def _operands(node: ast.BoolOp) -> Iterator[ast.AST]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield ast.BoolOp(other, node.values)
    for place in range(len(node.values)):
        kept = node.values[:place] + node.values[place + 1 :]
        yield kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)


def _slice(node: ast.Slice) -> Iterator[ast.AST]:
    for bound in ("lower", "upper", "step"):
        if getattr(node, bound) is not None:
            yield ast.Slice(**{**{name: getattr(node, name) for name in node._fields}, bound: None})


def _call(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Name) and node.func.id in NAMES:
        yield ast.Call(ast.Name(NAMES[node.func.id], ast.Load()), node.args, node.keywords)
    if isinstance(node.func, ast.Attribute) and node.func.attr in NAMES:
        yield ast.Call(ast.Attribute(node.func.value, NAMES[node.func.attr], ast.Load()), node.args, node.keywords)
    if any(keyword.arg == "key" for keyword in node.keywords):
        yield ast.Call(node.func, node.args, [keyword for keyword in node.keywords if keyword.arg != "key"])


def _compare(node: ast.Compare) -> Iterator[ast.AST]:
    for place, operator in enumerate(node.ops):
        for other in COMPARISONS[type(operator)]:
            yield ast.Compare(node.left, [*node.ops[:place], other(), *node.ops[place + 1 :]], node.comparators)


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node, one change each."""
    if isinstance(node, ast.Constant):
        yield from _constant(node)
    elif isinstance(node, ast.Compare):
        yield from _compare(node)
    elif isinstance(node, ast.BoolOp):
        yield from _operands(node)
    elif isinstance(node, ast.BinOp):
        yield ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Slice):
        yield from _slice(node)
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.AugAssign):
        yield ast.AugAssign(node.target, ARITHMETIC[type(node.op)](), node.value)
        yield ast.Pass()
    elif isinstance(node, ast.If | ast.IfExp):
        for answer in (True, False):
            yield type(node)(**{**dict(ast.iter_fields(node)), "test": ast.Constant(answer)})
    elif isinstance(node, ast.comprehension):
        for place in range(len(node.ifs)):
            kept = node.ifs[:place] + node.ifs[place + 1 :]
            yield ast.comprehension(node.target, node.iter, kept, node.is_async)
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Expr | ast.Raise | ast.Continue | ast.Break) or (
        isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple)
    ):
        yield ast.Pass()


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


@dataclass(slots=True)
class _Place:
    """Where a node stands: its parent's field, the scopes around it, its statement."""

    parent: ast.AST
    field: str
    index: int | None
    scopes: tuple[str, ...]
    statement: ast.stmt
    in_function: bool


def _left_out(node: ast.AST, field: str, child: ast.AST) -> bool:
    """Annotations, documentation, assertions (they hold by construction) and what only a type checker reads."""
    if field in ("annotation", "returns") or isinstance(child, ast.Assert | ast.Import | ast.ImportFrom):
        return True
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return True
    if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
        return True
    return isinstance(child, ast.Assign) and ast.unparse(child.targets[0]) == "__all__"


def _walk(
    node: ast.AST, scopes: tuple[str, ...], statement: ast.stmt, in_function: bool
) -> Iterator[tuple[ast.AST, _Place]]:
    for field, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if not isinstance(child, ast.AST) or _left_out(node, field, child):
                continue
            inside = in_function or (isinstance(node, ast.FunctionDef) and field == "body")
            own = child if isinstance(child, ast.stmt) else statement
            yield child, _Place(node, field, index if isinstance(value, list) else None, scopes, own, inside)
            deeper = (*scopes, child.name) if isinstance(child, SCOPES) else scopes
            yield from _walk(child, deeper, own, inside)


def _nodes(tree: ast.Module) -> list[tuple[ast.AST, _Place]]:
    return list(_walk(tree, (), ast.Pass(lineno=1, end_lineno=1), in_function=False))


def _shown(node: ast.AST) -> str:
    """A node on one line; of a compound statement only the head."""
    if isinstance(node, ast.comprehension):
        return ast.unparse(node).strip()
    return ast.unparse(node).split("\n")[0]


def _lines(node: ast.AST, place: _Place) -> tuple[int, int]:
    """The lines that run when the changed node does: of a compound statement only its head."""
    first, last = place.statement.lineno, place.statement.end_lineno or place.statement.lineno
    body = getattr(place.statement, "body", None)
    if isinstance(body, list) and body:
        last = max(first, body[0].lineno - 1)
    if hasattr(node, "lineno") and isinstance(node, ast.expr):
        return min(first, node.lineno), max(node.end_lineno or node.lineno, first)
    return first, last


def changes_of(path: str, source: str) -> list[Change]:
    """Every change of a module, in the order of its syntax tree."""
    found = []
    for number, (node, place) in enumerate(_nodes(ast.parse(source))):
        for choice, other in enumerate(replacements(node)):
            before, after = _shown(node), _shown(ast.fix_missing_locations(copy.deepcopy(other)))
            line = getattr(node, "lineno", place.statement.lineno)
            scope, lines = ".".join(place.scopes), _lines(node, place)
            found.append(Change(path, scope, lines, line, before, after, number, choice, place.in_function))
    return found


def changed(source: str, change: Change) -> ast.Module:
    """The module's syntax tree with one change made; the lines stay where they are."""
    tree = ast.parse(source)
    node, place = _nodes(tree)[change.node]
    other = copy.deepcopy(list(replacements(node))[change.choice])
    ast.copy_location(other, node)
    if place.index is None:
        setattr(place.parent, place.field, other)
    else:
        getattr(place.parent, place.field)[place.index] = other
    return ast.fix_missing_locations(tree)
