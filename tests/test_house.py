"""The manners of the house, checked: what a linter cannot know about this project."""

from __future__ import annotations

import ast
import functools
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LEFT_BEHIND = {".git", ".venv", "__pycache__", ".hypothesis", "test-results", "htmlcov"}
LOCKS = ("requirements.lock", "requirements-dev.lock")

#: Where a number other than these needs a unit and a source, and so belongs into the rulebook.
JUDGEMENT = ("khemon/rules/", "khemon/alerts", "khemon/endpoints", "pages/")
PLAIN_NUMBERS = {-1, 0, 1, 2}
#: Where the numbers are not clinical: milliseconds in a day; bits of a sort key and rows of a block.
NOT_CLINICAL = {"khemon/rules/calendar.py", "khemon/rules/series.py", "khemon/rules/keys.py"}

#: The doors: here a person or a server asks, so here it is now.
MAY_READ_THE_CLOCK = ("khemon/ui/", "khemon/cli/", "khemon/gate", "khemon/actions/permitted.py", "app.py")

#: Functions that are longer for a reason; the reason stands here.
LONG_FOR_A_REASON: dict[str, str] = {}


@functools.cache
def project_files() -> tuple[str, ...]:
    """Every file of the project, relative to its root: what git knows or would add, else what lies there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0 and listed.stdout:
        names = {name for name in listed.stdout.split("\0") if name}
    else:
        names = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()}
    kept = (name for name in names if not LEFT_BEHIND & set(name.split("/")) and not name.endswith("_cache"))
    return tuple(sorted(name for name in kept if (ROOT / name).is_file() and "_cache/" not in name))


def sources(*starts: str) -> list[str]:
    return [name for name in project_files() if name.endswith(".py") and name.startswith(starts)]


@functools.cache
def text(name: str) -> str:
    return (ROOT / name).read_bytes().decode("utf-8", errors="replace")


@functools.cache
def tree(name: str) -> ast.Module:
    return ast.parse(text(name), filename=name)


def imported_modules(name: str) -> set[str]:
    """Dotted names a file imports; `from khemon import actions` counts as `khemon.actions`."""
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"khemon.{alias.name}" for alias in node.names} if node.module == "khemon" else {node.module}
    return found


def lines_of(found) -> str:
    """What a failed test prints: each finding on its own line, none cut off."""
    return "\n" + "\n".join(found)


# ---- files ----------------------------------------------------------------------------------------------------


def pins(lock: str) -> dict[str, str]:
    """Each requirement line of a lock: name and marker -> version."""
    lines = [line for line in text(lock).splitlines() if line and not line.startswith((" ", "#"))]
    found = {}
    for line in lines:
        requirement = re.fullmatch(r"([a-z0-9-]+)==(\S+)( ; .+?)?( \\)?", line)
        assert requirement, f"{lock}: not pinned: {line}"
        found[requirement[1] + (requirement[3] or "")] = requirement[2]
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_pinned_by_hash_and_names_no_host(lock):
    assert "://" not in text(lock)
    requirements = re.split(r"\n(?=[a-z])", text(lock))
    assert len(pins(lock)) == len(requirements)
    without = [requirement.split("==")[0] for requirement in requirements if "--hash=sha256:" not in requirement]
    assert not without


def test_demo_and_tests_run_the_same_versions():
    small, large = pins(LOCKS[0]), pins(LOCKS[1])
    differing = {name for name, version in small.items() if large.get(name) != version}
    assert not differing, "run `make lock`"


def test_no_file_names_a_package_registry_or_a_path_outside_the_project():
    addresses = ["py" + "pi.org", "python" + "hosted", "registry." + "npmjs", "/simple" + "/", "--trusted" + "-host"]
    outside = [r"(?<![\w-])sha" + "red/", r"(?<![\w.~-])/(?:wo" + "rk|ho" + "me|ro" + "ot|Us" + "ers)/"]
    pattern = re.compile("|".join([re.escape(address) for address in addresses] + outside))
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name in project_files()
        for number, line in enumerate(text(name).splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, lines_of(found)


def test_large_binary_files_stay_out():
    found = []
    for name in project_files():
        content = (ROOT / name).read_bytes()
        if len(content) > 20_000 and b"\0" in content[:8_000]:
            found.append(name)
    assert not found, lines_of(found)


def test_rooms_stay_small():
    found = []
    for name in sources("khemon/", "pages/", "app.py"):
        lines, most = len(text(name).splitlines()), 69 if name.startswith("pages/") else 300
        if lines > most:
            found.append(f"{name}: {lines} lines, at most {most}")
    assert not found, lines_of(found)


def test_functions_stay_short():
    found = []
    for name in sources("khemon/", "pages/", "app.py"):
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                documented = ast.get_docstring(node, clean=False)
                lines = node.end_lineno - node.lineno + 1 - (len(documented.splitlines()) if documented else 0)
                where = f"{name}::{node.name}"
                if lines > 40 and where not in LONG_FOR_A_REASON:
                    found.append(f"{where}: {lines} lines")
    assert not found, lines_of(["split it, or give the reason in LONG_FOR_A_REASON", *found])


def test_no_module_is_named_after_nothing():
    empty_names = {"utils", "util", "helpers", "helper", "common", "core", "misc", "base_utils", "tools"}
    assert not [name for name in project_files() if empty_names & {Path(part).stem for part in name.split("/")}]


# ---- code -----------------------------------------------------------------------------------------------------


def numbers_in(module: ast.Module):
    """Numeric literals with their line, signs included, and strings that are nothing but a number."""
    signed = {}
    for node in ast.walk(module):
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            signed[node.operand] = -1
    for node in ast.walk(module):
        if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
            continue
        if isinstance(node.value, int | float):
            yield node.lineno, node.value * signed.get(node, 1)
        elif isinstance(node.value, str) and re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", node.value):
            yield node.lineno, float(node.value)


def test_clinical_numbers_stand_in_the_rulebook_and_not_in_the_code_that_judges():
    found = [
        f"{name}:{line}: {number:g}"
        for name in sources(*JUDGEMENT)
        if name not in NOT_CLINICAL
        for line, number in numbers_in(tree(name))
        if number not in PLAIN_NUMBERS
    ]
    assert not found, lines_of(found)


def clock_reads_in(module: ast.Module):
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            asked = ast.unparse(node.value).split(".")[-1]
            is_calendar = asked in {"datetime", "date", "Timestamp", "func"} and node.attr in {"now", "utcnow", "today"}
            if is_calendar or (asked == "time" and node.attr in {"time", "time_ns", "localtime", "gmtime"}):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name in {"time", "time_ns"})


def test_only_the_doors_read_the_clock():
    found = [
        f"{name}:{line}: {what}"
        for name in sources("khemon/", "pages/", "app.py")
        if not name.startswith(MAY_READ_THE_CLOCK)
        for line, what in clock_reads_in(tree(name))
    ]
    assert not found, lines_of(found)


def test_sql_stands_only_in_the_store():
    sql = re.compile(
        r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|PRAGMA\s"
        r"|(CREATE|DROP|ALTER)\s+(TABLE|INDEX|TRIGGER|VIEW|ROLE))\b",
        re.DOTALL,
    )
    found = [
        f"{name}:{node.lineno}"
        for name in sources("khemon/", "pages/", "app.py")
        if not name.startswith("khemon/store/")
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and sql.search(node.value)
    ]
    assert not found, lines_of(found)


def test_a_page_imports_only_what_it_asks_and_what_it_shows():
    own = ("khemon.ui", "khemon.actions", "khemon.figures", "khemon.models")
    for name in sources("pages/"):
        for module in imported_modules(name):
            root = module.split(".")[0]
            allowed = root in sys.stdlib_module_names or root in {"streamlit", "pandas"}
            allowed = allowed or any(module == room or module.startswith(room + ".") for room in own)
            assert allowed, f"{name} imports {module}"


def test_the_application_is_put_together_from_the_gate_and_streamlit():
    for module in imported_modules("app.py"):
        root = module.split(".")[0]
        assert root in sys.stdlib_module_names or root in {"khemon", "streamlit", "starlette", "anyio"}, module


def test_every_page_is_registered_and_every_registered_page_exists():
    from khemon.ui.parts.pages import TITLES

    assert {f"pages/{name}.py" for name in TITLES} == set(sources("pages/"))


def test_every_rule_stands_on_the_definitions_page(tmp_path, monkeypatch):
    from streamlit.testing.v1 import AppTest

    from khemon.models import Actor
    from khemon.rules import load_protocol
    from khemon.store import Store
    from khemon.ui.parts import session

    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    monkeypatch.setattr(session, "current_store", lambda: store)
    monkeypatch.setattr(session, "current_actor", lambda: Actor(name="reader", kind="local"))
    browser = AppTest.from_file(str(ROOT / "khemon/ui/main.py"), default_timeout=60).run()
    page = browser.switch_page("../../pages/definitions.py").run()
    store.close()
    assert not page.exception
    shown = "\n".join(str(element.proto) for element in page.main)
    missing = [name for name, rule in load_protocol("ward").rules.items() if rule.title not in shown]
    assert not missing, lines_of(missing)


# ---- documents ------------------------------------------------------------------------------------------------


def command_lines(name: str) -> list[list[str]]:
    """Each command in the fenced blocks of a document, split as a shell would."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", text(name), flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip() and not line.lstrip().startswith("#")]


