"""The builder of graphs: what is written is what is needed."""

import numpy as np

from automl.export.graph import Graph


def test_what_the_answer_does_not_need_is_left_out() -> None:
    graph = Graph()
    x = graph.input("x", np.float32, [2])
    graph.op("Add", x, graph.constant([1.0, 2.0]))  # nobody asks for it
    graph.constant([3.0])
    answer = graph.op("Mul", x, graph.constant([4.0, 5.0]))
    model = graph.model({"prediction": answer})
    assert [node.op_type for node in model.graph.node] == ["Mul", "Cast"]
    assert [np.frombuffer(c.raw_data, np.float32).tolist() for c in model.graph.initializer] == [[4.0, 5.0]]
