/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_test.h"

#include "policy/items.h"
#include "policy/option.h"
#include "policy/value.h"

#define A	" -c a.c -o a.o"

static int
ask(const char *command, enum compiler_family family, unsigned int protocol,
    char why[CMDLINE_WHY_BYTES])
{
	struct words w;

	return cmdline_judge(split(&w, command), family, protocol, why);
}

static enum compiler_family
family_of(const char *command)
{
	struct words w;

	return compiler_family(compiler_base(split(&w, command)[0]));
}

/* ---- what may never run, whatever the family and the protocol ---- */

static const char *const hostile[] = {
	/* run another program */
	"gcc -wrapper sh,-c,id" A,
	"gcc -wrapper sh,./p.sh" A,
	"gcc -wrapper env,LD_PRELOAD=./mod.so" A,
	"gcc -wrapper=sh" A,
	"gcc --wrapper sh" A,
	"gcc -B/tmp/x" A,
	"gcc -B /tmp/x" A,
	"gcc -B./" A,
	"gcc -B." A,
	"gcc --prefix=/tmp/x" A,
	"gcc --prefix /tmp/x" A,
	"clang -fno-integrated-as -B/tmp/x/" A,
	"gcc -no-integrated-cpp -B./" A,
	"clang -ccc-gcc-name ./p.sh" A,
	"clang -ccc-install-dir /tmp/x" A,
	"clang -ccc-print-phases" A,
	"clang --gcc-toolchain=/tmp/x" A,
	"clang -gcc-toolchain /tmp/x" A,
	"clang --gcc-install-dir=/tmp/x" A,
	"clang -resource-dir /tmp/x" A,
	"clang -resource-dir=/tmp/x" A,
	"clang --ld-path=/tmp/x" A,
	"clang --ptxas-path=/tmp/x" A,
	"clang --driver-mode=cl" A,
	"clang -cc1 -load ./mod.so" A,
	"clang -cc1as" A,
	"g++ -fmodule-mapper=|/usr/bin/touch" A,
	"g++ -std=c++20 -fmodules-ts -fmodule-mapper=./map -c a.cc -o a.o",
	"g++ --module-mapper=x" A,
	"gcc -foffload=-fplugin=./mod.so" A,
	"gcc -foffload-options=-fplugin=./mod.so" A,
	"gcc -fcompare-debug=-fplugin=./mod.so" A,
	"gcc -fcompare-debug" A,
	"gcc --compare-debug=-fplugin=x" A,
	"gcc -fcppprog=x" A,
	/* load code */
	"gcc -fplugin=./mod.so" A,
	"gcc -fplugin=mod" A,
	"gcc -fplugin" A,
	"gcc -fplugin-arg-mod-x=1" A,
	"gcc --plugin=./mod.so" A,
	"gcc --plugin=mod" A,
	"gcc -iplugindir=/tmp/x -fplugin-arg-mod-x=1" A,
	"gcc -iplugindir=. -c a.c",
	"clang -fpass-plugin=./mod.so" A,
	"clang -fplugin=./mod.so" A,
	"clang -Xclang -load -Xclang ./mod.so" A,
	"clang -Xclang=-load -Xclang=./mod.so" A,
	"clang -Xclang -fpass-plugin=./mod.so" A,
	"clang -Xclang -add-plugin -Xclang x" A,
	"clang -Xclang -plugin -Xclang x" A,
	"clang -load ./mod.so" A,
	"clang -mllvm -load=./mod.so" A,
	"clang -mllvm=-load=./mod.so" A,
	"clang -mllvm -load -mllvm ./mod.so" A,
	"clang -Xclang -mllvm -Xclang -load=./mod.so" A,
	"gcc -Wp,-fplugin=./mod.so" A,
	"gcc -Wp,-DX,-fplugin=mod" A,
	"gcc -x c -Xpreprocessor -fplugin=/tmp/mod.so" A,
	"clang -Wp,-load,./mod.so" A,
	"clang -Xpreprocessor -load" A,
	"clang -Xanalyzer -load" A,
	"clang -Xarch_x86_64 -fplugin=./mod.so" A,
	"clang -Xarch_host -Bx" A,
	"clang -Xopenmp-target -fplugin=x" A,
	"clang -Xopenmp-target=x -fplugin=x" A,
	"clang -Xcuda-ptxas -x" A,
	"clang -fopenmp-targets=x86_64" A,
	/* take options from a file */
	"gcc @args" A,
	"gcc @/etc/passwd" A,
	"gcc -D @args" A,
	"gcc -I @args" A,
	"gcc -o @args -c a.c",
	"gcc -c a.c -x @args",
	"gcc -Xassembler @args" A,
	"gcc -Wa,@args" A,
	"gcc -Wp,@args" A,
	"clang -Xclang @args" A,
	"clang -mllvm @args" A,
	"gcc -MF @args -MD" A,
	"gcc -specs=foo.specs" A,
	"gcc -specs foo.specs" A,
	"gcc --specs=foo.specs" A,
	"gcc --specs foo.specs" A,
	"gcc -specs=/usr/lib/x.specs" A,
	"clang --config ./c.cfg" A,
	"clang --config=./c.cfg" A,
	"clang --config-user-dir=." A,
	"clang --config-system-dir=." A,
	"clang -config ./c.cfg" A,
	"clang --target=../../x" A,
	"clang -target ../x" A,
	"clang --target=/tmp/x" A,
	/* write a file besides the object */
	"gcc -dumpdir /tmp/m -save-temps" A,
	"gcc -dumpdir x" A,
	"gcc -dumpbase /tmp/m" A,
	"gcc --dumpbase /tmp/m" A,
	"gcc -dumpbase-ext .x" A,
	"gcc -save-temps" A,
	"gcc -save-temps=obj" A,
	"gcc --save-temps" A,
	"gcc -fdump-tree-optimized=/tmp/m" A,
	"gcc -fdump-tree-all" A,
	"gcc --dump-tree-optimized=/tmp/m" A,
	"gcc --dump=a" A,
	"gcc --dump a" A,
	"gcc -da" A,
	"gcc -d a" A,
	"gcc -dr" A,
	"gcc -Wa,-o,/tmp/m" A,
	"gcc -Wa,--MD,/tmp/m" A,
	"gcc -Wa,--MD=x" A,
	"gcc -Wa,-a=x" A,
	"gcc -Wa,-al" A,
	"gcc -Wa,-mtune=generic,-alh" A,
	"gcc -Wa,-I,/etc" A,
	"gcc -Wa,/etc/passwd" A,
	"gcc -Wa,a.s" A,
	"gcc -Wa,--defsym" A,
	"gcc -Wa,--defsym,-o" A,
	"gcc -Wa,--defsym,-o=/x" A,
	"gcc -Wa," A,
	"gcc -Wa,--noexecstack,," A,
	"gcc -Xassembler --MD -Xassembler /tmp/m" A,
	"gcc -Xassembler -o -Xassembler x" A,
	"gcc -Xassembler --MD" A,
	"gcc --for-assembler --MD" A,
	"gcc --for-assembler=--MD" A,
	"gcc --coverage" A,
	"gcc -coverage -dumpdir /tmp/m" A,
	"gcc -ftest-coverage" A,
	"gcc -fprofile-note=/tmp/m" A,
	"gcc -g -gsplit-dwarf" A,
	"gcc -O2 -fsave-optimization-record" A,
	"clang -O2 -foptimization-record-file=/tmp/m" A,
	"clang --serialize-diagnostics /tmp/m" A,
	"clang -serialize-diagnostics /tmp/m" A,
	"clang -serialize-diagnostics x" A,
	"clang -Xclang -serialize-diagnostic-file -Xclang x" A,
	"clang -Xclang -dependency-file -Xclang /tmp/m" A,
	"clang -Xclang -dependency-file -Xclang m -Xclang -MT -Xclang x" A,
	"clang -Xclang -dependency-dot -Xclang m" A,
	"clang -dependency-file m" A,
	"clang -H -Xclang -header-include-file -Xclang /tmp/m" A,
	"clang -fmodules -fmodules-cache-path=/tmp/m" A,
	"clang -fmodules-cache-path=x" A,
	"clang -fmodules-user-build-path x" A,
	"clang -fmodule-file=x.pcm" A,
	"clang -fprebuilt-module-path=x" A,
	"clang -fmodule-output=/tmp/m" A,
	"clang -O1 -ftime-report -mllvm -info-output-file=/tmp/m" A,
	"clang -mllvm -info-output-file=m" A,
	"clang -mllvm -info-output-file -mllvm m" A,
	"clang -mllvm -stats-file=m" A,
	"clang -mllvm -view-cfg" A,
	"clang -mllvm -dot-cfg" A,
	"clang -mllvm -pass-remarks-output=m" A,
	"clang -mllvm -anything=m" A,
	"clang -mllvm m" A,
	"clang -ftime-trace" A,
	"clang -ftime-trace=/tmp/m" A,
	"clang -fproc-stat-report=/tmp/m" A,
	"clang -fcrash-diagnostics-dir=/tmp/m" A,
	"clang -gen-reproducer=always" A,
	"clang -gen-cdb-fragment-path /tmp/m" A,
	"clang -MJ x.json" A,
	"clang -MJx.json" A,
	"clang -index-store-path x" A,
	"gcc -aux-info x" A,
	"gcc -aux-info=x" A,
	"gcc -fstack-usage" A,
	"gcc -fcallgraph-info=su" A,
	"gcc -fopt-info-all=/tmp/m" A,
	"gcc -fopt-info=m" A,
	"gcc -fdiagnostics-format=sarif-file" A,
	"gcc -fdiagnostics-add-output=sarif:file=x" A,
	"gcc -fdeps-file=x -fdeps-format=p1689r5" A,
	"gcc -frepo" A,
	"gcc -time=/tmp/m" A,
	"gcc --output=/tmp/m -c a.c",
	"gcc --output /tmp/m -c a.c",
	"gcc --language=c -c a.c",
	"clang -working-directory=/tmp" A,
	"clang -working-directory /tmp" A,
	"gcc -c a.c -o -",
	"gcc -MD -MF -" A,
	"gcc -MD -MF /etc/x" A,
	"gcc -MD -MF /dev/shm/x" A,
	"gcc -MD -MF //usr/./lib/x" A,
	"gcc -MD -MF /./etc/x" A,
	"gcc -MD -MF ../../x" A,
	"gcc -MD -MFx/../../y" A,
	"gcc -Wp,-MD,/etc/x" A,
	"gcc -Wp,-MD,../x" A,
	"gcc -Wp,-MD" A,
	"gcc -Wp,-MD,-o" A,
	/* read what was not sent */
	"gcc -fprofile-use=/etc/x" A,
	"gcc -fprofile-use=x" A,
	"gcc --profile-use=x" A,
	"gcc -fauto-profile=x" A,
	"clang -fprofile-instr-use=x" A,
	"clang -fprofile-sample-use=x" A,
	"clang -fprofile-list=x" A,
	"clang -fsanitize-blacklist=/etc/passwd" A,
	"clang -fsanitize-ignorelist=x" A,
	"clang -fsanitize-coverage-allowlist=x" A,
	"clang -fxray-attr-list=x" A,
	"clang -fthinlto-index=/etc/passwd" A,
	"clang -ivfsoverlay /tmp/vfs.yaml" A,
	"clang -ivfsoverlay vfs.yaml" A,
	"clang -ivfsoverlayvfs.yaml" A,
	"clang -include-pch x.pch" A,
	"clang -Xclang -include-pch -Xclang x" A,
	"clang -mlink-builtin-bitcode x.bc" A,
	"gcc -fself-test=x" A,
	"gcc -fresolution=x" A,
	"gcc -fpch-preprocess" A,
	"clang -filelist x" A,
	"clang -frewrite-map-file=x" A,
	"clang -fbasic-block-sections=list=x" A,
	"gcc -T script.ld" A,
	"gcc -Tscript.ld" A,
	"gcc -Xlinker -plugin" A,
	"gcc -fnew-option=x.so" A,
	"gcc -fnew-option=./x" A,
	"gcc -fnew-option=a/b" A,
	"gcc -fnew-option=.x" A,
	"gcc -mnew=/x" A,
	"gcc -Wnew=/x" A,
	"gcc -gnew=x.y" A,
	"gcc -march=../x" A,
	"gcc -std=/x" A,
	"gcc -fuse-ld=/tmp/x" A,
	"gcc --param x=/y" A,
	"gcc -fexec-charset=../x" A,
	"gcc a.so" A,
	"gcc /etc/passwd" A,
	"gcc x/a.o" A,
	"gcc -x c /etc/passwd" A,
	"gcc -x c b.o" A,
	/* is no compile of one source */
	"gcc -E a.c",
	"gcc -M a.c -c",
	"gcc -MM a.c -c",
	"gcc -fsyntax-only" A,
	"gcc -###" A,
	"gcc -print-search-dirs" A,
	"gcc -print-file-name=cc1" A,
	"gcc --print-prog-name=cc1" A,
	"gcc -dumpversion" A,
	"gcc -dumpspecs" A,
	"gcc -dumpmachine" A,
	"gcc --help" A,
	"gcc --help=target" A,
	"gcc --target-help" A,
	"gcc -fhelp=target" A,
	"gcc --version" A,
	"clang -emit-ast" A,
	"clang -emit-pch" A,
	"gcc -c -",
	"gcc -x assembler -c a.c",
	"gcc -xassembler-with-cpp -c a.c",
	"gcc -x c-header -c a.c",
	"gcc -x none -c a.c",
	"gcc -x cuda -c a.c",
	"clang -x ir -c a.c",
	"clang -x ast -c a.c",
	"gcc -c -march=native a.c",
	"gcc -c -mcpu=native a.c",
	"gcc -c -mtune=native a.c",
	/* words that no table knows */
	"gcc -- a.c -c",
	"gcc -qunknown" A,
	"gcc --unknown" A,
	"gcc --unknown=x" A,
	"gcc -i /etc/passwd" A,
	"gcc -Zx" A,
	"gcc -b x -V y" A,
	"gcc -I- -c a.c",
};

