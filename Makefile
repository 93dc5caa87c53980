# One Makefile for the whole tree, not recursive; objects go to build/, a mirror of the tree.
#
#   make            bootstraps (autoconf, ./configure) when config.mk is missing, then builds
#   make help       lists the targets
#
# A new .c file in a known folder is found by itself. Another set of switches gets another folder:
#
#   make BUILD=build-clang CC=clang
#   make BUILD=build-openssl CONFIGURE_FLAGS=--with-tls=openssl

BUILD           ?= build
CONFIGURE_FLAGS ?=

.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL   := all

# ---- settings of this build ------------------------------------------------------------------

# build/ is described by ./config.mk, as a plain ./configure writes it; every other folder has its own.
CONFIG          := $(if $(filter build,$(BUILD)),config.mk,$(BUILD)/config.mk)
UNCONFIGURED    := help clean distclean dist format house systemd-check deps
NEEDS_CONFIG    := $(filter-out $(UNCONFIGURED),$(or $(MAKECMDGOALS),all))
GIVEN_CC        := $(if $(filter command line environment,$(origin CC)),$(CC))

ifneq ($(NEEDS_CONFIG),)
include $(CONFIG)
endif

configure: configure.ac VERSION
	@echo "  AUTOCONF  configure"
	@command -v autoconf >/dev/null || { echo "autoconf is missing: tools/install-deps build"; exit 1; }
	@autoconf && touch $@

# A configuration that exists is repeated with its own switches when configure changes.
$(CONFIG): configure config.mk.in
	@echo "  CONFIGURE $(@D)"
	@mkdir -p $(@D)
	@cd $(@D) && source=$(if $(filter config.mk,$@),.,$(CURDIR)); \
	if [ -x config.status ]; then ./config.status -q --recheck && ./config.status -q; \
	else $$source/configure -q $(if $(GIVEN_CC),CC="$(GIVEN_CC)") $(CONFIGURE_FLAGS); fi
	@touch $@

# ---- switches --------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
    -Wmissing-prototypes -Wold-style-definition -Wvla -Wundef -Wformat=2 -Wpointer-arith \
    -Wcast-qual -Wcast-align -Wwrite-strings -Wswitch-enum -Wimplicit-fallthrough \
    -Wnull-dereference -Wdouble-promotion $(EXTRA_WARNINGS) $(if $(filter yes,$(WERROR)),-Werror)

