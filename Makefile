# SPDX-License-Identifier: GPL-2.0-or-later
# One make, not recursive.  The object lists below are grouped by process: what
# a list does not name, that process cannot reach.  tests/lint/ reads this back
# from the linked programs.  (make calls itself only for a second configuration
# in a build directory of its own: sanitizers, fuzzing.)
#
#   make              programs into build/bin and build/libexec; they run there
#   make demo         all set-up, then compile through two private daemons
#   make check        all set-up, then every test
#   make install      DESTDIR= PREFIX= SYSCONFDIR= LIBEXECDIR=
#   make uninstall    the same variables
#   make client       distcc alone; with NO_LZO=1 it needs libc only
#   make lint         the tree's own rules, cppcheck, shellcheck
#   make hardening-check   PIE, RELRO, CET, ... read back from the programs
#   make check-unit check-integration check-asan check-lint   parts of check
#   make fuzz         each fuzz target for FUZZ_S seconds (60)
#   make bench        beside stock distcc, if that is installed
#   make format       clang-format on changed lines
#   make dist         a source archive; make clean
#
# Switches: NO_LZO=1 NO_GSSAPI=1 NO_ZEROCONF=1 NO_GTK=1 NO_ZSTD=1 leave a part
# out; B=DIR another build directory; WERROR=-Werror (set when CI is); V=1
# shows each command.

VERSION	?= 4.0.0
PREFIX	?= /usr/local
BINDIR	?= $(PREFIX)/bin
SBINDIR	?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/distcc
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
MANDIR	?= $(PREFIX)/share/man
MASQDIR	?= $(PREFIX)/lib/distcc
COMPDIR	?= $(PREFIX)/share/bash-completion/completions
UNITDIR	?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
DESTDIR	?=
B	?= build
.DEFAULT_GOAL := all
FUZZ_S	?= 60

CC	?= cc
CLANG	?= clang
INSTALL	?= install
CFLAGS	?= -O2 -g
ifneq ($(CI),)
WERROR	?= -Werror
endif
# for the targets that a newcomer types without -j
PARALLEL = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
Q	= $(if $(V),,@echo '  $(or $(1),LINK) $@';)

# --- configuration ---------------------------------------------------------

SWITCHES = NO_LZO NO_GSSAPI NO_ZEROCONF NO_GTK NO_ZSTD
SWITCH_FLAGS = $(foreach s,$(SWITCHES),$(if $($(s)),-D$(s)))
DIR_FLAGS = -DLIBEXECDIR='"$(LIBEXECDIR)"' -DSYSCONFDIR='"$(SYSCONFDIR)"' \
	    -DMASQDIR='"$(MASQDIR)"'
CONFIG	:= $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(WERROR) $(VERSION) \
	  $(SWITCH_FLAGS) $(DIR_FLAGS)

# These need no compiler of their own, or run where there is none yet.
NO_CONFIG_GOALS = check check-asan demo clean dist help format fuzz uninstall
ifneq ($(filter-out $(NO_CONFIG_GOALS),$(or $(MAKECMDGOALS),all)),)
# A changed configuration rebuilds what was built with the old one.
$(shell mkdir -p $(B))
$(file >$(B)/config.new,$(CONFIG))
$(shell cmp -s $(B)/config.new $(B)/config || cp $(B)/config.new $(B)/config)
include $(B)/flags.mk		# which flags this compiler takes
endif

$(B)/flags.mk: dist/probe-flags $(B)/config
	@dist/probe-flags '$(CC)' $(CFLAGS) $(LDFLAGS) >$@.new && mv $@.new $@

ALL_CFLAGS = -std=gnu17 -I. -D_GNU_SOURCE -DVERSION='"$(VERSION)"' \
	     $(DIR_FLAGS) $(SWITCH_FLAGS) $(PROBED_WARN) $(PROBED_HARDEN) \
	     $(CPPFLAGS) $(CFLAGS) $(WARN) $(WERROR) -MMD -MP
