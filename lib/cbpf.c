/*
 * cbpf - classic BPF: a check that a program is harmless, and its interpreter.
 *
 * Theory:  jumps go forward only, so a program ends, and one pass over it in
 *          order knows, when it comes to an instruction, all ways that lead
 *          there.  The check remembers for each instruction which scratch
 *          words every way there has written.  The interpreter then needs no
 *          bounds.
 */
#include <lib/cbpf.h>

#include <lib/errno.h>
#include <lib/string.h>

/* class | size and mode, operation, or source */
enum {
	LD_W_ABS = 0x20, LD_W_LEN = 0x80, LD_IMM = 0x00, LD_MEM = 0x60,
	LDX_W_LEN = 0x81, LDX_IMM = 0x01, LDX_MEM = 0x61,
	ST = 0x02, STX = 0x03, ALU = 0x04, NEG = 0x84,
	JA = 0x05, JMP = 0x05, RET_K = 0x06, RET_A = 0x16,
	TAX = 0x07, TXA = 0x87,
};
#define CLASS(code) ((code) & 7)
#define OP(code) ((code) & 0xf0)
#define SRC_X 8
#define OP_ADD 0x00
#define OP_SUB 0x10
#define OP_MUL 0x20
#define OP_DIV 0x30
#define OP_OR 0x40
#define OP_AND 0x50
#define OP_LSH 0x60
#define OP_RSH 0x70
#define OP_XOR 0xa0
#define OP_JEQ 0x10
#define OP_JGT 0x20
#define OP_JGE 0x30
#define OP_JSET 0x40

static bool alu_ok(const struct cbpf_insn *i)
{
	if (i->code & ~0xfcu)
		return false;
	switch (OP(i->code)) {
	case OP_DIV:
		return (i->code & SRC_X) || i->k;
	case OP_LSH:
	case OP_RSH:
		return (i->code & SRC_X) || i->k < 32;
	case OP_ADD:
	case OP_SUB:
	case OP_MUL:
	case OP_OR:
	case OP_AND:
	case OP_XOR:
		return true;
	}
	return i->code == NEG;
}

/* left: instructions behind this one. */
static bool jump_ok(const struct cbpf_insn *i, unsigned left)
{
	if (i->code == JA)
		return i->k < left;
	switch (i->code & ~SRC_X) {
	case JMP | OP_JEQ:
	case JMP | OP_JGT:
	case JMP | OP_JGE:
	case JMP | OP_JSET:
		return i->jt < left && i->jf < left;
	}
	return false;
}

static bool insn_ok(const struct cbpf_insn *i, unsigned left, unsigned size)
{
	switch (i->code) {
	case LD_W_ABS:
		return i->k < size && !(i->k & 3);
	case LD_MEM:
	case LDX_MEM:
	case ST:
	case STX:
		return i->k < CBPF_MEM_WORDS;
	case LD_W_LEN:
	case LDX_W_LEN:
	case LD_IMM:
	case LDX_IMM:
	case RET_K:
	case RET_A:
	case TAX:
	case TXA:
		return true;
	}
	if (CLASS(i->code) == ALU)
		return alu_ok(i);
	return CLASS(i->code) == JMP && jump_ok(i, left);
}

/* valid[i]: the words written on every way to i. */
static int check_memory(const struct cbpf_insn *prog, unsigned n, u16 *valid)
{
	memset(valid, 0xff, n * sizeof(*valid));
	valid[0] = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct cbpf_insn *in = &prog[i];
		u16 now = valid[i];

		if ((in->code == LD_MEM || in->code == LDX_MEM) &&
		    !(now >> in->k & 1))
			return -EINVAL;
		if (in->code == ST || in->code == STX)
			now |= (u16)(1u << in->k);
		if (in->code == JA) {
			valid[i + 1 + in->k] &= now;
		} else if (CLASS(in->code) == JMP) {
			valid[i + 1 + in->jt] &= now;
			valid[i + 1 + in->jf] &= now;
		} else if (i + 1 < n) {
			valid[i + 1] &= now;
		}
	}
	return 0;
}

int cbpf_check(const struct cbpf_insn *prog, unsigned n, unsigned size,
	       u16 *valid)
{
	if (!n || n > CBPF_MAX_INSNS)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		if (!insn_ok(&prog[i], n - 1 - i, size))
			return -EINVAL;
	if (prog[n - 1].code != RET_K && prog[n - 1].code != RET_A)
		return -EINVAL;
	return check_memory(prog, n, valid);
}

static u32 alu(unsigned op, u32 a, u32 b)
{
	switch (op) {
	case OP_ADD:
		return a + b;
	case OP_SUB:
		return a - b;
	case OP_MUL:
		return a * b;
	case OP_DIV:
		return a / b;
	case OP_OR:
		return a | b;
	case OP_AND:
		return a & b;
	case OP_LSH:
		return a << (b & 31);
	case OP_RSH:
		return a >> (b & 31);
	case OP_XOR:
		return a ^ b;
	default:
		return -a;
	}
}

static bool compare(unsigned op, u32 a, u32 b)
{
	switch (op) {
	case OP_JEQ:
		return a == b;
	case OP_JGT:
		return a > b;
	case OP_JGE:
		return a >= b;
	default:
		return a & b;
	}
}

static u32 load(const void *data, u32 at)
{
	u32 v;

	memcpy(&v, (const char *)data + at, sizeof(v));
	return v;
}

u32 cbpf_run(const struct cbpf_insn *i, const void *data, unsigned size)
{
	u32 a = 0, x = 0, b, mem[CBPF_MEM_WORDS];

	for (;; i++) {
		switch (i->code) {
		case LD_W_ABS:
			a = load(data, i->k);
			continue;
		case LD_IMM:
			a = i->k;
			continue;
		case LDX_IMM:
			x = i->k;
			continue;
		case LD_W_LEN:
			a = size;
			continue;
		case LDX_W_LEN:
			x = size;
			continue;
		case LD_MEM:
			a = mem[i->k];
			continue;
		case LDX_MEM:
			x = mem[i->k];
			continue;
		case ST:
			mem[i->k] = a;
			continue;
		case STX:
			mem[i->k] = x;
			continue;
		case TAX:
			x = a;
			continue;
		case TXA:
			a = x;
			continue;
		case RET_K:
			return i->k;
		case RET_A:
			return a;
		case JA:
			i += i->k;
			continue;
		}
		b = i->code & SRC_X ? x : i->k;
		if (CLASS(i->code) == JMP) {
			i += compare(OP(i->code), a, b) ? i->jt : i->jf;
		} else {
			/* as Linux: such a program is over */
			if (OP(i->code) == OP_DIV && !b)
				return 0;
			a = alu(OP(i->code), a, b);
		}
	}
}
