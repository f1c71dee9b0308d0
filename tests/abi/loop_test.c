/* Disks that are files: /dev/loop-control, attaching, partitions, mounts. */
#include "test.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define SECTOR 512
#define BLKGETSIZE64_ _IOR(0x12, 114, size_t)
#define BLKRRPART_ _IO(0x12, 95)

static char dir[] = "/tmp/loopXXXXXX", dev[32];
static int in_dir;
static int number;

static int image(const char *name, size_t sectors)
{
	int fd;

	if (!in_dir) {
		CHECK(mkdtemp(dir) != NULL);
		CHECK(chdir(dir) == 0);
		in_dir = 1;
	}
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && ftruncate(fd, (off_t)(sectors * SECTOR)) == 0);
	return fd;
}

/* A free device, open. */
static int free_device(int flags)
{
	int ctl = open("/dev/loop-control", O_RDWR), fd;

	CHECK(geteuid() == 0 && ctl >= 0);
	number = ioctl(ctl, LOOP_CTL_GET_FREE);
	CHECK(number >= 0);
	snprintf(dev, sizeof(dev), "/dev/loop%d", number);
	fd = open(dev, flags);
	CHECK(fd >= 0);
	close(ctl);
	return fd;
}

static unsigned long long size_of(int fd)
{
	unsigned long long n = 0;

	CHECK(ioctl(fd, BLKGETSIZE64_, &n) == 0);
	return n;
}

static const char *attribute(const char *name)
{
	static char text[200];
	char path[100];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/block/loop%d/loop/%s", number, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return "none";
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n - 1 : 0] = 0;
	return text;
}

TEST(a_free_device_knows_nothing)
{
	struct loop_info64 info;
	int fd = free_device(O_RDWR);

	CHECK_ERR(ioctl(fd, LOOP_GET_STATUS64, &info), ENXIO);
	CHECK_ERR(ioctl(fd, LOOP_CLR_FD, 0), ENXIO);
	CHECK_ERR(ioctl(fd, LOOP_SET_STATUS64, &info), ENXIO);
	CHECK_ERR(ioctl(fd, LOOP_SET_FD, 99), EBADF);
	CHECK_EQ(size_of(fd), 0);
}

TEST(bytes_go_to_the_file_and_back)
{
	struct loop_info64 info;
	char text[100], buf[SECTOR];
	struct stat st;
	int file = image("a", 64), fd = free_device(O_RDWR);

	CHECK(ioctl(fd, LOOP_SET_FD, file) == 0);
	CHECK_ERR(ioctl(fd, LOOP_SET_FD, file), EBUSY);
	CHECK_EQ(size_of(fd), 64 * SECTOR);
	CHECK(ioctl(fd, LOOP_GET_STATUS64, &info) == 0);
	CHECK(fstat(file, &st) == 0);
	CHECK(info.lo_inode == st.st_ino && info.lo_number == (unsigned)number);
	CHECK(info.lo_device == st.st_dev && info.lo_rdevice == 0);
	snprintf(text, sizeof(text), "%s/a", dir);
	CHECK_STR(attribute("backing_file"), text);
	CHECK_STR(attribute("autoclear"), "0");
	CHECK_EQ(pwrite(fd, "on the disk", 12, 5 * SECTOR), 12);
	CHECK(fsync(fd) == 0);
	CHECK_EQ(pread(file, buf, SECTOR, 5 * SECTOR), SECTOR);
	CHECK_STR(buf, "on the disk");
	CHECK_ERR(pwrite(fd, "x", 1, 64 * SECTOR), ENOSPC);
	info.lo_offset = 5 * SECTOR;
	info.lo_sizelimit = 2 * SECTOR;
	CHECK(ioctl(fd, LOOP_SET_STATUS64, &info) == 0);
	CHECK_EQ(size_of(fd), 2 * SECTOR);
	CHECK_STR(attribute("sizelimit"), "1024");
	CHECK_EQ(pread(fd, buf, SECTOR, 0), SECTOR);
	CHECK_STR(buf, "on the disk");
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);
	CHECK_ERR(ioctl(fd, LOOP_GET_STATUS64, &info), ENXIO);
}

TEST(sizes_follow_the_file_when_told)
{
	int file = image("a", 16), fd = free_device(O_RDWR);

	CHECK(ioctl(fd, LOOP_SET_FD, file) == 0);
	CHECK(ftruncate(file, 32 * SECTOR) == 0);
	CHECK_EQ(size_of(fd), 16 * SECTOR);
	CHECK(ioctl(fd, LOOP_SET_CAPACITY, 0) == 0);
	CHECK_EQ(size_of(fd), 32 * SECTOR);
	CHECK_ERR(ioctl(fd, LOOP_SET_BLOCK_SIZE, 100), EINVAL);
	CHECK_ERR(ioctl(fd, LOOP_SET_BLOCK_SIZE, 768), EINVAL);
	CHECK(ioctl(fd, LOOP_SET_BLOCK_SIZE, 1024) == 0);
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);
}

