// One binary that is etcd, kube-apiserver, kube-controller-manager, kubectl and a small kubelet,
// and the supervisor (`up`) that starts a small real cluster of them for tests.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"portolan/tests/cluster/supervisor"
)

const usage = `usage: portolan-cluster up [flags]      start a cluster; "up -h" lists the flags
       portolan-cluster etcd|kube-apiserver|kube-controller-manager|kubelet|kubectl ...
A symlink named after one of these programs is that program.`

func main() {
	if code, ok := runComponent(filepath.Base(os.Args[0]), os.Args[1:]); ok {
		os.Exit(code)
	}
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	name, arguments := os.Args[1], os.Args[2:]
	if name == "up" {
		os.Exit(supervisor.Up(arguments, os.Stdin, os.Stdout, os.Stderr))
	}
	if code, ok := runComponent(name, arguments); ok {
		os.Exit(code)
	}
	fmt.Fprintf(os.Stderr, "portolan-cluster: no program is called %q\n%s\n", name, usage)
	os.Exit(2)
}
