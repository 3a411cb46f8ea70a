"""Lanes: sixteen numbers, or four, that a compiled loop loads, computes and stores as one, with a bit of a mask for each.

Left to itself the compiler makes vectors half as wide as the machine's widest and reads masks again for every number. Each
lane's arithmetic is that of a number alone, in the order in which it is written, so the bits are the same on every machine.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic, models, overload, register_model

# Measured on AVX-512 beside the loops over 256 rows before: 8 lanes take .74 of their time, 16 take .57, 32 take .58.
LANES = 16
BITS = ir.VectorType(ir.IntType(1), LANES)
BYTES = ir.VectorType(ir.IntType(8), LANES)
ORDINALS = ir.VectorType(ir.IntType(32), LANES)
# An unsigned number with a bit for each lane.
MASK = types.uint16


# What it makes of a function is called with the arguments of compiled code, which type checkers cannot know.
_operation: Any = intrinsic


class LaneNumbers(types.Type):
    """The type of some numbers of 64 bits in compiled code."""

    def __init__(self, count: int) -> None:
        super().__init__(name=f"LaneNumbers({count})")
        self.vector = ir.VectorType(ir.DoubleType(), count)


LANE_NUMBERS = LaneNumbers(LANES)
FOUR_NUMBERS = LaneNumbers(4)


@register_model(LaneNumbers)
class LaneNumbersModel(models.PrimitiveModel):
    """They stand in one vector register, or in as many as the machine needs for them."""

    def __init__(self, manager: Any, of_type: Any) -> None:
        super().__init__(manager, of_type, of_type.vector)  # type: ignore[no-untyped-call]


def _address(context: Any, builder: Any, array_type: Any, array: Any, place: Any) -> Any:
    """Return the address of a place of a flat array, read without a look at its bounds."""
    first = context.make_array(array_type)(context, builder, array).data
    return builder.gep(first, [place])


def _broadcast(builder: Any, number: Any) -> Any:
    """Return one number in all lanes."""
    nothing = ir.Constant(LANE_NUMBERS.vector, ir.Undefined)
    in_first = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(in_first, in_first, ir.Constant(ORDINALS, [0] * LANES))


def _reading(numbers: LaneNumbers) -> Any:
    """Return the operation that reads numbers of a type from a flat array, from a place on."""

    @_operation
    def numbers_at(typing, array, place):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            address = _address(context, builder, signature.args[0], *arguments)
            vector = builder.bitcast(address, numbers.vector.as_pointer())
            return builder.load(vector, align=8)

        return numbers(array, types.int64), generate

    return numbers_at


lanes_at = _reading(LANE_NUMBERS)
four_at = _reading(FOUR_NUMBERS)


@_operation
def put_lanes(typing, array, place, numbers):  # type: ignore[no-untyped-def]
    """Write numbers into a flat array from a place on."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        array, place, written = arguments
        address = _address(context, builder, signature.args[0], array, place)
        vector = builder.bitcast(address, numbers.vector.as_pointer())
        builder.store(written, vector, align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, numbers), generate


@_operation
def everywhere(typing, number):  # type: ignore[no-untyped-def]
    """Return one number in all lanes."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return _broadcast(builder, arguments[0])

    return LANE_NUMBERS(types.float64), generate


@_operation
def everywhere_at(typing, array, place):  # type: ignore[no-untyped-def]
    """Return the number at a place of a flat array in all lanes."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        address = _address(context, builder, signature.args[0], *arguments)
        return _broadcast(builder, builder.load(address))

    return LANE_NUMBERS(array, types.int64), generate


@_operation
def mask_at(typing, array, place):  # type: ignore[no-untyped-def]
    """Return a mask of the lanes whose byte in a flat array, from a place on, is not zero."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        address = _address(context, builder, signature.args[0], *arguments)
        vector = builder.bitcast(address, BYTES.as_pointer())
        of_lanes = builder.load(vector, align=1)
        is_set = builder.icmp_unsigned("!=", of_lanes, ir.Constant(BYTES, [0] * LANES))
        return builder.bitcast(is_set, ir.IntType(LANES))

    return MASK(array, types.int64), generate


@_operation
def by_mask(typing, mask, chosen, other):  # type: ignore[no-untyped-def]
    """Return the first number in lanes whose bit is set, the other elsewhere."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        mask, chosen, other = arguments
        return builder.select(builder.bitcast(mask, BITS), chosen, other)

    return LANE_NUMBERS(MASK, LANE_NUMBERS, LANE_NUMBERS), generate


@_operation
def _sum(typing, first, second):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.fadd(*arguments)

    return first(first, second), generate


@_operation
def _product(typing, first, second):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.fmul(*arguments)

    return first(first, second), generate


@overload(operator.add)
def _added(first, second):  # type: ignore[no-untyped-def]
    if isinstance(first, LaneNumbers):
        return lambda first, second: _sum(first, second)
    return None


@overload(operator.mul)
def _multiplied(first, second):  # type: ignore[no-untyped-def]
    if isinstance(first, LaneNumbers):
        return lambda first, second: _product(first, second)
    return None