static void
judge_hostile(void **state)
{
	char why[CMDLINE_WHY_BYTES];

	(void)state;
	for (size_t i = 0; i < NELEM(hostile); i++) {
		for (unsigned int k = 0; k < 9; k++) {
			if (ask(hostile[i], (enum compiler_family)(k % 3),
			    k / 3 + 1, why) == 0)
				fail_msg("passes: %s (family %u, protocol %u)",
				    hostile[i], k % 3, k / 3 + 1);
			assert_int_not_equal(why[0], '\0');
		}
	}
}

/* ---- not a command at all: ERR_SYNTAX ---- */

static void
judge_syntax(void **state)
{
	static const char *const bad[] = {
		"gcc", "gcc -c", "gcc a.c", "gcc -c a.c b.c", "gcc -c a.c -o",
		"gcc -c a.c -x", "gcc -c a.c -D", "gcc -c a.c -I",
		"gcc -c a.c -isystem", "gcc -c a.c -include",
		"gcc -c a.c -imacros", "gcc -c a.c -MF", "gcc -c a.c -MT",
		"gcc -c a.c -MQ", "gcc -c a.c -U", "gcc -c a.c -L",
		"gcc -c a.c -l", "gcc -c a.c --param", "gcc -c a.c -Xassembler",
		"gcc -c a.c -Xpreprocessor", "gcc -c a.c --sysroot",
		"gcc -c a.c -idirafter", "gcc -c a.c -iquote",
		"gcc -c a.c -o a -o b", "gcc -c a.c ''", "gcc '' -c a.c",
		"gcc -o a.o -c", "gcc a.c -o a.o",
	};
	char *const none[] = { NULL };
	char why[CMDLINE_WHY_BYTES];

	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++) {
		print_message("%s\n", bad[i]);
		assert_int_equal(ask(bad[i], FAMILY_GCC, 3, why), ERR_SYNTAX);
	}
	assert_int_equal(ask("clang -c a.c -Xclang", FAMILY_CLANG, 1, why),
	    ERR_SYNTAX);
	assert_int_equal(cmdline_judge(none, FAMILY_GCC, 1, why), ERR_SYNTAX);
}

