/* Needs the loader and a library where the ELF file says they are. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	printf("dynamic ok\n");
	printf("terminal %d\n", isatty(1));
	return 0;
}