OUR_CPPFLAGS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -iquote . -iquote $(BUILD)
OUR_CFLAGS    = -std=gnu17 -fPIE -fno-common $(CFLAGS) $(HARDENING) $(SANITIZERS)
COMPILE       = $(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(WARNINGS) $(LIBRARY_CFLAGS) \
    $(if $(LLHTTP_HEADERS),-isystem $(LLHTTP_HEADERS)) -MMD -MP
LINK          = $(CC) $(OUR_CFLAGS) -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(LDFLAGS)

# ---- sources ---------------------------------------------------------------------------------

# Of a pair of files that stand for each other, the one that was not chosen is left out.
UNCHOSEN := $(if $(filter openssl,$(TLS)),%_mbedtls.c,%_openssl.c) \
    $(if $(filter no,$(POSTGRESQL)),%_postgresql.c,%_postgresql_none.c) \
    $(if $(filter no,$(REDIS)),%_redis.c,%_redis_none.c)

sources   = $(filter-out $(UNCHOSEN),$(sort $(wildcard $(foreach depth,*.c */*.c */*/*.c,$(1)/$(depth)))))
objects   = $(patsubst %.c,$(BUILD)/%.o,$(1))

MAINS        := supervisor/main.c cli/main.c
LIB_SOURCES  := $(filter-out $(MAINS),$(call sources,shared) $(call sources,supervisor) $(call sources,worker))
CLI_SOURCES  := $(filter-out $(MAINS),$(call sources,cli))
TEST_SOURCES := $(filter-out $(UNCHOSEN),$(sort $(shell find tests/unit -name 'test_*.c' 2>/dev/null)))
TEST_SUPPORT := $(sort $(wildcard tests/support/*.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))

LIB       := $(BUILD)/libaigw.a
CLI_LIB   := $(BUILD)/libcli.a
TEST_LIB  := $(BUILD)/libtest.a
LLHTTP    := $(if $(LLHTTP_SOURCE),$(BUILD)/libllhttp.a)
PROGRAMS  := $(if $(wildcard supervisor/main.c),$(BUILD)/aigw) $(if $(wildcard cli/main.c),$(BUILD)/aigwctl)
UNITS     := $(patsubst %.c,$(BUILD)/%,$(TEST_SOURCES))
FUZZERS   := $(patsubst %.c,$(BUILD)/%,$(FUZZ_SOURCES))

LIB_OBJECTS := $(call objects,$(LIB_SOURCES))
CLI_OBJECTS := $(call objects,$(CLI_SOURCES))

# ---- programs --------------------------------------------------------------------------------

.PHONY: all
all: $(LIB) $(CLI_LIB) $(PROGRAMS)

$(BUILD)/aigw: $(BUILD)/supervisor/main.o $(LIB) $(LLHTTP)
	@echo "  LINK      $@"
	@$(LINK) -o $@ $^ $(LIBRARY_LIBS)

$(BUILD)/aigwctl: $(BUILD)/cli/main.o $(CLI_LIB) $(LIB) $(LLHTTP)
	@echo "  LINK      $@"
	@$(LINK) -o $@ $^ $(LIBRARY_LIBS)

# The list of members is a prerequisite, so that a source that was removed leaves the archive too.
$(LIB): $(LIB_OBJECTS) $(BUILD)/lib.list
$(CLI_LIB): $(CLI_OBJECTS) $(BUILD)/cli.list
$(TEST_LIB): $(call objects,$(TEST_SUPPORT)) $(BUILD)/test.list
$(BUILD)/libllhttp.a: $(addprefix $(BUILD)/llhttp/,api.o http.o llhttp.o)
$(BUILD)/%.a:
	@echo "  AR        $@"
	@rm -f $@ && $(AR) crs $@ $(filter %.o,$^)

$(BUILD)/lib.list: members = $(LIB_OBJECTS)
$(BUILD)/cli.list: members = $(CLI_OBJECTS)
$(BUILD)/test.list: members = $(call objects,$(TEST_SUPPORT))
$(BUILD)/%.list: FORCE
	@mkdir -p $(@D)
	@echo "$(members)" | cmp -s - $@ || echo "$(members)" > $@
.PHONY: FORCE
FORCE:

$(BUILD)/%.o: %.c $(CONFIG) | $(BUILD)/config.h
	@echo "  CC        $<"
	@mkdir -p $(@D)
	@$(COMPILE) -c -o $@ $<

# llhttp's own C files, as the distribution ships them: hardened as ours, but their warnings are theirs.
$(BUILD)/llhttp/%.o: $(LLHTTP_SOURCE)/%.c $(CONFIG)
	@echo "  CC        llhttp/$*.c"
	@mkdir -p $(@D)
	@$(CC) -I$(LLHTTP_HEADERS) $(OUR_CFLAGS) -w -c -o $@ $<

# What C code may know of the build. Written anew only when it would differ.
$(BUILD)/config.h: $(CONFIG)
	@mkdir -p $(@D)
	@{ echo '/* Made by the Makefile. */'; \
	   echo '#pragma once'; \
	   echo '#define AIGW_VERSION "$(VERSION)"'; \
	   echo '#define AIGW_TLS "$(TLS)"'; \
	   echo '#define AIGW_DATA_DIR "$(datadir)/aigw"'; \
	   echo '#define AIGW_CONFIG_FILE "$(sysconfdir)/aigw/aigw.yaml"'; } > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

ifneq ($(NEEDS_CONFIG),)
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
endif

# ---- tests -----------------------------------------------------------------------------------

# check is asked for only when a test is built, so that a build needs no test library.
CHECK_CFLAGS = $(eval CHECK_CFLAGS := $$(shell $(PKG_CONFIG) --cflags check))$(CHECK_CFLAGS)
CHECK_LIBS   = $(eval CHECK_LIBS := $$(shell $(PKG_CONFIG) --libs check || echo -lcheck))$(CHECK_LIBS)

.PHONY: unit unit-build
unit-build: $(UNITS)
unit: $(UNITS)
	@tools/run-units $(BUILD) $(UNITS)

$(UNITS): $(BUILD)/%: $(BUILD)/%.o $(CLI_LIB) $(LIB) $(TEST_LIB) $(LLHTTP)
	@echo "  LINK      $@"
	@$(LINK) -o $@ $^ $(TEST_LIB) $(LIB) $(LIBRARY_LIBS) $(CHECK_LIBS)

.PHONY: clean distclean
clean:
	rm -rf $(BUILD)
distclean:
	rm -rf build build-* config.mk config.log config.status configure autom4te.cache
