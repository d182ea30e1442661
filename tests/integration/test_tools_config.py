# SPDX-License-Identifier: GPL-2.0-or-later
"""distcc-config and update-distcc-symlinks, on a made-up system."""
import os
import subprocess

import pytest

import clientlib

BIN = os.path.dirname(clientlib.DISTCC)
CONFIG = os.path.join(BIN, "distcc-config")
UPDATE = os.path.join(BIN, "update-distcc-symlinks")

COMPILERS = ["cc", "c++", "gcc", "gcc-12", "g++-9.2", "clang", "clang++-14",
             "c89-gcc", "x86_64-linux-gnu-g++", "arm-none-eabi-gcc-9.2.1",
             "i686-w64-mingw32-gcc-10-posix"]
OTHERS = ["gcc-ar", "gcc-ranlib-12", "clang-format", "clang-tidy-14", "h5cc",
          "x86_64-linux-gnu-gcc-nm", "ccache", "cc1", "python3"]


@pytest.fixture
def root(tmp_path):
    bindir = tmp_path / "usr/bin"
    bindir.mkdir(parents=True)
    for name in COMPILERS + OTHERS:
        (bindir / name).write_text("#!/bin/sh\nexit 1\n")
        (bindir / name).chmod(0o755)
    (bindir / "avr-gcc").write_text("#!/bin/sh\necho avr\n")
    (bindir / "avr-gcc").chmod(0o755)
    (bindir / "odd-gcc").write_text("#!/bin/sh\necho x86_64-linux-gnu\n")
    (bindir / "odd-gcc").chmod(0o755)
    (bindir / "unusable-none-eabi-gcc").write_text("")
    os.symlink("ccache", bindir / "wrapped-none-eabi-gcc")
    os.symlink("gcc-12", bindir / "linked-none-eabi-gcc")
    return tmp_path


def run(*args, **env):
    return subprocess.run(
        args, text=True, capture_output=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL,
        env={"PATH": "/usr/sbin:/usr/bin:/bin", "LC_ALL": "C", **env})


def update(root, *args):
    done = run(UPDATE, "--root", str(root), "--directory", "/usr/lib/distcc",
               *args)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def links(root):
    directory = root / "usr/lib/distcc"
    return {p.name: os.readlink(p) for p in directory.iterdir()
            if p.is_symlink()} if directory.exists() else {}


def test_links_are_made(root):
    update(root)
    assert sorted(links(root)) == sorted(
        COMPILERS + ["avr-gcc", "linked-none-eabi-gcc"])
    assert all(os.path.basename(t) == "distcc" for t in links(root).values())
    assert update(root) == ""


def test_links_go_with_their_compilers(root):
    update(root)
    (root / "usr/bin/gcc-12").unlink()
    (root / "usr/bin/linked-none-eabi-gcc").unlink()
    out = update(root)
    assert sorted(out.split()) == sorted(
        ["removing", str(root / "usr/lib/distcc/gcc-12"),
         "removing", str(root / "usr/lib/distcc/linked-none-eabi-gcc")])
    assert "gcc-12" not in links(root)


def test_what_is_not_ours_stays(root):
    directory = root / "usr/lib/distcc"
    directory.mkdir(parents=True)
    (directory / "README").write_text("x")
    (directory / "gcc").write_text("somebody's own")
    os.symlink("/somewhere/else", directory / "old-gcc")
    update(root)
    assert (directory / "gcc").read_text() == "somebody's own"
    assert (directory / "README").exists()
    assert links(root)["old-gcc"] == "/somewhere/else"


def test_dry_run_changes_nothing(root):
    assert "creating" in update(root, "-n")
    assert not (root / "usr/lib/distcc").exists()


def test_update_usage():
    assert run(UPDATE, "--help").returncode == 0
    assert run(UPDATE, "--foo").returncode == 2
    assert run(UPDATE, "--root").returncode == 2


