// The flags of `up`.
package supervisor

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// options says what cluster to start; the zero value is a plain one, without
// watch-list.
type options struct {
	dir               string   // logs and kubeconfig; empty: the temporary directory
	watchList         bool     // whether the API server offers watch-list
	noWatchCache      []string // resources served from etcd, as "configmaps" or "deployments.apps"
	apiAll            bool     // also alpha and beta APIs
	featureGates      []string // each "Name=true" or "Name=false"
	apiserverFlags    []string // passed to kube-apiserver as they are, last
	controllerManager bool
	kubelet           bool
}

// parseOptions reads the flags of `up`; it has already written what is wrong
// to errors when it fails.
func parseOptions(arguments []string, errors io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("portolan-cluster up", flag.ContinueOnError)
	flags.SetOutput(errors)
	flags.StringVar(&o.dir, "dir", "", "`directory` for logs and kubeconfig, kept on exit (default: a temporary one, removed)")
	flags.BoolVar(&o.watchList, "watch-list", true, "whether the API server offers watch-list")
	flags.Var((*list)(&o.noWatchCache), "no-watch-cache", "`resource` served without a watch cache, so that compaction shows as 410; may be repeated")
	flags.BoolVar(&o.apiAll, "api-all", false, "serve alpha and beta APIs too")
	flags.Var((*list)(&o.featureGates), "feature-gates", "`Name=true,...` for the API server")
	flags.Var((*verbatim)(&o.apiserverFlags), "apiserver-flag", "`--flag=value` passed to kube-apiserver; may be repeated")
	flags.BoolVar(&o.controllerManager, "controller-manager", false, "run kube-controller-manager too")
	flags.BoolVar(&o.kubelet, "kubelet", false, "run a small kubelet too, as the node node-1: the commands of Pods bound to it run on this machine as you")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q: up takes flags only", flags.Arg(0))
		fmt.Fprintln(errors, err)
		return o, err
	}
	return o, nil
}

// list is a flag that may be repeated and whose values are split at commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(text string) error {
	for _, item := range strings.Split(text, ",") {
		if item == "" {
			return fmt.Errorf("empty item in %q", text)
		}
		*l = append(*l, item)
	}
	return nil
}

// verbatim is a flag that may be repeated and whose values are kept whole.
type verbatim []string

func (v *verbatim) String() string { return strings.Join(*v, " ") }

func (v *verbatim) Set(text string) error {
	*v = append(*v, text)
	return nil
}
