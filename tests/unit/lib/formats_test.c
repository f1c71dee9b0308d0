/* parsers of small formats: options, uuid, cpio, ELF; sort */
#include "../unit.h"
#include <lib/byteorder.h>
#include <lib/cpio.h>
#include <lib/elf.h>
#include <lib/errno.h>
#include <lib/parse.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <lib/uuid.h>

static void mount_options(void **state)
{
	char text[] = ",a,b=c,,lower=/x\\,y=z,e=,", *pos = text, *k, *v;

	assert_int_equal(opt_next(&pos, &k, &v), 1);
	assert_string_equal(k, "a");
	assert_null(v);
	assert_int_equal(opt_next(&pos, &k, &v), 1);
	assert_string_equal(v, "c");
	assert_int_equal(opt_next(&pos, &k, &v), 1);
	assert_string_equal(k, "lower");
	assert_string_equal(v, "/x,y=z");
	assert_int_equal(opt_next(&pos, &k, &v), 1);
	assert_string_equal(v, "");
	assert_int_equal(opt_next(&pos, &k, &v), 0);
	assert_int_equal(opt_next(&pos, &k, &v), 0);
}

static void command_line(void **state)
{
	char text[] = " quiet root=UUID=1-2  a=\"b c\" \"d=e f\" x", b[8];
	char *pos = text, *k, *v;

	assert_int_equal(cmdline_find(text, "root", b, 8), 7);
	assert_string_equal(b, "UUID=1-");
	assert_int_equal(cmdline_find(text, "a", b, 8), 3);
	assert_string_equal(b, "b c");
	assert_int_equal(cmdline_find(text, "d", b, 8), 3);
	assert_int_equal(cmdline_find(text, "quiet", b, 8), 0);
	assert_int_equal(cmdline_find(text, "qui", b, 8), -ENOENT);
	assert_int_equal(cmdline_find("a-b=1 a_b=2", "a_b", b, 8), 1);
	assert_string_equal(b, "2");
	assert_int_equal(cmdline_next(&pos, &k, &v), 1);
	assert_string_equal(k, "quiet");
	assert_null(v);
	assert_int_equal(cmdline_next(&pos, &k, &v), 1);
	assert_string_equal(v, "UUID=1-2");
	assert_int_equal(cmdline_next(&pos, &k, &v), 1);
	assert_string_equal(v, "b c");
	assert_int_equal(cmdline_next(&pos, &k, &v), 1);
	assert_string_equal(k, "d");
	assert_string_equal(v, "e f");
	assert_int_equal(cmdline_next(&pos, &k, &v), 1);
	assert_int_equal(cmdline_next(&pos, &k, &v), 0);
	assert_true(param_name_equal("rd-init", "rd_init"));
	assert_false(param_name_equal("rd", "rd_init"));
}

static void uuids(void **state)
{
	static const char text[] = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
	static const u8 guid[16] = {
		0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
		0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b
	};
	struct uuid v;
	char b[37];

	uuid_from_guid(&v, guid);
	uuid_format(&v, b);
	assert_string_equal(b, text);
	uuid_make_random(&v);
	assert_int_equal(v.b[6] >> 4, 4);
	assert_false(uuid_is_null(&v));
}

static size_t put_cpio(char *at, size_t pos, const char *name, u32 mode,
		       const char *data, u32 size)
{
	size_t n = strlen(name) + 1;

	pos += (size_t)sprintf(at + pos, "070701%08x%08x%08x%08x%08x%08x%08x"
			       "%08x%08x%08x%08x%08x%08x", 1, mode, 2, 3, 1, 4,
			       size, 5, 6, 7, 8, (u32)n, 0);
	memcpy(at + pos, name, n);
	pos = ALIGN_UP(pos + n, 4);
	memcpy(at + pos, data, size);
	return ALIGN_UP(pos + size, 4);
}

static size_t make_cpio(char *at)
{
	size_t n = put_cpio(at, 0, "dir", 040755, "", 0);

	n = put_cpio(at, n, "dir/file", 0100644, "hello", 5);
	return put_cpio(at, n, "TRAILER!!!", 0, "", 0);
}

static void cpio_entries(void **state)
{
	char *buf = calloc(1, 1024);
	struct cpio_entry e;
	size_t n = make_cpio(buf), pos = 0;

	assert_true(cpio_is_magic(buf, n));
	assert_int_equal(cpio_next(buf, n, &pos, &e), 1);
	assert_string_equal(e.name, "dir");
	assert_int_equal(e.mode, 040755);
	assert_int_equal(cpio_next(buf, n, &pos, &e), 1);
	assert_int_equal(e.size, 5);
	assert_int_equal(e.name_len, 8);
	assert_memory_equal(e.data, "hello", 5);
	assert_int_equal(e.rdev_minor, 8);
	assert_int_equal(cpio_next(buf, n, &pos, &e), 0);
	assert_int_equal(pos, n);
	assert_int_equal(cpio_next(buf, 1024, &pos, &e), 0);
	assert_int_equal(pos, 1024);
	free(buf);
}

