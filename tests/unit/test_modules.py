"""ES modules in one text."""

import re
import subprocess

import pytest

from chatsite.kernel.modules import Unlinkable, link
from tests.preloaded import ROOT

FOLDER = ROOT / "chat" / "web" / "static"
SOURCES = {
    "a/main": """
import { basename } from "node:path";
import * as all from "a/words";
import { greeting as hello, Names } from "a/words";
import { again } from "lib";

console.log(hello(new Names().first), again, all.count, basename("/x/y"));
""",
    "a/words": """
import def from "node:os";

console.log("words first", typeof def.cpus);
export const count = 2;
export function greeting(
  name,
) {
  return `Hello ${name}`;
}
export class Names {
  first = "Ada";
}
export async function unused() {}
""",
    "lib/lib": 'export { count as again } from "./more.js";\n',
    "lib/more": "export const count = 7;\n",
}


def test_what_it_does_is_what_the_modules_do() -> None:
    linked = link("a/main", read=SOURCES.get)
    assert linked.paths == ["a/words", "lib/more", "lib/lib", "a/main"]
    done = subprocess.run(["node", "--input-type=module", "-"], input=linked.text, capture_output=True, text=True)
    assert done.stdout == "words first function\nHello Ada 7 2 y\n", done.stderr


@pytest.mark.parametrize(
    "source",
    [
        "export let count = 1;",
        "export default 1;",
        'export * from "a/words";',
        'import "a/words";',
        "export const { a, b } = c;",
        "const a = 1;\nexport { a };",
        "import { a } from 'a/words';",
    ],
)
def test_what_is_written_otherwise_is_refused(source: str) -> None:
    with pytest.raises(Unlinkable, match=r"^a/main: (export|import)"):
        link("a/main", read={**SOURCES, "a/main": source}.get)


@pytest.mark.parametrize(
    "source", ['import { coutn } from "a/words";', 'import words from "a/words";', 'export { x } from "lib";']
)
def test_what_another_does_not_export_is_refused(source: str) -> None:
    with pytest.raises(Unlinkable, match=r"^a/main: (a/words|lib/lib) exports no (coutn|default|x)$"):
        link("a/main", read={**SOURCES, "a/main": source}.get)


def test_a_circle_is_named() -> None:
    sources = {
        "a": 'import { x } from "b/b";\n',
        "b/b": 'import { y } from "./c.js";\n',
        "b/c": 'import { z } from "b/b";',
    }
    with pytest.raises(Unlinkable, match=r"^b/b imports b/c imports b/b$"):
        link("a/a", read={**sources, "a/a": sources["a"]}.get)


def test_every_module_of_the_page_is_in_its_script() -> None:
    def read(path: str) -> str | None:
        file = FOLDER / f"{path}.js"
        return file.read_text() if file.is_file() else None

    linked = link("chat/app", read=read)
    assert {f"chat/{file.stem}" for file in (FOLDER / "chat").glob("*.js")} == {
        path for path in linked.paths if path.startswith("chat/")
    }
    page = (FOLDER.parent / "templates" / "chat" / "index.html").read_text()
    (imports,) = re.findall(r'<script type="importmap"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert set(linked.outside) <= set(re.findall(r'"([^"]+)":', imports))
