// The command lines of etcd, kube-apiserver, kube-controller-manager and the kubelet.
package supervisor

import (
	"fmt"
	"path/filepath"
	"strings"
)

// layout says where this run's files and ports are.
type layout struct {
	dir                         string // for people: logs, kubeconfig
	scratch                     string // for the programs: data, keys; removed on exit
	etcdPort, peerPort, apiPort int
	controllerManagerPort       int
	kubeletPort                 int
}

func (l layout) server() string     { return fmt.Sprintf("https://127.0.0.1:%d", l.apiPort) }
func (l layout) etcd() string       { return fmt.Sprintf("http://127.0.0.1:%d", l.etcdPort) }
func (l layout) kubeconfig() string { return filepath.Join(l.dir, "kubeconfig") }
func (l layout) key(name string) string {
	return filepath.Join(l.scratch, "pki", name)
}

func etcdFlags(l layout) []string {
	peer := fmt.Sprintf("http://127.0.0.1:%d", l.peerPort)
	return []string{
		"--name=portolan",
		"--data-dir=" + filepath.Join(l.scratch, "etcd"),
		"--listen-client-urls=" + l.etcd(),
		"--advertise-client-urls=" + l.etcd(),
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=portolan=" + peer,
		"--unsafe-no-fsync", // the data dies with the run
		"--log-level=warn",
	}
}

func apiserverFlags(l layout, o options) []string {
	flags := []string{
		"--etcd-servers=" + l.etcd(),
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", l.apiPort),
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + l.key("server.crt"),
		"--tls-private-key-file=" + l.key("server.key"),
		"--client-ca-file=" + l.key("ca.crt"),
		"--token-auth-file=" + l.key("tokens.csv"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + l.key("service-account.pub"),
		"--service-account-signing-key-file=" + l.key("service-account.key"),
		"--authorization-mode=RBAC",
		"--allow-privileged=true",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--disable-admission-plugins=ServiceAccount",
		"--profiling=false",
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-client-certificate=" + l.key("admin.crt"),
		"--kubelet-client-key=" + l.key("admin.key"),
		fmt.Sprintf("--feature-gates=%s", strings.Join(
			append([]string{fmt.Sprintf("WatchList=%t", o.watchList)}, o.featureGates...), ",")),
	}
	if len(o.noWatchCache) > 0 {
		flags = append(flags, "--watch-cache-sizes="+strings.Join(o.noWatchCache, "#0,")+"#0")
	}
	if o.apiAll {
		flags = append(flags, "--runtime-config=api/all=true")
	}
	return append(flags, o.apiserverFlags...)
}

// The controllers worth having without a kubelet: those that make objects out
// of objects, and those that delete them.
const controllers = "deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller," +
	"job-controller,garbage-collector-controller,namespace-controller,serviceaccount-controller," +
	"endpointslice-controller,disruption-controller"

func controllerManagerFlags(l layout) []string {
	return []string{
		"--kubeconfig=" + l.kubeconfig(),
		"--leader-elect=false",
		"--controllers=" + controllers,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", l.controllerManagerPort),
		"--cert-dir=" + filepath.Join(l.scratch, "controller-manager"),
		"--service-account-private-key-file=" + l.key("service-account.key"),
		"--root-ca-file=" + l.key("ca.crt"),
	}
}

// kubeletNode is the Node the kubelet makes itself.
const kubeletNode = "node-1"

func kubeletFlags(l layout, bootID string) []string {
	return []string{
		"--kubeconfig=" + l.kubeconfig(),
		"--node=" + kubeletNode,
		"--boot-id=" + bootID,
		"--directory=" + filepath.Join(l.scratch, "containers"),
		"--tls-cert-file=" + l.key("server.crt"),
		"--tls-private-key-file=" + l.key("server.key"),
		"--client-ca-file=" + l.key("ca.crt"),
		fmt.Sprintf("--port=%d", l.kubeletPort),
	}
}
