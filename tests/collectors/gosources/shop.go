// A program of known shares of CPU, memory and locks that serves its profiles.
package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

var sink int
var kept [][]byte

//go:noinline
func spin(n int) {
	for i := 0; i < n; i++ {
		sink += i ^ (sink << 1)
	}
}

//go:noinline
func seventy() { spin(70000) }

//go:noinline
func twenty() { spin(20000) }

//go:noinline
func ten() { spin(10000) }

//go:noinline
func waste(bytes int) []byte { return make([]byte, bytes) }

//go:noinline
func hold(lock *sync.Mutex, time_ time.Duration) {
	lock.Lock()
	time.Sleep(time_)
	lock.Unlock()
}

func number(asked *http.Request) int {
	value, _ := strconv.Atoi(asked.URL.Query().Get("n"))
	return value
}

func main() {
	runtime.MemProfileRate = 1
	runtime.SetMutexProfileFraction(1)
	runtime.SetBlockProfileRate(1)
	http.HandleFunc("/waste", func(_ http.ResponseWriter, asked *http.Request) { waste(number(asked)) })
	http.HandleFunc("/keep", func(_ http.ResponseWriter, asked *http.Request) {
		kept = append(kept, waste(number(asked)))
	})
	http.HandleFunc("/contend", func(_ http.ResponseWriter, asked *http.Request) {
		var lock sync.Mutex
		var both sync.WaitGroup
		for i := 0; i < 2; i++ {
			both.Add(1)
			go func() { hold(&lock, time.Duration(number(asked))*time.Millisecond); both.Done() }()
		}
		both.Wait()
	})
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	if len(os.Args) > 2 {
		go func() {
			for {
				seventy()
				twenty()
				ten()
			}
		}()
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, nil)
}
