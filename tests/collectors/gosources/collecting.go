// A server that collects garbage when it is asked, with its profiles; with "vars" as expvar's variables, too.
package main

import (
	"expvar"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
)

var kept []byte

func main() {
	debug.SetGCPercent(-1)
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	if len(os.Args) > 2 {
		mux.Handle("/debug/vars", expvar.Handler())
	}
	// Answers how long (ns) the collections that were asked for stopped the program, by the runtime's own account.
	mux.HandleFunc("/collect", func(answer http.ResponseWriter, asked *http.Request) {
		var before, after debug.GCStats
		count, _ := strconv.Atoi(asked.URL.Query().Get("n"))
		debug.ReadGCStats(&before)
		for i := 0; i < count; i++ {
			runtime.GC()
		}
		debug.ReadGCStats(&after)
		fmt.Fprint(answer, int64(after.PauseTotal-before.PauseTotal))
	})
	mux.HandleFunc("/keep", func(_ http.ResponseWriter, asked *http.Request) {
		bytes, _ := strconv.Atoi(asked.URL.Query().Get("n"))
		kept = make([]byte, bytes)
	})
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, mux)
}