TEST(what_cannot_be_written_is_read_only)
{
	struct loop_info64 info;
	int other = image("b", 16), fd, ro;

	close(image("a", 16));
	ro = open("a", O_RDONLY);
	fd = free_device(O_RDWR);
	CHECK(ioctl(fd, LOOP_SET_FD, ro) == 0);
	CHECK(ioctl(fd, LOOP_GET_STATUS64, &info) == 0);
	CHECK_EQ(info.lo_flags & LO_FLAGS_READ_ONLY, LO_FLAGS_READ_ONLY);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK(pwrite(other, "other", 6, 0) == 6);
	CHECK(ioctl(fd, LOOP_CHANGE_FD, other) == 0);
	CHECK(ftruncate(other, 20 * SECTOR) == 0);
	CHECK_ERR(ioctl(fd, LOOP_CHANGE_FD, ro), EINVAL);
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);
	close(fd);
	fd = free_device(O_RDWR);
	CHECK(ioctl(fd, LOOP_SET_FD, other) == 0);
	CHECK_ERR(ioctl(fd, LOOP_CHANGE_FD, ro), EINVAL);
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);
}

TEST(partitions_are_found)
{
	unsigned char table[66] = { 0 };
	struct loop_config c = { .info.lo_flags = LO_FLAGS_PARTSCAN };
	char part[64];
	int file = image("a", 128), fd, p = -1;

	table[4] = 0x83;		/* sectors 32 to 63 */
	table[8] = 32;
	table[12] = 32;
	table[64] = 0x55;
	table[65] = 0xaa;
	CHECK(pwrite(file, table, sizeof(table), 446) == sizeof(table));
	fd = free_device(O_RDWR);
	c.fd = (unsigned)file;
	CHECK(ioctl(fd, LOOP_CONFIGURE, &c) == 0);
	CHECK_STR(attribute("partscan"), "1");
	snprintf(part, sizeof(part), "%sp1", dev);
	for (int i = 0; i < 100 && p < 0; i++, usleep(20000))
		p = open(part, O_RDWR);
	CHECK(p >= 0);
	CHECK_EQ(size_of(p), 32 * SECTOR);
	CHECK(pwrite(p, "part", 5, 0) == 5 && fsync(p) == 0);
	CHECK(pread(file, part, 5, 32 * SECTOR) == 5);
	CHECK_STR(part, "part");
	close(p);
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);
}

/* A FAT volume of one FAT and 60 clusters, with nothing on it. */
static void make_fat(int fd)
{
	unsigned char b[SECTOR] = {
		0xeb, 0x3c, 0x90, 'm', 'k', 'f', 's', '.', 'f', 'a', 't',
		0, 2, 1, 1, 0, 1, 16, 0, 64, 0, 0xf8, 1, 0, 32, 0, 2, 0,
	};
	unsigned char fat[3] = { 0xf8, 0xff, 0xff };

	b[0x26] = 0x29;
	memcpy(b + 0x36, "FAT12   ", 8);
	b[510] = 0x55;
	b[511] = 0xaa;
	CHECK(pwrite(fd, b, SECTOR, 0) == SECTOR);
	CHECK(pwrite(fd, fat, 3, SECTOR) == 3);
}

TEST(a_mounted_one_is_detached_by_the_last_umount)
{
	struct loop_info64 info;
	char buf[16];
	int file = image("a", 64), fd = free_device(O_RDWR), f;

	make_fat(file);
	CHECK(mkdir("m", 0700) == 0);
	CHECK(ioctl(fd, LOOP_SET_FD, file) == 0);
	CHECK(mount(dev, "m", "vfat", 0, NULL) == 0);
	f = open("m/name", O_CREAT | O_RDWR, 0600);
	CHECK(f >= 0 && write(f, "in a file", 10) == 10);
	close(f);
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);	/* later */
	close(fd);
	CHECK(umount("m") == 0);
	for (int i = 0; i < 100; i++, usleep(20000)) {
		fd = open(dev, O_RDWR);
		if (ioctl(fd, LOOP_GET_STATUS64, &info) && errno == ENXIO)
			break;
		close(fd);
	}
	CHECK_ERR(ioctl(fd, LOOP_GET_STATUS64, &info), ENXIO);
	CHECK(ioctl(fd, LOOP_SET_FD, file) == 0);
	CHECK(mount(dev, "m", "vfat", 0, NULL) == 0);
	f = open("m/name", O_RDONLY);
	CHECK(f >= 0 && read(f, buf, 16) == 10);
	CHECK_STR(buf, "in a file");
	close(f);
	CHECK(umount("m") == 0);
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);
}

static void check_direct(int fd, int is_direct)
{
	struct loop_info64 i;

	CHECK(ioctl(fd, LOOP_GET_STATUS64, &i) == 0);
	CHECK_EQ(!!(i.lo_flags & LO_FLAGS_DIRECT_IO), is_direct);
	CHECK_STR(attribute("dio"), is_direct ? "1" : "0");
}

