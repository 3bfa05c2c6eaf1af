"""The line of packages and the import rules of the house, read from the code itself.

A package imports only from those to its left; see docs/architecture.md.
"""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINE = (
    "core", "accounts", "jobs", "infra", "network", "storage", "compute", "consoleproxy",
    "api", "frontend", "cloudportal",
)  # fmt: skip
CONTEXTS = LINE[1:7]

#: Import rule 6: what a context keeps to itself. Responses may nest another's response, and
#: commands that rule 4 puts higher (attachVolume) answer with it.
PRIVATE = {"commands", "jobs", "responses"}

#: Models looked up by name: where rows are read back from a job's JSON, and nowhere else.
BY_NAME = {"jobs/rows.py", "api/results.py"}

#: Imports inside a function that must be there: (file, module) and the reason.
LATE = {
    ("frontend/tabs.py", "frontend.sections"):
        "sections name these functions, which look titles up among the sections",
}  # fmt: skip


@dataclass(frozen=True)
class Import:
    file: str
    line: int
    module: str  # as far as it is a module of ours: "storage.services.pools"
    inside: bool  # a function

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


@functools.cache
def files(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    return [f for f in found if "migrations" not in f.parts]


@functools.cache
def imports(package: str) -> list[Import]:
    return list(_imports(package))


def _imports(package: str) -> Iterator[Import]:
    for path in files(package):
        name = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text())
        for node, inside in _walk(tree, False):
            for module in _modules(node):
                yield Import(name, node.lineno, module, inside)


def _walk(node: ast.AST, inside: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """Every statement with whether it stands in a function; type checkers' imports are not
    run and do not count."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.stmt):
            yield child, inside
        is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _walk(child, inside or is_function)


def _modules(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [_narrowed(node.module or "", alias.name) for alias in node.names]
    return []


@functools.cache
def _narrowed(module: str, name: str) -> str:
    """``from storage import responses`` is an import of ``storage.responses``."""
    base = ROOT.joinpath(*module.split("."), name)
    is_module = base.with_suffix(".py").exists() or base.is_dir()
    return f"{module}.{name}" if is_module else module


def report(found: list[Import]) -> None:
    assert not found, "\n" + "\n".join(map(str, found))


@pytest.mark.parametrize("package", LINE)
def test_a_package_imports_only_from_those_to_its_left(package):
    right = set(LINE[LINE.index(package) + 1 :])
    report([i for i in imports(package) if i.module.split(".")[0] in right])


def test_the_agent_imports_nothing_of_ours_and_no_django():
    report([i for i in imports("agent") if i.module.split(".")[0] in {*LINE, "django"}])


@pytest.mark.parametrize("package", LINE[:-1])
def test_the_portal_imports_only_the_protocol_of_the_agent(package):
    """The wiring (``cloudportal``) runs an agent in its own process and may import it."""
    found = [i for i in imports(package) if i.module.split(".")[0] == "agent"]
    report([i for i in found if i.module != "agent.protocol"])


def test_core_has_no_models():
    for path in files("core"):
        for node in ast.walk(ast.parse(path.read_text())):
            bases = [ast.unparse(b) for b in getattr(node, "bases", ())]
            if any("models.Model" in base for base in bases):
                assert "abstract = True" in ast.unparse(node), f"{path.name} has a model"


def test_the_pages_take_one_door_into_the_api():
    report([
        i for i in imports("frontend")
        if i.module.startswith("api") and i.module != "api.dispatch"
    ])  # fmt: skip


def test_consoles_are_reached_by_url():
    report([i for i in imports("frontend") if i.module.split(".")[0] == "consoleproxy"])


@pytest.mark.parametrize("package", LINE)
def test_contexts_keep_commands_jobs_and_responses_to_themselves(package):
    found = []
    for item in imports(package):
        top, *rest = item.module.split(".")
        if top == package or top not in CONTEXTS or not rest or rest[0] not in PRIVATE:
            continue
        may_show = "/responses" in item.file or "/commands" in item.file
        if not (rest[0] == "responses" and may_show):
            found.append(item)
    report(found)


@pytest.mark.parametrize("package", [*LINE, "agent"])
def test_imports_stand_at_the_top(package):
    late = [i for i in imports(package) if i.inside]
    report([i for i in late if (i.file, i.module) not in LATE])


@pytest.mark.parametrize("package", LINE)
def test_models_are_not_looked_up_by_name(package):
    for path in files(package):
        name = str(path.relative_to(ROOT))
        if name not in BY_NAME:
            assert "get_model(" not in path.read_text(), f"{name} looks a model up by its name"
