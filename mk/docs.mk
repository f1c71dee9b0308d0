# Pages of docs/ that are made from the source: `make docs`.
SYSCALL_TABLE := kernel/syscall/syscalls.tbl

docs: docs/syscalls.md docs/capabilities.md

# Always made anew: what they depend on is most of the tree.
docs/syscalls.md: FORCE
	@scripts/gen-syscalls $(SYSCALL_TABLE) --docs $@
docs/capabilities.md: FORCE
	@scripts/gen-capabilities --docs $@

check: check-docs
check-docs:
	@scripts/gen-syscalls $(SYSCALL_TABLE) --check docs/syscalls.md
	@scripts/gen-capabilities --check docs/capabilities.md
	@echo "check-docs: done"

FORCE:
.PHONY: docs check-docs FORCE
