"""OpenAPI of the REST interface: the document, and a page to read it."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1 of every API view, made once a process."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


class SchemaView(APIView):
    """The document."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """OpenAPI 3.1 as JSON."""
        return Response(document())


def docs(request: HttpRequest) -> HttpResponse:
    """The document as a page: plain HTML, so that the policy of scripts stays as strict as it is."""
    operations = [
        {"method": method.upper(), "path": path, **described}
        for path, methods in document()["paths"].items()
        for method, described in methods.items()
    ]
    return render(request, "chatsite/docs.html", {"document": document(), "operations": operations})
