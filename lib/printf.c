/*
 * printf - the formatter behind every text the kernel makes.
 *
 * Theory: output goes through a struct out that counts all and stores what
 *         fits, so the length returned is that of the whole text.  A directive
 *         is first read into a struct spec, then printed by its kind.
 */
#include <lib/printf.h>
#include <lib/string.h>

struct out {
	char *buf;
	size_t size;
	size_t len;
};

struct spec {
	int width;
	int precision;		/* -1: none */
	bool left, zero, plus, space, alt, upper;
	u8 bytes;		/* size of an integer argument */
};

static __always_inline void put(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_text(struct out *o, const char *s, size_t n)
{
	if (o->len < o->size)
		memcpy(o->buf + o->len, s, min(n, o->size - o->len));
	o->len += n;
}

static void put_fill(struct out *o, char c, int n)
{
	for (; n > 0; n--)
		put(o, c);
}

size_t fmt_u64(char *buf, u64 v)
{
	char tmp[20];
	size_t n = 0, i;

	do
		tmp[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (i = 0; i < n; i++)
		buf[i] = tmp[n - 1 - i];
	return n;
}

size_t fmt_hex(char *buf, u64 v, unsigned int width)
{
	size_t n = max((size_t)width, v ? (size_t)ilog2(v) / 4 + 1 : 1), i;

	for (i = n; i-- > 0; v >>= 4)
		buf[i] = "0123456789abcdef"[v & 15];
	return n;
}

/* Digits for any base, without padding; buf has 22 bytes. */
static size_t digits_of(char *buf, u64 v, unsigned int base, bool upper)
{
	size_t n = 0, i;

	if (base == 10)
		return fmt_u64(buf, v);
	if (base == 16) {
		n = fmt_hex(buf, v, 1);
		for (i = 0; upper && i < n; i++)
			buf[i] = buf[i] >= 'a' ? (char)(buf[i] - 32) : buf[i];
		return n;
	}
	n = v ? ilog2(v) / 3 + 1 : 1;
	for (i = n; i-- > 0; v >>= 3)
		buf[i] = (char)('0' + (v & 7));
	return n;
}

static void put_integer(struct out *o, const struct spec *sp,
			const char *prefix, u64 v, unsigned int base)
{
	char buf[22];
	int n = 0, zeros, pad, plen = (int)strlen(prefix);

	if (v || sp->precision != 0)
		n = (int)digits_of(buf, v, base, sp->upper);
	zeros = max(0, sp->precision - n);
	if (base == 8 && sp->alt && !zeros && (v || !n))
		zeros = 1;
	pad = sp->width - plen - zeros - n;
	if (sp->zero && !sp->left && sp->precision < 0 && pad > 0) {
		zeros += pad;
		pad = 0;
	}
	if (!sp->left)
		put_fill(o, ' ', pad);
	put_text(o, prefix, (size_t)plen);
	put_fill(o, '0', zeros);
	put_text(o, buf, (size_t)n);
	if (sp->left)
		put_fill(o, ' ', pad);
}

static void put_signed(struct out *o, const struct spec *sp, s64 v)
{
	const char *sign = v < 0 ? "-" : sp->plus ? "+" : sp->space ? " " : "";

	put_integer(o, sp, sign, v < 0 ? -(u64)v : (u64)v, 10);
}

static void put_hex(struct out *o, const struct spec *sp, u64 v)
{
	const char *prefix = "";

	if (sp->alt && v)
		prefix = sp->upper ? "0X" : "0x";
	put_integer(o, sp, prefix, v, 16);
}

static void put_pointer(struct out *o, struct spec *sp, const void *p)
{
	sp->precision = 16;
	put_integer(o, sp, "0x", (uintptr_t)p, 16);
}

static void put_string(struct out *o, const struct spec *sp, const char *s)
{
	size_t n;
	int pad;

	if (!s)
		s = "(null)";
	n = strnlen(s, sp->precision < 0 ? (size_t)INT_MAX :
		    (size_t)sp->precision);
	pad = sp->width - (int)n;
	if (!sp->left)
		put_fill(o, ' ', pad);
	put_text(o, s, n);
	if (sp->left)
		put_fill(o, ' ', pad);
}

static void put_char(struct out *o, const struct spec *sp, char c)
{
	if (!sp->left)
		put_fill(o, ' ', sp->width - 1);
	put(o, c);
	if (sp->left)
		put_fill(o, ' ', sp->width - 1);
}

static const char *read_flags(const char *f, struct spec *sp)
{
	for (;; f++) {
		switch (*f) {
		case '-':
			sp->left = true;
			break;
		case '0':
			sp->zero = true;
			break;
		case '+':
			sp->plus = true;
			break;
		case ' ':
			sp->space = true;
			break;
		case '#':
			sp->alt = true;
			break;
		default:
			return f;
		}
	}
}

/* A number in the format, saturating where no text reaches. */
static const char *read_number(const char *f, int *out)
{
	int n = 0;

	for (; *f >= '0' && *f <= '9'; f++)
		n = min(n * 10 + (*f - '0'), 100000000);
	*out = n;
	return f;
}

static const char *read_length(const char *f, struct spec *sp)
{
	sp->bytes = sizeof(int);
	switch (*f) {
	case 'h':
		sp->bytes = f[1] == 'h' ? sizeof(char) : sizeof(short);
		return f[1] == 'h' ? f + 2 : f + 1;
	case 'l':
		sp->bytes = sizeof(long);
		return f[1] == 'l' ? f + 2 : f + 1;
	case 'z':
	case 't':
	case 'j':
		sp->bytes = sizeof(long);
		return f + 1;
	default:
		return f;
	}
}

/* va_list inside a struct can be passed on by reference everywhere. */
struct args {
	va_list ap;
};

static const char *read_spec(const char *f, struct spec *sp, struct args *a)
{
	*sp = (struct spec){ .precision = -1 };
	f = read_flags(f, sp);
	if (*f == '*') {
		sp->width = va_arg(a->ap, int);
		if (sp->width < 0) {
			sp->left = true;
			sp->width = -sp->width;
		}
		f++;
	} else {
		f = read_number(f, &sp->width);
	}
	if (*f == '.') {
		if (*++f == '*') {
			sp->precision = max(-1, va_arg(a->ap, int));
			f++;
		} else {
			f = read_number(f, &sp->precision);
		}
	}
	return read_length(f, sp);
}

static s64 arg_signed(struct args *a, const struct spec *sp)
{
	if (sp->bytes == sizeof(long))
		return va_arg(a->ap, long);
	if (sp->bytes == sizeof(short))
		return (short)va_arg(a->ap, int);
	if (sp->bytes == sizeof(char))
		return (signed char)va_arg(a->ap, int);
	return va_arg(a->ap, int);
}

static u64 arg_unsigned(struct args *a, const struct spec *sp)
{
	if (sp->bytes == sizeof(long))
		return va_arg(a->ap, unsigned long);
	if (sp->bytes == sizeof(short))
		return (unsigned short)va_arg(a->ap, int);
	if (sp->bytes == sizeof(char))
		return (unsigned char)va_arg(a->ap, int);
	return va_arg(a->ap, unsigned int);
}

static void put_directive(struct out *o, struct spec *sp, char kind,
			  struct args *a)
{
	switch (kind) {
	case 'd':
	case 'i':
		put_signed(o, sp, arg_signed(a, sp));
		break;
	case 'u':
		put_integer(o, sp, "", arg_unsigned(a, sp), 10);
		break;
	case 'o':
		put_integer(o, sp, "", arg_unsigned(a, sp), 8);
		break;
	case 'X':
		sp->upper = true;
		fallthrough;
	case 'x':
		put_hex(o, sp, arg_unsigned(a, sp));
		break;
	case 'c':
		put_char(o, sp, (char)va_arg(a->ap, int));
		break;
	case 's':
		put_string(o, sp, va_arg(a->ap, const char *));
		break;
	case 'p':
		put_pointer(o, sp, va_arg(a->ap, const void *));
		break;
	default:
		put(o, kind);
	}
}

static void format(struct out *o, const char *fmt, struct args *a)
{
	struct spec sp;

	for (;;) {
		const char *pct = strchrnul(fmt, '%');

		put_text(o, fmt, (size_t)(pct - fmt));
		if (!*pct)
			return;
		fmt = read_spec(pct + 1, &sp, a);
		if (!*fmt)
			return;
		put_directive(o, &sp, *fmt++, a);
	}
}

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };
	struct args a;

	va_copy(a.ap, ap);
	format(&o, fmt, &a);
	va_end(a.ap);
	if (size)
		buf[min(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int kvscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = kvsnprintf(buf, size, fmt, ap);

	if (!size)
		return 0;
	return (size_t)n < size ? n : (int)size - 1;
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int kscnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
