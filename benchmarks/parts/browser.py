"""A headless Chromium, driven over its DevTools pipe: no client package is needed.

Messages are JSON, ended by a zero byte; commands go to file descriptor 3, answers come from 4.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def find_chromium() -> str | None:
    """The path of a Chromium, if one is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page of one Chromium; `problems` are console errors and exceptions, `requests` URLs."""

    def __init__(self, profile: Path, *, width: int = 1366, height: int = 768) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        os.set_inheritable(theirs_in, True)
        os.set_inheritable(theirs_out, True)
        path = find_chromium()
        assert path is not None
        arguments = [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]

        def place() -> None:  # in the child: the pipe's ends become 3 and 4
            os.dup2(theirs_in, 203)  # high first: 3 and 4 may be in use
            os.dup2(theirs_out, 204)
            os.dup2(203, 3)
            os.dup2(204, 4)

        self.process = subprocess.Popen(
            [path, *arguments, "about:blank"],
            preexec_fn=place,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.to, self.back, self.rest = ours_out, ours_in, b""
        self.count = 0
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.session = ""
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def call(self, method: str, *, seconds: float = 120.0, **params: Any) -> dict[str, Any]:
        """A command's result."""
        self.count += 1
        message: dict[str, Any] = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + seconds
        while True:
            answer = self._next(end)
            if answer.get("id") == self.count:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self._event(answer)

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.back], [], [], max(0.0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            more = os.read(self.back, 1 << 20)
            assert more, f"Chromium ended with code {self.process.poll()}"
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found

    def _event(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(params["exceptionDetails"])[:600])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.problems.append(json.dumps(params["args"])[:600])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def resize(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def open(
        self,
        path: Path,
        *,
        seconds: float = 120.0,
        is_strict: bool = True,
        step_seconds: float = 0.05,
    ) -> None:
        """Show a file, and wait until its script says that it is ready, asked so often."""
        self.call("Page.navigate", url=path.resolve().as_uri())
        end = time.monotonic() + seconds
        while self.value("(document.documentElement || document).dataset?.ready || ''") != "yes":
            assert not (is_strict and self.problems), self.problems
            assert time.monotonic() < end, "the page is not ready"
            time.sleep(step_seconds)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is, as plain data."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def mouse(self, kind: str, x: float, y: float) -> None:
        """`mouseMoved`, `mousePressed` or `mouseReleased` at a place in the window."""
        is_up = kind == "mouseMoved"
        self.call(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="none" if is_up else "left",
            buttons=0 if kind != "mousePressed" else 1,
            clickCount=0 if is_up else 1,
        )

    def click(self, x: float, y: float) -> None:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, x, y)

    def drag(self, x: float, y: float, to_y: float) -> None:
        """Press at (x, y), move down or up in steps, let go."""
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y)
        for step in (1, 2, 3, 4):
            at = y + (to_y - y) * step / 4
            self.call(
                "Input.dispatchMouseEvent", type="mouseMoved", x=x, y=at, button="left", buttons=1
            )
        self.mouse("mouseReleased", x, to_y)

    def key(self, name: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def dark(self, is_dark: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, path: Path) -> None:
        """What the window shows, as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        """End Chromium and all that it started."""
        self.session = ""
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close", seconds=10)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
