"""What a network device's driver says of itself, by the ethtool ioctl: every driver and kernel has it."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
from collections.abc import Iterator

# include/uapi/linux/ethtool.h
_SIOCETHTOOL = 0x8946
_GET_DRIVER, _GET_RING, _GET_CHANNELS, _GET_STRINGS, _GET_STATS = 0x03, 0x10, 0x3C, 0x1B, 0x1D
_STATISTICS = 1  # ETH_SS_STATS
_NAME_BYTES = 32  # ETH_GSTRING_LEN
_REQUEST = struct.Struct("@16sP16x")  # ifreq with ifr_data
_DRIVER = struct.Struct("@4x32s32s32s32s32s12xIIIII")
_RING = struct.Struct("@4x8I")
_CHANNELS = struct.Struct("@4x8I")
_MOST_COUNTERS = 4096


class Ethtool:
    """Answers of one device; None or nothing for what its driver does not know."""

    def __init__(self, device: str) -> None:
        self._device = device.encode()
        self._names: list[bytes] | None = None

    def driver(self) -> tuple[str, str] | None:
        """Name and version of firmware."""
        found = self._ask(_GET_DRIVER, _DRIVER.size)
        if found is None:
            return None
        name, _, firmware, *_ = _DRIVER.unpack(found)
        return _text(name), _text(firmware)

    def rings(self) -> dict[str, int]:
        """Descriptors of the rings, and the most they can have."""
        found = self._ask(_GET_RING, _RING.size)
        if found is None:
            return {}
        rx_max, _, _, tx_max, rx, _, _, tx = _RING.unpack(found)
        return {"rx_ring": rx, "rx_ring_max": rx_max, "tx_ring": tx, "tx_ring_max": tx_max}

    def channels(self) -> dict[str, int]:
        """Queues, and the most there can be."""
        found = self._ask(_GET_CHANNELS, _CHANNELS.size)
        if found is None:
            return {}
        rx_max, tx_max, _, combined_max, rx, tx, _, combined = _CHANNELS.unpack(found)
        names = (
            "combined",
            "combined_max",
            "rx_channels",
            "rx_channels_max",
            "tx_channels",
            "tx_channels_max",
        )
        values = (combined, combined_max, rx, rx_max, tx, tx_max)
        return {name: value for name, value in zip(names, values, strict=True) if value}

    def counters(self) -> dict[str, int]:
        """The driver's own counters, by its names for them."""
        if self._names is None:
            self._names = list(self._counter_names())
        size = len(self._names)
        found = self._ask(_GET_STATS, 8 + 8 * size, size) if size else None
        if found is None:
            return {}
        values = struct.unpack_from(f"@{size}Q", found, 8)
        return {_text(name): value for name, value in zip(self._names, values, strict=True)}

    def _counter_names(self) -> Iterator[bytes]:
        driver = self._ask(_GET_DRIVER, _DRIVER.size)
        size = min(_DRIVER.unpack(driver)[6], _MOST_COUNTERS) if driver else 0
        found = self._ask(_GET_STRINGS, 12 + _NAME_BYTES * size, _STATISTICS, size) if size else None
        if found:
            for at in range(12, len(found), _NAME_BYTES):
                yield found[at : at + _NAME_BYTES]

    def _ask(self, command: int, size: int, *arguments: int) -> bytes | None:
        data = ctypes.create_string_buffer(size)
        struct.pack_into(f"@{1 + len(arguments)}I", data, 0, command, *arguments)
        request = _REQUEST.pack(self._device, ctypes.addressof(data))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
            try:
                fcntl.ioctl(control, _SIOCETHTOOL, request)
            except OSError:  # no such device, or a driver without it
                return None
        return data.raw


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "replace")
