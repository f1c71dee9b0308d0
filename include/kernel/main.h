#pragma once
/* The portable start: called by arch as the boot task, never returns. */
void kernel_main(void);
