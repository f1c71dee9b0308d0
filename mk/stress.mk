# `make stress`: the storms of tests/stress and boots in a row, for long: each
# STRESS times as much as in `make test`, and 40 times STRESS boots for each
# number of harts.
STRESS ?= 5

stress: setup-test
	@$(MAKE) --no-print-directory all
	@HARTWOOD_STRESS=$(STRESS) $(MAKE) --no-print-directory suites \
		SUITE=tests/stress

.PHONY: stress
