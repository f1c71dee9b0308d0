#pragma once
/* Start-up of memory management, before INIT_MM: frames, slab, kernel maps,
 * the page cache's own caches. One hart, no sleep. */
void mm_init(void);
