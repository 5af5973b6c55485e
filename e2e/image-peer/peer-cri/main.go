// SPDX-License-Identifier: Apache-2.0

// peer-cri asks a container runtime for an image as the kubelet does, through the Container Runtime Interface.
//
//	peer-cri SOCKET pull IMAGE      prints the image's id
//	peer-cri SOCKET remove IMAGE
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const patience = time.Minute

func run(words []string) error {
	if len(words) != 3 {
		return errors.New("usage: peer-cri SOCKET pull|remove IMAGE")
	}
	connection, err := grpc.NewClient("unix://"+words[0], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	images := runtime.NewImageServiceClient(connection)
	image := &runtime.ImageSpec{Image: words[2]}
	switch words[1] {
	case "pull":
		answer, err := images.PullImage(ctx, &runtime.PullImageRequest{Image: image})
		if err == nil {
			fmt.Println(answer.GetImageRef())
		}
		return err
	case "remove":
		_, err := images.RemoveImage(ctx, &runtime.RemoveImageRequest{Image: image})
		return err
	}
	return errors.New("there are pull and remove, not " + words[1])
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer-cri:", err)
		os.Exit(1)
	}
}
