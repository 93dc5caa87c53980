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
Q               := $(if $(V),,@)

MAKEFLAGS       += --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL   := all

# ---- settings of this build ------------------------------------------------------------------

# build/ is described by ./config.mk, as a plain ./configure writes it; every other folder has its own.
CONFIG          := $(if $(filter build,$(BUILD)),config.mk,$(BUILD)/config.mk)
UNCONFIGURED    := help clean distclean dist format format-check house shellcheck systemd-check deps run check \
    asan asan-unit asan-play tsan fuzz fuzz-regress coverage configure
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
	$(Q)$(LINK) -o $@ $^ $(LIBRARY_LIBS)

$(BUILD)/aigwctl: $(BUILD)/cli/main.o $(CLI_LIB) $(LIB) $(LLHTTP)
	@echo "  LINK      $@"
	$(Q)$(LINK) -o $@ $^ $(LIBRARY_LIBS)

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
	$(Q)$(COMPILE) -c -o $@ $<

# The migrations, as rows of C: {number, "kind of database or nothing", "file", "text"}.
$(BUILD)/supervisor/store/migrate.o: $(BUILD)/migrations.inc
$(BUILD)/migrations.inc: $(sort $(wildcard sql/[0-9]*.sql))
	@mkdir -p $(@D)
	@for file in $^; do name=$$(basename $$file .sql); number=$${name%%_*}; \
	    kind=$${name#*.}; test "$$kind" != "$$name" || kind=; \
	    printf '{%d, "%s", "%s",\n' "$$(expr $$number + 0)" "$$kind" $$name; \
	    sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $$file; echo '},'; done > $@

# The catalogue of models, as a text of C.
$(BUILD)/supervisor/prices/catalogue.o: $(BUILD)/models.inc
$(BUILD)/models.inc: share/models.json
	@mkdir -p $(@D)
	@sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $< > $@

# llhttp's own C files, as the distribution ships them: hardened as ours, but their warnings are theirs.
$(BUILD)/llhttp/%.o: $(LLHTTP_SOURCE)/%.c $(CONFIG)
	@echo "  CC        llhttp/$*.c"
	@mkdir -p $(@D)
	$(Q)$(CC) -I$(LLHTTP_HEADERS) $(OUR_CFLAGS) -w -c -o $@ $<

# What C code may know of the build. Written anew only when it would differ.
$(BUILD)/config.h: $(CONFIG) FORCE
	@mkdir -p $(@D)
	@{ echo '/* Made by the Makefile. */'; \
	   echo '#pragma once'; \
	   echo '#define AIGW_VERSION "$(VERSION)"'; \
	   echo '#define AIGW_TLS "$(TLS)"'; \
	   echo '#define AIGW_DATA_DIR "$(datadir)/aigw"'; \
	   echo '#define AIGW_CONFIG_FILE "$(sysconfdir)/aigw/aigw.yaml"'; } > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

ifneq ($(NEEDS_CONFIG),)
-include $(shell find $(addprefix $(BUILD)/,shared supervisor worker cli tests) -name '*.d' 2>/dev/null)
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
	$(Q)$(LINK) -o $@ $^ $(TEST_LIB) $(LIB) $(LIBRARY_LIBS) $(CHECK_LIBS)

.PHONY: golden play bench bench-tools
-include tests/bench/build.mk
TRANSLATE := $(BUILD)/tests/golden/translate
$(TRANSLATE): $(BUILD)/tests/golden/translate.o $(LIB) $(LLHTTP)
	@echo "  LINK      $@"
	$(Q)$(LINK) -o $@ $^ $(LIBRARY_LIBS)
golden: all $(TRANSLATE)
	@AIGW_BUILD=$(abspath $(BUILD)) tests/golden/run $(PATTERN)
play: all $(filter $(BUILD)/tests/unit/supervisor/keys/% $(BUILD)/tests/unit/supervisor/ledger/%,$(UNITS))
	@AIGW_BUILD=$(abspath $(BUILD)) tests/play/run $(PATTERN)
.PHONY: compatibility
compatibility: all
	@AIGW_BUILD=$(abspath $(BUILD)) GRID_TABLE=$(abspath $(BUILD))/grid.json tests/play/run test_grid; \
	tests/play/compatibility $(BUILD)/grid.json > docs/compatibility.md
bench: all bench-tools
	@tools/install-deps bench
	@AIGW_BUILD=$(abspath $(BUILD)) tests/bench/run

# The same tests under AddressSanitizer and UndefinedBehaviorSanitizer: without the forks of check,
# so that leaks are seen, and with every finding fatal.
SANITIZER_OPTIONS := ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1 \
    UBSAN_OPTIONS=print_stacktrace=1 CK_FORK=no

.PHONY: asan asan-unit asan-play
asan: asan-unit asan-play
asan-unit:
	@$(SANITIZER_OPTIONS) $(MAKE) BUILD=build-asan CONFIGURE_FLAGS=--enable-asan all unit
asan-play:
	@$(SANITIZER_OPTIONS) PLAY_SLOW=4 $(MAKE) BUILD=build-asan CONFIGURE_FLAGS=--enable-asan play

# What several processes write at once, under ThreadSanitizer: threads over one mapping.
.PHONY: tsan tsan-unit
tsan:
	@$(MAKE) BUILD=build-tsan CONFIGURE_FLAGS=--enable-tsan tsan-unit
tsan-unit: $(filter $(BUILD)/tests/unit/shared/segment/%,$(UNITS))
	@TSAN_OPTIONS=halt_on_error=1 CK_FORK=no tools/run-units $(BUILD) $^

# A fuzz target is one tests/fuzz/fuzz_NAME.c; its corpus, if any, is tests/fuzz/corpus/NAME. New
# inputs go to build-fuzz/corpus/NAME; what is worth keeping is copied to the tree by hand.
FUZZ_SECONDS ?= 10
FUZZ_MAKE    := $(MAKE) BUILD=build-fuzz CC=clang CONFIGURE_FLAGS=--enable-fuzz

.PHONY: fuzz fuzz-regress fuzz-build
fuzz:
	+@$(FUZZ_MAKE) fuzz-build
	@tools/run-fuzzers build-fuzz $(FUZZ_SECONDS) $(NAME)
fuzz-regress:
	+@$(FUZZ_MAKE) fuzz-build
	@tools/run-fuzzers build-fuzz 0 $(NAME)
fuzz-build: $(FUZZERS)
$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o $(CLI_LIB) $(LIB) $(LLHTTP)
	@echo "  LINK      $@"
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBRARY_LIBS)