/* ---- what real projects send must pass, in each protocol ---- */

static const char *const ordinary[] = {
	"gcc -c a.c",
	"gcc -c a.c -o /home/u/build/a.o",
	"gcc -c /home/u/src/a.c -o a.o",
	"gcc -S a.c -o a.s",
	"gcc -c a.c a.o",
	"gcc -x c -c a.i -o a.o",
	"g++ -xc++ -c a.ii -o a.o",
	"gcc -x cpp-output" A,
	"gcc -O0 -O1 -O2 -O3 -Os -Og -Ofast -O -g -g0 -g3 -ggdb3 -gdwarf-5" A,
	"gcc -std=gnu++2a -std=c99 -ansi -pedantic -pedantic-errors -w" A,
	"gcc -pipe -pthread -p -pg -v" A,
	"gcc -Wall -Wextra -Wno-unused -Werror=format-security -Wformat=2" A,
	"gcc -Wno-error=deprecated-declarations -Wframe-larger-than=4096" A,
	"clang -Wno-#warnings -Wno-c++11-compat -W#pragma-messages" A,
	"clang -Wframe-larger-than=1024 -Wframe-larger-than 1024" A,
	"gcc -fPIC -fpic -fPIE -fno-exceptions -fvisibility=hidden" A,
	"gcc -fstack-protector-strong -fcf-protection=full -fno-plt" A,
	"gcc -fsanitize=address,undefined -fno-sanitize-recover=all" A,
	"gcc -fmessage-length=0 -fdiagnostics-color=always" A,
	"gcc -fdiagnostics-urls=never -fmax-errors=5 -ftemplate-depth=900" A,
	"gcc -fdebug-prefix-map=/a=/b -ffile-prefix-map=/build/x=." A,
	"gcc -fmacro-prefix-map=/a/=" A,
	"clang -ffile-compilation-dir=. -fdebug-compilation-dir=/x" A,
	"clang -fdebug-compilation-dir /x -fcoverage-compilation-dir=/x" A,
	"gcc -frandom-seed=/x/a.o -frecord-gcc-switches" A,
	"gcc -falign-functions=32:16 -fpatchable-function-entry=5,2" A,
	"gcc -finstrument-functions-exclude-file-list=/usr,lib/x.h" A,
	"gcc -flto -flto=auto -ffat-lto-objects -fuse-linker-plugin" A,
	"clang -flto=thin -fuse-ld=lld" A,
	"gcc -fopt-info-vec-missed -ftime-report -fopenmp" A,
	"clang -gsplit-dwarf=single -gline-tables-only -gz=zlib" A,
	"gcc -m32 -m64 -msse4.2 -mno-red-zone -mcmodel=kernel -mthumb" A,
	"gcc -march=armv8.2-a+crypto -mtune=cortex-a57.cortex-a53" A,
	"gcc -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard" A,
	"gcc -mpreferred-stack-boundary=3 -mindirect-branch=thunk-extern" A,
	"gcc -mstack-protector-guard-symbol=__ref_stack_chk_guard" A,
	"gcc --param ssp-buffer-size=4 --param=max-inline-insns-single=9" A,
	"gcc -Wa,--noexecstack -Wa,-mtune=generic64 -Wa,--gdwarf-5" A,
	"gcc -Wa,-march=armv8-a+crc,--compress-debug-sections=zlib" A,
	"gcc -Wa,-mx86-used-note=yes -Wa,-mbranches-within-32B-boundaries" A,
	"gcc -Wa,--defsym,FOO=1,-W -Xassembler --noexecstack" A,
	"gcc -Wa,-xarch=v8" A,
	"gcc -no-canonical-prefixes -nostdlib -static -shared -pie" A,
	"gcc -rdynamic -static-libgcc -s -z now -u main" A,
	"gcc -C -P -H -trigraphs -dM" A,
	"gcc -iquote . -iquotebazel-out/x -idirafter/usr/include/x" A,
	"gcc -isysroot /sdk --sysroot=/sdk -F fw" A,
	"gcc --sysroot /sdk" A,
	"gcc -fprofile-dir=/x -fprofile-update=atomic" A,
	"clang --target=aarch64-linux-gnu2.17 -Qunused-arguments" A,
	"clang -target armv7a-linux-androideabi21 --sysroot=/ndk" A,
	"clang -fcolor-diagnostics -fansi-escape-codes" A,
	"clang -Xclang -fno-pch-timestamp -Xclang -fuse-ctor-homing" A,
	"clang -Xclang -target-feature -Xclang +avx2" A,
	"clang -Xclang -target-feature -Xclang -sse4.2" A,
	"clang -Xclang -mllvm -Xclang -inline-threshold=500" A,
	"clang -Xclang -Wno-unused -Xclang -fdebug-compilation-dir"
	    " -Xclang ." A,
	"clang -mllvm -inline-threshold=500 -mllvm -polly" A,
	"clang -mllvm -instcombine-lower-dbg-declare=0" A,
	"clang -mllvm -x86-asm-syntax=intel -mllvm -enable-x=true" A,
	"clang -fno-integrated-as -integrated-as -Rpass=inline" A,
	"clang -stdlib=libc++ --rtlib=compiler-rt -rtlib=libgcc" A,
	"clang -fms-compatibility-version=19.20.27508.1 -fgnuc-version=4.2.1" A,
	"cc -c a.c -D_FORTIFY_SOURCE=2 -DX=/a/b -UY -D Z",
	"cc -I/usr/include/x -I inc -isystem /x -MD -MMD -MP -MT x/y" A,
	"cc -L/x -lfoo -Wl,-rpath,/x -Wp,-D_FORTIFY_SOURCE=3" A,
	"cc -Wp,-U_FORTIFY_SOURCE,-D_FORTIFY_SOURCE=3 -include x.h" A,
};

