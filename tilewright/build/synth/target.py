"""What a design is synthesised for: a family, perhaps a device, and a clock."""

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from tilewright.errors import UsageError

__all__ = ["FAMILIES", "Family", "Stage", "Target"]

Family = Literal["ecp5", "ice40", "gowin", "xc7", "xcup", "asic"]
Stage = Literal["synth", "pnr", "bitstream"]
FAMILIES: Final[tuple[Family, ...]] = get_args(Family)
PLACED: Final = ("ecp5", "ice40", "gowin")
"""Families with an open place and route."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_.-]{0,63}")
_SPEED: Final = re.compile(r"-?[A-Z0-9]{1,4}(/[A-Z0-9]{1,4})?")
# The device that out-of-context figures are for: the largest one, in its slowest speed grade.
_DEFAULTS: Final = {
    "ecp5": ("LFE5U-85F", "CABGA381", "6", ""),
    "ice40": ("iCE40HX8K", "ct256", "", ""),
    "gowin": ("GW2A-18C", "QN88", "", "GW2AR-LV18QN88C8/I7"),
}
_DIALECTS: Final = {"xc7": "xilinx", "xcup": "xilinx"}
_ECP5_SIZES: Final = {"12": "12k", "25": "25k", "45": "45k", "85": "85k"}


@dataclass(frozen=True, kw_only=True)
class Target:
    """Family, device and clock of one synthesis.

    device, package, speed, part : names as the vendor writes them (`LFE5U-85F`, `CABGA381`, `6`);
        `part` is the full order code that Gowin's tools need. None: as `placed` says.
    freq_hz : the clock that place and route aims at.
    out_of_context : the design alone, without pads; its ports lead nowhere.
    """

    family: Family
    device: str | None = None
    package: str | None = None
    speed: str | None = None
    part: str | None = None
    freq_hz: float = 100e6
    out_of_context: bool = True

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise UsageError(f"family: one of {', '.join(FAMILIES)}, got {self.family!r}")
        for name in ("device", "package", "speed", "part"):
            value, form = getattr(self, name), _SPEED if name == "speed" else _PLAIN
            if value and not form.fullmatch(value):
                raise UsageError(f"{name}: not a plain name: {value!r}")
        if not 1e3 <= self.freq_hz <= 10e9:
            raise UsageError(f"clock: from 1 kHz to 10 GHz, got {self.freq_hz:g} Hz")

    @property
    def dialect(self) -> str:
        """The name of the synthesis pass without `synth_`."""
        return _DIALECTS.get(self.family, self.family)

    @property
    def placed(self) -> "Target":
        """With a device for place and route: the family's largest, unless one is named."""
        if self.family not in PLACED:
            raise UsageError(
                f"{self.family}: there is no open place and route for this family",
                help=f"--to synth, or one of {', '.join(PLACED)}",
            )
        if self.device is not None:
            return self
        device, package, speed, part = _DEFAULTS[self.family]
        return Target(family=self.family, device=device, package=package, speed=speed, part=part,
                      freq_hz=self.freq_hz, out_of_context=self.out_of_context)  # fmt: skip

    @property
    def ecp5_options(self) -> list[str]:
        """Device, package and speed as nextpnr-ecp5 takes them."""
        found = re.fullmatch(r"LFE5(U|UM|UM5G)-(12|25|45|85)F", self.device or "")
        if found is None:
            raise UsageError(f"device: not an ECP5: {self.device!r}")
        prefix = {"U": "", "UM": "um-", "UM5G": "um5g-"}[found[1]]
        options = [f"--{prefix}{_ECP5_SIZES[found[2]]}", "--package", self.package or "CABGA381"]
        if (speed := self.speed or "6") not in ("6", "7", "8"):
            raise UsageError(f"speed: an ECP5 has 6, 7 or 8, got {speed!r}")
        return [*options, "--speed", speed]

    @property
    def ice40_kind(self) -> Literal["hx", "lp", "u"]:
        """Which of the three timings of iCE40."""
        name = (self.placed.device or "").upper()
        if not (found := re.fullmatch(r"ICE40(HX|LP|UP|UL)\d+K?", name)):
            raise UsageError(f"device: not an iCE40: {self.device!r}")
        kinds: dict[str, Literal["hx", "lp", "u"]] = {"HX": "hx", "LP": "lp", "UP": "u", "UL": "u"}
        return kinds[found[1]]

    @property
    def ice40_options(self) -> list[str]:
        """Device and package as nextpnr-ice40 takes them."""
        kind = self.ice40_kind  # refuses what is no iCE40
        device = (self.placed.device or "").lower().removeprefix("ice40")
        return [f"--{device}", "--package", (self.package or ("sg48" if kind == "u" else "ct256"))]

    @property
    def gowin_series(self) -> str:
        """`gw1n` or `gw2a`."""
        name = (self.placed.device or "").upper()
        for series in ("GW1N", "GW2A", "GW5A"):
            if name.startswith(series):
                return series.lower()
        raise UsageError(f"device: not a Gowin FPGA: {self.device!r}")
