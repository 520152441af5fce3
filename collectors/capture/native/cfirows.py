"""The instructions of `.eh_frame`: a little program that says, byte by byte of a function, where its caller is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from collectors.capture.native.dwarf import Reader, Refused

RBP, RSP, RETURN = 6, 7, 16  # DWARF's numbers of x86-64 registers
# In the place of an offset: it is still in its register; nobody knows it.
SAME, UNDEFINED = 1 << 62, 1 << 63


class Row(NamedTuple):
    """The frame's address is register `base` plus `offset`; what is saved lies `rbp` and `returns_to` from it.

    `returns_to` UNDEFINED: nobody called this, the stack begins here.
    """

    base: int
    offset: int
    rbp: int
    returns_to: int


@dataclass(frozen=True, slots=True)
class Common:
    """What several functions share (a CIE)."""

    code_factor: int
    data_factor: int
    return_register: int
    pointer_encoding: int
    has_augmentation: bool
    is_signal_frame: bool
    program: bytes


@dataclass(slots=True)
class _State:
    """The row that is being made; where RBP and the return address are saved, or SAME, or UNDEFINED."""

    base: int = RSP
    offset: int = 8
    rbp: int = SAME
    returns_to: int = -8
    refused: bool = False

    def row(self) -> Row | None:
        if self.refused or self.returns_to == SAME:
            return None
        return Row(self.base, self.offset, self.rbp, self.returns_to)


def rows_of(common: Common, program: bytes, start: int) -> tuple[list[int], list[Row | None]]:
    machine = _Machine(common, start)
    machine.run(common.program)
    machine.initial = machine.copy()
    machine.run(program)
    machine.finish_row()
    return machine.starts, machine.rows


class _Machine:
    """Runs the instructions of a common entry, then those of a function."""

    def __init__(self, common: Common, start: int) -> None:
        self._common, self._location = common, start
        self._state, self.initial = _State(), _State()
        self._remembered: list[_State] = []
        self.starts: list[int] = []
        self.rows: list[Row | None] = []

    def copy(self) -> _State:
        state = self._state
        return _State(state.base, state.offset, state.rbp, state.returns_to, state.refused)

    def finish_row(self) -> None:
        self.starts.append(self._location)
        self.rows.append(self._state.row())

    def run(self, program: bytes) -> None:
        reader = Reader(program)
        while reader.at < len(program):
            code = reader.number(1)
            primary, low = code & 0xC0, code & 0x3F
            if primary == 0x40:
                self._advance(low)
            elif primary == 0x80:
                self._saved(low, reader.unsigned() * self._common.data_factor)
            elif primary == 0xC0:
                self._restored(low)
            else:
                self._extended(low, reader)

    def _advance(self, steps: int) -> None:
        self.finish_row()
        self._location += steps * self._common.code_factor

    def _saved(self, register: int, offset: int) -> None:
        if register == RBP:
            self._state.rbp = offset
        elif register == RETURN:
            self._state.returns_to = offset

    def _restored(self, register: int) -> None:
        self._saved(register, self.initial.rbp if register == RBP else self.initial.returns_to)

    def _extended(self, code: int, reader: Reader) -> None:
        state, factor = self._state, self._common.data_factor
        match code:
            case 0x00:  # nop
                pass
            case 0x01:  # set_loc
                raise Refused("a location that is set")
            case 0x02 | 0x03 | 0x04:  # advance_loc1, 2, 4
                self._advance(reader.number(1 << code - 2))
            case 0x05:  # offset_extended
                self._saved(reader.unsigned(), reader.unsigned() * factor)
            case 0x06:  # restore_extended
                self._restored(reader.unsigned())
            case 0x07:  # undefined
                self._saved(reader.unsigned(), UNDEFINED)
            case 0x08:  # same_value
                self._saved(reader.unsigned(), SAME)
            case 0x09:  # register
                self._moved(reader.unsigned(), reader.unsigned())
            case 0x0A:  # remember_state
                self._remembered.append(self.copy())
            case 0x0B:  # restore_state
                self._state = self._remembered.pop()
            case 0x0C:  # def_cfa
                state.base, state.offset, state.refused = reader.unsigned(), reader.unsigned(), False
            case 0x0D:  # def_cfa_register
                state.base = reader.unsigned()
            case 0x0E:  # def_cfa_offset
                state.offset = reader.unsigned()
            case 0x0F:  # def_cfa_expression
                reader.skip_block()
                state.refused = True
            case 0x10 | 0x16:  # expression, val_expression
                register = reader.unsigned()
                reader.skip_block()
                state.refused = state.refused or register in {RBP, RETURN}
            case 0x11:  # offset_extended_sf
                self._saved(reader.unsigned(), reader.signed() * factor)
            case 0x12:  # def_cfa_sf
                state.base, state.offset, state.refused = reader.unsigned(), reader.signed() * factor, False
            case 0x13:  # def_cfa_offset_sf
                state.offset = reader.signed() * factor
            case 0x2E:  # GNU_args_size
                reader.unsigned()
            case _:
                raise Refused(f"instruction {code:#x}")

    def _moved(self, register: int, _into: int) -> None:
        """Kept in another register: only a few assembler functions do that."""
        self._state.refused = self._state.refused or register in {RBP, RETURN}
