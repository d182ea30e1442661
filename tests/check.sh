#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# check.sh - what "make check" does after the set-up: every step, also after one
# has failed, then a table.  B, MAKE and FUZZ_S come from the Makefile; with CI
# set (or FUZZ_S given) the fuzz targets run too.
set -u
# MAKE may hold flags: words are wanted
make() {
	# shellcheck disable=SC2086
	command ${MAKE:-make} B="$B" "$@"
}
B=${B:-build}
mkdir -p "$B"
table=$B/check.txt
failures=0
: >"$table"

# step NAME COMMAND... - the last line that the command prints is its result
step() {
	name=$1
	shift
	echo "== $name"
	log=$B/check-$name.log
	begin=$(date +%s)
	{ "$@" 2>&1 </dev/null; echo $? >"$log.rc"; } | tee "$log"
	result=ok
	if [ "$(cat "$log.rc")" != 0 ]; then
		result=FAILED
		failures=$((failures + 1))
	fi
	rm -f "$log.rc"
	printf '%-14s %-7s %5s s  %s\n' "$name" $result \
	    $(($(date +%s) - begin)) \
	    "$(grep -v '^make\[' "$log" | tail -n 1 | cut -c1-90)" >>"$table"
}

skip() {
	printf '%-14s %-7s          %s\n' "$1" skipped "$2" >>"$table"
}

# a compiler without its sanitizer libraries cannot do it
has_sanitizer() {
	echo 'int main(void){return 0;}' |
	    "$1" -x c -fsanitize="$2" -o "$B/probe" - 2>/dev/null
}

step build make all
step unit make check-unit
step lint make check-lint
step hardening make hardening-check
step integration make check-integration
if has_sanitizer "${CC:-cc}" address,undefined; then
	step unit-asan make check-asan
else
	skip unit-asan "no sanitizer libraries for ${CC:-cc}"
fi
if [ -z "${CI:-}${FUZZ_S:-}" ]; then
	skip fuzz "only in CI; here: make fuzz"
elif echo 'int LLVMFuzzerTestOneInput(void); int
    LLVMFuzzerTestOneInput(void){return 0;}' | "${CLANG:-clang}" -x c \
    -fsanitize=fuzzer -o "$B/probe" - 2>/dev/null; then
	step fuzz make fuzz FUZZ_S="${FUZZ_S:-20}"
else
	skip fuzz "no clang with libFuzzer"
fi
rm -f "$B/probe"

echo
echo "== make check"
cat "$table"
if [ $failures = 0 ]; then
	echo "check: all passed"
else
	echo "check: $failures step(s) FAILED; logs in $B/check-*.log"
fi
[ $failures = 0 ]
