// Tests of the certificates: a TLS server and client made of them shake hands.
package supervisor

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestClientAndServerTrustEachOther(t *testing.T) {
	made, err := newPKI(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(made.ca) {
		t.Fatal("the CA is not a PEM certificate")
	}
	serving := pair(t, made.serverCertificate, made.serverKey)
	var groups []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		groups = r.TLS.PeerCertificates[0].Subject.Organization
	}))
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{serving},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}
	server.StartTLS()
	defer server.Close()

	admin := pair(t, made.adminCertificate, made.adminKey)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:      pool,
		Certificates: []tls.Certificate{admin},
	}}}
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if len(groups) != 1 || groups[0] != "system:masters" {
		t.Fatalf("the administrator's groups are %q", groups)
	}
}

func TestServingCertificateNamesLoopback(t *testing.T) {
	made, err := newPKI(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(made.serverCertificate)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		if err := certificate.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if certificate.VerifyHostname("example.com") == nil {
		t.Error("the certificate also names example.com")
	}
}

func TestServiceAccountPublicHalfIsAPublicKey(t *testing.T) {
	made, err := newPKI(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(made.serviceAccountPublic)
	if block == nil || block.Type != "PUBLIC KEY" {
		t.Fatalf("got %+v", block)
	}
	if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		t.Fatal(err)
	}
}

func pair(t *testing.T, certificate, key []byte) tls.Certificate {
	t.Helper()
	made, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}
