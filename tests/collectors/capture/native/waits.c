/* Waits in three places, and says for how long: sleeping, in a pipe that nobody writes to, for a mutex that is held. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile unsigned long sink;

static double now(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

__attribute__((noipa)) void sleep_long(void)
{
	struct timespec time = {0, 30000000};
	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
	sink++;
}

__attribute__((noipa)) void poll_pipe(int end)
{
	struct pollfd pipe = {end, POLLIN, 0};
	poll(&pipe, 1, 15);
	sink++;
}

__attribute__((noipa)) void wait_for_lock(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	sink++;
}

static void *hold_lock(void *unused)
{
	struct timespec held = {0, 20000000}, free = {0, 1000000};
	for (;;) {
		pthread_mutex_lock(&mutex);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &held, NULL);
		pthread_mutex_unlock(&mutex);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &free, NULL);
	}
	return unused;
}

int main(void)
{
	int ends[2];
	pthread_t holder;
	double slept = 0, polled = 0, waited = 0, began;
	char asked;

	if (pipe(ends) || pthread_create(&holder, NULL, hold_lock, NULL))
		return 1;
	puts("ready");
	fflush(stdout);
	if (read(0, &asked, 1) != 1)
		return 1;
	for (int round = 0; round < 20; round++) {
		began = now(), sleep_long(), slept += now() - began;
		began = now(), poll_pipe(ends[0]), polled += now() - began;
		began = now(), wait_for_lock(), waited += now() - began;
	}
	printf("%f %f %f\n", slept, polled, waited);
	fflush(stdout);
	read(0, &asked, 1);
	return 0;
}
