/*
 * random - the kernel's random numbers.
 *
 * Theory:  one ChaCha20 key; each request takes key stream from it and then
 *          overwrites the key with the first block of the stream (fast key
 *          erasure), so an earlier output cannot be found from the state.
 *          Entropy is folded in by XOR over the key and a block step.  A
 *          little of the stream is kept per lock hold for small requests.
 * Locks:   random_lock (RANK_LEAF).  Any context.
 */
#include <arch/smp.h>
#include <kernel/init.h>
#include <kernel/random.h>
#include <kernel/spinlock.h>
#include <kernel/waitq.h>
#include <lib/chacha.h>
#include <lib/fdt.h>
#include <lib/string.h>

#define SEED_BITS 256u
#define POOL 512u

static struct irqlock random_lock = IRQLOCK_INIT(RANK_LEAF, "random");
static u32 key[CHACHA_KEY_WORDS] __guarded_by(&random_lock);
static u8 pool[POOL] __guarded_by(&random_lock);
static u32 pool_left __guarded_by(&random_lock);
static u64 counter __guarded_by(&random_lock);
static u32 entropy_bits __guarded_by(&random_lock);
static u32 mix_at __guarded_by(&random_lock);
static struct waitq seeded = WAITQ_INIT(seeded);

static void start(struct chacha_state *s)
{
	u64 n = ++counter, t = arch_read_time();
	u32 nonce[4] = { 0, (u32)n, (u32)t, (u32)(t >> 32) };

	chacha_init(s, key, nonce);
}

/* A new key from the stream's first block. */
static void rekey(struct chacha_state *s)
{
	u8 block[CHACHA_BLOCK_BYTES];

	chacha20_block(s, block);
	memcpy(key, block, sizeof(key));
	memset(block, 0, sizeof(block));
}

static void refill(void)
{
	struct chacha_state s;

	start(&s);
	rekey(&s);
	for (u32 i = 0; i < POOL; i += CHACHA_BLOCK_BYTES)
		chacha20_block(&s, pool + i);
	pool_left = POOL;
}

static void take(u8 *out, size_t n)
{
	u8 *from = pool + POOL - pool_left;

	memcpy(out, from, n);
	memset(from, 0, n);
	pool_left -= (u32)n;
}

void random_bytes(void *buf, size_t n)
{
	u8 *out = buf;

	while (n) {
		size_t k;

		irq_lock(&random_lock);
		if (!pool_left)
			refill();
		k = n < pool_left ? n : pool_left;
		take(out, k);
		irq_unlock(&random_lock);
		out += k;
		n -= k;
	}
}

u64 random_u64(void)
{
	u64 v;

	random_bytes(&v, sizeof(v));
	return v;
}

u32 random_u32_below(u32 n)
{
	return (u32)((random_u64() >> 32) * n >> 32);
}

void random_mix(const void *buf, size_t n, u32 credit_bits)
{
	const u8 *p = buf;
	struct chacha_state s;
	bool was, is;

	irq_lock(&random_lock);
	for (size_t i = 0; i < n; i++) {
		((u8 *)key)[mix_at] ^= p[i];
		mix_at = (mix_at + 1) % sizeof(key);
		if (!mix_at) {
			start(&s);
			rekey(&s);
		}
	}
	start(&s);
	rekey(&s);
	pool_left = 0;
	was = entropy_bits >= SEED_BITS;
	entropy_bits = min(entropy_bits + credit_bits, SEED_BITS);
	is = entropy_bits >= SEED_BITS;
	irq_unlock(&random_lock);
	if (!was && is)
		wake_all(&seeded);
}

bool random_is_seeded(void)
{
	return READ_ONCE(entropy_bits) >= SEED_BITS;
}

u32 random_entropy_bits(void)
{
	return READ_ONCE(entropy_bits);
}

#define JITTER_SAMPLES 1024

/*
 * Entropy from the time that code takes: the low bits of the counter after
 * pieces of work whose length varies with caches, interrupts and other harts.
 * Half a bit is credited for a sample that differs from the last two.
 */
static void jitter(void)
{
	u64 last = 0, delta = 0, halves = 0;

	for (u32 i = 0; i < JITTER_SAMPLES * 4 && halves < SEED_BITS * 2; i++) {
		u64 t, d;

		cond_resched();
		t = arch_read_time();
		d = t - last;
		random_mix(&t, sizeof(t), 0);
		halves += i > 1 && d != delta;
		delta = d;
		last = t;
	}
	random_mix(&last, sizeof(last), (u32)(halves / 2));
}

int random_wait_seeded_intr(void)
{
	if (!random_is_seeded())
		jitter();
	return wait_event_intr(&seeded, random_is_seeded());
}

/* The boot loader's or the machine's seed in the device tree is trusted. */
static void seed_from_fdt(void)
{
	struct fdt fdt = { boot_fdt, boot_fdt_size };	/* arch checked it */
	const void *seed;
	int len, node;

	node = fdt_find_path(&fdt, "/chosen");
	seed = node >= 0 ? fdt_prop(&fdt, node, "rng-seed", &len) : NULL;
	if (seed)
		random_mix(seed, (size_t)len, (u32)len * 8);
}

/* The counter's low bits at start-up differ from boot to boot. */
static void random_early(void)
{
	u64 t = arch_read_time();

	random_mix(&t, sizeof(t), 0);
	seed_from_fdt();
}
INIT(INIT_EARLY, random_early);