static void
judge_ordinary(void **state)
{
	char why[CMDLINE_WHY_BYTES];

	(void)state;
	for (size_t i = 0; i < NELEM(ordinary); i++) {
		for (unsigned int protocol = 1; protocol <= 3; protocol++) {
			if (ask(ordinary[i], family_of(ordinary[i]), protocol,
			    why) != 0)
				fail_msg("refused in %u: %s: %s", protocol,
				    ordinary[i], why);
			assert_string_equal(why, "");
		}
	}
}

/* ---- where the protocols differ: only 3 has files of its own ---- */

static const char *const pump_only[] = {
	"gcc -include /etc/passwd" A,
	"gcc -include ../x.h" A,
	"gcc -include/etc/passwd" A,
	"gcc -imacros /x/y.h" A,
	"gcc -MD -MF x.d" A,
	"gcc -MD -MFsub/x.d" A,
	"gcc -MD -MF /home/u/build/x.d" A,
	"gcc -MD -MF /root/etc/x.d" A,
	"gcc -Wp,-MD,.deps/x.d" A,
	"gcc -Wp,-MMD,.deps/x.d,-MT,x.o" A,
};

static void
judge_pump_only(void **state)
{
	char why[CMDLINE_WHY_BYTES];

	(void)state;
	for (size_t i = 0; i < NELEM(pump_only); i++) {
		print_message("%s\n", pump_only[i]);
		assert_int_equal(ask(pump_only[i], FAMILY_GCC, 1, why),
		    ERR_ACCESS);
		assert_int_equal(ask(pump_only[i], FAMILY_GCC, 2, why),
		    ERR_ACCESS);
		assert_int_equal(ask(pump_only[i], FAMILY_GCC, 3, why), 0);
	}
}

