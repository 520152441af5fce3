/* Spends its time 70 : 20 : 10 in three functions, below two that do nothing else. With an argument dive() first
 * calls itself so many times. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile unsigned long sink;

/* One loop for all three: two copies of it may lie differently in a CPU's caches, and then one is twice as fast. It calls
 * something, since compilers give no frame to a function that does not, and its caller is then missed. */
__attribute__((noipa)) void step(long at) { sink += at; }
__attribute__((noipa)) void spend(long rounds) { for (long i = 0; i < rounds; i++) step(i); }

__attribute__((noinline)) void seventy(void) { spend(70000); sink += 1; }
__attribute__((noinline)) void twenty(void) { spend(20000); sink += 1; }
__attribute__((noinline)) void ten(void) { spend(10000); sink += 1; }

__attribute__((noinline)) void handle(void)
{
	seventy();
	twenty();
	ten();
	sink += 1; /* or the last call would be a jump, and the caller not be on the stack */
}

__attribute__((noinline)) void serve(void)
{
	for (;;)
		handle();
}

__attribute__((noinline)) void dive(long depth)
{
	if (depth)
		dive(depth - 1);
	else
		serve();
	sink += depth;
}

int main(int count, char **arguments)
{
	puts("ready");
	fflush(stdout);
	dive(count > 1 ? atol(arguments[1]) : 0);
	return 0;
}