@pytest.fixture(params=["gentoo", "other"])
def system(request, tmp_path):
    if request.param == "gentoo":
        (tmp_path / "etc/env.d").mkdir(parents=True)
    return tmp_path


def env_file(system):
    gentoo = system / "etc/env.d"
    return gentoo / "02distcc" if gentoo.is_dir() else \
        system / "etc/distcc/env"


def config(system, *args, **env):
    return run(CONFIG, "--root", str(system), *args, **env)


def test_variables(system):
    assert config(system, "--get-log").stdout == "DISTCC_LOG not set.\n"
    assert config(system, "--get-env").stdout == ""
    assert config(system, "--set-log", "/var/log/x y").returncode == 0
    assert config(system, "--set-verbose", "1").returncode == 0
    assert config(system, "--set-verbose", "0").returncode == 0
    assert config(system, "--set-env", "DISTCC_SSH", "ssh -4").returncode == 0
    assert config(system, "--get-log").stdout == "DISTCC_LOG=/var/log/x y\n"
    assert config(system, "--get-verbose").stdout == "DISTCC_VERBOSE=0\n"
    assert config(system, "--get-env", "DISTCC_SSH").stdout == \
        "DISTCC_SSH=ssh -4\n"
    text = env_file(system).read_text()
    assert text == ('DISTCC_LOG="/var/log/x y"\nDISTCC_VERBOSE="0"\n'
                    'DISTCC_SSH="ssh -4"\n')
    assert config(system, "--get-env").stdout == text
    shell = run("sh", "-c", f". {env_file(system)}; echo $DISTCC_SSH")
    assert shell.stdout == "ssh -4\n"


@pytest.mark.parametrize("value", ['a"b', "$(id)", "`id`", "a\nb", "\\"])
def test_values_cannot_break_out(system, value):
    done = config(system, "--set-env", "DISTCC_LOG", value)
    assert done.returncode == 1
    assert not env_file(system).exists()


@pytest.mark.parametrize("name", ["", "A B", "1A", "A=B", "A.*"])
def test_names_are_checked(system, name):
    assert config(system, "--set-env", name, "x").returncode == 1
    assert not env_file(system).exists()


def hosts_file(system):
    found = list(system.glob("**/distcc/hosts"))
    assert len(found) <= 1
    return found[0] if found else None


def test_hosts(system):
    assert "--set-hosts" in config(system, "--get-hosts").stdout
    assert config(system, "--set-hosts", "a/3,lzo b").returncode == 0
    assert hosts_file(system).read_text() == "a/3,lzo b\n"
    assert config(system, "--get-hosts").stdout == "a/3,lzo b\n"
    assert config(system, "--get-hosts", DISTCC_HOSTS="c").stdout == "c\n"


def test_a_wrong_host_list_is_refused(system):
    config(system, "--set-hosts", "a")
    done = config(system, "--set-hosts", "a b/x")
    assert done.returncode == 1
    assert "b/x" in done.stderr
    assert hosts_file(system).read_text() == "a\n"


def test_a_users_own_hosts(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    (state / "hosts").write_text("mine\n")
    assert run(CONFIG, "--get-hosts",
               DISTCC_DIR=str(state)).stdout == "mine\n"


def test_install_makes_links(root):
    for option in ("--install", "--update-masquerade"):
        assert config(root, option).returncode == 0
    # glob() does not see links that lead nowhere
    assert any("gcc-12" in files for path, _, files in os.walk(root)
               if path.endswith("/distcc"))


def test_config_usage(system):
    assert config(system).stdout.startswith("Usage: distcc-config ")
    assert config(system, "--help").returncode == 0
    for bad in (["--foo"], ["--set-hosts"], ["--set-env", "A"],
                ["--set-verbose", "2"], ["--get-hosts", "x"]):
        done = config(system, *bad)
        assert done.returncode == 1
        assert done.stderr.startswith("!!! Error: ")
