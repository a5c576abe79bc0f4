// The Kubernetes and etcd programs this binary can turn into.
package main

import (
	"os"

	"portolan/tests/cluster/kubelet"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// runComponent runs the named program with arguments and returns its exit
// code; ok is false when there is no program of that name. Several of them
// read os.Args by themselves, so it is set as if the binary were theirs alone.
func runComponent(name string, arguments []string) (code int, ok bool) {
	switch name {
	case "etcd":
		os.Args = append([]string{name}, arguments...)
		etcdmain.Main(os.Args)
		return 0, true
	case "kube-apiserver":
		os.Args = append([]string{name}, arguments...)
		return cli.Run(apiserver.NewAPIServerCommand()), true
	case "kube-controller-manager":
		os.Args = append([]string{name}, arguments...)
		return cli.Run(controllermanager.NewControllerManagerCommand()), true
	case "kubelet":
		return kubelet.Run(arguments, os.Stderr), true
	case "kubectl":
		os.Args = append([]string{name}, arguments...)
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err) // prints and exits
		}
		return 0, true
	}
	return 0, false
}
