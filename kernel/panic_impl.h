#pragma once
/* What the inter-hart interrupts of a panic or a sysrq do. */

/* Prints what this hart does and halts it. */
void panic_stop_self(void);
/* Prints what this hart does. */
void panic_backtrace_self(void);