/*
 * clang looks for programs below --sysroot; in protocol 3 a client could have
 * put one there.
 */
static void
judge_sysroot(void **state)
{
	static const char *const bad[] = {
		"clang --sysroot=/j -fno-integrated-as" A,
		"clang -no-integrated-as --sysroot /j" A,
		"clang --sysroot=/j --target=nvptx64" A,
		"clang --sysroot=/j -target x" A,
	};
	char why[CMDLINE_WHY_BYTES];

	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++) {
		assert_int_equal(ask(bad[i], FAMILY_CLANG, 1, why), 0);
		assert_int_equal(ask(bad[i], FAMILY_CLANG, 3, why),
		    ERR_ACCESS);
	}
}

/*
 * ---- desynchronisation ----
 * An option that the table takes for one with a value while the compiler does
 * not, or the other way round, must not hide the word behind it.
 */
static void
judge_hidden(void **state)
{
	static const char *const hidden[] = {
		"-wrapper", "-B/x", "-fplugin=x", "@x", "-specs=x",
		"--plugin=x", "-load", "-Wa,-o", "-dumpdir", "--config",
	};
	char why[CMDLINE_WHY_BYTES], command[256];
	const struct option *table;
	size_t n;

	(void)state;
	table = option_table(&n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < NELEM(hidden); k++) {
			for (unsigned int f = 0; f < 9; f++) {
				(void)snprintf(command, sizeof(command),
				    "gcc %s %s -c a.c", table[i].name,
				    hidden[k]);
				if (ask(command, (enum compiler_family)(f % 3),
				    f / 3 + 1, why) == 0)
					fail_msg("hidden: %s", command);
			}
		}
	}
}

