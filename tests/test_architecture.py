"""The import rules of the house, held with no list of exceptions.

Layers, lowest first; a room imports what is below it, never beside or above:

    chatsite/kernel < chatsite/gateway < chatsite/accounts < chat | presence < telegram_bridge < chatsite
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = (
    ("chatsite.kernel",), ("chatsite.gateway",), ("chatsite.accounts",), ("chat", "presence"), ("telegram_bridge",),
    ("chatsite",),
)  # fmt: skip
# Inside an app: edges import commands, queries and projections, those import the middle, all import the pure files.
LEVELS = {
    "frames": 3, "api": 3, "rpc": 3, "urls": 3, "apps": 4, "admin": 3, "pages": 3, "staff": 3,
    "commands": 2, "projections": 2, "queries": 1,
    "tracker": 2, "guests": 2,
    "messages": 0, "models": 0, "stores": 0, "inboxes": 0, "indexes": 0, "imports": 0, "policy": 0, "protocol": 0,
    "fold": 0, "events": 0, "emoji": 0, "markdown": 0, "mentions": 0, "search": 0, "words": 0,
    "templates": 0, "moderation": 0, "rules": 0, "pacing": 0, "callers": 0, "followers": 0, "notifiers": 0, "push": 0,
    "link_previews": 0,
    "digests": 0, "exports": 0, "markup": 0, "ids": 0,
}  # fmt: skip
PURE = (
    "chatsite/kernel/ids.py", "chatsite/kernel/events.py", "chatsite/kernel/errors.py", "chatsite/gateway/protocol.py",
    "chatsite/kernel/addresses.py", "chatsite/kernel/eventlog/kafka/outage.py", "chatsite/gateway/bodies.py",
    "chat/emoji.py", "chat/events.py", "chat/fold.py", "chat/markdown.py", "chat/mentions.py", "chat/policy.py",
    "chatsite/accounts/events.py", "chatsite/accounts/protocol.py", "chat/protocol.py", "chat/imports/__init__.py",
    "chat/search.py", "chat/words.py", "chat/templates.py", "chat/moderation.py", "chat/rules.py", "chat/push.py",
    "chat/imports/irc.py", "chat/link_previews.py", "chatsite/kernel/text.py", "chatsite/kernel/positions.py",
    "chat/digests.py",
    "chatsite/accounts/policy.py", "telegram_bridge/exports.py", "telegram_bridge/ids.py", "telegram_bridge/markup.py",
    "chatsite/kernel/eventlog/sql_tail.py", "presence/policy.py", "presence/pacing.py", "presence/callers.py",
)  # fmt: skip
IMPURE_MODULES = {"django", "channels", "asyncio", "time", "os", "socket", "random", "secrets", "threading", "logging"}
ADAPTERS = re.compile(
    r"chat\.(stores|inboxes|indexes|notifiers)\.\w+|(presence|telegram_bridge)\.stores\.\w+|chatsite\.kernel\.(eventlog|limits|nonces|notes)\.\w+"
    r"|chatsite\.gateway\.(streams|layers|sessions)\.\w+"
)
DRIVERS = {
    "sqlite3", "psycopg", "redis", "hiredis", "channels_redis", "confluent_kafka", "cassandra", "telethon", "boto3",
}  # fmt: skip
CONNECTIONS = {
    "chatsite.kernel.redis",
    "chatsite.kernel.redis_cluster",
    "chat.stores.scylla_session",
}  # what adapters share of a driver, and nobody else imports
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "base.py", "common.py"}


def sources() -> list[Path]:
    """The code of the product, without migrations and settings."""
    files = [path for top in ("chatsite", "chat", "presence", "telegram_bridge") for path in (ROOT / top).rglob("*.py")]
    return [path for path in files if not {"migrations", "settings"} & set(path.parts)]


def module_of(path: Path) -> str:
    """The dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str) -> tuple[int, str] | None:
    """The number of a module's layer and its room in it, None for what is not ours."""
    return next(
        (
            (number, room)
            for number, rooms in enumerate(LAYERS)
            for room in rooms
            if module == room or module.startswith(f"{room}.")
        ),
        None,
    )


def part_of(module: str) -> str | None:
    """Which part of its app a module is."""
    match module.split("."):
        case ["chat" | "presence" | "telegram_bridge", part, *_]:
            return part
        case ["chatsite", "accounts", part, *_]:
            return part
    return None


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_a_room_imports_only_what_is_below_it(path: Path) -> None:
    """Nor does it import who is beside it: siblings meet in predicates that settings name."""
    mine = room_of(module_of(path))
    assert mine is not None
    for module in imports(path):
        theirs = room_of(module)
        below = theirs is None or theirs == mine or theirs[0] < mine[0]
        assert below, f"{module_of(path)} imports {module}"


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_inside_an_app_edges_stand_on_commands_and_those_on_the_middle(path: Path) -> None:
    module = module_of(path)
    level = LEVELS.get(part_of(module) or "")
    for imported in imports(path):
        theirs = LEVELS.get(part_of(imported) or "")
        same_app = room_of(imported) == room_of(module)
        assert level is None or theirs is None or not same_app or theirs <= level, f"{module} imports {imported}"


