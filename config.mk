# Build options: one line each, 0 or 1 or a number; `make CONFIG_X=1` overrides.
# Each becomes a macro, used as `if (CONFIG_X)`.
CONFIG_DEBUG ?= 0
# Kernel user-access protection: always toggled (debug), or left to boot.
CONFIG_SUM_TOGGLE ?= $(CONFIG_DEBUG)
# Poison freed memory, check redzones, note who took memory (/proc/allocinfo).
CONFIG_POISON ?= $(CONFIG_DEBUG)
# Undefined behaviour traps: bounds, shifts, divisions, bad bools.
CONFIG_UBSAN ?= $(CONFIG_DEBUG)
# Trace points and tracefs; off at run time they cost a no-op each.
CONFIG_TRACE ?= 1

# Bugs on purpose, for tests/plant: plant=NAME chooses (docs/debugging.md).
CONFIG_PLANT ?= 0

# At most 64: a set of them is one word.
CONFIG_MAX_HARTS ?= 64
# Bytes set aside for the variables of one hart: whole pages.
CONFIG_PER_HART_SIZE ?= $(if $(filter 1,$(CONFIG_DEBUG)),8192,4096)

CONFIG_OPTIONS := MAX_HARTS PER_HART_SIZE DEBUG SUM_TOGGLE POISON UBSAN TRACE PLANT
