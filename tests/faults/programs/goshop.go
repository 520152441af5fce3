// A TCP server that does some work for each line and answers ok: `goshop PORT DEBUG-PORT [options]`. Its profiles and
// Prometheus' page of its runtime are at the second port.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

var (
	garbage = flag.Int("garbage", 0, "bytes that a request allocates")
	live    = flag.Int("live", 0, "objects that are kept all along")
	leak    = flag.Bool("leak", false, "a request starts a goroutine that never ends")
	held    = flag.Duration("held", 0, "how long a request sleeps with the one lock held")
	compute = flag.Duration("compute", 0, "CPU time of a request")
	asleep  = flag.Int("asleep", 0, "goroutines that wait for work all along")
	web     = flag.Bool("http", false, "serve HTTP at the first port")
	idle    = flag.Duration("idle", 0, "its idle timeout; none by default, as in Go")
	callers = flag.Int("callers", 0, "goroutines that call the first port, which serves HTTP, all the time")
	fresh   = flag.Bool("fresh", false, "they open a connection for each call")
	pingers = flag.Int("pingers", 0, "pairs of threads that wake one another all the time")
)

var (
	orders sync.Mutex
	kept   []*[64]byte
	sink   []byte
)

//go:noinline
func allocate(bytes int) {
	for left := bytes; left > 0; left -= 512 {
		sink = make([]byte, 512)
	}
}

//go:noinline
func reserve(hold time.Duration) {
	orders.Lock()
	time.Sleep(hold)
	orders.Unlock()
}

//go:noinline
func notify() {
	answers := make(chan int)
	go func() { answers <- 1 }()
}

func spin(long time.Duration) {
	for until := time.Now().Add(long); time.Now().Before(until); {
	}
}

func handle(connection net.Conn) {
	defer connection.Close()
	for lines := bufio.NewScanner(connection); lines.Scan(); {
		allocate(*garbage)
		spin(*compute)
		if *held > 0 {
			reserve(*held)
		}
		if *leak {
			notify()
		}
		fmt.Fprintln(connection, "ok")
	}
}

func echo(in, out chan int) {
	runtime.LockOSThread()
	for {
		out <- <-in
	}
}

func call(url string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: *fresh, MaxIdleConnsPerHost: *callers}}
	for {
		if answer, err := client.Get(url); err == nil {
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func serve(listener net.Listener, port string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, "ok") })
	for i := 0; i < *callers; i++ {
		go call("http://127.0.0.1:" + port + "/")
	}
	server := &http.Server{Handler: mux, IdleTimeout: *idle, ReadHeaderTimeout: *idle}
	panic(server.Serve(listener))
}

func metrics(answer http.ResponseWriter, _ *http.Request) {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Fprintf(answer, "go_gc_duration_seconds_sum %g\n", float64(stats.PauseTotalNs)/1e9)
	fmt.Fprintf(answer, "go_gc_duration_seconds_count %d\n", stats.NumGC)
	fmt.Fprintf(answer, "go_memstats_heap_alloc_bytes %d\n", stats.HeapAlloc)
	fmt.Fprintf(answer, "go_memstats_next_gc_bytes %d\n", stats.NextGC)
	fmt.Fprintf(answer, "go_memstats_gc_cpu_fraction %g\n", stats.GCCPUFraction)
	fmt.Fprintf(answer, "go_memstats_last_gc_time_seconds %g\n", float64(stats.LastGC)/1e9)
	fmt.Fprintf(answer, "go_sched_gomaxprocs_threads %d\n", runtime.GOMAXPROCS(0))
}

func main() {
	port, debugPort := os.Args[1], os.Args[2]
	flag.CommandLine.Parse(os.Args[3:])
	debug.SetMaxThreads(1000)
	runtime.SetMutexProfileFraction(10)
	for i := 0; i < *live; i++ {
		kept = append(kept, new([64]byte))
	}
	for i := 0; i < *asleep; i++ {
		go func() { <-make(chan int) }()
	}
	for i := 0; i < *pingers; i++ {
		there, back := make(chan int), make(chan int)
		go echo(there, back)
		go echo(back, there)
		there <- 1
	}
	http.HandleFunc("/metrics", metrics)
	go http.ListenAndServe("127.0.0.1:"+debugPort, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		panic(err)
	}
	if *web {
		serve(listener, port)
	}
	for {
		connection, err := listener.Accept()
		if err == nil {
			go handle(connection)
		}
	}
}