@pytest.mark.parametrize("name", PURE)
def test_pure_files_do_no_input_or_output(name: str) -> None:
    for module in imports(ROOT / name):
        assert module.split(".")[0] not in IMPURE_MODULES, f"{name} imports {module}"
        if room_of(module) is not None:
            whole = ROOT.joinpath(*module.split(".")).with_suffix(".py")
            assert not whole.exists() or str(whole.relative_to(ROOT)) in PURE, f"{name} imports {module}"


def _twin_of(module: str) -> str:
    """What the parts of one adapter share: their package, or their folder and the first word of their names."""
    adapter = ADAPTERS.match(module)
    folder, _, name = (adapter.group() if adapter else module).rpartition(".")
    return f"{folder}.{name.partition('_')[0]}"


def _is_module(path: Path) -> bool:
    """Whether a file or a package stands there, and not just a name that a package's file exports."""
    return path.with_suffix(".py").exists() or path.is_dir()


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_adapters_are_named_only_in_settings(path: Path) -> None:
    module = module_of(path)
    for imported in imports(path):
        adapter = ADAPTERS.match(imported)
        if adapter and adapter.group() in CONNECTIONS:
            continue  # Held below.
        if adapter and _twin_of(adapter.group()) == _twin_of(module):
            continue  # A part of the same adapter: sql, sql_reader ...
        if adapter and _is_module(ROOT.joinpath(*adapter.group().split("."))):
            pytest.fail(f"{module} imports the adapter {imported}")


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_drivers_stay_in_adapters(path: Path) -> None:
    if not ADAPTERS.match(module_of(path)) and module_of(path) not in CONNECTIONS:
        assert not DRIVERS & {module.split(".")[0] for module in imports(path)}
        assert not CONNECTIONS & set(imports(path))


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_habits(path: Path) -> None:
    text = path.read_text()
    assert path.name not in FORBIDDEN_NAMES
    for habit in (r"asyncio\.Queue\(\)", r"\btime\.sleep\(", r"\bTODO\b", r"# type: ignore(?!\[)"):
        assert not re.search(habit, text), f"{module_of(path)}: {habit}"


@pytest.mark.parametrize(
    "path", [path for path in (ROOT / "tests").rglob("test_*.py") if path.name != "test_architecture.py"], ids=module_of
)
def test_tests_do_not_sleep(path: Path) -> None:
    assert not re.search(r"\b(asyncio|time)\.sleep\(", path.read_text())


# What only frames call, and why.
FRAMES_ALONE = {
    "chat.commands.messages.accept": "REST waits for the same with `send`",
    "chat.commands.bot_commands.invoke": "REST takes its two steps, one of them within an Idempotency-Key",
    "chat.commands.messages.require_can_type": "that somebody writes is worth nothing to who asks from time to time",
}
COMMANDS = [
    path for path in sources() if {"commands", "commands.py"} & set(path.parts) and "management" not in path.parts
]


def functions_named(path: Path) -> Iterator[str]:
    """The dotted names of functions of other files that a file calls or hands on."""
    tree = ast.parse(path.read_text())
    names = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            yield names[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield f"{names[node.value.id]}.{node.attr}"


def verbs(path: Path) -> Iterator[str]:
    """The public functions of a file of commands, but for handlers of chores, which their rows call."""
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not any("handles(" in ast.unparse(one) for one in node.decorator_list):
            yield f"{module_of(path)}.{node.name}"


def test_each_command_is_somebodys_and_frames_and_rest_share_them() -> None:
    """Each route and frame has a row of the matrix, which its own test holds: so has each command."""
    named = {path: set(functions_named(path)) for path in sources()}
    everywhere = set[str]().union(*named.values())
    in_rest = set[str]().union(*(names for path, names in named.items() if {"api", "api.py"} & set(path.parts)))
    in_rest |= set[str]().union(*(names for path, names in named.items() if path.stem.endswith("_api")))
    in_frames = set[str]().union(*(names for path, names in named.items() if path.name == "frames.py"))
    verbs_of = {path: set(verbs(path)) for path in COMMANDS}
    all_verbs = set[str]().union(*verbs_of.values())
    within = set[str]()
    for path, mine in verbs_of.items():
        called = called_in(path)
        within |= {verb for verb in mine if verb.rpartition(".")[2] in called}
    assert len(COMMANDS) > 30
    assert all_verbs - everywhere - within == set(), "commands that nobody calls"
    assert all_verbs & in_frames - in_rest == set(FRAMES_ALONE)


def called_in(path: Path) -> set[str]:
    """The names that a file itself uses, beside defining them."""
    return {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
