// A server whose requests take as long as they are told to, and whose collections stop the world as long as a loop runs
// that cannot be interrupted (GODEBUG=asyncpreemptoff=1).
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

var sink int

func number(asked *http.Request, name string) int {
	value, _ := strconv.Atoi(asked.URL.Query().Get(name))
	return value
}

//go:noinline
func spin(iterations int) {
	for i := 0; i < iterations; i++ {
		sink += i ^ (sink << 1)
	}
}

func main() {
	debug.SetGCPercent(-1)
	http.HandleFunc("/sleep", func(answer http.ResponseWriter, asked *http.Request) {
		time.Sleep(time.Duration(number(asked, "ms")) * time.Millisecond)
		fmt.Fprint(answer, "slept")
	})
	http.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	http.HandleFunc("/hijack", func(answer http.ResponseWriter, _ *http.Request) {
		connection, _, _ := answer.(http.Hijacker).Hijack()
		connection.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		connection.Close()
	})
	// Answers how often and how long (ns) the runtime says that it stopped the world meanwhile.
	http.HandleFunc("/collect", func(answer http.ResponseWriter, asked *http.Request) {
		var before, after debug.GCStats
		debug.ReadGCStats(&before)
		began := time.Now()
		spin(10000000)
		iterations := int(time.Duration(number(asked, "ms")) * time.Millisecond * 10000000 / time.Since(began))
		for i := 0; i < number(asked, "n"); i++ {
			running, done := make(chan bool), make(chan bool)
			go func() { running <- true; spin(iterations); done <- true }()
			<-running
			runtime.GC()
			<-done
		}
		debug.ReadGCStats(&after)
		fmt.Fprint(answer, after.NumGC-before.NumGC, " ", int64(after.PauseTotal-before.PauseTotal))
	})
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, nil)
}
