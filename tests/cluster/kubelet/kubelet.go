// Package kubelet is a small kubelet for tests: it runs the commands of the
// Pods bound to its node as processes of this machine, reports them running,
// and serves their logs, exec, attach and port-forward with Kubernetes' own
// code. There are no images and no isolation: a container is its command, in a
// directory of its own.
package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

type options struct {
	kubeconfig, node, bootID, directory string
	certificate, key, clientCA          string
	port                                int
}

// Run is the kubelet until a signal ends it; it returns the exit code.
func Run(arguments []string, errout io.Writer) int {
	var o options
	flags := flag.NewFlagSet("kubelet", flag.ContinueOnError)
	flags.SetOutput(errout)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "how to reach the API server")
	flags.StringVar(&o.node, "node", "", "`name` of its Node")
	flags.StringVar(&o.bootID, "boot-id", "", "what its Node is to say of this run")
	flags.StringVar(&o.directory, "directory", "", "where the containers' `directories` are")
	flags.StringVar(&o.certificate, "tls-cert-file", "", "serving certificate")
	flags.StringVar(&o.key, "tls-private-key-file", "", "its key")
	flags.StringVar(&o.clientCA, "client-ca-file", "", "who may ask: bearers of certificates of this CA")
	flags.IntVar(&o.port, "port", 0, "port on 127.0.0.1")
	if err := flags.Parse(arguments); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(errout, "kubelet:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, o options) error {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	listener, err := listen(o)
	if err != nil {
		return err
	}
	pods := newPods(client, o.node, o.directory)
	defer pods.close()
	server := &http.Server{Handler: handler(pods)}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := register(ctx, client, o); err != nil {
		return err
	}
	pods.watch(ctx)
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listen takes connections of clients of the cluster alone: whoever may ask
// can run anything here.
func listen(o options) (net.Listener, error) {
	certificate, err := tls.LoadX509KeyPair(o.certificate, o.key)
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(o.clientCA)
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", o.clientCA)
	}
	return tls.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", o.port), &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"}, // upgrades are of HTTP/1.1
	})
}

// register makes the Node, which says where the API server finds us.
func register(ctx context.Context, client kubernetes.Interface, o options) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: o.node, Labels: map[string]string{corev1.LabelHostname: o.node},
	}}
	made, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		made, err = client.CoreV1().Nodes().Get(ctx, o.node, metav1.GetOptions{})
	}
	if err != nil {
		return err
	}
	made.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	made.Status.NodeInfo.BootID = o.bootID
	made.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(o.port)
	made.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	_, err = client.CoreV1().Nodes().UpdateStatus(ctx, made, metav1.UpdateOptions{})
	return err
}

func containerDirectory(directory string, pod *corev1.Pod, container string) string {
	return filepath.Join(directory, string(pod.UID), container)
}