.PHONY: coverage
coverage:
	@tools/install-deps coverage
	@$(MAKE) BUILD=build-coverage CONFIGURE_FLAGS=--enable-coverage CFLAGS="-O1 -g" all unit-build
	@find build-coverage -name '*.gcda' -delete
	@$(MAKE) BUILD=build-coverage unit play
	@tools/coverage build-coverage

# ---- checks of the text ----------------------------------------------------------------------

C_FILES  = $(shell git ls-files -co --exclude-standard -- '*.c' '*.h' '*.def' 2>/dev/null)
C_CODE   = $(filter %.c %.h,$(C_FILES))
SCRIPTS  = $(shell git ls-files -co --exclude-standard 2>/dev/null | xargs grep -lE '^\#!/bin/(ba)?sh' 2>/dev/null)

.PHONY: format format-check lint cppcheck shellcheck house tidy systemd-check
format:
	@tools/clang-format -i $(C_CODE)
format-check:
	@$(if $(C_CODE),tools/clang-format --dry-run --Werror $(C_CODE) &&) echo "format: $(words $(C_CODE)) files, no difference"
lint: house format-check shellcheck cppcheck

house:
	@tests/house/run

shellcheck:
	@$(if $(SCRIPTS),shellcheck $(SCRIPTS) &&) echo "shellcheck: $(words $(SCRIPTS)) scripts, no finding"

CPPCHECKED = $(filter-out tests/%,$(filter %.c,$(C_CODE)))
cppcheck: $(BUILD)/config.h $(BUILD)/migrations.inc
	@mkdir -p $(BUILD)/cppcheck
	@$(if $(CPPCHECKED),,echo "cppcheck: no source yet" && exit 1;) \
	cppcheck -q -j2 --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
	    --inline-suppr --suppressions-list=tests/house/cppcheck.suppress --library=posix \
	    --cppcheck-build-dir=$(BUILD)/cppcheck -D_GNU_SOURCE -D__linux__ -I. -I$(BUILD) \
	    $(CPPCHECKED)
	@echo "cppcheck: no finding"

