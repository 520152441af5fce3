// As shares.c, in three goroutines' work one after the other.
package main

import "fmt"

var sink uint64

//go:noinline
func step(at uint64) { sink += at }

//go:noinline
func spend(rounds uint64) {
	for i := uint64(0); i < rounds; i++ {
		step(i)
	}
}

//go:noinline
func seventy() { spend(70000); sink++ }

//go:noinline
func twenty() { spend(20000); sink++ }

//go:noinline
func ten() { spend(10000); sink++ }

func main() {
	fmt.Println("ready")
	done := make(chan bool)
	go func() {
		for {
			seventy()
			twenty()
			ten()
		}
	}()
	<-done
}
