"""Nothing grows past the size at which it can still be read."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "benchmarks", "examples", "docs")
BANNED = {"common", "helper", "helpers", "misc", "util", "utilities", "utils"}
FILE_LINES, CLASS_LINES, FUNCTION_LINES, PARAMETERS = 400, 300, 60, 8
SAME_EVERYWHERE = {"progress", "group"}  # mean the same in every function that has them: nobody learns them anew
CONTROLS = 12  # of a view: each of its parameters is a control with a name, and nobody calls it by position

Function = ast.FunctionDef | ast.AsyncFunctionDef


def offences(path: Path, source: str) -> Iterator[str]:
    """Name what is too large or badly named, one line each."""
    if (banned := {path.stem, *path.parts} & BANNED) != set():
        yield f"{path}: '{min(banned)}' says nothing; name the file after what it holds"
    if (lines := len(source.splitlines())) > FILE_LINES:
        yield f"{path}: {lines} lines, at most {FILE_LINES}; make it a folder of the same name"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and (lines := _lines(node)) > CLASS_LINES:
            yield f"{path}:{node.lineno}: class {node.name} has {lines} lines, at most {CLASS_LINES}"
        if isinstance(node, Function):
            yield from (f"{path}:{node.lineno}: {node.name} has {problem}" for problem in _too_much(node))


def _too_much(function: Function) -> Iterator[str]:
    if (lines := _lines(function)) > FUNCTION_LINES:
        yield f"{lines} lines, at most {FUNCTION_LINES} without its docstring"
    arguments = function.args
    named = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    most = CONTROLS if any(ast.unparse(one).startswith("view(") for one in function.decorator_list) else PARAMETERS
    if (count := sum(name not in {"self", "cls", *SAME_EVERYWHERE} for name in named)) > most:
        yield f"{count} parameters, at most {most}"


def _lines(node: Function | ast.ClassDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return lines
    docstring = node.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def _sources() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def test_sizes_and_names() -> None:
    """Every file, class and function keeps its size, and no file is called after nothing."""
    found = [line for path in _sources() for line in offences(path.relative_to(ROOT), path.read_text("utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("a.py", "\n" * 401, "a.py: 401 lines, at most 400; make it a folder of the same name"),
        ("utils.py", "", "utils.py: 'utils' says nothing; name the file after what it holds"),
        ("common/a.py", "", "common/a.py: 'common' says nothing; name the file after what it holds"),
        ("a.py", "class A:\n" + "    b = 1\n" * 300, "a.py:1: class A has 301 lines, at most 300"),
        (
            "a.py",
            "def f():\n" + "    b = 1\n" * 60,
            "a.py:1: f has 61 lines, at most 60 without its docstring",
        ),
        (
            "a.py",
            "async def f(a, b, /, c, *, d, e, g, h, i, j): ...",
            "a.py:1: f has 9 parameters, at most 8",
        ),
        (
            "a.py",
            "@view(page=True)\ndef f(a, b, c, d, e, f, g, h, i, j, k, l, m): ...",
            "a.py:2: f has 13 parameters, at most 12",
        ),
    ],
)
def test_offences_are_seen(name: str, source: str, expected: str) -> None:
    """Each limit, when broken, gives one line that says where and what to do."""
    assert list(offences(Path(name), source)) == [expected]


def test_limits_themselves_are_allowed() -> None:
    """A docstring, self and exactly the limit are no offence."""
    method = "    def f(self, a, b, c, d, e, g, h, i):\n" + '        """One.\n\n        Two.\n        """\n'
    assert list(offences(Path("a.py"), "class A:\n" + method + "        b = 1\n" * 59)) == []
