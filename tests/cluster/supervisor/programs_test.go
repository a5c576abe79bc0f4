// Tests of finding the programs.
package supervisor

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestWithoutAssetsTheBinaryIsEverything(t *testing.T) {
	t.Setenv("KUBEBUILDER_ASSETS", "")
	found, err := findPrograms()
	if err != nil {
		t.Fatal(err)
	}
	if got := found.argv("etcd", "--x"); !reflect.DeepEqual(got, []string{found.self, "etcd", "--x"}) {
		t.Fatal(got)
	}
}

func TestAssetsAreUsed(t *testing.T) {
	assets := t.TempDir()
	t.Setenv("KUBEBUILDER_ASSETS", assets)
	if _, err := findPrograms(); err == nil || !strings.Contains(err.Error(), "etcd") {
		t.Fatalf("an empty directory was accepted: %v", err)
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if err := os.WriteFile(filepath.Join(assets, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	found, err := findPrograms()
	if err != nil {
		t.Fatal(err)
	}
	if got := found.argv("etcd"); got[0] != filepath.Join(assets, "etcd") {
		t.Fatal(got)
	}
	if got := found.argv("kube-controller-manager"); got[0] != found.self {
		t.Fatal(got)
	}
}
