#pragma once
/* Tunables of exec, and the vDSO's place in a program. */
#include <lib/types.h>
#include <lib/compiler.h>

struct mm;

/* 0: addresses never differ; 1: stack, mmap and vDSO; 2: brk too. */
/* What a signal frame needs at least, all registers included. */
size_t exec_min_sigstack(void);
size_t vdso_total_size(void);
int __must_check vdso_map(struct mm *mm, unsigned long at);
/* Makes the data page of programs whose clocks are shifted. -ENOMEM. */
int __must_check vdso_prepare_shifted(void);
/* Which of the two data pages mm's program reads from now on. */
int __must_check vdso_choose_clock(struct mm *mm, bool is_shifted);
