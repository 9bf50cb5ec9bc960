"""Words for describing REST: shapes of bodies, and operations with the errors they share."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from drf_spectacular.utils import OpenApiParameter, extend_schema

from chatsite.kernel.errors import CODES

Schema: TypeAlias = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Any])

PROBLEM = "application/problem+json"
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
UUID: Schema = {"type": "string", "format": "uuid"}
MESSAGE_ID: Schema = {"type": "string", "pattern": "^-?[0-9]{1,19}$"}
OBJECT: Schema = {"type": "object"}
MOMENT: Schema = {"type": "string", "format": "date-time"}


def nullable(schema: Schema) -> Schema:
    """A value or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": schema}


def shape(properties: Schema, *, optional: Sequence[str] = (), example: Schema | None = None) -> Schema:
    """An object; all of it is there but for what is optional."""
    made = {"type": "object", "properties": properties}
    made["required"] = [name for name in properties if name not in optional]
    return made | ({"examples": [example]} if example else {})


PROBLEM_SHAPE = shape(
    {
        "type": TEXT,
        "title": TEXT,
        "status": NUMBER,
        "code": {
            "type": "string",
            "enum": list(CODES),
            "description": "what it is; x-codes, or /api/docs/#codes, says what to do",
            "x-codes": {
                name: {"status": one.status, "retryable": one.retryable, "means": one.sentence, "then": one.then}
                for name, one in CODES.items()
            },
        },
        "detail": TEXT | {"description": "the same in words, for this request"},
        "errors": many(shape({"field": TEXT, "detail": TEXT})) | {"description": "which field is wrong, if one is"},
        "request_id": TEXT | {"description": "finds the request in the server's log; also the header X-Request-ID"},
    },
    example={
        "type": "about:blank",
        "title": CODES["invalid_field"].sentence,
        "status": 400,
        "code": "invalid_field",
        "detail": "name: 1 to 255 printable characters.",
        "errors": [{"field": "name", "detail": "name: 1 to 255 printable characters."}],
        "request_id": "0f3c1b7e",
    },
)


# What fields are, wherever they are: in frames by the same names in camelCase. What a field says itself comes first.
_meanings: dict[str, str] = {
    "version": "grows with each change of the thing, in microseconds of Unix time; of two the higher one is newer",
    "epoch": "of the streams; under another one no pos of before means anything",
    "pos": "the place in the stream of the chat; the last that one has taken, with the epoch, is one's cursor",
    "prev": "the pos of the event before this one; above one's cursor there is a hole",
    "next": "what to ask the next page with; null at the end",
}
_parts: dict[str, Schema] = {"Problem": PROBLEM_SHAPE}
_bodies: dict[str, Schema] = {}  # of operations by their ids


def part(name: str, schema: Schema) -> Schema:
    """A reference to a schema that many operations share, which is a part of the document by this name."""
    _parts[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}


def add_parts(result: Schema, **_: Any) -> Schema:
    """The document with the parts that its schemas refer to."""
    result["components"].setdefault("schemas", {}).update(_parts)
    return result


def add_bodies(result: Schema, **_: Any) -> Schema:
    """The document with the bodies that a DELETE may have, which drf-spectacular leaves out."""
    for path in result["paths"].values():
        for method, described in path.items():
            body = _bodies.get(described["operationId"]) if method == "delete" else None
            if body is not None:
                described["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return result


def means(**meanings: str) -> None:
    """Say what fields are, by their names in snake_case."""
    _meanings.update(meanings)


def add_meanings(result: Schema, **_: Any) -> Schema:
    """The document with what its fields are, where they do not say so themselves."""
    explain(result)
    return result


def explain(part: Any) -> None:
    """Let the fields of all schemas in something say what they are."""
    if isinstance(part, dict):
        for name, field in part.get("properties", {}).items() if isinstance(part.get("properties"), dict) else ():
            meaning = _meanings.get(_snake(name))
            if meaning and isinstance(field, dict) and "description" not in field:
                part["properties"][name] = field | {"description": meaning}
        for value in part.values():
            explain(value)
    elif isinstance(part, list | tuple):
        for value in part:
            explain(value)


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def query(name: str, schema: Schema, description: str) -> OpenApiParameter:
    """A parameter of the query string, never required."""
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, required=False, description=description)


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    TEXT,
    OpenApiParameter.HEADER,
    required=False,
    description="The same request under the same key is answered with its first result for 24 hours."
    " It has 255 characters at most. Of a message it is the `nonce`, where the body has none.",
)


def operation(
    name: str,
    answers: dict[int, Schema | None],
    *,
    body: Schema | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    errors: Sequence[str] = (),
    is_public: bool = False,
) -> Callable[[F], F]:
    """Describe one method of a view: its id, bodies by status, and the codes it refuses with.

    Every operation may say rate_limited, and where it is not public unauthenticated, or forbidden to API tokens.
    """
    codes = {"rate_limited", *errors} | (set() if is_public else {"unauthenticated", "token_expired", "forbidden"})
    codes |= {"bad_frame", "invalid_field", "too_large", "unsupported_media"} if body else set()
    codes |= {"invalid_field"} if parameters else set()
    if body:
        _bodies[name] = body
    responses: dict[Any, Any] = {}
    for status, schema in answers.items():
        responses[status if schema is None else (status, "application/json")] = schema
    for status in sorted({CODES[code].status for code in codes}):
        said = ", ".join(code for code in CODES if code in codes and CODES[code].status == status)
        responses[status, PROBLEM] = {"$ref": "#/components/schemas/Problem", "description": said}
    return extend_schema(
        operation_id=name,
        request={"application/json": body} if body else None,
        responses=responses,
        parameters=list(parameters),
    )
