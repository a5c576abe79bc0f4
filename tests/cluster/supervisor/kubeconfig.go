// The kubeconfig the cluster hands out: one context, credentials inline.
package supervisor

import (
	"encoding/base64"
	"fmt"
)

// kubeconfig is the YAML of a file whose context `portolan` is the
// administrator at server.
func kubeconfig(server string, keys pki) []byte {
	inline := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: portolan
clusters:
- name: portolan
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: portolan-admin
  user:
    client-certificate-data: %s
    client-key-data: %s
contexts:
- name: portolan
  context:
    cluster: portolan
    user: portolan-admin
`, server, inline(keys.ca), inline(keys.adminCertificate), inline(keys.adminKey))
}
