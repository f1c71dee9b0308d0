#pragma once
#include <fs/vfs.h>

#define EFD_SEMAPHORE 1

int __must_check eventfd_create(u64 count, bool is_semaphore, unsigned flags,
				struct file **out);
