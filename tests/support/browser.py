"""Real Chromium on the running venue's pages: visitors, what went wrong in their console, accessibility.
Called by tests/stack/pages and tools/screenshots.py."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

AXE: Final = Path(__file__).resolve().parents[1] / "stack/pages/vendor/axe.min.js"
ARGUMENTS: Final = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
PASSWORD: Final = "an open outcry pit"
WAIT_MS: Final = 10_000
SERIOUS: Final = {"serious", "critical"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window; fails where it is not installed."""
    program = shutil.which("chromium")
    assert program, "chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """One person with a browser of his own, on the terminal or before it."""

    web: str
    context: BrowserContext
    page: Page
    problems: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> None:
        """Go to a page of the venue."""
        self.page.goto(self.web + path)

    def register(self, username: str) -> None:
        """Register and arrive in the terminal, connected."""
        self.open("/register")
        self.page.fill("#username", username)
        self.page.fill("#password", PASSWORD)
        self.page.click("main form button.primary")
        self.wait_live()

    def log_in(self, username: str, password: str = PASSWORD) -> None:
        """Log in and arrive in the terminal, connected."""
        self.open("/login")
        self.page.fill("#username", username)
        self.page.fill("#password", password)
        self.page.click("main form button.primary")
        self.wait_live()

    def wait_live(self, timeout_ms: int = 3 * WAIT_MS) -> None:
        """Until the terminal shows live data of a chosen account."""
        self.page.wait_for_selector('#status[data-state="live"]', timeout=timeout_ms)
        self.page.wait_for_function("() => outcry.state.funds !== null", timeout=timeout_ms)

    def choose(self, instrument: str) -> None:
        """Pick an instrument in the list, by its full id."""
        self.page.click(f'#watch tr[data-id="{instrument}"] button')
        self.page.wait_for_function(f"() => outcry.state.chosen === '{instrument}'")

    def deposit(self, amount: str, currency: str = "CNY") -> None:
        """Pay in through the dialog."""
        self.page.click("#open-cash")
        self.page.fill("#cash-amount", amount)
        self.page.select_option("#cash-currency", currency)
        self.page.click("#cash-form button.primary")
        self.page.wait_for_selector("#cash-panel .note.good")
        assert self.page.input_value("#cash-amount") == ""  # a fresh form: the next request is another one
        self.page.click("#cash-dialog [data-close]")

    def order(self, side: str, price: str, volume: str, *, offset: str = "OPEN", kind: str = "LIMIT") -> None:
        """Fill in the ticket and send it; `side` is buy or sell."""
        self.page.check(f'#order [name=offset][value="{offset}"]', force=True)
        self.page.check(f'#order [name=kind][value="{kind}"]', force=True)
        if kind != "MARKET":
            self.page.fill("#price", price)
        self.page.fill("#volume", volume)
        self.page.click(f"#{side}")

    def text(self, selector: str) -> str:
        """The text of a node, its whitespace made single."""
        return " ".join(self.page.inner_text(selector).split())

    def see(self, selector: str, text: str, timeout_ms: int = WAIT_MS) -> None:
        """Until the node's text holds `text`; fails with what it holds instead."""
        try:
            self.page.wait_for_function(
                "([selector, text]) => [...document.querySelectorAll(selector)]"
                ".some((node) => node.textContent.replace(/\\s+/g, ' ').includes(text))",
                arg=[selector, text],
                timeout=timeout_ms,
            )
        except Exception as error:
            found = self.page.eval_on_selector_all(selector, "nodes => nodes.map((node) => node.textContent)")
            raise AssertionError(f"{selector} never held {text!r}, but {found}") from error

    def see_exactly(self, selector: str, text: str) -> None:
        """Until the node's text is `text` and nothing else."""
        self.page.wait_for_function(
            "([selector, text]) => document.querySelector(selector).textContent.trim() === text",
            arg=[selector, text],
        )

    def accessible(self, where: str) -> None:
        """Fails on axe-core's serious and critical findings."""
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate(AXE.read_text("utf-8"))
        result: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found = [
            f"{where}: {each['id']} ({each['impact']}): {node['html'][:200]}: {node['failureSummary'][:300]}"
            for each in result["violations"]
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]
        assert not found, "\n".join(found)


def visit(browser: Browser, web: str, *, allowed: str = "", **options: Any) -> Visitor:
    """A visitor whose console errors and CSP violations are remembered in `problems`.

    `allowed`: a pattern of console texts that belong to what the test breaks on purpose."""
    options.setdefault("viewport", {"width": 1440, "height": 900})
    options.setdefault("color_scheme", "dark")
    options.setdefault("locale", "en-US")
    options.setdefault("reduced_motion", "reduce")  # what fades in has its colour at once
    context = browser.new_context(**options)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    visitor = Visitor(web, context, page)

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not (allowed and re.search(allowed, message.text)):
            visitor.problems.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    page.on("console", heard)
    page.on("pageerror", lambda error: visitor.problems.append(f"error: {error}\n{error.stack}"))
    return visitor
