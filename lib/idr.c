/*
 * idr - small integers out of a bitmap.
 */
#include <lib/idr.h>
#include <lib/bitmap.h>
#include <lib/errno.h>

void id_init(struct id_bitmap *ids, unsigned long *map, u32 min_id, u32 max_id)
{
	*ids = (struct id_bitmap){ map, min_id, max_id, min_id, 0 };
}

static void take(struct id_bitmap *ids, u32 id)
{
	bit_set(ids->map, id);
	ids->used++;
}

int id_alloc_lowest(struct id_bitmap *ids, u32 from, u32 *out)
{
	size_t end = (size_t)ids->max + 1, id;

	id = find_next_zero(ids->map, end, max(from, ids->min));
	if (id >= end)
		return -ENOSPC;
	take(ids, (u32)id);
	*out = (u32)id;
	return 0;
}

int id_alloc(struct id_bitmap *ids, u32 *out)
{
	int err = id_alloc_lowest(ids, ids->next, out);

	if (err && ids->next > ids->min)
		err = id_alloc_lowest(ids, ids->min, out);
	if (err)
		return err;
	ids->next = *out < ids->max ? *out + 1 : ids->min;
	return 0;
}

int id_reserve(struct id_bitmap *ids, u32 id)
{
	if (id < ids->min || id > ids->max)
		return -EINVAL;
	if (bit_test(ids->map, id))
		return -EEXIST;
	take(ids, id);
	return 0;
}

void id_free(struct id_bitmap *ids, u32 id)
{
	if (id_is_used(ids, id)) {
		bit_clear(ids->map, id);
		ids->used--;
	}
}

bool id_is_used(const struct id_bitmap *ids, u32 id)
{
	return id >= ids->min && id <= ids->max && bit_test(ids->map, id);
}
