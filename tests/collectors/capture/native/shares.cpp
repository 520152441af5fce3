// As shares.c, in a namespace and a template, so that names are mangled.
#include <cstdio>

static volatile unsigned long sink;

namespace shop {
__attribute__((noipa)) void step(long at) { sink += at; }
__attribute__((noipa)) void loop(long rounds) { for (long i = 0; i < rounds; i++) step(i); }
template <long Rounds> __attribute__((noinline)) void spend() { loop(Rounds); sink += 1; }

struct Basket {
	__attribute__((noipa)) void price(int, const char *)
	{
		spend<70000>();
		spend<20000>();
		spend<10000>();
		sink += 1;
	}
};
} // namespace shop

int main()
{
	shop::Basket basket;
	puts("ready");
	fflush(stdout);
	for (;;)
		basket.price(1, "");
}
