"""Which buffers a graph needs, and from which step to which."""

import pytest

from edgecompress.errors import ModelFileError
from edgecompress.memory.lifetimes import lifetimes


def _spans(buffers):
    return {buffer.key: (buffer.first, buffer.last, buffer.size) for buffer in buffers}


def test_each_tensor_of_a_chain_lives_from_its_writer_to_its_reader(chain):
    assert _spans(lifetimes(chain(10, 20, 30, 40))) == {0: (0, 0, 10), 1: (0, 1, 20), 2: (1, 2, 30), 3: (2, 2, 40)}


def test_the_input_of_a_residual_block_lives_until_the_addition_and_constants_get_no_buffer(residual):
    assert _spans(lifetimes(residual)) == {0: (0, 2, 100), 1: (0, 1, 60), 2: (1, 2, 100), 3: (2, 2, 100)}


def test_an_input_read_late_is_there_from_the_first_step(make_graph):
    graph = make_graph({0: 8, 1: 9, 2: 4, 3: 4}, [("RELU", [0], [2]), ("ADD", [2, 1], [3])], [0, 1], [3])
    assert _spans(lifetimes(graph))[1] == (0, 1, 9)


def test_an_early_output_of_the_graph_lives_to_the_last_step(make_graph):
    operations = [("RELU", [0], [1]), ("RELU", [1], [2]), ("RELU", [2], [3])]
    graph = make_graph(dict.fromkeys(range(4), 8), operations, [0], [1, 3])
    assert _spans(lifetimes(graph))[1] == (0, 2, 8)


def test_an_output_that_nobody_reads_lives_in_its_own_step(make_graph):
    graph = make_graph({0: 8, 1: 4, 2: 4, 3: 4}, [("SPLIT", [0], [1, 2]), ("RELU", [1], [3])], [0], [3])
    assert _spans(lifetimes(graph))[2] == (0, 0, 4)


def test_a_reshape_and_its_input_become_one_buffer_that_lives_as_long_as_either(make_graph):
    operations = [("RELU", [0], [1]), ("RESHAPE", [1, 9], [2]), ("RELU", [2], [3]), ("ADD", [1, 3], [4])]
    graph = make_graph({0: 8, 1: 8, 2: 8, 3: 8, 4: 8, 9: 16}, operations, [0], [4], constants=[9])
    merged = {buffer.key: buffer for buffer in lifetimes(graph, {2: 1})}
    assert (merged[1].first, merged[1].last, merged[1].shared_with) == (0, 3, (2,))
    assert 2 not in merged


def test_reshapes_of_reshapes_end_in_one_buffer(chain):
    (buffer,) = lifetimes(chain(8, 8, 8), {1: 0, 2: 1})
    assert (buffer.key, buffer.first, buffer.last, buffer.shared_with) == (0, 0, 1, (1, 2))


def test_a_graph_input_that_is_its_output_through_a_reshape_lives_throughout(make_graph):
    operations = [("RESHAPE", [0], [1]), ("RELU", [0], [2]), ("RELU", [2], [3])]
    graph = make_graph(dict.fromkeys(range(4), 8), operations, [0], [1, 3])
    assert _spans(lifetimes(graph, {1: 0}))[0] == (0, 2, 8)


def test_a_graph_without_operations_keeps_its_input(make_graph):
    assert _spans(lifetimes(make_graph({0: 8}, [], [0], [0]))) == {0: (0, 0, 8)}


def test_scratch_lives_for_one_step_under_a_key_of_its_own(chain):
    buffers = _spans(lifetimes(chain(10, 20, 30), scratch={0: 0, 1: 64}))
    assert buffers[-3] == (1, 1, 64)
    assert -2 not in buffers, "a scratch of no bytes needs no buffer"


def test_two_outputs_cannot_share_one_input(make_graph):
    graph = make_graph({0: 8, 1: 8, 2: 8}, [("SPLIT", [0], [1, 2])], [0], [1, 2])
    with pytest.raises(ValueError, match="another output does"):
        lifetimes(graph, {1: 0, 2: 0})


@pytest.mark.parametrize(
    ("aliases", "message"),
    [({2: 0}, "no activation that the operation reads"), ({1: 0}, "differ in size"), ({7: 1}, "no operation writes")],
)
def test_an_alias_that_the_graph_does_not_bear_out_is_refused(chain, aliases, message):
    with pytest.raises(ValueError, match=message):
        lifetimes(chain(8, 9, 10), aliases)


def test_scratch_for_a_step_that_does_not_exist_is_refused(chain):
    with pytest.raises(ValueError, match="scratch for step 5"):
        lifetimes(chain(1, 2), scratch={5: 1})


def test_a_tensor_read_before_it_is_written_is_an_error_that_names_it(make_graph):
    graph = make_graph({0: 8, 1: 8, 2: 8}, [("RELU", [1], [2]), ("RELU", [0], [1])], [0], [2])
    with pytest.raises(ModelFileError, match='operator 0 RELU reads tensor 1 "t1"'):
        lifetimes(graph)


@pytest.mark.parametrize("written", [0, 9])
def test_writing_to_an_input_or_a_constant_is_an_error(make_graph, written):
    graph = make_graph({0: 8, 9: 8}, [("RELU", [0], [written])], [0], [written], constants=[9])
    with pytest.raises(ModelFileError, match=f"writes tensor {written}"):
        lifetimes(graph)


def test_a_graph_output_that_nobody_writes_is_an_error(make_graph):
    with pytest.raises(ModelFileError, match='graph output 1 "t1" is never written'):
        lifetimes(make_graph({0: 8, 1: 8}, [], [0], [1]))
