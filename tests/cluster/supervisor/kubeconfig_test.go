// Tests of the kubeconfig: client-go reads it and finds what was put in.
package supervisor

import (
	"bytes"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

func TestClientGoReadsTheKubeconfig(t *testing.T) {
	keys, err := newPKI(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.Load(kubeconfig("https://127.0.0.1:1234", keys))
	if err != nil {
		t.Fatal(err)
	}
	if config.CurrentContext != "portolan" {
		t.Errorf("current context %q", config.CurrentContext)
	}
	rest, err := clientcmd.NewDefaultClientConfig(*config, nil).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	if rest.Host != "https://127.0.0.1:1234" || !bytes.Equal(rest.CAData, keys.ca) ||
		!bytes.Equal(rest.CertData, keys.adminCertificate) || !bytes.Equal(rest.KeyData, keys.adminKey) {
		t.Errorf("read back %+v", rest)
	}
}
