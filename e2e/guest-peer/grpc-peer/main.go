// SPDX-License-Identifier: Apache-2.0

// grpc-peer is Go's gRPC as a client of calls whose messages are plain bytes.
//
//	grpc-peer call ADDRESS /pkg.Service/Method BASE64 [TIMES]   the answer in base64, or the status and 1; TIMES calls at once
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

const patience = time.Minute

// plain gives messages that are *[]byte to the wire as they are. It goes by the name of the codec that it stands for,
// so that requests say application/grpc+proto as those of other clients.
type plain struct{}

func (plain) Name() string { return "proto" }

func (plain) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (plain) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = plain{}

func call(address, method, message string, times int) error {
	bytes, err := base64.StdEncoding.DecodeString(message)
	if err != nil {
		return err
	}
	client, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(plain{})))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	answers, failures := make([][]byte, times), make([]error, times)
	var group sync.WaitGroup
	for i := range times {
		group.Go(func() {
			failures[i] = client.Invoke(ctx, method, &bytes, &answers[i])
		})
	}
	group.Wait()
	for _, failure := range failures {
		if failure != nil {
			return failure
		}
	}
	for i := range answers {
		fmt.Println(base64.StdEncoding.EncodeToString(answers[i]))
	}
	return nil
}

func main() {
	arguments, times := os.Args[1:], 1
	if len(arguments) == 5 {
		times, _ = strconv.Atoi(arguments[4])
	}
	if len(arguments) < 4 || len(arguments) > 5 || arguments[0] != "call" || times < 1 {
		fmt.Fprintln(os.Stderr, "usage: grpc-peer call ADDRESS /pkg.Service/Method BASE64 [TIMES]")
		os.Exit(2)
	}
	err := call(arguments[1], arguments[2], arguments[3], times)
	if s, ok := status.FromError(err); err != nil && ok {
		fmt.Fprintf(os.Stderr, "grpc-peer: %s: %s\n", s.Code(), s.Message())
		os.Exit(1)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "grpc-peer: %v\n", err)
		os.Exit(1)
	}
}
