# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/COMPATIBILITY.md names tests that exist, and leaves out nothing that
stock's manual pages have."""
import gzip
import os
import re

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "../../docs/COMPATIBILITY.md")
MAN = "/usr/share/man/man%s/%s.%s.gz"
PAGES = [("distcc", 1), ("distccd", 1), ("lsdistcc", 1),
         ("distccmon-text", 1), ("update-distcc-symlinks", 8)]
# options of other programs in those pages, and a slip of the pen
OTHERS = {"--with-auth", "--program-suffix", "DISTCC_PRINICIPAL"}


def table():
    with open(PAGE, encoding="utf-8") as file:
        return file.read()


def named(text):
    """(file, test or None) of each row's last column"""
    for line in text.splitlines():
        for word in line.rpartition("| ")[2].rstrip(" |").split():
            path, _, test = word.partition("::")
            if path.endswith((".py", ".c")):
                yield path, test or None


def missing(text):
    bad = []
    for path, test in named(text):
        path = os.path.join(HERE, path)
        if not os.path.exists(path):
            bad.append(path)
            continue
        with open(path, encoding="utf-8") as file:
            if test and f"\ndef {test}(" not in file.read():
                bad.append(f"{path}::{test}")
    return bad


def words_of(roff):
    """Long options and variables that a manual page mentions."""
    roff = re.sub(r'^\.\\".*$', "", roff, flags=re.M)   # comments
    roff = re.sub(r"\\f.", "", roff.replace("\\-", "-"))
    return set(re.findall(r"(?<![\w-])--[a-z][a-z_-]*[a-z]|"
                          r"\b(?:DISTCCD?|DCC)_[A-Z_]+[A-Z]\b|"
                          r"\bUNCACHED_ERR_FD\b", roff)) - OTHERS


def test_named_tests_exist():
    assert len(list(named(table()))) > 60
    assert missing(table()) == []
    # it can fail
    assert missing("| `-x` | same | test_none.py::test_it |\n"
                   "| `-y` | same | test_compatibility.py::test_it |\n") == [
        os.path.join(HERE, "test_none.py"),
        os.path.join(HERE, "test_compatibility.py::test_it")]


@pytest.mark.parametrize("name,section", PAGES)
def test_every_word_of_stocks_page(name, section):
    path = MAN % (section, name, section)
    if not os.path.exists(path):
        pytest.skip("no manual page of stock distcc (Debian package distcc)")
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        words = words_of(file.read())
    if name in ("distcc", "distccd"):
        assert len(words) > 10
    absent = {w for w in words
              if not re.search(re.escape(w) + r"(?![\w-])", table())}
    assert absent == set()
