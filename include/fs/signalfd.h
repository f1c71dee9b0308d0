#pragma once
#include <fs/vfs.h>

int __must_check signalfd_create(u64 mask, unsigned flags, struct file **out);
/* -EINVAL if it is not a signalfd. */
int __must_check signalfd_set_mask(struct file *f, u64 mask);
