# The bench programs: no library, no part of aigw.
#
# Included by the Makefile, and of use alone: make -f tests/bench/build.mk bench-tools. The targets
# that need aigw (reliability, soak) are of use from the Makefile only.
BUILD ?= build
BENCH_DIR := $(BUILD)/tests/bench
BENCH_CC ?= $(or $(CC),cc)
BENCH_CFLAGS := -std=gnu17 -D_GNU_SOURCE -O2 -g -I. -Wall -Wextra -Wshadow -Wconversion \
    -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla \
    -Wundef -Wformat=2 -Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings -Wswitch-enum \
    -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion -Werror
BENCH_COMMON := tests/bench/net.c tests/bench/wire.c tests/bench/timers.c
BENCH_HEADERS := $(wildcard tests/bench/*.h)
BENCH_PROVIDER := tests/bench/provider.c tests/bench/answers.c tests/bench/idset.c
BENCH_LOAD := tests/bench/load.c tests/bench/load_options.c tests/bench/load_report.c \
    tests/bench/reply.c tests/bench/histogram.c

.PHONY: bench-tools
bench-tools: $(BENCH_DIR)/provider $(BENCH_DIR)/load

$(BENCH_DIR)/provider: $(BENCH_PROVIDER) $(BENCH_COMMON) $(BENCH_HEADERS)
	@mkdir -p $(@D)
	$(BENCH_CC) $(BENCH_CFLAGS) -o $@ $(filter %.c,$^)

$(BENCH_DIR)/load: $(BENCH_LOAD) $(BENCH_COMMON) $(BENCH_HEADERS)
	@mkdir -p $(@D)
	$(BENCH_CC) $(BENCH_CFLAGS) -o $@ $(filter %.c,$^)

# The tools prove each other; a few seconds, no gateway needed.
.PHONY: bench-check
bench-check: bench-tools
	@AIGW_BUILD=$(BUILD) tests/bench/selftest

# Kills, reloads, a database that is away (QUICK=--quick: seconds); ten minutes of mixed load.
.PHONY: reliability soak
reliability: all bench-tools
	@AIGW_BUILD=$(BUILD) tests/bench/reliability $(QUICK)
# Three hosts as network namespaces (root only), one budget, one rate, one Redis that has accidents.
.PHONY: hosts
hosts: all bench-tools
	@AIGW_BUILD=$(BUILD) tests/bench/hosts $(QUICK)
soak: all bench-tools
	@AIGW_BUILD=$(BUILD) tests/bench/soak $(QUICK)

# The steps that every request passes, each alone; large bodies between dialects.
.PHONY: micro
micro: $(BENCH_DIR)/micro $(BENCH_DIR)/claims $(BENCH_DIR)/routes $(BENCH_DIR)/bodies
	@$(BENCH_DIR)/micro
	@$(BENCH_DIR)/claims
	@$(BENCH_DIR)/routes
	@$(BENCH_DIR)/bodies
$(BENCH_DIR)/micro $(BENCH_DIR)/claims $(BENCH_DIR)/routes $(BENCH_DIR)/bodies $(BENCH_DIR)/ledger_speed: %: %.o $(LIB) $(LLHTTP)
	@echo "  LINK      $@"
	@$(LINK) -o $@ $^ $(LIBRARY_LIBS)

# Records a second into the store; statistics over ten million rows. Minutes long, not part of check.
.PHONY: ledger-speed statistics
ledger-speed: $(BENCH_DIR)/ledger_speed
	@AIGW_BUILD=$(BUILD) tests/bench/ledger-speed
statistics: all
	@AIGW_BUILD=$(BUILD) tests/bench/statistics $(QUICK)