tidy: $(BUILD)/config.h $(BUILD)/migrations.inc
	@tools/install-deps tidy
	@clang-tidy --quiet $(LIB_SOURCES) $(CLI_SOURCES) $(wildcard $(MAINS)) -- \
	    -std=gnu17 $(OUR_CPPFLAGS) $(LIBRARY_CFLAGS) $(if $(LLHTTP_HEADERS),-isystem $(LLHTTP_HEADERS))

systemd-check:
	@tests/house/systemd

# ---- from nothing to a running gateway; everything at once ------------------------------------

.PHONY: deps run check
deps:
	@tools/install-deps build

run:
	@tools/install-deps build
	+@$(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) all
	@exec tools/run $(BUILD)

check:
	@exec tools/check

# ---- installation ----------------------------------------------------------------------------

unitdir    ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
bashcompdir ?= $(datadir)/bash-completion/completions
zshcompdir  ?= $(datadir)/zsh/site-functions

.PHONY: install uninstall
install: all
	@BUILD=$(BUILD) $(INSTALL_FOLDERS) tools/install install
uninstall:
	@BUILD=$(BUILD) $(INSTALL_FOLDERS) tools/install uninstall

INSTALL_FOLDERS = DESTDIR="$(DESTDIR)" bindir="$(bindir)" datadir="$(datadir)" mandir="$(mandir)" \
    docdir="$(docdir)" sysconfdir="$(sysconfdir)" localstatedir="$(localstatedir)" \
    unitdir="$(unitdir)" sysusersdir="$(sysusersdir)" tmpfilesdir="$(tmpfilesdir)" \
    bashcompdir="$(bashcompdir)" zshcompdir="$(zshcompdir)"

.PHONY: dist
DIST := aigw-$(file <VERSION)
dist: configure
	@mkdir -p build
	@git ls-files | grep -v '^\.github/\|^\.ci/' > build/dist.list && echo configure >> build/dist.list
	@tar -czf build/$(DIST).tar.gz --owner=0 --group=0 --sort=name --transform 's,^,$(DIST)/,' -T build/dist.list
	@rm build/dist.list && echo "  DIST      build/$(DIST).tar.gz"

# ---- the rest --------------------------------------------------------------------------------

.PHONY: help
help:
	@echo "make               build/aigw and build/aigwctl (bootstraps when config.mk is missing)"
	@echo "make run           install what is missing, build, start on SQLite, print a key and a curl line"
	@echo "make check         install what the tests need, run every test"
	@echo "  unit             unit tests; CK_RUN_CASE=... as check has it"
	@echo "  golden  play     golden files; scenarios on the real daemon (PATTERN=words)"
	@echo "  asan             unit tests and scenarios under ASan and UBSan, in build-asan/"
	@echo "  tsan             unit tests of the shared segment under ThreadSanitizer, in build-tsan/"
	@echo "  fuzz             every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) (NAME=one)"
	@echo "  fuzz-regress     every corpus once"
	@echo "  compatibility    docs/compatibility.md from what passes"
	@echo "  house  lint      layers, sizes, banned words; these and format, cppcheck, shellcheck"
	@echo "  tidy             clang-tidy, minutes long, not part of check"
	@echo "  coverage         lines that unit tests and scenarios reach, in build-coverage/"
	@echo "  systemd-check    the unit files"
	@echo "make bench         nginx, HAProxy and aigw in one run"
	@echo "make reliability   kills, reloads and a database that is away, under load (QUICK=--quick)"
	@echo "make soak          ten minutes of mixed load: is everything flat? (QUICK=--quick)"
	@echo "make format        clang-format -i"
	@echo "make install       DESTDIR=... prefix=...; uninstall takes away what install put"
	@echo "make dist          release tarball in build/"
	@echo "make clean         this build folder; distclean: all that was made"
	@echo "V=1 shows the commands; -j2 builds two files at a time"
	@echo "another variant:   make BUILD=build-clang CC=clang"
	@echo "                   make BUILD=build-openssl CONFIGURE_FLAGS=--with-tls=openssl"

.PHONY: clean distclean
clean:
	rm -rf $(BUILD)
distclean:
	rm -rf build build-* config.mk config.log config.status configure autom4te.cache