/* words that only the other family knows, or knows with another arity */
static void
judge_families(void **state)
{
	static const char *const clang_only[] = {
		"-Xclang -fno-pch-timestamp", "-mllvm -polly", "-target x",
		"-fdebug-compilation-dir x", "-cxx-isystem x", "-rpath x",
		"-Wframe-larger-than 9", "-meabi 5", "--target=x",
		"-ftrapv-handler x", "-Rpass=x", "-mthread-model posix",
	};
	char why[CMDLINE_WHY_BYTES], command[256];

	(void)state;
	for (size_t i = 0; i < NELEM(clang_only); i++) {
		(void)snprintf(command, sizeof(command), "cc %s -c a.c",
		    clang_only[i]);
		print_message("%s\n", command);
		assert_int_equal(ask(command, FAMILY_CLANG, 1, why), 0);
		assert_int_not_equal(ask(command, FAMILY_GCC, 1, why), 0);
		assert_int_not_equal(ask(command, FAMILY_OTHER, 1, why), 0);
	}
	assert_int_equal(ask("gcc --analyze" A, FAMILY_GCC, 1, why), 0);
	assert_int_not_equal(ask("clang --analyze" A, FAMILY_CLANG, 1, why),
	    0);
	assert_int_equal(ask("gcc -meabi -c a.c", FAMILY_GCC, 1, why), 0);
	assert_int_not_equal(ask("clang -meabi -c a.c", FAMILY_CLANG, 1, why),
	    0);
	assert_int_not_equal(ask("clang -R x -c a.c", FAMILY_CLANG, 1, why),
	    0);
}

