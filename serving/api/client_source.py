"""The source of the typed Python client, made from the document alone: one file that needs nothing but Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain
from typing import Any

Json = dict[str, Any]
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
INDENT = "    "
LONGEST_LINE = 100
"""Characters of a line of a docstring, as everywhere in the house."""
METHOD = """
    def {name}({arguments}
    ) -> {answer}:
{docstring}
{parts}        answer: {answer} = {call}
        return answer"""
"""A method of the client; `arguments` and `parts` are whole lines."""
PART = '        {name} = quote({name}, safe="")\n'
"""A part of a path, encoded so that no sign of it is read as another part."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a method: what it is called, its type, and its default as Python writes it."""

    name: str
    kind: str
    default: str = ""

    @property
    def line(self) -> str:
        """Its line in a signature."""
        return f"{INDENT * 2}{self.name}: {self.kind}{self.default},"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document: where it is asked for, and what the document says of it."""

    path: str
    method: str
    stated: Json

    @property
    def answer(self) -> tuple[str, Json]:
        """The media type and the schema of the answer."""
        media_type, content = next(iter(self.stated["responses"]["200"]["content"].items()))
        return media_type, content["schema"]


def client_source(document: Json) -> str:
    """Return the client of a document: its forms as TypedDict, a method for each operation that is not deprecated."""
    head = (files("serving") / "pages" / "client_head.txt").read_text("utf-8")
    version = document["info"]["version"]
    schemas = document["components"]["schemas"]
    forms = chain.from_iterable(_form(name, schema) for name, schema in schemas.items())
    methods = [_method(document, operation) for operation in _operations(document)]
    return head.format(version=version, forms="\n".join(forms), methods="\n".join(methods))


def _operations(document: Json) -> Iterator[Operation]:
    """Yield each operation that is not deprecated."""
    for path, by_method in document["paths"].items():
        for method, stated in by_method.items():
            if "deprecated" not in stated:
                yield Operation(path, method.upper(), stated)


def _form(name: str, schema: Json) -> list[str]:
    """Return the lines of the TypedDict of one form."""
    lines = ["", "", f"class {name}(TypedDict):"]
    lines += [*_docstring(schema.get("description", name), INDENT), ""]
    required = schema.get("required", ())
    for field, of_field in schema.get("properties", {}).items():
        kind = type_of(of_field)
        lines.append(f"{INDENT}{field}: {kind if field in required else f'NotRequired[{kind}]'}")
    return lines


def type_of(schema: Json) -> str:
    """Return the Python type of what a schema takes.

    >>> type_of({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]})
    'list[str] | None'
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return f"Literal[{', '.join(_quoted(value) for value in schema['enum'])}]"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(one) for one in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema['items'])}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {type_of(values) if isinstance(values, dict) else 'Any'}]"
    return PLAIN.get(str(kind), "Any")


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _method(document: Json, operation: Operation) -> str:
    """Return the method of one operation; every argument is named, what may be left out comes last."""
    arguments = _arguments(document, operation.stated)
    names = [argument.name for argument in arguments]
    parts = _parts_of_path(operation, names)
    _, schema = operation.answer
    return METHOD.format(
        name=operation.stated["operationId"],
        arguments=_signature(arguments),
        answer=type_of(schema),
        docstring="\n".join(_docstring(operation.stated["summary"], INDENT * 2)),
        parts="".join(PART.format(name=name) for name in parts),
        call=_call(operation, names, parts),
    )


def _signature(arguments: list[Argument]) -> str:
    """Return the lines of the arguments of a method."""
    lines = ["", f"{INDENT * 2}self,"]
    if arguments:
        lines.append(f"{INDENT * 2}*,")
    lines += [argument.line for argument in arguments]
    return "\n".join(lines)


def _parts_of_path(operation: Operation, names: list[str]) -> list[str]:
    """Return which arguments are parts of the path."""
    place_of = {one["name"]: one["in"] for one in operation.stated.get("parameters", ())}
    return [name for name in names if place_of.get(name) == "path"]


def _call(operation: Operation, names: list[str], parts: list[str]) -> str:
    """Return the expression that sends the operation."""
    path = _quoted(operation.path)
    arguments = [_quoted(operation.method), f"f{path}" if parts else path]
    fields = [name for name in names if name not in (*parts, "idempotency_key")]
    is_post = operation.method == "POST"
    if fields or is_post:
        arguments.append(_dictionary("fields" if is_post else "query", fields))
    if "idempotency_key" in names:
        arguments.append("key=idempotency_key")
    media_type, _ = operation.answer
    called = "self._json" if media_type == "application/json" else "self._text"
    return f"{called}({', '.join(arguments)})"


def _dictionary(name: str, fields: list[str]) -> str:
    """Return the dictionary of some arguments, a line each."""
    if not fields:
        return f"{name}={{}}"
    lines = [f'{INDENT * 3}"{field}": {field},' for field in fields]
    return "\n".join([f"{name}={{", *lines, f"{INDENT * 2}}}"])


def _arguments(document: Json, stated: Json) -> list[Argument]:
    """Return each argument of a method, those that must be given first."""
    needed: list[Argument] = []
    others: list[Argument] = []
    for name, schema, is_required in _fields(document, stated):
        kind = type_of(schema)
        if is_required:
            needed.append(Argument(name, kind))
        else:
            others.append(Argument(name, _or_none(kind), " = None"))
    return needed + others


def _or_none(kind: str) -> str:
    """Return a type that may be None as well.

    >>> _or_none("str"), _or_none("None | str")
    ('str | None', 'None | str')
    """
    kinds = dict.fromkeys([*kind.split(" | "), "None"])
    return " | ".join(kinds)


def _fields(document: Json, stated: Json) -> Iterator[tuple[str, Json, bool]]:
    """Yield name and schema of all that an operation takes, and whether it must be given."""
    if "requestBody" in stated:
        reference = stated["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        form = document["components"]["schemas"][reference.rpartition("/")[2]]
        for name, schema in form.get("properties", {}).items():
            yield name, schema, name in form.get("required", ())
    for parameter in stated.get("parameters", ()):
        name = parameter["name"].lower().replace("-", "_")
        yield name, parameter["schema"], parameter["required"]


def _docstring(text: str, indent: str) -> list[str]:
    """Return a docstring, its words broken into lines of LONGEST_LINE characters."""
    lines = [indent + '"""']
    for word in text.split():
        if len(lines[-1]) + len(word) + 4 > LONGEST_LINE:
            lines.append(indent)
        lines[-1] += word if lines[-1].endswith(('"""', indent)) else f" {word}"
    if len(lines) == 1:
        return [f'{lines[0]}"""']
    return [*lines, f'{indent}"""']
