# SPDX-License-Identifier: GPL-2.0-or-later
# One make, not recursive.  The object lists below are grouped by process: what
# a list does not name, that process cannot reach.  tests/lint/ reads this back
# from the linked programs.

VERSION	?= 4.0.0
PREFIX	?= /usr/local
B	?= build

CC	?= cc
PKG_CONFIG ?= pkg-config

-include $(B)/flags.mk		# probed compiler flags, see dist/probe-flags

CPPFLAGS += -I. -D_GNU_SOURCE -DVERSION='"$(VERSION)"'
CFLAGS	?= -O2 -g
WARN	= -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	  -Wmissing-prototypes -Wformat=2 -Wpointer-arith -Wcast-qual \
	  -Wwrite-strings -Wvla -Wundef
HARDEN	= -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
	  -D_FORTIFY_SOURCE=2 -fno-strict-overflow -fno-delete-null-pointer-checks
ALL_CFLAGS = -std=gnu17 $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) $(WERROR) -MMD -MP
DYN_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS)
STATIC_LDFLAGS = -static-pie -Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS)

# --- processes -------------------------------------------------------------

LIB	= $(wildcard lib/*.c)
WIRE	= $(wildcard wire/*.c)
POLICY	= $(wildcard policy/*.c)
SANDBOX	= $(wildcard sandbox/*.c)

# distccd: listens, judges addresses, starts the others.  No wire/, no lzo.
LISTENER = $(wildcard server/listener/*.c) $(POLICY) sandbox/self.c $(LIB)
# distccd-worker: reads the client's bytes.  No exec.
WORKER	= $(wildcard server/worker/*.c) $(WIRE) $(POLICY) sandbox/self.c $(LIB)
# distccd-jail: makes jails.  Reads no client's byte while it has a privilege.
JAIL	= $(wildcard server/jail/*.c) $(POLICY) $(SANDBOX) $(LIB)
# distcc: the client.
CLIENT	= $(wildcard client/*.c) $(WIRE) $(POLICY) $(LIB)

LZO_LIBS	= $(shell $(PKG_CONFIG) --libs lzo2)
SECCOMP_LIBS	= $(shell $(PKG_CONFIG) --libs libseccomp)
CAPNG_LIBS	= $(shell $(PKG_CONFIG) --libs libcap-ng)

obj	= $(patsubst %.c,$(B)/obj/%.o,$(1))

all: $(B)/bin/distccd $(B)/bin/distcc $(B)/libexec/distccd-worker \
    $(B)/libexec/distccd-jail

$(B)/bin/distccd: $(call obj,$(LISTENER))
	@mkdir -p $(@D)
	$(CC) $(DYN_LDFLAGS) -o $@ $^ $(CAPNG_LIBS) $(SECCOMP_LIBS)

$(B)/libexec/distccd-worker: $(call obj,$(WORKER))
	@mkdir -p $(@D)
	$(CC) $(STATIC_LDFLAGS) -o $@ $^ -llzo2 -lseccomp -lcap-ng

$(B)/libexec/distccd-jail: $(call obj,$(JAIL))
	@mkdir -p $(@D)
	$(CC) $(STATIC_LDFLAGS) -o $@ $^ -lseccomp -lcap-ng

$(B)/bin/distcc: $(call obj,$(CLIENT))
	@mkdir -p $(@D)
	$(CC) $(DYN_LDFLAGS) -o $@ $^ -Wl,-Bstatic -llzo2 -Wl,-Bdynamic

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIE -c -o $@ $<

clean:
	rm -rf $(B)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

.PHONY: all clean
