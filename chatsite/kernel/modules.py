"""ES modules in one text: a browser asks once, not once for each, and after one look at what imports what. Pure.

    text = link("chat/app", read=lambda name: sources.get(name))

Each module becomes a function that runs once, before those that import it. What nobody reads stays an import of
the whole text. Modules are written in one way, and what is written otherwise is refused:

    import { a, b as c } from "name";    import a from "name";    import * as a from "name";
    export function a   export class a   export const a           export { a, b as c } from "name";
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_IMPORT = re.compile(
    r"^(?:import (?:(?P<default>\w+)|\{(?P<names>[^}]*)\}|\* as (?P<all>\w+))|export \{(?P<again>[^}]*)\})"
    r' from "(?P<source>[^"]+)";\n?',
    re.MULTILINE,
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (?P<name>\w+))", re.MULTILINE)
_OTHERWISE = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class Unlinkable(ValueError):
    """A module that is not written as the others are, or imports what another has not, or itself by way of others."""


class Linked(NamedTuple):
    """The text of all modules, their paths in the order in which they run, and the names of what it still imports."""

    text: str
    paths: list[str]
    outside: list[str]


def link(entry: str, *, read: Callable[[str], str | None]) -> Linked:
    """A module with all that it imports; `read` answers the source at a path, None for what is not linked.

    "chat/text" is at that path, "./fold.js" beside its importer, and "chat-client" at chat-client/chat-client.
    """
    order: dict[str, str] = {}
    outside: dict[str, str] = {}  # by its path the name that it is imported by

    def visit(name: str, above: list[str]) -> None:
        path = _path(name, above[-1] if above else "")
        if path in above:
            raise Unlinkable(" imports ".join([*above[above.index(path) :], path]))
        if path in order or path in outside:
            return
        if (source := read(path)) is None:
            outside[path] = name
            return
        for found in _IMPORT.finditer(source):
            visit(found["source"], [*above, path])
        order[path] = source

    visit(entry, [])
    variables = {path: f"$outside{number}" for number, path in enumerate(outside)}
    variables |= {path: f"$module{number}" for number, path in enumerate(order)}
    parts = [f'import * as {variables[path]} from "{name}";\n' for path, name in outside.items()]
    exported: dict[str, dict[str, str]] = {}
    parts += [_as_function(path, source, variables, exported) for path, source in order.items()]
    return Linked("".join(parts), list(order), list(outside.values()))


def _path(name: str, importer: str) -> str:
    if name.startswith("./"):
        return f"{importer.rpartition('/')[0]}/{name[2:].removesuffix('.js')}"
    return name if "/" in name else f"{name}/{name}"


def _as_function(path: str, source: str, variables: dict[str, str], exported: dict[str, dict[str, str]]) -> str:
    """A module's function; what it exports, and what each stands for in it, joins that of the modules before it."""
    exports = exported[path] = {found["name"]: found["name"] for found in _EXPORT.finditer(source)}

    def bind(found: re.Match[str]) -> str:
        imported = _path(found["source"], path)
        module = variables[imported]
        wanted = [own for own, _ in _pairs(found["names"] or found["again"] or "")] + ["default"] * bool(
            found["default"]
        )
        if lacking := [name for name in wanted if name not in exported.get(imported, wanted)]:
            raise Unlinkable(f"{path}: {imported} exports no {', '.join(lacking)}")
        if found["all"]:
            return f"const {found['all']} = {module};\n"
        if found["default"]:
            return f"const {{ default: {found['default']} }} = {module};\n"
        if found["again"] is not None:
            exports.update({shown: f"{module}.{own}" for own, shown in _pairs(found["again"])})
            return ""
        return f"const {{ {', '.join(f'{own}: {shown}' for own, shown in _pairs(found['names']))} }} = {module};\n"

    body = _EXPORT.sub("", _IMPORT.sub(bind, source))
    if otherwise := _OTHERWISE.search(body):
        raise Unlinkable(f"{path}: {otherwise[0]}")
    returned = ", ".join(f"{shown}: {stands}" for shown, stands in exports.items())
    return f"// {path}\nconst {variables[path]} = (() => {{\n{body}\nreturn {{ {returned} }};\n}})();\n"


def _pairs(names: str) -> Iterator[tuple[str, str]]:
    """Of each of "a, b as c" what its module calls it, and what it is called here."""
    for one in filter(None, (name.strip() for name in names.split(","))):
        own, _, shown = one.partition(" as ")
        yield own, shown or own