DOCUMENTS = ("README.md", "CONTRIBUTING.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_a_document_names_exists(document):
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", text(document)))
    named |= {words[1] for words in command_lines(document) if words[0] == "make"}
    assert named
    assert named <= targets


def test_every_command_the_readme_names_exists_with_its_options():
    from typer.main import get_command

    from khemon.cli import app

    commands = get_command(app).commands
    named = {words[1]: words[2:] for words in command_lines("README.md") if words[0].endswith("khemon")}
    table = set(re.findall(r"^\| `([a-z]+)", text("README.md"), flags=re.MULTILINE))
    assert named
    assert table | set(named) <= set(commands)
    for name, words in named.items():
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, name
    undocumented = {name for name, command in commands.items() if not command.hidden} - table
    assert not undocumented, "add a line to the table of commands"


def example(document: str, language: str) -> str:
    """The first fenced block of that language in a document."""
    return re.search(rf"```{language}\n(.*?)```", text(document), flags=re.DOTALL)[1]


def test_the_example_in_the_readme_shows_a_kasabach_merritt_phenomenon(tmp_path):
    (tmp_path / "labs.csv").write_text(example("README.md", "csv"), encoding="utf-8")
    _, *words = next(words for words in command_lines("README.md") if "evaluate" in words)
    ran = subprocess.run(
        [Path(sys.executable).with_name("khemon"), *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    [patient] = json.loads(ran.stdout)["patients"]
    found = {episode["rule"]: (episode["status"], episode["severity"]) for episode in patient["episodes"]}
    assert found["kmp"] == ("confirmed", "critical")


def test_the_example_of_a_mapping_is_one():
    from khemon.importers import load_mapping

    assert load_mapping(example("docs/mappings.md", "toml").encode())


def test_decisions_are_numbered_without_a_gap_and_say_what_was_decided():
    pages = [name for name in project_files() if re.fullmatch(r"docs/decisions/\d{4}-[a-z0-9-]+\.md", name)]
    assert [int(Path(name).name[:4]) for name in pages] == list(range(1, len(pages) + 1))
    for name in pages:
        assert text(name).startswith(f"# {int(Path(name).name[:4])}. "), name
        assert all(f"\n## {part}\n" in text(name) for part in ("Question", "Decision", "Price")), name


def test_links_between_documents_lead_somewhere():
    broken = []
    for name in project_files():
        if name.endswith(".md"):
            for target in re.findall(r"\]\((?![a-z]+:)([^)#\s]+)", text(name)):
                if not (ROOT / name).parent.joinpath(target).exists():
                    broken.append(f"{name}: {target}")
    assert not broken, lines_of(broken)


def test_the_changelog_says_first_which_clinical_results_change():
    for release in re.split(r"^## ", text("CHANGELOG.md"), flags=re.MULTILINE)[1:]:
        assert release.split("\n### ")[1].startswith("Clinical results"), release.splitlines()[0]
