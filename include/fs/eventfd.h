#pragma once
#include <fs/vfs.h>

#define EFD_SEMAPHORE 1

bool eventfd_is(const struct file *f);
/* Adds to the count from inside the kernel, as far as it goes. */
void eventfd_add(struct file *f, u64 n);
int __must_check eventfd_create(u64 count, bool is_semaphore, unsigned flags,
				struct file **out);
