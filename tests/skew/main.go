// kube-apiserver and kube-controller-manager of an older minor version, for the
// cluster of tests/cluster to start in place of its own (KUBEBUILDER_ASSETS).
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// main is the program this binary is called as.
func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	default:
		fmt.Fprintf(os.Stderr, "call this kube-apiserver or kube-controller-manager, not %s\n", name)
		os.Exit(2)
	}
}