static void
judge_frontend_pairs(void **state)
{
	static const char *const bad[] = {
		"clang -Xclang -target-feature" A,
		"clang -Xclang -target-feature -Xclang avx2" A,
		"clang -Xclang -target-feature -Xclang -load -Xclang x.so" A,
		"clang -Xclang -target-cpu -Xclang -load" A,
		"clang -Xclang -target-cpu -Xclang ../x" A,
		"clang -Xclang -mllvm" A,
		"clang -Xclang -fdebug-compilation-dir -Xclang -load" A,
		"clang -Xclang x.c" A,
		"clang -Xclang +avx2" A,
		"clang -Xclang -Wa,-o,x" A,
		"clang -Xclang -Wl,x" A,
		"clang -Xclang -o -Xclang x" A,
	};
	char why[CMDLINE_WHY_BYTES];

	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++) {
		print_message("%s\n", bad[i]);
		assert_int_not_equal(ask(bad[i], FAMILY_CLANG, 3, why), 0);
	}
}

/* ---- the reason is one printable line that names the word ---- */

static void
judge_reason(void **state)
{
	char gcc[] = "gcc", c[] = "-c", in[] = "a.c";
	char evil[] = "-fx\n\033[2J\377/";
	char longest[4096], why[CMDLINE_WHY_BYTES];
	char *const argv[] = { gcc, c, in, evil, NULL };
	char *const big[] = { gcc, longest, NULL };

	(void)state;
	(void)ask("gcc -wrapper x -c a.c", FAMILY_GCC, 1, why);
	assert_string_equal(why, "-wrapper runs or loads code");
	(void)ask("gcc -save-temps -c a.c", FAMILY_GCC, 1, why);
	assert_string_equal(why, "-save-temps writes side files");
	assert_int_equal(cmdline_judge(argv, FAMILY_GCC, 1, why), ERR_ACCESS);
	assert_string_equal(why, "-fx??[2J?/ is not known to be safe");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "-Z", 2);
	assert_int_equal(cmdline_judge(big, FAMILY_GCC, 1, why), ERR_ACCESS);
	assert_non_null(strstr(why, "... is not known to be safe"));
}

