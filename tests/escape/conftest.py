# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures for the attacks: one world, our server, stock's for the controls."""
import os

import pytest

import arena
import audit
import harness


def pytest_sessionstart(session):
    session.config.audit = audit.Session(harness.FILTER_MODE)


def pytest_sessionfinish(session):
    session.config.audit.finish(session)


def pytest_terminal_summary(terminalreporter, config):
    config.audit.report(terminalreporter)


def pytest_generate_tests(metafunc):
    """A module with ROWS gets each of them, also as its control."""
    rows = getattr(metafunc.module, "ROWS", [])
    if "row" in metafunc.fixturenames:
        metafunc.parametrize("row", rows, ids=[
            f"{r.id}-{r.title.replace(' ', '_')[:48]}" for r in rows])
    elif "control_row" in metafunc.fixturenames:
        rows = [r for r in rows if r.control in ("local", "stock")]
        metafunc.parametrize("control_row", rows, ids=[r.id for r in rows])


@pytest.fixture(scope="session")
def escape_sandbox_args():
    """DISTCC_TEST_SANDBOX=reduced attacks the lesser jail"""
    if os.environ.get("DISTCC_TEST_SANDBOX") == "reduced":
        return [*harness.FILTER_ARGS, "--sandbox=reduced"]
    _, is_strict = harness.missing_layers()
    return harness.FILTER_ARGS + (
        [] if is_strict else ["--sandbox=reduced"])


@pytest.fixture(scope="session")
def world(escape_sandbox_args):
    world = arena.World(escape_sandbox_args)
    yield world
    world.close()


@pytest.fixture(scope="session")
def _server(world):
    server = arena.Server(world)
    yield server
    server.stop()


@pytest.fixture
def server(_server):
    """Ours; a new one if the test before has ended it."""
    _server.revive()
    return _server


@pytest.fixture
def make_server(world):
    """make_server(*args, jobs=4): one for this test alone"""
    made = []

    def make(*args, **kwargs):
        made.append(arena.Server(world, args=args, **kwargs))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="session")
def _stock(world):
    if not harness.is_stock(harness.STOCK_DAEMON):
        yield None
        return
    server = arena.Server(world, stock=True)
    yield server
    server.stop()


@pytest.fixture
def stock(_stock):
    """Stock's daemon on a port of its own, for the controls."""
    if _stock is None:
        pytest.skip("no stock distccd (Debian package distcc) to compare with")
    _stock.revive()
    return _stock


@pytest.fixture
def maybe_stock(_stock):
    return _stock


@pytest.fixture
def attempt(world):
    attempt = arena.Attempt(world)
    yield attempt
    attempt.close()


@pytest.fixture
def as_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """what the servers said stands below a test that failed"""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for name in ("server", "_server", "stock", "short"):
        server = getattr(item, "funcargs", {}).get(name)
        if isinstance(server, arena.Server):
            lines = [line for line in server.log().splitlines()
                     if "DEBUG" not in line]
            report.sections.append((f"log of {name}", "\n".join(lines[-25:])))
