"""Eight bytes at once (load, store), the place of the first bit that is set, and a load ahead of its use.

numba has none of them for plain arrays, so they are written for its compiler; every processor that numba supports is
little-endian, so the first byte is the lowest one.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

# the lowest bit, and the highest, of each of eight bytes; and all bits
ONES = np.uint64(0x0101010101010101)
TOPS = np.uint64(0x8080808080808080)
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)

# how many chunks ahead to ask for what is known about one
AHEAD = 16

Generated = tuple[Any, Callable[[Any, Any, Any, Any], Any]]


def _eight_bytes(typing_context: Any, data: Any, at: Any) -> Generated:
    """`data[at:at + 8]` as a uint64; the caller sees to it that `at + 8 <= len(data)`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(data, types.int64), generate


def _put_eight_bytes(typing_context: Any, data: Any, at: Any, value: Any) -> Generated:
    """`data[at:at + 8] = value`, a uint64; the caller sees to it that `at + 8 <= len(data)`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        builder.store(arguments[2], builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(data, types.int64, types.uint64), generate


def _trailing_zeros(typing_context: Any, value: Any) -> Generated:
    """How many bits below the lowest one that is set; the caller sees to it that one is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


def _fetch_ahead(typing_context: Any, table: Any, at: Any) -> Generated:
    """Start to load `table[at]` into the cache, and go on without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        instruction = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        # to read, into every level, data
        builder.call(instruction, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(table, types.int64), generate


# as functions of numba, with the types that they have there
eight_bytes: Callable[[Any, Any], np.uint64] = cast(Any, intrinsic(_eight_bytes))
put_eight_bytes: Callable[[Any, Any, np.uint64], None] = cast(Any, intrinsic(_put_eight_bytes))
trailing_zeros: Callable[[Any], int] = cast(Any, intrinsic(_trailing_zeros))
fetch_ahead: Callable[[Any, Any], None] = cast(Any, intrinsic(_fetch_ahead))
