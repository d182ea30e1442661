# SPDX-License-Identifier: GPL-2.0-or-later
"""Every option of the installed compilers that takes a file is in the table.

The compilers list their options themselves.  One whose value or whose text
speaks of a file, a directory, a plug-in or a program must be refused in every
form, or its row in policy/options.def must say what it names.
"""
import glob
import os
import re
import shutil
import subprocess

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
GCC_LISTS = ["common", "c", "c++", "optimizers", "target", "warnings",
             "params", "undocumented", "joined", "separate", "lto", "ada", "d"]
SPEAKS_OF_FILES = re.compile(
    r"\b(file|files|filename|filenames|director(y|ies)|path|paths|pathname|"
    r"plugin|plug-in|program|executable|dsopath|profile data|dump|archiver|"
    r"ranlib)\b|<(file|dir|path|prefix)", re.I)
# the row says what it names, and the judge looks at it
NAMED = {"DIR", "SYSROOT", "INPUT", "OUTPUT", "RESULT", "LINK"}
# Speaks of files and opens none: each looked at, with what it does instead.
TEXT = {
    "-fdebug-prefix-map=": "changes names in debug information",
    "-ffile-prefix-map=": "changes names in the object",
    "-fmacro-prefix-map=": "changes __FILE__",
    "-fcoverage-prefix-map=": "changes names in coverage maps",
    "-fprofile-prefix-map=": "changes names in gcov's notes",
    "-fprofile-prefix-path=": "changes names of profiles",
    "-fdebug-compilation-dir": "a name in debug information",
    "-fdebug-compilation-dir=": "a name in debug information",
    "-ffile-compilation-dir=": "a name in debug information",
    "-fcoverage-compilation-dir=": "a name in coverage maps",
    "-fprofile-dir=": "a name that the program will use when it runs",
    "-fprofile-instr-generate": "a name for when the program runs",
    "-fprofile-instr-generate=": "a name for when the program runs",
    "-fmemory-profile": "a name for when the program runs",
    "-fmemory-profile=": "a name for when the program runs",
    "-fprofile-filter-files=": "regular expressions for names",
    "-fprofile-exclude-files=": "regular expressions for names",
    "-finstrument-functions-exclude-file-list=": "parts of names",
    "-D": "a macro", "-U": "a macro", "-x": "a language, from a list",
    "-MT": "text in the dependency file", "-MQ": "the same",
    "-Xclang": "judged by a list", "-mllvm": "judged by a list",
    "-Xassembler": "judged by a list", "-Xpreprocessor": "judged by a list",
    "-Wa,": "judged by a list", "-Wp,": "judged by a list",
    # the text speaks of files or paths, the value is something else
    "-fanalyzer-verbosity=": "a number",
    "-fdiagnostics-path-format=": "a word from a list",
    "-fopt-info": "without a name: standard error; with one it is refused",
    "-fstack-check=": "a word from a list",
    "-finput-charset=": "a character set",
    "-fuse-cuid=": "a word from a list",
    "-fbinutils-version=": "a version",
    "-fbasic-block-sections=": "a word; with list=FILE it is refused",
    "-fsanitize-undefined-strip-path-components=": "a number",
    "-frecord-marker=": "a number, Fortran's", "-fconvert=": "the same",
    "-flang-info-module-cmi=": "a message about a module",
    "-fdef=": "Modula's", "-flibs=": "Modula's", "-fmod=": "Modula's",
}


