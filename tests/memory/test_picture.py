"""The memory map shows every buffer where and when it is, and lets no name out unescaped."""

from xml.etree import ElementTree

from edgecompress.memory.picture import draw_svg, draw_text
from edgecompress.memory.plan import Block

SVG = "{http://www.w3.org/2000/svg}"
BLOCKS = (Block(0, "input", 0, 64, 0, 1), Block(1, "hidden", 64, 128, 0, 2), Block(-4, "scratch", 0, 32, 2, 2))
STEPS = ("CONV_2D", "RELU", "ADD")


def _rectangles(svg):
    return {r.findtext(f"{SVG}title").split(":")[0]: r for r in ElementTree.fromstring(svg).iter(f"{SVG}rect")}


def test_every_buffer_is_a_rectangle_whose_sides_are_in_proportion():
    boxes = _rectangles(draw_svg(BLOCKS, STEPS, 192))
    assert set(boxes) == {"input", "hidden", "scratch"}
    height = {name: float(box.get("height")) for name, box in boxes.items()}
    width = {name: float(box.get("width")) for name, box in boxes.items()}
    assert abs(height["hidden"] / height["input"] - 2) < 0.02
    assert abs(width["hidden"] / width["scratch"] - 3) < 0.05
    assert float(boxes["hidden"].get("y")) < float(boxes["input"].get("y")), "higher offsets are drawn higher"


def test_buffers_alive_together_are_drawn_apart():
    boxes = list(_rectangles(draw_svg(BLOCKS, STEPS, 192)).values())
    edges = [[float(box.get(k)) for k in ("x", "y", "width", "height")] for box in boxes]
    for i, (x, y, w, h) in enumerate(edges):
        for u, v, a, b in edges[i + 1 :]:
            assert x + w <= u or u + a <= x or y + h <= v or v + b <= y


def test_hostile_names_come_out_as_text():
    name = "</title><script>alert(1)</script>\x1b[31m\u202e"
    svg = draw_svg([Block(0, name, 0, 8, 0, 0)], ["<b>"], 8)
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "\x1b" not in svg
    assert "\u202e" not in svg
    ElementTree.fromstring(svg)
    assert "\x1b" not in draw_text([Block(0, name, 0, 8, 0, 0)], 1, 8)


def test_a_bound_below_the_arena_is_drawn_as_a_line():
    assert "mm-bound" in draw_svg(BLOCKS, STEPS, 192, 160)
    assert "mm-bound" not in draw_svg(BLOCKS, STEPS, 192, 192)


def test_an_empty_arena_and_a_single_byte_are_drawn():
    ElementTree.fromstring(draw_svg([], [], 0))
    ElementTree.fromstring(draw_svg([Block(0, "x", 0, 1, 0, 0)], ["RELU"], 1))


def test_text_has_one_line_per_buffer_in_the_order_of_offsets_within_the_width():
    lines = draw_text(BLOCKS, 3, 192, width=60).splitlines()
    assert [line.split()[-1] for line in lines[1:-1]] == ["input", "scratch", "hidden"]
    assert ".." in draw_text([Block(0, "a/very/long/name/" * 9, 0, 8, 0, 0)], 3, 192, width=60)
    assert all(len(line) <= 60 for line in lines)
    assert "##" in lines[1]
    assert lines[-1].split()[0] == "192"


def test_hundreds_of_steps_fit_the_width():
    blocks = [Block(i, f"tensor {i}", 0, 8, i, i + 1) for i in range(300)]
    assert all(len(line) <= 78 for line in draw_text(blocks, 301, 1_000_000).splitlines())