DYN_LDFLAGS = $(CFLAGS) -pie $(PROBED_LDFLAGS) $(LDFLAGS)
# static-pie: nothing to resolve at start, nothing to preload; dynamic where a
# static library is missing
static_ldflags = $(CFLAGS) $(if $(1),-static-pie $(PROBED_STATIC),-pie) \
		 $(PROBED_LDFLAGS) $(LDFLAGS)

# --- processes -------------------------------------------------------------

LIB	= $(wildcard lib/*.c)
WIRE	= $(filter-out wire/$(if $(NO_LZO),lzo,lzo_none).c,$(wildcard wire/*.c))
POLICY	= $(wildcard policy/*.c)
SANDBOX	= $(wildcard sandbox/*.c)
SELF	= sandbox/self.c sandbox/landlock.c

# distccd: listens, judges addresses, starts the others.  No wire/, no lzo.
LISTENER = $(wildcard server/listener/*.c sandbox/filter.c) $(POLICY) $(SELF) \
	   $(LIB)
# distccd-worker: reads the client's bytes.  No exec, no file.
WORKER	= $(filter-out %/sealed.c,$(wildcard server/worker/*.c)) $(WIRE) \
	   $(POLICY) $(SELF) $(LIB)
# distccd-worker-gss: the same for sealed connections, with GSSAPI to unseal.
GSS	= auth/config.c auth/context.c auth/stream.c
WORKER_GSS = $(filter-out %/sealed_none.c,$(wildcard server/worker/*.c)) \
	   server/forker.c $(GSS) $(WIRE) $(POLICY) $(SELF) $(LIB)
# distccd-auth: GSSAPI's handshake.  No byte of a job, no parser of one.
HANDSHAKE = wire/auth.c wire/seal.c wire/token.c
AUTH	= $(wildcard server/auth/*.c) server/forker.c $(GSS) $(HANDSHAKE) \
	   $(SELF) $(LIB)
# distcc-gss.so: GSSAPI for the client, loaded when a host asks for it.
PLUGIN	= auth/plugin.c $(GSS) $(HANDSHAKE) $(LIB)
# distccd-jail: makes jails.  Reads no client's byte while it has a privilege.
JAIL	= $(wildcard server/jail/*.c) server/forker.c $(POLICY) $(SANDBOX) $(LIB)
# distcc: the client.
CLIENT	= $(wildcard client/*.c) $(filter-out $(SCAND_OWN),\
	  $(wildcard client/scan/*.c)) $(WIRE) $(POLICY) $(LIB)
# distccmon-text: reads the files that running clients keep.
MON	= $(wildcard client/mon/*.c) client/state.c client/dirs.c client/env.c \
	  $(LIB)
# lsdistcc: connects to servers, sends them a job of its own.
LSDISTCC = $(wildcard client/lsdistcc/*.c) client/probe.c $(WIRE) $(LIB)
# distcc-scand: finds the headers of a compile; reads sources, no network.
SCAND	= $(wildcard client/scan/*.c) $(LIB)
SCAND_OWN = client/scan/main.c client/scan/serve.c client/scan/confine.c
# distcc-zeroconf: asks Avahi which servers there are, and gcc for its version.
ZEROCONF = $(wildcard client/zeroconf/*.c) client/dirs.c client/env.c \
	   client/find.c client/spawn.c client/cleanup.c policy/compiler.c \
	   $(SELF) $(LIB)
# distccd-zeroconf: announces the daemon through Avahi; meets no client.
ANNOUNCER = $(wildcard server/zeroconf/*.c) server/jail/capture.c $(SELF) \
	   $(LIB)
# distcc-config, update-distcc-symlinks: scripts.
SCRIPTS	= $(B)/bin/distcc-config $(B)/bin/update-distcc-symlinks $(B)/bin/pump

LZO_LIBS	= $(if $(NO_LZO),,-llzo2)
LZO_STATIC	= -Wl,-Bstatic -llzo2 -Wl,-Bdynamic
LZO_LIBS_CLIENT	= $(if $(NO_LZO),,$(if $(LIB_LZO_A),$(LZO_STATIC),-llzo2))
SANDBOX_LIBS	= -lseccomp -lcap-ng
GSS_LIBS	= -lgssglue
AVAHI_LIBS	= -lavahi-client -lavahi-common

BIN	= $(B)/bin/distccd $(B)/bin/distcc $(B)/bin/distccmon-text \
	  $(B)/bin/lsdistcc
HELPERS	= $(B)/libexec/distccd-worker $(B)/libexec/distccd-jail \
	  $(B)/libexec/distcc-scand
ifeq ($(NO_GSSAPI),)
HELPERS	+= $(B)/libexec/distccd-auth $(B)/libexec/distccd-worker-gss
PLUGINS	= $(B)/libexec/distcc-gss.so
endif
ifeq ($(NO_ZEROCONF),)
ifeq ($(shell pkg-config --exists avahi-client 2>/dev/null && echo yes),yes)
HELPERS	+= $(B)/libexec/distcc-zeroconf $(B)/libexec/distccd-zeroconf
endif
endif
PROGRAMS = $(BIN) $(HELPERS)

obj	= $(patsubst %.c,$(B)/obj/%.o,$(1))

all: $(PROGRAMS) $(PLUGINS) $(SCRIPTS)
client: $(B)/bin/distcc
server: $(B)/bin/distccd $(HELPERS)

$(B)/bin/distccd: $(call obj,$(LISTENER))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^ $(SANDBOX_LIBS)

$(B)/libexec/distccd-worker: $(call obj,$(WORKER))
	@mkdir -p $(@D)
	$(Q)$(CC) $(call static_ldflags,$(and $(STATIC_SECCOMP),$(or $(NO_LZO),$(STATIC_LZO)))) \
	    -o $@ $^ $(LZO_LIBS) $(SANDBOX_LIBS)

$(B)/libexec/distccd-jail: $(call obj,$(JAIL))
	@mkdir -p $(@D)
	$(Q)$(CC) $(call static_ldflags,$(STATIC_SECCOMP)) -o $@ $^ $(SANDBOX_LIBS)

$(B)/bin/distcc: $(call obj,$(CLIENT))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^ $(LZO_LIBS_CLIENT)

$(B)/bin/distccmon-text: $(call obj,$(MON))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^

$(B)/libexec/distcc-scand: $(call obj,$(SCAND))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^

$(B)/libexec/distcc-zeroconf: $(call obj,$(ZEROCONF))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^ $(AVAHI_LIBS) $(SANDBOX_LIBS)

$(B)/libexec/distccd-zeroconf: $(call obj,$(ANNOUNCER))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^ $(AVAHI_LIBS) $(SANDBOX_LIBS)

$(B)/bin/lsdistcc: $(call obj,$(LSDISTCC))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^ $(LZO_LIBS_CLIENT)

$(B)/bin/%: client/config/%.in $(B)/config
	@mkdir -p $(@D)
	$(call Q,SH)$(subst_dirs) $< >$@.new && chmod 755 $@.new && mv $@.new $@

$(B)/bin/%: client/pump/%.in $(B)/config
	@mkdir -p $(@D)
	$(call Q,SH)$(subst_dirs) $< >$@.new && chmod 755 $@.new && mv $@.new $@

$(B)/libexec/distccd-worker-gss: $(call obj,$(WORKER_GSS))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^ $(LZO_LIBS) $(GSS_LIBS) $(SANDBOX_LIBS)

$(B)/libexec/distccd-auth: $(call obj,$(AUTH))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^ $(GSS_LIBS) $(SANDBOX_LIBS)

$(B)/libexec/distcc-gss.so: $(patsubst %.c,$(B)/pic/%.o,$(PLUGIN))
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -pie,$(DYN_LDFLAGS)) -shared -Wl,-Bsymbolic \
	    -o $@ $^ $(GSS_LIBS)

$(B)/pic/%.o: %.c $(B)/config
	@mkdir -p $(@D)
	$(call Q,CC)$(CC) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -c -o $@ $<

$(B)/obj/%.o: %.c $(B)/config
	@mkdir -p $(@D)
	$(call Q,CC)$(CC) $(ALL_CFLAGS) -fPIE -c -o $@ $<

# --- tests -----------------------------------------------------------------

PYTHON	= $(shell for p in /usr/bin/python3 python3; do \
	    $$p -c 'import pytest' 2>/dev/null && echo $$p && break; done)
UNIT	= $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
FUZZERS	= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TEST_LIBS = $(LZO_LIBS) -Wl,--as-needed $(SANDBOX_LIBS)

# sources that a test names in its first lines: "needs: a.c b.c"
needs	= $(shell sed -n '1,15s,^.*needs: *\([^*]*\).*$$,\1,p' $(1))

# An archive, so that a test may include the .c file that it tests.
$(B)/test/core.a: $(call obj,$(LIB) $(WIRE) $(POLICY))
	@mkdir -p $(@D)
	@rm -f $@
	$(call Q,AR)$(AR) rcs $@ $^

define unit_rule
$(B)/test/$(1): $(call obj,tests/unit/$(1).c $(call needs,tests/unit/$(1).c)) $(B)/test/core.a
	$$(Q)$$(CC) $$(DYN_LDFLAGS) -o $$@ $$^ -lcmocka $$(TEST_LIBS)
endef
define fuzz_rule
$(B)/test/$(1): $(call obj,tests/fuzz/$(1).c $(call needs,tests/fuzz/$(1).c)) $(B)/test/core.a
	$$(Q)$$(CC) $$(DYN_LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(TEST_LIBS)
endef
$(foreach t,$(UNIT),$(eval $(call unit_rule,$(t))))
$(foreach t,$(FUZZERS),$(eval $(call fuzz_rule,$(t))))
# LLVMFuzzerTestOneInput has no header
$(B)/obj/tests/fuzz/%.o: WARN += -Wno-missing-prototypes

check:
	dist/setup build check
	+@MAKE='$(MAKE) $(PARALLEL)' B='$(B)' FUZZ_S='$(if $(filter command environment,$(firstword $(origin FUZZ_S))),$(FUZZ_S))' \
	    tests/check.sh

check-unit: $(UNIT:%=$(B)/test/%)
	@tests/run-unit $^

check-integration: all $(B)/test/scan
	@test -n '$(PYTHON)' || { echo 'no python3 with pytest'; exit 1; }
	# with CI set, pytest compares differing objects byte by byte: for hours
	env -u CI DISTCC_BUILD='$(abspath $(B))' $(PYTHON) -m pytest -rsfE \
	    --tb=short --maxfail=30 \
	    -p no:cacheprovider $(PYTEST_ARGS) $(or $(TESTS),tests/integration \
	    $(if $(wildcard tests/escape/test_*.py),tests/escape))

check-lint lint: all
	@DISTCC_BUILD='$(B)' tests/lint/run

# warnings are the plain build's business; sanitizers bring false ones
check-asan:
	+$(MAKE) B=$(B)/asan WERROR= CFLAGS='-O1 -g -fsanitize=address,undefined \
	    -fno-sanitize-recover=all -fno-omit-frame-pointer' check-unit

hardening-check: all
	@/usr/bin/env python3 tests/lint/hardening.py $(B) $(PROGRAMS)

fuzz:
	+$(MAKE) B=$(B)/fuzz CC=$(CLANG) WERROR= CFLAGS='-O1 -g -fno-omit-frame-pointer \
	    -fsanitize=fuzzer-no-link,address,undefined \
	    -fno-sanitize-recover=all' fuzz-build
	@tests/run-fuzz $(B)/fuzz $(FUZZ_S) $(FUZZERS)

fuzz-build: $(FUZZERS:%=$(B)/test/%)

# a whole build's scans in one process: for profiles and comparisons
$(B)/test/scan: $(call obj,tests/bench/scan.c $(filter-out %/main.c,$(SCAND)))
	@mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LDFLAGS) -o $@ $^

bench: all
	/usr/bin/env python3 tests/bench/bench.py --build $(B) $(BENCH_ARGS)

demo:
	dist/setup build demo
	+@$(MAKE) $(PARALLEL) all
	/usr/bin/env python3 tests/demo/demo.py --build $(B) $(DEMO_ARGS)

# changed lines only
format:
	git clang-format --extensions c,h

# --- installation ----------------------------------------------------------

MAN	= $(wildcard client/*.[158] client/*/*.[158] server/*/*.[158])
TEMPLATES = $(wildcard dist/*.in)
subst_dirs = sed -e 's,@BINDIR@,$(BINDIR),g' \
	    -e 's,@LIBEXECDIR@,$(LIBEXECDIR),g' \
	    -e 's,@SYSCONFDIR@,$(SYSCONFDIR),g' -e 's,@MASQDIR@,$(MASQDIR),g'

install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR) \
	    $(DESTDIR)$(MASQDIR) $(DESTDIR)$(COMPDIR) $(DESTDIR)$(UNITDIR) \
	    $(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(SYSCONFDIR)/default \
	    $(DESTDIR)$(SYSCONFDIR)/distcc
	$(INSTALL) -m 755 $(BIN) $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 755 $(B)/bin/distcc-config $(B)/bin/pump $(DESTDIR)$(BINDIR)
	$(INSTALL) -d $(DESTDIR)$(SBINDIR)
	$(INSTALL) -m 755 $(B)/bin/update-distcc-symlinks $(DESTDIR)$(SBINDIR)
	$(INSTALL) -m 755 $(HELPERS) $(PLUGINS) $(DESTDIR)$(LIBEXECDIR)
	$(INSTALL) -m 644 dist/masquerade.README $(DESTDIR)$(MASQDIR)/README
	$(INSTALL) -m 644 dist/bash-completion $(DESTDIR)$(COMPDIR)/distcc
	for c in distccd distcc-config lsdistcc; do \
	    ln -sf distcc $(DESTDIR)$(COMPDIR)/$$c || exit; done
	$(subst_dirs) dist/distccd.service.in >$(DESTDIR)$(UNITDIR)/distccd.service
	$(INSTALL) -m 644 dist/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/distcc.conf
	test -e $(DESTDIR)$(SYSCONFDIR)/default/distccd || $(INSTALL) -m 644 \
	    dist/default $(DESTDIR)$(SYSCONFDIR)/default/distccd
	for m in $(MAN); do d=$(DESTDIR)$(MANDIR)/man$${m##*.}; \
	    $(INSTALL) -d $$d && sed -e 's,/etc/distcc/,$(SYSCONFDIR)/distcc/,g' \
	    $$m >$$d/$${m##*/} && chmod 644 $$d/$${m##*/} || exit; done

# Settings under SYSCONFDIR stay; so does what others put beside our files.
uninstall:
	rm -f $(patsubst $(B)/bin/%,$(DESTDIR)$(BINDIR)/%,$(BIN)) \
	    $(DESTDIR)$(BINDIR)/distcc-config $(DESTDIR)$(BINDIR)/pump \
	    $(DESTDIR)$(SBINDIR)/update-distcc-symlinks \
	    $(patsubst $(B)/libexec/%,$(DESTDIR)$(LIBEXECDIR)/%,$(HELPERS) $(PLUGINS)) \
	    $(foreach m,$(MAN),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
	    $(DESTDIR)$(MASQDIR)/README $(DESTDIR)$(COMPDIR)/distcc \
	    $(foreach c,distccd distcc-config lsdistcc,$(DESTDIR)$(COMPDIR)/$(c)) \
	    $(DESTDIR)$(UNITDIR)/distccd.service \
	    $(DESTDIR)$(SYSUSERSDIR)/distcc.conf
	-rmdir $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(MASQDIR)

dist:
	@mkdir -p $(B)
	git archive --format=tar.gz --prefix=distcc-$(VERSION)/ \
	    -o $(B)/distcc-$(VERSION).tar.gz HEAD
	@echo $(B)/distcc-$(VERSION).tar.gz

clean:
	rm -rf $(B)

help:
	@sed -n 's/^#   //p' Makefile

-include $(shell find $(B)/obj $(B)/pic -name '*.d' 2>/dev/null)

.PHONY: all client server check check-unit check-integration check-lint \
	check-asan lint hardening-check fuzz fuzz-build bench demo format \
	install uninstall dist clean help
.DELETE_ON_ERROR:
