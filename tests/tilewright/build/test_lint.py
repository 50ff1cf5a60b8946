"""Lint: each tool is really asked, and each kind of mistake is found."""

import pytest

from tilewright.build.lint import ALLOWED, lint

HEAD = "module top(input clk, input [3:0] a, output [3:0] o);\n"
BAD = {
    "syntax": (HEAD + "assign o = a +;\nendmodule\n", {"verilator", "slang", "yosys"}),
    "missing_module": (
        HEAD + "sub x(.a(a), .o(o));\nendmodule\n", {"verilator", "slang", "yosys"}
    ),
    "undriven": (HEAD + "wire [3:0] u;\nassign o = a + u;\nendmodule\n", {"verilator", "yosys"}),
    "two_drivers": (
        HEAD + "assign o = a;\nsub x(.o(o));\nendmodule\n"
        "module sub(output [3:0] o); assign o = 4'd3; endmodule\n", {"yosys"},
    ),
    "loop": (
        HEAD + "wire [3:0] u;\nassign u = o ^ a;\nassign o = u + a;\nendmodule\n",
        {"verilator", "yosys"},
    ),
    "width": (HEAD + "wire [4:0] u;\nassign u = a;\nassign o = u;\nendmodule\n", {"verilator"}),
}  # fmt: skip


@pytest.mark.simulator
@pytest.mark.parametrize("name", BAD)
def test_mistakes_are_found(name: str) -> None:
    text, tools = BAD[name]
    result = lint(text, "top")
    assert not result.is_clean
    assert tools <= {problem.tool for problem in result.problems}, result.problems


@pytest.mark.simulator
def test_good_text_is_clean() -> None:
    result = lint(HEAD + "assign o = a + {3'd0, clk};\nendmodule\n", "top")
    assert result.is_clean, result.problems


@pytest.mark.simulator
def test_wrong_top_is_an_error_for_every_tool() -> None:
    result = lint("module other; endmodule\n", "top")
    assert {problem.tool for problem in result.problems} == {"verilator", "slang", "yosys"}


@pytest.mark.parametrize("top", ["a b", "a; exec", "top\nquit", ""])
def test_only_plain_names(top: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        lint("", top)


def test_each_allowed_class_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in ALLOWED.values())
