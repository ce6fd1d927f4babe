"""What all tests share: a browser, and a count that keeps browser tests from being skipped silently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from chromium import ADVICE, LAUNCH_ARGUMENTS, find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser


class BrowserCount:
    """Counts what became of the tests marked `browser`; in a full run they must all have run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.marked: set[str] = set()
        self.ran: set[str] = set()

    @property
    def skipped(self) -> int:
        return len(self.marked - self.ran)

    @property
    def missing_from_full_run(self) -> bool:
        option = self.config.option
        chosen = option.keyword or option.markexpr or option.collectonly or option.maxfail
        # Without paths on the command line pytest takes `testpaths`: everything.
        full = not chosen and self.config.args_source is not pytest.Config.ArgsSource.ARGS
        return full and bool(self.skipped)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.marked = {item.nodeid for item in items if item.get_closest_marker("browser")}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A failure in set-up is a failure already, not a silent skip.
        if report.nodeid in self.marked and not report.skipped and (report.when == "call" or report.failed):
            self.ran.add(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.exitstatus == pytest.ExitCode.OK and self.missing_from_full_run:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        skipped = f", {self.skipped} not run" if self.skipped else ""
        terminalreporter.write_line(f"browser tests: {len(self.ran)} run{skipped}")
        if self.missing_from_full_run:
            terminalreporter.write_line("ERROR: a full run must run every browser test", red=True)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(BrowserCount(config), "browser-count")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of a Chromium that starts; without one the test fails, it is not skipped."""
    path = find_chromium()
    if path is None:
        pytest.fail(ADVICE)
    return path


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One headless Chromium for the whole run; a test opens its own context or page in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, args=[*LAUNCH_ARGUMENTS])
        yield launched
        launched.close()
