// A server of fasthttp whose requests take as long as they are told to.
package main

import (
	"fmt"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

func main() {
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	fasthttp.Serve(listener, func(asked *fasthttp.RequestCtx) {
		ms, _ := asked.QueryArgs().GetUint("ms")
		time.Sleep(time.Duration(ms) * time.Millisecond)
		fmt.Fprint(asked, "slept")
	})
}
