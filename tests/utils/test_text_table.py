"""Tables in box-drawing characters: by hand, and against the package they take after."""

import io

import numpy as np
import pytest

from convnet.utils.text_table import render_table


def table(header, rows, align, widths, length):
    return render_table(header, rows, align, widths, length).splitlines()


def test_cells_wrap_at_spaces_and_are_aligned():
    rows = [["batch_norm (BatchNormalization)", "64", "-"], ["a", "1,290", "Y"]]
    assert table(
        ["Layer", "Param #", "On"], rows, ["left", "right", "center"], [24, 10, 6], 40
    ) == [
        "┏━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━┳━━━━━┓",
        "┃                       ┃  Param ┃     ┃",
        "┃ Layer                 ┃      # ┃ On  ┃",
        "┡━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━╇━━━━━┩",
        "│ batch_norm            │     64 │  -  │",
        "│ (BatchNormalization)  │        │     │",
        "├───────────────────────┼────────┼─────┤",
        "│ a                     │  1,290 │  Y  │",
        "└───────────────────────┴────────┴─────┘",
    ]


def test_spaces_at_the_end_of_a_line_need_no_room():
    assert table(["x"], [["ab cd ef"]], ["left"], [5], 9)[3:5] == ["│ ab cd │", "│ ef    │"]


def test_word_that_is_too_long_is_cut():
    assert table(["x"], [["abcdefghijkl"]], ["left"], [10], 10)[3] == "│ abcde… │"


def test_columns_grow_to_fill_the_line():
    assert {
        len(line) for line in table(["a", "b"], [["c", "d"]], ["left", "left"], [5, 5], 50)
    } == {50}


def test_header_alone():
    assert table(["ab"], [], ["left"], [6], 6) == ["┏━━━━┓", "┃ ab ┃", "┡━━━━┩", "└────┘"]


def random_text(rng):
    words = ["x" * rng.integers(1, 14) for _ in range(rng.integers(1, 5))]
    return " " * rng.choice([0, 0, 3]) + " ".join(words)


@pytest.mark.parametrize("seed", range(100))
def test_looks_like_rich_s_table(seed):
    pytest.importorskip("rich")
    from rich.console import Console
    from rich.table import Column, Table

    rng = np.random.default_rng(seed)
    columns, length = int(rng.integers(1, 6)), int(rng.integers(30, 120))
    widths = rng.integers(4, length // columns + 1, columns).tolist()
    align = rng.choice(["left", "right", "center"], columns).tolist()
    header, *rows = [[random_text(rng) for _ in range(columns)] for _ in range(rng.integers(1, 5))]

    titles = zip(header, align, widths, strict=True)
    like = Table(
        *(Column(text, justify=how, width=width) for text, how, width in titles),
        width=length,
        show_lines=True,
    )
    for row in rows:
        like.add_row(*row)
    console = Console(file=io.StringIO(), highlight=False, color_system=None, width=200)
    console.print(like)
    assert render_table(header, rows, align, widths, length) == console.file.getvalue()
