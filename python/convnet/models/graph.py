"""The part of the functional graph between given inputs and outputs: its order, and running it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convnet import tree
from convnet.symbolic import KerasTensor, Node, Operation


class LayerGraph:
    """The calls of layers that lead from symbolic inputs to symbolic outputs.

    Args:
        inputs: Structure of symbolic tensors.
        outputs: Structure of symbolic tensors.

    Raises:
        ValueError: if the outputs depend on other inputs, or two operations share a name.

    Attributes:
        nodes: The calls, each after those that it depends on.
        operations: The layers and ops, from inputs to outputs.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.input_structure = inputs
        self.output_structure = outputs
        self.inputs: list[KerasTensor] = tree.flatten(inputs)
        self.outputs: list[KerasTensor] = tree.flatten(outputs)
        for name, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            if not tensors:
                raise ValueError(f"`{name}` argument cannot be empty. Received: {name}={tensors}")
        self.nodes, first_seen = self._sorted_nodes()
        self._node_ids = {id(node) for node in self.nodes}
        self._check_connected()
        self.operations = self._sorted_operations(first_seen)
        names = [operation.name for operation in self.operations]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f'The name "{name}" is used {names.count(name)} times in the model. All '
                    "operation names should be unique."
                )

    def __contains__(self, node: Node) -> bool:
        return id(node) in self._node_ids

    def _sorted_nodes(self) -> tuple[list[Node], dict[int, int]]:
        """Depth-first search from the outputs; without recursion, for deep models."""
        given = {id(tensor) for tensor in self.inputs}
        done: set[int] = set()
        order: list[Node] = []
        first_seen: dict[int, int] = {}
        for output in self.outputs:
            stack = [(output, False)]
            while stack:
                tensor, children_done = stack.pop()
                node = _node_of(tensor)
                if node is None or id(node) in done:
                    continue
                if children_done:
                    done.add(id(node))
                    order.append(node)
                    continue
                if id(tensor) in given and not node.is_input:
                    done.add(id(node))
                    continue
                first_seen.setdefault(id(node.operation), len(first_seen))
                stack.append((tensor, True))
                stack.extend((child, False) for child in reversed(node.input_tensors))
        return order, first_seen

    def _sorted_operations(self, first_seen: dict[int, int]) -> list[Operation]:
        """From the deepest (farthest from the outputs) on; in order of discovery within a depth."""
        node_depth: dict[int, int] = {}
        depth: dict[int, int] = {}
        operations: dict[int, Operation] = {}
        for node in reversed(self.nodes):
            key = id(node.operation)
            operations[key] = node.operation
            here = max(node_depth.get(id(node), 0), depth.get(key, 0))
            depth[key] = node_depth[id(node)] = here
            for parent in node.parent_nodes:
                node_depth[id(parent)] = max(here + 1, node_depth.get(id(parent), 0))
        for tensor in self.inputs:  # inputs that no output depends on
            unused = _node_of(tensor)
            if unused is None or not unused.is_input or id(unused.operation) in operations:
                continue
            operations[id(unused.operation)] = unused.operation
            depth[id(unused.operation)] = 0
            self.nodes.append(unused)
            self._node_ids.add(id(unused))
        keys = sorted(operations, key=lambda key: (-depth[key], first_seen.get(key, -1)))
        return [operations[key] for key in keys]

    def _check_connected(self) -> None:
        known = {id(tensor) for tensor in self.inputs}
        for node in self.nodes:
            for tensor in node.input_tensors:
                if id(tensor) not in known:
                    raise ValueError(
                        f"Graph disconnected: cannot find parent for tensor {tensor} at operation "
                        f"'{node.operation.name}'."
                    )
            if not node.is_input:
                known.update(id(tensor) for tensor in node.outputs)
        for tensor in self.outputs:
            if id(tensor) not in known:
                raise ValueError(f"Output {tensor} is not connected to the inputs of the model.")

    def run(self, values: list[Any], call: Callable[[Operation, Any, Any], Any]) -> Any:
        """Compute the outputs.

        Args:
            values: What stands for each input, in flat order.
            call: Takes an operation and the positional and keyword arguments of its call, returns
                its outputs.

        Returns:
            The outputs in their structure.
        """
        known = {id(tensor): value for tensor, value in zip(self.inputs, values, strict=True)}
        for node in self.nodes:
            if node.is_input or all(id(tensor) in known for tensor in node.outputs):
                continue
            args, kwargs = node.fill_in(known)
            outputs = tree.flatten(call(node.operation, args, kwargs))
            known.update(
                (id(tensor), value) for tensor, value in zip(node.outputs, outputs, strict=True)
            )
        return tree.map_structure(lambda tensor: known[id(tensor)], self.output_structure)


def _node_of(tensor: KerasTensor) -> Node | None:
    operation, index, _ = tensor._keras_history
    return None if operation is None else operation._inbound_nodes[index]
