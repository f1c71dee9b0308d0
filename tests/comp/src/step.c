/* A test of the basic group: its marks, and a line between. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "none";

	printf("========== START test_%s ==========\n", name);
	printf("pid > 0: %d\n", getpid() > 0);
	printf("========== END test_%s ==========\n", name);
	return 0;
}
