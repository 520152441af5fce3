"""Adds to a flame graph which layer of a service each of its frames is of."""

from __future__ import annotations

from typing import Any

from diagnose.correlate.layers.frames import layer_of_frame, layers

# A frame that only helps whoever calls it, as most of a standard library does, and the root.
CALLERS = -1


def with_layers(graph: dict[str, Any]) -> dict[str, Any]:
    """The answer with `layers`, and for each frame the place of its own among them."""
    frames, strings = graph["frames"], graph["strings"]
    places = {layer.id: place for place, layer in enumerate(layers())}
    columns = zip(frames["name"], frames["file"], frames["module"], strict=True)
    found = [layer_of_frame(*(strings[number] for number in frame)) for frame in columns]
    numbers = [CALLERS if layer is None else places[layer] for layer in found]
    numbers[:1] = [CALLERS]  # the root's
    names = [{"id": layer.id, "title": layer.title} for layer in layers()]
    return {**graph, "layers": names, "frames": {**frames, "layer": numbers}}
