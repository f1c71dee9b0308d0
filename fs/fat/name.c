/*
 * name - the names of FAT: long ones in UTF-16, short ones in code page 437,
 * and how one is made from the other.
 *
 * Letters are folded in ASCII alone when long names are compared, as Linux
 * does with Debian's default character set.
 */
#include "name_impl.h"
#include <lib/errno.h>
#include <lib/string.h>

/* --- code page 437 --------------------------------------------------------*/

static const u16 cp437[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7,
	0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5,
	0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9,
	0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192,
	0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba,
	0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
	0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556,
	0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
	0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
	0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
	0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
	0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
	0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4,
	0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229,
	0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
	0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

/* Its letters that have both forms: small, capital. */
static const u8 cp437_pairs[][2] = {
	{ 0x81, 0x9a }, { 0x82, 0x90 }, { 0x84, 0x8e }, { 0x86, 0x8f },
	{ 0x87, 0x80 }, { 0x91, 0x92 }, { 0x94, 0x99 }, { 0xa4, 0xa5 },
	{ 0xe5, 0xe4 }, { 0xed, 0xe8 },
};

static u8 change_case(u8 c, bool to_upper)
{
	if (c < 0x80) {
		if (to_upper)
			return c >= 'a' && c <= 'z' ? (u8)(c - 32) : c;
		return c >= 'A' && c <= 'Z' ? (u8)(c + 32) : c;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(cp437_pairs); i++)
		if (cp437_pairs[i][!to_upper] == c)
			return cp437_pairs[i][to_upper ? 1 : 0];
	return c;
}

static u16 cp437_to_unit(u8 c)
{
	return c < 0x80 ? c : cp437[c - 0x80];
}

/* 0: it is not in the code page. */
static u8 unit_to_cp437(u16 u)
{
	if (u < 0x80)
		return (u8)u;
	for (unsigned i = 0; i < ARRAY_SIZE(cp437); i++)
		if (cp437[i] == u)
			return (u8)(0x80 + i);
	return 0;
}

/* --- UTF-8 and UTF-16 -----------------------------------------------------*/

static bool is_high(u16 u)
{
	return (u & 0xfc00) == 0xd800;
}

static bool is_low(u16 u)
{
	return (u & 0xfc00) == 0xdc00;
}

/* One character; its bytes, or 0: not UTF-8. */
static unsigned get_utf8(const u8 *s, size_t n, u32 *c)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned len = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 :
		       s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;

	if (!len || len > n)
		return 0;
	*c = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (unsigned i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (*c < least[len] || *c > 0x10ffff || (*c & ~0x7ffu) == 0xd800)
		return 0;
	return len;
}

int fat_from_utf8(const char *s, size_t n, u16 *out, u32 max, u32 *len)
{
	u32 c, used = 0;
	unsigned k;

	for (; n; s += k, n -= k) {
		k = get_utf8((const u8 *)s, n, &c);
		if (!k)
			return -EINVAL;
		if (used + (c >= 0x10000) >= max)
			return -ENAMETOOLONG;
		if (c >= 0x10000) {
			c -= 0x10000;
			out[used++] = (u16)(0xd800 | c >> 10);
			c = 0xdc00 | (c & 0x3ff);
		}
		out[used++] = (u16)c;
	}
	*len = used;
	return 0;
}

static unsigned put_utf8(u32 c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t fat_to_utf8(const u16 *s, u32 n, char *out)
{
	size_t used = 0;
	u32 c;

	for (u32 i = 0; i < n; i++) {
		c = s[i];
		if (is_high(s[i]) && i + 1 < n && is_low(s[i + 1])) {
			i++;
			c = 0x10000 + ((c & 0x3ff) << 10) + (s[i] & 0x3ff);
		}
		used += put_utf8(c, out + used);
	}
	return used;
}

u32 fat_fix_pairs(u16 *s, u32 n)
{
	u32 used = 0;

	for (u32 i = 0; i < n; i++) {
		if (is_low(s[i]))
			continue;
		if (!is_high(s[i])) {
			s[used++] = s[i];
		} else if (i + 1 < n && is_low(s[i + 1])) {
			s[used++] = s[i++];
			s[used++] = s[i];
		}
	}
	return used;
}

static u16 fold(u16 u)
{
	return u >= 'A' && u <= 'Z' ? (u16)(u + 32) : u;
}

bool fat_text_equal(const u16 *a, u32 alen, const u16 *b, u32 blen,
		    bool is_caseless)
{
	if (alen != blen)
		return false;
	for (u32 i = 0; i < alen; i++)
		if (a[i] != b[i] &&
		    (!is_caseless || fold(a[i]) != fold(b[i])))
			return false;
	return true;
}

size_t fat_strip_dots(const char *s, size_t n)
{
	while (n && s[n - 1] == '.')
		n--;
	return n;
}

int fat_long_check(const u16 *s, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (s[i] < 0x20 || (s[i] < 0x80 &&
				    strchr("*?<>|\":/\\", s[i])))
			return -EINVAL;
	return n && s[n - 1] == ' ' ? -EINVAL : 0;
}

/* --- short names ----------------------------------------------------------*/

u8 fat_short_sum(const u8 *name)
{
	u8 sum = 0;

	for (unsigned i = 0; i < FAT_SHORT_LEN; i++)
		sum = (u8)((sum >> 1 | sum << 7) + name[i]);
	return sum;
}

/* Bytes without the blanks at the end. */
static unsigned field_len(const u8 *s, unsigned n)
{
	while (n && s[n - 1] == ' ')
		n--;
	return n;
}

static u16 short_unit(u8 c, bool is_lower)
{
	return cp437_to_unit(is_lower ? change_case(c, false) : c);
}

u32 fat_short_text(const u8 *name, u8 lcase, enum fat_shortname how, u16 *out)
{
	bool by_flag = how == SHORT_WINNT || how == SHORT_MIXED;
	bool lower = how == SHORT_LOWER || (by_flag && lcase & LCASE_BASE);
	bool lower_ext = how == SHORT_LOWER || (by_flag && lcase & LCASE_EXT);
	unsigned n = field_len(name, 8), ext = field_len(name + 8, 3), i;
	u32 used = 0;

	/* A first 0xe5 would say "deleted". */
	for (i = 0; i < n; i++)
		out[used++] = short_unit(i == 0 && name[0] == 0x05 ? 0xe5 :
								     name[i],
					 lower);
	if (ext)
		out[used++] = '.';
	for (i = 0; i < ext; i++)
		out[used++] = short_unit(name[8 + i], lower_ext);
	return used;
}

static bool is_skipped(u16 u)
{
	return u == ' ' || u == '.';
}

struct form {
	bool has_upper, has_lower, is_exact;
};

/* The byte for one unit; false: it is left out. */
static bool short_byte(u16 u, struct form *f, u8 *out)
{
	u8 c, upper;

	if (is_skipped(u)) {
		f->is_exact = false;
		return false;
	}
	c = u < 0x80 && strchr("[];,+=", u) ? 0 : unit_to_cp437(u);
	if (!c) {
		f->is_exact = false;
		*out = '_';
		return true;
	}
	upper = change_case(c, true);
	if (c >= 0x7f)
		f->has_upper = f->has_lower = true;
	if (c != upper && upper >= 'A' && upper <= 'Z')
		f->has_lower = true;
	else if (upper >= 'A' && upper <= 'Z')
		f->has_upper = true;
	*out = upper;
	return true;
}

/* Fills a field of `room` bytes; its bytes used. */
static unsigned short_field(const u16 *s, u32 n, u8 *out, unsigned room,
			    struct form *f)
{
	unsigned used = 0;
	u8 c;

	for (u32 i = 0; i < n; i++) {
		if (used == room) {
			f->is_exact = false;
			break;
		}
		if (short_byte(s[i], f, &c))
			out[used++] = c;
	}
	return used;
}

/* Where the base ends and the extension begins: n, n if there is none. */
static void split(const u16 *s, u32 n, u32 *base, u32 *ext)
{
	u32 dot = n, lead = 0;

	*base = *ext = n;
	while (dot && s[dot - 1] != '.')
		dot--;
	if (!dot || dot == n)
		return;
	/* Of "..rc" the dots say nothing. */
	while (lead < dot - 1 && is_skipped(s[lead]))
		lead++;
	if (lead == dot - 1)
		return;
	*base = dot - 1;
	*ext = dot;
}

int fat_make_alias(const u16 *s, u32 n, enum fat_shortname how,
		   struct fat_alias *a)
{
	struct form base = { .is_exact = true }, ext = { .is_exact = true };
	u32 base_end, ext_at;

	memset(a, 0, sizeof(*a));
	memset(a->name, ' ', sizeof(a->name));
	split(s, n, &base_end, &ext_at);
	a->base_len = (u8)short_field(s, base_end, a->name, 8, &base);
	short_field(s + ext_at, n - ext_at, a->name + 8, 3, &ext);
	if (!a->base_len)
		return -EINVAL;
	if (a->name[0] == 0xe5)
		a->name[0] = 0x05;
	a->cut6 = min_t(u8, a->base_len, 6);
	a->cut2 = min_t(u8, a->base_len, 2);
	a->is_exact = base.is_exact && ext.is_exact;
	a->needs_long = !a->is_exact || base.has_lower || ext.has_lower;
	if (a->is_exact && how == SHORT_WINNT &&
	    !(base.has_lower && base.has_upper) &&
	    !(ext.has_lower && ext.has_upper)) {
		a->needs_long = false;
		a->lcase = (base.has_lower ? LCASE_BASE : 0) |
			   (ext.has_lower ? LCASE_EXT : 0);
	}
	return 0;
}

void fat_alias_tail(const struct fat_alias *a, unsigned digit, u8 *out)
{
	memcpy(out, a->name, FAT_SHORT_LEN);
	memset(out + a->cut6, ' ', 8 - a->cut6);
	out[a->cut6] = '~';
	out[a->cut6 + 1] = (u8)('0' + digit);
}

void fat_alias_hex(const struct fat_alias *a, u16 hex, unsigned digit, u8 *out)
{
	memcpy(out, a->name, FAT_SHORT_LEN);
	memset(out + a->cut2, ' ', 8 - a->cut2);
	for (unsigned i = 0; i < 4; i++)
		out[a->cut2 + i] =
			(u8)"0123456789ABCDEF"[hex >> (12 - 4 * i) & 15];
	out[a->cut2 + 4] = '~';
	out[a->cut2 + 5] = (u8)('0' + digit);
}

/* --- the msdos type -------------------------------------------------------*/

/* The byte that c becomes; 0: not allowed. */
static u8 msdos_byte(u8 c, char check, bool has_nocase)
{
	if (check != 'r' && strchr("*?<>|\"", c))
		return 0;
	if (check == 's' && (strchr("+=,; ", c) || (c >= 'A' && c <= 'Z')))
		return 0;
	if (c < ' ' || c == ':' || c == '\\')
		return 0;
	return !has_nocase && c >= 'a' && c <= 'z' ? (u8)(c - 32) : c;
}

/* Bytes up to a dot into a field; what does not fit is left out.  Only an
 * extension may be empty. */
static int msdos_field(const u8 **s, size_t *n, unsigned room, char check,
		       bool has_nocase, u8 *out)
{
	u8 c = 0, last = room == 8 ? ' ' : 0;

	for (; *n && **s != '.'; ++*s, --*n) {
		if (!room) {
			if (check == 's')
				return -EINVAL;
			continue;
		}
		c = msdos_byte(**s, check, has_nocase);
		if (!c)
			return -EINVAL;
		last = c;
		*out++ = c;
		room--;
	}
	/* It may not end with a blank. */
	return last == ' ' ? -EINVAL : 0;
}

int fat_msdos_format(const char *name, size_t n, char check, bool has_nocase,
		     bool has_dots, u8 *out)
{
	const u8 *s = (const u8 *)name;
	int err;

	memset(out, ' ', FAT_SHORT_LEN);
	if (has_dots && n && s[0] == '.') {
		s++;
		n--;
	}
	err = msdos_field(&s, &n, 8, check, has_nocase, out);
	if (err)
		return err;
	if (out[0] == 0xe5)
		out[0] = 0x05;
	if (n < 2)
		return 0;
	s++;
	n--;
	err = msdos_field(&s, &n, 3, check, has_nocase, out + 8);
	return err || !n || check != 's' ? err : -EINVAL;
}

size_t fat_msdos_text(const u8 *name, bool is_hidden, bool has_dots,
		      bool has_nocase, char *out)
{
	unsigned n = field_len(name, 8), ext = field_len(name + 8, 3), i;
	size_t used = 0;
	u8 c;

	if (is_hidden && has_dots)
		out[used++] = '.';
	for (i = 0; i < n; i++) {
		c = i == 0 && name[0] == 0x05 ? 0xe5 : name[i];
		out[used++] = (char)(has_nocase || c >= 0x80 ? c :
				     change_case(c, false));
	}
	if (ext)
		out[used++] = '.';
	for (i = 0; i < ext; i++) {
		c = name[8 + i];
		out[used++] = (char)(has_nocase || c >= 0x80 ? c :
				     change_case(c, false));
	}
	return used;
}
