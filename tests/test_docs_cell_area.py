"""docs/asic.md: the errors of the model of silicon area are those of the coefficients."""

import re
from pathlib import Path

from tilewright.hw.lib.cell_area import cell_table

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"<!-- errors -->\n(.*?)<!-- end -->", re.DOTALL)


def expected_table() -> str:
    """Errors of each library as the page shows them."""
    lines = ["| library | designs fitted | held out | mean error | worst |",
             "|---|---:|---:|---:|---:|"]  # fmt: skip
    for library, fit in cell_table()["libraries"].items():
        told = fit["accuracy"]
        lines.append(
            f"| {library} | {told['fitted']} | {told['held_out']} | {100 * told['mean']:.1f} % | "
            f"{100 * told['worst']:.1f} % |"
        )
    return "\n".join(lines) + "\n"


def test_the_page_has_the_errors_of_the_coefficients() -> None:
    found = BLOCK.search((ROOT / "docs" / "asic.md").read_text(encoding="utf-8"))
    assert found is not None
    assert found[1] == expected_table()


if __name__ == "__main__":
    PAGE = ROOT / "docs" / "asic.md"
    TABLE = f"<!-- errors -->\n{expected_table()}<!-- end -->"
    PAGE.write_text(BLOCK.sub(TABLE, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
