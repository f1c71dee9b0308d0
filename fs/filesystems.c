/* filesystems - the table of file systems, collected by the linker. */
#include "vfs_impl.h"
#include <lib/string.h>

extern const struct filesystem *const __fs_table_start[], *const __fs_table_end[];

const struct filesystem *filesystem_nth(unsigned i)
{
	return i < (size_t)(__fs_table_end - __fs_table_start) ?
		       __fs_table_start[i] : NULL;
}

const struct filesystem *filesystem_find(const char *name)
{
	const struct filesystem *fs;

	for (unsigned i = 0; (fs = filesystem_nth(i)); i++)
		if (str_equal(fs->name, name))
			return fs;
	return NULL;
}
