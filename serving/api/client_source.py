"""The source of the typed Python client, made from the document alone: one file that needs nothing but Python."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

Json = dict[str, Any]
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
INDENT = "    "
LONGEST_LINE = 100
"""Characters of a line of a docstring, as everywhere in the house."""


def client_source(document: Json) -> str:
    """Return the client of a document: its forms as TypedDict, a method for each operation that is not deprecated."""
    head = (files("serving") / "pages" / "client_head.txt").read_text("utf-8")
    version = document["info"]["version"]
    forms = [
        line
        for name, schema in document["components"]["schemas"].items()
        for line in _form(name, schema)
    ]
    methods = [
        line
        for path, method, operation in _operations(document)
        for line in _method(document, path, method, operation)
    ]
    return head.format(version=version, forms="\n".join(forms), methods="\n".join(methods))


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, by_method in document["paths"].items():
        for method, operation in by_method.items():
            if "deprecated" not in operation:
                yield path, method.upper(), operation


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


def _method(document: Json, path: str, method: str, operation: Json) -> list[str]:
    """Return the lines of the method of one operation; every argument is named, what may be left out comes last."""
    arguments = _arguments(document, operation)
    success = next(iter(operation["responses"]["200"]["content"].items()))
    answer = type_of(success[1]["schema"])
    signature = [f"{INDENT}def {operation['operationId']}("]
    signature.append(f"{INDENT * 2}self,")
    if arguments:
        signature.append(f"{INDENT * 2}*,")
    for name, kind, default in arguments:
        signature.append(f"{INDENT * 2}{name}: {kind}{default},")
    lines = ["", *signature, f"{INDENT}) -> {answer}:"]
    lines += _docstring(operation["summary"], INDENT * 2)
    call = _call(path, method, operation, [name for name, _, _ in arguments])
    return [
        *lines,
        *call[:-1],
        f"{INDENT * 2}answer: {answer} = {call[-1]}",
        f"{INDENT * 2}return answer",
    ]


def _call(path: str, method: str, operation: Json, names: list[str]) -> list[str]:
    """Return the lines that encode the parts of a path, and last the expression that sends the operation."""
    place_of = {one["name"]: one["in"] for one in operation.get("parameters", ())}
    parts = [name for name in names if place_of.get(name) == "path"]
    fields = [name for name in names if name not in (*parts, "idempotency_key")]
    is_text = "application/json" not in operation["responses"]["200"]["content"]
    arguments = [_quoted(method), f'f"{path}"' if parts else _quoted(path)]
    if fields or method == "POST":
        arguments.append(_given("fields" if method == "POST" else "query", fields))
    if "idempotency_key" in names:
        arguments.append("key=idempotency_key")
    called = "self._text" if is_text else "self._json"
    lines = [f'{INDENT * 2}{name} = quote({name}, safe="")' for name in parts]
    return [*lines, f"{called}({', '.join(arguments)})"]


def _given(name: str, fields: list[str]) -> str:
    """Return the dictionary of some arguments, a line each."""
    lines = [f'{INDENT * 3}"{field}": {field},' for field in fields]
    return "\n".join([f"{name}={{", *lines, f"{INDENT * 2}}}"]) if lines else f"{name}={{}}"


def _arguments(document: Json, operation: Json) -> list[tuple[str, str, str]]:
    """Return name, type and default of each argument of a method."""
    needed: list[tuple[str, str, str]] = []
    others: list[tuple[str, str, str]] = []
    for name, schema, is_required in _fields(document, operation):
        if is_required:
            needed.append((name, type_of(schema), ""))
        else:
            kinds = dict.fromkeys([*type_of(schema).split(" | "), "None"])
            others.append((name, " | ".join(kinds), " = None"))
    return needed + others


def _fields(document: Json, operation: Json) -> Iterator[tuple[str, Json, bool]]:
    """Yield name and schema of all that an operation takes, and whether it must be given."""
    if "requestBody" in operation:
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        form = document["components"]["schemas"][reference.rpartition("/")[2]]
        for name, schema in form.get("properties", {}).items():
            yield name, schema, name in form.get("required", ())
    for parameter in operation.get("parameters", ()):
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