/* Past the page cache of the file, and back. */
TEST(direct_io)
{
	struct loop_info64 info = { 0 };
	char buf[4096], dir_on_disk[] = "/loopXXXXXX";
	int fd, img;

	CHECK(geteuid() == 0);
	CHECK(mkdtemp(dir_on_disk) != NULL && chdir(dir_on_disk) == 0);
	in_dir = 1;
	img = image("img", 2048);
	fd = free_device(O_RDWR);
	CHECK(ioctl(fd, LOOP_SET_FD, img) == 0);
	check_direct(fd, 0);
	memset(buf, 'a', sizeof(buf));
	CHECK(pwrite(fd, buf, sizeof(buf), 0) == sizeof(buf));
	CHECK(ioctl(fd, LOOP_SET_DIRECT_IO, 1L) == 0);
	check_direct(fd, 1);
	memset(buf, 'b', sizeof(buf));
	CHECK(pwrite(fd, buf, sizeof(buf), 8192) == sizeof(buf));
	CHECK(fsync(fd) == 0);
	CHECK(pread(img, buf, sizeof(buf), 8192) == sizeof(buf));
	CHECK(buf[0] == 'b' && buf[4095] == 'b');
	CHECK(pread(img, buf, sizeof(buf), 0) == sizeof(buf) && buf[0] == 'a');
	info.lo_offset = SECTOR / 2;
	CHECK(ioctl(fd, LOOP_SET_STATUS64, &info) == 0);
	check_direct(fd, 0);
	CHECK_ERR(ioctl(fd, LOOP_SET_DIRECT_IO, 1L), EINVAL);
	info.lo_offset = SECTOR;
	CHECK(ioctl(fd, LOOP_SET_STATUS64, &info) == 0);
	CHECK(ioctl(fd, LOOP_SET_DIRECT_IO, 1L) == 0);
	CHECK(pread(fd, buf, 512, 8192 - SECTOR) == 512 && buf[0] == 'b');
	CHECK(ioctl(fd, LOOP_SET_DIRECT_IO, 0L) == 0);
	check_direct(fd, 0);
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);
	CHECK(unlink("img") == 0 && chdir("/") == 0);
	CHECK(rmdir(dir_on_disk) == 0);
}

#define BLKRASET_ _IO(0x12, 98)
#define BLKRAGET_ _IO(0x12, 99)

TEST(read_ahead_is_set_in_sectors)
{
	unsigned long n, old;
	int fd = free_device(O_RDONLY);

	CHECK(ioctl(fd, BLKRAGET_, &old) == 0 && old > 0);
	for (unsigned long i = 0; i <= 4096; i += 512) {
		CHECK(ioctl(fd, BLKRASET_, i) == 0);
		CHECK(ioctl(fd, BLKRAGET_, &n) == 0);
		CHECK_EQ(n, i);
	}
	CHECK(ioctl(fd, BLKRASET_, old) == 0);
	CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_ERR(ioctl(fd, BLKRASET_, old), EACCES);
}

/* Who makes a file system asks so whether one is in use. */
TEST(one_user_alone)
{
	int img = image("img", 64), fd = free_device(O_RDWR), excl;

	CHECK(ioctl(fd, LOOP_SET_FD, img) == 0);
	excl = open(dev, O_RDONLY | O_EXCL);
	CHECK(excl >= 0);
	CHECK_EQ(fcntl(excl, F_GETFL) & O_EXCL, 0);
	CHECK_ERR(open(dev, O_RDWR | O_EXCL), EBUSY);
	CHECK_ERR(mount(dev, dir, "ext4", 0, NULL), EBUSY);
	close(open(dev, O_RDWR));
	close(excl);
	excl = open(dev, O_RDWR | O_EXCL);
	CHECK(excl >= 0);
	close(excl);
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);
}

/* The disk of the root, by a node that the caller unlinks. */
static const char *root_disk(void)
{
	static char node[64];
	struct stat st;

	CHECK(stat("/", &st) == 0);
	if (!st.st_dev || st.st_dev < 256)
		SKIP("the root is on no disk");
	snprintf(node, sizeof(node), "/dev/exclusive%d", getpid());
	CHECK(mknod(node, S_IFBLK | 0600, st.st_dev) == 0);
	return node;
}

TEST(the_disk_below_is_told)
{
	const char *node = root_disk();
	struct loop_info64 info;
	struct loop_info old;
	struct stat st;
	int fd = free_device(O_RDONLY), disk = open(node, O_RDONLY);

	CHECK(disk >= 0 && fstat(disk, &st) == 0 && unlink(node) == 0);
	CHECK(ioctl(fd, LOOP_SET_FD, disk) == 0);
	CHECK(ioctl(fd, LOOP_GET_STATUS64, &info) == 0);
	CHECK(ioctl(fd, LOOP_GET_STATUS, &old) == 0);
	CHECK(ioctl(fd, LOOP_CLR_FD, 0) == 0);
	CHECK_EQ(info.lo_rdevice, st.st_rdev);
	CHECK_EQ(old.lo_rdevice, st.st_rdev);
}

TEST(the_mounted_root_is_in_use)
{
	const char *node = root_disk();

	CHECK_ERR(open(node, O_RDONLY | O_EXCL), EBUSY);
	CHECK(close(open(node, O_RDONLY)) == 0);
	CHECK(unlink(node) == 0);
}
