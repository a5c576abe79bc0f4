// The cluster's own certificates and keys: a CA, the API server's serving
// certificate, an administrator's client certificate, the service-account keys.
package supervisor

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"
)

// pki holds everything as PEM.
type pki struct {
	ca                           []byte
	serverCertificate, serverKey []byte
	adminCertificate, adminKey   []byte
	serviceAccountPublic         []byte // the API server wants the public half alone here
	serviceAccountKey            []byte
}

// newPKI makes a fresh set, valid for a day from now.
func newPKI(now time.Time) (pki, error) {
	var made pki
	authority, err := newAuthority(now)
	if err != nil {
		return made, fmt.Errorf("making the CA: %w", err)
	}
	made.ca = pemOf("CERTIFICATE", authority.certificate.Raw)
	var errs [3]error
	made.serverCertificate, made.serverKey, errs[0] = authority.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	})
	made.adminCertificate, made.adminKey, errs[1] = authority.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "portolan-admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	made.serviceAccountPublic, made.serviceAccountKey, errs[2] = newKeyPair()
	return made, errors.Join(errs[:]...)
}

// authority is a CA that signs.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	serial      int64
}

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "portolan-test-ca"},
		NotBefore:             now.Add(-time.Hour), // clocks differ a little
		NotAfter:              now.Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate, key, 1}, err
}

// issue completes template and signs it for a new key; both are returned as PEM.
func (a *authority) issue(template *x509.Certificate) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	a.serial++
	template.SerialNumber = big.NewInt(a.serial)
	template.NotBefore, template.NotAfter = a.certificate.NotBefore, a.certificate.NotAfter
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("signing for %s: %w", template.Subject.CommonName, err)
	}
	key, err = privatePEM(private)
	return pemOf("CERTIFICATE", der), key, err
}

func newKeyPair() (public, private []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, nil, err
	}
	private, err = privatePEM(key)
	return pemOf("PUBLIC KEY", der), private, err
}

func privatePEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	return pemOf("EC PRIVATE KEY", der), err
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
