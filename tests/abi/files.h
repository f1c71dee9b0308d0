/* Small files, as /proc has them, in one go. */
#pragma once

#include <fcntl.h>

#include "test.h"

/* 0 or the error number. */
static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = errno;
	close(fd);
	return err;
}

static void read_file(const char *path, char *buf, size_t n)
{
	int fd = open(path, O_RDONLY);
	ssize_t got;

	CHECK(fd >= 0);
	got = read(fd, buf, n - 1);
	CHECK(got >= 0);
	buf[got] = 0;
	close(fd);
}