/* Every cut and random damage, in a buffer without a byte to spare. */
static void cpio_survives_damage(void **state)
{
	char whole[1024] = { 0 };
	size_t n = make_cpio(whole), len, pos, used;
	struct cpio_entry e;
	uint64_t seed = 9;
	int round;

	for (round = 0; round < 20000; round++) {
		char *buf;

		len = round < (int)n ? (size_t)round : n;
		buf = malloc(len + 1);
		memcpy(buf, whole, len);
		if (round >= (int)n)
			buf[noise(&seed) % len] = "0f9\0 F"[noise(&seed) % 6];
		buf = realloc(buf, len ? len : 1);
		for (pos = 0; pos < len;) {
			used = pos;
			if (cpio_next(buf, len, &pos, &e) <= 0)
				break;
			assert_true(pos > used && pos <= len);
			used = strlen(e.name);
			while (e.size--)
				used += ((const u8 *)e.data)[e.size];
		}
		free(buf);
	}
}

static struct elf64_phdr load(u64 off, u64 addr, u64 filesz, u64 memsz)
{
	return (struct elf64_phdr){ .p_type = PT_LOAD, .p_offset = off,
		.p_vaddr = addr, .p_filesz = filesz, .p_memsz = memsz,
		.p_align = 0x1000 };
}

static void elf_segments(void **state)
{
	struct elf64_phdr ph[3];
	const u64 limit = 1ULL << 38;
	struct elf_span s;

	ph[0] = load(0, 0x10000, 0x500, 0x500);
	ph[1] = (struct elf64_phdr){ .p_type = PT_GNU_STACK };
	ph[2] = load(0xe00, 0x12e00, 0x100, 0x900);
	assert_int_equal(elf_check_phdrs(ph, 3, limit, &s), 0);
	assert_int_equal(s.lo, 0x10000);
	assert_int_equal(s.hi, 0x13700);
	assert_int_equal(s.loads, 2);
	assert_ptr_equal(elf_find_phdr(ph, 3, PT_GNU_STACK), &ph[1]);
	assert_null(elf_find_phdr(ph, 3, PT_INTERP));
	assert_int_equal(elf_check_phdrs(ph + 1, 1, limit, &s), -EINVAL);
	ph[2] = load(0xe00, 0x12e00, 0x901, 0x900);
	assert_int_equal(elf_check_phdrs(ph, 3, limit, &s), -ENOEXEC);
	ph[2] = load(0xe01, 0x12e00, 1, 2);
	assert_int_equal(elf_check_phdrs(ph, 3, limit, &s), -ENOEXEC);
	ph[2] = load(0, ~0xfffULL, 1, 0x2000);
	assert_int_equal(elf_check_phdrs(ph, 3, limit, &s), -ENOMEM);
	ph[2] = load(~0xfffULL, 0x20000, 0x1000, 0x1000);
	assert_int_equal(elf_check_phdrs(ph, 3, limit, &s), -ENOEXEC);
	ph[2] = load(0, 0x1000, 1, 1);
	assert_int_equal(elf_check_phdrs(ph, 3, limit, &s), -ENOEXEC);
}

static void elf_headers(void **state)
{
	struct elf64_ehdr good = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_DYN, .e_machine = EM_RISCV, .e_version = 1,
		.e_phoff = 64, .e_phentsize = 56, .e_phnum = 9,
	}, e = good;

	assert_int_equal(elf_check_header(&e), 0);
	e.e_machine = 62;
	assert_int_equal(elf_check_header(&e), -ENOEXEC);
	e = good;
	e.e_phnum = 74;
	assert_int_equal(elf_check_header(&e), -ENOEXEC);
	e = good;
	e.e_phoff = ~0ULL;
	assert_int_equal(elf_check_header(&e), -ENOEXEC);
	e = good;
	e.e_ident[EI_CLASS] = 1;
	assert_int_equal(elf_check_header(&e), -ENOEXEC);
	e = good;
	e.e_type = ET_CORE;
	assert_int_equal(elf_check_header(&e), -ENOEXEC);
}

static int by_u32(const void *a, const void *b, void *ctx)
{
	u32 x = get_unaligned_le32(a), y = get_unaligned_le32(b);

	(*(int *)ctx)++;
	return x < y ? -1 : x > y;
}

static void sorts_any_size(void **state)
{
	static const size_t sizes[] = { 4, 5, 8, 16, 24 };
	u8 *buf = malloc(500 * 24);
	uint64_t seed = 10;
	size_t s, n, i;
	int calls = 0;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (n = 0; n < 500; n = n * 2 + 1) {
			for (i = 0; i < n * sizes[s]; i++)
				buf[i] = (u8)noise(&seed);
			sort(buf, n, sizes[s], by_u32, &calls);
			for (i = 0; i + 1 < n; i++)
				assert_true(by_u32(buf + i * sizes[s],
						   buf + (i + 1) * sizes[s],
						   &calls) <= 0);
		}
	}
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mount_options),
		cmocka_unit_test(command_line),
		cmocka_unit_test(uuids),
		cmocka_unit_test(cpio_entries),
		cmocka_unit_test(cpio_survives_damage),
		cmocka_unit_test(elf_segments),
		cmocka_unit_test(elf_headers),
		cmocka_unit_test(sorts_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
