// A program that listens, and serves no profiles.
package main

import (
	"fmt"
	"net"
)

func main() {
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, _ := listener.Accept()
		connection.Close()
	}
}
