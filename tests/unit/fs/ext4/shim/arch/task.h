#pragma once
struct regs {
	long a0;
};
struct arch_task {
	long nothing;
};
