# Measuring: docs/bench.md.
#
#   bench  Hartwood and Debian's Linux in turns: tables and plots in docs/bench.
#          RUNS=3, QEMU=7 or 10 (default: both), ONLY= (a regular expression of
#          sections of tests/bench/suite.ini, and `counts`), SMP=2, SET=
#   gate   what a busy host cannot move stays within tests/bench/limits.tsv
RUNS ?= 3
BENCH_QEMU = $(if $(filter command% environment%,$(origin QEMU)),$(QEMU),7 10)

bench: setup-test
	@$(MAKE) --no-print-directory all
	@HARTWOOD_KERNEL=$(abspath $(BUILD)/Image) tests/bench/bench --runs $(RUNS) \
		--qemu '$(BENCH_QEMU)' --only '$(ONLY)' --smp $(SMP) \
		$(if $(SET),--set $(SET))

gate: setup-test
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory suites SUITE=tests/bench

.PHONY: bench gate
