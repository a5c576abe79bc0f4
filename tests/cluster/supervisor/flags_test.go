// Tests of the command lines.
package supervisor

import (
	"slices"
	"testing"
)

func TestOptionsBecomeServerFlags(t *testing.T) {
	flags := apiserverFlags(layout{apiPort: 1}, options{
		noWatchCache:   []string{"configmaps", "deployments.apps"},
		featureGates:   []string{"A=true"},
		apiAll:         true,
		apiserverFlags: []string{"--v=4"},
	})
	for _, want := range []string{
		"--watch-cache-sizes=configmaps#0,deployments.apps#0",
		"--feature-gates=WatchList=false,A=true",
		"--runtime-config=api/all=true",
		"--v=4",
	} {
		if !slices.Contains(flags, want) {
			t.Errorf("%s is missing in %q", want, flags)
		}
	}
}

func TestPlainServerHasNoExtraFlags(t *testing.T) {
	plain := apiserverFlags(layout{}, options{watchList: true})
	if !slices.Contains(plain, "--feature-gates=WatchList=true") {
		t.Error(plain)
	}
	if got := len(apiserverFlags(layout{}, options{apiAll: true})); got != len(plain)+1 {
		t.Errorf("%d flags, plain %d", got, len(plain))
	}
}