static void
judge_values(void **state)
{
	(void)state;
	assert_true(value_is_word(""));
	assert_true(value_is_word("armv8.2-a+crypto"));
	assert_false(value_is_word("x.so"));
	assert_false(value_is_word(".5"));
	assert_false(value_is_word("x."));
	assert_false(value_is_word("a b"));
	assert_true(value_climbs(".."));
	assert_true(value_climbs("a/.."));
	assert_true(value_climbs("/..//x"));
	assert_false(value_climbs("a..b/..c"));
	assert_true(value_is_output("x.d"));
	assert_true(value_is_output("/w/usr/x.d"));
	assert_true(value_is_output("/usrx/x.d"));
	assert_false(value_is_output(""));
	assert_false(value_is_output("/usr"));
	assert_false(value_is_output("/.//usr/x"));
	assert_false(value_is_output("/proc/self/fd/1"));
	assert_false(value_is_output("a/../../x"));
}

/* the table itself: no duplicate, every name an option */
static void
judge_table(void **state)
{
	const struct option *t;
	size_t n;

	(void)state;
	t = option_table(&n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(t[i].name[0], '-');
		assert_true(t[i].len >= 2);
		assert_true(t[i].arity != ARITY_FLAG ||
		    t[i].value == VALUE_NONE);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(t[i].name, t[k].name) == 0 &&
			    (t[i].families & t[k].families) != 0)
				fail_msg("two rows: %s", t[i].name);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judge_hostile),
		cmocka_unit_test(judge_syntax),
		cmocka_unit_test(judge_ordinary),
		cmocka_unit_test(judge_pump_only),
		cmocka_unit_test(judge_sysroot),
		cmocka_unit_test(judge_hidden),
		cmocka_unit_test(judge_families),
		cmocka_unit_test(judge_frontend_pairs),
		cmocka_unit_test(judge_reason),
		cmocka_unit_test(judge_values),
		cmocka_unit_test(judge_table),
	};

	return cmocka_run_group_tests_name("policy/cmdline_judge", tests, NULL,
	    NULL);
}
