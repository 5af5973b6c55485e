// SPDX-License-Identifier: Apache-2.0

// ttrpc-peer is containerd's ttrpc as a client and as a server of calls whose messages are given as bytes.
//
//	ttrpc-peer call SOCKET SERVICE METHOD BASE64 [TIMES]   the answer in base64, or the status and 1; TIMES calls at once
//	ttrpc-peer serve SOCKET                                test.Service: Echo, Fail, Big, Never; until standard input ends
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/containerd/ttrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const patience = time.Minute

// A message is any protobuf: what Empty does not know it keeps and gives back as it was.
func message(bytes []byte) (*emptypb.Empty, error) {
	m := new(emptypb.Empty)
	return m, proto.Unmarshal(bytes, m)
}

func die(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "ttrpc-peer: "+format+"\n", values...)
	os.Exit(1)
}

func call(socket, service, method, text string, times int) error {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	request, err := message(bytes)
	if err != nil {
		return err
	}
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	client := ttrpc.NewClient(connection)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	answers, failures := make([]emptypb.Empty, times), make([]error, times)
	var group sync.WaitGroup
	for i := range times {
		group.Go(func() {
			failures[i] = client.Call(ctx, service, method, request, &answers[i])
		})
	}
	group.Wait()
	for _, failure := range failures {
		if failure != nil {
			return failure
		}
	}
	for i := range answers {
		fmt.Println(base64.StdEncoding.EncodeToString(answers[i].ProtoReflect().GetUnknown()))
	}
	return nil
}

func echo(_ context.Context, unmarshal func(any) error) (any, error) {
	m := new(emptypb.Empty)
	return m, unmarshal(m)
}

// fail takes why it should, as field 1.
func fail(_ context.Context, unmarshal func(any) error) (any, error) {
	why := new(wrapperspb.StringValue)
	if err := unmarshal(why); err != nil {
		return nil, err
	}
	return nil, status.Error(codes.FailedPrecondition, "no: "+why.Value)
}

// big answers as many bytes as the message says.
func big(_ context.Context, unmarshal func(any) error) (any, error) {
	text := new(wrapperspb.StringValue)
	if err := unmarshal(text); err != nil {
		return nil, err
	}
	size, err := strconv.Atoi(text.Value)
	if err != nil {
		return nil, err
	}
	return wrapperspb.Bytes(make([]byte, size)), nil
}

// never ends when the caller's time is over.
func never(ctx context.Context, _ func(any) error) (any, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func serve(socket string) error {
	server, err := ttrpc.NewServer()
	if err != nil {
		return err
	}
	server.RegisterService("test.Service", &ttrpc.ServiceDesc{
		Methods: map[string]ttrpc.Method{"Echo": echo, "Fail": fail, "Big": big, "Never": never},
	})
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	go func() {
		io.Copy(io.Discard, os.Stdin)
		server.Close()
	}()
	if err := server.Serve(context.Background(), listener); !errors.Is(err, ttrpc.ErrServerClosed) {
		return err
	}
	return nil
}

func main() {
	var err error
	arguments := os.Args[1:]
	switch {
	case len(arguments) == 2 && arguments[0] == "serve":
		err = serve(arguments[1])
	case len(arguments) == 5 && arguments[0] == "call":
		err = call(arguments[1], arguments[2], arguments[3], arguments[4], 1)
	case len(arguments) == 6 && arguments[0] == "call":
		var times int
		if times, err = strconv.Atoi(arguments[5]); err == nil {
			err = call(arguments[1], arguments[2], arguments[3], arguments[4], times)
		}
	default:
		fmt.Fprintln(os.Stderr, "usage: ttrpc-peer call SOCKET SERVICE METHOD BASE64 [TIMES] | serve SOCKET")
		os.Exit(2)
	}
	if s, ok := status.FromError(err); err != nil && ok {
		die("%s: %s", s.Code(), s.Message())
	}
	if err != nil {
		die("%v", err)
	}
}