def rows():
    """{name: classes} of policy/options.def"""
    with open(f"{ROOT}/policy/options.def", encoding="utf-8") as f:
        found = {}
        for m in re.finditer(r'^OPT\("([^"]+)",\s*(\w+), (\w+), (\w+),',
                             f.read(), re.M):
            found.setdefault(m[1], set()).add(m[4])
        return found


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    program = str(tmp_path_factory.mktemp("judge") / "judge")
    subprocess.run(
        ["cc", "-std=gnu17", "-D_GNU_SOURCE", f"-I{ROOT}", "-o", program,
         f"{ROOT}/tests/integration/judge.c", *glob.glob(f"{ROOT}/policy/*.c"),
         *glob.glob(f"{ROOT}/lib/*.c")], check=True)

    def ask(family, questions, protocol=1):
        """whether each of these lists of words is refused"""
        text = "".join(
            f"{family}{protocol}" + "\x1f".join(
                ["cc", *words, "-c", "a.c", "-o", "a.o"]) + "\n"
            for words in questions)
        out = subprocess.run([program], input=text, capture_output=True,
                             text=True, check=True).stdout.splitlines()
        assert len(out) == len(questions)
        return [line.startswith("refused") for line in out]
    return ask


def entries(text):
    """(option as it is listed, all that is said of it)"""
    found, current = [], None
    for line in text.splitlines():
        m = re.match(r"^  (-\S+)(.*)$", line)
        if m:
            current = [m[1], m[2]]
            found.append(current)
        elif current and re.match(r"^\s{8,}\S", line):
            current[1] += " " + line.strip()
        else:
            current = None
    return found


def options_of(compiler):
    if "clang" in compiler:
        text = subprocess.run([compiler, "--help-hidden"], capture_output=True,
                              text=True, check=True).stdout
    else:
        text = "".join(subprocess.run(
            [compiler, f"--help={name}"], capture_output=True, text=True,
            check=False).stdout for name in GCC_LISTS)
        text += subprocess.run([compiler, "-v", "--help"], text=True,
                               capture_output=True, check=False).stdout
    found = {}
    for listed, said in entries(text):
        metavar = re.match(r"^ (<\S+>)", said)
        found[listed + (" " + metavar[1] if metavar else "")] = said
    return found


def name_of(listed):
    """-fdump-go-spec=filename -> -fdump-go-spec="""
    name = re.split(r"[<\[ ]", listed, maxsplit=1)[0]
    return name.partition("=")[0] + ("=" if "=" in name else "")


def forms(name):
    for value in ("/etc/passwd", "../x", "name", "x.y"):
        if name.endswith(("=", ",")):
            yield [name + value]
            yield [name.rstrip("=,") + value]
        else:
            yield [name + value]
            yield [name + "=" + value]
        yield [name.rstrip("=,"), value]


def takes_a_value(listed):
    return "=" in listed or "<" in listed or " " in listed or \
        listed.endswith(",")


def unclassified(judge, family, options):
    """{option: the forms that pass} of those that speak of files"""
    table, found = rows(), {}
    for listed, said in options.items():
        name = name_of(listed)
        if not SPEAKS_OF_FILES.search(listed + " " + said) or \
                not takes_a_value(listed):
            continue
        # (every --param is a number)
        if name in TEXT or name.startswith("--param") or NAMED & (table.get(name, set()) |
                                    table.get(name.rstrip("="), set())):
            continue
        asked = list(forms(name))
        passed = [words for words, refused in
                  zip(asked, judge(family, asked)) if not refused]
        if passed:
            found[listed] = passed
    return found


@pytest.mark.parametrize("compiler", ["gcc-11", "gcc-12", "g++-12", "clang-14"])
def test_options_that_name_files_are_classified(compiler, judge):
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} here")
    options = options_of(compiler)
    assert len(options) > 700
    family = "C" if "clang" in compiler else "G"
    assert unclassified(judge, family, options) == {}


@pytest.mark.parametrize("family,words", [
    ("G", ["-fopt-info=x"]), ("G", ["-fopt-info-vec=x"]),
    ("C", ["-fbasic-block-sections=list=x"]), ("C", ["-mllvm", "-o=x"])])
def test_the_part_that_does_is_refused(judge, family, words):
    assert judge(family, [words]) == [True]


def test_control(judge):
    """an option that is not in the table is found"""
    assert unclassified(judge, "G", {
        "-fnew-thing=<file>": " Write it to <file>."}) != {}
    assert unclassified(judge, "G", {"-fplugin=<file>": " a plugin"}) == {}
    assert judge("G", [["-O2"], ["-fplugin=x"]]) == [False, True]
