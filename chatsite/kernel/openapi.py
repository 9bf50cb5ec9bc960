"""Words for describing REST: shapes of bodies, and operations with the errors they share."""

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
MESSAGE_ID: Schema = {"type": "string", "pattern": "^-?[0-9]{1,19}$", "description": "a signed decimal of 64 bits"}
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
        "code": {"type": "string", "enum": list(CODES)},
        "detail": TEXT,
        "errors": many(shape({"field": TEXT, "detail": TEXT})),
        "request_id": TEXT,
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


def add_problem(result: Schema, **_: Any) -> Schema:
    """The document with the shape that every refusal refers to."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM_SHAPE
    return result


def query(name: str, schema: Schema, description: str) -> OpenApiParameter:
    """A parameter of the query string, never required."""
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, required=False, description=description)


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    TEXT,
    OpenApiParameter.HEADER,
    required=False,
    description="The same request under the same key is answered with its first result for 24 hours.",
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
    codes |= {"bad_frame", "invalid_field", "too_large"} if body else set()
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
