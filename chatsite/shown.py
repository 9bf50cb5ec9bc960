"""What the pages of the documents show: fields in rows, examples as JSON, requests as lines for a shell."""

import json
import re
import shlex
from typing import Any, NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chatsite.kernel.openapi import Schema

THUMB = "%F0%9F%91%8D"  # as an address spells an emoji
_LIMITS = {
    "format": "{}",
    "pattern": "{}",
    "minimum": "from {}",
    "maximum": "to {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "maxProperties": "at most {}",
    "default": "else {}",
}


class Row(NamedTuple):
    """A field of an object: those of an object in it follow, with the way to them."""

    name: str
    type: SafeString
    is_needed: bool
    description: SafeString


def json_of(value: Any) -> str:
    """A value as JSON that people read and copy."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def frame_of(value: Any) -> str:
    """The same in one line, as a frame goes over the wire."""
    return json.dumps(value, ensure_ascii=False)


def prose(text: str) -> SafeString:
    """A text in which what stands between backticks is code."""
    parts = enumerate(text.split("`"))
    return format_html_join("", "{}", ((format_html("<code>{}</code>", one) if at % 2 else one,) for at, one in parts))


def rows(schema: Schema, way: str = "") -> list[Row]:
    """The fields of a schema, in its order; none of what is no object."""
    needed = schema.get("required", ())
    found: list[Row] = []
    for name, field in schema.get("properties", {}).items():
        found.append(Row(f"{way}{name}", type_of(field), name in needed, _said(field)))
        inner, step = _inside(field)
        found += rows(inner, f"{way}{name}{step}.")
    return found


def type_of(schema: Schema) -> SafeString:
    """What a schema lets be there, in a few words; what it refers to is a link."""
    if "$ref" in schema:
        name = name_of(schema)
        return format_html('<a href="#{}">{}</a>', name, name)
    if "anyOf" in schema:
        return format_html_join(" or ", "{}", ((type_of(one),) for one in schema["anyOf"]))
    if "const" in schema:
        return format_html("<code>{}</code>", frame_of(schema["const"]))
    if "enum" in schema:
        return format_html_join(" | ", "<code>{}</code>", ((one,) for one in schema["enum"]))
    kind, limits = schema.get("type", "anything"), []
    for name, words in _LIMITS.items():
        if schema.get(name) is not None:
            limits.append(words.format(frame_of(schema[name]) if name == "default" else schema[name]))
    said = format_html(" ({})", ", ".join(limits)) if limits else SafeString("")
    match schema:
        case {"items": dict(items)}:
            return format_html("list of {}{}", type_of(items), said)
        case {"additionalProperties": dict(values)}:
            return format_html("object of {}{}", type_of(values), said)
    return format_html("{}{}", kind, said)


def name_of(reference: Schema) -> str:
    """The name of the part that is referred to."""
    return str(reference["$ref"]).rpartition("/")[2]


def curl(method: str, path: str, *, has_token: bool, body: Any = None, query: str = "") -> str:
    """A request as a line for a shell that knows HOST, TOKEN and the ids of its address."""
    address = re.sub(r"\{(\w+)\}", lambda name: f"${name[1].upper()}", path.replace("{emoji}", THUMB))
    words = ["curl"] if method == ("GET" if body is None else "POST") else ["curl", "-X", method]
    words.append(f'"$HOST{address}{query}"')
    if has_token:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if body is not None:
        words += ['-H "Content-Type: application/json"', f"-d {shlex.quote(frame_of(body))}"]
    return " ".join(words)


def _said(field: Schema) -> SafeString:
    """The description of a field, or of the value that may be null."""
    inner = next((one["description"] for one in _or(field) if "description" in one), "")
    return prose(field.get("description", inner))


def _inside(field: Schema) -> tuple[Schema, str]:
    """The object in a field, and the step to it: `[]` into a list, `{}` into an object of objects."""
    for one in _or(field):
        match one:
            case {"properties": _}:
                return one, ""
            case {"items": dict(items)}:
                inner, step = _inside(items)
                return inner, f"[]{step}"
            case {"additionalProperties": dict(values)}:
                inner, step = _inside(values)
                return inner, f"{{}}{step}"
    return {}, ""


def _or(field: Schema) -> list[Schema]:
    return list(field.get("anyOf", [field]))
