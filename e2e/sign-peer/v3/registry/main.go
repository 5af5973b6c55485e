// SPDX-License-Identifier: Apache-2.0

// Command registry serves go-containerregistry's registry, which keeps everything in memory and has the referrers API,
// as Debian's docker-registry has not. It prints its address and runs until it is ended.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	handler := registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0)))
	fmt.Fprintln(os.Stderr, http.Serve(listener, handler))
	os.Exit(1)
}
