// Where the programs come from: this binary itself, or KUBEBUILDER_ASSETS.
package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
)

// programs finds the command line that starts a component.
type programs struct {
	self   string // this binary
	assets string // a directory of ready-made binaries, or empty
}

func findPrograms() (programs, error) {
	self, err := os.Executable()
	if err != nil {
		return programs{}, fmt.Errorf("finding this binary: %w", err)
	}
	found := programs{self, os.Getenv("KUBEBUILDER_ASSETS")}
	if found.assets == "" {
		return found, nil
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(found.assets, name)); err != nil {
			return found, fmt.Errorf("KUBEBUILDER_ASSETS: %w (unset it to use the built-in %s)", err, name)
		}
	}
	return found, nil
}

// argv is the command line of component with flags. The ready-made sets come
// without a controller manager, so that one may be missing there.
func (p programs) argv(component string, flags ...string) []string {
	if path, ok := p.asset(component); ok {
		return append([]string{path}, flags...)
	}
	return append([]string{p.self, component}, flags...)
}

// link makes path a symlink that runs component.
func (p programs) link(component, path string) error {
	target := p.self
	if asset, ok := p.asset(component); ok {
		target = asset
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.Symlink(target, path)
}

func (p programs) asset(component string) (path string, ok bool) {
	if p.assets == "" {
		return "", false
	}
	path = filepath.Join(p.assets, component)
	_, err := os.Stat(path)
	return path, err == nil
}
