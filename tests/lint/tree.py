#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tree.py RULE - a rule that the sources alone can show.

Each rule first proves on a made-up offender that it can fail.
"""
import glob
import re
import sys

# Which of our headers a folder may include: prefixes.  docs/ARCHITECTURE.md
# has the reasons.
MAY_INCLUDE = {
    "lib": ["lib/"],
    "wire": ["wire/", "lib/err.h", "lib/buf.h"],
    "policy": ["policy/", "lib/err.h", "lib/buf.h"],
    "auth": ["auth/", "wire/auth.h", "wire/seal.h", "wire/token.h", "lib/"],
    "sandbox": ["sandbox/", "lib/", "policy/"],
    "server": ["server/msg", "server/forker", "sandbox/sandbox.h", "policy/", "lib/"],
    "server/listener": ["server/listener/", "server/msg", "sandbox/sandbox.h",
                        "policy/", "lib/"],
    "server/worker": ["server/worker/", "server/msg", "server/forker",
                      "wire/", "policy/",
                      "auth/", "sandbox/sandbox.h", "lib/"],
    "server/jail": ["server/jail/", "server/msg", "server/forker",
                    "policy/", "sandbox/", "lib/"],
    "server/auth": ["server/auth/", "server/msg", "server/forker",
                    "auth/", "wire/auth.h",
                    "sandbox/sandbox.h", "lib/"],
    "server/zeroconf": ["server/zeroconf/", "server/msg", "sandbox/sandbox.h",
                        "server/jail/capture.h", "lib/"],
    "server/stats": ["server/stats/", "server/msg", "sandbox/sandbox.h",
                     "lib/"],
    "client/zeroconf": ["client/", "sandbox/sandbox.h", "lib/"],
    "client": ["client/", "wire/", "policy/", "auth/plugin.h", "lib/"],
}

BANNED = ("strcpy strcat sprintf vsprintf gets alloca system popen strtok atoi "
          "atol atoll atof mktemp tmpnam tempnam").split()

SOURCES = ["lib", "wire", "policy", "auth", "sandbox", "server", "client",
           "tests"]


def sources(folders=SOURCES, suffixes="ch"):
    for folder in folders:
        for suffix in suffixes:
            yield from glob.glob(f"{folder}/**/*.{suffix}", recursive=True)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def bare(text):
    """C text with comments and strings blanked, lines kept."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                  r"'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def folder_of(path):
    folder = path.rpartition("/")[0]
    while folder and folder not in MAY_INCLUDE:
        folder = folder.rpartition("/")[0]
    return folder


def includes(path, text):
    allowed = MAY_INCLUDE.get(folder_of(path))
    if allowed is None:
        return
    for number, line in enumerate(text.splitlines(), 1):
        m = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if m and not any(m[1].startswith(a) for a in allowed):
            yield number, f"{folder_of(path)}/ may not include {m[1]}"


def banned(path, text):
    for number, line in enumerate(bare(text).splitlines(), 1):
        for m in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED), line):
            yield number, f"{m[1]}() is banned"


def spdx(path, text):
    lines = text.splitlines()[:2]
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    if not lines or "SPDX-License-Identifier: GPL-2.0-or-later" not in lines[0]:
        yield 1, "no SPDX line at the top"


HIDDEN = re.compile(r"""\s*('.'|0)\s*,\s*OPT_\w+\s*,\s*("[^"]*"|NULL)\s*,"""
                    r"\s*NULL\s*,")


def options(text):
    """The long options in a C file's struct opt tables that --help shows."""
    for table in re.finditer(r"struct opt \w+\[\] = \{(.*?)\n\};", text, re.S):
        for row in re.finditer(r'\{\s*"([a-z][\w-]*)"\s*,', table[1]):
            if not HIDDEN.match(table[1], row.end()):
                yield row[1]


def missing_options(names, page):
    page = page.replace("\\", "")
    return [n for n in names
            if not re.search(r"--%s(?![\w-])" % re.escape(n), page)]


def scripts():
    for path in ["Makefile", ".ci/run", "dist/setup", "dist/probe-flags",
                 *glob.glob("client/config/*.in"), *glob.glob("tests/**/*", recursive=True)]:
        try:
            if path.endswith(".py") or read(path).startswith("#!") or \
                    path == "Makefile":
                yield path
        except (IsADirectoryError, UnicodeDecodeError):
            continue


def report(rule, paths):
    count = bad = 0
    for path in paths:
        count += 1
        for number, message in rule(path, read(path)):
            print(f"lint: {path}:{number}: {message}")
            bad += 1
    if count == 0:
        print(f"lint: {rule.__name__}: no files to look at")
    return bad == 0 and count > 0


def check_includes():
    assert list(includes("lib/x.c", '#include "wire/token.h"\n'))
    assert list(includes("server/listener/x.c", '#include "wire/token.h"\n'))
    assert not list(includes("client/x.c", '#include "wire/token.h"\n'))
    return report(includes, sources())


def check_banned():
    assert list(banned("x.c", "\tstrcpy(a, b);\n"))
    assert not list(banned("x.c", '\tputs("system(");\t/* gets() */\n'))
    return report(banned, sources())


def check_spdx():
    assert list(spdx("x.c", "int x;\n"))
    return report(spdx, [*sources(), *scripts(), *sources(suffixes=["def"])])


def check_manpages():
    table = 'struct opt t[] = {\n\t{ "listen", 0, OPT_NONE, "A", "b", f },'
    table += '\n\t{ "auth", 0, OPT_NONE, NULL, NULL, f },\n};'
    assert list(options(table)) == ["listen"]
    assert missing_options(["listen"], ".B \\-\\-listen\\-on") == ["listen"]
    good, count = True, 0
    for folder, pages in (("client", "client/**/*.[158]"),
                          ("server", "server/*/*.[158]")):
        page = "\n".join(read(p) for p in glob.glob(pages, recursive=True))
        for path in sources([folder]):
            names = list(options(read(path)))
            count += len(names)
            for name in missing_options(names, page):
                print(f"lint: {path}: --{name} is in no man page of {folder}/")
                good = False
    if count == 0:
        print("lint: manpages: no option table found")
    return good and count > 0


RULES = {"includes": check_includes, "banned": check_banned,
         "spdx": check_spdx, "manpages": check_manpages}

if __name__ == "__main__":
    sys.exit(0 if RULES[sys.argv[1]]() else 1)
