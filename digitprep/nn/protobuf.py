"""Protocol buffers as ONNX files are: sequences of numbered fields, of which only what is asked for is read.

Source: the Protocol Buffers documentation, "Encoding" (https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

from collections.abc import Iterator

Field = tuple[int, "int | memoryview"]


def fields_of(data: memoryview) -> Iterator[Field]:
    """The numbered fields of a message. Raises ValueError or IndexError where it is none."""
    position = 0
    while position < len(data):
        tag, position = varint(data, position)
        kind = tag & 7
        if kind == 0:
            value, position = varint(data, position)
            yield tag >> 3, value
            continue
        if kind == 2:
            size, position = varint(data, position)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"no wire type {kind}")
        if position + size > len(data):
            raise ValueError("a field goes on past the end")
        yield tag >> 3, data[position : position + size]
        position += size


def varint(data: memoryview, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def parts(fields: list[Field], number: int) -> list[memoryview]:
    """The messages and texts among the fields of that number."""
    return [value for key, value in fields if key == number and isinstance(value, memoryview)]


def only(fields: list[Field], number: int) -> memoryview:
    """The one message or text of that number. Raises ValueError where there is not one."""
    [part] = parts(fields, number)
    return part


def text(fields: list[Field], number: int) -> str:
    """The one text of that number. Raises ValueError where there is not one."""
    return bytes(only(fields, number)).decode()


def numbers(fields: list[Field], number: int) -> list[int]:
    """The whole numbers among the fields of that number, one a field or packed into one."""
    found: list[int] = []
    for key, value in fields:
        if key == number and isinstance(value, int):
            found.append(value)
        elif key == number and isinstance(value, memoryview):
            position = 0
            while position < len(value):
                one, position = varint(value, position)
                found.append(one)
    return found
