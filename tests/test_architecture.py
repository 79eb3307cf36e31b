"""What imports cannot show: where statements stand, how queries begin, what errors answer."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import app
from app.errors import AppError
from app.settings import Settings
from app.web.errors import STATUS

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "app").rglob("*.py"))

# What asks no site: look-ups before one is known, the agenda, and what holds no site's rows.
WITHOUT_SITE = {
    "arrivals": {"entered", "install"},
    "agenda": {
        "ages",
        "all_sites",
        "due_assessments",
        "due_purges",
        "due_space_purges",
        "due_syncs",
    },
    "jobs": {"database_time", "forget_ended", "give_turns", "depth", "rescue"},
    "bulk": {"copy_rows", "join_by_hashing", "wait_for_no_disk"},
    "csv_lines": {"statement", "question"},
    "exporting": {"prepare"},
    "database": {"driver_connection", "enter_issuer", "enter_site"},
    "forge_sites": {"known", "seen"},
    "joined_sites": {"named_by_connect", "of_forge"},
    "sites": {"of_issuer", "site_of"},
}


def test_sql_stands_in_the_store_alone() -> None:
    statement = re.compile(r"\b(select|insert|update|delete)\(|\btext\(\s*[f\"']")
    strangers = [
        path.name
        for path in SOURCES
        if path.parent.name != "store"
        and "sqlalchemy" in path.read_text()
        and statement.search(path.read_text())
    ]
    assert strangers == []


def test_nobody_commits_but_the_unit_of_work() -> None:
    assert [path.name for path in SOURCES if re.search(r"\.commit\(", path.read_text())] == []


def test_every_query_takes_the_transaction_and_the_site_first() -> None:
    odd = []
    for path in sorted((ROOT / "app" / "store").glob("*.py")):
        named = WITHOUT_SITE.get(path.stem, set())
        for function in _public_functions(path):
            arguments = [argument.arg for argument in function.args.args]
            if arguments[:1] != ["db"] or function.name in named:
                continue
            if arguments[1:2] != ["site_id"]:
                odd.append(f"{path.stem}.{function.name}")
    assert odd == []


def test_every_error_has_its_answer() -> None:
    for module in pkgutil.walk_packages(app.__path__, "app."):
        importlib.import_module(module.name)
    unnamed = [error.__name__ for error in _subclasses(AppError) if _answer(error) is AppError]
    # These never reach a request: they end inside a job, or stop the start.
    jobs = [error.__name__ for error in _subclasses(AppError) if "anypoint" in error.__module__]
    assert sorted(set(unnamed) - set(jobs)) == ["BadConfiguration"]


def test_every_setting_is_documented() -> None:
    document = (ROOT / "docs" / "settings.md").read_text()
    written = set(re.findall(r"PLUMBLINE_[A-Z_]+", document))
    assert written == {f"PLUMBLINE_{name.upper()}" for name in Settings.model_fields}


def test_no_function_nests_four_deep() -> None:
    deep = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _depth(node) >= 4
    ]
    assert deep == []


def _public_functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.parse(path.read_text()).body:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and not node.name.startswith("_"):
            yield node


def _answer(error: type[AppError]) -> type[AppError]:
    return next(kind for kind in inspect.getmro(error) if kind in STATUS)


def _subclasses(kind: type[AppError]) -> Iterator[type[AppError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def _depth(node: ast.AST, level: int = 0) -> int:
    best = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        best = max(best, _depth(child, level + (isinstance(child, BLOCKS) and not is_elif)))
    return best
