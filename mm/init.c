/* init - brings memory management up, in the order of its dependencies. */
#include <mm/init.h>
#include "mm_impl.h"

void mm_init(void)
{
	page_wait_init();
	page_alloc_init();
	slab_init();
	vmap_init();
	lru_init();
	mapping_cache_init();
	mm_cache_init();
}
