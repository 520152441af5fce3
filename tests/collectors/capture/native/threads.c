#define _GNU_SOURCE
/* So many threads that take turns with short work and short sleeps. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile unsigned long sink;

__attribute__((noipa)) void turn(void)
{
	for (long i = 0; i < 20000; i++)
		sink += i;
}

static void *work(void *number)
{
	char name[16];

	snprintf(name, sizeof(name), "worker-%ld", (long)number % 60);
	pthread_setname_np(pthread_self(), name);
	for (;;) {
		turn();
		usleep(200000);
	}
	return NULL;
}

int main(int count, char **arguments)
{
	pthread_t thread;

	for (long number = 0; number < (count > 1 ? atol(arguments[1]) : 1); number++)
		if (pthread_create(&thread, NULL, work, (void *)number))
			return 1;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
